"""The Rucio server that the role made, seen from its own host and through its REST interface."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

VERSION = yaml.safe_load((Path(__file__).parents[3] / "roles/rucio/defaults/main.yml").read_text())["rucio_version"]
DAEMONS = ("judge-cleaner", "judge-evaluator")
CFG = "/etc/rucio/rucio.cfg"


def settings(rucio: Host) -> dict[str, dict[str, str]]:
    """rucio.cfg as Rucio reads it."""
    answer: dict[str, dict[str, str]] = json.loads(
        python(
            rucio, f"import configparser; c = configparser.ConfigParser(); c.read('{CFG}'); print(json.dumps({{s: dict(c[s]) for s in c}}))"
        )
    )
    return answer


def rows(rucio: Host, database: str, query: str) -> list[list[object]]:
    answer: list[list[object]] = json.loads(
        python(rucio, f"import sqlite3; print(json.dumps(sqlite3.connect('/var/lib/rucio/{database}').execute('{query}').fetchall()))")
    )
    return answer


def python(rucio: Host, script: str) -> str:
    return str(rucio.check_output("/usr/bin/python3 -c %s", f"import json; {script}"))


def get(rucio: Host, domain: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and answer of a request with the system's trust; headers go through standard input, not through argv."""
    lines = "".join(f'header = "{name.replace("_", "-")}: {value}"\n' for name, value in headers.items())
    command = f"printf %s {shlex.quote(lines)} | curl -sS -i -K - https://rucio.{domain}{path}"
    answer = rucio.check_output(command)
    return int(answer.split()[1]), answer


def log_in(rucio: Host, domain: str, password: str | None = None) -> tuple[int, str]:
    bootstrap = settings(rucio)["bootstrap"]
    identity = {"X_Rucio_Account": "root", "X_Rucio_Username": bootstrap["userpass_identity"]}
    return get(rucio, domain, "/auth/userpass", **identity, X_Rucio_Password=password or bootstrap["userpass_pwd"])


def test_ping_over_tls_says_the_version(rucio: Host, domain: str) -> None:
    status, answer = get(rucio, domain, "/ping")
    assert status == 200
    assert json.loads(answer.splitlines()[-1])["version"] == VERSION


def test_no_plain_http(rucio: Host, domain: str) -> None:
    assert rucio.run(f"curl -s http://rucio.{domain}:443/ping").rc != 0


def test_root_logs_in_and_a_wrong_password_does_not(rucio: Host, domain: str) -> None:
    status, answer = log_in(rucio, domain)
    assert status == 200
    token = re.search(r"^X-Rucio-Auth-Token: (\S+)", answer, re.MULTILINE | re.IGNORECASE)
    assert token
    assert get(rucio, domain, "/accounts/root", X_Rucio_Auth_Token=token[1])[0] == 200
    assert log_in(rucio, domain, "wrong")[0] == 401


def test_no_identity_of_the_public_examples_is_in_the_database(rucio: Host) -> None:
    root = rows(rucio, "rucio.db", 'SELECT identity_type FROM account_map WHERE account = "root"')
    assert root == [["USERPASS"]]


@pytest.mark.parametrize("unit", ["rucio", *(f"rucio-daemon@{name}" for name in DAEMONS)])
def test_units_run_and_start_with_the_host(rucio: Host, unit: str) -> None:
    assert rucio.service(unit).is_running
    assert rucio.service(unit).is_enabled


def test_only_the_wanted_daemons_run(rucio: Host) -> None:
    units = rucio.check_output("systemctl list-units --plain --no-legend 'rucio-daemon@*'").splitlines()
    assert sorted(line.split()[0] for line in units) == [f"rucio-daemon@{name}.service" for name in DAEMONS]


def test_everything_runs_as_rucio(rucio: Host) -> None:
    processes = rucio.process.filter(user="rucio")
    assert len(processes) >= 2 + len(DAEMONS)
    assert not [each for each in rucio.process.filter(user="root") if "/opt/rucio" in each.args]


@pytest.mark.parametrize("path", [CFG, "/etc/rucio/alembic.ini", "/etc/rucio/idpsecrets.json"])
def test_secrets_are_for_rucio_alone(rucio: Host, path: str) -> None:
    file = rucio.file(path)
    assert (file.user, file.group, file.mode) == ("root", "rucio", 0o640)
    assert rucio.file("/etc/rucio").mode == 0o750


def test_database_and_its_folder_are_for_rucio_alone(rucio: Host) -> None:
    assert rucio.file("/var/lib/rucio").mode == 0o750
    database = rucio.file("/var/lib/rucio/rucio.db")
    assert (database.user, database.mode) == ("rucio", 0o640)


def test_the_password_is_in_no_command_line_and_no_log(rucio: Host) -> None:
    password = settings(rucio)["bootstrap"]["userpass_pwd"]
    assert password not in rucio.check_output("ps -eo args")
    assert password not in rucio.check_output("journalctl --no-pager")
    assert password not in rucio.check_output("cat /var/log/rucio/access.log")


def test_access_log_has_method_path_status_account_and_user_agent(rucio: Host, domain: str) -> None:
    log_in(rucio, domain)
    last = rucio.check_output("tail -1 /var/log/rucio/access.log")
    assert re.match(r'^\S+ \[[^]]+\] "GET /auth/userpass" 200 \d+ \d+ root "curl/[^"]+"$', last), last


def test_idpsecrets_have_the_scim_part(rucio: Host) -> None:
    for provider in json.loads(rucio.file("/etc/rucio/idpsecrets.json").content_string).values():
        assert provider["issuer"].endswith("/")
        assert {"client_id", "client_secret"} <= set(provider["SCIM"])


def test_upgrade_kept_a_backup_of_the_old_schema(rucio: Host) -> None:
    """The side effect upgraded a database beside the lab's own."""
    assert rucio.file("/var/lib/rucio/upgrade.db.a62db546a1f1.bak").exists
    assert rucio.file("/var/lib/rucio/upgrade.db.unfinished.bak").exists
    assert "deleted_at" in {row[1] for row in rows(rucio, "upgrade.db", "PRAGMA table_info(rules)")}


def test_the_real_client_works(rucio: Host, domain: str) -> None:
    """With the server's own rucio.cfg, which has no password for clients; those come from a second file."""
    bootstrap = settings(rucio)["bootstrap"]
    lines = [
        "[client]",
        f"rucio_host = https://rucio.{domain}",
        f"auth_host = https://rucio.{domain}",
        "auth_type = userpass",
        "account = root",
        f"username = {bootstrap['userpass_identity']}",
        f"password = {bootstrap['userpass_pwd'].replace('%', '%%')}",
        "ca_cert = /etc/ssl/certs/ca-certificates.crt",
    ]
    rucio.check_output("umask 077; printf %s > /root/client.cfg", "\n".join(lines) + "\n")
    answer = rucio.check_output(f"RUCIO_CONFIG=/root/client.cfg /opt/rucio/{VERSION}/bin/rucio whoami; rm /root/client.cfg")
    assert re.search(r"^account\s+: root$", answer, re.MULTILINE), answer
