# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directory tags of dCache's namespace: small texts that new files and directories inherit.

``OSMTemplate`` holds lines ``KEY VALUE`` (``StoreName escape``); with ``sGroup`` it makes the storage class ``STORE:GROUP@osm``. Source:
dCache docs/TheBook (Chimera, directory tags), ChimeraOsmStorageInfoExtractor.java.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim

ACCESS_LATENCIES = ("ONLINE", "NEARLINE")
RETENTION_POLICIES = ("REPLICA", "CUSTODIAL", "OUTPUT")
KNOWN = ("OSMTemplate", "sGroup", "AccessLatency", "RetentionPolicy", "WriteToken", "cacheClass", "hsmInstance", "hsmType", "QosPolicy")


@dataclass(frozen=True)
class TemplateLine:
    """One line of OSMTemplate."""

    key: str
    value: str


OsmTemplate = Document[TemplateLine]


def _read(text: str) -> TemplateLine | None:
    words = java_trim(text).split(None, 1)
    if not words:
        return None
    if len(words) == 1:
        raise BadLine(f"{words[0]} has no value")
    return TemplateLine(words[0], words[1])


TEMPLATE_LANGUAGE = Language(_read, lambda line: f"{line.key} {line.value}")


def parse_template(text: str) -> OsmTemplate:
    return line_document.parse(text, TEMPLATE_LANGUAGE)


def store_name(template: OsmTemplate) -> str:
    """The value of StoreName, "" when the template lacks it (dCache then raises an alarm for every file)."""
    return next((line.value for _number, line in template.entries() if line.key == "StoreName"), "")


@dataclass(frozen=True)
class Tags:
    """Tags of one directory, "" when a tag is not set. others: tags that dCache itself does not read."""

    store: str = ""
    group: str = ""
    access_latency: str = ""
    retention_policy: str = ""
    write_token: str = ""
    cache_class: str = ""
    hsm_instance: str = ""
    hsm_type: str = ""
    qos_policy: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def storage_class(self) -> str:
        """``STORE:GROUP`` as units name it before ``@``."""
        return f"{self.store}:{self.group}"


_FIELDS = {
    "sGroup": "group",
    "AccessLatency": "access_latency",
    "RetentionPolicy": "retention_policy",
    "WriteToken": "write_token",
    "cacheClass": "cache_class",
    "hsmInstance": "hsm_instance",
    "hsmType": "hsm_type",
    "QosPolicy": "qos_policy",
}


def parse(contents: Mapping[str, str]) -> Tags:
    """Tags from what ``chimera readtag`` or ``.(tag)(NAME)`` gives for each name."""
    fields = {field: java_trim(contents[name]) for name, field in _FIELDS.items() if name in contents}
    others = tuple((name, text) for name, text in contents.items() if name not in KNOWN)
    return Tags(store=store_name(parse_template(contents.get("OSMTemplate", ""))), others=others, **fields)


def render(tags: Tags) -> dict[str, str]:
    """The text of each tag that is set."""
    contents = {"OSMTemplate": f"StoreName {tags.store}\n"} if tags.store else {}
    contents.update({name: getattr(tags, field) + "\n" for name, field in _FIELDS.items() if getattr(tags, field)})
    contents.update(tags.others)
    return contents


def problems(tags: Tags) -> tuple[str, ...]:
    """Values that dCache does not take."""
    found = []
    if tags.access_latency and tags.access_latency not in ACCESS_LATENCIES:
        found.append(f"AccessLatency {tags.access_latency} is none of {', '.join(ACCESS_LATENCIES)}")
    if tags.retention_policy and tags.retention_policy not in RETENTION_POLICIES:
        found.append(f"RetentionPolicy {tags.retention_policy} is none of {', '.join(RETENTION_POLICIES)}")
    if tags.group and not tags.store:
        found.append("sGroup without StoreName in OSMTemplate: no storage class can be built")
    return tuple(found)
