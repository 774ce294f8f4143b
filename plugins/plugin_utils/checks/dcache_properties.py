# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of dCache's dcache.conf and layout: all that ``dcache check-config`` finds, and what it misses.

A finding is about one host: the files that one dCache host reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import (
    dcache_annotations,
    dcache_data,
    dcache_domains,
    dcache_doors,
    dcache_exports,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_rules as rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_data import Property, Release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import Site, load_site, place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_values import check_value
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host, Placed, Scope

REFERENCE = re.compile(r"\$\{([^${}]+)\}")
SYSTEM_PROPERTIES = ("java.", "user.", "os.", "file.", "path.", "line.", "sun.", "env.")


def check(files: Mapping[str, str], release: str, hostname: str = "") -> list[Finding]:
    """Every finding about the properties of one host.

    files: text by path relative to the host's root. release: ``9.2.30`` or ``9.2``. hostname: full name, where ``etc/hostname`` is missing.
    """
    site = load_site(files, release, hostname)
    findings = list(_about_site(site, release))
    for host in site.hosts:
        if site.release is None:
            findings.extend(_without_release(host))
        else:
            findings.extend(_Host(host, site.release, files).check())
    return sorted(dict.fromkeys(findings), key=lambda finding: (finding.file, finding.line, finding.rule))


def check_config(files: Mapping[str, str], release: str, hostname: str = "") -> list[Finding]:
    """What ``dcache check-config`` of that release prints, notices included, and no more."""
    site = load_site(files, release, hostname)
    if site.release is None:
        return list(_about_site(site, release))
    findings = [finding for finding in _about_site(site, release) if rules.RULES[finding.rule].checked_by_dcache]
    for host in site.hosts:
        findings.extend(dcache_annotations.check_host(host, site.release))
    return list(dict.fromkeys(findings))


def _about_site(site: Site, release: str) -> Iterator[Finding]:
    if site.release is None:
        lines = dcache_data.lines()
        told = f"dCache {release!r} is unknown here" if release else "The release of dCache is not given"
        yield rules.RELEASE_UNKNOWN.at(
            site.layout if site.layout in site.files else "etc/dcache/dcache.conf",
            0,
            f"{told}, so only what holds for every release is checked; known are {lines[0]} to {lines[-1].removesuffix('-dev')}.",
            "Give the full version of the installed package, such as 9.2.30.",
        )
    if site.missing:
        layouts = sorted(path for path in site.files if "/layouts/" in path and path.endswith(".conf"))
        partial = not layouts and "etc/dcache/dcache.conf" not in site.files
        present = f" The copy holds {', '.join(layouts)}." if layouts else ""
        chosen = place(site.hosts[0].layout, "dcache.layout") or place(site.hosts[0].layout, "dcache.layout.uri")
        yield rules.LAYOUT_MISSING.at(
            chosen.file if chosen else "etc/dcache/dcache.conf",
            chosen.line if chosen else 0,
            f"The layout {site.layout} is not there, so this host runs no domain.{present}",
            "Create it, or set dcache.layout in dcache.conf.",
            rules.NOTICE if partial else None,  # a copy of some other files of dCache
        )
    if site.candidates:
        yield rules.LAYOUT_GUESSED.at(
            site.candidates[0],
            0,
            f"The name of the host is not known, so each of these was checked: {', '.join(site.candidates)}.",
            "Add etc/hostname to the copy, or set dcache.layout in dcache.conf.",
        )


def _without_release(host: Host) -> Iterator[Finding]:
    for scope in host.scopes():
        yield from dcache_annotations.check_repetition(scope)
    yield from dcache_annotations.check_orphans(host)


class _Host:
    """The checks of one host whose release is known."""

    def __init__(self, host: Host, release: Release, files: Mapping[str, str]) -> None:
        self.host = host
        self.release = release
        self.files = files
        self.assigned: dict[str, list[Scope]] = {}
        self.referenced: set[str] = set()
        for scope in host.scopes():
            for name, setting in scope.settings.items():
                if setting.file:
                    self.assigned.setdefault(name, []).append(scope)
                if "$" in setting.value:
                    self.referenced.update(REFERENCE.findall(setting.value))
        for domain in host.domains:
            self.referenced.update(REFERENCE.findall(domain.name))

    def check(self) -> Iterator[Finding]:
        for finding in dcache_annotations.check_host(self.host, self.release):
            if finding.rule != rules.UNKNOWN.id:
                yield finding
        annotations = dcache_annotations.Annotations(self.release, self.host)
        for scope in self.host.scopes():
            for placed in scope.assignments:
                if not placed.assignment.problem:
                    yield from self._assignment(scope, placed, annotations)
        yield from self._domains()
        yield from self._required()
        yield from _port_ranges(self.host)
        yield from _port_clashes(self.host)
        yield from _cell_clashes(self.host)
        yield from _pool_clashes(self.host)
        yield from dcache_domains.check(self.host)
        yield from dcache_doors.check(self.host, self.release, self.files)
        yield from dcache_exports.check(self.host, self.files)

    def _assignment(self, scope: Scope, placed: Placed, annotations: dcache_annotations.Annotations) -> Iterator[Finding]:
        name = placed.key.name
        if name.startswith("["):
            yield rules.HEADER.at(
                placed.file,
                placed.assignment.line,
                "This line is no section header; what follows belongs to the section above it.",
                "Write [domain] or [domain/service] alone on a line of the layout file."
                if scope.kind != "setup"
                else "Sections belong in the layout.",
            )
            return
        entry = self.release.properties.get(name)
        if entry is None:
            if annotations.existing(scope, placed) is None and "/" not in name and not annotations.is_standard(scope, placed):
                yield self._unknown(placed)
        elif scope.kind == "service" and self._of_another_service(entry, scope):
            yield rules.OTHER_SERVICE.at(
                placed.file,
                placed.assignment.line,
                f"{name} belongs to the service {entry.service} and may have no effect here.",
                "Move it to that service.",
            )
        setting = scope.settings.get(name)
        if setting is None or (setting.file, setting.line) != (placed.file, placed.assignment.line):
            return
        expansion = scope.expand(setting.value)
        if not expansion.undefined and not expansion.loops:
            yield from check_value(entry or Property(name), expansion.text, placed)
        yield from self._references(scope, placed, setting.value, expansion.undefined, expansion.loops)

    def _of_another_service(self, entry: Property, scope: Scope) -> bool:
        own = scope.settings["dcache.domain.service"].value
        if entry.state not in ("active", "deprecated") or entry.name in self.referenced:
            return False
        return bool(entry.service and entry.service != own and own in self.release.services)

    def _unknown(self, placed: Placed) -> Finding:
        name = placed.key.name
        file, line = placed.file, placed.assignment.line
        if name not in self.referenced:
            base = name.partition("!")[0]
            elsewhere = dcache_data.releases_with(name) or ("!" in name and dcache_data.releases_with(base))
            if elsewhere:
                return rules.OTHER_RELEASE.at(
                    file,
                    line,
                    f"{name} has no effect in dCache {self.release.name}; it exists in {elsewhere}.",
                    "Remove the line, or change the release.",
                )
            near = self.release.near.nearest(name)
            if near:
                return rules.MISSPELT.at(
                    file,
                    line,
                    f"dCache {self.release.name} does not know {name}, so the line has no effect; did you mean {near}?",
                    f"Write {near}.",
                )
            owner = next((one for one in self.release.prefixes if name.startswith(f"{one}.")), "")
            if owner:
                meant = f"{owner}!{name[len(owner) + 1 :]}"
                message = f"dCache {self.release.name} does not know {name}, so the line has no effect; did you mean {meant}?"
                return rules.MISSPELT.at(file, line, message, f"Write {meant}.")
            if "!" in name and self.release.near.nearest(base + "!"):
                meant = self.release.near.nearest(base + "!") + name.partition("!")[2]
                return rules.MISSPELT.at(
                    file,
                    line,
                    f"dCache {self.release.name} knows no map {base}, so the line has no effect; did you mean {meant}?",
                    f"Write {meant}.",
                )
        return rules.UNKNOWN.at(
            file,
            line,
            f"dCache {self.release.name} does not know {name}; it has an effect only where ${{{name}}} is written.",
            "Check the spelling.",
        )

    def _references(
        self, scope: Scope, placed: Placed, value: str, undefined: tuple[str, ...], loops: tuple[str, ...]
    ) -> Iterator[Finding]:
        for name in undefined:
            if f"${{{name}}}" in value and not self._defined_below(name, scope):
                yield rules.UNDEFINED.at(
                    placed.file,
                    placed.assignment.line,
                    f"{placed.key.name} refers to {name}, which nothing defines; dCache keeps the text ${{{name}}} as it is.",
                    "Define it, or correct the name.",
                )
        for name in loops:
            yield rules.LOOP.at(
                placed.file,
                placed.assignment.line,
                f"{placed.key.name} refers to {name}, which refers to itself.",
                "Give one of the two a value.",
            )

    def _defined_below(self, name: str, scope: Scope) -> bool:
        if name in self.release.builtin or name.startswith(SYSTEM_PROPERTIES) or "dcache.domain." in name:
            return True
        return any(scope in assigned.chain() for assigned in self.assigned.get(name, ()))

    def _domains(self) -> Iterator[Finding]:
        file = self.host.file
        for domain in self.host.domains:
            for line in domain.lines[1:]:
                yield rules.REOPENED.at(
                    file,
                    line,
                    f"The domain {domain.name} is declared at line {domain.lines[0]} already; both sections count.",
                    "Put them together.",
                )
            if not domain.services:
                yield rules.EMPTY_DOMAIN.at(
                    file, domain.lines[0], f"The domain {domain.name} has no service.", "Add one, or remove the domain."
                )
            for name in REFERENCE.findall(domain.name):
                if not self._defined_below(name, self.host.layout):
                    yield rules.UNDEFINED.at(
                        file,
                        domain.lines[0],
                        f"The name of the domain refers to {name}, which nothing defines.",
                        "Define it, or correct the name.",
                    )

    def _required(self) -> Iterator[Finding]:
        for service in self.host.services():
            for name in self.release.must_be_set.get(service.type, ()):
                setting = service.scope.lookup(name)
                if setting is None or not setting.value:
                    yield rules.REQUIRED.at(
                        self.host.file,
                        service.line,
                        f"[{service.scope.name}] has no {name}; the domain does not start.",
                        f"Set {name} in this section.",
                    )
        running = {service.type for service in self.host.services()}
        needed: dict[str, set[str]] = {}
        for kind in running:
            for name in self.release.nonempty.get(kind, ()):
                needed.setdefault(name, set()).add(kind)
        severity = rules.ERROR if self.release.at_least("11.2") else rules.WARNING
        for scope in self.host.scopes():
            for name, setting in scope.settings.items():
                if setting.value or not setting.file or name not in needed:
                    continue
                users = needed[name] & {scope.settings["dcache.domain.service"].value} if scope.kind == "service" else needed[name]
                if users and name not in sum(self.release.must_be_set.values(), ()):
                    yield rules.REQUIRED.at(
                        setting.file,
                        setting.line,
                        f"{name} is empty; {', '.join(sorted(users))} does not start without a value.",
                        "Give it a value, or remove the line.",
                        severity,
                    )


def _port_ranges(host: Host) -> Iterator[Finding]:
    for scope in host.scopes():
        for name in {name.rpartition(".")[0] for name in scope.settings if name.endswith((".port.min", ".port.max"))}:
            first, last = scope.value(f"{name}.min"), scope.value(f"{name}.max")
            setting = scope.settings.get(f"{name}.max") or scope.settings[f"{name}.min"]
            if setting.file and first.isdigit() and last.isdigit() and int(first) > int(last):
                yield rules.PORT.at(
                    setting.file,
                    setting.line,
                    f"The ports of {name} end at {last}, before they start at {first}.",
                    f"Set both {name}.min and .max.",
                )


def _port_clashes(host: Host) -> Iterator[Finding]:
    used: dict[tuple[str, int], list[tuple[frozenset[str], str, int]]] = {}
    for service in host.services():
        listen = _addresses(service.scope.value(f"{service.type}.net.listen"))
        for protocol in ("tcp", "udp"):
            for port in _ports(service.scope.value(f"{service.type}.net.ports.{protocol}")):
                origin = next(
                    (setting for setting in service.scope.settings.values() if setting.file and setting.value == str(port)), None
                ) or place(service.scope, f"{service.type}.net.port")
                file, line = (origin.file, origin.line) if origin and origin.file == host.file else (host.file, service.line)
                others = used.setdefault((protocol, port), [])
                for other, name, other_line in others:
                    if not listen or not other or listen & other:
                        yield rules.PORT_CLASH.at(
                            file,
                            line,
                            f"[{service.scope.name}] and [{name}] (line {other_line}) listen on {protocol} {port}; one does not start.",
                            f"Give one of them another {service.type}.net.port, or let each listen on its own address.",
                        )
                        break
                others.append((listen, service.scope.name, line))


def _ports(text: str) -> Iterable[int]:
    """Single ports; ranges are shared by movers and ports in parentheses belong to another program."""
    return dict.fromkeys(int(word) for word in text.split() if word.isdigit() and int(word) > 0)


def _addresses(text: str) -> frozenset[str]:
    """The addresses to listen on; empty for all."""
    addresses = frozenset(re.split(r"[,\s]+", text.strip())) - {""}
    return frozenset() if addresses & {"0.0.0.0", "::", "any", "*"} else addresses


def _cell_clashes(host: Host) -> Iterator[Finding]:
    for domain in host.domains:
        seen: dict[str, int] = {}
        for service in domain.services:
            cell = service.scope.value(f"{service.type}.cell.name")
            if not cell or service.type == "pool":
                continue
            if cell in seen:
                yield rules.CELL_CLASH.at(
                    host.file,
                    service.line,
                    f"The cell {cell} runs in the domain {domain.name} already (line {seen[cell]}); the second one does not start.",
                    f"Set {service.type}.cell.name, or move the service to another domain.",
                )
            seen.setdefault(cell, service.line)


def _pool_clashes(host: Host) -> Iterator[Finding]:
    seen: dict[tuple[str, str], int] = {}
    for service in host.services():
        if service.type != "pool":
            continue
        for name, what in (("pool.name", "name"), ("pool.path", "directory")):
            value = service.scope.value(name).rstrip("/")
            if not value:
                continue
            setting = place(service.scope, name)
            if (name, value) in seen:
                yield rules.POOL_CLASH.at(
                    host.file,
                    setting.line if setting and setting.file == host.file else service.line,
                    f"The pool at line {seen[name, value]} has the {what} {value} too; one of them does not start.",
                    f"Change {name}.",
                )
            seen.setdefault((name, value), service.line)
