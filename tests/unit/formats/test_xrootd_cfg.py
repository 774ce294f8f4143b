"""The xrootd configuration language."""

from __future__ import annotations

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import xrootd_cfg
from hypothesis import given
from hypothesis import strategies as st

SITE = """\
# a site
set rootdir = /data
all.export /escape nolock   # since 2019
oss.space disk \\
   # the fast ones
   $rootdir/disk*
if exec xrootd
  xrd.protocol XrdHttp:1094 libXrdHttp.so
else if named cache
  pfc.ram 4g
else
  cms.trace all
fi
  xrd.port 1094
continue /etc/xrootd/config.d/
"""

WORD = st.text(st.characters(codec="utf-8", exclude_characters=" \t\n\\#\0"), min_size=1, max_size=8).filter(
    lambda word: word not in {"if", "else", "fi", "continue"}
)
DIRECTIVES = st.lists(st.lists(WORD, min_size=1, max_size=4), max_size=8)
PIECES = st.sampled_from(["all.export /a", "if", "else", "fi", " ", "\t", "\n", "\\\n", "# c", "xrd.port 1", "\r\n", "é", "continue x"])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))


@given(TEXTS)
def test_what_is_read_is_written(text):
    assert xrootd_cfg.parse(text).render() == text


@given(DIRECTIVES)
def test_what_is_written_is_read(directives):
    document = xrootd_cfg.parse("").insert(directives)
    assert [list(each.words) for each in xrootd_cfg.parse(document.render()).directives] == directives


@given(TEXTS, st.data())
def test_an_edit_touches_one_record(text, data):
    document = xrootd_cfg.parse(text)
    if not document.directives:
        return
    old = data.draw(st.sampled_from(document.directives))
    before, after = document.lines[: old.record.first], document.lines[old.record.end :]
    replaced = document.replace(old, ["xrd.trace", "all"]).render()
    assert replaced.startswith("".join(before))
    assert replaced.endswith("".join(after))
    assert len(xrootd_cfg.parse(replaced).lines) == len(before) + 1 + len(old.record.between) + len(after)
    removed = document.remove(old).lines
    assert (removed[: len(before)], removed[len(removed) - len(after) :]) == (before, after)
    assert len(removed) == len(before) + len(old.record.between) + len(after)


@given(TEXTS)
def test_an_insertion_keeps_all_lines(text):
    document = xrootd_cfg.parse(text)
    inserted = document.insert([["xrd.trace", "all"]])
    assert inserted.render().replace("xrd.trace all\n", "", 1).rstrip("\n") == text.rstrip("\n")


def test_a_site_is_read():
    document = xrootd_cfg.parse(SITE)
    assert [(each.name, each.line) for each in document.directives] == [
        ("set", 2),
        ("all.export", 3),
        ("oss.space", 4),
        ("xrd.protocol", 8),
        ("pfc.ram", 10),
        ("cms.trace", 12),
        ("xrd.port", 14),
        ("continue", 15),
    ]
    export, space = document.directives[1:3]
    assert export.args == ("/escape", "nolock")
    assert export.remark == ("#", "since", "2019")
    assert xrootd_cfg.expand(space.args[1], xrootd_cfg.variables(document.directives)) == "/data/disk*"
    assert document.faults == ()


def test_conditions_say_who_reads():
    document = xrootd_cfg.parse(SITE)
    http, ram, trace = document.directives[3:6]
    here = xrootd_cfg.Situation(program="xrootd", instance="lake")
    assert xrootd_cfg.holds(http.conditions, here) is True
    assert xrootd_cfg.holds(ram.conditions, here) is False
    assert xrootd_cfg.holds(trace.conditions, here) is False
    cms = xrootd_cfg.Situation(program="cmsd", instance=None)
    assert xrootd_cfg.holds(http.conditions, cms) is False
    assert xrootd_cfg.holds(ram.conditions, cms) is None


def test_host_patterns():
    document = xrootd_cfg.parse("if se*.lake.test named a b\nxrd.port 1\nfi\n")
    conditions = document.directives[0].conditions
    assert xrootd_cfg.holds(conditions, xrootd_cfg.Situation(instance="b", host="se1.lake.test")) is True
    assert xrootd_cfg.holds(conditions, xrootd_cfg.Situation(instance="b", host="other")) is False
    assert xrootd_cfg.holds(conditions, xrootd_cfg.Situation(instance="b")) is None


def test_faults_name_the_line():
    kinds = {
        text: [(fault.kind, fault.line) for fault in xrootd_cfg.parse(text).faults]
        for text in ("x\nif a\n", "fi\n", "else\n", "if a\nif b\nfi\n", "if a\ncontinue b\nfi\n")
    }
    assert list(kinds.values()) == [
        [("unclosed-if", 2)],
        [("fi-without-if", 1)],
        [("else-without-if", 1)],
        [("nested-if", 2)],
        [("continue-in-if", 2)],
    ]


def test_an_insertion_stands_before_continue():
    document = xrootd_cfg.parse(SITE).insert([["xrd.trace", "all"]])
    assert document.render() == SITE.replace("continue", "xrd.trace all\ncontinue")


def test_replacing_keeps_indent_remark_and_inner_comments():
    document = xrootd_cfg.parse(SITE)
    export, space = document.directives[1:3]
    assert document.replace(export, ["all.export", "/lake"]).lines[2] == "all.export /lake # since 2019\n"
    assert document.replace(space, ["oss.space", "disk", "/d"]).lines[3:5] == ("oss.space disk /d\n", "   # the fast ones\n")


def test_continue_reads_what_the_server_reads():
    document = xrootd_cfg.parse("continue /c/\ncontinue /d *.cfg\ncontinue ?/e/one\n")
    paths = ["/c/2.cfg", "/c/1.cfg", "/c/.h", "/c/3.cfg~", "/c/3.rpmsave", "/d/x", "/d/y.cfg", "/e/one", "/e/two"]
    assert [list(xrootd_cfg.continued(each, paths)) for each in document.directives] == [["/c/1.cfg", "/c/2.cfg"], ["/d/y.cfg"], ["/e/one"]]
