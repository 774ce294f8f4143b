# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``type:value`` names of identities in dCache's map files, ban files and provider options.

Sources: dCache GplazmaMultiMapFile.java, PrincipalPredicates.java, Subjects.principalsFromArgs, at tags 5.2.0 to 12.0.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GROUP_KINDS = frozenset({"gid", "group", "fqan"})
MULTIMAP_KINDS = frozenset(
    {"dn", "email", "gid", "group", "fqan", "kerberos", "oidc", "oidcgrp", "uid", "username", "entitlement", "op", "roles"}
)
OMNISESSION_KINDS = MULTIMAP_KINDS - {"op", "roles"}
SUBJECT_KINDS = frozenset({"dn", "gid", "kerberos", "fqan", "name", "origin", "oidc", "email", "uid", "user", "username", "group"})
ROLES = frozenset({"admin", "qos-user", "qos-group"})

_NUMBER = re.compile(r"[+-]?[0-9]+\Z", re.ASCII)
_FQAN = re.compile(
    r"/[a-z](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z](?:[a-z0-9-]*[a-z0-9])?)*(?:/[\w-]+)*(?:/Role=[\w-]+)?(?:/Capability=[\w-]+)?\Z", re.ASCII
)


@dataclass(frozen=True, order=True)
class Principal:
    """kind: word before the first colon. value: everything after it, with a ``,true`` or ``,false`` of a group kind still in it."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def name(self) -> str:
        """The value without the primary mark of a group kind."""
        return self.value.split(",", 1)[0] if self.kind in GROUP_KINDS else self.value

    @property
    def primary(self) -> bool | None:
        """Whether a group kind is marked as primary; None when nothing is said."""
        if self.kind not in GROUP_KINDS or "," not in self.value:
            return None
        return self.value.split(",", 1)[1].lower() == "true"


def split_principal(text: str) -> Principal:
    """``type:value``. Raises ValueError when the colon is missing."""
    kind, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f'"{text}" has no colon: a principal is TYPE:VALUE')
    return Principal(kind, value)


def is_number(text: str) -> bool:
    """Whether java.lang.Long.parseLong takes it."""
    return bool(_NUMBER.match(text)) and -(2**63) <= int(text) < 2**63


def is_fqan(text: str) -> bool:
    return bool(_FQAN.match(text))


def is_email(text: str) -> bool:
    """Near enough to dCache's EmailAddressPrincipal: something, one ``@``, a domain with a dot."""
    return bool(re.match(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z", text))
