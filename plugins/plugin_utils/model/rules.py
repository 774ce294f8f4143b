# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that look at more than one value of a description.

Every rule takes what was read so far (None for a value that is wrong by itself) and the path of the object, and yields problems.
A rule that lacks a value it compares says nothing: the missing or wrong value has its own problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model import paths, qos, rucio
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import nearest, quoted
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake, Storage

Found = Mapping[str, Any]


def lake_problems(found: Found, at: str) -> Iterator[Problem]:
    """Everything that single values of ``datalake_lake`` do not show."""
    owners: dict[str, str] = {}
    for name, issuer in found.get("issuers", {}).items():
        here = f"{at}.issuers.{name}"
        url = issuer.get("url")
        if url is None:
            continue
        if not url.endswith("/") and not issuer.get("exact", False):
            yield Problem(
                f"{here}.url",
                f'"{url}" does not end with a slash as the iss claim of INDIGO IAM does; a token that differs by it is refused.',
                f'Look at the iss claim of a real token: write "{url}/", or "exact: true" beside it when the claim has no slash.',
            )
        if url in owners:
            yield Problem(f"{here}.url", f'"{url}" is already the issuer "{owners[url]}".', "Keep one of the two.")
        owners.setdefault(url, name)
        yield from _duplicates(
            [each.get("group") for each in issuer.get("access", [])], f"{here}.access", "group", "Keep one entry per group."
        )


def storage_problems(found: Found, lake: Lake, at: str) -> Iterator[Problem]:
    """Everything that single values of ``datalake_storage`` do not show."""
    yield from _issuers(found, lake, at)
    yield from _doors(found, lake, at)
    yield from _audiences(found, at)
    yield from _location(found.get("location", {}), f"{at}.location")
    areas = found.get("areas", [])
    yield from _area_paths(areas, at)
    yield from _base_path(found, areas, at)
    yield from _door_prefixes(found, areas, at)
    yield from _rse_names(found, areas, at)
    yield from _partitions(areas, at)
    for number, area in enumerate(areas):
        here = f"{at}.areas[{number}]"
        yield from _facts(area, lake, here)
        yield from _access(area, found.get("issuers"), here)
        yield from _attributes(area, here)


def rse_name(storage_name: str, area: Found) -> str:
    """The name of an area's RSE: as given, else from storage and area."""
    return str(area.get("rse") or f"{storage_name}-{area['name']}".upper())


def lake_wide_problems(storages: Mapping[str, Storage]) -> Iterator[Problem]:
    """Names and doors that two storages share. storages: by the path of their description.

    The same description twice is one storage that has several hosts.
    """
    distinct: dict[str, Storage] = {}
    for at, storage in storages.items():
        if storage not in distinct.values():
            distinct[at] = storage
    names: dict[str, str] = {}
    rses: dict[str, str] = {}
    doors: dict[tuple[str, int], str] = {}
    for at, storage in distinct.items():
        if storage.name in names:
            yield Problem(f"{at}.name", f'"{storage.name}" is also the name of {names[storage.name]}.', "Give every storage its own name.")
        names.setdefault(storage.name, at)
        for number, area in enumerate(storage.areas):
            here = f"{at}.areas[{number}].rse"
            if area.rse in rses:
                yield Problem(here, f'RSE "{area.rse}" is also that of {rses[area.rse]}.', "Give one of the two another name with rse.")
            rses.setdefault(area.rse, f"{at}.areas[{number}]")
        for number, door in enumerate(storage.doors):
            here = f"{at}.doors[{number}]"
            address = (door.host, door.port)
            if doors.get(address, at) != at:
                yield Problem(
                    here,
                    f"{door.host}:{door.port} is also a door of {doors[address]}.",
                    "A door belongs to one storage: correct host or port.",
                )
            doors.setdefault(address, at)


def _issuers(found: Found, lake: Lake, at: str) -> Iterator[Problem]:
    issuers = found.get("issuers")
    if issuers is None:
        return
    for number, name in enumerate(issuers):
        if lake.issuers and name not in lake.issuers:
            yield Problem(f"{at}.issuers[{number}]", f'"{name}" is not an issuer of this lake.', nearest(name, lake.issuers))
    yield from _duplicates(issuers, f"{at}.issuers", "", "Name every issuer once.")
    if not issuers and "x509" not in found:
        yield Problem(f"{at}.issuers", "is empty and there is no x509, so nobody can log in.", "Name an issuer of the lake, or add x509.")
    schemes = {door.get("scheme") for door in found.get("doors", [])}
    if issuers and schemes and None not in schemes and "davs" not in schemes:
        yield Problem(
            f"{at}.doors",
            "has no davs door, and Rucio uses the tokens of the issuers with davs only.",
            "Add a door with scheme davs (the WebDAV door over TLS), or empty issuers.",
        )


def _doors(found: Found, lake: Lake, at: str) -> Iterator[Problem]:
    doors = found.get("doors", [])
    for number, door in enumerate(doors):
        if door.get("scheme") and (first := rucio.removed_in(door["scheme"], lake.rucio_release)):
            yield Problem(
                f"{at}.doors[{number}].scheme",
                f'Rucio moves no files with "{door["scheme"]}" since release {first}.',
                "Remove the door; describe the davs door in its place.",
            )
    for (first, one), (second, other) in combinations(enumerate(doors), 2):
        keys = ("scheme", "host", "port")
        if any(each.get(key) is None for each in (one, other) for key in keys):
            continue
        address = f"{other['host']}:{other['port']}"
        if all(one[key] == other[key] for key in keys):
            yield Problem(
                f"{at}.doors[{second}]", f"{other['scheme']}://{address} is already doors[{first}].", "Remove it: Rucio takes a door once."
            )
        elif (one["host"], one["port"]) == (other["host"], other["port"]) and not _may_share_port(found, {one["scheme"], other["scheme"]}):
            yield Problem(
                f"{at}.doors[{second}]",
                f"{address} is already doors[{first}] ({one['scheme']}); only xrootd serves two protocols, davs and root, on one port.",
                "Correct the port, or remove one of the two.",
            )


def _may_share_port(found: Found, schemes: set[str]) -> bool:
    return found.get("system") in ("xrootd", None) and schemes in ({"davs", "root"}, {"https", "root"})


def _audiences(found: Found, at: str) -> Iterator[Problem]:
    yield from _duplicates(found.get("audiences", []), f"{at}.audiences", "", "Write every audience once.")


def _location(location: Found, at: str) -> Iterator[Problem]:
    for given, missing in (("latitude", "longitude"), ("longitude", "latitude")):
        if given in location and missing not in location:
            yield Problem(f"{at}.{missing}", f"is missing beside {given}.", "Give both or none.")


def _area_paths(areas: Sequence[Found], at: str) -> Iterator[Problem]:
    yield from _duplicates([area.get("name") for area in areas], f"{at}.areas", "name", "Give every area its own name.")
    for (first, one), (second, other) in combinations(enumerate(area.get("path") for area in areas), 2):
        if one is None or other is None:
            continue
        here = f"{at}.areas[{second}].path"
        shorter, longer = sorted((one, other), key=len)
        if one == other:
            yield Problem(
                here,
                f'"{other}" is already the path of areas[{first}].',
                "Give every area its own directory: a token tells areas apart by path only.",
            )
        elif paths.is_below(longer, shorter):
            yield Problem(
                here,
                f'"{longer}" lies inside "{shorter}" (areas[{first}] and areas[{second}]): a token for the outer area opens the inner.',
                "Put the areas beside each other.",
            )
        elif longer.startswith(shorter):
            yield Problem(
                here,
                f'"{longer}" begins with "{shorter}" (areas[{first}] and areas[{second}]): servers that compare paths letter by letter '
                "(XRootD before 5.9.3, StoRM WebDAV) let a token for the shorter one into the longer one.",
                "Rename one so that neither begins with the other.",
            )


def _base_path(found: Found, areas: Sequence[Found], at: str) -> Iterator[Problem]:
    yield from _own_base_paths(found, areas, at)
    known = [(number, area["path"]) for number, area in enumerate(areas) if area.get("path") is not None and "base_path" not in area]
    if "base_path" not in found:
        if known and paths.common_parent([path for _number, path in known]) == "/":
            yield Problem(
                f"{at}.base_path",
                "is missing, and the areas have no directory in common that could stand for it.",
                'Put the areas into one directory, or write "base_path: /" so that token paths are whole paths.',
            )
        return
    base = found["base_path"]
    for number, path in known:
        if base is not None and not paths.is_below(path, base):
            yield Problem(
                f"{at}.areas[{number}].path",
                f'"{path}" does not lie inside base_path "{base}", so no token scope can name it.',
                f'Choose a path below "{base}", or a shorter base_path.',
            )


def _own_base_paths(found: Found, areas: Sequence[Found], at: str) -> Iterator[Problem]:
    for number, area in enumerate(areas):
        base, path = area.get("base_path"), area.get("path")
        here = f"{at}.areas[{number}].base_path"
        if base is not None and found.get("system") not in ("storm", None):
            yield Problem(here, f'"{base}" is not possible: only storage areas of StoRM have one of their own.', "Remove it.")
        elif base is not None and path is not None and path != base and not paths.is_below(path, base):
            yield Problem(here, f'"{base}" is not a directory that "{path}" lies inside.', f'Write "{path}", or a directory above it.')


def _door_prefixes(found: Found, areas: Sequence[Found], at: str) -> Iterator[Problem]:
    """Doors that show a directory of the name space as their root."""
    base = found.get("base_path") or paths.common_parent([area["path"] for area in areas if area.get("path")])
    shown: dict[int, str] = {}
    for number, door in enumerate(found.get("doors", [])):
        prefix = door.get("prefix")
        if prefix is None:
            continue
        here = f"{at}.doors[{number}].prefix"
        outside = next((area["path"] for area in areas if area.get("path") and not paths.is_below(area["path"], prefix)), None)
        if prefix != "/" and found.get("system") not in ("dcache", None):
            yield Problem(here, f'"{prefix}" is not possible: only doors of dCache have a root of their own.', "Remove it.")
        elif outside and prefix != "/":
            yield Problem(
                here, f'"{prefix}" hides the area "{outside}" from clients of this door.', "Choose a directory that all areas lie inside."
            )
        elif door.get("scheme") == "davs" and found.get("issuers"):
            if base != prefix and not paths.is_below(base, prefix):
                yield Problem(
                    here,
                    f'"{prefix}" lies below base_path "{base}", so Rucio cannot compute the paths of tokens from those of this door.',
                    f'Give "base_path: {prefix}", or a shorter prefix.',
                )
            first = next(iter(shown.items()), (number, prefix))
            if first[1] != prefix:
                yield Problem(
                    here,
                    f'"{prefix}" is not that of doors[{first[0]}], and Rucio computes the paths of tokens alike for all davs doors.',
                    f'Give both doors "prefix: {first[1]}", or remove one of them.',
                )
            shown[number] = prefix


def _rse_names(found: Found, areas: Sequence[Found], at: str) -> Iterator[Problem]:
    if found.get("name") is None:
        return
    seen: dict[str, int] = {}
    for number, area in enumerate(areas):
        if area.get("rse" if "rse" in area else "name") is None:
            continue
        name = rse_name(found["name"], area)
        here = f"{at}.areas[{number}].rse"
        if len(name) > rucio.MAX_TEXT:
            yield Problem(
                here, f'"{name[:40]}..." would have {len(name)} characters.', f"Give a name of at most {rucio.MAX_TEXT} with rse."
            )
        named_alike = "rse" not in area and areas[seen.get(name, number)].get("name") == area["name"]
        if name in seen and not named_alike:
            yield Problem(
                here,
                f'"{name}" is already the RSE of areas[{seen[name]}].',
                "Every area is its own RSE: give one of the two another name with rse.",
            )
        seen.setdefault(name, number)


def _partitions(areas: Sequence[Found], at: str) -> Iterator[Problem]:
    owned = [(number, partition) for number, area in enumerate(areas) for partition in area.get("partitions", [])]
    for number, partition in owned:
        if partition == "/":
            yield Problem(f"{at}.areas[{number}].partitions", '"/" is the whole host.', "Give directories that hold nothing else.")
    for (first, one), (second, other) in combinations(owned, 2):
        if one == other or paths.is_below(one, other) or paths.is_below(other, one):
            where = (
                "is listed twice"
                if first == second and one == other
                else f'and "{one}" of areas[{first}] are the same or one inside the other'
            )
            yield Problem(
                f"{at}.areas[{second}].partitions",
                f'"{other}" {where}, so their bytes would be counted twice.',
                "Give every area directories of its own.",
            )


def _facts(area: Found, lake: Lake, at: str) -> Iterator[Problem]:
    if area.get("redundancy") == "replica" and area.get("copies") == 1:
        yield Problem(f"{at}.copies", "is 1 although redundancy is replica.", "State how many copies there are, at least 2.")
    label = area.get("qos")
    if label is None:
        return
    qos_class = lake.qos_classes.get(label)
    if qos_class is None:
        yield Problem(f"{at}.qos", f'"{label}" is not a QoS class of this lake.', nearest(label, lake.qos_classes))
        return
    if None in (
        area.get("media"),
        area.get("copies", 1),
        area.get("redundancy", "none"),
        area.get("latency", 0),
        area.get("volatile", False),
    ):
        return
    facts = facts_of(area)
    reasons = qos.shortcomings(qos_class, facts)
    if reasons:
        yield Problem(
            f"{at}.qos",
            f'"{label}" is not earned: {", or: ".join(reasons)}.',
            f"Correct the facts, or claim a class that they earn: {quoted(qos.claimable(lake.qos_classes, facts))}.",
        )


def facts_of(area: Found) -> qos.Facts:
    """The facts among the values of an area."""
    return qos.Facts(area["media"], area.get("copies", 1), area.get("redundancy", "none"), area.get("latency"), area.get("volatile", False))


def _access(area: Found, issuers: Sequence[str] | None, at: str) -> Iterator[Problem]:
    pairs = []
    for number, access in enumerate(area.get("access", [])):
        here = f"{at}.access[{number}].issuer"
        issuer = access.get("issuer")
        pairs.append((issuer, access.get("group")))
        if issuers is None:
            continue
        if issuer is None and len(issuers) != 1:
            yield Problem(
                here,
                "is missing, and the storage has not exactly one issuer.",
                f"Say which issuer's group is meant. Known: {quoted(issuers)}.",
            )
        elif issuer is not None and issuer not in issuers:
            yield Problem(
                here, f'"{issuer}" is not an issuer of this storage.', nearest(issuer, issuers) + " Or add it to issuers of the storage."
            )
    for number, pair in enumerate(pairs):
        if pair[1] is not None and pair in pairs[:number]:
            yield Problem(
                f"{at}.access[{number}].group", f'"{pair[1]}" has an entry already.', "Keep one entry per group; write includes read."
            )


def _attributes(area: Found, at: str) -> Iterator[Problem]:
    for key in area.get("attributes", {}):
        if key in rucio.DERIVED_ATTRIBUTES:
            yield Problem(
                f"{at}.attributes.{key}", "is derived from the description, so it cannot be given here.", rucio.DERIVED_ATTRIBUTES[key]
            )


def _duplicates(values: Sequence[str | None], at: str, key: str, remedy: str) -> Iterator[Problem]:
    """Values that stand in a list more than once. key: where in an item the value stands, empty when the item is the value."""
    for number, value in enumerate(values):
        if value is not None and value in values[:number]:
            yield Problem(f"{at}[{number}]" + (f".{key}" if key else ""), f'"{value}" is there already.', remedy)
