# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows from a description: audiences, who may do what, RSE records, and the tokens that Rucio will ask for."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.escape.datalake.plugins.plugin_utils.model import paths, rucio
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord, Scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Access, Area, Door, Lake, Storage

ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
SCHEME_ORDER = ("davs", "https", "root")  # other schemes come last
RUCIO_ACTIONS = ("storage.modify", "storage.read")  # what Rucio asks for at a destination (lib/rucio/transfertool/fts3.py)


def default_audiences(doors: Sequence[Door]) -> tuple[str, ...]:
    """Audiences that a storage accepts without being told.

    The address of each HTTP door without the default port (WLCG profile), the bare host name of each door (what Rucio asks for),
    and the wildcard of the profile.
    """
    addresses = [
        f"https://{door.host}" + ("" if door.port == 443 else f":{door.port}") for door in doors if door.scheme in rucio.HTTP_SCHEMES
    ]
    return tuple(dict.fromkeys([*addresses, *(door.host for door in doors), ANY_AUDIENCE]))


def area_access(area: Area, storage: Storage) -> tuple[Access, ...]:
    """Who may do what in an area: its own list, else what the storage's issuers grant everywhere."""
    return area.access or tuple(access for issuer in storage.issuers for access in issuer.access)


def scope_path(area: Area, storage: Storage) -> str:
    """The path of an area as token scopes name it: ``/fast`` for ``/escape/fast`` below base path ``/escape``."""
    return paths.relative_to(area.path, area_base_path(area, storage)) or "/"


def area_base_path(area: Area, storage: Storage) -> str:
    """What the paths of token scopes are relative to in an area."""
    return area.base_path or storage.base_path


def token_base(area: Area, storage: Storage) -> str:
    """The base path of tokens for an area as the davs doors show it, ``/`` where they show nothing above it."""
    prefixes = [door.prefix for door in storage.doors if door.scheme == "davs"]
    return paths.relative_to(area_base_path(area, storage), prefixes[0] if prefixes else "/") or "/"


def rse_records(storage: Storage, lake: Lake) -> tuple[RseRecord, ...]:
    """One RSE per area, in the order of the areas."""
    return tuple(_record(area, storage, lake) for area in storage.areas)


def rucio_token_request(record: RseRecord, actions: Sequence[str] = RUCIO_ACTIONS) -> tuple[str, tuple[str, ...]]:
    """Audience and scopes that Rucio asks its issuer for, computed as it does from what is registered.

    Source: lib/rucio/core/rse.py, determine_audience_for_rse and determine_scope_for_rse. ("", ()) when there is no davs door.
    """
    davs = [protocol for protocol in record.protocols or () if protocol.scheme == "davs"]
    audience = " ".join(sorted({protocol.hostname for protocol in davs}))
    base = str(record.attributes.get("oidc_base_path") or "")
    prefixes = {protocol.prefix.removeprefix(base) for protocol in davs}
    return audience, tuple(sorted(f"{action}:{prefix}" for action in actions for prefix in prefixes))


def _record(area: Area, storage: Storage, lake: Lake) -> RseRecord:
    return RseRecord(
        name=area.rse,
        site=storage.site,
        properties=_properties(area, storage),
        attributes=_attributes(area, storage, lake),
        protocols=_protocols(area, storage, lake),
        space=area.capacity,
    )


def _properties(area: Area, storage: Storage) -> dict[str, Scalar]:
    place = storage.location
    stated = {
        "country_name": place.country,
        "region_code": place.region,
        "city": place.city,
        "continent": place.continent,
        "time_zone": place.timezone,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }
    return {
        "deterministic": True,
        "volatile": area.volatile,
        "staging_area": False,
        "rse_type": "TAPE" if area.media == "tape" else "DISK",
        "availability_read": True,
        # Nobody but the cache itself decides what a volatile area holds.
        "availability_write": not area.volatile,
        "availability_delete": not area.volatile,
        **{key: value for key, value in stated.items() if value is not None},
    }


def _attributes(area: Area, storage: Storage, lake: Lake) -> dict[str, Scalar]:
    base = token_base(area, storage)
    return {
        "QOS": area.qos,
        "site": storage.site,
        "lfn2pfn_algorithm": "hash",
        "verify_checksum": True,
        "qos_media": area.media,
        "qos_copies": area.copies,
        # Rucio cuts the base off as plain text: with "/" the scope's own first slash would go too.
        **({"oidc_base_path": base} if base != "/" else {}),
        **({"qos_latency_ms": area.latency_ms} if area.latency_ms is not None else {}),
        **({"fts": lake.fts} if lake.fts else {}),
        **area.attributes,
    }


def _protocols(area: Area, storage: Storage, lake: Lake) -> tuple[Protocol, ...]:
    ordered = sorted(storage.doors, key=lambda door: SCHEME_ORDER.index(door.scheme) if door.scheme in SCHEME_ORDER else len(SCHEME_ORDER))
    return tuple(_protocol(door, priority, area, lake) for priority, door in enumerate(ordered, start=1))


def _protocol(door: Door, priority: int, area: Area, lake: Lake) -> Protocol:
    def offered(operation: str) -> int | None:
        between_sites = operation.startswith("third_party_copy")
        read_only = area.volatile and not operation.endswith("read")
        return None if read_only or (between_sites and door.scheme not in rucio.COPIES_BETWEEN_SITES) else priority

    return Protocol(
        scheme=door.scheme,
        hostname=door.host,
        port=door.port,
        prefix=rucio_prefix(paths.relative_to(area.path, door.prefix), door.scheme),
        impl=lake.impl.get(door.scheme, rucio.IMPL_BY_SCHEME.get(door.scheme, rucio.DEFAULT_IMPL)),
        lan={each: offered(each) for each in LAN_OPERATIONS},
        wan={each: offered(each) for each in WAN_OPERATIONS},
        extended_attributes={"web_service_path": rucio.SRM_WEB_SERVICE_PATH} if door.scheme == "srm" else None,
    )


def rucio_prefix(path: str, scheme: str) -> str:
    """The prefix to register for an area's path as a door shows it.

    It ends with a slash: Rucio adds a missing one when it makes addresses, but not when it takes them apart, where ``/escape/disk``
    would match ``/escape/disk-ec`` (lib/rucio/rse/protocols/gfal.py). Root addresses need a second slash before the path.
    """
    return ("/" if scheme == "root" else "") + path + "/"
