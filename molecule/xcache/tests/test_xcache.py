"""The cache that the role made: what it fetches, keeps and refuses."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

CACHED = "/escape/cached"
SECRETS = Path(__file__).resolve().parents[3] / ".cache" / "molecule-lab" / "secrets"


@pytest.fixture(scope="module")
def mint(iam: Host, domain: str) -> Callable[..., str]:
    """Makes tokens of the lab's issuer."""
    secret = (SECRETS / "probe-client").read_text().strip()

    def made(scope: str) -> str:
        claims = json.dumps({"sub": "tester", "scope": scope, "audience": f"xcache1.{domain}"})
        answer = iam.check_output(
            "curl -sS --fail-with-body -u %s --json %s %s", f"probe:{secret}", claims, f"https://iam.{domain}/lab/mint"
        )
        return str(json.loads(answer)["access_token"])

    return made


@pytest.fixture(scope="module")
def request_(xcache1: Host, domain: str) -> Callable[..., tuple[int, str]]:
    """Sends a request to the cache: status, and SHA-256 of the body."""

    def sent(name: str, token: str = "", *options: str) -> tuple[int, str]:
        header = ["-H", f"Authorization: Bearer {token}"] if token else []
        words = ["curl", "-s", "-o", "/tmp/body", "-w", "%{http_code}", "--max-time", "30", *header, *options]
        command = shlex.join([*words, f"https://xcache1.{domain}:1094{CACHED}/{name}"])
        status = int(xcache1.run(f"rm -f /tmp/body; {command}").stdout)
        return status, xcache1.run("sha256sum /tmp/body").stdout.split(" ")[0]

    return sent


@pytest.fixture(scope="module")
def origin(xcache1: Host) -> Iterator[None]:
    xcache1.check_output("systemctl start xrootd@origin")
    yield
    xcache1.check_output("systemctl start xrootd@origin")


def digest(host: Host, path: str) -> str:
    return str(host.file(path).sha256sum)


def test_the_cache_runs_and_starts_with_the_host(xcache1: Host) -> None:
    assert xcache1.service("xrootd@datalake").is_running
    assert xcache1.service("xrootd@datalake").is_enabled


def test_bytes_are_fetched_kept_and_served_without_the_origin(
    xcache1: Host, origin: None, mint: Callable[..., str], request_: Callable[..., tuple[int, str]]
) -> None:
    token = mint("storage.read:/cached")
    wanted = digest(xcache1, "/data/origin/escape/cached/large")
    assert request_("large", token) == (200, wanted)
    kept = "test $(du -sk /data/cache | cut -f1) -ge 8000 && find /data/cache-metadata -not -type d | grep -q ."
    xcache1.check_output(f"for second in $(seq 30); do {kept} && exit; sleep 1; done; find /data /var/lib/xrootd; exit 1")
    xcache1.check_output("systemctl stop xrootd@origin")
    assert request_("large", token) == (200, wanted)
    assert request_("small", token, "--max-time", "5")[0] != 200  # never read while the origin was there
    xcache1.check_output("systemctl start xrootd@origin")
    assert request_("small", token) == (200, digest(xcache1, "/data/origin/escape/cached/small"))


def test_nobody_reads_without_a_token(origin: None, request_: Callable[..., tuple[int, str]]) -> None:
    assert request_("small")[0] == 403


def test_a_token_for_elsewhere_does_not_open_the_cache(
    origin: None, mint: Callable[..., str], request_: Callable[..., tuple[int, str]]
) -> None:
    assert request_("small", mint("storage.read:/elsewhere"))[0] == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "MKCOL"])
def test_writes_are_refused_with_every_right(
    xcache1: Host, origin: None, mint: Callable[..., str], request_: Callable[..., tuple[int, str]], method: str
) -> None:
    token = mint("storage.read:/ storage.modify:/ storage.create:/")
    name = "small" if method == "DELETE" else f"new-{method.lower()}"
    upload = ("-T", "/etc/hostname") if method == "PUT" else ()
    assert request_(name, token, "-X", method, *upload)[0] in (403, 405, 500)
    assert xcache1.file("/data/origin/escape/cached/small").exists
    assert not xcache1.file(f"/data/origin/escape/cached/new-{method.lower()}").exists


def test_no_group_may_write(xcache1: Host) -> None:
    rights = xcache1.file("/etc/xrootd/authdb").content_string
    granted = [line.split()[3::2] for line in rights.splitlines() if line.startswith("s ")]
    assert granted
    assert all(privileges == "rl" for line in granted for privileges in line)
