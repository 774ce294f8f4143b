# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A dCache host's files as a site description, and which QoS it offers.

Directory tags are in the database of the name space, so the paths of areas are proposals. The description is planned back at once: what the
role would change in the files is said in the notes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.dcache_areas import offers, pools_of
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import oidc_providers
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.oidc_providers import Provider
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import gplazma_conf, multimap
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Domain, Scope
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from ansible_collections.escape.datalake.plugins.plugin_utils.model import kinds, parse, paths, units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import default_audiences
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Door, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache as planner
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import SECRET_NAME, Draft
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Placement, pools

NEWEST = "12.0.1"
PORTS = {"webdav": 2880, "xrootd": 1094}
UNDESCRIBED_DOORS = ("ftp", "srm", "dcap", "nfs")
GROUP = re.compile(str(kinds.GROUP.schema["pattern"]))
PATH = re.compile(str(kinds.PATH.schema["pattern"]))
LINES = 12  # of a difference that a note quotes
STAND_IN = {"capacity": "1TB", "media": "hdd", "qos": "OPPORTUNISTIC"}
"""Facts that no file of these depends on, for planning a description back that lacks them."""
NO_ISSUER = {"none": {"url": "https://none.example.org/"}}  # a lake needs one


@dataclass
class _Reading:
    draft: Draft
    files: Mapping[str, str]
    hostname: str
    release: str
    notes: list[str] = field(default_factory=list)

    def note(self, text: str, scope: Scope | None = None, name: str = "") -> None:
        setting = place(scope, name) if scope and name else None
        self.notes.append(f"{setting.file}:{setting.line}: {text}" if setting else text)

    @property
    def login(self) -> LoginSetup | None:
        return self.draft.login if self.draft.services("gplazma") else None


def adopt(files: Mapping[str, str], release: str, hostname: str) -> Adopted:
    """The description of the dCache that a host belongs to, as far as its files tell: best read of the host with the doors and gPlazma."""
    reading = _read(files, release, hostname)
    if reading.login is None:
        reading.note("No gplazma service is on this host, so issuers, groups and accounts are not known from it.")
    issuers, profiles = _issuers(reading)
    groups = _groups(reading, issuers)
    base = _base_path(reading)
    for name, reason in _of_the_site(reading, issuers, groups, profiles, base).items():
        reading.note(f"The issuer {issuers.pop(name)['url']} {reason}; it stays and is not described.")
        profiles.pop(name, None)
        groups = {group: issuer for group, issuer in groups.items() if issuer != name}
    for name, entry in issuers.items():
        own = [group for group, issuer in groups.items() if issuer == name]
        if own:
            entry["access"] = [{"group": group, "rights": "write"} for group in own]
            reading.note(f"Groups of {name} were given write: what they may do is in the owners and modes of the name space. Look at it.")
    storage = _storage(reading, issuers, base)
    variables = _variables(reading, groups, issuers, profiles, storage["areas"])
    if not release:
        reading.note("The release is not known; give all its numbers.")
    reading.notes += changes(files, storage, issuers, variables, reading.release, reading.hostname)
    return Adopted(storage, issuers, variables, tuple(dict.fromkeys(reading.notes)))


def survey(files: Mapping[str, str], release: str, hostname: str) -> Survey:
    """One offer for each storage class, cache class or link group."""
    reading = _read(files, release, hostname)
    issuers, _profiles = _issuers(reading)
    doors = tuple(f"{door['scheme']}://{door['host'] or '?'}:{door['port']}" for door in _doors(reading))
    urls = tuple(entry["url"] for entry in issuers.values())
    host = reading.draft.host
    notes = _engines(reading)
    return Survey("dcache", release, reading.hostname, tuple(offers(host, files)), doors, urls, tuple(notes))


def changes(
    files: Mapping[str, str],
    storage: Mapping[str, Any],
    issuers: Mapping[str, Any],
    variables: Mapping[str, Any],
    release: str,
    hostname: str,
) -> list[str]:
    """What the role would change in the files when the description is taken as it is; empty for nothing."""
    areas = [{**STAND_IN, **{key: value for key, value in area.items() if key not in ("qos", "volatile")}} for area in storage["areas"]]
    try:
        lake = parse.load_lake({"name": "adopted", "issuers": {name: dict(entry) for name, entry in issuers.items()} or NO_ISSUER})
        loaded = parse.load_storage({"release": release, **storage, "areas": areas}, lake)
        site = planner.plan(loaded, options_of(variables, loaded, hostname), files, release)
    except DescriptionError as error:
        return [f"To be settled by hand: {problem}" for problem in error.problems]
    return [
        f"{each.path.lstrip('/')}: the role would {'change' if each.path.lstrip('/') in files else 'write'} it: "
        f"{_difference(files.get(each.path.lstrip('/'), ''), each.content or '')}"
        for each in site.files
    ]


def options_of(variables: Mapping[str, Any], storage: Storage, hostname: str) -> planner.Options:
    """The planner's options from the variables of the role. Raises DescriptionError."""
    placements = tuple(Placement(**each) for each in variables.get("dcache_pools", ()))
    placed = {each.area for each in placements}
    areas = tuple(area for area in storage.areas if area.name in placed)
    return planner.Options(
        hostname,
        domains=tuple(
            planner.DomainOptions(
                domain["name"],
                tuple(planner.Service(service["name"], service.get("properties", {})) for service in domain["services"]),
                domain.get("properties", {}),
            )
            for domain in variables.get("dcache_domains", ())
        ),
        accounts=tuple(Account(**{**each, "roles": tuple(each.get("roles", ()))}) for each in variables.get("dcache_accounts", ())),
        profiles=tuple(variables.get("dcache_profiles", {}).items()),
        pools=pools(replace(storage, areas=areas), hostname, placements) if areas else (),
        pool_domain=variables.get("dcache_pool_domain", planner.POOL_DOMAIN),
        properties=variables.get("dcache_properties", {}),
    )


def _read(files: Mapping[str, str], release: str, hostname: str) -> _Reading:
    try:
        parse_release(release)
    except ValueError:
        release = NEWEST
    draft = Draft(files, release, hostname)
    webdavs = draft.services("webdav")
    addresses = [value for _domain, service in webdavs for name in ("webdav.net.listen",) if (value := service.scope.value(name))]
    login = draft.login if draft.services("gplazma") else None
    addresses += oidc_providers.audiences(login.properties) if login else ()
    name = naming.full_name(hostname, addresses)
    return _Reading(Draft(files, release, name) if name != hostname else draft, files, name, release)


def _difference(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0))
    told = [line for line in lines[2:] if not line.startswith("@@")]
    return "; ".join(told[:LINES]) + ("; ..." if len(told) > LINES else "")


# --- doors and areas -------------------------------------------------------------------------------------------------------------------


def _storage(reading: _Reading, issuers: Mapping[str, Any], base: str) -> dict[str, Any]:
    host = reading.draft.host.layout
    named = host.value("info-provider.site-unique-id")
    site = naming.label(named) if named and "." not in named and named != "EXAMPLESITE-ID" else naming.site_named(reading.hostname)
    reading.note(
        f"Site and name were taken from {'info-provider.site-unique-id' if site == named else 'the domain of the host'}; CRIC's count."
    )
    storage: dict[str, Any] = {"name": naming.storage_name(site, "DCACHE"), "site": site, "system": "dcache", "release": reading.release}
    storage["issuers"] = list(issuers)
    storage["base_path"] = base
    doors = _doors(reading)
    usual = default_audiences([Door(door["scheme"], door["host"], door["port"]) for door in doors])
    accepted = oidc_providers.audiences(reading.login.properties) if reading.login else ()
    further = [each for each in accepted if each not in usual]
    fitting = [each for each in further if re.fullmatch(str(kinds.AUDIENCE.schema["pattern"]), each)]
    for each in further:
        if each not in fitting:
            reading.note(f"The audience {each} ends with a slash or holds blanks; it stays in the file and cannot be described.")
    if fitting:
        storage["audiences"] = fitting
    storage["doors"] = doors
    storage["areas"] = list(_areas(reading, base))
    if not doors:
        reading.note("No door that takes tokens is on this host: fill in the doors of the storage.")
    if not storage["areas"]:
        reading.note("The pools of areas are not known from this host's files: fill in the areas.")
    vos = _vos(reading)
    if vos:
        storage["x509"] = {"vos": vos}
    return storage


def _doors(reading: _Reading) -> list[dict[str, Any]]:
    found: list[tuple[str, int]] = []
    for _domain, service in reading.draft.services("webdav"):
        port = _port(service.scope, "webdav")
        if service.scope.value("webdav.authn.protocol") == "https":
            found.append(("davs", port))
        else:
            reading.note(f"The WebDAV door on port {port} is without TLS and takes no tokens; it stays and is not described.")
    found += [("root", _port(service.scope, "xrootd")) for _domain, service in reading.draft.services("xrootd")]
    for kind in UNDESCRIBED_DOORS:
        if reading.draft.services(kind):
            reading.note(f"Doors of the service {kind} stay and are not described: Rucio takes no tokens to them.")
    if "." not in reading.hostname:
        reading.note(f"The full name of the host is not known (found: {reading.hostname or 'nothing'}); put it into the doors.")
    return [{"scheme": scheme, "host": reading.hostname, "port": port} for scheme, port in dict.fromkeys(found)]


def _port(scope: Scope, kind: str) -> int:
    value = scope.value(f"{kind}.net.port")
    return int(value) if value.isdigit() else PORTS[kind]


def _base_path(reading: _Reading) -> str:
    """The directory that token paths are relative to, as clients see it: that of a provider, else where doors and sessions lead to."""
    found: list[str] = []
    if reading.login:
        found += [prefix for each in reading.login.providers if (prefix := each.args.option("prefix"))]
        found += [each.args.arguments[1] for each in reading.login.scitoken_issuers if len(each.args.arguments) > 1]
    for _domain, service in reading.draft.services("xrootd"):
        found += [each for each in service.scope.value("xrootd.authz.write-paths").split(":") if each]
    if reading.login and not found:
        for rules in reading.login.session_rules.values():
            words = [word for _number, rule in rules.entries() for word in rule.attributes]
            found += [
                word.partition(":")[2] for word in words if word.startswith(("prefix:/", "home:/")) and word not in ("prefix:/", "home:/")
            ]
    base = (found[0] if found else "/").rstrip("/") or "/"
    root = next((service.scope.value("webdav.root") for _domain, service in reading.draft.services("webdav")), "/").rstrip("/")
    if root and (base == root or paths.is_below(base, root)):
        base = base.removeprefix(root) or "/"
    if not PATH.fullmatch(base):
        base = "/"
    if base == "/":
        reading.note("No provider or session names a directory of the lake, so token paths are taken for whole paths: correct base_path.")
    return base


def _areas(reading: _Reading, base: str) -> Iterator[dict[str, Any]]:
    names: list[str] = []
    seen: dict[tuple[str, ...], str] = {}
    for offer in offers(reading.draft.host, reading.files):
        name = _area_name(offer, names)
        names.append(name)
        path = f"{base.rstrip('/')}/{name}"
        at = f"{offer.where}: " if offer.where else ""
        area: dict[str, Any] = {"name": name, "path": path, "qos": naming.class_of(name, offer.facts, offer.pools[:1])}
        reading.note(f"{at}{path} is a proposal for {offer.kind} {offer.name}: tags in the name space tell which directories are its own.")
        if offer.staging:
            reading.note(f"{at}Fill in the capacity of area {name}: that of its tapes, which no file tells.")
        elif offer.capacity:
            area["capacity"] = units.format_size(offer.capacity // (offer.copies or 1))
        else:
            reading.note(f"{at}Fill in the capacity of area {name}: not all of its pools have a size in these files.")
        if offer.facts:
            area["media"] = offer.facts.media
        else:
            reading.note(f"{at}Fill in the medium of area {name}; then claim the class that its facts earn.")
        if offer.copies and offer.copies > 1:
            area |= {"copies": offer.copies, "redundancy": "replica"}
        if offer.volatile:
            area["volatile"] = True
        for told in offer.notes:
            reading.note(f"{at}{told}")
        if offer.pools in seen:
            reading.note(f"{at}Areas {seen[offer.pools]} and {name} share their pools: divide the capacity between them.")
        seen.setdefault(offer.pools, name)
        yield area


def _area_name(offer: Offer, taken: Sequence[str]) -> str:
    """disk of escape:disk@osm; with the store before it where that is taken; data of what takes everything."""
    store, _colon, group = offer.name.partition("@")[0].partition(":")
    plain = naming.area_name(group or store)
    if "*" in offer.name:
        plain = "data"
    return plain if plain not in taken else naming.area_name(f"{store}-{group}", taken)


# --- who is let in ---------------------------------------------------------------------------------------------------------------------


def _issuers(reading: _Reading) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Entries of the lake's issuers, and the profiles of their providers, by name. Log-in services of the site alone are left out."""
    if reading.login is None:
        return {}, {}
    found: dict[str, dict[str, Any]] = {}
    profiles: dict[str, str] = {}
    for each in (*reading.login.providers, *reading.login.scitoken_issuers):
        profile = each.profile(reading.draft.release)
        name = naming.label(each.alias, "issuer")
        if not each.issuer.startswith("https://") or any(entry["url"] == each.issuer for entry in found.values()):
            continue
        if profile == "oidc" and not _maps(reading, each):
            reading.note(f"The provider {each.alias} maps no groups, so it was taken for one of the site; it stays and is not described.")
            continue
        found[name] = naming.issuer_entry(each.issuer)
        if profile in ("wlcg", "scitokens", "oidc") and each.args.option("profile"):
            profiles[name] = profile
    return found, profiles


def _of_the_site(
    reading: _Reading, issuers: Mapping[str, Mapping[str, Any]], groups: Mapping[str, str], profiles: Mapping[str, str], base: str
) -> dict[str, str]:
    """Issuers that are not the lake's, and why: another directory; where others have groups, neither scopes nor groups nor an account."""
    login = reading.login
    real = planner.in_name_space(reading.draft, base)
    prefixes = {each.issuer: each.args.option("prefix") for each in login.providers} if login else {}
    prefixes |= {each.issuer: "".join(each.args.arguments[1:2]) for each in login.scitoken_issuers} if login else {}
    mapped = {*groups.values(), *(each["issuer"] for each in _issuer_accounts(reading, issuers))}
    found: dict[str, str] = {}
    for name, entry in issuers.items():
        prefix = prefixes.get(entry["url"])
        if prefix and (prefix.rstrip("/") or "/") != real:
            found[name] = f"leads to {prefix}, outside of {real}"
        elif groups and not prefix and name not in mapped and profiles.get(name, "oidc") == "oidc":
            found[name] = "has neither groups nor an account here, so it was taken for one of the site"
    return found


def _mappings(reading: _Reading) -> Iterator[tuple[str, int, multimap.Mapping]]:
    """File, line and entry of every multimap that logs somebody in."""
    login = reading.login
    for _number, line in login.of_phase(gplazma_conf.Phase.MAP) if login else ():
        if login and line.plugin == "multimap":
            path = login.path(line)
            for number, mapping in login.mappings(path).mappings.items():
                yield path.lstrip("/"), number, mapping


def _maps(reading: _Reading, provider: Provider) -> bool:
    """Whether a provider without scopes is one whose groups, or whose people as a whole, are mapped."""
    alike = {Principal("op", provider.alias)}
    groups = [mapping for _path, _number, mapping in _mappings(reading) if mapping.match.kind == "oidcgrp"]
    others = [each for each in (reading.login.providers if reading.login else ()) if each.profile(reading.draft.release) != "oidc"]
    return any(mapping.match in alike for _path, _number, mapping in _mappings(reading)) or (bool(groups) and not others)


def _groups(reading: _Reading, issuers: Mapping[str, Any]) -> dict[str, str]:
    """The issuer of every group that is mapped: the one with the group's name, else the first."""
    found: dict[str, str] = {}
    for path, number, mapping in _mappings(reading):
        if mapping.match.kind != "oidcgrp":
            continue
        group = "/" + mapping.match.value.lstrip("/")
        if not GROUP.fullmatch(group):
            reading.note(f"{path}:{number}: The group {mapping.match.value} has characters that no group of a description has; it stays.")
            continue
        first = group.split("/")[1].lower()
        owner = next((name for name in issuers if name.lower() == first), next(iter(issuers), None))
        if owner:
            found.setdefault(group, owner)
    return found


def _vos(reading: _Reading) -> list[str]:
    """VOs whose members log in with certificates."""
    login = reading.login
    if login is None or not login.uses("voms"):
        return []
    fqans = [mapping.match.name for _path, _number, mapping in _mappings(reading) if mapping.match.kind == "fqan"]
    fqans += [rule.fqan for rules in login.role_maps.values() for _number, rule in rules if rule.fqan and rule.dn == "*"]
    return list(dict.fromkeys(fqan.split("/")[1] for fqan in fqans if fqan.count("/") == 1))


# --- what a description does not say -----------------------------------------------------------------------------------------------------


def _variables(
    reading: _Reading,
    groups: Mapping[str, str],
    issuers: Mapping[str, Any],
    profiles: Mapping[str, str],
    areas: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    accounts = list(_group_accounts(reading, groups))
    accounts += [each for each in _issuer_accounts(reading, issuers) if not any(each["uid"] == other.get("uid") for other in accounts)]
    if accounts:
        variables["dcache_accounts"] = accounts
    if profiles:
        variables["dcache_profiles"] = dict(profiles)
    domains = [_domain(reading, domain) for domain in reading.draft.host.domains]
    if domains:
        variables["dcache_domains"] = domains
    placed = list(_pools(reading, areas))
    if placed:
        variables["dcache_pools"] = placed
        known = pools_of(reading.draft.host, reading.files)
        runs = list(dict.fromkeys(known[each["name"]].domain for each in placed))
        variables["dcache_pool_domain"] = runs[0]
        if len(runs) > 1:
            reading.note(f"Pools run in {', '.join(runs)}; on a host made anew all would run in {runs[0]}.")
    properties = _own(reading, *reading.draft.host.setups, reading.draft.host.layout)
    if properties:
        variables["dcache_properties"] = properties
    return variables


def _pools(reading: _Reading, areas: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The pools of this host by area, where all pools of the area are on it."""
    known = pools_of(reading.draft.host, reading.files)
    taken: set[str] = set()
    for area, offer in zip(areas, offers(reading.draft.host, reading.files), strict=True):
        if not set(offer.pools) <= set(known) - taken or len(offer.pools) < area.get("copies", 1):
            reading.note(
                f"The pools of area {area['name']} are not all here, or another area's too; name them in dcache_pools or partitions."
            )
            continue
        taken |= set(offer.pools)
        for name in offer.pools:
            pool = known[name]
            tags = {key: value for key, value in pool.tags.items() if key not in ("hostname", "area", "media")}
            size = {} if pool.size is None else {"size": pool.size}
            place = {"host": reading.hostname, "area": area["name"], "path": pool.path, **size, "name": name}
            yield {**place, **({"tags": tags} if tags else {})}
            further = [key for key in pool.properties if key not in ("pool.tags", "pool.wait-for-files")]
            if further:
                reading.notes.append(f"{pool.where}: stays in the layout; a pool made anew would not have it: {', '.join(further)}")


def _group_accounts(reading: _Reading, groups: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Of each group the line that gives a uid, else its first: tokens of one group may be written with and without leading slash."""
    found: dict[str, dict[str, Any]] = {}
    for _path, _number, mapping in _mappings(reading):
        group = "/" + mapping.match.value.lstrip("/")
        account = _account(mapping.results) if mapping.match.kind == "oidcgrp" and group in groups else None
        if account and (group not in found or ("uid" in account and "uid" not in found[group])):
            found[group] = {"group": group, **account}
    yield from found.values()


def _issuer_accounts(reading: _Reading, issuers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    urls = {entry["url"]: name for name, entry in issuers.items()}
    login = reading.login
    for each in (*login.providers, *login.scitoken_issuers) if login else ():
        anybody = [mapping.results for _path, _number, mapping in _mappings(reading) if mapping.match == Principal("op", each.alias)]
        account = next(
            (found for results in (each.identity("authz-id"), *anybody) if (found := _account(results)) and "uid" in found), None
        )
        if each.issuer in urls and account:
            yield {"issuer": urls[each.issuer], **account}


def _account(results: Sequence[Principal]) -> dict[str, Any] | None:
    """name, uid, gid and roles of a line; None when it gives no gid."""
    by_kind: dict[str, list[Principal]] = {}
    for each in results:
        by_kind.setdefault(each.kind, []).append(each)
    gids = sorted(by_kind.get("gid", ()), key=lambda one: one.primary is not True)
    if not gids:
        return None
    account: dict[str, Any] = {}
    if "username" in by_kind and "uid" in by_kind:
        account |= {"name": by_kind["username"][0].name, "uid": int(by_kind["uid"][0].name)}
    account["gid"] = int(gids[0].name)
    roles = [role for each in by_kind.get("roles", ()) for role in each.value.split(",")]
    return {**account, "roles": roles} if roles else account


def _domain(reading: _Reading, domain: Domain) -> dict[str, Any]:
    """A domain and its services, pools left out."""
    services: dict[str, dict[str, Any]] = {}
    for service in domain.services:
        if service.type == "pool":
            continue
        if service.type in services:
            reading.notes.append(
                f"{reading.draft.host.file}:{service.line}: a further {service.type} of {domain.name} stays; "
                "a host made anew from the description would have one only."
            )
            continue
        kept = _own(reading, service.scope)
        services[service.type] = {"name": service.type, **({"properties": kept} if kept else {})}
    properties = _own(reading, domain.scope)
    return {"name": domain.name, **({"properties": properties} if properties else {}), "services": list(services.values())}


def _own(reading: _Reading, *scopes: Scope) -> dict[str, str]:
    """What a person assigned in scopes and no other key of the description or its variables says."""
    written = {name: setting.value for scope in scopes for name, setting in scope.settings.items() if setting.file}
    described = (oidc_providers.PROVIDER, oidc_providers.AUDIENCES)
    return _open(reading, {name: value for name, value in written.items() if not name.startswith(described)})


def _open(reading: _Reading, properties: Mapping[str, str]) -> dict[str, str]:
    """Properties without secrets, which belong into a vault."""
    hidden = [name for name, value in properties.items() if SECRET_NAME.search(name) and value and not value.startswith("${env.")]
    for name in hidden:
        reading.note(f"{name} is a secret and was left out: put it into a vault.")
    return {name: value for name, value in properties.items() if name not in hidden}


def _engines(reading: _Reading) -> list[str]:
    """What takes care of copies and transitions."""
    kinds_here = {service.type for service in reading.draft.host.services()}
    told = []
    if "resilience" in kinds_here:
        told.append("The service resilience keeps the number of copies.")
    if kinds_here & {"qos", "qos-engine"}:
        told.append("The QoS services keep copies and move files between disk and tape.")
    if "spacemanager" in kinds_here:
        told.append("Space can be reserved; reservations are in the database of spacemanager.")
    if "poolmanager" not in kinds_here:
        told.append("PoolManager is on another host: survey that one for all storage classes.")
    return told
