# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From descriptions and registered records to what the probe has to prove: one target per area, HTTPS door and issuer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import (
    Place,
    RucioUse,
    Target,
    TokenWish,
    Unbound,
    other_scope,
    tokens,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access, rse_records, rucio_token_request, scope_path
from ansible_collections.escape.datalake.plugins.plugin_utils.model.paths import relative_to
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, Issuer, Lake, Storage

HTTPS_SCHEMES = frozenset({"davs", "https"})


@dataclass(frozen=True)
class Means:
    """How tokens of one issuer can be had. secret: of the client. lab_mint: the issuer is the lab's stand-in and signs any claims.

    Files hold one token each: expired_token_file, group_token_files by group, foreign_token_file of a member of foreign_group only.
    """

    name: str
    url: str
    client_id: str = ""
    secret: str = field(default="", repr=False)
    lab_mint: bool = False
    expired_token_file: str = ""
    group_token_files: Mapping[str, str] = field(default_factory=dict)
    foreign_group: str = ""


def targets(
    lake: Lake, storages: Sequence[Storage], means: Mapping[str, Means], registered: Mapping[str, RseRecord] | None = None, peer: str = ""
) -> list[Target]:
    """Everything to probe.

    means: how tokens are had, by issuer name.
    registered: the records that Rucio or CRIC hold, by RSE name; None to derive them from the descriptions.
    peer: RSE for the other end of third-party copies; empty to choose another area, of another storage where there is one.
    """
    places = [(storage, area, place) for storage in storages for area in storage.areas for place in _places(storage, area)]
    found = []
    for position, (storage, area, place) in enumerate(places):
        uses, rucio_problem = _rucio_uses(storage, lake, area, registered)
        for issuer in storage.issuers:
            following = places[position + 1 :] + places[:position]
            trusting = [here for there, _area, here in following if issuer.name in {each.name for each in there.issuers}]
            far, peer_problem = _peer(place, trusting, peer)
            grants = _grants(area, storage, issuer)
            target = Target(
                place=place,
                issuer=issuer.name,
                other_scope=other_scope(place.scope_path, [scope_path(each, storage) for each in storage.areas if each.name != area.name]),
                grants=grants,
                foreign_group=_foreign_group(grants, means.get(issuer.name)),
                strangers=tuple(name for name in means if name not in {each.name for each in storage.issuers}),
                unbound=_unbound(grants, {other.name: _grants(area, storage, other) for other in storage.issuers if other is not issuer}),
                peer=far,
                peer_problem=peer_problem,
                rucio=uses,
                rucio_problem=rucio_problem,
            )
            found.append(replace(target, unavailable=_unavailable(tokens(target), means)))
    return found


def _places(storage: Storage, area: Area) -> list[Place]:
    doors = dict.fromkeys((door.host, door.port, door.prefix) for door in storage.doors if door.scheme in HTTPS_SCHEMES)
    return [
        Place(
            storage=storage.name,
            system=storage.system,
            release=storage.release,
            rse=area.rse,
            qos=area.qos,
            path=relative_to(area.path, prefix),
            scope_path=scope_path(area, storage),
            host=host,
            port=port,
            tape=area.media == "tape",
        )
        for host, port, prefix in doors
    ]


def _grants(area: Area, storage: Storage, issuer: Issuer) -> dict[str, str]:
    """Rights by group of an issuer in an area."""
    grants: dict[str, str] = {}
    for access in area_access(area, storage):
        if access.issuer == issuer.name and grants.get(access.group) != "write":
            grants[access.group] = access.rights
    return grants


def _unbound(mine: Mapping[str, str], others: Mapping[str, Mapping[str, str]]) -> tuple[Unbound, ...]:
    """The groups that have rights as this issuer's and not as another's."""
    return tuple(
        Unbound(name, group, tuple(sorted(theirs))) for name, theirs in others.items() for group in sorted(mine.keys() - theirs.keys())
    )


def _foreign_group(grants: Mapping[str, str], means: Means | None) -> str:
    """A group without rights: the configured one, else one whose name only begins like a group that has them."""
    if means and means.foreign_group:
        return means.foreign_group
    return next((f"/{group.split('/')[1]}-foreign" for group in sorted(grants)), "/foreign")


def _peer(place: Place, others: Sequence[Place], wanted: str) -> tuple[Place | None, str]:
    """The other end of third-party copies, or why there is none."""
    candidates = [other for other in others if other.rse != place.rse]
    if not candidates:
        return None, "no other area trusts this issuer, so there is nothing to copy from and to"
    named = [other for other in candidates if other.rse == wanted]
    elsewhere = [other for other in candidates if other.storage != place.storage]
    return (named or elsewhere or candidates)[0], ""


def _rucio_uses(storage: Storage, lake: Lake, area: Area, registered: Mapping[str, RseRecord] | None) -> tuple[tuple[RucioUse, ...], str]:
    """Rucio's arithmetic on the record of an area's RSE, once per davs protocol, or why there is none."""
    if registered is None:
        record = next(record for record in rse_records(storage, lake) if record.name == area.rse)
    elif area.rse in registered:
        record = registered[area.rse]
    else:
        return (), f"no record of {area.rse} was given: register the RSE first, or leave rses out to use the derived record"
    davs = [protocol for protocol in record.protocols or () if protocol.scheme == "davs"]
    if not davs:
        return (), ""
    audience, write_scopes = rucio_token_request(record)
    _audience, read_scopes = rucio_token_request(record, ("storage.read",))
    return tuple(RucioUse(door.hostname, door.port, door.prefix, audience, read_scopes, write_scopes) for door in davs), ""


def _unavailable(wishes: Mapping[str, TokenWish], means: Mapping[str, Means]) -> dict[str, str]:
    """Why tokens cannot be had, by key, where nobody promised them."""
    reasons = {}
    for key, wish in wishes.items():
        how = means.get(wish.issuer)
        if how is None:
            reasons[key] = f"no credentials of issuer {wish.issuer} are given"
        elif how.lab_mint:
            continue
        elif wish.expired and not how.expired_token_file:
            reasons[key] = f"no expired token of {wish.issuer} is given (expired_token_file)"
        elif not wish.scopes and wish.groups and wish.groups[0] not in how.group_token_files:
            reasons[key] = f"no token of {wish.issuer} with group {wish.groups[0]} is given (group_token_files)"
        elif wish.scopes and not wish.expired and not how.client_id:
            reasons[key] = f"no client of issuer {wish.issuer} is given (client_id)"
    return reasons
