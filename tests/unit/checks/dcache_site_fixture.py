"""Sites under tests/fixtures/dcache as inputs of the checks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_host
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import Known
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import AreaUse

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
    issuers: tuple[str, ...] = ()
    policies: dict[str, str] = field(default_factory=dict)
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

    def relative(self) -> dict[str, str]:
        return {path.lstrip("/"): text for path, text in self.files.items()}

    def findings(self) -> list[Finding]:
        known = Known(self.areas, self.issuers, self.live, self.policies)
        return dcache_host.check(self.relative(), self.release, known=known)

    def serious(self) -> list[Finding]:
        return [finding for finding in self.findings() if finding.severity is not Severity.NOTICE]

    def rules(self) -> list[str]:
        return [finding.rule for finding in self.serious()]


def site(name: str) -> Site:
    release, areas = SITES[name]
    base = ROOT / name
    files = {"/" + path.relative_to(base).as_posix(): path.read_text("utf-8") for path in sorted(base.rglob("*")) if path.is_file()}
    return Site(release, files, areas)
