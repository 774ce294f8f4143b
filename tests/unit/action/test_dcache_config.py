"""The controller's half of dcache_config, with a host that lives in memory."""

from __future__ import annotations

import copy
import fnmatch
import hashlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.action.dcache_config import ActionModule

HOST = "se1.lake.test"
LAKE = {"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/", "access": [{"group": "/escape", "rights": "write"}]}}}
STORAGE = {
    "name": "LAB-DCACHE",
    "site": "LAB",
    "system": "dcache",
    "release": "9.2.47",
    "issuers": ["escape"],
    "base_path": "/escape",
    "doors": [{"scheme": "davs", "host": HOST, "port": 2880}],
    "areas": [{"name": "fast", "path": "/escape/fast", "qos": "FAST", "capacity": "50TB", "media": "nvme", "partitions": ["/srv/fast"]}],
}
ACCOUNTS = [{"group": "/escape", "issuer": "", "name": "escape", "uid": 2000, "gid": 2000, "roles": []}]
LAYOUT = "/etc/dcache/layouts/se1.conf"
CONF = "/etc/dcache/dcache.conf"
RECORD = "/var/lib/dcache/config/datalake-domains.json"
DEFAULTS = {name: spec.get("default") for name, spec in ActionModule.ARGUMENTS.items()}


class Machine:
    """A host with dCache's package on it; systemd knows the domains of the layout that it was told of last."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.directories: dict[str, str] = {"/etc/dcache/layouts": "root"}
        self.started: dict[str, float] = {}
        self.package: str | None = "9.2.47-1"
        self.clock = 100.0
        self.calls: list[str] = []
        self.written: list[dict[str, Any]] = []
        for name in ("hostcert", "hostkey"):
            self.put(f"/etc/grid-security/{name}.pem", f"the {name}\n", mode="0600")

    def put(self, path: str, content: str, owner: str = "root", mode: str = "0644") -> None:
        self.files[path] = {"content": content, "owner": owner, "mode": mode, "mtime": self.clock}

    def restart(self, units: Sequence[str]) -> None:
        self.clock += 1
        self.started.update(dict.fromkeys(units, self.clock))
        self.clock += 1

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(name)
        answer: dict[str, Any] = getattr(self, name)(**arguments)
        return copy.deepcopy(answer)

    def host_read(self, packages: Sequence[str] = (), users: Sequence[str] = (), **arguments: Sequence[str]) -> dict[str, Any]:
        self.clock += 1
        answer: dict[str, Any] = {}
        for kind in ("paths", "secrets", "stats"):
            for pattern in arguments.get(kind, ()):
                for path in fnmatch.filter([*self.files, *self.directories], pattern) if "*" in pattern else [pattern]:
                    answer[path] = self.entry(path, text=kind == "paths" and path not in arguments.get("secrets", ()))
        unit = {"load": "loaded", "active": "active", "enabled": "enabled"}
        return {
            "files": answer,
            "services": {name: {**unit, "started": since} for name, since in self.started.items()},
            "packages": dict.fromkeys(packages, self.package),
            "users": dict.fromkeys(users),
            "answers": {},
            "hostname": HOST,
            "now": self.clock,
        }

    def entry(self, path: str, *, text: bool) -> dict[str, Any]:
        if path in self.directories:
            return {"exists": True, "kind": "directory", "owner": self.directories[path], "mode": "0755"}
        if path not in self.files:
            return {"exists": False, "kind": None}
        file = dict(self.files[path])
        data = file.pop("content")
        known = {"exists": True, "kind": "file", "sha256": hashlib.sha256(data.encode()).hexdigest(), **file}
        return {**known, "content": data} if text else known

    def host_write(self, files: list[dict[str, Any]], directories: list[dict[str, Any]]) -> dict[str, Any]:
        self.written += files
        for directory in directories:
            self.directories[directory["path"]] = directory["owner"]
        for file in files:
            old = self.files.get(file["path"], {})
            content = self.files[file["source"]]["content"] if "source" in file else file.get("content") or file["secret_content"]
            self.put(file["path"], content, file.get("owner", old.get("owner", "root")), file.get("mode", old.get("mode", "0644")))
        return {"backups": {file["path"]: f"{file['path']}~" for file in files if file["backup"]}}


class Module(ActionModule):
    """The action without Ansible around it."""

    def __init__(self, machine: Machine, check_mode: bool) -> None:
        self._machine = machine
        self._task = SimpleNamespace(check_mode=check_mode)

    def _execute_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return self._machine.call(module_name.rpartition(".")[2], module_args)


def run(machine: Machine, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    machine.calls.clear()
    given = {
        **DEFAULTS,
        "lake": LAKE,
        "storage": STORAGE,
        "accounts": ACCOUNTS,
        "certificate_source": "/etc/grid-security/hostcert.pem",
        "key_source": "/etc/grid-security/hostkey.pem",
        **arguments,
    }
    answer: dict[str, Any] = Module(machine, check_mode).act(given, {})
    assert answer.get("calls", len(machine.calls)) == len(machine.calls)
    return answer


@pytest.fixture
def machine() -> Machine:
    """A dCache that runs as described."""
    machine = Machine()
    machine.restart(run(machine)["restart"])
    return machine


def test_a_new_host_is_read_and_written_once() -> None:
    machine = Machine()
    result = run(machine)
    assert machine.calls == ["host_read", "host_write"]
    assert result["changed"]
    assert result["domains"] == ["centralDomain", "doorsDomain", "poolsDomain"]
    assert result["restart"] == [f"dcache@{name}.service" for name in result["domains"]]
    assert machine.directories["/srv/fast/data"] == "dcache"
    key = machine.files["/etc/grid-security/dcache/hostkey.pem"]
    assert (key["owner"], key["mode"], key["content"]) == ("dcache", "0400", "the hostkey\n")
    assert not any("the hostkey" in str(each) for each in (result["diff"], result["actions"]))


def test_a_second_run_is_one_call(machine: Machine) -> None:
    result = run(machine)
    assert (result["changed"], machine.calls, result["restart"], result["diff"]) == (False, ["host_read"], [], [])


def test_check_mode_writes_nothing() -> None:
    machine = Machine()
    before = copy.deepcopy(machine.files)
    assert run(machine, check_mode=True)["changed"]
    assert machine.files == before
    assert "host_write" not in machine.calls


def test_a_run_that_was_cut_short_before_the_restart_is_made_good() -> None:
    machine = Machine()
    run(machine)
    units = run(machine)["restart"]
    assert len(units) == 3
    machine.restart(units[:1])
    assert run(machine)["restart"] == units[1:]


def test_an_issuer_restarts_the_domain_of_gplazma_only(machine: Machine) -> None:
    lake = {
        **LAKE,
        "issuers": {**LAKE["issuers"], "partner": {"url": "https://p.lake.test/", "access": [{"group": "/p", "rights": "read"}]}},
    }  # type: ignore[dict-item]
    accounts = [*ACCOUNTS, {**ACCOUNTS[0], "group": "/p", "name": "p", "uid": 2500, "gid": 2500}]
    result = run(machine, lake=lake, storage={**STORAGE, "issuers": ["escape", "partner"]}, accounts=accounts)
    assert result["restart"] == ["dcache@centralDomain.service"]
    machine.restart(result["restart"])
    assert not run(machine, lake=lake, storage={**STORAGE, "issuers": ["escape", "partner"]}, accounts=accounts)["changed"]


def test_a_property_of_the_host_restarts_whom_it_concerns(machine: Machine) -> None:
    machine.put(CONF, machine.files[CONF]["content"] + "webdav.authz.readonly = false\n")
    assert run(machine)["restart"] == ["dcache@doorsDomain.service"]
    machine.restart(["dcache@doorsDomain.service"])
    machine.put(CONF, machine.files[CONF]["content"] + "# a remark\n")
    assert run(machine)["restart"] == []
    machine.put(CONF, machine.files[CONF]["content"] + "dcache.java.memory.heap = 3072m\n")
    assert len(run(machine)["restart"]) == 3


def test_gplazma_files_are_read_again_by_themselves(machine: Machine) -> None:
    path = "/etc/dcache/multimap-datalake.conf"
    machine.put(path, machine.files[path]["content"].replace("oidcgrp:/escape", "oidcgrp:/other"))
    result = run(machine)
    assert [action for action in result["actions"] if path in action]
    assert result["restart"] == []


def test_an_upgrade_restarts_all(machine: Machine) -> None:
    machine.package = "9.2.48-1"
    assert len(run(machine)["restart"]) == 3


def test_the_way_to_another_release_is_told_before_it_is_installed(machine: Machine) -> None:
    storage = {**STORAGE, "release": "11.2.5"}
    asked = run(machine, check_mode=True, storage=storage, release="11.2.5")
    assert "From 10.1: dCache needs Java 17." in asked["upgrade"]
    machine.package = "11.2.5-1"
    assert run(machine, storage=storage)["upgrade"] == []


def test_a_release_that_nobody_knows_is_said(machine: Machine) -> None:
    machine.package = "13.0.1-1"
    assert any("dCache '13.0.1-1' is unknown here" in note for note in run(machine)["notes"])


def test_a_running_site_is_not_restarted_for_a_record() -> None:
    machine = Machine()
    run(machine)
    machine.files.pop(RECORD)
    machine.restart([f"dcache@{name}.service" for name in ("centralDomain", "doorsDomain", "poolsDomain")])
    result = run(machine)
    assert result["restart"] == []
    assert result["actions"] == [f"create {RECORD}"]


def test_a_lock_out_by_hand_is_refused_with_nothing_written(machine: Machine) -> None:
    path = "/etc/dcache/gplazma.conf"
    machine.put(path, machine.files[path]["content"] + "session requisite omnisesion\n")
    before = copy.deepcopy(machine.files)
    result = run(machine)
    assert result["failed"]
    assert "gplazma.unknown-plugin" in result["msg"]
    assert machine.files == before


def test_a_renewed_certificate_is_copied_without_restart(machine: Machine) -> None:
    machine.put("/etc/grid-security/hostcert.pem", "renewed\n")
    result = run(machine)
    assert result["actions"] == ["update /etc/grid-security/dcache/hostcert.pem"]
    assert result["restart"] == []


def test_a_key_that_dcache_owns_stays_where_it_is() -> None:
    machine = Machine()
    machine.put("/etc/grid-security/hostkey.pem", "own\n", "dcache", "0400")
    run(machine)
    assert "/etc/grid-security/dcache/hostkey.pem" not in machine.files
    assert "hostcert" not in machine.files[CONF]["content"]


def test_passwords_are_in_no_answer() -> None:
    machine = Machine()
    users = [{"name": "admin", "uid": 0, "gid": 0, "roles": ["admin"], "password_hash": "$apr1$abcdefgh$secretsecretsecret"}]
    result = run(machine, users=users)
    assert machine.files["/etc/dcache/htpasswd"]["content"] == "admin:$apr1$abcdefgh$secretsecretsecret\n"
    assert machine.files["/etc/dcache/htpasswd"]["mode"] == "0640"
    assert "secretsecret" not in str(result)


def test_secrets_of_the_site_are_in_no_diff() -> None:
    machine = Machine()
    hidden = ["hush-1", "hush-2", "hush-3", "hush-4"]
    machine.put(
        CONF,
        "dcache.layout = mine\ndcache.db.password = hush-1\nwebdav.oidc.client.secret!host.example.org: \\\n  hush-2\n"
        "dcache.db.password.file = /etc/shown\ngplazma.alise.apikey=hush-3\n",
    )
    machine.put("/etc/dcache/layouts/mine.conf", "[one]\n[one/gplazma]\n[one/webdav]\n")
    machine.put(
        "/etc/dcache/gplazma.conf",
        "auth optional x509 gplazma.x509.some=shown gplazma.x509.bind-password=hush-4\n"
        "map optional multimap\nsession optional omnisession\n",
    )
    machine.put("/etc/dcache/multi-mapfile", '"dn:/CN=Alice" username:alice uid:1 gid:1,true\n')
    machine.put("/etc/dcache/omnisession.conf", "DEFAULT root:/ home:/\n")
    result = run(machine, check_mode=True)
    assert not result.get("failed"), result
    assert {CONF, "/etc/dcache/gplazma.conf"} <= {each["before_header"] for each in result["diff"]}, result
    shown = str(result)
    assert [text for text in hidden if text in shown] == []
    assert "/etc/shown" in shown
    run(machine)
    assert {"secret_content"} == {name for file in machine.written if file["path"] == CONF for name in file if "content" in name}
    assert {"content"} == {name for file in machine.written if "multi-mapfile" in file["path"] for name in file if "content" in name}


def test_a_newer_poolmanager_conf_asks_for_a_reload(machine: Machine) -> None:
    machine.put("/var/lib/dcache/config/poolmanager.conf", "psu create unit -store *@*\n")
    assert run(machine)["reload"] == ["\\sp reload -yes"]


def test_a_new_selection_unit_serves_the_areas_and_is_left_alone_afterwards(machine: Machine) -> None:
    path = "/var/lib/dcache/config/poolmanager.conf"
    text = machine.files[path]["content"]
    assert "escape:fast@osm" in text
    assert "psu addto pgroup escape-fast se1-srv-fast" in text
    machine.put(path, text + "# saved by PoolManager\n")
    assert [action for action in run(machine)["actions"] if path in action] == []


def test_events_are_properties_of_the_host(machine: Machine) -> None:
    result = run(machine, events={"kafka": {"servers": ["kafka.lake.test:9092"]}})
    assert "dcache.kafka.bootstrap-servers = kafka.lake.test:9092\n" in machine.files[CONF]["content"]
    assert result["restart"]


def test_tape_brings_its_files() -> None:
    machine = Machine()
    tape = {**STORAGE["areas"][0], "name": "tape", "path": "/escape/tape", "qos": "SAFE", "media": "tape", "partitions": ["/srv/tape"]}  # type: ignore[index]
    tape.pop("latency", None)
    qos = {"hsm": {"provider": "copy", "options": {"directory": "/srv/fake"}}, "tape_api": f"https://{HOST}:3880"}
    result = run(machine, storage={**STORAGE, "areas": [*STORAGE["areas"], tape]}, qos=qos)  # type: ignore[misc]
    assert not result.get("failed"), result
    assert "hsm create osm osm copy -directory=/srv/fake" in machine.files["/srv/tape/setup"]["content"]
    assert f"https://{HOST}:3880/api/v1/tape" in machine.files["/var/lib/dcache/httpd/wlcg-tape-rest-api.json"]["content"]
    assert "[centralDomain/cleaner-hsm]" in machine.files[LAYOUT]["content"]
    machine.restart(result["restart"])
    assert not run(machine, storage={**STORAGE, "areas": [*STORAGE["areas"], tape]}, qos=qos)["changed"]  # type: ignore[misc]


def test_a_layout_elsewhere_is_found() -> None:
    machine = Machine()
    machine.put(CONF, "dcache.layout = mine\ngplazma.multimap.file = /srv/etc/people\n")
    machine.put("/etc/dcache/layouts/mine.conf", "[one]\ndcache.broker.scheme = core\n[one/gplazma]\n[one/webdav]\n")
    machine.put("/etc/dcache/gplazma.conf", "auth optional x509\nmap optional multimap\nsession optional omnisession\n")
    machine.put("/srv/etc/people", '"dn:/CN=Alice" username:alice uid:1 gid:1,true\n')
    machine.put("/etc/dcache/omnisession.conf", "DEFAULT root:/ home:/\n")
    machine.restart(["dcache@one.service"])
    result = run(machine)
    assert not result.get("failed"), result
    assert machine.calls == ["host_read", "host_read", "host_write"]
    assert LAYOUT not in machine.files
    assert "alice" in machine.files["/srv/etc/people"]["content"]
    assert result["restart"] == ["dcache@one.service", "dcache@poolsDomain.service"]


@pytest.mark.parametrize("service", [3, {"properties": {}}, {"name": "webdav", "properties": "x"}])
def test_what_is_no_service_is_said(service: Any) -> None:
    result = run(Machine(), domains=[{"name": "a", "properties": {}, "services": [service]}])
    assert result["failed"]
    assert "is no service" in result["msg"]
