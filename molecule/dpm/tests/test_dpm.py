"""A DPM node that the role configured: the real Apache of Debian, and the stand-in for DOME."""

from __future__ import annotations

import json

from testinfra.host import Host

HOME = "/dpm/molecule.test/home/escape"
DAV = "/etc/apache2/conf-enabled/zlcgdm-dav.conf"


def test_clients_without_certificate_get_through(dpm1: Host, domain: str) -> None:
    answer = dpm1.run("curl -s -o /dev/null -w '%%{http_code}' https://dpm1.%s/static/x", domain)
    assert (answer.rc, answer.stdout) == (0, "404")


def test_apache_knows_the_issuer(dpm1: Host, domain: str) -> None:
    text = dpm1.file(DAV).content_string
    assert f"  OIDCProviderMetadataURL https://iam.{domain}/.well-known/openid-configuration\n" in text
    assert f"  OIDCOAuthVerifyJwksUri https://iam.{domain}/jwk\n" in text
    assert "    NSFlags Write RemoteCopy\n" in text
    assert "    NSMacaroonSecret " in text
    assert "# kept by hand\n" in text
    assert 'LogFormat "%h %t \\"%r\\" \\\n%>s" dpm\n' in text
    assert dpm1.run("apache2ctl configtest").rc == 0


def test_dome_knows_the_issuer(dpm1: Host, domain: str) -> None:
    settings = dpm1.file("/etc/domehead.conf")
    assert (settings.user, settings.group, settings.mode) == ("root", "dpmmgr", 0o640)
    text = settings.content_string
    assert f'head.oidc.allowissuer[]: "{HOME}" "https://iam.{domain}/"\n' in text
    assert f"head.oidc.allowaudience[]: dpm1.{domain}\n" in text
    assert "glb.task.purgetime = 36000\n" in text
    assert text.startswith("# head node\n")


def test_areas_are_pools_and_quota_tokens(dpm1: Host, domain: str) -> None:
    state = json.loads(dpm1.file("/var/lib/dome-standin/state.json").content_string)
    assert {name: pool["type"] for name, pool in state["pools"].items()} == {"ssd": "P", "cheap": "P", "cache": "V"}
    tokens = {token["path"]: token for token in state["tokens"].values()}
    assert {path: (token["pool"], token["size"]) for path, token in tokens.items()} == {
        f"{HOME}/fast": ("ssd", 2_000_000_000),
        f"{HOME}/cheap": ("cheap", 5_000_000_000),
        f"{HOME}/cache": ("cache", 1_000_000_000),
    }
    assert {(each["server"], each["fs"], each["pool"]) for each in state["file_systems"]} == {
        (f"dpm1.{domain}", "/data/ssd", "ssd"),
        (f"dpm1.{domain}", "/data/big", "cheap"),
    }
    assert tokens[f"{HOME}/fast"]["groups"] == [0, state["groups"]["escape/data-manager"]]


def test_a_second_run_ordered_nothing(dpm1: Host) -> None:
    """Orders of building, of enlarging an area by hand, and of bringing it back; none of the runs between."""
    lines = dpm1.file("/var/lib/dome-standin/access.log").content_string.splitlines()
    orders = [line.split()[1].rsplit("/", 1)[-1] for line in lines if line.startswith('"POST')]
    assert orders.count("dome_modquotatoken") == 2
    assert orders.count("dome_addpool") == 3
    assert orders.count("dome_setquotatoken") == 3


def test_strangers_give_no_orders(dpm1: Host, domain: str) -> None:
    answer = dpm1.run("curl -s -w '%%{http_code}' https://dpm1.%s:1094/domehead/command/dome_getspaceinfo", domain)
    assert answer.stdout.endswith("403")


def test_old_texts_are_kept_out_of_sight(dpm1: Host) -> None:
    kept = dpm1.check_output("stat -c %a /etc/domehead.conf.*~").split()
    assert kept
    assert all(not int(mode, 8) & 0o007 for mode in kept)
