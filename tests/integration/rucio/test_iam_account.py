"""rucio_iam_account and iam_info: the stand-in of IAM on one side, a real Rucio on the other."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from iam_people import CLIENT, IamPeople, certificate, person
from rucio_server import ROOT, RucioServer
from rucio_tools import Run, record

pytestmark = pytest.mark.rucio

DN = r"CN=Dora Manager,O=Lake\, Test,C=FR"
BOTH_FORMS = [("X509", DN), ("X509", "/C=FR/O=Lake, Test/CN=Dora Manager")]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamPeople]:
    made = IamPeople(tmp_path_factory.mktemp("iam"))
    yield made
    made.stop()


@pytest.fixture
def iam(started: IamPeople) -> IamPeople:
    return started


class Sync:
    """Runs the module with a ledger and people of the test's own."""

    def __init__(self, run: Run, server: RucioServer, iam: IamPeople, name: str) -> None:
        self._run, self.server, self.iam = run, server, iam
        self.prefix = name.lower()
        self.ledger = f"{self.prefix}-ledger"

    def person(self, username: str, *groups: str, **more: Any) -> dict[str, Any]:
        return person(f"{self.prefix}_{username}", *groups, **more)

    def account(self, username: str) -> str:
        return f"{self.prefix}_{username}"

    def __call__(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        roles = [{"groups": ["escape"], "attributes": {"sign-gcs": "True"}}, {"groups": ["escape/admins"], "attributes": {"admin": "True"}}]
        return self._run("rucio_iam_account", check=check, **{"iam": self.iam.options, "ledger": self.ledger, "roles": roles, **options})

    def done(self, **options: Any) -> dict[str, Any]:
        answer = self(**options)
        assert not answer.get("failed"), answer["msg"]
        return answer

    def unchanged(self, **options: Any) -> dict[str, Any]:
        """Another run: no change, no write by the server's own log."""
        self.server.calls()
        answer = self.done(**options)
        assert answer["actions"] == []
        assert self.server.writes() == []
        return answer


@pytest.fixture
def sync(run: Run, quiet: RucioServer, iam: IamPeople, name: str) -> Sync:
    return Sync(run, quiet, iam, name)


def keys(client: RucioClient, account: str) -> set[tuple[str, str]]:
    return {(each["type"], each["identity"]) for each in client.identities(account)}


def status(client: RucioClient, account: str) -> str | None:
    return (client.account(account) or {}).get("status")


def test_people_get_accounts_and_a_second_run_writes_nothing(sync: Sync, iam: IamPeople, client: RucioClient, quiet: RucioServer) -> None:
    dora = sync.person("dora", "escape/admins", certificates=[certificate(DN)])
    mio, gone = sync.person("mio", email=""), sync.person("gone", active=False)
    iam.has(dora, mio, gone)
    checked = sync(check=True)
    assert quiet.writes() == []
    assert checked["summary"]["create account"] == 3  # two people and the ledger
    first = sync.done()
    assert first["people"] == {"all": 3, "active": 2, "accounts": 2}
    oidc = ("OIDC", f"SUB={dora['id']}, ISS={iam.url}")
    assert keys(client, sync.account("dora")) == {oidc, *BOTH_FORMS}
    assert client.account_attributes(sync.account("dora")) == {"sign-gcs": True, "admin": True}
    assert client.account_attributes(sync.account("mio")) == {"sign-gcs": True}
    assert client.account(sync.account("dora"))["account_type"] == "USER"  # type: ignore[index]
    assert client.account(sync.account("gone")) is None
    assert keys(client, sync.ledger) == set()
    assert sync.unchanged()["traffic"]["requests"] <= 9
    assert sync.unchanged(verify="all")["traffic"]["requests"] <= 13


def test_unchanged_requests_do_not_grow_with_the_people(sync: Sync, iam: IamPeople) -> None:
    iam.has(*(sync.person(f"p{number}") for number in range(3)))
    sync.done()
    few = sync.unchanged()["traffic"]["requests"]
    iam.has(*(sync.person(f"p{number}") for number in range(60)))
    sync.done()
    assert sync.unchanged()["traffic"]["requests"] == few


def test_leaving_a_group_takes_its_attribute_away(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    iam.has(sync.person("dora", "escape/admins"), sync.person("mio"))
    sync.done()
    iam.has(sync.person("dora"), sync.person("mio", "escape/admins"))
    answer = sync.done()
    assert client.account_attributes(sync.account("dora")) == {"sign-gcs": True}
    assert client.account_attributes(sync.account("mio")) == {"sign-gcs": True, "admin": True}
    assert answer["summary"] == {"delete attribute": 1, "create attribute": 1, "update verified": 2}
    sync.unchanged()


def test_an_attribute_that_others_gave_or_took_is_found(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    iam.has(sync.person("dora", "escape/admins"), sync.person("mio"))
    sync.done()
    client.add_account_attribute(sync.account("mio"), "admin", "True")
    client.delete_account_attribute(sync.account("dora"), "admin")
    sync.done()
    assert "admin" not in client.account_attributes(sync.account("mio"))
    assert client.account_attributes(sync.account("dora"))["admin"] is True
    sync.unchanged()


def test_suspended_when_inactive_gone_or_without_role_and_back(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    everybody = [sync.person(name) for name in ("inactive", "gone", "roleless", "stays")]
    iam.has(*everybody)
    sync.done()
    limits = {"guard": {"suspensions": {"percent": 80}, "shrink_percent": 30}}
    iam.has({**everybody[0], "active": False}, {**everybody[2], "groups": []}, everybody[3])
    answer = sync.done(**limits)
    assert [status(client, sync.account(name)) for name in ("inactive", "gone", "roleless", "stays")] == ["SUSPENDED"] * 3 + ["ACTIVE"]
    assert answer["summary"] == {"create suspension note": 3, "update status": 3}
    sync.unchanged(**limits)
    iam.has(*everybody)
    sync.done()
    assert [status(client, sync.account(name)) for name in ("inactive", "gone", "roleless", "stays")] == ["ACTIVE"] * 4
    sync.unchanged()


def test_what_others_suspended_or_deleted_stays_so(sync: Sync, iam: IamPeople, client: RucioClient, quiet: RucioServer) -> None:
    iam.has(sync.person("banned"), sync.person("deleted"), sync.person("stays"))
    sync.done()
    client.update_account(sync.account("banned"), "status", "SUSPENDED")
    client.delete_account(sync.account("deleted"))
    answer = sync.unchanged()
    assert len(answer["warnings"]) == 2
    assert status(client, sync.account("banned")) == "SUSPENDED"
    assert status(client, sync.account("deleted")) == "DELETED"


@pytest.mark.parametrize(("people_left", "words"), [(0, "set guard.allow_empty"), (5, "set guard.shrink_percent to 50")])
def test_an_empty_or_shrunken_iam_suspends_nobody(
    sync: Sync, iam: IamPeople, client: RucioClient, quiet: RucioServer, people_left: int, words: str
) -> None:
    everybody = [sync.person(f"p{number}") for number in range(10)]
    iam.has(*everybody)
    sync.done()
    iam.has(*everybody[:people_left], *([sync.person("new")] if people_left else []))
    quiet.calls()
    answer = sync()
    assert answer["failed"]
    assert words in answer["msg"]
    assert len(answer["held_back"]) == (10 - people_left) * 2
    assert [status(client, sync.account(f"p{number}")) for number in range(10)] == ["ACTIVE"] * 10
    if people_left:  # what adds is done
        assert status(client, sync.account("new")) == "ACTIVE"


def test_too_many_suspensions_are_refused_until_allowed(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    everybody = [sync.person(f"p{number}") for number in range(10)]
    iam.has(*everybody)
    sync.done()
    iam.has(*({**each, "active": number > 2} for number, each in enumerate(everybody)))
    answer = sync()
    assert "3 of 10 would be suspended" in answer["msg"]
    assert "set guard.suspensions.percent to 30" in answer["msg"]
    assert status(client, sync.account("p0")) == "ACTIVE"
    sync.done(guard={"suspensions": {"percent": 30}})
    assert status(client, sync.account("p0")) == "SUSPENDED"


def test_names_that_rucio_refuses(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    dotted, long = sync.person("m.rossi"), sync.person("a_very_long_name_of_32_char")
    iam.has(dotted, long)
    sync.done()
    names = [name for name in client.accounts() if name.startswith(f"{sync.prefix}_")]
    assert len(names) == 2
    assert all(len(name) <= 25 for name in names)
    sync.unchanged()


def test_a_person_who_is_renamed_keeps_the_account_and_the_name_is_not_inherited(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    first = sync.person("first")
    iam.has(first, sync.person("other"))
    sync.done()
    heir = sync.person("first", id="11111111-2222-4333-8444-555555555555")
    iam.has({**first, "username": f"{sync.prefix}_married"}, heir, sync.person("other"))
    answer = sync()
    assert f"{sync.account('first')} belongs to {first['id']}" in answer["msg"]
    assert client.account(sync.account("married")) is None
    assert keys(client, sync.account("first")) == {("OIDC", f"SUB={first['id']}, ISS={iam.url}")}
    sync.done(names={heir["id"]: sync.account("second")})
    assert keys(client, sync.account("second")) == {("OIDC", f"SUB={heir['id']}, ISS={iam.url}")}
    sync.unchanged()


def test_accounts_of_others_are_refused_or_adopted_by_their_token(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    old, stranger, gone = sync.person("old"), sync.person("stranger"), sync.account("not_ours")
    for name in (sync.account("old"), sync.account("stranger"), gone):
        client.add_account(name, "USER", "")
    client.add_identity(sync.account("old"), "OIDC", f"SUB={old['id']}, ISS={iam.url}", "")
    client.add_account_attribute(sync.account("old"), "admin", "True")
    iam.has(old, stranger)
    answer = sync()
    assert "2 people got no account" in answer["msg"]
    assert client.account_attributes(sync.account("old")) == {"admin": True}
    answer = sync(adopt=True)
    assert "1 people got no account" in answer["msg"]
    assert client.account_attributes(sync.account("old")) == {"sign-gcs": True}
    assert keys(client, sync.account("stranger")) == set()
    assert status(client, gone) == "ACTIVE"


def test_stale_certificates_are_purged_on_request_only(sync: Sync, iam: IamPeople, client: RucioClient) -> None:
    iam.has(sync.person("dora", certificates=[certificate(DN)]))
    sync.done()
    client.add_identity(sync.account("dora"), "SSH", f"ssh-ed25519 {sync.prefix}", "")
    iam.has(sync.person("dora"))
    sync.done()
    assert {each for each in keys(client, sync.account("dora")) if each[0] == "X509"} == set(BOTH_FORMS)
    sync.done(purge_identities=True)
    assert {kind for kind, _text in keys(client, sync.account("dora"))} == {"OIDC", "SSH"}
    sync.unchanged(purge_identities=True)


def test_quotas_also_on_rses_that_are_added_later(sync: Sync, run: Run, iam: IamPeople, client: RucioClient) -> None:
    label, account = sync.prefix.upper(), sync.account("dora")
    one, two = record(f"{label}-ONE", attributes={"QOS": label}), record(f"{label}-TWO", attributes={"QOS": label})
    assert not run("rucio_rse", rses=[one]).get("failed")
    iam.has(sync.person("dora", "escape/big"), sync.person("mio"))
    small = [{"rses": f"QOS={label}", "size": "1TB"}, {"rses": f"QOS={label}", "size": "5TB", "kind": "together"}]
    roles = [{"quotas": small}, {"groups": ["escape/big"], "quotas": [{"rses": f"QOS={label}", "size": "infinite"}]}]
    sync.done(roles=roles)
    assert client.local_quotas(account) == {f"{label}-ONE": float("inf")}
    assert client.global_quotas(account, []) == {f"QOS={label}": 5 * 10**12}
    assert client.local_quotas(sync.account("mio")) == {f"{label}-ONE": 10**12}
    sync.unchanged(roles=roles)
    assert not run("rucio_rse", rses=[one, two]).get("failed")
    sync.done(roles=roles)
    assert client.local_quotas(sync.account("mio")) == {f"{label}-ONE": 10**12, f"{label}-TWO": 10**12}
    client.set_quota(account, f"{label}-ONE", 7)
    iam.has(sync.person("dora"), sync.person("mio"))
    sync.done(roles=roles)
    assert client.local_quotas(account) == {f"{label}-ONE": 10**12, f"{label}-TWO": 10**12}
    sync.unchanged(roles=roles)
    later = [*roles, {"groups": ["escape/none"], "quotas": [{"rses": "QOS=NOBODYHASTHIS", "size": 1}]}]
    sync.done(roles=later)


def test_a_plan_is_written_reviewed_and_applied_unless_the_world_changed(
    sync: Sync, iam: IamPeople, client: RucioClient, quiet: RucioServer, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.json")
    iam.has(sync.person("dora", "escape/admins"), sync.person("mio"))
    written = sync.done(write_plan=plan)
    assert quiet.writes() == []
    assert written["changed"]
    assert json.loads(Path(plan).read_text())["summary"]["create account"] == 3
    iam.has(sync.person("dora"), sync.person("mio"))
    assert f"and no longer {sync.account('dora')}: create attribute admin" in sync(apply_plan=plan)["msg"]
    assert quiet.writes() == []
    iam.has(sync.person("dora", "escape/admins"), sync.person("mio"))
    sync.done(apply_plan=plan)
    assert client.account_attributes(sync.account("dora"))["admin"] is True
    sync.unchanged()
    client.update_account(sync.account("mio"), "email", "another@lake.test")
    sync.done(write_plan=plan)
    client.update_account(sync.account("mio"), "email", "third@lake.test")
    assert "apply_plan" in sync(apply_plan=plan)["msg"]


def test_iam_info(run: Run, quiet: RucioServer, iam: IamPeople) -> None:
    iam.has(*(person(f"person{number}", certificates=[certificate(DN)] if number == 7 else []) for number in range(230)))
    answer = run("iam_info", alone=True, **iam.options)
    assert len(answer["users"]) == 230
    assert [group["name"] for group in answer["groups"]] == ["escape"]
    seven = next(each for each in answer["users"] if each["username"] == "person7")
    assert seven["x509_identities"] == [text for _kind, text in BOTH_FORMS]
    assert seven["oidc_identity"] == f"SUB={seven['id']}, ISS={iam.url}"
    assert answer["traffic"] == {"requests": 6, "writes": 0}


def test_a_client_without_the_scope_is_told_so(sync: Sync, iam: IamPeople, quiet: RucioServer) -> None:
    iam.has(person("dora"))
    answer = sync(iam={**iam.options, "client_id": "other", "client_secret": "other-lab"})
    assert "scim:read" in answer["msg"]
    assert "administrator" in answer["msg"]
    assert "other-lab" not in str(answer)
    assert quiet.writes() == []


def test_bad_roles_are_refused_before_anything_is_asked(sync: Sync, quiet: RucioServer) -> None:
    roles = [
        {"attributes": {"admin": "False"}},
        {"attributes": {"identity": "x"}},
        {"attributes": {"a b": "x"}},
        {"quotas": [{"rses": "*", "size": "much"}]},
        {"attributes": {"note": "two words"}},
    ]
    answer = sync(roles=roles)
    for words in (
        "makes an administrator",
        "roles[1].attributes.identity",
        "roles[2].attributes.a b",
        "roles[3].quotas[0].size",
        "'two words' is refused",
    ):
        assert words in answer["msg"]
    assert "no account name" in sync(names={"dora": "Dora.Manager"})["msg"]
    assert quiet.calls() == []


def test_the_playbook(sync: Sync, iam: IamPeople, client: RucioClient, quiet: RucioServer, tmp_path: Path) -> None:
    iam.has(sync.person("dora", "escape/admins"), sync.person("mio"))
    bundle = tmp_path / "ca.pem"
    bundle.write_text((iam.folder / "ca.pem").read_text() + quiet.ca.read_text())
    variables = {
        "datalake_rucio": {"url": quiet.url, "account": "root", "username": "ddmlab", "password": quiet.arguments["password"]},
        "datalake_iam": {"url": iam.url, **CLIENT},
        "datalake_account_roles": [{"groups": ["escape"], "attributes": {"sign-gcs": "True"}}],
        "datalake_accounts": {"ledger": sync.ledger},
        "datalake_ca": str(bundle),
    }
    (tmp_path / "vars.json").write_text(json.dumps(variables))

    def play(*words: str) -> str:
        paths = f"{ROOT}/.cache:{next((ROOT / '.venv/lib').glob('python*/site-packages'))}"
        settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "ANSIBLE_NOCOLOR": "1"}
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", f"@{tmp_path / 'vars.json'}", *words]
        done = subprocess.run(
            [*command, "playbooks/sync_accounts.yml"], capture_output=True, text=True, env=settings, cwd=ROOT, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert CLIENT["client_secret"] not in done.stdout
        return done.stdout

    play("--check", "--diff")
    assert quiet.writes() == []
    assert "changed=1" in play()
    assert status(client, sync.account("mio")) == "ACTIVE"
    quiet.calls()
    assert "changed=0" in play()
    assert quiet.writes() == []
