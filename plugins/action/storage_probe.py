# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of storage_probe: descriptions and credentials in, one verdict per RSE out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import render
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means, targets
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all, load_rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake
from ansible_collections.escape.datalake.plugins.plugin_utils.prober import Prober, Wallet, failures, summary, token_support
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "lake": {"type": "dict", "required": True},
        "storages": {"type": "dict", "required": True},
        "rses": {"type": "list", "elements": "dict"},
        "issuers": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "url": {"type": "str"},
                "client_id": {"type": "str"},
                "client_secret": {"type": "str", "no_log": True},
                "client_secret_file": {"type": "path", "no_log": False},
                "lab_mint": {"type": "bool", "default": False},
                "expired_token_file": {"type": "path", "no_log": False},
                "group_token_files": {"type": "dict", "no_log": False},
                "foreign_group": {"type": "str"},
            },
            "mutually_exclusive": [["client_secret", "client_secret_file"]],
        },
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 60.0},
        "workers": {"type": "int", "default": 8},
        "peer": {"type": "str"},
        "fail": {"type": "bool", "default": True},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        lake, storages = load_all(arguments["lake"], arguments["storages"])
        given = arguments["rses"]
        registered = None if given is None else {record.name: record for record in load_rse_records(given)}
        means = _means(arguments["issuers"], lake)
        todo = targets(lake, list(storages.values()), means, registered, arguments["peer"] or "")
        _reject(_number_problems(arguments) + _peer_problems(arguments["peer"], {target.place.rse for target in todo}))
        tls = Tls(ca=arguments["ca_path"])
        wallet = Wallet(means, tls=tls, timeout=arguments["timeout"])
        prober = Prober(wallet, tls=tls, timeout=arguments["timeout"], check_mode=self.check_mode)
        rses = summary(prober.run(todo, workers=arguments["workers"], progress=self._progress), check_mode=self.check_mode)
        rses += _without_door(list(storages.values()), rses)
        answer = {"changed": False, "rses": rses, "token_support": token_support(rses), "text": render(rses), "traffic": prober.traffic}
        problem = failures(rses)
        if problem and arguments["fail"]:
            answer |= {"failed": True, "msg": problem}
        return answer

    def _progress(self, done: int, every: int, seconds: float) -> None:
        self._display.display(f"storage_probe: {done} of {every} passes done, {seconds:.1f} s")


def _means(issuers: Sequence[Mapping[str, Any]], lake: Lake) -> dict[str, Means]:
    """How tokens are had, by issuer name; raises DescriptionError with all problems of the options."""
    problems: list[Problem] = []
    means: dict[str, Means] = {}
    for number, given in enumerate(issuers):
        at, name = f"issuers[{number}]", given["name"]
        known = lake.issuers[name].url if name in lake.issuers else None
        url = given["url"] or known
        if name in means:
            problems.append(Problem(f"{at}.name", f'"{name}" is there already.', "Give every issuer once."))
        if not url:
            problems.append(Problem(f"{at}.url", f'"{name}" is no issuer of the lake, so its address is not known.', "Give its url."))
        elif known and url != known:
            problems.append(
                Problem(f"{at}.url", f"the lake's issuer {name} is {known}.", "Leave url out, or give this issuer another name.")
            )
        secret = given["client_secret"] or ""
        if given["client_secret_file"]:
            secret = _secret(given["client_secret_file"], f"{at}.client_secret_file", problems)
        if given["client_id"] and not secret:
            problems.append(
                Problem(f"{at}.client_id", "a client without a secret gets no tokens.", "Give client_secret or client_secret_file.")
            )
        if given["lab_mint"] and not given["client_id"]:
            problems.append(Problem(f"{at}.lab_mint", "the stand-in mints for a client only.", "Give client_id and its secret."))
        means[name] = Means(
            name=name,
            url=url or "",
            client_id=given["client_id"] or "",
            secret=secret,
            lab_mint=given["lab_mint"],
            expired_token_file=given["expired_token_file"] or "",
            group_token_files=given["group_token_files"] or {},
            foreign_group=given["foreign_group"] or "",
        )
    _reject(problems)
    return means


def _secret(file: str, at: str, problems: list[Problem]) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as problem:
        problems.append(Problem(at, f"{file} cannot be read: {problem.strerror}.", "Correct the path or the mode of the file."))
    return ""


def _number_problems(arguments: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(name, f"is {arguments[name]}, and must be above 0.", "Correct it.")
        for name in ("timeout", "workers")
        if arguments[name] <= 0
    ]


def _peer_problems(peer: str | None, rses: set[str]) -> list[Problem]:
    if not peer or peer in rses:
        return []
    return [
        Problem(
            "peer", f'"{peer}" is no RSE of the storages with an https door.', f"Choose one of {', '.join(sorted(rses))}, or leave it out."
        )
    ]


def _without_door(storages: Sequence[Any], rses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries for areas that no https door serves: nothing can be proven of them."""
    probed = {rse["name"] for rse in rses}
    return [
        {"name": area.rse, "storage": storage.name, "qos": area.qos, "verdict": "failed", "checks": [], "cleaned": [], "remaining": []}
        for storage in storages
        for area in storage.areas
        if area.rse not in probed
    ]


def _reject(problems: Sequence[Problem]) -> None:
    if problems:
        raise DescriptionError(problems)
