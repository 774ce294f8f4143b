# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of StoRM WebDAV for a storage as described: found ones edited in place, missing ones written anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_release import Release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import (
    APPLICATION,
    AREAS,
    DROP_IN,
    DROP_INS,
    SYSCONFIG,
    WELL_KNOWN,
    Policy,
    Principal,
    Webdav,
    reads_sysconfig,
    scopes_key,
    truth,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    java_properties,
    service_environment,
    tape_wellknown,
    vomsdir_lsc,
    yaml_text,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.yaml_text import EditError, YamlText, relaxed
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Access, Area, Issuer, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import HEAD, OWN, AccessPoint, Options, Secrets

LIMITS = f"/{DROP_INS}filelimit.conf"
REPORT_AREA = "info"
HTTPS_PORT = 8443
NAMES = 4  # STORM_WEBDAV_HOSTNAME_0 to _3
ACTIONS = {"read": ["read", "list"], "write": ["all"]}
MEGABYTES_FIRST, MEGABYTES_EACH = 256, 6
"""Heap: for the service itself, and for each connection."""


def has_policies(release: Release | None) -> bool:
    return release is None or release >= storm_release.SCOPES_FIRST


def environment_path(release: Release | None) -> str:
    """The file that a release reads its environment from."""
    return f"/{SYSCONFIG}" if release is not None and reads_sysconfig(release) else f"/{DROP_IN}"


def area_texts(points: Iterable[AccessPoint], storage: Storage, options: Options, release: Release | None) -> dict[str, str]:
    """The files of sa.d."""
    texts = {point.file: _area_text(point, storage, options, release) for point in points}
    if options.report:
        path = f"/{AREAS}{REPORT_AREA}.properties"
        texts[path] = _report_text(options, release)
    return texts


def _area_text(point: AccessPoint, storage: Storage, options: Options, release: Release | None) -> str:
    rights = _rights(point, storage, release)
    if point.found is None:
        values = {
            "name": point.name,
            "rootPath": point.root,
            "accessPoints": point.path,
            "vos": ",".join(options.flat_vos),
            "orgs": ",".join(issuer.url for issuer in storage.issuers),
            "anonymousReadEnabled": "false",
            "authenticatedReadEnabled": "false",
            "voMapEnabled": "false",
            "voMapGrantsWritePermission": "false",
            **rights,
        }
        return "".join(f"# {line}\n" for line in [HEAD]) + "".join(f"{key}={value}\n" for key, value in values.items())
    document = point.found.document
    organisations = [*point.found.organisations, *(each.url for each in storage.issuers if each.url not in point.found.organisations)]
    if tuple(organisations) != point.found.organisations:
        document = java_properties.set_property(document, "orgs", ",".join(organisations))
    limited = set(storage.x509.vos if storage.x509 and has_policies(release) else ()) - set(options.flat_vos)
    vos = [vo for vo in point.found.vos if vo not in limited]
    if tuple(vos) != point.found.vos:
        document = java_properties.set_property(document, "vos", ",".join(vos))
    for key, value in rights.items():
        have = point.found.assignments.get(key)
        if have is None or have.value.strip().lower() != value:
            document = java_properties.set_property(document, key, value)
    return java_properties.render(document)


def _rights(point: AccessPoint, storage: Storage, release: Release | None) -> dict[str, str]:
    """What decides who may do what, always written: the defaults of the code are not those of its documentation."""
    if not has_policies(release):
        everybody_writes = any(access.rights == "write" for place in point.places for access in area_access(place.area, storage))
        return {"orgsGrantWritePermission": str(everybody_writes).lower()}
    rights = {
        "orgsGrantReadPermission": "false",
        "orgsGrantWritePermission": "false",
        scopes_key(release): "true",
        "fineGrainedAuthzEnabled": "true",
    }
    if release is None or release >= storm_release.TAPE_FIRST:
        rights["tapeEnabled"] = str(point.tape).lower()
    return rights


def _report_text(options: Options, release: Release | None) -> str:
    values = {
        "name": REPORT_AREA,
        "rootPath": options.report_root,
        "accessPoints": f"/{REPORT_AREA}",
        "vos": "",
        "orgs": "",
        "anonymousReadEnabled": "false",
        "authenticatedReadEnabled": "true",
        "voMapEnabled": "false",
        "voMapGrantsWritePermission": "false",
        "orgsGrantWritePermission": "false",
        **({"orgsGrantReadPermission": "false"} if has_policies(release) else {}),
    }
    return f"# {HEAD}\n# The storage report; written by storm-site-report.timer.\n" + "".join(
        f"{key}={value}\n" for key, value in values.items()
    )


# --- application.yml -------------------------------------------------------------------------------------------------------------------


def application_text(
    points: Iterable[AccessPoint], storage: Storage, options: Options, found: Webdav, release: Release | None, secrets: Secrets
) -> str:
    """application.yml with the issuers and policies of the storage, and settings that it says itself.

    Raises DescriptionError when it cannot be edited, and where issuers or policies stand in the file of a profile, or in one of several
    documents, and would have to be changed.
    """
    try:
        document = _application(tuple(points), storage, options, found, release)
        for key, _variable, value in _service_settings(storage, options, secrets):
            if _differs(found, key, value) and _in_application(found, key):
                document = document.set(key.split("."), _typed(key, value))
        for name in names_of(storage, options) if _own_names(found) is not None else ():
            if name not in found.hostnames:
                document = document.append(("storm", "hostnames"), name)
        return document.render()
    except EditError as problem:
        at, words = f"{application_path(found)}:{problem.line}", f"{problem}, so nothing was changed."
        raise DescriptionError([Problem(at, words, "Write it plainly, or make this change by hand.")]) from None


def _application(points: tuple[AccessPoint, ...], storage: Storage, options: Options, found: Webdav, release: Release | None) -> YamlText:
    def with_issuers(document: YamlText) -> YamlText:
        for issuer in storage.issuers:
            document = _with_issuer(document, issuer, storage, found, release)
        return document

    def with_policies(document: YamlText) -> YamlText:
        return _with_policies(document, points, storage, found, release, options.flat_vos) if has_policies(release) else document

    document = found.settings if found.settings.text else yaml_text.parse(f"# {HEAD}\n", relaxed)
    problems = []
    for path, edit in ((("oauth", "issuers"), with_issuers), (("storm", "authz", "policies"), with_policies)):
        file, home = found.layer(path)
        if home == found.settings:
            document = edit(document)
        elif edit(home) != home:
            problems.append(
                Problem(
                    "datalake_storage",
                    f"asks for other {'.'.join(path)} than stand in {file}, the file of a profile or one of several documents.",
                    f"Write them there, or move {'.'.join(path)} to {found.settings_file}, as one document.",
                )
            )
    if problems:
        raise DescriptionError(problems)
    if release is not None and (1, 4, 0) <= release < storm_release.REDIS_QUIET:
        document = document.set(("management", "health", "redis", "enabled"), False)
    return document


def _with_issuer(document: YamlText, issuer: Issuer, storage: Storage, found: Webdav, release: Release | None) -> YamlText:
    entry = next((each for each in found.issuers if each.url == issuer.url), None) or next(
        (each for each in found.issuers if each.url.rstrip("/") == issuer.url.rstrip("/")), None
    )
    checked = has_policies(release)
    if entry is None:
        wanted: dict[str, Any] = {"name": issuer.name, "issuer": issuer.url}
        if checked:
            wanted |= {"enforce-audience-checks": True, "audiences": list(storage.audiences)}
        return document.append(("oauth", "issuers"), wanted)
    at = ("oauth", "issuers", entry.index)
    document = document.set((*at, "issuer"), issuer.url)
    if not checked:
        return document
    for audience in storage.audiences:
        if audience not in entry.audiences:
            document = document.append((*at, "audiences"), audience)
    return document if entry.enforced else document.set((*at, "enforce-audience-checks"), True)


def _with_policies(
    document: YamlText,
    points: tuple[AccessPoint, ...],
    storage: Storage,
    found: Webdav,
    release: Release | None,
    flat_vos: Sequence[str],
) -> YamlText:
    """The document with every wanted policy, and without those of ours that are no longer wanted.

    A policy made by hand that says the same counts. Denials come first, because the first policy that applies counts.
    """
    at = ("storm", "authz", "policies")
    mine = {point.name for point in points}
    wanted = [
        policy
        for point in points
        for policy in policies(point, storage, release)
        if not _vos_of(policy) & set(flat_vos) & set(point.found.vos if point.found else flat_vos)
    ]
    keep = {_essence(policy) for policy in wanted}
    gone = [
        policy.index
        for policy in found.policies
        if policy.area in mine and policy.description.startswith(OWN) and _essence(policy) not in keep
    ]
    for index in reversed(gone):
        document = document.remove_item(at, index)
    new = [policy for policy in wanted if not any(_says_all_of(each, policy) for each in found.policies)]
    for policy in (each for each in new if each.effect == "permit"):
        document = document.append(at, _as_entry(policy))
    for policy in reversed([each for each in new if each.effect == "deny"]):
        document = document.insert(at, 0, _as_entry(policy)) if document.get(at) else document.append(at, _as_entry(policy))
    return document


def _vos_of(policy: Policy) -> set[str]:
    """VOs of a policy for members of a VO alone."""
    groups = [each.params.get("fqan", "") for each in policy.principals if each.kind == "fqan"]
    return {group.strip("/").partition("/")[0] for group in groups} if len(groups) == len(policy.principals) else set()


def _is_member(wanted: Principal, have: Sequence[Principal]) -> bool:
    vo = wanted.params.get("fqan", "").strip("/") if wanted.kind == "fqan" else ""
    return wanted in have or (bool(vo) and Principal("vo", {"vo": vo}) in have)


def _says_all_of(have: Policy, wanted: Policy) -> bool:
    """Whether a policy that is there means what another one does, and maybe that for further people."""
    if _essence(have) == _essence(wanted):
        return True
    own = have.description.startswith(OWN)
    actions = "all" in have.actions or set(wanted.actions) <= set(have.actions)
    same = (have.area, have.effect, sorted(have.paths)) == (wanted.area, wanted.effect, sorted(wanted.paths))
    return not own and same and actions and all(_is_member(each, have.principals) for each in wanted.principals)


def policies(point: AccessPoint, storage: Storage, release: Release | None) -> Iterator[Policy]:
    """The policies of a storage area, each for one principal."""
    for place in point.places:
        inside = () if not place.relative else (f"{place.relative}/**",)
        strangers = [issuer for issuer in storage.issuers if place.area.access and not _names(place.area, issuer)]
        for issuer in strangers:
            words = f"{OWN}{place.area.name}: nothing for tokens of {issuer.name}"
            yield Policy(-1, point.name, words, "deny", ("all",), inside, (Principal("jwt-issuer", {"iss": issuer.url}),))
        for access in area_access(place.area, storage):
            for words, principal in _principals(access, storage, release):
                text = f"{OWN}{place.area.name}: {access.rights} for {words}"
                yield Policy(-1, point.name, text, "permit", tuple(ACTIONS[access.rights]), inside, (principal,))


def _names(area: Area, issuer: Issuer) -> bool:
    return any(access.issuer == issuer.name for access in area.access)


def _principals(access: Access, storage: Storage, release: Release | None) -> Iterator[tuple[str, Principal]]:
    url = next((issuer.url for issuer in storage.issuers if issuer.name == access.issuer), None)
    if url:
        old = release is not None and release < storm_release.NAMES_SETTLED
        yield f"{access.group} of {access.issuer}", Principal("oauth-group" if old else "jwt-group", {"iss": url, "group": access.group})
    if storage.x509 and access.group.strip("/").partition("/")[0] in storage.x509.vos:
        yield f"{access.group} by VOMS", Principal("fqan", {"fqan": access.group})


def _essence(policy: Policy) -> tuple[Any, ...]:
    """What a policy means, whatever it is called."""
    actions = ("all",) if "all" in policy.actions else tuple(sorted(policy.actions))
    people = tuple(sorted((each.kind, tuple(sorted(each.params.items()))) for each in policy.principals))
    return policy.area, policy.effect, actions, tuple(sorted(policy.paths)), people


def _as_entry(policy: Policy) -> dict[str, Any]:
    return {
        "sa": policy.area,
        "description": policy.description,
        "effect": policy.effect,
        "actions": list(policy.actions),
        **({"paths": list(policy.paths)} if policy.paths else {}),
        "principals": [{"type": each.kind, "params": dict(each.params)} for each in policy.principals],
    }


# --- environment and the rest ----------------------------------------------------------------------------------------------------------


def environment_text(storage: Storage, options: Options, found: Webdav, release: Release | None, secrets: Secrets) -> str:
    """The drop-in, or what stands for it: names and ports of the doors, clients without certificates, certificate and key."""
    path = environment_path(release)
    have = found.environments.get(path.lstrip("/"))
    kind: service_environment.Kind = "file" if path == f"/{SYSCONFIG}" else "drop-in"
    document = have or service_environment.parse(f"# {HEAD}\n" + ("[Service]\n" if kind == "drop-in" else ""), kind)
    for key, variable, value in _service_settings(storage, options, secrets):
        if _differs(found, key, value) and not _in_application(found, key):
            document = document.set(variable, value)
    for number, name in enumerate(_new_names(storage, options, found)):
        document = document.set(f"STORM_WEBDAV_HOSTNAME_{number}", name)
    if found.variable("STORM_WEBDAV_JVM_OPTS") is None:
        heap = MEGABYTES_FIRST + MEGABYTES_EACH * options.connections
        document = document.set("STORM_WEBDAV_JVM_OPTS", f"-Xms{heap}m -Xmx{heap}m")
        document = document.set("STORM_WEBDAV_MAX_CONNECTIONS", str(options.connections))
    for name, value in options.environment.items():
        document = document.set(name, value)
    return document.render()


def _service_settings(storage: Storage, options: Options, secrets: Secrets) -> list[tuple[str, str, str]]:
    """Key, variable and value of the settings that follow from the description."""
    port = next((door.port for door in storage.doors if door.scheme in ("davs", "https")), HTTPS_PORT)
    settings = [
        ("storm.connector.secure-port", "STORM_WEBDAV_HTTPS_PORT", str(port)),
        ("storm.connector.port", "STORM_WEBDAV_HTTP_PORT", str(options.http_port)),
    ]
    if storage.issuers:
        settings.insert(0, ("storm.tls.require-client-cert", "STORM_WEBDAV_REQUIRE_CLIENT_CERT", "false"))
    if options.certificate_source:
        settings.append(("storm.tls.certificate-path", "STORM_WEBDAV_CERTIFICATE_PATH", options.certificate))
    if options.key_source:
        settings.append(("storm.tls.private-key-path", "STORM_WEBDAV_PRIVATE_KEY_PATH", options.key))
    if options.macaroons and secrets.macaroons:
        settings.append(("storm.authz-server.enabled", "STORM_WEBDAV_AUTHZ_SERVER_ENABLE", "true"))
        settings.append(("storm.authz-server.secret", "STORM_WEBDAV_AUTHZ_SERVER_SECRET", secrets.macaroons))
    return settings


def _differs(found: Webdav, key: str, value: str) -> bool:
    now, _file, _line = found.setting(key)
    return truth(now) != truth(value) if value in ("true", "false") else str(now) != value


def _typed(key: str, value: str) -> Any:
    """A value as application.yml says it."""
    if value in ("true", "false"):
        return value == "true"
    return int(value) if key.endswith("port") else value


def _in_application(found: Webdav, key: str) -> bool:
    """Whether application.yml says a value itself; then nobody asks the variable."""
    _value, file, line = found.setting(key)
    return file == found.settings_file and line > 0


def _own_names(found: Webdav) -> list[str] | None:
    """The names of the service that application.yml lists; None when it leaves them to variables."""
    listed = found.settings.get(("storm", "hostnames"))
    return listed if isinstance(listed, list) and not any("$" in str(name) for name in listed) else None


def _new_names(storage: Storage, options: Options, found: Webdav) -> list[str]:
    """All names for variables, none when the service knows the wanted ones already; wanted ones first where there is no room for all."""
    wanted, have = names_of(storage, options), found.hostnames
    if set(wanted) <= set(have) or _own_names(found) is not None:
        return []
    every = list(dict.fromkeys([*have, *wanted]))
    return every if len(every) <= NAMES else list(dict.fromkeys([*wanted, *have]))[:NAMES]


def names_of(storage: Storage, options: Options) -> list[str]:
    """The names that clients use."""
    return list(dict.fromkeys([*(door.host for door in storage.doors if door.scheme in ("davs", "https")), *options.aliases]))


def wellknown_text(storage: Storage, options: Options, files: Mapping[str, str]) -> str | None:
    """The discovery document of the tape interface, None when none is asked for."""
    if not options.tape_endpoints:
        return None
    found = files.get(f"/{WELL_KNOWN}")
    if found is None:
        return tape_wellknown.render(storage.site, f"Tape access of {storage.name}", options.tape_endpoints)
    document = tape_wellknown.parse(found)
    have = tape_wellknown.endpoints(document)
    if document.problem or set(options.tape_endpoints) == set(have):
        return found
    listed = [{"uri": each.uri, "version": each.version, "metadata": {}} for each in options.tape_endpoints]
    return document.with_value(("endpoints",), listed).render()


def lsc_texts(options: Options, files: Mapping[str, str]) -> dict[str, str]:
    """The trusted VOMS servers; a file that says the same otherwise stays."""
    texts = {}
    for vo, hosts in options.vomsdir.items():
        for host, subjects in hosts.items():
            path = f"/etc/grid-security/vomsdir/{vo}/{host}.lsc"
            if vomsdir_lsc.chains(files.get(path, "")) != (tuple(subjects),):
                texts[path] = vomsdir_lsc.render(subjects)
    return texts


def application_path(found: Webdav) -> str:
    return f"/{found.settings_file}" if found.settings.text else f"/{APPLICATION}"
