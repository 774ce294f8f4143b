# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings for people, for machines (JSON, SARIF) and for the shell (exit code); the same for every storage system."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import REFUSED, Finding, Severity

ORDER = tuple(Severity)
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SARIF_LEVEL = {Severity.WARNING: "warning", Severity.NOTICE: "note"}


def exit_code(findings: Iterable[Finding]) -> int:
    """0: clean or notices only; 1: warnings; 2: errors, open doors or lock-outs. The codes of ``dcache check-config``."""
    severities = {finding.severity for finding in findings}
    if severities & REFUSED:
        return 2
    return 1 if Severity.WARNING in severities else 0


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, then by file and line."""
    return sorted(findings, key=lambda finding: (ORDER.index(finding.severity), finding.file, finding.line, finding.rule))


def as_dict(system: str, release: str, findings: Iterable[Finding]) -> dict[str, Any]:
    """The report as documented: files are relative to the root that was checked."""
    return {"system": system, "release": release, "findings": [finding.as_dict() for finding in by_severity(findings)]}


def as_json(system: str, release: str, findings: Iterable[Finding]) -> str:
    return json.dumps(as_dict(system, release, findings), indent=2, ensure_ascii=False) + "\n"


def as_sarif(system: str, release: str, findings: Iterable[Finding]) -> dict[str, Any]:
    """SARIF 2.1.0, for code review tools (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""
    ordered = by_severity(findings)
    rules: dict[str, dict[str, Any]] = {}
    for finding in ordered:
        rules.setdefault(
            finding.rule, {"id": finding.rule, "help": {"text": finding.source}, "properties": {"severity": finding.severity.value}}
        )
    index = {rule: position for position, rule in enumerate(rules)}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "escape.datalake", "rules": list(rules.values())}},
                "properties": {"system": system, "release": release},
                "originalUriBaseIds": {"ROOT": {"description": {"text": "root of the configuration tree"}}},
                "results": [_sarif_result(finding, index[finding.rule]) for finding in ordered],
            }
        ],
    }


def as_text(system: str, release: str, findings: Sequence[Finding]) -> str:
    """One paragraph for each finding, the worst first, then a line that counts them."""
    paragraphs = []
    for finding in by_severity(findings):
        place = f"{finding.file}:{finding.line}" if finding.line else finding.file
        paragraphs.append(f"{place}: {finding.severity.value} [{finding.rule}]\n  {finding.message}\n  -> {finding.remedy}\n")
    return "".join(paragraphs) + f"{system} {release}".rstrip() + f": {summary(findings)}\n"


def summary(findings: Iterable[Finding]) -> str:
    counts = dict.fromkeys(ORDER, 0)
    for finding in findings:
        counts[finding.severity] += 1
    words = [_count(severity, number) for severity, number in counts.items() if number]
    return ", ".join(words) if words else "no findings"


def _count(severity: Severity, number: int) -> str:
    word = {Severity.OPEN: "open door"}.get(severity, severity.value)
    return f"{number} {word}{'' if number == 1 else 's'}"


def _sarif_result(finding: Finding, index: int) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.file), "uriBaseId": "ROOT"}}
    if finding.line:
        location["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": SARIF_LEVEL.get(finding.severity, "error"),
        "message": {"text": f"{finding.message} {finding.remedy}"},
        "locations": [{"physicalLocation": location}],
        "properties": {"severity": finding.severity.value, "remedy": finding.remedy, "source": finding.source},
    }


def _uri(path: str) -> str:
    return "".join(
        char if char.isalnum() or char in "/._-~" else "".join(f"%{byte:02X}" for byte in char.encode(errors="replace")) for char in path
    )
