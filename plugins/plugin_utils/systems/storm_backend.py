# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of StoRM's backend, frontend and GridFTP service for a storage as described.

Found ones are edited in place, missing ones written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_backend import (
    FRONTEND,
    NAMESPACE,
    PATH_AUTHZ,
    PROPERTIES,
    USED_SPACE,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    java_properties,
    path_authz,
    scitokens_cfg,
    service_environment,
    storm_namespace,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import AppRule, Filesystem, MapRule, Prot
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import replace_lines, split_lines
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Door, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import (
    HEAD,
    Options,
    Place,
    Secrets,
    plain_name,
    space_token,
    storage_class,
)

SRM_PORT, GRIDFTP_PORT, REST_PORT, XMLRPC_PORT = 8444, 2811, 9998, 8080
SRM_PATH = "/srm/managerv2"
GRIDFTP = "/etc/grid-security/gridftp.conf"
INFO_PROVIDER = "/etc/storm/info-provider/storm-yaim-variables.conf"
DATABASE_CLIENT = "/etc/storm/datalake/database.cnf"
DATABASE_GRANTS = "/etc/storm/datalake/database.sql"
EVERYTHING = "WRFDLMN"


def namespace_text(places: Iterable[Place], storage: Storage, options: Options, found: str | None) -> str:
    """namespace.xml: one file system for each area, with the class that its facts give."""
    document = storm_namespace.parse(found if found is not None else storm_namespace.render(HEAD))
    for place in places:
        area, extra = place.area, options.area(place.area.name)
        have = storm_namespace.read(document)
        known = have.filesystem_of(area.path)
        tape = storage_class(area, options) != "T0D1"
        wanted = Filesystem(
            name=known.name if known else f"{plain_name(area)}-FS",
            root=place.directory,
            token=extra.token or (known.token if known and known.token else space_token(area, options)),
            storage_class=storage_class(area, options),
            online=extra.online or (known.online if known and tape and known.online else area.capacity),
            nearline=area.capacity if tape else 0,
            kind=extra.file_system,
            quota=extra.quota,
            protocols=_protocols(storage),
        )
        if known:
            document = storm_namespace.update(document, wanted)
        else:
            rule = MapRule(f"{area.name.lower()}-maprule-0", area.path, wanted.name)
            document = storm_namespace.add(document, wanted, rule, ())
        allowed = {rule.vo for rule in have.app_rules if rule.filesystem == wanted.name}
        new = [vo for vo in (storage.x509.vos if storage.x509 else ()) if vo not in allowed and "*" not in allowed]
        rules = [AppRule(f"{area.name.lower()}-rule-{len(allowed) + number}", "*", vo, wanted.name) for number, vo in enumerate(new)]
        document = storm_namespace.add(document, wanted, None, rules)
    return document.render()


def _protocols(storage: Storage) -> tuple[Prot, ...]:
    """Protocols that SRM offers: those of the doors, and the file system itself."""
    schemes = {"davs": "https", "https": "https", "gsiftp": "gsiftp", "root": "xroot"}
    doors = [door for door in storage.doors if door.scheme in schemes]
    return (Prot("file"), *dict.fromkeys(Prot(schemes[door.scheme], door.host, door.port) for door in doors))


def properties_text(storage: Storage, options: Options, secrets: Secrets, found: str | None) -> str:
    """storm.properties: only what the description and the options say; the rest is the service's own."""
    srm = srm_door(storage)
    values = {
        "storm.service.FE-public.hostname": srm.host,
        "storm.service.port": str(srm.port),
        "storm.service.SURL.endpoint": f"srm://{srm.host}:{srm.port}{SRM_PATH}",
        "storm.service.SURL.default-ports": str(srm.port),
        "storm.service.request-db.host": options.database_host,
        "storm.service.request-db.username": options.database_user,
        "storm.service.request-db.passwd": secrets.database or "",
        "storm.rest.services.port": str(REST_PORT),
        "synchcall.xmlrpc.unsecureServerPort": str(XMLRPC_PORT),
        "synchcall.xmlrpc.security.enabled": "true",
        "synchcall.xmlrpc.security.token": secrets.xmlrpc or "",
    }
    kept = (
        "storm.rest.services.port",
        "synchcall.xmlrpc.unsecureServerPort",
        "storm.service.SURL.endpoint",
        "storm.service.SURL.default-ports",
    )
    return _with_values(found, values, kept, options.properties)


def frontend_text(storage: Storage, options: Options, secrets: Secrets, found: str | None) -> str:
    """The frontend's file."""
    values = {
        "fe.port": str(srm_door(storage).port),
        "be.xmlrpc.host": "localhost" if options.full else srm_door(storage).host,
        "be.xmlrpc.port": str(XMLRPC_PORT),
        "be.xmlrpc.token": secrets.xmlrpc or "",
        "be.recalltable.port": str(REST_PORT),
        "db.host": options.database_host,
        "db.user": options.database_user,
        "db.passwd": secrets.database or "",
        "security.enable.vomscheck": "true",
    }
    return _with_values(found, values, ("be.xmlrpc.host", "be.xmlrpc.port", "be.recalltable.port"), {})


def _with_values(found: str | None, values: Mapping[str, str], kept: tuple[str, ...], further: Mapping[str, str]) -> str:
    """A properties file with values. kept: keys whose value stays when the file has one."""
    if found is None:
        return f"# {HEAD}\n" + "".join(f"{key}={value}\n" for key, value in {**values, **further}.items())
    document = java_properties.parse(found, sectioned=False)
    have = {each.key: each.value.strip() for each in document.assignments()}
    for key, value in {**values, **further}.items():
        if have.get(key) != value and not (key in kept and have.get(key) and key not in further):
            document = java_properties.set_property(document, key, value)
    return java_properties.render(document)


def path_authz_text(options: Options, found: str | None) -> str:
    """path-authz.db: the rows that are asked for; without any, everybody who is let into a file system may do everything in it."""
    if found is None:
        rows = list(options.path_authz) or [path_authz.Row(path_authz.EVERYBODY, "/", EVERYTHING, "permit")]
        return path_authz.render(rows, HEAD)
    document = path_authz.parse(found)
    for row in options.path_authz:
        same = [
            (number, each)
            for number, each in path_authz.rows(document)
            if (each.group, each.path, each.effect) == (row.group, row.path, row.effect)
        ]
        if not same:
            document = document.append([row])
        elif set(same[0][1].operations.upper()) != set(row.operations.upper()):
            document = document.replace(same[0][0], row)
    return document.render()


def used_space_text(storage: Storage, options: Options, tokens: Mapping[str, str], found: str | None) -> str | None:
    """used-space.ini: what lies in areas before the backend's first start; a section that is there stays. tokens: by area."""
    text = found if found is not None else f"; {HEAD}\n"
    document = scitokens_cfg.parse(text)
    for area in storage.areas:
        used = options.area(area.name).used
        if used is not None and document.get(tokens[area.name], "usedsize") is None:
            document = document.set(tokens[area.name], "usedsize", str(used))
    return document.render() if document.text != text else found


def gridftp_text(storage: Storage, found: str | None) -> str:
    """gridftp.conf: port and the module that makes checksums."""
    port = next((door.port for door in storage.doors if door.scheme == "gsiftp"), GRIDFTP_PORT)
    wanted = {"port": str(port), "port_range": "20000,25000", "load_dsi_module": "StoRM", "allowed_modules": "StoRM"}
    if found is None:
        return f"# {HEAD}\n" + "".join(f"{key} {value}\n" for key, value in wanted.items())
    text = found
    for key, value in wanted.items():
        lines = split_lines(text)
        places = [number for number, line in enumerate(lines) if line.split()[:1] == [key]]
        if not places:
            text = replace_lines(lines, len(lines), len(lines), [f"{key} {value}"])
        elif key == "port" and lines[places[-1]].split()[1:] != [value]:
            text = replace_lines(lines, places[-1], places[-1] + 1, [f"{key} {value}"])
    return text


def info_provider_text(places: Iterable[Place], storage: Storage, options: Options, found: str | None) -> str:
    """What the information provider, which makes the storage report, is told."""
    srm, listed = srm_door(storage), list(places)
    document = service_environment.parse(found if found is not None else f"# {HEAD}\n", "file")
    values = {
        "SITE_NAME": storage.site,
        "STORM_BACKEND_HOST": srm.host,
        "STORM_DEFAULT_ROOT": options.root,
        "STORM_FRONTEND_PATH": SRM_PATH,
        "STORM_FRONTEND_PORT": str(srm.port),
        "STORM_FRONTEND_PUBLIC_HOST": srm.host,
        "STORM_FRONTEND_HOST_LIST": srm.host,
        "STORM_BACKEND_REST_SERVICES_PORT": str(REST_PORT),
        "STORM_WEBDAV_POOL_LIST": ",".join(f"https://{door.host}:{door.port}/" for door in storage.doors if door.scheme == "davs"),
        "STORM_STORAGEAREA_LIST": " ".join(place.area.name for place in listed),
        "VOS": " ".join(storage.x509.vos if storage.x509 else ()),
    }
    for place in listed:
        area = place.area
        mine = {
            "VONAME": values["VOS"] or "*",
            "ONLINE_SIZE": str((options.area(area.name).online or area.capacity) // 10**9),
            "TOKEN": space_token(area, options),
            "ROOT": place.directory,
            "STORAGECLASS": storage_class(area, options),
            "ACCESSPOINT": area.path,
            **({"NEARLINE_SIZE": str(area.capacity // 10**9)} if storage_class(area, options) != "T0D1" else {}),
        }
        values |= {f"STORM_{plain_name(area)}_{key}": value for key, value in mine.items()}
    for key, value in values.items():
        document = document.set(key, value)
    return document.render()


def database_texts(options: Options, secrets: Secrets) -> dict[str, str]:
    """What root gives to the database: the user with its password, and the file that StoRM's own log-in is tried with."""
    password = secrets.database or ""
    user = f"'{options.database_user}'@'localhost'"
    statements = [
        "CREATE DATABASE IF NOT EXISTS storm_db CHARACTER SET utf8;",
        "CREATE DATABASE IF NOT EXISTS storm_be_ISAM CHARACTER SET utf8;",
        f"CREATE USER IF NOT EXISTS {user};",
        f"ALTER USER {user} IDENTIFIED BY '{password}';",
        f"GRANT ALL PRIVILEGES ON storm_db.* TO {user};",
        f"GRANT ALL PRIVILEGES ON storm_be_ISAM.* TO {user};",
    ]
    return {
        DATABASE_CLIENT: f"# {HEAD}\n[client]\nhost={options.database_host}\nuser={options.database_user}\npassword={password}\n",
        DATABASE_GRANTS: f"-- {HEAD}\n" + "".join(f"{each}\n" for each in statements),
    }


def srm_door(storage: Storage) -> Door:
    """The door of SRM; on the first door's host and the usual port when the description has none."""
    return next((door for door in storage.doors if door.scheme == "srm"), Door("srm", storage.doors[0].host, SRM_PORT))


FILES = (NAMESPACE, PROPERTIES, PATH_AUTHZ, USED_SPACE, FRONTEND)
