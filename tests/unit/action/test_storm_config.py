"""The controller's half of storm_config, with a host that lives in memory."""

from __future__ import annotations

import copy
import fnmatch
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.action.storm_config import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm import UNITS

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))
from storm_descriptions import DESCRIPTION, LAKE

AREA, YML = "/etc/storm/webdav/sa.d/escape.properties", "/etc/storm/webdav/config/application.yml"
PROPERTIES = "/etc/storm/backend-server/storm.properties"
DEFAULTS = {name: spec.get("default") for name, spec in ActionModule.ARGUMENTS.items()}


class Machine:
    """A host with StoRM's packages on it."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.directories: dict[str, str] = {}
        self.started: float | None = None
        self.clock = 100.0
        self.calls: list[str] = []
        self.requests: list[dict[str, Any]] = []
        for name in ("hostcert", "hostkey"):
            self.put(f"/etc/grid-security/{name}.pem", f"the {name}\n", "root", "0600")
        self.put("/proc/self/mountinfo", "24 1 0:22 / / rw - overlay overlay rw\n")
        self.put("/etc/fstab", "")

    def put(self, path: str, content: str, owner: str = "root", mode: str = "0644") -> None:
        self.files[path] = {"content": content, "owner": owner, "mode": mode, "mtime": self.clock}

    def restart(self) -> None:
        self.clock += 1
        self.started = self.clock
        self.clock += 1

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(name)
        self.requests.append(arguments)
        answer: dict[str, Any] = getattr(self, name)(**arguments)
        return copy.deepcopy(answer)

    def host_read(
        self,
        paths: Sequence[str] = (),
        secrets: Sequence[str] = (),
        stats: Sequence[str] = (),
        services: Sequence[str] = (),
        packages: Sequence[str] = (),
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for pattern in [*paths, *secrets, *stats]:
            for path in fnmatch.filter([*self.files, *self.directories], pattern) if "*" in pattern else [pattern]:
                answer[path] = self.entry(path, path in secrets)
        unit = {"load": "loaded", "active": "active" if self.started else "inactive", "enabled": "enabled", "started": self.started}
        return {
            "files": answer,
            "services": dict.fromkeys(services, unit),
            "packages": dict.fromkeys(packages, "1.9.0"),
            "users": {},
            "answers": {},
            "hostname": "dav",
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
    machine.requests.clear()
    given = {
        **DEFAULTS,
        "lake": LAKE,
        "storage": DESCRIPTION,
        "services": list(UNITS),
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
    """A host that was configured and whose services run."""
    run(machine)
    machine.restart()
    return machine


def test_a_first_run_reads_once_and_writes_once(machine: Machine) -> None:
    answer = run(machine)
    assert machine.calls == ["host_read", "host_write"]
    assert answer["restart"] == list(UNITS.values())
    assert answer["health"] == "http://localhost:8085/.storm-webdav/actuator/health"
    key = machine.files["/etc/grid-security/storm-webdav/hostkey.pem"]
    assert (key["owner"], key["mode"]) == ("storm", "0400")
    assert (machine.files[PROPERTIES]["owner"], machine.files[PROPERTIES]["mode"]) == ("root", "0640")
    assert machine.directories["/storage/escape/fast"] == "storm"
    assert machine.directories["/etc/storm/datalake"] == "root"


def test_a_second_run_is_the_reading_call_alone(served: Machine) -> None:
    before = copy.deepcopy(served.files)
    answer = run(served)
    assert served.calls == ["host_read"]
    assert (answer["changed"], answer["actions"], answer["diff"], answer["restart"]) == (False, [], [], [])
    assert served.files == before


def test_check_mode_tells_and_writes_nothing(machine: Machine) -> None:
    before = copy.deepcopy((machine.files, machine.directories))
    answer = run(machine, check_mode=True)
    assert machine.calls == ["host_read"]
    assert answer["changed"] is True
    assert {entry["after_header"] for entry in answer["diff"]} >= {AREA, YML, PROPERTIES, "/storage/escape"}
    assert (machine.files, machine.directories) == before


def test_secrets_are_neither_shown_nor_sent_in_the_open(machine: Machine) -> None:
    answer = run(machine, database_password="p" * 40, macaroons=True)
    told = str(answer)
    text = machine.files[PROPERTIES]["content"]
    token = next(line.partition("=")[2] for line in text.splitlines() if "security.token" in line)
    assert len(token) >= 32
    assert f"request-db.passwd={'p' * 40}\n" in text
    assert token not in told
    assert "p" * 40 not in told
    sent = next(each for each in machine.requests[-1]["files"] if each["path"] == PROPERTIES)
    assert "content" not in sent
    assert token in sent["secret_content"]


def test_a_weak_secret_is_not_taken(machine: Machine) -> None:
    with pytest.raises(DescriptionError, match="database_password"):
        run(machine, database_password="storm")
    assert machine.calls == []


def test_a_door_left_open_is_refused_and_nothing_written(served: Machine) -> None:
    open_policy = "      - {sa: escape, description: open, effect: permit, actions: [all], principals: [{type: anyone}]}\n"
    served.put(YML, served.files[YML]["content"].replace("    policies:\n", f"    policies:\n{open_policy}"))
    before = copy.deepcopy(served.files)
    answer = run(served, connections=10)
    assert answer["failed"] is True
    assert "storm.policy-anyone-writes" in answer["msg"]
    assert served.files == before
    assert run(served, accept=["storm.policy-anyone-writes"])["changed"] is True


def test_a_restart_that_did_not_happen_is_noticed(machine: Machine) -> None:
    run(machine)
    assert run(machine)["restart"] == list(UNITS.values())
    machine.restart()
    machine.put(PROPERTIES, machine.files[PROPERTIES]["content"], mode="0640")
    assert run(machine)["actions"] == [f"restart storm-backend-server.service: {PROPERTIES} is newer than the running service"]


def test_secrets_that_everybody_can_read_are_closed(served: Machine) -> None:
    served.put(PROPERTIES, served.files[PROPERTIES]["content"], mode="0644")
    answer = run(served)
    assert answer["actions"][0] == f"update {PROPERTIES}"
    assert served.files[PROPERTIES]["mode"] == "0640"
    assert "storm.secret-mode" in {each["rule"] for each in answer["found"]}


def test_hand_written_files_with_secrets_are_kept_and_never_open(machine: Machine) -> None:
    machine.put(PROPERTIES, "storm.service.port=8444\nstorm.service.request-db.passwd=storm\n", mode="0644")
    answer = run(machine)
    closing, writing = machine.requests[-2:]
    assert [(each["path"], each["mode"]) for each in closing["files"]] == [(PROPERTIES, "0640")]
    assert next(each["backup"] for each in writing["files"] if each["path"] == PROPERTIES) is True
    assert not any(each["backup"] for each in writing["files"] if each["path"].endswith("hostkey.pem"))
    shown = next(each for each in answer["diff"] if each["before_header"] == PROPERTIES)
    assert "mode 0644 becomes 0640" in shown["after_header"]
    assert "passwd=storm" not in str(shown)


def test_a_file_that_cannot_be_edited_is_named_with_its_line(served: Machine) -> None:
    served.put(YML, "oauth:\n  issuers: none\n")
    with pytest.raises(DescriptionError, match=f"{YML}:2: oauth.issuers is no list"):
        run(served)
    assert served.calls == ["host_read"]


def test_missing_mounts_are_told_until_they_are_there(machine: Machine) -> None:
    answer = run(machine)
    assert answer["mounts"] == []
    elsewhere = copy.deepcopy(DESCRIPTION)
    elsewhere["areas"][1]["partitions"] = ["/gpfs/disk"]
    machine = Machine()
    assert run(machine, storage=elsewhere)["mounts"] == [{"source": "/gpfs/disk", "path": "/storage/escape/disk"}]
    machine.put("/proc/self/mountinfo", "30 24 0:40 / /storage/escape/disk rw - none none rw\n")
    machine.put("/etc/fstab", "/gpfs/disk /storage/escape/disk none bind 0 0\n")
    assert run(machine, storage=elsewhere)["mounts"] == []


def test_wrong_area_options_are_told_together(machine: Machine) -> None:
    with pytest.raises(DescriptionError) as caught:
        run(machine, areas={"nowhere": {}, "fast": {"online_size": "many", "colour": "red"}})
    told = str(caught.value)
    assert "nowhere" in told
    assert "colour" in told
    assert "many" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"areas": {"fast": "T1D0"}}, r"storm_areas\.fast: is no mapping"),
        ({"areas": {"fast": {"storage_class": "T9"}}}, r"storm_areas\.fast: .*T0D1"),
        ({"areas": {"fast": {"quota": {"device": "gpfs0"}}}}, r"storm_areas\.fast: .*fileset, group, user"),
        ({"areas": {"fast": {"quota": {"device": "gpfs0", "user": "a", "group": "b"}}}}, r"storm_areas\.fast: .*mutually exclusive"),
        ({"vomsdir": {"escape": ["voms.example.org"]}}, r"storm_vomsdir\.escape: is no mapping"),
        ({"vomsdir": {"escape": {"voms.example.org": "/CN=a"}}}, r"storm_vomsdir\.escape: is no mapping"),
    ],
)
def test_options_of_another_shape_are_told(machine: Machine, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DescriptionError, match=words):
        run(machine, **arguments)
    assert machine.calls == []
