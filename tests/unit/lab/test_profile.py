"""Scopes, groups and configuration of the token issuer stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.escape.datalake.lab.iam import profile
from ansible_collections.escape.datalake.lab.iam.config import Client, ConfigError, Group, load

EXAMPLE = Path(__file__).resolve().parents[3] / "lab/iam/example.yml"
GROUPS = [Group("1", "vo/b"), Group("2", "vo"), Group("3", "vo/extra", optional=True)]


@pytest.mark.parametrize(
    ("scope", "allowed", "expected"),
    [
        ("storage.read:/fast", ["storage.read:/"], True),
        ("storage.read:/fast/x", ["storage.read:/fast"], True),
        ("storage.read:/faster", ["storage.read:/fast"], False),
        ("storage.read://fast", ["storage.read:/"], False),
        ("storage.read:/a/../b", ["storage.read:/"], False),
        ("storage.read:fast", ["storage.read:/"], False),
        ("storage.read:", ["storage.read:/"], False),
        ("storage.modify:/fast", ["storage.read:/"], False),
        ("storage.read", ["storage.read:/"], False),
        ("wlcg.groups:/vo/b", ["wlcg.groups"], True),
        ("wlcg.groups:vo", ["wlcg.groups"], False),
        ("openid", ["openid"], True),
        ("openid", [], False),
    ],
)
def test_scope_policies(scope: str, allowed: list[str], expected: bool) -> None:
    assert profile.is_allowed(scope, allowed) is expected


@pytest.mark.parametrize(
    ("scopes", "groups"),
    [
        (["openid"], None),
        (["wlcg.groups"], ["/vo", "/vo/b"]),
        (["wlcg.groups:/vo/b"], ["/vo/b", "/vo"]),
        (["wlcg.groups:/vo/extra", "wlcg.groups"], ["/vo/extra", "/vo", "/vo/b"]),
        (["wlcg.groups", "wlcg.groups:/vo/extra"], ["/vo", "/vo/b", "/vo/extra"]),
        (["wlcg.groups:/other"], ["/vo", "/vo/b"]),
    ],
)
def test_group_claim(scopes: list[str], groups: list[str] | None) -> None:
    assert profile.group_claim(scopes, GROUPS) == groups


def test_a_person_never_gets_the_scopes_of_machines() -> None:
    client = Client("c", "c", None, ("openid", "scim:read", "lab:mint"), ("password",))
    assert profile.granted(None, client, None) == ("openid", "scim:read")
    with pytest.raises(profile.ScopeRefused):
        profile.granted("admin", client, None)


def config(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_example_is_usable(tmp_path: Path) -> None:
    found = load(config(tmp_path, EXAMPLE.read_text()))
    assert [issuer.url for issuer in found.issuers] == ["https://iam.lake.test/", "https://iam.lake.test/partner/"]
    assert found.issuers[1].prefix == "/partner"


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        load(config(tmp_path, EXAMPLE.read_text(), 0o644))


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = """
data: /x
issuers:
  - {name: a, url: "http://a/", colour: red}
  - {name: a, url: "https://a/", clients: [{id: c, grants: [magic]}], users: [{username: Big}], groups: [{name: "a b"}]}
"""
    with pytest.raises(ConfigError) as problem:
        load(config(tmp_path, text))
    for word in ("https://host", "'colour'", "same name", "same path", "'secret'", "'magic'", "'Big'", "'a b'"):
        assert word in str(problem.value), word
