# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fifteen checks that prove an area to serve tokens as declared: what is sent, what must come back, and what the answers mean.

Source of the checks: WLCG token profile 1.0 to 1.3 (capabilities, path rules), WLCG HTTP-TPC and tape REST interfaces, and Rucio's
determine_audience_for_rse / determine_scope_for_rse (lib/rucio/core/rse.py) for the last one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import groupby
from posixpath import dirname
from typing import Any, Literal


class Outcome(StrEnum):
    """Result of a check, best first. NOT_APPLICABLE is no success: it says that nothing was proven."""

    OK = "ok"
    NOT_APPLICABLE = "not-applicable"
    WARNING = "warning"
    FAILED = "failed"


TITLES = {
    "anonymous-refused": "without a token nothing is read or written",
    "read-modify-all": "read and modify together do everything, with the right checksum",
    "read-no-write": "read does not write",
    "modify-no-read": "modify writes and deletes but does not read",
    "create-only": "create makes new files but neither overwrites nor deletes",
    "other-class-refused": "a token for another class does not open this one",
    "path-boundary": "a path is matched by whole components",
    "audience-refused": "a token for another audience is refused",
    "audience-host": "the bare host name, which Rucio asks for, is an accepted audience",
    "issuer-bound": "another issuer's token with the same claims is refused",
    "expired-refused": "an expired token is refused",
    "groups": "groups without capabilities do what the description grants, foreign groups nothing",
    "third-party-copy": "bytes are pulled from and pushed to another area",
    "tape": "files are staged through the tape REST interface",
    "rucio-arithmetic": "the audience and scope that Rucio computes from the RSE open its prefix",
}
CHECK_IDS = tuple(TITLES)

READ, WROTE, MADE, LISTED, DELETED, MOVED = (
    frozenset({200}),
    frozenset({200, 201, 204}),
    frozenset({201}),
    frozenset({207}),
    frozenset({200, 202, 204}),
    frozenset({201, 204}),
)
COPIED = frozenset({200, 201, 202})
REFUSED = frozenset({401, 403})
FORBIDDEN = frozenset({403})
NOT_CHANGED = frozenset({401, 403, 405, 409, 412})
MISSING = frozenset({404})

SAMPLE = "sample"
"""The file that every pass writes first; checks that read need it."""

Where = Literal["here", "peer", "rucio"]


@dataclass(frozen=True)
class TokenWish:
    """What a token must say.

    groups: WLCG groups, instead of capabilities where there are no scopes. expired: its lifetime ended more than 60 s ago.
    without: groups that a person's token must not hold beside them, because they have rights of their own.
    """

    issuer: str
    scopes: tuple[str, ...] = ()
    audience: str = ""
    groups: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    expired: bool = False


@dataclass(frozen=True)
class Place:
    """One area behind one HTTPS door. scope_path: the area's path in token scopes, relative to the issuer's prefix."""

    storage: str
    system: str
    release: str
    rse: str
    qos: str
    path: str
    scope_path: str
    host: str
    port: int
    tape: bool = False

    @property
    def door(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def audience(self) -> str:
        """The door's own URL as the profile writes it: no default port, no trailing slash."""
        return f"https://{self.host}" if self.port == 443 else f"https://{self.host}:{self.port}"


@dataclass(frozen=True)
class RucioUse:
    """How Rucio would use one davs protocol of an RSE: computed from the registered record, never from the description of the storage."""

    host: str
    port: int
    prefix: str
    audience: str
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]


@dataclass(frozen=True)
class Unbound:
    """A group name without rights as this issuer's group, though with some as another's. granted: groups of this issuer with rights."""

    issuer: str
    group: str
    granted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """One pass: an area behind a door, as seen by the users of one issuer.

    other_scope: scope path of another class. grants: rights ("read", "write") by group of this issuer.
    foreign_group: a group without rights. strangers: issuers that the storage must not trust.
    unbound: groups of this issuer, as groups of other trusted issuers.
    peer: the other end of third-party copies. rucio: the RSE's davs protocols; rucio_problem: why there is none.
    unavailable: reason by token key where a token cannot be had and was not promised.
    """

    place: Place
    issuer: str
    other_scope: str
    grants: Mapping[str, str] = field(default_factory=dict)
    foreign_group: str = ""
    strangers: tuple[str, ...] = ()
    unbound: tuple[Unbound, ...] = ()
    peer: Place | None = None
    peer_problem: str = ""
    rucio: tuple[RucioUse, ...] = ()
    rucio_problem: str = ""
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One request. token: key into tokens(), empty for none. subject: object in the probe's directory, empty for the area itself.

    method: an HTTP method, or PULL, PUSH (COPY with this end active), DISCOVER, ARCHIVEINFO, STAGE, POLL (tape REST).
    far_token: the token for the passive end of a copy. index: which of several Rucio protocols.
    """

    method: str
    token: str
    subject: str
    expected: frozenset[int]
    name: str = ""
    where: Where = "here"
    target: str = ""
    far_token: str = ""
    index: int = 0

    @property
    def label(self) -> str:
        return self.name or self.method


@dataclass(frozen=True)
class Check:
    """One of the fifteen, for one target.

    reason: why it does not apply (then it has no steps). left_out: reasons of steps that were left out. broken: why it must fail unrun.
    """

    id: str
    steps: tuple[Step, ...] = ()
    reason: str = ""
    left_out: tuple[str, ...] = ()
    broken: str = ""

    @property
    def expected(self) -> str:
        return ", ".join(f"{step.label} {statuses(step.expected)}" for step in self.steps)


@dataclass(frozen=True)
class Answer:
    """What a step got.

    status: None when no answer came. fault: why the step failed although its status may look right. note: for people.
    sent: False when the request could not even be made.
    """

    status: int | None
    fault: str = ""
    note: str = ""
    sent: bool = True

    def words(self) -> str:
        if not self.sent:
            return "not sent"
        return ("no answer" if self.status is None else str(self.status)) + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Result:
    """A check's result as it is reported. seconds: how long its requests took."""

    id: str
    title: str
    issuer: str
    door: str
    expected: str
    got: str
    result: Outcome
    seconds: float
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "result": self.result.value, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Deviation:
    """A known fault of some releases: since <= release < before answers the step with one of statuses."""

    check: str
    step: str
    system: str
    since: tuple[int, ...]
    before: tuple[int, ...]
    statuses: frozenset[int]
    words: str
    source: str


DEVIATIONS = (
    Deviation(
        "modify-no-read",
        "DELETE",
        "xrootd",
        (5, 0),
        (5, 6, 9),
        frozenset({403}),
        "storage.modify alone is refused because the server stats first; clients must ask for read and modify, as Rucio does",
        "xrootd/xrootd 2184 and 2185, fixed in 5.6.9; tried on 5.5.3",
    ),
    Deviation(
        "path-boundary",
        "GET",
        "xrootd",
        (5, 0),
        (5, 9, 3),
        frozenset({200}),
        "scope paths are matched as text prefixes; keep class directories apart that begin with the same text",
        "component boundaries only from 5.9.3; tried on 5.5.3 (open) and 6.2.1 (closed)",
    ),
    Deviation(
        "path-boundary",
        "GET",
        "storm",
        (1, 4),
        (1, 10),
        frozenset({200}),
        "scope paths are matched as text prefixes; keep class directories apart that begin with the same text",
        "italiangrid/storm-webdav 1.4 to 1.9",
    ),
)


def statuses(values: Iterable[int]) -> str:
    """Statuses for people: ``401 or 403``."""
    words = [str(value) for value in sorted(values)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def other_scope(mine: str, others: Iterable[str]) -> str:
    """The scope path of a class that neither holds nor lies in mine; an invented sibling when the storage has one class only."""
    for other in others:
        if not (mine + "/").startswith(other.rstrip("/") + "/") and not (other + "/").startswith(mine.rstrip("/") + "/"):
            return other
    return dirname(mine).rstrip("/") + "/probe-other-class"


def tokens(target: Target) -> dict[str, TokenWish]:
    """The tokens of a pass by the keys that steps use."""
    place, issuer, audience = target.place, target.issuer, target.place.audience
    path = place.scope_path

    def capability(*operations: str, at: str = path, aud: str = audience) -> TokenWish:
        return TokenWish(issuer, tuple(f"storage.{operation}:{at}" for operation in operations), aud)

    wishes = {
        "read": capability("read"),
        "modify": capability("modify"),
        "create": capability("create"),
        "all": capability("read", "modify"),
        "stage": capability("stage", "read"),
        "read-other": capability("read", at=target.other_scope),
        "read-prefix": capability("read", at=path[:-1]),
        "foreign-audience": capability("read", aud="https://somewhere-else.invalid"),
        "host-audience": capability("read", aud=place.host),
        "expired": replace(capability("read"), expired=True),
        "group-foreign": TokenWish(issuer, audience=audience, groups=(target.foreign_group,), without=tuple(sorted(target.grants))),
    }
    writers = tuple(sorted(group for group, rights in target.grants.items() if rights == "write"))
    for group, rights in target.grants.items():
        wishes[f"group:{group}"] = TokenWish(issuer, audience=audience, groups=(group,), without=() if rights == "write" else writers)
    same = replace(capability("read", "modify"), groups=tuple(sorted(target.grants)))
    wishes |= {f"stranger:{name}": replace(same, issuer=name) for name in target.strangers}
    for each in target.unbound:
        wishes[f"unbound:{each.issuer}:{each.group}"] = TokenWish(
            each.issuer, audience=audience, groups=(each.group,), without=each.granted
        )
    if target.peer:
        peer = target.peer
        wishes["peer-read"] = capability("read", at=peer.scope_path, aud=peer.audience)
        wishes["peer-all"] = capability("read", "modify", at=peer.scope_path, aud=peer.audience)
    for index, use in enumerate(target.rucio):
        wishes[f"rucio-read:{index}"] = TokenWish(issuer, use.read_scopes, use.audience)
        wishes[f"rucio-write:{index}"] = TokenWish(issuer, use.write_scopes, use.audience)
    return wishes


def checks(target: Target) -> tuple[Check, ...]:
    """All fifteen checks of a pass, in order; one that does not apply to this target carries the reason."""
    every = (
        Check("anonymous-refused", (Step("GET", "", SAMPLE, REFUSED), Step("PUT", "", "anonymous", REFUSED))),
        Check(
            "read-modify-all",
            (
                Step("PUT", "all", "file", WROTE),
                Step("HEAD", "all", "file", READ),
                Step("GET", "all", "file", READ),
                Step("MOVE", "all", "file", MOVED, target="moved"),
                Step("MKCOL", "all", "directory", MADE),
                Step("PROPFIND", "all", "directory", LISTED),
                Step("DELETE", "all", "moved", DELETED),
                Step("GET", "all", "moved", MISSING, name="GET deleted"),
            ),
        ),
        Check("read-no-write", (Step("GET", "read", SAMPLE, READ), Step("PUT", "read", "read-only", FORBIDDEN))),
        Check(
            "modify-no-read",
            (
                Step("PUT", "modify", "modified", WROTE),
                Step("GET", "modify", SAMPLE, FORBIDDEN),
                Step("DELETE", "modify", "modified", DELETED),
            ),
        ),
        Check(
            "create-only",
            (
                Step("PUT", "create", "created", WROTE, name="PUT new"),
                Step("PUT", "create", "created", NOT_CHANGED, name="PUT same"),
                Step("DELETE", "create", "created", NOT_CHANGED),
            ),
        ),
        Check("other-class-refused", (Step("GET", "read-other", SAMPLE, FORBIDDEN),)),
        _path_boundary(target),
        Check("audience-refused", (Step("GET", "foreign-audience", SAMPLE, REFUSED),)),
        Check("audience-host", (Step("GET", "host-audience", "missing", MISSING),)),
        _issuer_bound(target),
        Check("expired-refused", (Step("GET", "expired", SAMPLE, REFUSED),)),
        _groups(target),
        _third_party_copy(target),
        _tape(target),
        _rucio(target),
    )
    return tuple(_possible(check, target.unavailable) for check in every)


def reading_checks(target: Target) -> tuple[Check, ...]:
    """The checks of a pass as far as they only read (check mode); the others say that they were left out."""
    why = "check mode neither writes nor deletes"
    reading = {"anonymous-refused": Check("anonymous-refused", (Step("GET", "", "", REFUSED),), left_out=(f"PUT: {why}",))}
    every = checks(target)
    reading |= {check.id: check for check in every if check.id == "audience-host" or check.reason}
    return tuple(reading.get(check.id, Check(check.id, reason=why)) for check in every)


def evaluate(check: Check, answers: Sequence[Answer], target: Target, seconds: float) -> Result:
    """Judges the answers to a check's steps, in the order of the steps; a step without an answer was not reached and fails the check."""
    place = target.place
    got, why, worst = [], [], Outcome.OK

    def worse(outcome: Outcome, words: str) -> None:
        nonlocal worst
        if outcome is Outcome.FAILED or worst is Outcome.OK:
            worst = outcome
        why.append(words)

    for position, step in enumerate(check.steps):
        if position >= len(answers):
            if not check.broken:
                worse(Outcome.FAILED, f"{step.label} was not reached")
            continue
        answer = answers[position]
        got.append(f"{step.label} {answer.words()}")
        known = _deviation(check.id, step.label, place)
        right = answer.status in step.expected and not answer.fault
        if right and known:
            gone = f"the fault known of {place.system} {place.release} ({known.source}) is not there: correct the release or the pin"
            worse(Outcome.WARNING, f"{step.label}: {gone}")
        elif not right and known and answer.status in known.statuses and not answer.fault:
            worse(Outcome.WARNING, f"{step.label}: {known.words} ({known.source})")
        elif not right:
            worse(Outcome.FAILED, f"{step.label}: {answer.fault or _meaning(step, answer)}")
    if check.broken:
        worse(Outcome.FAILED, check.broken)
    if not check.steps and not check.broken:
        worst = Outcome.NOT_APPLICABLE
        why.append(check.reason)
    why += [f"left out: {reason}" for reason in check.left_out]
    return Result(check.id, TITLES[check.id], target.issuer, place.door, check.expected, ", ".join(got), worst, seconds, "; ".join(why))


def verdict(results: Collection[Result], *, check_mode: bool = False) -> str:
    """``ok`` when nothing failed and one issuer's users were proven to read and write, else ``failed``; ``skipped`` in check mode."""
    if any(result.result is Outcome.FAILED for result in results):
        return "failed"
    if check_mode:
        return "skipped"
    proven = any(result.id == "read-modify-all" and result.result in (Outcome.OK, Outcome.WARNING) for result in results)
    return "ok" if proven else "failed"


def directory_name(random: str, now: float | None = None) -> str:
    """The name of a probe's directory; it carries its time (Unix seconds), so that age does not depend on any server's clock."""
    return f".probe-{int(time.time() if now is None else now):010d}-{random}"


def is_leftover(name: str, now: float, age: float = 3600.0) -> bool:
    """Whether a name is that of the directory of a probe which began more than age seconds ago."""
    match = re.fullmatch(r"\.probe-(\d{10})-[0-9a-f]{12}", name)
    return bool(match) and now - int(match[1]) > age if match else False


def render(rses: Sequence[Mapping[str, Any]]) -> str:
    """The table for people, from the module's ``rses``."""
    lines = []
    for rse in rses:
        found = [check["result"] for check in rse["checks"]]
        counts = ", ".join(f"{found.count(outcome.value)} {outcome.value}" for outcome in Outcome if outcome.value in found)
        lines.append(f"{rse['name']} ({rse['qos']}, {rse['storage']}): {rse['verdict']}" + (f"  [{counts}]" if counts else ""))
        for (issuer, door), checks_of_door in groupby(rse["checks"], lambda check: (check["issuer"], check["door"])):
            lines.append(f"  users of {issuer} at {door}")
            left_out: dict[str, list[str]] = {}
            for check in checks_of_door:
                if check["result"] == Outcome.NOT_APPLICABLE.value:
                    left_out.setdefault(check["why"], []).append(check["id"])
                    continue
                number = CHECK_IDS.index(check["id"]) + 1
                lines.append(f"  {number:3d} {check['id']:<20} {check['result']:<15} {check['got']}".rstrip())
                if check["why"]:
                    lines.append(f"{'':25}{check['why']}")
            lines += [f"      {Outcome.NOT_APPLICABLE.value}, {why}: {', '.join(ids)}" for why, ids in left_out.items()]
    return "\n".join(lines)


def release_numbers(release: str) -> tuple[int, ...]:
    """``5.5.3-1`` as (5, 5, 3); empty when it does not begin with a number."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", release)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _path_boundary(target: Target) -> Check:
    path = target.place.scope_path
    if len(path.rsplit("/", 1)[-1]) < 2:
        return Check("path-boundary", reason=f"the last component of {path} has one character, so it has no shorter prefix")
    return Check("path-boundary", (Step("GET", "read-prefix", SAMPLE, FORBIDDEN),))


def _issuer_bound(target: Target) -> Check:
    steps = [Step("GET", f"stranger:{name}", SAMPLE, REFUSED, name=f"GET as {name}") for name in target.strangers]
    steps += [
        Step("GET", f"unbound:{each.issuer}:{each.group}", SAMPLE, REFUSED, name=f"GET as {each.issuer} group {each.group}")
        for each in target.unbound
    ]
    if not steps:
        return Check("issuer-bound", reason="no second issuer is configured: name one in issuers that this storage or area must refuse")
    return Check("issuer-bound", tuple(steps))


def _groups(target: Target) -> Check:
    if target.place.system == "eos":
        return Check("groups", reason="EOS maps identities and does not look at groups")
    if not target.grants:
        return Check("groups", reason=f"the description grants nothing to groups of {target.issuer} here")
    steps: list[Step] = []
    for group, rights in sorted(target.grants.items()):
        steps.append(Step("GET", f"group:{group}", SAMPLE, READ, name=f"GET as {group}"))
        steps.append(Step("PUT", f"group:{group}", "group", WROTE if rights == "write" else REFUSED, name=f"PUT as {group}"))
    steps.append(Step("GET", "group-foreign", SAMPLE, FORBIDDEN, name=f"GET as {target.foreign_group}"))
    return Check("groups", tuple(steps))


def _third_party_copy(target: Target) -> Check:
    if target.peer is None:
        return Check("third-party-copy", reason=target.peer_problem or "there is no second area to copy from and to")
    return Check(
        "third-party-copy",
        (
            Step("PUT", "peer-all", SAMPLE, WROTE, name="PUT at peer", where="peer"),
            Step("PULL", "all", "pulled", COPIED, target=SAMPLE, far_token="peer-read"),
            Step("HEAD", "all", "pulled", READ, name="HEAD pulled"),
            Step("PUSH", "read", SAMPLE, COPIED, target="pushed", far_token="peer-all"),
            Step("HEAD", "peer-all", "pushed", READ, name="HEAD pushed", where="peer"),
        ),
    )


def _tape(target: Target) -> Check:
    if not target.place.tape:
        return Check("tape", reason="the area is not on tape")
    return Check(
        "tape",
        (
            Step("DISCOVER", "", SAMPLE, READ),
            Step("ARCHIVEINFO", "stage", SAMPLE, READ),
            Step("STAGE", "stage", SAMPLE, frozenset({200, 201})),
            Step("POLL", "stage", SAMPLE, READ),
        ),
    )


def _rucio(target: Target) -> Check:
    if not target.rucio:
        return Check("rucio-arithmetic", broken=target.rucio_problem or "the RSE has no davs protocol, so Rucio would never use a token")
    steps: list[Step] = []
    for index, use in enumerate(target.rucio):
        at = f" at {use.host}:{use.port}{use.prefix}" if len(target.rucio) > 1 else ""
        steps.append(Step("PUT", f"rucio-write:{index}", "rucio", WROTE, name=f"PUT{at}", where="rucio", index=index))
        steps.append(Step("GET", f"rucio-read:{index}", "rucio", READ, name=f"GET{at}", where="rucio", index=index))
        steps.append(Step("DELETE", f"rucio-write:{index}", "rucio", DELETED, name=f"DELETE{at}", where="rucio", index=index))
    return Check("rucio-arithmetic", tuple(steps))


def _possible(check: Check, unavailable: Mapping[str, str]) -> Check:
    """The check without the steps whose tokens cannot be had; not applicable when none is left."""
    reasons = {step.token: unavailable[step.token] for step in check.steps if step.token in unavailable}
    if not reasons:
        return check
    steps = tuple(step for step in check.steps if step.token not in reasons)
    told = tuple(dict.fromkeys(reasons.values()))
    return replace(check, steps=steps, left_out=told) if steps else Check(check.id, reason="; ".join(told))


def _deviation(check: str, step: str, place: Place) -> Deviation | None:
    release = release_numbers(place.release)
    for known in DEVIATIONS:
        if (known.check, known.step, known.system) == (check, step, place.system) and known.since <= release < known.before:
            return known
    return None


def _meaning(step: Step, answer: Answer) -> str:
    """Why an unexpected status matters, for people."""
    if answer.status is None:
        return "no answer"
    if answer.status < 400 and step.expected & REFUSED:
        return f"{answer.status}: let in although it had to be refused"
    if answer.status == 404 and step.expected & REFUSED:
        return "404: authorised, although it had to be refused"
    if answer.status in REFUSED:
        return f"{answer.status}: refused although it had to be let in"
    return f"{answer.status} in place of {statuses(step.expected)}"
