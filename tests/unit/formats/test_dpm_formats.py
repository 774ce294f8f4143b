"""The formats of DPM: nothing is lost, an edit touches its own lines only."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import apache_conf, dome_conf, lcgdm_maps
from hypothesis import given
from hypothesis import strategies as st

SITES = Path(__file__).parents[2] / "fixtures" / "dpm"
APACHE = sorted(SITES.rglob("*httpd/*/*.conf"))
DAV = (SITES / "tokens-1.15/etc/httpd/conf.d/zlcgdm-dav.conf").read_text()
HEAD = (SITES / "tokens-1.15/etc/domehead.conf").read_text()
TEXT = st.text(alphabet=st.sampled_from('ab.:[]"\\ \t\r\n#<>/='), max_size=200)


def changed(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


@given(TEXT)
def test_nothing_is_lost(text):
    assert dome_conf.parse(text).render() == text
    assert apache_conf.parse(text).render() == text
    assert lcgdm_maps.parse_mapfile(text).render() == text
    assert lcgdm_maps.parse_generator(text).render() == text
    document = apache_conf.parse(text)
    assert all(0 <= each.first < each.end <= len(document.lines) for each in document.directives)
    assert all(section.first < section.end for section in document.sections)


@given(TEXT, st.text(alphabet="abcxyz-./ \"'", min_size=1, max_size=20))
def test_what_is_inserted_is_read_back(text, word):
    before = apache_conf.parse(text)
    separator = "" if text.endswith("\n") or not text else "\n"
    longer = apache_conf.parse(f"{text}{separator}New")
    if not any(each.first == len(longer.lines) - 1 for each in longer.directives):
        return  # a backslash at the end takes the next line in
    after = before.insert([("NSFlags", [word, "Write"])])
    new = after.directives[-1]
    assert (new.name, new.args) == ("NSFlags", (word, "Write"))
    assert after.remove(new).render() in (text, text + "\n")


@pytest.mark.parametrize("path", APACHE, ids=lambda path: path.parts[-4])
def test_apache_fixtures_are_whole(path):
    document = apache_conf.parse(path.read_text())
    assert document.problems == ()
    assert document.render() == path.read_text()


def test_sections_nest():
    document = apache_conf.parse(DAV)
    (verify,) = document.find("sslverifyclient")
    assert [section.name for section in verify.within] == ["VirtualHost", "IfModule"]
    assert [section.name for section in verify.scope] == ["VirtualHost"]
    (host,) = document.named_sections("VirtualHost")
    assert host.args == ("*:443",)
    assert verify.inside(host)


def test_continued_lines_and_quotes():
    (log,) = apache_conf.parse(DAV).find("LogFormat")
    assert log.args == ('%h %l %u %t "%r" %>s %b %{User-Agent}i', "dpm")
    assert log.end - log.first == 2
    assert apache_conf.words(r"""a "b c" 'd "e"' "f\"g" """) == ("a", "b c", 'd "e"', 'f"g')
    assert apache_conf.parse("# a remark that goes on \\\nListen 80\n").directives == ()


def test_edits_touch_one_line():
    document = apache_conf.parse(DAV)
    (verify,) = document.find("SSLVerifyClient")
    assert changed(DAV, document.set_arguments(verify, ["require"]).render()) == [
        "-     SSLVerifyClient optional",
        "+     SSLVerifyClient require",
    ]
    assert document.set_arguments(verify, ["optional"]) is document
    (host,) = document.named_sections("VirtualHost")
    inserted = document.insert([("OIDCScope", ["openid wlcg"])], into=host).render()
    assert changed(DAV, inserted) == ['+   OIDCScope "openid wlcg"']
    assert apache_conf.parse(inserted).find("OIDCScope")[-1].inside(apache_conf.parse(inserted).named_sections("VirtualHost")[0])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("<Location /a>\n", 1, "never closed"),
        ("</Location>\n", 1, "no section is open"),
        ("<Location /a>\n<IfModule x>\n</Location>\n</IfModule>\n", 3, "</IfModule> of line 2 is expected"),
        ("<Location /a\n</Location>\n", 1, "no > at its end"),
    ],
)
def test_apache_problems(text, line, words):
    problems = apache_conf.parse(text).problems
    assert (problems[0].line, words in problems[0].message) == (line, True)


def test_dome_settings_are_read_as_the_daemon_does():
    document = dome_conf.parse(
        '#glb.role: disk\nglb.role:  head \n glb.debug: 1\nglb.task.purgetime = 3\nl[]: "a b" "c"\nINCLUDE /etc/dome.d\n'
    )
    assert document.value("glb.role") == "head"
    assert document.value("glb.debug") == ""
    assert [entry.fields for entry in document.all("l")] == [("a b", "c")]
    assert document.includes == ((6, "/etc/dome.d"),)
    assert document.assignments == ((4, "glb.task.purgetime"),)


def test_dome_edits():
    document = dome_conf.parse(HEAD)
    assert document.set("glb.role", "head") is document
    assert changed(HEAD, document.set("glb.role", "disk").render()) == ["- glb.role: head", "+ glb.role: disk"]
    added = document.add("head.oidc.allowaudience", "https://se.annecy.example.org:1094")
    assert changed(HEAD, added.render()) == ["+ head.oidc.allowaudience[]: https://se.annecy.example.org:1094"]
    assert len(added.all("head.oidc.allowaudience")) == 4
    assert dome_conf.parse("glb.role: head").add("head.x", "1").render() == "glb.role: head\nhead.x[]: 1\n"
    assert document.set("head.db.port", "3306").render().index("head.db.port") > HEAD.index("head.db.dpmdbname")


def test_map_files():
    document = lcgdm_maps.parse_mapfile('"/CN=A B" escape\n/CN=bare dteam\nnonsense\n')
    assert [(entry.subject, entry.group) for _number, entry in document.entries()] == [("/CN=A B", "escape"), ("/CN=bare", "dteam")]
    assert [line.number for line in document.problems()] == [3]
    assert document.append([lcgdm_maps.Mapping("/CN=new", "x")]).render().endswith('"/CN=new" x\n')
    generator = lcgdm_maps.parse_generator("group vomss://h:8443/voms/v v\n")
    assert [entry.arguments for _number, entry in generator.entries()] == [("vomss://h:8443/voms/v", "v")]
