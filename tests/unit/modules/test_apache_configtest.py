"""The copy of Apache's configuration that apache_configtest makes, with a server that only looks at its arguments."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.modules import apache_configtest

SERVER = """#!/bin/sh
# takes: -t -d DIRECTORY -f FILE
echo "asked about $3 with $5"
cat "$5" "$3"/conf.d/*.conf
test -e "$3/modules/mod_x.so" || exit 3
! grep -q BAD "$3"/conf.d/*.conf
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    modules = tmp_path / "lib"
    modules.mkdir()
    (modules / "mod_x.so").write_text("")
    root = tmp_path / "httpd"
    (root / "conf").mkdir(parents=True)
    (root / "conf.d").mkdir()
    (root / "available").mkdir()
    (root / "conf/httpd.conf").write_text(
        f'ServerRoot "{root}"\nInclude {root}/conf.d/*.conf\nInclude conf.d/x.conf\nErrorLog {root}/log\n'
    )
    (root / "available/linked.conf").write_text("Linked\n")
    (root / "conf.d/linked.conf").symlink_to("../available/linked.conf")
    (root / "conf.d/dav.conf").write_text("Old\n")
    (root / "modules").symlink_to(os.path.relpath(modules, root))
    program = tmp_path / "server"
    program.write_text(SERVER)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_the_copy_is_judged(server: Path, tmp_path: Path) -> None:
    root = str(tmp_path / "httpd")
    found = apache_configtest.find_server(root, str(server))
    assert found == (root, "conf/httpd.conf", str(server))
    answer = apache_configtest.run_test(*found, [{"path": f"{root}/conf.d/dav.conf", "content": "New\n"}])
    assert answer["valid"], answer
    assert "New" in answer["output"]
    assert "Old" not in answer["output"]
    assert "Linked" in answer["output"]
    assert f"asked about {root} with {root}/conf/httpd.conf" in answer["output"]
    assert (tmp_path / "httpd/conf.d/dav.conf").read_text() == "Old\n"


def test_a_refusal_is_told(server: Path, tmp_path: Path) -> None:
    root = str(tmp_path / "httpd")
    answer = apache_configtest.run_test(root, "conf/httpd.conf", str(server), [{"path": f"{root}/conf.d/new.conf", "content": "BAD\n"}])
    assert answer["valid"] is False
    assert not (tmp_path / "httpd/conf.d/new.conf").exists()


def test_includes_lead_to_the_copy() -> None:
    moved = ("Include {}/conf.d/*.conf", 'IncludeOptional "{}/x"', 'ServerRoot "{}"')
    others = "\nAlias /etc/httpd /x\nInclude /etc/httpdx/y\n"
    before, after = ("\n".join(moved).replace("{}", root) + others for root in ("/etc/httpd", "/tmp/c"))
    assert apache_configtest.repoint(before, "/etc/httpd", "/tmp/c") == after


def test_no_server(tmp_path: Path) -> None:
    assert apache_configtest.find_server(str(tmp_path / "nothing"), "/bin/true") is None
