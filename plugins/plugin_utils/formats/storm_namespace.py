# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""namespace.xml of StoRM's backend: which file systems there are, under which paths they are seen, and who may come near them.

Source: italiangrid/storm etc/namespace-1.5.0.xsd; sizes: src/main/java/it/grid/storm/common/types/SizeUnit.java (decimal units).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import xml_text
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.xml_text import Element, XmlText

UNITS = {"byte": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
DEFAULT_UNIT = "TB"
CLASSES = {"T0D1": ("replica", "online"), "T1D0": ("custodial", "nearline"), "T1D1": ("custodial", "online"), "T0D0": ("replica", "online")}
"""Retention policy and access latency of each storage class."""
DRIVERS = {
    "posixfs": ("ext3", "posixfs", "MockSpaceSystem"),
    "gpfs": ("gpfs", "gpfs", "GPFSSpaceSystem"),
    "xfs": ("xfs", "xfs", "XFSSpaceSystem"),
}
"""fs_type, file-system driver and space-system driver by kind of file system."""
HEAD = (
    '<namespace xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="namespace-1.5.0.xsd" version="1.5.0">'
)


@dataclass(frozen=True)
class Quota:
    """A quota of GPFS. kind: filesetName, groupName or userName."""

    device: str
    kind: str
    value: str


@dataclass(frozen=True)
class Prot:
    """A transfer protocol of a file system."""

    name: str
    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class Filesystem:
    """A file system with one storage class.

    online, nearline: bytes, None when the number cannot be read. limited: writes stop when it is full. lines: by name of element.
    """

    name: str
    root: str
    token: str
    storage_class: str
    online: int | None
    nearline: int | None
    limited: bool = True
    retention: str = ""
    latency: str = ""
    kind: str = "posixfs"
    authz: str = "permit-all"
    acl_mode: str = "AoT"
    quota: Quota | None = None
    protocols: tuple[Prot, ...] = (Prot("file"),)
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    def line_of(self, name: str) -> int:
        """Line of an element, of the whole where it is missing."""
        return self.lines.get(name, self.line)


@dataclass(frozen=True)
class MapRule:
    """The path under which a file system is seen."""

    name: str
    path: str
    filesystem: str
    line: int = 0


@dataclass(frozen=True)
class AppRule:
    """Who may come near a file system."""

    name: str
    dn: str
    vo: str
    filesystem: str
    anonymous: bool = False
    line: int = 0


@dataclass(frozen=True)
class Namespace:
    """What the file says."""

    version: str
    filesystems: tuple[Filesystem, ...]
    map_rules: tuple[MapRule, ...]
    app_rules: tuple[AppRule, ...]

    def filesystem_of(self, path: str) -> Filesystem | None:
        """The file system that a map rule shows exactly at a path."""
        names = [rule.filesystem for rule in self.map_rules if rule.path.rstrip("/") == path.rstrip("/")]
        return next((each for each in self.filesystems if each.name in names), None)


def parse(text: str) -> XmlText:
    return xml_text.parse(text)


def read(document: XmlText) -> Namespace:
    """What can be read; missing elements read as empty texts."""
    root = document.root
    if root is None:
        return Namespace("", (), (), ())
    return Namespace(
        root.attributes.get("version", ""),
        tuple(_filesystem(each) for each in root.all("filesystems", "filesystem")),
        tuple(
            MapRule(each.attributes.get("name", ""), each.value("stfn-root") or "", each.value("mapped-fs") or "", each.line)
            for each in root.all("mapping-rules", "map-rule")
        ),
        tuple(
            AppRule(
                each.attributes.get("name", ""),
                each.value("subjects", "dn") or "",
                each.value("subjects", "vo-name") or "*",
                each.value("approachable-fs") or "",
                each.value("anonymous-http-read") == "true",
                each.line,
            )
            for each in root.all("approachable-rules", "app-rule")
        ),
    )


def size(element: Element | None) -> int | None:
    """Bytes of a TotalOnlineSize or TotalNearlineSize."""
    if element is None or not element.text.isdigit():
        return None
    factor = UNITS.get(element.attributes.get("unit", DEFAULT_UNIT).lower())
    return None if factor is None else int(element.text) * factor


def element_of(document: XmlText, name: str) -> Element | None:
    """The file system of a name."""
    root = document.root
    found = root.all("filesystems", "filesystem") if root else ()
    return next((each for each in found if each.attributes.get("name") == name), None)


def update(document: XmlText, wanted: Filesystem) -> XmlText:
    """The document with the class, sizes, token and quota of one of its file systems; what else it says stays."""
    retention, latency = CLASSES[wanted.storage_class]
    texts = [
        (("space-token-description",), wanted.token),
        (("storage-class",), wanted.storage_class),
        (("root",), wanted.root),
        (("properties", "RetentionPolicy"), retention),
        (("properties", "AccessLatency"), latency),
    ]
    for path, text in texts:
        document = _with_text(document, wanted.name, path, text)
    for tag, count in (("TotalOnlineSize", wanted.online), ("TotalNearlineSize", wanted.nearline)):
        element = element_of(document, wanted.name)
        found = element.first("properties", tag) if element else None
        if found is not None and count is not None and size(found) != count:
            document = document.with_attribute(found, "unit", "Byte")
            document = _with_text(document, wanted.name, ("properties", tag), str(count))
    return _with_quota(document, wanted)


def add(document: XmlText, filesystem: Filesystem, map_rule: MapRule | None, app_rules: Sequence[AppRule]) -> XmlText:
    """The document with what is new of a file system. Raises ValueError when the document is no namespace."""
    if document.root is None:
        raise ValueError(f"no XML: {document.problem}")
    if element_of(document, filesystem.name) is None:
        document = _appended(document, "filesystems", _filesystem_lines(filesystem))
    if map_rule is not None:
        document = _appended(document, "mapping-rules", _map_lines(map_rule))
    for rule in app_rules:
        document = _appended(document, "approachable-rules", _app_lines(rule))
    return document


def render(comment: str) -> str:
    """A document without file systems, for add()."""
    sections = "".join(f"  <{tag}>\n  </{tag}>\n" for tag in ("filesystems", "mapping-rules", "approachable-rules"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {comment} -->\n{HEAD}\n{sections}</namespace>\n'


_PLACES = (
    ("space-token-description",),
    ("storage-class",),
    ("root",),
    ("filesystem-driver",),
    *(("properties", name) for name in ("RetentionPolicy", "AccessLatency", "TotalOnlineSize", "TotalNearlineSize")),
)


def _filesystem(element: Element) -> Filesystem:
    online = element.first("properties", "TotalOnlineSize")
    driver = (element.value("filesystem-driver") or "").rpartition(".")[2]
    quota = element.first("capabilities", "quota")
    fixed = element.value("storage-area-authz", "fixed")
    return Filesystem(
        name=element.attributes.get("name", ""),
        root=element.value("root") or "",
        token=element.value("space-token-description") or "",
        storage_class=element.value("storage-class") or "",
        online=size(online),
        nearline=size(element.first("properties", "TotalNearlineSize")),
        limited=online is not None and online.attributes.get("limited-size") == "true",
        retention=element.value("properties", "RetentionPolicy") or "",
        latency=element.value("properties", "AccessLatency") or "",
        kind="gpfs" if driver.startswith("gpfs") else driver,
        authz=fixed if fixed is not None else element.value("storage-area-authz", "authz-db") or "",
        acl_mode=element.value("capabilities", "aclMode") or "",
        quota=_quota(quota) if quota is not None and quota.attributes.get("enabled") == "true" else None,
        protocols=tuple(_prot(each) for each in element.all("capabilities", "trans-prot", "prot")),
        line=element.line,
        lines={path[-1]: found.line for path in _PLACES if (found := element.first(*path)) is not None},
    )


def _quota(element: Element) -> Quota | None:
    for kind in ("filesetName", "groupName", "userName"):
        value = element.value("quotaElement", kind)
        if value is not None:
            return Quota(element.value("device") or "", kind, value)
    return None


def _prot(element: Element) -> Prot:
    port = element.value("port") or ""
    return Prot(element.value("schema") or "", element.value("host") or "", int(port) if port.isdigit() else 0)


def _with_text(document: XmlText, name: str, path: tuple[str, ...], text: str) -> XmlText:
    element = element_of(document, name)
    found = element.first(*path) if element else None
    if found is not None:
        return document.with_text(found, text)
    if element is not None and len(path) == 1 and path[0] in ("space-token-description", "storage-class"):
        before = element.first("storage-class") if path[0] == "space-token-description" else None
        return document.insert(element, [f"<{path[0]}>{text}</{path[0]}>"], before=before or element.first("root"))
    return document


def _with_quota(document: XmlText, wanted: Filesystem) -> XmlText:
    element = element_of(document, wanted.name)
    capabilities = element.first("capabilities") if element else None
    if wanted.quota is None or capabilities is None:
        return document
    found = capabilities.first("quota")
    if found is None:
        return document.insert(capabilities, _quota_lines(wanted.quota), before=capabilities.first("trans-prot"))
    document = document.with_attribute(found, "enabled", "true")
    document = _with_text(document, wanted.name, ("capabilities", "quota", "device"), wanted.quota.device)
    return _with_text(document, wanted.name, ("capabilities", "quota", "quotaElement", wanted.quota.kind), wanted.quota.value)


def _appended(document: XmlText, tag: str, lines: Sequence[str]) -> XmlText:
    parent = document.root.first(tag) if document.root else None
    if parent is None:
        raise ValueError(f"there is no <{tag}> in this namespace")
    return document.insert(parent, lines)


def _filesystem_lines(wanted: Filesystem) -> list[str]:
    fs_type, driver, space = DRIVERS[wanted.kind]
    retention, latency = CLASSES[wanted.storage_class]
    fixed = wanted.authz in ("permit-all", "deny-all")
    authz = f"<fixed>{wanted.authz}</fixed>" if fixed else f"<authz-db>{wanted.authz}</authz-db>"
    return [
        f'<filesystem name="{wanted.name}" fs_type="{fs_type}">',
        f"  <space-token-description>{wanted.token}</space-token-description>",
        f"  <storage-class>{wanted.storage_class}</storage-class>",
        f"  <root>{wanted.root}</root>",
        f"  <filesystem-driver>it.grid.storm.filesystem.swig.{driver}</filesystem-driver>",
        f"  <spacesystem-driver>it.grid.storm.filesystem.{space}</spacesystem-driver>",
        "  <storage-area-authz>",
        f"    {authz}",
        "  </storage-area-authz>",
        "  <properties>",
        f"    <RetentionPolicy>{retention}</RetentionPolicy>",
        f"    <AccessLatency>{latency}</AccessLatency>",
        "    <ExpirationMode>neverExpire</ExpirationMode>",
        f'    <TotalOnlineSize unit="Byte" limited-size="{str(wanted.limited).lower()}">{wanted.online}</TotalOnlineSize>',
        f'    <TotalNearlineSize unit="Byte">{wanted.nearline}</TotalNearlineSize>',
        "  </properties>",
        "  <capabilities>",
        f"    <aclMode>{wanted.acl_mode}</aclMode>",
        *(f"    {line}" for line in (_quota_lines(wanted.quota) if wanted.quota else ())),
        "    <trans-prot>",
        *(f"      {line}" for number, prot in enumerate(wanted.protocols) for line in _prot_lines(number, prot)),
        "    </trans-prot>",
        *(f"    {line}" for number, prot in enumerate(wanted.protocols) for line in _pool_lines(number, prot)),
        "  </capabilities>",
        "</filesystem>",
    ]


def _quota_lines(quota: Quota) -> list[str]:
    return [
        '<quota enabled="true">',
        f"  <device>{quota.device}</device>",
        "  <quotaElement>",
        f"    <{quota.kind}>{quota.value}</{quota.kind}>",
        "  </quotaElement>",
        "</quota>",
    ]


def _prot_lines(number: int, prot: Prot) -> list[str]:
    if not prot.host:
        return [f'<prot name="{prot.name}">', f"  <schema>{prot.name}</schema>", "</prot>"]
    return [
        f'<prot name="{prot.name}">',
        f"  <id>{number}</id>",
        f"  <schema>{prot.name}</schema>",
        f"  <host>{prot.host}</host>",
        f"  <port>{prot.port}</port>",
        "</prot>",
    ]


def _pool_lines(number: int, prot: Prot) -> list[str]:
    if prot.name not in ("gsiftp", "http", "https"):
        return []
    return [
        "<pool>",
        "  <balance-strategy>round-robin</balance-strategy>",
        "  <members>",
        f'    <member member-id="{number}"/>',
        "  </members>",
        "</pool>",
    ]


def _map_lines(rule: MapRule) -> list[str]:
    return [
        f'<map-rule name="{rule.name}">',
        f"  <stfn-root>{rule.path}</stfn-root>",
        f"  <mapped-fs>{rule.filesystem}</mapped-fs>",
        "</map-rule>",
    ]


def _app_lines(rule: AppRule) -> list[str]:
    return [
        f'<app-rule name="{rule.name}">',
        "  <subjects>",
        f"    <dn>{rule.dn}</dn>",
        f"    <vo-name>{rule.vo}</vo-name>",
        "  </subjects>",
        f"  <approachable-fs>{rule.filesystem}</approachable-fs>",
        f"  <anonymous-http-read>{str(rule.anonymous).lower()}</anonymous-http-read>",
        "</app-rule>",
    ]
