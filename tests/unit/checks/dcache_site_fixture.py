"""Sites under tests/fixtures/dcache as inputs of the checks. Reads only the plain `key = value` lines that the fixtures use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_services, gplazma, pool_selection
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_services import Service, ServicesInput
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import AreaUse, SelectionInput

ROOT = Path(__file__).parents[2] / "fixtures" / "dcache"
POOLMANAGER = "/var/lib/dcache/config/poolmanager.conf"
SITES = {
    "certificates-5.2": ("5.2.30", (AreaUse("all", "escape:any@osm"),)),
    "scitoken-7.2": ("7.2.19", (AreaUse("escape", "escape:disk@osm", ("http/1", "Xrootd/5")), AreaUse("wlcg", "wlcg:disk@osm"))),
    "groups-8.2": ("8.2.30", (AreaUse("any", "x:y@osm"), AreaUse("reserved", "escape:reserved@osm", ("Xrootd/5",), link_group="reserved"))),
    "roles-9.2": ("9.2.30", (AreaUse("disk", "escape:disk@osm"), AreaUse("tape", "escape:tape@osm", ("http/1", "Xrootd/5"), tape=True))),
    "modern-11.2": ("11.2.3", (AreaUse("wide", "escape:any@osm"), AreaUse("fast", "escape:volatile@osm", cache_class="fast"))),
}


@dataclass(frozen=True)
class Site:
    release: str
    files: dict[str, str]
    areas: tuple[AreaUse, ...]
    tape: bool = False
    issuers: tuple[str, ...] = ()
    policies: dict[str, str] = field(default_factory=dict)
    client_batch: int = 0
    live: str | None = None

    def edited(self, path: str, old: str, new: str) -> Site:
        """With one piece of one file replaced."""
        assert old in self.files[path], (path, old)
        return replace(self, files={**self.files, path: self.files[path].replace(old, new, 1)})

    def with_file(self, path: str, text: str | None) -> Site:
        files = {name: content for name, content in self.files.items() if name != path}
        return replace(self, files=files if text is None else {**files, path: text})

    def appended(self, path: str, text: str) -> Site:
        return self.with_file(path, self.files[path] + text)

    def services(self) -> tuple[Service, ...]:
        return _services(self.files)

    def login(self) -> tuple[LoginSetup, Service]:
        service = next(service for service in self.services() if service.kind == "gplazma")
        return LoginSetup(parse_release(self.release), service.properties, self.files), service

    def findings(self) -> list[Finding]:
        release = parse_release(self.release)
        login, service = self.login()
        host = self.services()[0].properties.get("dcache.enable.space-reservation")
        given = ServicesInput(release, self.services(), login, self.files, self.policies, tape=self.tape, client_batch=self.client_batch)
        selection = SelectionInput(
            self.files[POOLMANAGER],
            POOLMANAGER.lstrip("/"),
            release,
            areas=self.areas,
            space_reservation=None if host is None else host == "true",
            live=self.live,
        )
        found = gplazma.check(login, service.places, self.issuers)
        return found + dcache_services.check(given) + pool_selection.check(selection)

    def serious(self) -> list[Finding]:
        return [finding for finding in self.findings() if finding.severity is not Severity.NOTICE]

    def rules(self) -> list[str]:
        return [finding.rule for finding in self.serious()]


def site(name: str) -> Site:
    release, areas = SITES[name]
    base = ROOT / name
    files = {"/" + path.relative_to(base).as_posix(): path.read_text("utf-8") for path in sorted(base.rglob("*")) if path.is_file()}
    return Site(release, files, areas, tape=any(area.tape for area in areas))


def _services(files: dict[str, str]) -> tuple[Service, ...]:
    layout = next(path for path in files if path.startswith("/etc/dcache/layouts/"))
    host: dict[str, tuple[str, tuple[str, int]]] = {}
    domains: dict[str, dict[str, tuple[str, tuple[str, int]]]] = {}
    found: list[tuple[str, str, dict[str, tuple[str, tuple[str, int]]], int]] = []
    for path in ("/etc/dcache/dcache.conf", layout):
        scope = host
        for number, line in enumerate(files[path].split("\n"), 1):
            header = re.match(r"\[([^\]/]+)(?:/([^\]/]+))?\]$", line)
            if header and header.group(2):
                scope = {}
                found.append((header.group(1), header.group(2), scope, number))
            elif header:
                scope = domains.setdefault(header.group(1), {})
            elif "=" in line and not line.startswith("#"):
                name, _equals, value = line.partition("=")
                scope[name.strip()] = (value.strip(), (path.lstrip("/"), number))
    services = []
    for domain, kind, own, number in found:
        every = {**host, **domains[domain], **own}
        values = {name: value for name, (value, _place) in every.items()}
        places = {name: place for name, (_value, place) in every.items()}
        services.append(Service(kind, domain, values, places, layout.lstrip("/"), number))
    return tuple(services)
