"""The controller's half of xrootd_config, with a host that lives in memory."""

from __future__ import annotations

import copy
import fnmatch
import hashlib
import posixpath
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.action.xrootd_config import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError

LAKE = {"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/", "access": [{"group": "/escape", "rights": "write"}]}}}
STORAGE = {
    "name": "LAB-XRD1",
    "site": "LAB",
    "system": "xrootd",
    "release": "5.5.3",
    "issuers": ["escape"],
    "base_path": "/escape",
    "doors": [{"scheme": "davs", "host": "se1.lake.test", "port": 1094}],
    "areas": [
        {
            "name": "fast",
            "path": "/escape/fast",
            "qos": "FAST",
            "capacity": "50TB",
            "media": "nvme",
            "latency": "1ms",
            "partitions": ["/data/fast"],
        }
    ],
}
UNIT = "xrootd@datalake.service"
MAIN = "/etc/xrootd/xrootd-datalake.cfg"
TOKENS = "/etc/xrootd/scitokens.cfg"
DEFAULTS = {name: spec.get("default") for name, spec in ActionModule.ARGUMENTS.items()}


class Machine:
    """A host with XRootD's package on it."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.directories: dict[str, str] = {"/etc/xrootd/config.d": "root", "/var/spool/xrootd": "xrootd"}
        self.started: float | None = None
        self.package: str | None = "5.5.3-1"
        self.clock = 100.0
        self.calls: list[str] = []
        for name in ("hostcert", "hostkey"):
            self.put(f"/etc/grid-security/{name}.pem", f"the {name}\n", "root", "0600")

    def put(self, path: str, content: str, owner: str = "root", mode: str = "0644") -> None:
        self.files[path] = {"content": content, "owner": owner, "mode": mode, "mtime": self.clock}

    def restart(self) -> None:
        self.clock += 1
        self.started = self.clock
        self.clock += 1

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(name)
        answer: dict[str, Any] = getattr(self, name)(**arguments)
        return copy.deepcopy(answer)

    def host_read(
        self,
        paths: Sequence[str] = (),
        secrets: Sequence[str] = (),
        stats: Sequence[str] = (),
        services: Sequence[str] = (),
        packages: Sequence[str] = (),
        users: Sequence[str] = (),
        tls_ports: Sequence[int] = (),
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for pattern in [*paths, *secrets, *stats]:
            for path in fnmatch.filter([*self.files, *self.directories], pattern) if "*" in pattern else [pattern]:
                answer[path] = self.entry(path, path in secrets)
        unit = {"load": "loaded", "active": "active" if self.started else "inactive", "enabled": "enabled", "started": self.started}
        return {
            "files": answer,
            "services": {UNIT: unit}
            if self.package
            else {UNIT: {"load": "not-found", "active": "inactive", "enabled": "", "started": None}},
            "packages": dict.fromkeys(packages, self.package),
            "users": {name: {"home": "/var/spool/xrootd"} for name in users},
            "answers": dict.fromkeys(map(str, tls_ports), True),
            "hostname": "se1",
            "now": self.clock,
        }

    def entry(self, path: str, secret: bool) -> dict[str, Any]:
        if path in self.directories:
            return {"exists": True, "kind": "directory", "owner": self.directories[path], "mode": "0755"}
        if path not in self.files:
            return {"exists": False, "kind": None}
        file = dict(self.files[path])
        data = file.pop("content")
        known = {"exists": True, "kind": "file", "sha256": hashlib.sha256(data.encode()).hexdigest(), **file}
        return known if secret else {**known, "content": data}

    def host_write(self, files: list[dict[str, Any]], directories: list[dict[str, Any]]) -> dict[str, Any]:
        for directory in directories:
            self.directories[directory["path"]] = directory.get("owner", "root")
        for file in files:
            old = self.files.get(file["path"], {})
            content = self.files[file["source"]]["content"] if "source" in file else file.get("content") or file["secret_content"]
            self.put(file["path"], content, file.get("owner", old.get("owner", "root")), file.get("mode", old.get("mode", "0644")))
        return {"backups": {}}


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
        "certificate_source": "/etc/grid-security/hostcert.pem",
        "key_source": "/etc/grid-security/hostkey.pem",
        **arguments,
    }
    answer: dict[str, Any] = Module(machine, check_mode).act(given, {})
    assert answer.get("calls", len(machine.calls)) == len(machine.calls)
    return answer


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def served(machine: Machine) -> Machine:
    """A host that was configured and whose service runs."""
    run(machine)
    machine.restart()
    return machine


def test_a_first_run_reads_once_and_writes_once(machine: Machine) -> None:
    answer = run(machine)
    assert machine.calls == ["host_read", "host_write"]
    assert answer["restart"] == [UNIT]
    assert "ofs.authorize\n" in machine.files[MAIN]["content"]
    assert (machine.files["/etc/grid-security/xrd/hostkey.pem"]["owner"], machine.files["/etc/grid-security/xrd/hostkey.pem"]["mode"]) == (
        "xrootd",
        "0400",
    )
    assert machine.directories["/data/fast"] == "xrootd"
    assert posixpath.dirname("/etc/systemd/system/xrootd@datalake.service.d/datalake.conf") in machine.directories
    assert answer["release"] == "5.5.3-1"


def test_a_second_run_is_the_reading_call_alone(served: Machine) -> None:
    before = copy.deepcopy(served.files)
    answer = run(served)
    assert served.calls == ["host_read"]
    assert (answer["changed"], answer["actions"], answer["diff"], answer["restart"]) == (False, [], [], [])
    assert served.files == before


@pytest.mark.parametrize("installed", [True, False])
def test_check_mode_tells_and_writes_nothing(machine: Machine, installed: bool) -> None:
    machine.package = "5.5.3-1" if installed else None
    before = copy.deepcopy((machine.files, machine.directories))
    answer = run(machine, check_mode=True)
    assert machine.calls == ["host_read"]
    assert answer["changed"] is True
    assert {entry["after_header"] for entry in answer["diff"]} >= {MAIN, TOKENS, "/etc/xrootd/authdb", "/data/fast"}
    assert (machine.files, machine.directories) == before


def test_a_restart_that_did_not_happen_is_noticed(machine: Machine) -> None:
    run(machine)
    answer = run(machine)
    assert machine.calls == ["host_read"]
    assert answer["restart"] == [UNIT]
    assert answer["changed"] is True
    machine.restart()
    machine.put(MAIN, machine.files[MAIN]["content"])
    assert run(machine)["actions"] == [f"restart {UNIT}: {MAIN} is newer than the running service"]
    machine.restart()
    assert run(machine)["restart"] == []


def test_a_renewed_certificate_is_copied(served: Machine) -> None:
    served.put("/etc/grid-security/hostcert.pem", "a new one\n")
    answer = run(served)
    assert answer["actions"][0] == "update /etc/grid-security/xrd/hostcert.pem"
    assert answer["restart"] == [UNIT]
    assert served.files["/etc/grid-security/xrd/hostcert.pem"]["content"] == "a new one\n"


def test_tokens_are_read_again_without_a_restart(served: Machine) -> None:
    storage = {**STORAGE, "audiences": ["https://alias.example.org"]}
    answer = run(served, storage=storage)
    assert answer["actions"] == [f"update {TOKENS}"]
    assert (answer["restart"], answer["reload"]) == ([], {TOKENS: 60})


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("/etc/xrootd/authdb", "u * /escape a\n", "authdb.anyone-writes"),
        ("/etc/xrootd/config.d/10-site.cfg", "http.exthandler tape libXrdHttpTapeApi.so /srv/tape 4m\n", "xrootd.tape-simulator"),
    ],
)
def test_an_open_door_is_refused_and_nothing_written(machine: Machine, path: str, text: str, rule: str) -> None:
    machine.put(path, text)
    machine.put(MAIN, "continue /etc/xrootd/config.d/\n")
    before = copy.deepcopy(machine.files)
    answer = run(machine)
    assert answer["failed"] is True
    assert f"{path}:1: open [{rule}]" in answer["msg"]
    assert machine.files == before
    assert "failed" not in run(machine, accept=[rule])


def test_an_open_door_that_the_plan_closes_is_reported(machine: Machine) -> None:
    machine.put(MAIN, "all.export /escape\nofs.authlib ++ libXrdAccSciTokens.so\n")
    answer = run(machine)
    assert "xrootd.authorize-missing" in [finding["rule"] for finding in answer["found"]]
    assert "xrootd.authorize-missing" not in [finding["rule"] for finding in answer["findings"]]
    assert "ofs.authorize\n" in machine.files[MAIN]["content"]


def test_a_certificate_that_is_not_there_is_named(machine: Machine) -> None:
    del machine.files["/etc/grid-security/hostkey.pem"]
    answer = run(machine)
    assert answer["failed"] is True
    assert "/etc/grid-security/hostkey.pem does not exist, and /etc/grid-security/xrd/hostkey.pem is to be a copy of it" in answer["msg"]
    assert machine.calls == ["host_read"]


def test_secrets_stay_on_the_host(machine: Machine) -> None:
    answer = run(machine, macaroons_secret="c2VjcmV0")
    assert machine.files["/etc/xrootd/macaroon-secret"] == {"content": "c2VjcmV0\n", "owner": "xrootd", "mode": "0400", "mtime": 100.0}
    assert "c2VjcmV0" not in str(answer)
    assert "the hostkey" not in str(answer)
    machine.restart()
    assert run(machine, macaroons_secret="c2VjcmV0")["changed"] is False


def test_files_in_unusual_places_are_read_too(machine: Machine) -> None:
    machine.put(MAIN, "ofs.authorize\nofs.authlib ++ libXrdAccSciTokens.so config=/opt/site/tokens.cfg\nacc.authdb /opt/site/rights\n")
    machine.put("/opt/site/tokens.cfg", "[Global]\naudience = ours\n")
    machine.put("/opt/site/rights", "u ours /escape rl\n")
    answer = run(machine)
    assert machine.calls == ["host_read", "host_read", "host_write"]
    assert "update /opt/site/tokens.cfg" in answer["actions"]
    assert TOKENS not in machine.files
    assert machine.files["/opt/site/rights"]["content"].startswith("u ours /escape rl\n")


def test_a_file_that_is_no_text_is_left_alone(machine: Machine) -> None:
    machine.put(MAIN, "x")
    real = machine.entry
    machine.entry = lambda path, secret: (
        {**{k: v for k, v in real(path, secret).items() if k != "content"}, "binary": True} if path == MAIN else real(path, secret)
    )  # type: ignore[method-assign]
    answer = run(machine)
    assert answer["failed"] is True
    assert f"{MAIN}: not UTF-8 text" in answer["msg"]


def test_what_the_host_refuses_is_passed_on(machine: Machine) -> None:
    machine.host_write = lambda **_arguments: {"failed": True, "msg": "nothing was written: no space"}  # type: ignore[assignment, method-assign]
    assert run(machine) == {"failed": True, "msg": "nothing was written: no space"}


def test_a_wrong_description_touches_nothing(machine: Machine) -> None:
    with pytest.raises(DescriptionError):
        run(machine, storage={**STORAGE, "system": "xroot"})
    assert machine.calls == []


def test_a_name_space_elsewhere_is_looked_at_once_and_then_left_alone(machine: Machine) -> None:
    machine.put(MAIN, "all.export /escape\noss.localroot /srv/names\n")
    run(machine)
    assert machine.directories["/srv/names/escape/fast"] == "xrootd"
    machine.restart()
    answer = run(machine)
    assert (answer["changed"], answer["actions"], set(machine.calls)) == (False, [], {"host_read"})
