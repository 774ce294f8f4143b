# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication rules: what may be asked, what was found, and the plan from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import parse_duration
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned

SCOPE = re.compile(r"[a-zA-Z_\-.0-9]{1,25}")
# Options that an update may change, by their name in the server's list of rules, which the update itself does not always use.
MUTABLE = {
    "activity": "activity",
    "comment": "comments",
    "locked": "locked",
    "priority": "priority",
    "purge_replicas": "purge_replicas",
    "source_replica_expression": "source_replica_expression",
}
# A deleted rule stays listed for this long, until a daemon removes it.
GRACE = timedelta(hours=1)
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Rule:
    """A rule for one DID, as declared. lifetime, renew_before: seconds. options: of MUTABLE; fixed: only for a new rule."""

    scope: str
    name: str
    account: str
    rse_expression: str
    copies: int
    lifetime: int | None = None
    renew_before: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What Rucio takes for the same rule."""
        return (self.scope, self.name, self.account, self.rse_expression, self.copies)

    @property
    def subject(self) -> str:
        return f"{self.scope}:{self.name} {self.copies} x {self.rse_expression} ({self.account})"


@dataclass(frozen=True)
class RuleFound:
    """A rule of the server. expires: None for never."""

    id: str
    expires: datetime | None
    options: Mapping[str, Any]
    moved: bool = False


def declared_rules(listed: Sequence[Mapping[str, Any]], account: str) -> tuple[Rule, ...]:
    """One rule for each DID of each entry; account: whose they are where an entry does not say. Raises DescriptionError."""
    problems: list[Problem] = []
    rules: list[Rule] = []
    for number, each in enumerate(listed):
        path = f"rules[{number}]"
        times = {key: _seconds(f"{path}.{key}", each.get(key), problems) for key in ("lifetime", "renew_before")}
        if each["copies"] < 1:
            problems.append(Problem(f"{path}.copies", f"{each['copies']} copies make no rule.", "Give 1 or more, or state absent."))
        if times["renew_before"] is not None and times["lifetime"] is None:
            problems.append(Problem(f"{path}.renew_before", "needs a lifetime to renew.", "Give lifetime too."))
        for did in each["dids"]:
            scope, _colon, name = did.partition(":")
            if not SCOPE.fullmatch(scope) or not name:
                problems.append(Problem(f"{path}.dids", f"{did!r} is no data identifier.", "Write scope:name."))
            rules.append(
                Rule(
                    scope,
                    name,
                    each.get("account") or account,
                    each["rse_expression"],
                    each["copies"],
                    **times,
                    options={key: each[key] for key in MUTABLE if each.get(key) is not None},
                    fixed={key: each[key] for key in ("grouping", "ignore_availability", "weight") if each.get(key) is not None},
                )
            )
    keys = [rule.key for rule in rules]
    problems += [
        Problem("rules", f"the rule for {key[0]}:{key[1]} on {key[3]} is declared more than once.", "Declare it once.")
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    if problems:
        raise DescriptionError(problems)
    return tuple(rules)


def _seconds(path: str, value: Any, problems: list[Problem]) -> int | None:
    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as problem:
        problems.append(Problem(path, str(problem), "Give seconds or a time such as 12h or 30d."))
        return None


def found_rules(raw: Iterable[Mapping[str, Any]]) -> dict[Key, RuleFound]:
    """Rules from the server's list."""
    return {
        (each["scope"], each["name"], each["account"], each["rse_expression"], int(each["copies"])): RuleFound(
            id=each["id"],
            expires=_time(each.get("expires_at")),
            options={ours: each.get(theirs) for ours, theirs in MUTABLE.items()},
            moved=each.get("child_rule_id") is not None,
        )
        for each in raw
    }


def _time(text: str | None) -> datetime | None:
    """A time of Rucio, ``Sun, 22 Nov 2026 00:11:22 UTC``."""
    if not text:
        return None
    time = parsedate_to_datetime(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def plan_rules(rules: Iterable[Rule], found: Mapping[Key, RuleFound], now: datetime) -> Planned:
    """Creates what is missing, changes options that may be changed, renews what ends soon. A rule that was moved is left to its end."""

    def changes() -> Iterator[Change]:
        for rule in rules:
            there = found.get(rule.key)
            if there is None:
                yield Change(rule.subject, "rule", "create", after=rule_body(rule))
            elif not there.moved:
                yield from _rule_changes(rule, there, now)

    return Planned(Plan.of(changes()))


def _rule_changes(rule: Rule, there: RuleFound, now: datetime) -> Iterator[Change]:
    different = sorted(key for key, value in rule.options.items() if there.options.get(key) != value)
    before: dict[str, Any] = {"id": there.id, **{key: there.options.get(key) for key in different}}
    after: dict[str, Any] = {"id": there.id, **{key: rule.options[key] for key in different}}
    if rule.renew_before is not None and there.expires is not None and there.expires - now < timedelta(seconds=rule.renew_before):
        different.append("lifetime")
        before["expires"], after["lifetime"] = there.expires.isoformat(), rule.lifetime
    elif rule.lifetime is None and there.expires is not None and there.expires - now <= GRACE:
        # Somebody deleted it: without this it would be gone when the hour of grace is over, although it is declared.
        different.append("lifetime")
        before["expires"], after["lifetime"] = there.expires.isoformat(), None
    if different:
        yield Change(rule.subject, "options", "update", name=", ".join(different), before=before, after=after)


def plan_removal(rules: Iterable[Rule], found: Mapping[Key, RuleFound], now: datetime) -> Planned:
    """Deletes rules; one that ends within the server's hour of grace counts as deleted."""
    return Planned(
        Plan.of(
            Change(rule.subject, "rule", "delete", before={"id": there.id})
            for rule in rules
            if (there := found.get(rule.key)) is not None and (there.expires is None or there.expires - now > GRACE)
        )
    )


def rule_body(rule: Rule) -> dict[str, Any]:
    """The request that makes the rule."""
    body: dict[str, Any] = {
        "dids": [{"scope": rule.scope, "name": rule.name}],
        "copies": rule.copies,
        "rse_expression": rule.rse_expression,
        "account": rule.account,
        **rule.options,
        **rule.fixed,
    }
    return body if rule.lifetime is None else {**body, "lifetime": rule.lifetime}
