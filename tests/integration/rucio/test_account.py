"""rucio_account against a real server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import RucioServer
from rucio_tools import Issuer, Run, login

pytestmark = pytest.mark.rucio


@pytest.fixture
def person(name: str) -> str:
    return name.lower()


def applied(run: Run, account: dict[str, Any]) -> dict[str, Any]:
    answer = run("rucio_account", accounts=[account])
    assert not answer.get("failed"), answer["msg"]
    again = run("rucio_account", accounts=[account])
    assert (again["changed"], again["actions"], again["traffic"]["writes"]) == (False, [], 0)
    return answer


def complete(person: str, rse: str) -> dict[str, Any]:
    return {
        "name": person,
        "type": "USER",
        "email": "maria@example.org",
        "identities": [
            {"type": "OIDC", "issuer": "https://iam.lake.test/", "subject": person, "default": True},
            {"type": "X509", "identity": f"/C=IT/O=Example/CN={person}"},
            {"type": "SSH", "identity": f"ssh-rsa AAAA{person}"},
            {"type": "USERPASS", "identity": person, "password": "a secret of hers"},
        ],
        "attributes": {"admin": "True", "sign-gcs": True, "cloud": "x"},
        "local_quotas": {rse: "infinite"},
        "global_quotas": {f"SITE={rse}": "2TB", rse: 5},
        "scopes": [f"user.{person}"],
    }


def test_create_repeat_change(run: Run, quiet: RucioServer, client: RucioClient, name: str, person: str) -> None:
    client.add_rse(name, {})
    client.set_attribute(name, "SITE", name)
    account = complete(person, name)
    quiet.calls()
    assert run("rucio_account", accounts=[account], check=True)["changed"]
    assert quiet.writes() == []
    answer = applied(run, account)
    assert len(answer["actions"]) == 12
    assert "a secret of hers" not in str(answer)
    identities = {(each["type"], each["identity"]) for each in client.identities(person)}
    assert ("OIDC", f"SUB={person}, ISS=https://iam.lake.test/") in identities
    assert client.account_attributes(person) == {"admin": True, "sign-gcs": True, "cloud": "x"}
    assert client.local_quotas(person) == {name: float("inf")}

    account |= {"type": "SERVICE", "email": "other@example.org", "attributes": {"admin": None, "cloud": "y"}, "scopes": []}
    account |= {"local_quotas": {name: 7}, "global_quotas": {name: None}}
    account["identities"] = [{"type": "SSH", "identity": f"ssh-rsa AAAA{person}", "state": "absent"}]
    applied(run, account)
    found = client.account(person)
    assert found
    assert (found["account_type"], found["email"]) == ("SERVICE", "other@example.org")
    assert client.account_attributes(person) == {"sign-gcs": True, "cloud": "y"}
    assert client.local_quotas(person) == {name: 7}
    assert set(client.global_quotas(person, [])) == {f"SITE={name}"}
    assert len(client.identities(person)) == 3


def test_requests_of_an_unchanged_run(run: Run, quiet: RucioServer, client: RucioClient, name: str, person: str) -> None:
    client.add_rse(name, {})
    client.set_attribute(name, "SITE", name)
    run("rucio_account", accounts=[complete(person, name)])
    quiet.calls()
    run("rucio_account", accounts=[complete(person, name)])
    # log-in, list of accounts; identities, attributes, local and global quotas, scopes of the one account
    assert len(quiet.calls()) == 7
    run("rucio_account", accounts=[{"name": person, "email": "maria@example.org"}])
    assert len(quiet.calls()) == 2


def test_a_quota_whose_expression_matches_nothing_any_more(run: Run, client: RucioClient, name: str, person: str) -> None:
    client.add_rse(name, {})
    client.set_attribute(name, "SITE", name)
    applied(run, {"name": person, "global_quotas": {f"SITE={name}": 1}})
    client.delete_attribute(name, "SITE")
    applied(run, {"name": person, "global_quotas": {f"SITE={name}": 2, name: 3}})


def test_suspended_and_deleted_accounts_come_back(run: Run, client: RucioClient, person: str) -> None:
    applied(run, {"name": person, "attributes": {"a": "1"}})
    applied(run, {"name": person, "status": "SUSPENDED"})
    assert person not in client.accounts()
    applied(run, {"name": person, "attributes": {"a": "2"}})
    assert client.account_attributes(person) == {"a": "2"}
    assert run("rucio_account", state="absent", accounts=[{"name": person}])["changed"]
    assert not run("rucio_account", state="absent", accounts=[{"name": person}])["changed"]
    applied(run, {"name": person, "attributes": {"a": "3"}})
    assert client.account_attributes(person) == {"a": "3"}


def test_a_used_user_name_keeps_its_old_password_and_is_refused(run: Run, quiet: RucioServer, client: RucioClient, person: str) -> None:
    identity = {"type": "USERPASS", "identity": person, "password": "the first"}
    applied(run, {"name": person, "identities": [identity]})
    applied(run, {"name": person, "identities": [{**identity, "state": "absent"}]})
    answer = run("rucio_account", accounts=[{"name": person, "identities": [{**identity, "password": "the second"}]}])
    assert "keeps its old password" in answer["msg"]
    assert "the second" not in str(answer)
    assert client.identities(person) == []
    old = login(username=person, password="the first", account=person)
    with pytest.raises(ApiError, match="CannotAuthenticate"):
        RucioClient(quiet.url, old, tls=Tls(ca=str(quiet.ca))).whoami()


def test_removal_is_limited_and_root_protected(run: Run, quiet: RucioServer, person: str) -> None:
    applied(run, {"name": person})
    quiet.calls()
    assert "removal_limit" in run("rucio_account", state="absent", accounts=[{"name": person}], removal_limit=0)["msg"]
    assert "itself needs" in run("rucio_account", state="absent", accounts=[{"name": "root"}])["msg"]
    assert quiet.writes() == []


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": "Maria.Rossi"}, "no account name"),
    ({"identities": [{"type": "OIDC", "identity": "SUB=a,ISS=https://iam"}]}, "Give issuer and subject"),
    ({"identities": [{"type": "OIDC", "issuer": "iam.lake.test", "subject": "x"}]}, "is no issuer"),
    ({"identities": [{"type": "X509"}]}, "has no identity"),
    ({"identities": [{"type": "USERPASS", "identity": "x"}]}, "password"),
    ({"identities": [{"type": "SSH", "identity": "x", "password": "hidden words"}]}, "has no meaning"),
    ({"attributes": {"group/escape": "x"}}, "group/escape"),
    ({"attributes": {"list": []}}, "takes a text"),
    ({"local_quotas": {"RSE": "much"}}, "infinite, or null"),
    ({"scopes": ["a b"]}, "is no scope"),
]


def test_bad_input_is_reported_at_once_and_changes_nothing(run: Run, quiet: RucioServer, person: str) -> None:
    answer = run("rucio_account", accounts=[{"name": f"{person}-{number}", **bad} for number, (bad, _words) in enumerate(BAD)])
    assert [words for _bad, words in BAD if words not in answer["msg"]] == []
    assert "hidden words" not in answer["msg"]
    assert "more than once" in run("rucio_account", accounts=[{"name": person}, {"name": person}])["msg"]
    assert quiet.calls() == []


def test_a_token_opens_the_account_of_its_identity(
    run: Run, quiet: RucioServer, issuer: Issuer, name: str, person: str, tmp_path: Any
) -> None:
    identity = {"type": "OIDC", "issuer": issuer.url, "subject": person, "default": True}
    applied(run, {"name": person, "identities": [identity], "attributes": {"admin": "True"}})
    options = {"auth_type": "token", "rses": [{"name": name, "attributes": {"QOS": "FAST"}}]}
    answer = run("rucio_rse", token=issuer.token(person), **options)
    assert answer.get("changed"), answer
    file = tmp_path / "token"
    file.write_text(issuer.token(person) + "\n")
    assert not run("rucio_rse", token_file=str(file), **options).get("failed")
    for refused in (issuer.token(person, audience="somebody else"), issuer.token("nobody"), "no token at all"):
        answer = run("rucio_rse", token=refused, **options)
        assert "CannotAuthenticate" in answer["msg"]
        assert refused not in answer["msg"]
    file.write_text("")
    assert "is empty" in run("rucio_rse", token_file=str(file), **options)["msg"]
    assert "cannot be read" in run("rucio_rse", token_file=str(tmp_path / "missing"), **options)["msg"]


def test_an_expired_token_is_read_again_from_its_file(run: Run, quiet: RucioServer, issuer: Issuer, person: str, tmp_path: Any) -> None:
    applied(run, {"name": person, "identities": [{"type": "OIDC", "issuer": issuer.url, "subject": person, "default": True}]})
    file = tmp_path / "token"
    file.write_text("expired")
    client = RucioClient(quiet.url, login(kind="token", token_file=str(file)), tls=Tls(ca=str(quiet.ca)))
    with pytest.raises(ApiError, match="CannotAuthenticate"):
        client.whoami()
    file.write_text(issuer.token(person))
    quiet.calls()
    assert client.whoami() == person
    assert len(quiet.calls()) == 2


def test_a_certificate_opens_its_account(run: Run, quiet: RucioServer, person: str) -> None:
    applied(run, {"name": person, "identities": [{"type": "X509", "identity": "/O=Lake/CN=robot"}]})
    certificate = {"auth_type": "x509", "client_cert": str(quiet.home / "client.pem"), "client_key": str(quiet.home / "client.key")}
    answer = run("rucio_info", account=person, gather=["accounts"], **certificate)
    assert person in answer["accounts"]
    assert "CannotAuthenticate" in run("rucio_info", account="root", **certificate)["msg"]
