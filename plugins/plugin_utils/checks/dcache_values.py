# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the value of a dCache property has the type that its readers need; ``dcache check-config`` looks at enumerated values only.

The type is inferred from the property's default (table of properties) and its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_rules as rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_data import Property
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Placed

PORT_NAME = re.compile(r"(?:^|[.\-])port(?:\.[a-z]+)?$")
RANGE_NAME = re.compile(r"port-range$")
INTEGER = re.compile(r"[+-]?\d+")
DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
MEMORY = re.compile(r"\d+[kKmMgGtT]?")
POOL_SIZE = re.compile(r"(?=[.\d])\d*(?:\.\d*)? ?[KMGTPEkmgtpe]?|-|Infinity")  # dCache DiskSpace.java, ByteSizeParser.java
DURATION = re.compile(r"[+-]?P(?=.)(?:[+-]?\d+D)?(?:T(?=.)(?:[+-]?\d+H)?(?:[+-]?\d+M)?(?:[+-]?\d+(?:\.\d+)?S)?)?", re.IGNORECASE)
ENDPOINTS = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d{1,5})?(?:\s*,\s*(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d{1,5})?)*(?:/\S*)?")
ENDPOINT_NAMES = re.compile(r"(?:bootstrap[.-]servers|^dcache\.zookeeper\.connection)$")
SCHEMES = {
    "jdbc": re.compile(r"jdbc:\S+"),
    "https": re.compile(r"https?://[^\s/]+\S*"),
    "ldap": re.compile(r"ldaps?://\S*(?:\s+ldaps?://\S*)*"),
    "mongodb": re.compile(r"mongodb(?:\+srv)?://\S+"),
}
URL_NAMES = (
    (re.compile(r"\.db(?:\.namespace)?\.url$"), "jdbc"),
    (re.compile(r"^gplazma\.ldap\.url$"), "ldap"),
    (re.compile(r"^pool\.plugins\.meta\.mongo\.url$"), "mongodb"),
    (re.compile(r"^(?:frontend\.authn\.oidc\.token-url|gplazma\.oidc-te\.url|gplazma\.alise\.endpoint)$"), "https"),
)
NOT_JDBC = frozenset({"alarms.db.url"})  # may be a file or "off"
RATE = re.compile(r"rate|fraction|margin|threshold")
COMMENT = re.compile(r"\s#+\s*\w.*")
TEXTS = re.compile(r"description|format|options|password|secret|title|static|html|[.-]name$")
PATH_LISTS = re.compile(r"\.authz\.(?:read|write|allowed)-paths$")
RELATIVE_ALLOWED = re.compile(r"static|^dcache\.restart|^xrootdAuthz|^dcache\.paths\.")


def check_value(entry: Property, value: str, placed: Placed) -> Iterator[Finding]:
    """value: expanded and trimmed. Enumerated values are left to the annotations."""
    if not value or entry.one_of or entry.any_of or "$" in value:
        return
    name = entry.name
    if COMMENT.search(value) and entry.default is not None and not TEXTS.search(name):
        yield _at(
            rules.COMMENT,
            placed,
            f"{name} = {value!r}: what stands behind the value is part of it.",
            "Put the comment on a line of its own.",
        )
        return
    found = (
        _port(entry, value, placed)
        or _number(entry, value, placed)
        or _size(name, value, placed)
        or _url(name, value, placed)
        or _path(entry, value, placed)
        or _tags(name, value, placed)
        or _paths(name, value, placed)
    )
    if found:
        yield found
    elif entry.kind == "iso-duration" and not DURATION.fullmatch(value):
        yield _at(rules.DURATION, placed, f"{name} = {value!r} is no ISO 8601 duration.", "Write, for example, PT10S or P1D.")


def _at(rule: rules.Rule, placed: Placed, message: str, remedy: str) -> Finding:
    return rule.at(placed.file, placed.assignment.line, message, remedy)


def _port(entry: Property, value: str, placed: Placed) -> Finding | None:
    if RANGE_NAME.search(entry.name):
        match = re.fullmatch(r"(\d+)[:\-](\d+)", value)
        if match and int(match[1]) <= int(match[2]) <= 65535:
            return None
        return _at(rules.PORT, placed, f"{entry.name} = {value!r} is no range of ports.", "Write FIRST:LAST, for example 20000:25000.")
    if entry.kind != "int" or not PORT_NAME.search(entry.name):
        return None
    if not re.fullmatch(r"\d+", value) or int(value) > 65535:
        return _at(
            rules.PORT, placed, f"{entry.name} = {value!r} is no port; the service does not start.", "Write a number from 1 to 65535."
        )
    return None


def _number(entry: Property, value: str, placed: Placed) -> Finding | None:
    if entry.kind not in ("int", "float") or "!je." in entry.name:
        return None
    decimal = entry.kind == "float" or RATE.search(entry.name)
    if (DECIMAL if decimal else INTEGER).fullmatch(value):
        return None
    unit = f" The unit goes into {entry.name}.unit." if re.fullmatch(r"\d+\s*[a-zA-Z]+", value) else ""
    return _at(
        rules.NUMBER,
        placed,
        f"{entry.name} = {value!r} is no {'number' if decimal else 'whole number'}; the service does not start.",
        f"Write a number such as {entry.default if entry.default and entry.default.isdigit() else 10}.{unit}",
    )


def _size(name: str, value: str, placed: Placed) -> Finding | None:
    if name in ("dcache.java.memory.heap", "dcache.java.memory.direct") and not MEMORY.fullmatch(value):
        return _at(
            rules.SIZE,
            placed,
            f"{name} = {value!r} is no amount of memory for Java; the domain does not start.",
            "Write, for example, 2048m or 4g.",
        )
    if name == "pool.size" and not POOL_SIZE.fullmatch(value):
        return _at(
            rules.SIZE,
            placed,
            f"pool.size = {value!r} is no size; the pool does not start.",
            f"Write `set max diskspace {value}` into the setup file of the pool instead."
            if value.endswith("%")
            else "Write, for example, 50T (a power of 1024, without B), or leave it empty.",
        )
    return None


def _url(name: str, value: str, placed: Placed) -> Finding | None:
    if ENDPOINT_NAMES.search(name) and not ENDPOINTS.fullmatch(value):
        return _at(
            rules.URL,
            placed,
            f"{name} is no list of host:port.",
            "Write, for example, zk1.example.org:2181,zk2.example.org:2181.",
        )
    scheme = next((scheme for pattern, scheme in URL_NAMES if pattern.search(name)), "")
    if scheme and name not in NOT_JDBC and not SCHEMES[scheme].fullmatch(value):
        return _at(rules.URL, placed, f"{name} is no {scheme} URL.", f"Begin it with {scheme}:{'' if scheme == 'jdbc' else '//'}.")
    return None


def _path(entry: Property, value: str, placed: Placed) -> Finding | None:
    if (entry.kind != "path" and entry.name != "pool.path") or RELATIVE_ALLOWED.search(entry.name):
        return None
    if value.startswith("/") or re.match(r"[a-z]+:", value):
        return None
    return _at(
        rules.PATH,
        placed,
        f"{entry.name} = {value!r} is a relative path; what it is relative to depends on how dCache is started.",
        "Begin it with /.",
    )


def _tags(name: str, value: str, placed: Placed) -> Finding | None:
    if name != "pool.tags":
        return None
    words = value.split()
    keys = [word.partition("=")[0] for word in words]
    wrong = [word for word in words if word.count("=") != 1] or [key for key in keys if keys.count(key) > 1]
    if wrong:
        message = f"pool.tags = {value!r}: {wrong[0]} is no tag of its own; the pool does not start."
        return _at(rules.TAGS, placed, message, "Write KEY=VALUE, each key once, with blanks between.")
    if any(word.endswith((",", ";")) for word in words):
        message = f"pool.tags = {value!r}: the comma is part of the value of its tag."
        return rules.TAGS.at(placed.file, placed.assignment.line, message, "Part the tags by blanks alone.", rules.WARNING)
    return None


def _paths(name: str, value: str, placed: Placed) -> Finding | None:
    if not PATH_LISTS.search(name):
        return None
    wrong = next((path for path in value.split(":") if not path.startswith("/") or "," in path), None)
    if wrong is None:
        return None
    message = f"{name} = {value!r}: {wrong!r} is no absolute path; the list is parted by colons."
    return _at(rules.PATH, placed, message, "Write /one:/two.")
