# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fifteen checks as a table: tokens, steps, evaluation, deviations, verdicts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import (
    CHECK_IDS,
    DEVIATIONS,
    TITLES,
    Answer,
    Check,
    Outcome,
    Place,
    Result,
    RucioUse,
    Step,
    Target,
    Unbound,
    checks,
    directory_name,
    evaluate,
    is_leftover,
    other_scope,
    reading_checks,
    release_numbers,
    render,
    statuses,
    tokens,
    verdict,
)
from hypothesis import given
from hypothesis import strategies as some

PLACE = Place("S1", "xrootd", "5.5.3", "S1-FAST", "FAST", "/escape/fast", "/fast", "se1.example.org", 1094)
PEER = replace(PLACE, storage="S2", rse="S2-SAFE", path="/data/safe", scope_path="/safe", host="se2.example.org", port=443)
RUCIO = RucioUse(
    "se1.example.org", 1094, "/escape/fast/", "se1.example.org", ("storage.read:/fast/",), ("storage.modify:/fast/", "storage.read:/fast/")
)
TARGET = Target(
    place=PLACE,
    issuer="escape",
    other_scope="/safe",
    grants={"/escape": "read", "/escape/data-manager": "write"},
    foreign_group="/escape-foreign",
    strangers=("stranger",),
    unbound=(Unbound("partner", "/escape", ("/partner",)),),
    peer=PEER,
    rucio=(RUCIO,),
)


def named(name: str, target: Target = TARGET) -> Check:
    return next(check for check in checks(target) if check.id == name)


def answered(check: Check, target: Target = TARGET, **instead: Answer) -> Result:
    """The result when every step gets its first expected status, but for the given steps (spaces in names as underscores)."""
    answers = [instead.get(step.label.replace(" ", "_"), Answer(min(step.expected))) for step in check.steps]
    return evaluate(check, answers, target, 0.25)


def test_there_are_fifteen_checks_in_the_documented_order() -> None:
    assert [check.id for check in checks(TARGET)] == list(CHECK_IDS)
    assert len(CHECK_IDS) == 15
    page = (Path(__file__).parents[3] / "docs/probe.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", page, re.MULTILINE)
    assert rows == [(str(number), name) for number, name in enumerate(CHECK_IDS, start=1)]


def test_every_step_has_its_tokens_and_an_expectation() -> None:
    wishes = tokens(TARGET)
    for check in checks(replace(TARGET, place=replace(PLACE, tape=True))):
        assert check.steps
        for step in check.steps:
            assert step.expected
            assert {step.token, step.far_token} - {""} <= wishes.keys()
        assert len({step.label for step in check.steps}) == len(check.steps)  # deviations name steps


def test_tokens_say_exactly_what_the_checks_need() -> None:
    wishes = tokens(TARGET)
    url = "https://se1.example.org:1094"
    assert wishes["read"].scopes == ("storage.read:/fast",)
    assert wishes["read"].audience == url
    assert wishes["all"].scopes == ("storage.read:/fast", "storage.modify:/fast")
    assert wishes["read-prefix"].scopes == ("storage.read:/fas",)
    assert wishes["read-other"].scopes == ("storage.read:/safe",)
    assert wishes["host-audience"].audience == "se1.example.org"
    assert wishes["foreign-audience"].audience not in (url, "se1.example.org")
    assert wishes["expired"].expired
    assert wishes["group:/escape"].groups == ("/escape",)
    assert wishes["group:/escape"].scopes == ()
    assert wishes["stranger:stranger"].groups == ("/escape", "/escape/data-manager")
    assert wishes["stranger:stranger"].issuer == "stranger"
    assert wishes["unbound:partner:/escape"].scopes == ()
    assert wishes["unbound:partner:/escape"].without == ("/partner",)
    assert wishes["group:/escape"].without == ("/escape/data-manager",)
    assert wishes["group:/escape/data-manager"].without == ()
    assert wishes["group-foreign"].without == ("/escape", "/escape/data-manager")
    assert wishes["peer-all"].audience == "https://se2.example.org"  # the default port is not written
    assert wishes["rucio-write:0"].scopes == RUCIO.write_scopes
    assert wishes["rucio-write:0"].audience == "se1.example.org"


def test_expected_answers_are_ok() -> None:
    place = replace(PLACE, release="6.2.1", tape=True)
    target = replace(TARGET, place=place)
    for check in checks(target):
        result = answered(check, target)
        assert (result.result, result.why) == (Outcome.OK, ""), check.id


@pytest.mark.parametrize("name", CHECK_IDS)
def test_every_step_of_every_check_can_fail(name: str) -> None:
    target = replace(TARGET, place=replace(PLACE, release="6.2.1", tape=True))
    check = named(name, target)
    for position in range(len(check.steps)):
        for wrong in (Answer(500), Answer(None, "no route"), Answer(min(check.steps[position].expected), "wrong bytes")):
            answers = [wrong if index == position else Answer(min(step.expected)) for index, step in enumerate(check.steps)]
            assert evaluate(check, answers, target, 0.1).result is Outcome.FAILED


def test_a_refusal_that_had_to_be_a_success_and_the_reverse_are_told_apart() -> None:
    assert "had to be refused" in answered(named("anonymous-refused"), PUT=Answer(201)).why
    assert "had to be let in" in answered(named("audience-host"), GET=Answer(403)).why
    # 404 of a missing file proves that authorisation succeeded.
    assert "authorised" in answered(named("audience-refused"), GET=Answer(404)).why


def test_steps_that_were_not_reached_fail() -> None:
    check = named("create-only")
    result = evaluate(check, [Answer(201)], TARGET, 0.1)
    assert result.result is Outcome.FAILED
    assert "PUT same was not reached" in result.why


@pytest.mark.parametrize("known", DEVIATIONS, ids=lambda known: f"{known.system}-{known.check}")
def test_a_pinned_deviation_warns_inside_its_releases_only(known) -> None:  # type: ignore[no-untyped-def]
    def result(release: tuple[int, ...], answer: Answer) -> Result:
        place = replace(PLACE, system=known.system, release=".".join(map(str, release)))
        target = replace(TARGET, place=place)
        return answered(named(known.check, target), target, **{known.step: answer})

    wrong = Answer(min(known.statuses))
    assert result(known.since, wrong).result is Outcome.WARNING
    assert known.source in result(known.since, wrong).why
    assert result(known.before, wrong).result is Outcome.FAILED
    assert result(known.since, Answer(500)).result is Outcome.FAILED
    assert result(known.since, replace(wrong, fault="wrong bytes")).result is Outcome.FAILED
    step = next(step for step in named(known.check).steps if step.label == known.step)
    stale = result(known.since, Answer(min(step.expected)))
    assert stale.result is Outcome.WARNING
    assert "is not there" in stale.why


def test_a_warning_does_not_hide_a_failure() -> None:
    result = answered(named("modify-no-read"), GET=Answer(200), DELETE=Answer(403))
    assert result.result is Outcome.FAILED
    assert "2184" in result.why


def test_a_release_that_is_no_number_has_no_pins() -> None:
    target = replace(TARGET, place=replace(PLACE, release="nightly"))
    assert answered(named("path-boundary", target), target, GET=Answer(200)).result is Outcome.FAILED


@pytest.mark.parametrize(
    ("text", "numbers"), [("5.5.3", (5, 5, 3)), ("5.5.3-1", (5, 5, 3)), ("v6.2.1", (6, 2, 1)), ("5.6", (5, 6)), ("master", ()), ("", ())]
)
def test_release_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert release_numbers(text) == numbers


def test_what_cannot_be_tried_is_not_applicable_and_says_why() -> None:
    target = replace(
        TARGET,
        strangers=(),
        unbound=(),
        peer=None,
        grants={},
        unavailable={"expired": "no expired token of escape is given (expired_token_file)"},
    )
    reasons = {check.id: check.reason for check in checks(target) if check.reason}
    assert reasons.keys() == {"issuer-bound", "expired-refused", "groups", "third-party-copy", "tape"}
    assert all(reasons.values())
    for name in reasons:
        result = evaluate(named(name, target), [], target, 0.0)
        assert (result.result, result.why, result.expected) == (Outcome.NOT_APPLICABLE, reasons[name], "")


def test_steps_without_a_token_are_left_out_and_told() -> None:
    target = replace(TARGET, unavailable={"group:/escape": "no token of /escape", "group-foreign": "no foreign token"})
    check = named("groups", target)
    assert [step.token for step in check.steps] == ["group:/escape/data-manager"] * 2
    result = answered(check, target)
    assert result.result is Outcome.OK
    assert "left out: no token of /escape" in result.why


def test_an_rse_that_rucio_would_not_use_tokens_for_fails() -> None:
    check = named("rucio-arithmetic", replace(TARGET, rucio=()))
    assert evaluate(check, [], TARGET, 0.0).result is Outcome.FAILED
    check = named("rucio-arithmetic", replace(TARGET, rucio=(), rucio_problem="register it first"))
    assert evaluate(check, [], TARGET, 0.0).why == "register it first"


def test_a_class_of_one_letter_has_no_shorter_prefix() -> None:
    check = named("path-boundary", replace(TARGET, place=replace(PLACE, scope_path="/f")))
    assert "/f" in check.reason
    assert not check.steps


def test_groups_of_eos_are_not_looked_at() -> None:
    assert named("groups", replace(TARGET, place=replace(PLACE, system="eos"))).reason


def test_check_mode_only_reads() -> None:
    told = reading_checks(TARGET)
    assert [check.id for check in told] == list(CHECK_IDS)
    assert {step.method for check in told for step in check.steps} == {"GET"}
    assert {step.subject for check in told for step in check.steps} == {"", "missing"}
    assert all(check.reason for check in told if not check.steps)


def result_of(name: str, outcome: Outcome) -> Result:
    return Result(name, TITLES[name], "escape", "se:1094", "GET 200", "GET 200", outcome, 0.1)


def test_verdicts() -> None:
    proven, warned = result_of("read-modify-all", Outcome.OK), result_of("path-boundary", Outcome.WARNING)
    nothing, failed = result_of("read-modify-all", Outcome.NOT_APPLICABLE), result_of("tape", Outcome.FAILED)
    assert verdict([proven, warned]) == "ok"
    assert verdict([proven, warned, failed]) == "failed"
    assert verdict([nothing, warned]) == "failed"  # nothing was proven
    assert verdict([nothing, proven]) == "ok"  # users of one of two issuers
    assert verdict([]) == "failed"
    assert verdict([nothing], check_mode=True) == "skipped"
    assert verdict([failed], check_mode=True) == "failed"


@given(some.lists(some.sampled_from(list(Outcome)), min_size=1, max_size=40))
def test_a_failed_check_always_fails_the_rse(outcomes: list[Outcome]) -> None:
    results = [result_of("read-modify-all", outcome) for outcome in outcomes]
    assert (verdict(results) == "failed") == (Outcome.FAILED in outcomes or not {Outcome.OK, Outcome.WARNING} & set(outcomes))


@pytest.mark.parametrize(
    ("mine", "others", "expected"),
    [
        ("/fast", ["/safe"], "/safe"),
        ("/fast", ["/fast/sub", "/safe"], "/safe"),
        ("/a/b", ["/a", "/a/c"], "/a/c"),
        ("/fast", ["/fast-ec"], "/fast-ec"),
        ("/fast", [], "/probe-other-class"),
        ("/a/b", [], "/a/probe-other-class"),
    ],
)
def test_the_other_class_neither_holds_nor_lies_in_this_one(mine: str, others: list[str], expected: str) -> None:
    assert other_scope(mine, others) == expected


@given(some.floats(min_value=0, max_value=4_000_000_000), some.floats(min_value=0, max_value=10_000))
def test_only_directories_older_than_an_hour_are_leftovers(began: float, age: float) -> None:
    name = directory_name("0123456789ab", began)
    assert is_leftover(name, began + 3600 + age + 2)
    assert not is_leftover(name, began + min(age, 3599))


@pytest.mark.parametrize(
    "name", [".probe-", ".probe-notes", "probe-0000000001-0123456789ab", ".probe-0000000001-0123456789ab.d", ".probe-1-2", ""]
)
def test_other_names_are_never_leftovers(name: str) -> None:
    assert not is_leftover(name, 4e9)


def test_statuses_for_people() -> None:
    assert statuses({403}) == "403"
    assert statuses({403, 401}) == "401 or 403"
    assert statuses({204, 200, 201}) == "200, 201 or 204"


def test_the_table_names_every_check_with_number_result_and_reason() -> None:
    results = [answered(check) for check in checks(TARGET)]
    rse = {"name": "S1-FAST", "qos": "FAST", "storage": "S1", "verdict": "failed", "checks": [result.as_dict() for result in results]}
    text = render([rse, {**rse, "name": "S1-SAFE", "checks": []}])
    assert "S1-FAST (FAST, S1): failed" in text
    assert "users of escape at se1.example.org:1094" in text
    for number, name in enumerate(CHECK_IDS, start=1):
        assert name == "tape" or re.search(rf"^ +{number} {name} ", text, re.MULTILINE)
    assert "      not-applicable, the area is not on tape: tape\n" in text
    assert "S1-SAFE (FAST, S1): failed" in text


def test_checks_that_do_not_apply_for_one_reason_are_told_together() -> None:
    results = [answered(check) for check in reading_checks(TARGET)]
    rse = {"name": "S1-FAST", "qos": "FAST", "storage": "S1", "verdict": "skipped", "checks": [result.as_dict() for result in results]}
    told = [line for line in render([rse]).splitlines() if "check mode" in line and "not-applicable" in line]
    assert len(told) == 1
    assert told[0].endswith(
        ": read-modify-all, read-no-write, modify-no-read, create-only, other-class-refused, path-boundary, audience-refused, "
        "issuer-bound, expired-refused, groups, third-party-copy, rucio-arithmetic"
    )


def test_a_result_is_plain_data() -> None:
    plain = answered(named("read-no-write")).as_dict()
    assert plain == {
        "id": "read-no-write",
        "title": "read does not write",
        "issuer": "escape",
        "door": "se1.example.org:1094",
        "expected": "GET 200, PUT 403",
        "got": "GET 200, PUT 403",
        "result": "ok",
        "seconds": 0.25,
        "why": "",
    }
    assert plain["result"].__class__ is str


def test_requests_that_were_not_sent_are_not_called_silent() -> None:
    result = evaluate(Check("tape", (Step("GET", "", "x", frozenset({200})),)), [Answer(None, "no token", sent=False)], TARGET, 0.0)
    assert (result.got, result.why) == ("GET not sent", "GET: no token")
