# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries the probe's checks out against real doors with real tokens, and cleans up after itself."""

from __future__ import annotations

import json
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import probe
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import (
    SAMPLE,
    Answer,
    Check,
    Outcome,
    Result,
    Step,
    Target,
    TokenWish,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import ANY_AUDIENCE
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.issuer import IssuerClient, Once, audiences, claims
from ansible_collections.escape.datalake.plugins.plugin_utils.services.webdav import (
    CopyReply,
    Deadline,
    Reply,
    WebdavDoor,
    digests,
    tape_endpoint,
)

SAMPLE_BYTES = 4096
EXPIRED_SINCE = 300
"""Seconds since when a minted expired token is expired; verifiers forgive 60."""
MINTED_FOR = 900
TAPE_FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
MAX_DEPTH = 8


class Wallet:
    """Gives the token for a wish, each fetched once; raises ApiError when it cannot be had."""

    def __init__(self, means: Mapping[str, Means], *, tls: Tls | None = None, timeout: float = 30.0) -> None:
        self._means = means
        self.issuers = {
            name: IssuerClient(name, how.url, how.client_id, how.secret, tls=tls, timeout=timeout) for name, how in means.items()
        }

    def get(self, wish: TokenWish) -> str:
        how, issuer = self._means[wish.issuer], self.issuers[wish.issuer]
        if how.lab_mint and (wish.expired or wish.groups):
            return issuer.mint(
                scope=" ".join(wish.scopes) or "openid",
                audience=wish.audience,
                groups=list(wish.groups) or None,
                lifetime=-EXPIRED_SINCE if wish.expired else MINTED_FOR,
            )
        if wish.expired:
            return _token_from_file(how.expired_token_file, wish, how.url)
        if wish.groups and not wish.scopes:
            return _token_from_file(how.group_token_files[wish.groups[0]], wish, how.url)
        return issuer.token(wish.scopes, wish.audience)


@dataclass
class PassReport:
    """What one pass found.

    cleaned: directories of older, interrupted probes that were removed. remaining: directories of this one that could not be removed.
    """

    target: Target
    results: list[Result] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)
    remaining: list[str] = field(default_factory=list)


class Prober:
    """Probes targets side by side.

    timeout: seconds for each check. check_mode: only reads, anonymously or of a file that does not exist.
    """

    def __init__(self, wallet: Wallet, *, tls: Tls | None = None, timeout: float = 60.0, check_mode: bool = False) -> None:
        self.wallet, self.timeout, self.check_mode = wallet, timeout, check_mode
        self._tls = tls
        self._doors: dict[tuple[str, int], WebdavDoor] = {}
        self._swept = Once()

    def run(
        self, targets: Sequence[Target], *, workers: int = 8, progress: Callable[[int, int, float], None] | None = None
    ) -> list[PassReport]:
        """All passes, in the order of targets. progress: called with (done so far, all, seconds since the start)."""
        for target in targets:
            for host, port in _addresses(target):
                self._doors.setdefault((host, port), WebdavDoor(host, port, tls=self._tls, read_only=self.check_mode))
        # A door serves its users while it is probed: one pass at a time there. XRootD before 5.9.2 may fall silent when it has a checksum
        # ready at once (xrootd issue 2602), the more likely the more it has to do.
        turns = {target.place.door: Lock() for target in targets}

        def in_turn(target: Target) -> PassReport:
            with turns[target.place.door]:
                return _Pass(self, target).run()

        started = time.monotonic()
        with ThreadPoolExecutor(max_workers=workers) as pool:
            passes = [pool.submit(in_turn, target) for target in targets]
            for done, _finished in enumerate(as_completed(passes), start=1):
                if progress:
                    progress(done, len(passes), time.monotonic() - started)
        return [each.result() for each in passes]

    @property
    def traffic(self) -> dict[str, int]:
        """Requests and writes to doors and issuers."""
        counts = [door.http.traffic for door in self._doors.values()] + [issuer.http.traffic for issuer in self.wallet.issuers.values()]
        return {key: sum(count[key] for count in counts) for key in ("requests", "writes")}

    def door(self, host: str, port: int) -> WebdavDoor:
        return self._doors[host, port]

    def sweep_once(self, target: Target, sweep: Callable[[], list[str]]) -> list[str]:
        """Looks for what older probes left in an area, once per area and door; the names of later callers are empty."""
        mine: list[str] = []

        def first() -> None:
            mine.extend(sweep())

        self._swept.get((target.place.door, target.place.path), first)
        return mine


class _Pass:
    """One target's checks, in its own directory."""

    def __init__(self, prober: Prober, target: Target) -> None:
        self.prober, self.target = prober, target
        self.wishes = probe.tokens(target)
        self.directory = probe.directory_name(secrets.token_hex(6))
        self.body = os.urandom(SAMPLE_BYTES)
        self.made: dict[tuple[str, int], dict[str, None]] = {}
        self.sample_problem = ""
        self.tape = ""
        self.tape_request = ""

    def run(self) -> PassReport:
        report = PassReport(self.target)
        if "all" in self.target.unavailable:
            report.results = [self._judge(Check(check, reason=self.target.unavailable["all"]), [], 0.0) for check in probe.CHECK_IDS]
            return report
        if self.prober.check_mode:
            report.results = [self._check(check) for check in probe.reading_checks(self.target)]
            return report
        try:
            report.cleaned = self.prober.sweep_once(self.target, self._sweep)
            silent = self._write_sample()
            for check in probe.checks(self.target):
                if silent:
                    broken = Check(check.id, check.steps, check.reason, broken="" if check.reason else f"not tried: {silent}")
                    report.results.append(self._judge(broken, [], 0.0))
                else:
                    report.results.append(self._check(check))
        finally:
            report.remaining = self._clean()
        return report

    def _check(self, check: Check) -> Result:
        started = time.monotonic()
        within = Deadline(self.prober.timeout)
        answers = [] if check.broken else [self._answer(step, within) for step in check.steps]
        return self._judge(check, answers, time.monotonic() - started)

    def _judge(self, check: Check, answers: Sequence[Answer], seconds: float) -> Result:
        return probe.evaluate(check, answers, self.target, seconds)

    def _write_sample(self) -> str:
        """Makes the directory and the file that checks read; returns why the door is silent, empty when it answers."""
        within = Deadline(self.prober.timeout)
        try:
            token = self._token("all")
        except ApiError as problem:
            self.sample_problem = str(problem)
            return ""
        door = self._door("here", 0)
        try:
            self._will_make("here", 0, "all")
            self._make_directory("here", 0, token, within)
            reply = door.put(self._path("here", 0, SAMPLE), self.body, token, within)
        except ApiError as problem:
            self.sample_problem = str(problem)
            return str(problem)
        if reply.status not in probe.WROTE:
            self.sample_problem = f"PUT {reply.status}"
        return ""

    def _answer(self, step: Step, within: Deadline) -> Answer:
        if self.sample_problem and step.token and step.where == "here" and step.subject == SAMPLE:
            return Answer(None, f"the sample file could not be written: {self.sample_problem}", sent=False)
        try:
            token = self._token(step.token) if step.token else None
            far_token = self._token(step.far_token) if step.far_token else ""
        except ApiError as problem:
            return Answer(None, f"no token: {problem}", sent=False)
        try:
            return self._send(step, token, far_token, within)
        except ApiError as problem:
            return Answer(None, problem.words)

    def _send(self, step: Step, token: str | None, far_token: str, within: Deadline) -> Answer:
        door = self._door(step.where, step.index)
        path = self._path(step.where, step.index, step.subject)
        if step.method == "GET":
            return self._read(step, door.get(path, token, within))
        if step.method == "HEAD":
            return self._described(door.head(path, token, within))
        if step.method == "PROPFIND":
            return Answer(door.list(path, token, within)[0].status)
        if step.method == "DELETE":
            return Answer(door.delete(path, token, within).status)
        if step.method == "PUT":
            self._will_make(step.where, step.index, step.token)
            if step.where != "here":
                self._make_directory(step.where, step.index, token, within)
            return Answer(door.put(path, self.body, token, within).status)
        if step.method == "MKCOL":
            return Answer(door.make_directory(path, token, within).status)
        if step.method == "MOVE":
            return Answer(door.move(path, self._path(step.where, step.index, step.target), token, within).status)
        if step.method == "PULL":
            source = self._door("peer", 0).url(self._path("peer", 0, step.target))
            return _copied(door.pull(path, source, token, far_token, within))
        if step.method == "PUSH":
            destination = self._door("peer", 0).url(self._path("peer", 0, step.target))
            return _copied(door.push(path, destination, token, far_token, within))
        return self._tape(step.method, door, path, token, within)

    def _read(self, step: Step, reply: Reply) -> Answer:
        if reply.status == 200 and 200 in step.expected and reply.body != self.body:
            return Answer(200, f"{len(reply.body)} bytes that are not the {len(self.body)} written")
        return Answer(reply.status)

    def _described(self, reply: Reply) -> Answer:
        """Size and checksum of a file must be those of what was written."""
        if reply.status != 200:
            return Answer(reply.status)
        expected = f"{zlib.adler32(self.body):08x}"
        size, checksum = reply.headers.get("content-length"), digests(reply.headers).get("adler32")
        if size != str(len(self.body)):
            return Answer(200, f"size {size}, {len(self.body)} bytes were written")
        if checksum is None:
            return Answer(200, "no adler32 in the answer, so Rucio could not verify copies")
        if checksum != expected:
            return Answer(200, f"adler32 {checksum}, {expected} was written")
        return Answer(200, note=f"adler32 {checksum}")

    def _tape(self, method: str, door: WebdavDoor, path: str, token: str | None, within: Deadline) -> Answer:
        if method == "DISCOVER":
            reply = door.discover_tape(within)
            self.tape = tape_endpoint(_json(reply))
            fault = "" if self.tape or reply.status != 200 else "the document names no v1 end point over https"
            return Answer(reply.status, fault, self.tape)
        if not self.tape:
            return Answer(None, "there is no end point to ask", sent=False)
        if method == "ARCHIVEINFO":
            reply = door.post_json(f"{self.tape}/archiveinfo", {"paths": [path]}, token, within, write=False)
            found = _json(reply)
            locality = found[0].get("locality") if isinstance(found, list) and found and isinstance(found[0], dict) else None
            return Answer(reply.status, "" if locality or reply.status != 200 else "no locality in the answer", str(locality or ""))
        if method == "STAGE":
            reply = door.post_json(f"{self.tape}/stage", {"files": [{"path": path}]}, token, within, write=True)
            found = _json(reply)
            self.tape_request = str(found.get("requestId", "")) if isinstance(found, dict) else ""
            return Answer(reply.status, "" if self.tape_request or reply.status >= 300 else "no requestId in the answer")
        if not self.tape_request:
            return Answer(None, "there is no stage request to ask for", sent=False)
        return self._poll(door, token, within)

    def _poll(self, door: WebdavDoor, token: str | None, within: Deadline) -> Answer:
        """Asks until the file is staged or half of the time is over: a real tape may take hours, the answers are what counts."""
        url = f"{self.tape}/stage/{self.tape_request}"
        while True:
            reply = door.get_url(url, token, within)
            found = _json(reply)
            files = found.get("files") if isinstance(found, dict) else None
            state = str(files[0].get("state", "")) if isinstance(files, list) and files and isinstance(files[0], dict) else ""
            if reply.status != 200 or state in TAPE_FINAL or within.left < within.seconds / 2:
                break
            time.sleep(1.0)
        door.delete_url(url, token, within)
        return Answer(reply.status, f"the file is {state}" if state in {"FAILED", "CANCELLED"} else "", state)

    def _token(self, key: str) -> str:
        return self.prober.wallet.get(self.wishes[key])

    def _door(self, where: str, index: int) -> WebdavDoor:
        place = self.target.place
        if where == "peer" and self.target.peer:
            place = self.target.peer
        if where == "rucio":
            return self.prober.door(self.target.rucio[index].host, self.target.rucio[index].port)
        return self.prober.door(place.host, place.port)

    def _path(self, where: str, index: int, subject: str) -> str:
        """A name in this pass's directory; the area itself for an empty subject."""
        place = self.target.place
        if where == "peer" and self.target.peer:
            place = self.target.peer
        base = self.target.rucio[index].prefix.rstrip("/") if where == "rucio" else place.path
        return f"{base}/{self.directory}/{subject}" if subject else base

    def _will_make(self, where: str, index: int, token: str) -> None:
        """Notes that something is about to be made, and the tokens that may remove it: the one meant for that, then its maker's."""
        cleaner = {"here": "all", "peer": "peer-all"}.get(where, f"rucio-write:{index}")
        self.made.setdefault((where, index), {cleaner: None})[token] = None

    def _make_directory(self, where: str, index: int, token: str | None, within: Deadline) -> None:
        """Makes this pass's directory where it is not there: not every server makes parents on PUT. What comes of it shows at the PUT."""
        self._door(where, index).make_directory(self._path(where, index, "x").rsplit("/", 1)[0], token, within)

    def _clean(self) -> list[str]:
        """Removes all that this pass made; returns the URLs of what is still there."""
        remaining = []
        for (where, index), keys in self.made.items():
            door, path = self._door(where, index), self._path(where, index, "x").rsplit("/", 1)[0]
            if not self._remove(door, path, keys):
                remaining.append(door.url(path))
        return remaining

    def _remove(self, door: WebdavDoor, path: str, keys: Iterable[str]) -> bool:
        """Whether a directory of the probe is gone, removed with one of the tokens or, where anonymous users could write, without."""
        within = Deadline(self.prober.timeout)
        for key in keys:
            try:
                if _remove_tree(door, path, self._token(key) if key else None, within):
                    return True
            except ApiError:
                continue
        return False

    def _sweep(self) -> list[str]:
        """Removes directories of probes that began more than an hour ago and were interrupted; returns their URLs."""
        within = Deadline(self.prober.timeout)
        door, area = self._door("here", 0), self.target.place.path
        removed: list[str] = []
        try:
            token = self._token("all")
            _reply, entries = door.list(area, token, within)
            old = [f"{area}/{entry.name}" for entry in entries if entry.is_directory and probe.is_leftover(entry.name, time.time())]
            removed.extend(door.url(path) for path in old if _remove_tree(door, path, token, within))
        except ApiError:
            return removed  # an area that cannot be listed is reported by the checks
        return removed


def summary(reports: Sequence[PassReport], *, check_mode: bool) -> list[dict[str, Any]]:
    """The module's ``rses``: one entry per RSE, over all of its doors and issuers, in the order given."""
    rses: dict[str, list[PassReport]] = {}
    for report in reports:
        rses.setdefault(report.target.place.rse, []).append(report)
    return [
        {
            "name": name,
            "storage": passes[0].target.place.storage,
            "qos": passes[0].target.place.qos,
            "verdict": probe.verdict([result for each in passes for result in each.results], check_mode=check_mode),
            "checks": [result.as_dict() for each in passes for result in each.results],
            "cleaned": [url for each in passes for url in each.cleaned],
            "remaining": [url for each in passes for url in each.remaining],
        }
        for name, passes in rses.items()
    ]


def token_support(rses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records for CRIC and Rucio: ``oidc_support`` where tokens were proven, its removal where they were not; none in check mode."""
    return [
        {"name": rse["name"], "attributes": {"oidc_support": True if rse["verdict"] == "ok" else None}}
        for rse in rses
        if rse["verdict"] != "skipped"
    ]


def failures(rses: Sequence[Mapping[str, Any]]) -> str:
    """The failed RSEs and their failed checks in a sentence; empty when there are none."""
    words = []
    for rse in rses:
        if rse["verdict"] == "failed":
            failed = [f"{check['id']} ({check['why']})" for check in rse["checks"] if check["result"] == Outcome.FAILED.value]
            words.append(
                f"{rse['name']}: "
                + ("; ".join(failed) or "nothing could be tried: it needs an https door, and the credentials of one issuer")
            )
    return f"{len(words)} of {len(rses)} RSEs did not pass: " + " | ".join(words) if words else ""


def _addresses(target: Target) -> set[tuple[str, int]]:
    places = [target.place] + ([target.peer] if target.peer else [])
    return {(place.host, place.port) for place in places} | {(use.host, use.port) for use in target.rucio}


def _copied(reply: CopyReply) -> Answer:
    """The body decides: servers answer 201 before the first byte is copied."""
    if reply.done:
        return Answer(reply.status, "", reply.words)
    return Answer(reply.status, reply.words)


def _remove_tree(door: WebdavDoor, path: str, token: str | None, within: Deadline, depth: int = 0) -> bool:
    """Whether a directory and all below it is gone afterwards. path: a directory of the probe, or below one."""
    if not any(part.startswith(".probe-") for part in path.split("/")):
        raise ValueError(f"{path} is no directory of the probe and is not removed")
    reply, entries = door.list(path, token, within)
    if reply.status == 404:
        return True
    for entry in entries:
        child = f"{path}/{entry.name}"
        if entry.is_directory and depth < MAX_DEPTH:
            _remove_tree(door, child, token, within, depth + 1)
        else:
            door.delete(child, token, within)
    return door.delete(path, token, within).status in probe.DELETED | probe.MISSING


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def _token_from_file(file: str, wish: TokenWish, issuer: str) -> str:
    """A token that a person put into a file; raises ApiError when it would prove nothing."""
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except OSError as problem:
        words = f"{problem.strerror}: correct the path, or leave the option out"
        raise ApiError("token file", "read", file, None, words) from problem
    if words := _useless(claims(token), wish, issuer):
        raise ApiError("token file", "read", file, None, words)
    return token


def _covers(scope: str, wanted: Iterable[str]) -> bool:
    """Whether a token's scopes hold all wanted ones, paths by whole components."""

    def within(inner: str, outer: str) -> bool:
        operation, _colon, path = inner.partition(":")
        same, _colon, base = outer.partition(":")
        return operation == same and (path + "/").startswith(base.rstrip("/") + "/")

    return all(any(within(inner, outer) for outer in scope.split()) for inner in wanted)


def _useless(found: Mapping[str, Any], wish: TokenWish, issuer: str) -> str:
    """Why a token given by a person proves nothing; empty when it is what was asked for."""
    expires = found.get("exp")
    if found.get("iss") != issuer or not isinstance(expires, int | float):
        return f"expected a JWT of issuer {issuer} with an expiry, found iss {found.get('iss')!r}"
    ago = time.time() - expires
    told = f"it has scope {found.get('scope')!r}, groups {found.get('wlcg.groups')} and audience {found.get('aud')!r}"
    if wish.expired and ago <= 60:
        return f"the token must have expired more than 60 s ago: use it in {60 - ago:.0f} s or later"
    if not wish.expired and ago >= 0:
        return f"the token expired {ago:.0f} s ago: get a new one"
    if not audiences(dict(found)) & {wish.audience, ANY_AUDIENCE}:
        return f"the token would be refused anyway: {told}; take one for {ANY_AUDIENCE}"
    if wish.expired:
        return (
            ""
            if _covers(str(found.get("scope", "")), wish.scopes)
            else f"the token would be refused anyway: {told}; it needs storage.read:/"
        )
    groups = found.get("wlcg.groups") or []
    if wish.groups[0] not in groups or set(wish.without) & set(groups) or "storage." in str(found.get("scope", "")):
        without = f", not {' or '.join(wish.without)}," if wish.without else ""
        return f"the token must hold the group {wish.groups[0]}{without} and no storage scope; {told}"
    return ""
