# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of a storage of any system as a tree of files, without a host: what its role would write on a new one, or would make of
the tree that is there. Pure, but for secrets, which the caller makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.storm import options_of
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release, xrootd_tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd import Facts
from ansible_collections.escape.datalake.plugins.plugin_utils.eos_arguments import accounts_of, placements_of
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.eos_answers import Instance
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import (
    dcache,
    dcache_pools,
    dpm,
    eos,
    eos_instance,
    storm,
    storm_layout,
    xrootd,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Wanted

Files = Mapping[str, str]
"""Text by path relative to the root."""
Variables = Mapping[str, Any]
"""Variables of the system's role, such as ``dcache_accounts``."""
MakeSecret = Callable[[], str]
EOS_SCRIPT = "eos-instance.eosh"  # what a new instance would be told by its console


@dataclass(frozen=True)
class Rendered:
    """texts: all files as they will be. secret: those that nobody else may read."""

    texts: Files
    secret: frozenset[str] = frozenset()


def render(storage: Storage, variables: Variables, files: Files, make_secret: MakeSecret) -> Rendered:
    """The files of one host that carries all of a storage. files: those that are there. make_secret: called for each new secret.

    Raises DescriptionError for what the system cannot serve.
    """
    return RENDERERS[storage.system](storage, variables, files, make_secret)


def _dcache(storage: Storage, variables: Variables, files: Files, _make_secret: MakeSecret) -> Rendered:
    host = storage.doors[0].host
    here = replace(storage, doors=tuple(replace(door, host=host) for door in storage.doors))
    placements = tuple(dcache_pools.Placement(**each) for each in variables.get("dcache_pools", ()))
    options = dcache.Options(
        host=host,
        accounts=tuple(Account(**{**each, "roles": tuple(each.get("roles", ()))}) for each in variables.get("dcache_accounts", ())),
        pools=dcache_pools.pools(storage, host, placements),
        properties=variables.get("dcache_properties", {}),
    )
    return Rendered(dcache.plan(here, options, files, storage.release).texts)


def _storm(storage: Storage, variables: Variables, files: Files, make_secret: MakeSecret) -> Rendered:
    options = replace(options_of(variables), report=False)  # the program that makes the report comes with the role
    fresh = storm_layout.Secrets(make_secret(), make_secret(), make_secret())
    site = storm.plan(storage, options, _absolute(files), storm_release.parse_release(storage.release), fresh)
    secret = frozenset(each.path.lstrip("/") for each in site.files if each.secret)
    return Rendered({**files, **_relative(site.texts)}, secret)


def _dpm(storage: Storage, variables: Variables, files: Files, make_secret: MakeSecret) -> Rendered:
    options = dpm.Options(authorized=tuple(variables.get("dpm_authorized", ())))
    if dpm.HEAD.lstrip("/") not in files:
        client = {"secret": make_secret(), "passphrase": make_secret(), **variables.get("dpm_client", {})}
        options = replace(
            options,
            client=dpm.Client(**client),
            shared_key=make_secret(),
            database_password=make_secret(),
            macaroon_secret=make_secret(),
        )
    site = dpm.plan(storage, options, _absolute(files))
    texts = _relative(site.texts)
    return Rendered(texts, frozenset(texts))


def _xrootd(storage: Storage, variables: Variables, files: Files, _make_secret: MakeSecret) -> Rendered:
    options = xrootd.Options(directives=tuple(variables.get("xrootd_directives", ())))
    facts = Facts(instances=(options.instance,))
    site = xrootd.plan(storage, options, _absolute(files), facts, xrootd_tables.parse_release(storage.release))
    return Rendered({**files, **_relative(site.texts)})


def _eos(storage: Storage, variables: Variables, files: Files, _make_secret: MakeSecret) -> Rendered:
    accounts = accounts_of(variables.get("eos_accounts", []))
    options = eos.Options(instance=variables.get("eos_instance", "eosdev"), accounts=accounts)
    placements = placements_of(variables.get("eos_placements", {}))
    steps = eos_instance.plan(storage, Wanted(accounts, placements), Instance())
    script = "".join(f"{step.command}\n" for step in steps)
    return Rendered({**files, **_relative(eos.plan(storage, options, _absolute(files)).texts), EOS_SCRIPT: script})


RENDERERS: Mapping[str, Callable[[Storage, Variables, Files, MakeSecret], Rendered]] = {
    "dcache": _dcache,
    "dpm": _dpm,
    "eos": _eos,
    "storm": _storm,
    "xrootd": _xrootd,
}


def _absolute(files: Files) -> dict[str, str]:
    return {f"/{path}": text for path, text in files.items()}


def _relative(files: Files) -> dict[str, str]:
    return {path.lstrip("/"): text for path, text in files.items()}
