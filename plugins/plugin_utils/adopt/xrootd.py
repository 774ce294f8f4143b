# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An XRootD server's files as a site description, and which QoS they offer.

The description is planned back at once: what the role would change in the files is said in the notes.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd import Placed, Server, protocol_of, security_of
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_host import servers
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import scitokens_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.model import kinds, parse, paths, qos
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import default_audiences
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Door
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import xrootd as planner

PACKAGED = frozenset({"clustered", "standalone", "http", "filecache-clustered", "filecache-standalone"})
"""Instances whose main files come as examples with the packages."""
DEFAULT_PORT = 1094
LINES = 12  # of a difference that a note quotes
STAND_IN = {"capacity": "1TB", "media": "nvme", "qos": "OPPORTUNISTIC"}
"""Facts that no file of XRootD depends on, for planning a description back that lacks them."""
NO_ISSUER = {"none": {"url": "https://none.example.org/"}}  # a lake needs one


@dataclass
class _Reading:
    """What was found while the files are gone through."""

    server: Server
    hostname: str
    release: str
    notes: list[str] = field(default_factory=list)

    def note(self, text: str, place: Placed | None = None) -> None:
        at = f"{(place.file if place else self.server.path).lstrip('/')}:{place.line if place else 1}"
        self.notes.append(f"{at}: {text}")


def adopt(files: Mapping[str, str], release: str, hostname: str) -> Adopted:
    """The description of the server that the files are of; of several the one that was set up by this collection, or by hand."""
    server, others = _chosen(files, release)
    if server is None:
        return Adopted({"system": "xrootd"}, notes=("etc/xrootd: no server has a main file here.",))
    reading = _Reading(server, naming.full_name(hostname, _audiences(server)), release)
    for other in others:
        reading.notes.append(f"{other.path.lstrip('/')}:1: a further server, which is not in this description.")
    issuers, restricted = _issuers(reading)
    access = _access(server, {entry["url"]: name for name, entry in issuers.items()})
    storage = _storage(reading, list(issuers))
    common = _shared_access(storage["areas"], access)
    for name, entry in issuers.items():
        entry.update({"access": [_grant(each) for each in common if each[0] == name]} if any(each[0] == name for each in common) else {})
    _own_access(reading, storage, access, common, restricted)
    variables = _variables(server)
    reading.notes += _undescribed(reading, storage, issuers, variables)
    reading.notes += changes(files, storage, issuers, variables, release)
    return Adopted(storage, issuers, variables, tuple(reading.notes))


def survey(files: Mapping[str, str], release: str, hostname: str) -> Survey:
    """One offer for each space, or for each export where there are no spaces."""
    server, others = _chosen(files, release)
    if server is None:
        return Survey("xrootd", release, hostname, ())
    reading = _Reading(server, naming.full_name(hostname, _audiences(server)), release)
    offers = tuple(_offers(server))
    issuers, _restricted = _issuers(reading)
    doors = tuple(f"{door['scheme']}://{door['host'] or '?'}:{door['port']}" for door in _doors(reading))
    further = tuple(f"{other.path.lstrip('/')}:1: a further server, which was not surveyed." for other in others)
    return Survey("xrootd", release, reading.hostname, offers, doors, tuple(entry["url"] for entry in issuers.values()), further)


def changes(
    files: Mapping[str, str], storage: Mapping[str, Any], issuers: Mapping[str, Any], variables: Mapping[str, Any], release: str
) -> list[str]:
    """What the role would change in the files when the description is taken as it is; empty for nothing."""
    absolute = {f"/{path}": text for path, text in files.items()}
    try:
        texts = _planned(absolute, storage, issuers, variables, release).texts
    except DescriptionError as error:
        return [f"To be settled by hand: {problem}" for problem in error.problems]
    return [
        f"{path.lstrip('/')}: the role would {'change' if path in absolute else 'write'} it: {_difference(absolute.get(path, ''), text)}"
        for path, text in texts.items()
    ]


def _planned(
    absolute: Mapping[str, str], storage: Mapping[str, Any], issuers: Mapping[str, Any], variables: Mapping[str, Any], release: str
) -> planner.Site:
    """The server of a description, with facts put in that no file depends on. absolute: texts found. Raises DescriptionError."""
    areas = [{**STAND_IN, **{key: value for key, value in area.items() if key != "qos"}} for area in storage["areas"]]
    lake = parse.load_lake({"name": "adopted", "issuers": {name: dict(entry) for name, entry in issuers.items()} or NO_ISSUER})
    loaded = parse.load_storage({"release": "5.5.3", **storage, "areas": areas}, lake)
    return planner.plan(loaded, options_of(variables), absolute, checks.Facts(), parse_release(release))


def options_of(variables: Mapping[str, Any]) -> planner.Options:
    """The planner's options from the variables of the role."""
    given = {name.removeprefix("xrootd_"): value for name, value in variables.items()}
    return planner.Options(
        instance=given["instance"],
        name_space=given.get("name_space", planner.Options.name_space),
        certificate=given.get("certificate", planner.Options.certificate),
        key=given.get("key", planner.Options.key),
        directives=tuple(given.get("directives", ())),
    )


def _chosen(files: Mapping[str, str], release: str) -> tuple[Server | None, list[Server]]:
    found = list(servers(files, release))
    own = [server for server in found if server.instance not in PACKAGED] or found
    own.sort(key=lambda server: (server.instance != planner.Options.instance, not server.authlibs, server.path))
    return (own[0], own[1:]) if own else (None, [])


def _difference(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0))
    told = [line for line in lines[2:] if not line.startswith("@@")]
    return "; ".join(told[:LINES]) + ("; ..." if len(told) > LINES else "")


# --- what is served --------------------------------------------------------------------------------------------------------------------


def _storage(reading: _Reading, issuers: list[str]) -> dict[str, Any]:
    server = reading.server
    sitename = server.last("all.sitename", "xrd.sitename")
    site = naming.label(sitename.args[0]) if sitename and sitename.args else naming.site_named(reading.hostname)
    if not (sitename and sitename.args):
        reading.note("all.sitename is not set; site and name were taken from the host's domain. Put in the names that CRIC knows.")
    storage: dict[str, Any] = {"name": naming.storage_name(site, "XRD"), "site": site, "system": "xrootd"}
    storage["release"] = reading.release
    if not reading.release:
        del storage["release"]
        reading.note("The release is not known; give all its numbers.")
    storage["issuers"] = issuers
    areas = list(_areas(reading))
    base = _base_path(reading, [area["path"] for area in areas])
    if base:
        storage["base_path"] = base
    doors = _doors(reading)
    accepted = [each for each in _audiences(server) if each not in _default_audiences(doors)]
    strange = [each for each in accepted if not re.fullmatch(str(kinds.AUDIENCE.schema["pattern"]), each)]
    for each in strange:
        reading.note(f"The audience {each} ends with a slash or holds blanks; it stays in the file and cannot be described.")
    if set(accepted) - set(strange):
        storage["audiences"] = [each for each in accepted if each not in strange]
    storage["doors"] = doors
    storage["areas"] = areas
    x509 = _x509(reading)
    if x509:
        storage["x509"] = x509
    return storage


def _default_audiences(doors: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return default_audiences([Door(door["scheme"], door["host"], door["port"]) for door in doors])


def _doors(reading: _Reading) -> list[dict[str, Any]]:
    server = reading.server
    named = server.last("xrd.port")
    main = int(named.args[0]) if named and named.args and named.args[0].isdigit() else DEFAULT_PORT
    found: list[tuple[str, int]] = []
    for each in server.http:
        port = protocol_of(each)[1]
        if server.tls or server.find("http.cert"):
            found.append(("davs", int(port) if port.isdigit() else main))
        else:
            reading.note("This HTTP door has no certificate; it is left out, since Rucio uses tokens with davs only.", each)
    roots = [
        int(port) for each in server.find("xrd.protocol") if protocol_of(each)[0] == "xroot" and (port := protocol_of(each)[1]).isdigit()
    ]
    found += [("root", port) for port in (main, *roots)]
    if "." not in reading.hostname:
        reading.note(f"The full name of the host is not known (found: {reading.hostname or 'nothing'}); put it into the doors.")
    return [{"scheme": scheme, "host": reading.hostname, "port": port} for scheme, port in dict.fromkeys(found)]


def _spaces(server: Server) -> dict[str, list[Placed]]:
    """The directories of each space, by its name."""
    found: dict[str, list[Placed]] = {}
    for each in server.find("oss.space"):
        if len(each.args) > 1 and each.args[1] not in ("assign", "default"):
            found.setdefault(each.args[0], []).append(each)
    return found


def _assigned(server: Server) -> list[tuple[str, str, Placed]]:
    """Path, space and line of every path that is assigned to a space."""
    lines = [each for each in server.find("oss.space") if each.args[1:2] == ("assign",)]
    return [(path.rstrip("/") or "/", each.args[0], each) for each in lines for path in each.args[2:]]


def _areas(reading: _Reading) -> Iterator[dict[str, Any]]:
    server = reading.server
    spaces = _spaces(server)
    names: list[str] = []
    places = _assigned(server)
    if not places:
        places = [(path, "", place) for path, place in _exports(server)]
    for path, space, place in places:
        if not re.fullmatch(kinds.PATH.schema["pattern"].strip("^$"), path):
            reading.note(f"{path} has characters that no area's path may have.", place)
            continue
        name = naming.area_name(path, names)
        names.append(name)
        directories = [each.args[1] for each in spaces.get(space, [])]
        area: dict[str, Any] = {"name": name, "path": path}
        medium = naming.medium_named((name, space, *directories))
        facts = _tape_or(server, path, medium)
        area["qos"] = naming.class_of(name, qos.Facts(facts) if facts else None, (space,))
        if facts:
            area["media"] = facts
            reading.note(
                f"The medium of area {name}, {facts}, was taken from a name. Correct it if it is not so, and claim the class that fits.",
                place,
            )
        else:
            reading.note(f"Fill in the medium of area {name}; then claim the class that its facts earn.", place)
        reading.note(f"Fill in the capacity of area {name}: no file tells it.", place)
        if _is_cache(server):
            area["volatile"] = True
        plain = [each for each in directories if not each.endswith("*")]
        if plain and len(plain) == len(directories):
            area["partitions"] = plain
        elif directories:
            reading.note(
                f"The directories of space {space} are a pattern; name them in partitions of area {name} to have them made.", place
            )
        yield area


def _exports(server: Server) -> Iterator[tuple[str, Placed]]:
    for each in server.find("all.export", "xrootd.export"):
        if each.args:
            yield each.args[0].rstrip("/") or "/", each


def _tape_or(server: Server, path: str, medium: str | None) -> str | None:
    """tape for what is staged in and out, else the medium."""
    staged = any(paths.is_below(path, export) or path == export for export, options in server.exports if {"stage", "migratable"} & options)
    return "tape" if staged else medium


def _is_cache(server: Server) -> bool:
    return any("libXrdPfc" in word for each in server.find("pss.cachelib") for word in each.args)


def _base_path(reading: _Reading, areas: Sequence[str]) -> str | None:
    """The base path of an issuer that all areas lie inside; None where the model's own choice is the same."""
    tokens = reading.server.tokens
    bases: list[str] = []
    for section in tokens.sections if tokens else ():
        if tokens and section.kind == "issuer":
            bases += scitokens_cfg.as_list(tokens.get(section.name, "base_path") or "")
    fitting = [base for base in dict.fromkeys(bases) if areas and all(paths.is_below(area, base.rstrip("/") or "/") for area in areas)]
    if len(fitting) > 1:
        reading.note(f"Issuers have different base paths ({', '.join(fitting)}); a description has one for all.")
    if fitting:
        return max(fitting, key=len).rstrip("/") or "/"
    if bases:
        reading.note(f"No base path of an issuer ({', '.join(dict.fromkeys(bases))}) has all areas inside it; areas must lie below it.")
    return None


def _x509(reading: _Reading) -> dict[str, Any] | None:
    server = reading.server
    gsi = next((each for each in server.find("sec.protocol") if security_of(each) == "gsi"), None)
    if gsi is None:
        return None
    rules = server.rights.rules if server.rights else ()
    vos = [rule.identity["o"] for rule in rules if "o" in rule.identity and "/" not in rule.identity["o"]]
    if not vos:
        reading.note("X.509 is on, and no record of the table of rights names a VO: add x509 with its vos, or leave it as it is.", gsi)
        return None
    found: dict[str, Any] = {"vos": list(dict.fromkeys(vos))}
    for word in gsi.args:
        if word.startswith("-certdir:") and word != "-certdir:/etc/grid-security/certificates":
            found["certificates"] = word.removeprefix("-certdir:")
    return found


# --- who is let in ---------------------------------------------------------------------------------------------------------------------

Grant = tuple[str, str, str]  # issuer's name, group, rights


def _audiences(server: Server) -> list[str]:
    tokens = server.tokens
    if tokens is None:
        return []
    sections = [section.name for section in tokens.sections if section.kind == "global"]
    return list(dict.fromkeys(each for name in sections for each in scitokens_cfg.as_list(tokens.get(name, "audience") or "")))


def _issuers(reading: _Reading) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Entries of the lake's issuers by name, and the restricted paths of those that have some."""
    tokens = reading.server.tokens
    found: dict[str, dict[str, Any]] = {}
    restricted: dict[str, list[str]] = {}
    for section in tokens.sections if tokens else ():
        if tokens is None or section.kind != "issuer":
            continue
        url = tokens.get(section.name, "issuer") or ""
        if not url.startswith("https://"):
            continue
        name = naming.label(section.name.partition(" ")[2].strip(), "issuer").lower()
        if any(entry["url"] == url for entry in found.values()):
            continue
        found[name] = naming.issuer_entry(url)
        limits = list(scitokens_cfg.as_list(tokens.get(section.name, "restricted_path") or ""))
        if limits:
            restricted[name] = limits
    return found, restricted


def _access(server: Server, names: Mapping[str, str]) -> dict[str, set[Grant]]:
    """What groups of issuers may do, by path. names: of issuers by URL."""
    document = server.rights
    found: dict[str, set[Grant]] = {}
    for rule in document.rules if document else ():
        identity = rule.identity
        if rule.type != "=" or identity.get("o") not in names or "g" not in identity or set(identity) != {"o", "g"}:
            continue
        grants = (document.find("s", rule.name) or document.find("x", rule.name)) if document else None
        for each in grants.grants if grants else ():
            rights = {"a": "write", "rl": "read", "lr": "read"}.get(each.privileges or "")
            if rights:
                found.setdefault(each.path.rstrip("/"), set()).add((names[identity["o"]], identity["g"], rights))
    return found


def _grant(grant: Grant) -> dict[str, str]:
    return {"group": grant[1], "rights": grant[2]}


def _shared_access(areas: Sequence[Mapping[str, Any]], access: Mapping[str, set[Grant]]) -> list[Grant]:
    """The access that most areas have, in a steady order: it goes to the issuers."""
    sets = Counter(frozenset(access.get(area["path"], ())) for area in areas)
    return sorted(sets.most_common(1)[0][0]) if sets else []


def _own_access(
    reading: _Reading,
    storage: Mapping[str, Any],
    access: Mapping[str, set[Grant]],
    common: Sequence[Grant],
    restricted: Mapping[str, list[str]],
) -> None:
    """Gives areas their own lists that differ from the rest, or that the tokens of an issuer may not reach."""
    areas = storage["areas"]
    base = storage.get("base_path") or paths.common_parent([area["path"] for area in areas])
    for area in areas:
        own = access.get(area["path"], set())
        scope = paths.relative_to(area["path"], base)
        shut = [name for name, limits in restricted.items() if scope not in limits and not any(grant[0] == name for grant in own)]
        if own == set(common) and not shut:
            continue
        if own:
            area["access"] = [{"issuer": name, "group": group, "rights": rights} for name, group, rights in sorted(own)]
        else:
            reading.note(f"No group may use area {area['name']}, and the access of the issuers would open it. Give it a list of its own.")


# --- what a description does not say -----------------------------------------------------------------------------------------------------


def _variables(server: Server) -> dict[str, Any]:
    variables: dict[str, Any] = {"xrootd_instance": server.instance}
    if server.tls and len(server.tls.args) > 1:
        variables["xrootd_certificate"], variables["xrootd_key"] = server.tls.args[:2]
    variables |= {"xrootd_certificate_source": "", "xrootd_key_source": ""}
    root = server.last("oss.localroot")
    if root and root.args:
        variables["xrootd_name_space"] = root.args[0]
    return variables


def _undescribed(reading: _Reading, storage: Mapping[str, Any], issuers: Mapping[str, Any], variables: dict[str, Any]) -> list[str]:
    """Puts directives that the role would not write on a new host into its variables; says which ones cannot be put there."""
    fresh = _fresh(storage, issuers, variables, reading.release)
    if fresh is None:
        return []
    names = {each.name for each in fresh.placed}
    written = {each.words for each in fresh.placed}
    directives: list[str] = []
    notes: list[str] = []
    for each in reading.server.placed:
        if each.words in written or each.name in ("continue", "set", "setenv") or each.name in ("oss.space",):
            continue
        line = " ".join(each.words)
        at = f"{each.file.lstrip('/')}:{each.line}"
        if each.directive.conditions or each.name in names:
            notes.append(f"{at}: stays as it is in this file; a server made anew from the description would not have it: {line}")
        else:
            directives.append(line)
    if directives:
        variables["xrootd_directives"] = list(dict.fromkeys(directives))
    return notes


def _fresh(storage: Mapping[str, Any], issuers: Mapping[str, Any], variables: Mapping[str, Any], release: str) -> Server | None:
    """The server that the role would make on an empty host."""
    try:
        return _planned({}, storage, issuers, variables, release).server
    except DescriptionError:
        return None


def _offers(server: Server) -> Iterator[Offer]:
    spaces = _spaces(server)
    paths_of: dict[str, list[str]] = {}
    for path, space, _place in _assigned(server):
        paths_of.setdefault(space, []).append(path)
    cache = _is_cache(server)
    for name, places in spaces.items():
        directories = tuple(each.args[1] for each in places)
        if cache and not paths_of.get(name):
            paths_of[name] = [path for path, _options in server.exports]
        medium = naming.medium_named((name, *paths_of.get(name, ()), *directories))
        tape = any(_tape_or(server, path, None) for path in paths_of.get(name, ()))
        notes = ("The medium was taken from a name.",) if medium else ()
        yield Offer(
            name,
            "space",
            f"{places[0].file.lstrip('/')}:{places[0].line}",
            tuple(paths_of.get(name, ())),
            None if medium == "tape" else medium,
            pools=directories,
            tape=tape,
            staging=tape,
            volatile=cache,
            notes=notes if paths_of.get(name) else (*notes, "No path is assigned to this space."),
        )
    if not spaces:
        for path, place in _exports(server):
            tape = bool(_tape_or(server, path, None))
            yield Offer(
                naming.area_name(path), "export", f"{place.file.lstrip('/')}:{place.line}", (path,), tape=tape, staging=tape, volatile=cache
            )
