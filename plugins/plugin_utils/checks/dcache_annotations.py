# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``dcache check-config`` finds: the same findings at the same severities, where INFO is a notice.

Two differences of place: a continued assignment is reported at its first line (dCache: its last), and an unknown service at its header
(dCache: the end of its section). ``${env.NAME}`` cannot be judged without the environment of the host.

Source: dCache 12.1, org/dcache/util/configuration/ConfigurationProperties.java, org/dcache/boot/DcacheConfigurationUsageChecker.java.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_data
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_rules as rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_data import Property, Release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import annotated
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host, Placed, Scope

NOWHERE: Mapping[str, Property] = {}


class Annotations:
    """The annotations that hold in each scope: the release's, and those that a site copied into its own files."""

    def __init__(self, release: Release, host: Host) -> None:
        self._release = release
        self._prefixes = tuple(f"{name}!" for name in release.prefixes)
        self._own: dict[int, dict[str, Property]] = {}
        for scope in host.scopes():
            for placed in scope.assignments:
                if placed.key.annotations and not _repeated(scope, placed):
                    self._own.setdefault(id(scope), {})[placed.key.name] = annotated(placed.key.name, placed.key.annotations)

    def existing(self, scope: Scope, placed: Placed) -> Property | None:
        """The annotated declaration that an assignment meets."""
        if self._own:
            for around in scope.chain():
                entry = self._own.get(id(around), NOWHERE).get(placed.key.name)
                if entry is not None and (around is not scope or _declared_before(scope, placed)):
                    return entry
        entry = self._release.properties.get(placed.key.name)
        return entry if entry is not None and entry.annotated else None

    def is_standard(self, scope: Scope, placed: Placed) -> bool:
        """Whether dCache takes a name without annotation for a known one: known outside of the scope, or an entry of a map."""
        name = placed.key.name
        if name in self._release.properties or name in self._release.builtin or name.startswith(self._prefixes):
            return True
        outer = scope.parent.lookup(name) if scope.parent else None
        if scope.parent is None or (outer and (outer.file != placed.file or outer.line < placed.assignment.line)):
            return True
        return any(
            "prefix" in entry.flags and name.startswith(f"{entry.name}!")
            for around in scope.parent.chain()
            for entry in self._own.get(id(around), NOWHERE).values()
        )


def check_host(host: Host, release: Release) -> list[Finding]:
    """Every finding about one host's setup files and layout."""
    annotations = Annotations(release, host)
    findings: list[Finding] = []
    for scope in host.scopes():
        findings.extend(check_scope(scope, release, annotations))
    findings.extend(check_orphans(host))
    unknown = (service for service in host.services() if service.type not in release.services)
    findings.extend(_unknown_service(host.file, service.line, service.type, release) for service in unknown)
    return findings


def check_repetition(scope: Scope) -> Iterator[Finding]:
    """Malformed lines and repeated keys: what needs no knowledge of the release."""
    for placed in scope.assignments:
        found = _unusable(scope, placed)
        if found:
            yield found


def check_orphans(host: Host) -> Iterator[Finding]:
    for orphan in host.orphans:
        yield rules.ORPHAN.at(
            host.file,
            orphan.line,
            f"[{orphan.domain}/{orphan.service}] stands before [{orphan.domain}]; dCache drops the service and its settings.",
            f"Put the line [{orphan.domain}] above it.",
        )


def check_scope(scope: Scope, release: Release, annotations: Annotations) -> Iterator[Finding]:
    for placed in scope.assignments:
        found = _unusable(scope, placed)
        if found:
            yield found
            continue
        existing = annotations.existing(scope, placed)
        value = placed.assignment.value
        from_environment = value.startswith("${env.") and value.endswith("}")
        if from_environment:
            yield _at(
                rules.ENVIRONMENT,
                placed,
                f"{placed.key.name} comes from the environment; dCache does not load without the variable.",
                "Make sure it is set.",
            )
        if existing is not None:
            yield from _key(scope, placed, existing, release)
            if not from_environment:
                yield from _values(placed, existing)
        elif "/" in placed.key.name:
            yield _at(
                rules.SCOPED,
                placed,
                f"{placed.key.name} is a scoped property; these are no longer supported.",
                "Assign the property in the section of its domain or service.",
            )
        elif not annotations.is_standard(scope, placed):
            yield _at(
                rules.UNKNOWN,
                placed,
                f"dCache {release.name} does not know {placed.key.name}; it has an effect only where ${{{placed.key.name}}} is written.",
                "Check the spelling.",
            )
        if placed.key.annotations and not from_environment:
            yield from _values(placed, annotated(placed.key.name, placed.key.annotations))


def _at(rule: rules.Rule, placed: Placed, message: str, remedy: str) -> Finding:
    return rule.at(placed.file, placed.assignment.line, message, remedy)


def _unusable(scope: Scope, placed: Placed) -> Finding | None:
    if placed.assignment.problem:
        return _at(rules.MALFORMED, placed, f"{placed.assignment.problem}: dCache cannot load the file.", "Write a backslash as \\\\.")
    if not _repeated(scope, placed):
        return None
    holds = scope.settings[placed.key.name]
    where = f"at {holds.file}:{holds.line}" if holds.file else "by dCache itself"
    return _at(
        rules.REPEATED, placed, f"{placed.key.name} is already defined {where}; dCache does not start.", "Keep one of the two assignments."
    )


def _repeated(scope: Scope, placed: Placed) -> bool:
    """Whether dCache refuses the assignment because the scope has the key already."""
    holds = scope.settings.get(placed.key.name)
    return holds is not None and not (holds.file == placed.file and holds.line >= placed.assignment.line)


def _declared_before(scope: Scope, placed: Placed) -> bool:
    """Whether the same name was annotated by an earlier assignment of the scope itself."""
    for earlier in scope.assignments:
        if earlier is placed:
            return False
        if earlier.key.name == placed.key.name and earlier.key.annotations:
            return True
    return False


def _key(scope: Scope, placed: Placed, existing: Property, release: Release) -> Iterator[Finding]:
    name = existing.name
    if placed.key.annotations:
        yield _at(
            rules.ANNOTATED,
            placed,
            f"{name}: annotated assignments are not allowed.",
            f"Remove {placed.key.declaration} from the beginning of the line.",
        )
    instead = " or ".join(release.properties[name].replaced_by) if name in release.properties else ""
    if "immutable" in existing.flags:
        yield _at(rules.IMMUTABLE, placed, f"{name} is immutable; dCache does not start when it is assigned.", "Remove the line.")
    elif "prefix" in existing.flags:
        yield _at(rules.PREFIX, placed, f"{name} is the name of a map; only its entries can be assigned.", f"Write {name}!NAME = value.")
    elif existing.state == "forbidden":
        yield _at(
            rules.FORBIDDEN,
            placed,
            f"dCache {release.name} does not start with {name}; it no longer affects dCache.",
            f"Use {instead} instead." if instead else "Remove the line.",
        )
    if existing.state == "obsolete":
        yield _at(
            rules.OBSOLETE,
            placed,
            f"{name} has no effect in dCache {release.name}.",
            f"Use {instead} instead." if instead else "Remove the line.",
        )
    elif existing.state == "deprecated":
        synonym = synonym_of(name, release.name) or instead
        yield _at(
            rules.DEPRECATED,
            placed,
            f"{name} is deprecated in dCache {release.name}; a later release does not support it.",
            f"Use {synonym} instead." if synonym else "Look for its replacement in the defaults of the release.",
        )
    elif scope.kind == "service" and "not-for-services" in existing.flags:
        yield _at(rules.NOT_FOR_SERVICES, placed, f"{name} has no effect in a service section.", "Move it to the section of the domain.")


def _values(placed: Placed, existing: Property) -> Iterator[Finding]:
    value = placed.assignment.value
    if existing.one_of and value not in existing.one_of:
        allowed = ", ".join(existing.one_of)
        if value.strip() in existing.one_of:
            message = f"{existing.name} has blanks behind its value {value.strip()!r}; dCache compares them too and does not start."
            remedy = "Remove the blanks at the end of the line."
        else:
            message = f"{existing.name} = {value!r} is not allowed; the value is compared before references are replaced."
            remedy = f"Write one of: {allowed}." + _around(value, existing.one_of)
        yield _at(rules.ONE_OF, placed, message, remedy)
    if existing.any_of:
        wrong = sorted({item.strip() for item in value.split(",")} - set(existing.any_of) - {""})
        if wrong:
            items = ", ".join(wrong)
            yield _at(
                rules.ANY_OF, placed, f"{existing.name}: {items} is not allowed.", f"Write a comma list of: {', '.join(existing.any_of)}."
            )


def _around(value: str, allowed: Sequence[str]) -> str:
    """What to take away from a value to make it an allowed one."""
    if value.strip().strip("\"'") in allowed:
        return " Leave the quotes out: they are part of the value."
    if value.partition("#")[0].strip() in allowed:
        return " Put the comment on a line of its own: behind a value it is part of it."
    return ""


def _unknown_service(file: str, line: int, service: str, release: Release) -> Finding:
    elsewhere = dcache_data.releases_with_service(service)
    message = f"dCache {release.name} has no service {service!r}; check-config fails and the domain does not start."
    remedy = {
        "cleaner": "From 9.0 write cleaner-disk, and cleaner-hsm for tape.",
        "qos": "From 9.2 write qos-engine, qos-verifier, qos-scanner and qos-adjuster.",
        "cleaner-disk": "Before 9.0 write cleaner.",
        "cleaner-hsm": "Before 9.0 write cleaner, with cleaner.enable.hsm.",
    }.get(service, "")
    if not remedy:
        near = difflib.get_close_matches(service.lower(), release.services, 1, 0.75)
        remedy = f"Write {near[0]}." if near else "Check the spelling, or install the plug-in that brings it."
    if elsewhere:
        message += f" It exists in {elsewhere}."
    return rules.SERVICE_UNKNOWN.at(file, line, message, remedy)


@lru_cache(maxsize=32)
def _references(release: str) -> dict[str, list[str]]:
    """Per property, the properties whose default is just a reference to it."""
    known = dcache_data.load(release)
    result: dict[str, list[str]] = {}
    for entry in known.properties.values() if known else ():
        if entry.default and entry.default.startswith("${") and entry.default.endswith("}"):
            result.setdefault(entry.default[2:-1], []).append(entry.name)
    return result


def synonym_of(name: str, release: str) -> str:
    """The property to use instead of a deprecated one: the only one that refers to it; empty when there is none or several."""
    known = dcache_data.load(release)
    visited = set()
    while known is not None and name not in visited:
        visited.add(name)
        users = _references(release).get(name, [])
        if len(users) != 1:
            return ""
        name = users[0]
        if known.properties[name].state != "deprecated":
            return name
    return ""
