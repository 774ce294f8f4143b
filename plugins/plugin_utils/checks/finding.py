# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check says about a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    LOCK_OUT = "lock-out"  # nobody, or a whole class of users, can log in
    OPEN = "open"  # somebody can do what nobody allowed
    ERROR = "error"  # the service does not start or does not do what is declared
    WARNING = "warning"  # works today, breaks under a condition that is named
    NOTICE = "notice"  # worth knowing


REFUSED = frozenset({Severity.LOCK_OUT, Severity.OPEN, Severity.ERROR})


@dataclass(frozen=True)
class Finding:
    """rule: id of the rule. file, line: where (line 0 when the whole file is meant). source: where the fact comes from."""

    rule: str
    severity: Severity
    file: str
    line: int
    message: str
    remedy: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity.value} [{self.rule}] {self.message} {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON reports and task results."""
        return {**asdict(self), "severity": self.severity.value}


def refused(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that forbid writing a configuration."""
    return [finding for finding in findings if finding.severity in REFUSED]
