# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of StoRM WebDAV: what would lock users out, leave a door open, or keep the service from starting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_release import Setting
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_rules import finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import (
    DROP_IN,
    PLACEHOLDER,
    SYSCONFIG,
    WELL_KNOWN,
    Policy,
    StorageArea,
    Webdav,
    scopes_key,
    truth,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import tape_wellknown, vomsdir_lsc
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.yaml_text import YamlText

RESERVED_NAMES = frozenset({".storm-webdav", ".well-known"})
REGEX_CHARACTERS = re.compile(r"[+*?()\[\]{}|^$\\]")
DOCUMENTED_WRONGLY = "voMapGrantsWriteAccess"
DEFAULT_SECRETS = frozenset({"secret", "storm", "changeit", "areasonablesecretlongerthan256bits", "password"})
SHORTEST_SECRET = 32  # bytes, what HMAC with SHA-256 asks for
WRITING = frozenset({"write", "delete", "all"})
ACTIONS = frozenset({"read", "write", "delete", "list", "all"})
OWN_PREFIXES = ("oauth", "storm", "tpc")
HEAP = re.compile(r"-Xmx(\d+)([kKmMgG]?)")
VOMSDIR = "etc/grid-security/vomsdir/"


def check(site: Webdav, files: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding about the service. files: text by path relative to the root."""
    if not site.areas:
        yield finding("storm.no-areas", "etc/storm/webdav/sa.d", 0, "There is no storage area, and the service does not start without one.")
    for area in site.areas:
        yield from _properties(area)
        yield from _paths(area)
    yield from _between_areas(site)
    yield from _settings(site)
    if not site.is_broken:
        yield from _access(site)
    yield from _environment(site, files)
    yield from _trust(site, files)
    yield from _tape(site, files)


def _access(site: Webdav) -> Iterator[Finding]:
    for area in site.areas:
        yield from _rights(area, site)
    yield from _issuers(site)
    for policy in site.policies:
        yield from _policy(policy, site)
    yield from _shadowed(site)
    yield from _switches(site)


# --- storage areas ---------------------------------------------------------------------------------------------------------------------


def _properties(area: StorageArea) -> Iterator[Finding]:
    known = storm_release.area_settings()
    seen: set[str] = set()
    for each in area.document.assignments():
        if each.problem:
            yield finding("storm.area-malformed", area.file, each.line, f"{each.key}: {each.problem}.")
        if each.key in seen:
            yield finding("storm.area-key-repeated", area.file, each.line, f"{each.key} is set for the second time.")
        seen.add(each.key)
        setting = known.get(each.key)
        if setting is None:
            yield _unknown_key(area, each.key, each.line)
        elif not setting.known_in(area.release):
            span = f"since {_text(setting.first)}" if setting.last is None else f"in {_text(setting.first)} only"
            yield finding(
                "storm.area-key-release", area.file, each.line, f"{each.key} is known {span}, not in the release of this service."
            )
        elif setting.kind == "boolean" and each.value.strip().lower() not in ("true", "false"):
            yield finding("storm.area-value", area.file, each.line, f'{each.key} is "{each.value}", neither true nor false.')
    for setting in known.values():
        if setting.required and not area.text(setting.key):
            yield finding("storm.area-key-missing", area.file, area.line(setting.key), f"{setting.key} is missing.")


def _unknown_key(area: StorageArea, key: str, line: int) -> Finding:
    if key == DOCUMENTED_WRONGLY:
        return finding("storm.vo-map-write-name", area.file, line, f"{key} is a name from the documentation that the code never reads.")
    near = storm_release.near_area_keys().nearest(key)
    return finding("storm.area-key-unknown", area.file, line, f"{key} is no property of a storage area." + (f" {near} is." if near else ""))


def _paths(area: StorageArea) -> Iterator[Finding]:
    if area.name in RESERVED_NAMES:
        yield finding("storm.area-name-reserved", area.file, area.line("name"), f'"{area.name}" is a name that the service uses itself.')
    line = area.line("accessPoints")
    for point in area.access_points:
        if not point.startswith("/") or (point.endswith("/") and point != "/"):
            yield finding("storm.access-point-form", area.file, line, f'The access point "{point}" is not matched as it is meant.')
        if REGEX_CHARACTERS.search(point):
            yield finding(
                "storm.access-point-regex", area.file, line, f'"{point}" is used as a regular expression when it is cut off from paths.'
            )
    if area.root and not area.root.startswith("/"):
        yield finding("storm.root-path", area.file, area.line("rootPath"), f'rootPath "{area.root}" is not an absolute path.')


def _rights(area: StorageArea, site: Webdav) -> Iterator[Finding]:
    mine = [policy for policy in site.policies if policy.area == area.name]
    read, write = area.line("orgsGrantReadPermission"), area.line("orgsGrantWritePermission")
    if area.flat_read:
        yield from _flat_read(area, mine)
    elif area.organisations and not write:
        yield finding(
            "storm.write-not-written",
            area.file,
            read or area.line("orgs"),
            "orgsGrantWritePermission is not written, and its default is true: every token could write as soon as every token may read.",
        )
    if mine and not area.policies_count:
        yield finding(
            "storm.policies-off",
            *site.place(("storm", "authz", "policies", mine[0].index)),
            f'{area.file} does not switch policies on, so those for "{area.name}" do nothing.',
        )
    for vo in area.vos:
        yield from _vo(area, vo, mine)
    if area.flag("anonymousReadEnabled"):
        yield finding("storm.anonymous-read", area.file, area.line("anonymousReadEnabled"), f'Everybody may read "{area.name}".')
    if area.flag("authenticatedReadEnabled"):
        yield finding(
            "storm.authenticated-read",
            area.file,
            area.line("authenticatedReadEnabled"),
            f'Everybody with a certificate of a trusted authority may read "{area.name}".',
        )
    ways = [
        area.flat_read,
        bool(area.vos),
        area.flag("anonymousReadEnabled"),
        area.flag("authenticatedReadEnabled"),
        area.scopes_count and bool(area.organisations),
        area.policies_count and any(policy.effect == "permit" for policy in mine),
        area.flag("voMapEnabled") and truth(site.setting("storm.vo-map-files.enabled")[0]),
    ]
    if area.name and not any(ways):
        yield finding("storm.area-locked", area.file, read, f'Nobody may do anything in "{area.name}".')


def _flat_read(area: StorageArea, policies: list[Policy]) -> Iterator[Finding]:
    read, write = area.line("orgsGrantReadPermission"), area.line("orgsGrantWritePermission")
    may = "read and write" if area.flat_write else "read"
    if area.flat_write and not write:
        yield finding(
            "storm.write-implicit",
            area.file,
            area.line("orgs"),
            f"Every token of {', '.join(area.organisations)} may write: the default is true.",
        )
    if area.scopes_count:
        yield finding(
            "storm.scopes-not-binding",
            area.file,
            read or area.line(scopes_key(area.release)),
            f"Every token of an issuer in orgs may {may}, and one grant outweighs one denial: scopes forbid nothing.",
        )
    elif area.policies_count and any(policy.effect == "deny" for policy in policies):
        yield finding(
            "storm.policies-not-binding",
            area.file,
            read or area.line("fineGrainedAuthzEnabled"),
            f"Every token of an issuer in orgs may {may}, and one grant outweighs one denial: the deny policies forbid nothing.",
        )
    elif area.policies_count and policies:
        yield finding(
            "storm.policies-needless",
            area.file,
            read or area.line("fineGrainedAuthzEnabled"),
            f"Every token of an issuer in orgs may {may} anyway, whatever the policies say.",
        )
    elif area.flat_write and write:
        yield finding("storm.flat-write", area.file, write, f"Every token of {', '.join(area.organisations)} may write and delete.")


def _vo(area: StorageArea, vo: str, policies: list[Policy]) -> Iterator[Finding]:
    line = area.line("vos")
    about = [
        policy
        for policy in policies
        if any(
            (each.kind == "vo" and each.params.get("vo") == vo) or (each.kind == "fqan" and _vo_of(each.params.get("fqan", "")) == vo)
            for each in policy.principals
        )
    ]
    if about and area.policies_count:
        yield finding(
            "storm.vo-policy-weaker", area.file, line, f"Members of {vo} may read and write everywhere; the policies do not limit them."
        )
    else:
        yield finding("storm.vo-writes", area.file, line, f"Every member of {vo} may read and write in the whole area.")


def _vo_of(fqan: str) -> str:
    return fqan.strip("/").partition("/")[0]


def _between_areas(site: Webdav) -> Iterator[Finding]:
    for first, second in combinations(site.areas, 2):
        if first.name and first.name == second.name:
            yield finding(
                "storm.area-name-repeated", second.file, second.line("name"), f'"{second.name}" is also the name of {first.file}.'
            )
        if first.root and second.root:
            one, other = first.root.rstrip("/") + "/", second.root.rstrip("/") + "/"
            if one.startswith(other) or other.startswith(one):
                yield finding(
                    "storm.root-shared",
                    second.file,
                    second.line("rootPath"),
                    f"{second.root} and {first.root} of {first.file} hold the same files.",
                )
    points = [(point, area) for area in site.areas for point in area.access_points]
    for (one_point, one_area), (other_point, other_area) in combinations(points, 2):
        short, long = sorted((one_point, other_point), key=len)
        owner = other_area if other_point == long else one_area
        if one_point == other_point:
            yield finding(
                "storm.access-point-repeated",
                other_area.file,
                other_area.line("accessPoints"),
                f'"{other_point}" is also an access point of {one_area.file}.',
            )
        elif long.startswith(short.rstrip("/") + "/"):
            yield finding("storm.access-point-nested", owner.file, owner.line("accessPoints"), f'"{long}" lies inside "{short}".')
        elif long.startswith(short) and one_area is not other_area:
            yield finding(
                "storm.access-point-prefix",
                owner.file,
                owner.line("accessPoints"),
                f'"{long}" begins with the letters of "{short}", and paths are compared letter by letter.',
            )


# --- application.yml -------------------------------------------------------------------------------------------------------------------


def _settings(site: Webdav) -> Iterator[Finding]:
    for file, text in site.layers:
        if text.problem:
            yield finding("storm.yaml-syntax", file, text.problem_line, f"This is no YAML: {text.problem}.")
        else:
            for key, line in text.repeated():
                yield finding("storm.yaml-syntax", file, line, f"The key {key} stands twice in one mapping.")
            yield from _keys(site, file, text)


def _keys(site: Webdav, file: str, text: YamlText) -> Iterator[Finding]:
    known = storm_release.application_settings()
    seen: set[str] = set()
    for path, value in text.leaves():
        if storm_release.relaxed_path(str(path[0])) not in OWN_PREFIXES:
            continue
        key, setting = _lookup(path, known)
        line = text.line(path)
        if setting is None:
            if key not in seen and not any(each.startswith((f"{key}.", f"{key}[")) for each in known):
                near = storm_release.near_application_keys().nearest(key)
                rule = "storm.yaml-key-misspelt" if near else "storm.yaml-key-unknown"
                known_as = f" {known[near].key} is." if near else ""
                yield finding(rule, file, line, f"{_dotted(path)} is no known setting.{known_as}")
        elif not setting.known_in(site.release):
            if key not in seen:
                span = f"since {_text(setting.first)}" if setting.last is None else f"up to {_text(setting.last)}"
                yield finding("storm.yaml-key-release", file, line, f"{_dotted(path)} is known {span} only.")
        elif not _fits(setting, value):
            yield finding("storm.yaml-value", file, line, f'{_dotted(path)} is "{value}", which is no {setting.kind}.')
        seen.add(key)


def _lookup(path: tuple[str | int, ...], known: Mapping[str, Setting]) -> tuple[str, Setting | None]:
    """The name of a leaf in the table, and what the table says; parameters of principals have free names."""
    key = ""
    for part in path:
        key += "[]" if isinstance(part, int) else ("." if key else "") + storm_release.relaxed_path(part)
        if key.endswith(".params") and key in known:
            return key, known[key]
    return key, known.get(key) or known.get(key.removesuffix("[]"))


def _dotted(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + part
    return text


def _fits(setting: Setting, value: object) -> bool:
    if value is None or PLACEHOLDER.search(str(value)):
        return True
    if setting.kind == "boolean":
        return str(value).strip().lower() in ("true", "false", "on", "off", "yes", "no", "1", "0")
    if setting.kind == "integer":
        return re.fullmatch(r"-?\d+", str(value).strip()) is not None
    return True


def _issuers(site: Webdav) -> Iterator[Finding]:
    known = {issuer.url for issuer in site.issuers}
    source = site.place(("oauth", "issuers"))[0]
    for issuer in site.issuers:
        file, line = site.place(("oauth", "issuers", issuer.index))
        if not issuer.name or not issuer.url.startswith("https://"):
            yield finding("storm.issuer-fields", file, line, f'The issuer "{issuer.name or issuer.url}" lacks a name or an https address.')
        if any(other.url == issuer.url and other.index < issuer.index for other in site.issuers):
            yield finding("storm.issuer-repeated", file, line, f'"{issuer.url}" is listed for the second time.')
        yield from _audiences(site, issuer.index)
        if site.areas and not any(issuer.url in area.organisations for area in site.areas):
            yield finding(
                "storm.issuer-unused", file, line, f'"{issuer.url}" is in orgs of no storage area: its tokens are refused with 403.'
            )
    for area in site.areas:
        for organisation in area.organisations:
            if organisation not in known:
                near = next((url for url in known if url.rstrip("/") == organisation.rstrip("/")), "")
                yield finding(
                    "storm.issuer-unknown",
                    area.file,
                    area.line("orgs"),
                    f'Tokens of "{organisation}" are refused: {source} has no such issuer' + (f', only "{near}".' if near else "."),
                )


def _audiences(site: Webdav, index: int) -> Iterator[Finding]:
    issuer = next((each for each in site.issuers if each.index == index), None)
    if issuer is None or (site.release is not None and site.release < storm_release.SCOPES_FIRST):
        return
    at = ("oauth", "issuers", index)
    if not issuer.enforced:
        yield finding(
            "storm.audience-unchecked",
            *site.place((*at, "enforce-audience-checks")),
            f'Tokens of "{issuer.url}" that were made for other services are accepted.',
        )
        return
    place = site.place((*at, "audiences"))
    if not issuer.audiences:
        yield finding("storm.audience-empty", *place, f'"{issuer.url}" cannot be loaded: audiences are enforced and none is listed.')
        return
    for audience in issuer.audiences:
        if audience.endswith("/"):
            yield finding("storm.audience-slash", *place, f'"{audience}" matches no token: audiences have no slash at their end.')
    hosts = [audience for audience in issuer.audiences if "/" not in audience]
    missing = [name for name in site.hostnames[:1] if name not in hosts and "." in name]
    if missing or not hosts:
        name = missing[0] if missing else "the host name of the door"
        yield finding(
            "storm.audience-bare-host",
            *place,
            f'Rucio asks for the audience "{name}", which "{issuer.url}" does not list.',
        )


def _policy(policy: Policy, site: Webdav) -> Iterator[Finding]:
    at = ("storm", "authz", "policies", policy.index)
    file, line = site.place(at)
    area = site.area_named(policy.area)
    if area is None:
        yield finding("storm.policy-area", *site.place((*at, "sa")), f'The policy is for "{policy.area}", which is no storage area.')
    wrong = [
        *([("description", "Description is missing")] if not policy.description else []),
        *([("actions", "Actions is empty")] if not policy.actions else []),
        *(("actions", f'"{action}" is no action') for action in policy.actions if action not in ACTIONS),
        *([("effect", f'"{policy.effect}" is neither permit nor deny')] if policy.effect not in ("permit", "deny") else []),
        *([("principals", "Principals is empty")] if not policy.principals else []),
    ]
    for name, words in wrong:
        yield finding("storm.policy-fields", *site.place((*at, name)), f"{words}.")
    types = storm_release.principal_types(site.release)
    for number, principal in enumerate(policy.principals):
        here = site.place((*at, "principals", number))[1]
        if principal.kind not in types:
            now = storm_release.OLD_PRINCIPALS.get(principal.kind)
            yield finding(
                "storm.policy-principal",
                file,
                here,
                f'"{principal.kind}" is no kind of principal of this release.' + (f" It is called {now} since 1.3.1." if now else ""),
            )
            continue
        needed = storm_release.principal_params().get(storm_release.OLD_PRINCIPALS.get(principal.kind, principal.kind), ())
        missing = [name for name in needed if not principal.params.get(name)]
        if missing:
            yield finding("storm.policy-params", file, here, f"{principal.kind} needs {' and '.join(missing)}.")
        url = principal.params.get("iss")
        if url and area is not None and url not in area.organisations:
            yield finding("storm.policy-issuer", file, here, f'"{url}" is not in orgs of {area.file}, so the policy never applies.')
        if principal.kind in ("anyone", "anonymous") and policy.effect == "permit":
            yield _anyone(policy, file, here)
    if policy.effect == "deny" and area is not None and area.scopes_count and area.policies_count:
        yield finding(
            "storm.policy-outvotes-scopes",
            file,
            line,
            f'The policy and the flat rule of "{policy.area}" are two denials against one grant by scope.',
        )


def _anyone(policy: Policy, file: str, line: int) -> Finding:
    """Rights of everybody: to write, to read the whole area, or to read a part that was named for it."""
    part = policy.paths and not any(path.strip("/") in ("", "*", "**") for path in policy.paths)
    may = "do everything" if "all" in policy.actions else " and ".join(policy.actions)
    where = f"{', '.join(policy.paths)} of {policy.area}" if part else policy.area
    rule = "storm.policy-public-part" if part else "storm.policy-anyone-reads"
    return finding("storm.policy-anyone-writes" if WRITING & set(policy.actions) else rule, file, line, f"Everybody may {may} in {where}.")


def _shadowed(site: Webdav) -> Iterator[Finding]:
    for earlier, later in combinations(site.policies, 2):
        same_people = earlier.principals and set(map(str, later.principals)) <= set(map(str, earlier.principals))
        all_actions = "all" in earlier.actions or set(later.actions) <= set(earlier.actions)
        all_paths = not earlier.paths or (set(later.paths) <= set(earlier.paths) and later.paths)
        if earlier.area == later.area and same_people and all_actions and all_paths:
            yield finding(
                "storm.policy-shadowed",
                *site.place(("storm", "authz", "policies", later.index)),
                f'"{later.description}" never applies: "{earlier.description}" comes first.',
            )


def _switches(site: Webdav) -> Iterator[Finding]:
    disabled, file, line = site.setting("storm.authz.disabled")
    if truth(disabled):
        yield finding("storm.authz-disabled", file, line, "Everybody may do everything.")
    release = site.release
    if release is not None and (1, 4, 0) <= release < storm_release.REDIS_QUIET:
        value = site.value(("management", "health", "redis", "enabled"))
        if value is None or truth(value):
            yield finding("storm.redis", site.settings_file, 0, "The health page says DOWN, because no Redis answers.")
    enabled, file, line = site.setting("storm.authz-server.enabled")
    by_default = release is not None and release < storm_release.REDIS_QUIET and not line
    if truth(enabled) or by_default:
        yield from _secret(site)
    nginx, file, line = site.setting("storm.nginx.enabled")
    if truth(nginx):
        yield finding("storm.nginx", file, line, "Whoever reaches the service's ports can say which VO he is of.")


def _secret(site: Webdav) -> Iterator[Finding]:
    value, file, line = site.setting("storm.authz-server.secret")
    if not line:
        yield finding("storm.secret-random", file, 0, "Macaroons become worthless at each restart, and on other hosts.")
    elif str(value).lower() in DEFAULT_SECRETS or len(str(value).encode()) < SHORTEST_SECRET:
        yield finding(
            "storm.secret-weak", file, line, "The secret that macaroons are signed with is short or well known: anybody can make them."
        )


# --- environment, trust, tape ----------------------------------------------------------------------------------------------------------


def _environment(site: Webdav, files: Mapping[str, str]) -> Iterator[Finding]:
    for file, environment in site.environments.items():
        for each in environment.variables:
            if each.name.startswith("STORM_WEBDAV_") and each.name not in storm_release.environment_names():
                near = storm_release.near_environment().nearest(each.name)
                yield finding(
                    "storm.environment-unknown",
                    file,
                    each.line,
                    f"{each.name} is no variable of the service." + (f" {near} is." if near else ""),
                )
    if SYSCONFIG in files and SYSCONFIG not in site.environments:
        yield finding("storm.environment-file", SYSCONFIG, 0, "This release does not read the file.")
    takes_tokens = any(area.organisations for area in site.areas)
    required, file, line = site.setting("storm.tls.require-client-cert")
    if takes_tokens and truth(required):
        words = "is true" if line else "is not set, and its default is true"
        yield finding(
            "storm.client-certificate", file, line, f"STORM_WEBDAV_REQUIRE_CLIENT_CERT {words}: clients with tokens alone are cut off."
        )
    if takes_tokens and not site.hostnames:
        yield finding(
            "storm.hostnames", _drop_in(site), 0, "Without its names the service takes a copy inside itself for one between sites."
        )
    options = site.variable("STORM_WEBDAV_JVM_OPTS")
    heap = HEAP.search(options[0]) if options else None
    connections = site.setting("storm.connector.max-connections")[0]
    if options and heap and str(connections).isdigit():
        factor = {"k": 1 / 1024, "": 1 / 1024**2, "m": 1, "g": 1024}[heap[2].lower()]
        wanted = 256 + 6 * int(connections)
        if int(heap[1]) * factor < wanted:
            yield finding(
                "storm.heap", options[1], options[2], f"{connections} connections want {wanted} MB of heap; it has {heap[1]}{heap[2]}."
            )


def _drop_in(site: Webdav) -> str:
    return SYSCONFIG if list(site.environments) == [SYSCONFIG] else DROP_IN


def _trust(site: Webdav, files: Mapping[str, str]) -> Iterator[Finding]:
    trusted = [path for path in files if path.startswith(VOMSDIR) and path.endswith(".lsc")]
    for path in trusted:
        for line, words in vomsdir_lsc.problems(files[path]):
            yield finding("storm.lsc", path, line, f"{words[0].upper()}{words[1:]}.")
    if not trusted:
        return
    for area in site.areas:
        for vo in area.vos:
            if not any(path.startswith(f"{VOMSDIR}{vo}/") for path in trusted):
                yield finding(
                    "storm.vo-untrusted", area.file, area.line("vos"), f"No VOMS server of {vo} is trusted, so nobody is a member."
                )


def _tape(site: Webdav, files: Mapping[str, str]) -> Iterator[Finding]:
    for area in site.areas:
        if area.flag("tapeEnabled") and WELL_KNOWN not in files:
            yield finding(
                "storm.tape-wellknown-missing",
                area.file,
                area.line("tapeEnabled"),
                "Clients cannot find the tape interface: there is no discovery document.",
            )
    if WELL_KNOWN in files:
        for line, words in tape_wellknown.problems(tape_wellknown.parse(files[WELL_KNOWN])):
            yield finding("storm.tape-wellknown", WELL_KNOWN, line, f"The document {words}." if words.startswith("is ") else f"{words}.")


def _text(release: storm_release.Release) -> str:
    return ".".join(str(part) for part in release)
