from __future__ import annotations

import json

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import report
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity


def finding(severity: Severity, file: str = "etc/a b.conf", line: int = 3, rule: str = "x.rule") -> Finding:
    return Finding(rule, severity, file, line, "It is wrong.", "Correct it.", "the book")


ALL = [finding(severity, line=number) for number, severity in enumerate(reversed(Severity))]


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ([], 0),
        ([Severity.NOTICE], 0),
        ([Severity.NOTICE, Severity.WARNING], 1),
        ([Severity.WARNING, Severity.ERROR], 2),
        ([Severity.OPEN], 2),
        ([Severity.LOCK_OUT, Severity.NOTICE], 2),
    ],
)
def test_exit_code(severities, code):
    assert report.exit_code(finding(severity) for severity in severities) == code


def test_json_has_the_documented_form():
    data = json.loads(report.as_json("dcache", "9.2.30", ALL))
    assert data.keys() == {"system", "release", "findings"}
    assert (data["system"], data["release"]) == ("dcache", "9.2.30")
    assert [each["severity"] for each in data["findings"]] == ["lock-out", "open", "error", "warning", "notice"]
    assert data["findings"][0] == {
        "rule": "x.rule",
        "severity": "lock-out",
        "file": "etc/a b.conf",
        "line": 4,
        "message": "It is wrong.",
        "remedy": "Correct it.",
        "source": "the book",
    }


def test_sarif():
    sarif = report.as_sarif("dcache", "9.2.30", [*ALL, finding(Severity.ERROR, line=0, rule="x.other")])
    assert sarif["version"] == "2.1.0"
    (run,) = sarif["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(rules) == ["x.other", "x.rule"]
    assert [result["level"] for result in run["results"]] == ["error", "error", "error", "error", "warning", "note"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"] == {"uri": "etc/a%20b.conf", "uriBaseId": "ROOT"}
    whole_file = next(result for result in run["results"] if result["ruleId"] == "x.other")
    assert "region" not in whole_file["locations"][0]["physicalLocation"]  # SARIF lines begin at 1


def test_text_for_people():
    text = report.as_text("dcache", "9.2.30", [finding(Severity.WARNING), finding(Severity.OPEN, line=0), finding(Severity.WARNING)])
    assert text.startswith("etc/a b.conf: open [x.rule]\n  It is wrong.\n  -> Correct it.\netc/a b.conf:3: warning [x.rule]")
    assert text.endswith("dcache 9.2.30: 1 open door, 2 warnings\n")
    assert report.as_text("dcache", "9.2.30", []) == "dcache 9.2.30: no findings\n"
