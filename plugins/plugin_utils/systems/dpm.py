# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a DPM node that serves a storage as described: found ones edited in place, missing ones written anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm_webdav
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import apache_conf, dome_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.apache_conf import Document, Section
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Issuer, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import restarts

HEAD, DISK = f"/{checks.HEAD}", f"/{checks.DISK}"
HTTP_SCHEMES = frozenset({"davs", "https"})
FLAGS = ("Write", "RemoteCopy")
SECRET_KEYS = (checks.SHARED_KEY, "head.db.password")
SECRET_DIRECTIVES = ("NSMacaroonSecret", "OIDCClientSecret", "OIDCCryptoPassphrase")
DIRECTORY_OF_DPM = re.compile(r"(/dpm/[^/]+)/.*")
REMARK = "Written by the Ansible collection escape.datalake. Lines added by hand stay."


@dataclass(frozen=True)
class Client:
    """The DPM as a client of its token issuer. jwks_uri: address of keys; None takes that of INDIGO IAM, which is the issuer's ``jwk``."""

    id: str | None = None
    secret: str | None = None
    passphrase: str | None = None
    scope: str = "openid email profile wlcg.groups"
    redirect_uri: str | None = None
    jwks_uri: str | None = None


@dataclass(frozen=True)
class Options:
    """What is said about a node beside the description of the storage.

    dav_file: Apache's file with the doors. authorized: subjects of certificates that may give DOME orders. shared_key, macaroon_secret,
    database_password: None keeps what is there. libdir: where a new file loads Apache's modules from.
    """

    dav_file: str = f"/{dpm_webdav.MAIN}"
    certificate: str = "/etc/grid-security/dpmmgr/dpmcert.pem"
    key: str = "/etc/grid-security/dpmmgr/dpmkey.pem"
    authorities: str = "/etc/grid-security/certificates"
    authorized: tuple[str, ...] = ()
    shared_key: str | None = None
    macaroon_secret: str | None = None
    database_password: str | None = None
    client: Client = field(default_factory=Client)
    libdir: str = "/usr/lib64/httpd/modules"
    dome_unit: str = "xrootd@dpmredir.service"
    dav_unit: str = "httpd.service"


@dataclass(frozen=True)
class Site:
    """The texts of all files of the node as they should be, by path, those that stay as they are included."""

    texts: Mapping[str, str]
    changed: tuple[str, ...]


def plan(storage: Storage, options: Options, files: Mapping[str, str]) -> Site:
    """What the files of a node should be.

    files: text of all that was found, by absolute path. A node with a domedisk.conf and no domehead.conf is a disk node.
    Raises DescriptionError for what DPM cannot serve, or what is missing to write a file anew.
    """
    disk_only = DISK in files and HEAD not in files
    problems = _problems(storage, options, files, disk_only)
    if problems:
        raise DescriptionError(problems)
    wanted = dict(files)
    if disk_only:
        wanted[DISK] = _nodes(dome_conf.parse(files[DISK]), options).render()
    else:
        wanted[HEAD] = _head(storage, options, files.get(HEAD))
    if options.dav_file in files:
        wanted[options.dav_file] = _doors(storage, options, apache_conf.parse(files[options.dav_file]), disk_only)
    elif not disk_only:
        wanted[options.dav_file] = _doors(storage, options, apache_conf.parse(_fresh_doors(storage, options)), disk_only)
    return Site(wanted, tuple(path for path, text in wanted.items() if files.get(path) != text))


def restart_reasons(
    site: Site,
    options: Options,
    services: Mapping[str, Mapping[str, Any]],
    entries: Mapping[str, Mapping[str, Any]],
    written: Iterable[str],
) -> dict[str, list[str]]:
    """Why each unit must be restarted: what is written now, and what was written after its start. Units that do not run are left alone."""
    reads = {HEAD: options.dome_unit, DISK: options.dome_unit, options.dav_file: options.dav_unit}
    now = set(written)
    found = {}
    for unit in dict.fromkeys(reads.values()):
        if services.get(unit, {}).get("started") is not None:
            found[unit] = restarts.reasons(unit, services[unit], [path for path in site.texts if reads.get(path) == unit], entries, now)
    return {unit: each for unit, each in found.items() if each}


def masked(path: str, text: str) -> str:
    """A text for diffs, without its secrets."""
    if path.endswith(("domehead.conf", "domedisk.conf")):
        document = dome_conf.parse(text)
        for key in SECRET_KEYS:
            for entry in [each for each in document.entries if each.key == key]:
                document = document.replace(entry, MASK)
        return document.render()
    apache = apache_conf.parse(text)
    for name in SECRET_DIRECTIVES:
        for number in range(len(apache.find(name))):
            apache = apache.set_arguments(apache.find(name)[number], [MASK])
    return apache.render()


def secrets_changed(path: str, before: str, after: str) -> list[str]:
    """Names of the secrets that differ between two texts, which a masked diff does not show."""
    if path.endswith(("domehead.conf", "domedisk.conf")):
        old, new = dome_conf.parse(before), dome_conf.parse(after)
        return [key for key in SECRET_KEYS if old.value(key) != new.value(key)]
    told, tells = apache_conf.parse(before), apache_conf.parse(after)
    return [name for name in SECRET_DIRECTIVES if [each.args for each in told.find(name)] != [each.args for each in tells.find(name)]]


def metadata_url(issuer: Issuer) -> str:
    return issuer.url.rstrip("/") + "/" + dpm_webdav.DISCOVERY


def _problems(storage: Storage, options: Options, files: Mapping[str, str], disk_only: bool) -> list[Problem]:
    found = []
    release = parse_release(storage.release)
    if storage.issuers and release and release[:2] < checks.TOKENS_FROM:
        found.append(
            Problem(
                "datalake_storage.issuers", f"DPM {storage.release} knows no tokens, they came with 1.14.", "Upgrade, or describe x509."
            )
        )
    found += [
        Problem(
            f"datalake_storage.areas[{number}].media", "is tape, and DPM has no tape behind its disks.", "Describe what its disks offer."
        )
        for number, area in enumerate(storage.areas)
        if area.media == "tape"
    ]
    if len(storage.issuers) > 1 and not options.client.jwks_uri:
        found.append(
            Problem(
                "datalake_storage.issuers",
                "names several issuers, and a virtual host of Apache checks tokens with the keys of one address.",
                "Name one, or publish one JWKS with the keys of all of them and give its address (dpm_client.jwks_uri).",
            )
        )
    if not disk_only and HEAD not in files:
        missing = [name for name in ("shared_key", "database_password") if not getattr(options, name)]
        if missing:
            words = f"is missing, and {HEAD}, which is not there, cannot be written without it."
            found += [Problem(f"dpm_{name}", words, "Make it at random.") for name in missing]
        if not options.authorized:
            words = f"is missing, and {HEAD}, which is not there, cannot be written without it."
            found.append(Problem("dpm_authorized", words, "Name the subjects of head and disk nodes."))
    fresh = not disk_only and options.dav_file not in files
    if storage.issuers and not disk_only and (fresh or not apache_conf.parse(files[options.dav_file]).find("OIDCClientID")):
        missing = [name for name in ("id", "secret", "passphrase") if not getattr(options.client, name)]
        if missing:
            words = f"is missing, and {options.dav_file} has no OIDC client yet."
            remedies = {"passphrase": "Make it at random."}
            found += [Problem(f"dpm_client.{name}", words, remedies.get(name, "Register DPM at the issuer.")) for name in missing]
    if not fresh and options.dav_file in files:
        ports = {door.port for door in storage.doors if door.scheme in HTTP_SCHEMES}
        document = apache_conf.parse(files[options.dav_file])
        found += [
            Problem(
                "datalake_storage.doors", f"{options.dav_file} has no virtual host for port {port}.", "Correct the port, or add the host."
            )
            for port in sorted(ports)
            if not disk_only and not _hosts(document, {port})
        ]
    return found


# --- DOME ------------------------------------------------------------------------------------------------------------------------------


def _head(storage: Storage, options: Options, text: str | None) -> str:
    fresh = text is None
    document = dome_conf.parse(text if text is not None else _fresh_head())
    document = _nodes(document, options)
    if options.database_password:
        document = document.set("head.db.password", options.database_password)
    if options.client.id and storage.issuers:
        document = document.set("head.oidc.clientid", options.client.id)
    for issuer in storage.issuers:
        value = dome_conf.quoted(storage.base_path, issuer.url)
        same = [entry for entry in document.all(checks.ISSUERS) if entry.fields[-1:] == (issuer.url,)]
        if any(entry.fields == (storage.base_path, issuer.url) for entry in same):
            continue
        document = document.replace(same[0], value) if same else document.add(checks.ISSUERS, value)
    if storage.issuers:
        accepted = {entry.value.strip('"') for entry in document.all(checks.AUDIENCES)}
        for audience in storage.audiences:
            if audience not in accepted:
                document = document.add(checks.AUDIENCES, audience)
    return f"# {REMARK}\n{document.render()}" if fresh else document.render()


def _nodes(document: dome_conf.Document, options: Options) -> dome_conf.Document:
    """What head and disk nodes share: certificate, who may give orders, and the secret between the daemons."""
    for key, value in ((checks.CERTIFICATE, options.certificate), (checks.KEY, options.key)):
        if not document.value(key):
            document = document.set(key, value)
    known = {entry.value.strip('"') for entry in document.all(checks.AUTHORIZED)}
    for subject in options.authorized:
        if subject not in known:
            document = document.add(checks.AUTHORIZED, dome_conf.quoted(subject))
    return document.set(checks.SHARED_KEY, options.shared_key) if options.shared_key else document


def _fresh_head() -> str:
    settings = [
        ("glb.debug", "1"),
        ("glb.role", "head"),
        ("glb.auth.urlprefix", "/domehead/"),
        ("glb.dirspacereportdepth", "6"),
        ("head.put.minfreespace_mb", "1"),
        ("head.db.host", "localhost"),
        ("head.db.user", "dpmmgr"),
        ("head.db.cnsdbname", "cns_db"),
        ("head.db.dpmdbname", "dpm_db"),
    ]
    return dome_conf.render(settings)


# --- Apache ----------------------------------------------------------------------------------------------------------------------------


def _doors(storage: Storage, options: Options, document: Document, disk_only: bool) -> str:
    ports = {door.port for door in storage.doors if door.scheme in HTTP_SCHEMES}
    for flags in ("NSFlags", "DiskFlags"):
        for number in range(len(document.find(flags))):
            each = document.find(flags)[number]
            missing = [flag for flag in FLAGS if flag.lower() not in {word.lower() for word in each.args}]
            document = document.set_arguments(each, [*each.args, *missing]) if missing else document
    if options.macaroon_secret and not disk_only:
        document = _macaroons(document, options.macaroon_secret)
    if not storage.issuers:
        return document.render()
    count = len(_hosts(document, ports) if not disk_only else document.named_sections("VirtualHost"))
    for number in range(count):
        document = _optional_certificates(document, ports, number, disk_only)
        if not disk_only:
            for name, value in _oidc(storage, options, document):
                document = _in_host(document, ports, number, name, value)
    return document.render()


def _hosts(document: Document, ports: set[int]) -> list[Section]:
    """Virtual hosts of doors over TLS, by their port."""
    return [
        section
        for section in document.named_sections("VirtualHost")
        if any(address.rpartition(":")[2] == str(port) for address in section.args for port in ports)
    ]


def _optional_certificates(document: Document, ports: set[int], number: int, disk_only: bool) -> Document:
    """A virtual host in which clients with tokens need no certificate."""
    host = (document.named_sections("VirtualHost") if disk_only else _hosts(document, ports))[number]
    inside = [each for each in document.find("SSLVerifyClient") if each.inside(host)]
    if inside:
        return document.set_arguments(inside[-1], ["optional"]) if inside[-1].args == ("require",) else document
    engine = [each for each in document.find("SSLEngine") if each.inside(host)]
    return document.insert([("SSLVerifyClient", ["optional"])], after=engine[-1]) if engine else document


def _oidc(storage: Storage, options: Options, document: Document) -> list[tuple[str, str]]:
    """Directives of the OIDC client; those without a value stay as they are."""
    client, issuer = options.client, storage.issuers[0]
    door = next((each for each in storage.doors if each.scheme in HTTP_SCHEMES), storage.doors[0])
    address = f"https://{door.host}" + ("" if door.port == 443 else f":{door.port}")
    redirect = client.redirect_uri or ("" if document.find("OIDCRedirectURI") else f"{address}/dpm/redirect_uri")
    scope = client.scope if client.id or not document.find("OIDCScope") else ""
    found = [
        ("OIDCScope", scope),
        ("OIDCProviderMetadataURL", metadata_url(issuer)),
        ("OIDCClientID", client.id or ""),
        ("OIDCClientSecret", client.secret or ""),
        ("OIDCCryptoPassphrase", client.passphrase or ""),
        ("OIDCRedirectURI", redirect),
        ("OIDCOAuthVerifyJwksUri", client.jwks_uri or _keys_of(issuer, document)),
    ]
    return [(name, value) for name, value in found if value]


def _keys_of(issuer: Issuer, document: Document) -> str:
    """The address of an issuer's keys: as found while it belongs to the issuer, else where INDIGO IAM has it."""
    found = [each.args[0] for each in document.find("OIDCOAuthVerifyJwksUri") if each.args]
    return found[0] if found and found[0].startswith(issuer.url) else issuer.url.rstrip("/") + "/jwk"


def _in_host(document: Document, ports: set[int], number: int, name: str, value: str) -> Document:
    host = _hosts(document, ports)[number]
    inside = [each for each in document.find(name) if each.inside(host)]
    if inside:
        return document.set_arguments(inside[-1], [value])
    relatives = [each for each in document.directives if each.name.lower().startswith("oidc") and each.inside(host)]
    return document.insert([(name, [value])], after=relatives[-1]) if relatives else document.insert([(name, [value])], into=host)


def _macaroons(document: Document, secret: str) -> Document:
    found = document.find("NSMacaroonSecret")
    if found:
        return document.set_arguments(found[-1], [secret])
    flags = document.find("NSFlags")
    return document.insert([("NSMacaroonSecret", [secret])], after=flags[-1]) if flags else document


def _fresh_doors(storage: Storage, options: Options) -> str:
    """A new file with the doors; the OIDC part is added as in a found one."""
    found = DIRECTORY_OF_DPM.fullmatch(storage.base_path + "/")
    prefix = re.escape(found[1] if found else storage.base_path).replace(r"\-", "-")
    anybody = ("NSAnon nobody:nogroup", "NSSecureRedirect On")
    lines = [
        f"# {REMARK}",
        "<IfModule !dav_module>",
        f"  LoadModule dav_module {options.libdir}/mod_lcgdm_dav.so",
        "</IfModule>",
        f"LoadModule lcgdm_ns_module {options.libdir}/mod_lcgdm_ns.so",
        f"LoadModule lcgdm_disk_module {options.libdir}/mod_lcgdm_disk.so",
        "",
        "NSDMLite /etc/dmlite.conf",
        "NSType Head",
        f'<LocationMatch "^{prefix}/.*">',
        *(f"  {line}" for line in ("DAV nameserver", f"NSFlags {' '.join(FLAGS)}", *anybody)),
        "</LocationMatch>",
        "",
        "DiskDMLite /etc/dmlite-disk.conf",
        f'<LocationMatch "^/(?!({prefix.lstrip("/")}|static|icons)/).*">',
        *(f"  {line}" for line in ("DAV disk", f"DiskFlags {' '.join(FLAGS)}", "DiskAnon nobody:nogroup")),
        "</LocationMatch>",
    ]
    verify = "optional" if storage.issuers else "require"
    for port in dict.fromkeys(door.port for door in storage.doors if door.scheme in HTTP_SCHEMES):
        lines += [
            "",
            f"Listen {port} https",
            f"<VirtualHost *:{port}>",
            "  KeepAlive on",
            "  SSLEngine on",
            "  SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1",
            f"  SSLCertificateFile {options.certificate}",
            f"  SSLCertificateKeyFile {options.key}",
            f"  SSLCACertificatePath {options.authorities}",
            f"  SSLVerifyClient {verify}",
            "  SSLVerifyDepth 10",
            "  SSLOptions +StdEnvVars",
            "</VirtualHost>",
        ]
    return "\n".join(lines) + "\n"
