# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which QoS a site can offer today, from its files: the facts of each place where data can lie, and the classes that they earn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model import qos
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import QosClass
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import about_size


@dataclass(frozen=True)
class Offer:
    """One place where data can lie: an area, a space, a group of pools, a storage area.

    kind: the system's own word for it, such as ``pool group``. where: file:line that says most of it. paths: directories of the name space
    whose files go there. media, copies, redundancy: None where no file tells. capacity: bytes, None where no file tells.
    pools: the disks behind it, as the system names them. tape: files are also, or only, kept on tape. staging: some files have to be
    brought back from tape before they can be read. volatile: files may vanish. notes: what a person should know beside this.
    """

    name: str
    kind: str
    where: str = ""
    paths: tuple[str, ...] = ()
    media: str | None = None
    copies: int | None = None
    redundancy: str | None = None
    capacity: int | None = None
    pools: tuple[str, ...] = ()
    tape: bool = False
    staging: bool = False
    volatile: bool = False
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> qos.Facts | None:
        """The facts that classes are earned with; None while the medium is unknown. What is unknown otherwise counts as the least."""
        medium = "tape" if self.staging else self.media
        if medium is None:
            return None
        return qos.Facts(medium, self.copies or 1, self.redundancy or "none", volatile=self.volatile)


@dataclass(frozen=True)
class Survey:
    """A site's offers. doors: each ``scheme://host:port``. issuers: addresses of the accepted token issuers."""

    system: str
    release: str
    hostname: str
    offers: tuple[Offer, ...]
    doors: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def classes_of(offer: Offer, classes: Mapping[str, QosClass] = qos.BUILT_IN) -> tuple[list[str], list[str]]:
    """The classes that an offer earns whatever its unknown facts are, and those that it might earn, depending on them."""
    sure = qos.claimable(classes, offer.facts) if offer.facts else _whatever_medium(offer, classes)
    best = [
        qos.Facts(medium, offer.copies or 2, offer.redundancy or redundancy, volatile=offer.volatile)
        for medium in ([offer.facts.media] if offer.facts else ("nvme", "hdd"))
        for redundancy in ("none", "ec-servers")
    ]
    possible = [name for name in classes if any(name in qos.claimable(classes, facts) for facts in best)]
    return sure, [name for name in possible if name not in sure]


def _whatever_medium(offer: Offer, classes: Mapping[str, QosClass]) -> list[str]:
    """What is earned on every medium that the disks could be of."""
    facts = [qos.Facts(medium, offer.copies or 1, offer.redundancy or "none", volatile=offer.volatile) for medium in ("nvme", "ssd", "hdd")]
    return [name for name in classes if all(name in qos.claimable(classes, each) for each in facts)]


def as_dict(survey: Survey) -> dict[str, Any]:
    """For JSON: every fact, with the classes that each offer earns (``classes``) or might earn (``possible``)."""
    plain: dict[str, Any] = asdict(survey)
    for offer, each in zip(survey.offers, plain["offers"], strict=True):
        each["classes"], each["possible"] = classes_of(offer)
    return plain


def as_text(plain: Mapping[str, Any]) -> str:
    """For people. plain: what as_dict() gives."""
    lines = [f"{plain['hostname']} ({plain['system']} {plain['release']})".replace(" )", ")")]
    lines += [f"  doors: {', '.join(plain['doors']) or 'none on this host'}", f"  issuers: {', '.join(plain['issuers']) or 'none'}"]
    for offer in plain["offers"]:
        at = f" ({offer['where']})" if offer["where"] else ""
        lines.append(f"  {offer['kind']} {offer['name']}{at}")
        if offer["paths"]:
            lines.append(f"    paths: {', '.join(offer['paths'])}")
        lines.append("    " + ", ".join(f"{name}: {value}" for name, value in facts_in_words(offer)))
        might = f"; depending on what no file tells: {', '.join(offer['possible'])}" if offer["possible"] else ""
        lines.append(f"    earns {', '.join(offer['classes']) or 'no class for sure'}{might}")
        lines += [f"    {note}" for note in offer["notes"]]
    lines += [f"  {note}" for note in plain["notes"]]
    return "\n".join(lines) + "\n"


def facts_in_words(offer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each fact of an offer, for people."""
    size = "not known" if offer["capacity"] is None else about_size(offer["capacity"])
    return [
        ("media", (offer["media"] or "not known") + (" with tape behind it" if offer["tape"] else "")),
        ("copies", "not known" if offer["copies"] is None else str(offer["copies"])),
        ("redundancy", offer["redundancy"] or "not known"),
        ("size", f"{size} in {len(offer['pools'])} {'pool' if len(offer['pools']) == 1 else 'pools'}"),
        ("staging", "yes" if offer["staging"] else "no"),
        ("volatile", "yes" if offer["volatile"] else "no"),
    ]
