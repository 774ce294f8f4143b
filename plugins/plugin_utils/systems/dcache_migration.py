# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an older release of dCache had and a newer one refuses to start with, or to log anybody in with, put in the newer words.

Each step only acts where the release asks for it, and says what it did. ``gplazma.oidc.hostnames`` is replaced with the log-ins
(dcache_logins). What no step knows is found by the checks. Source: dcache.md section 1; dCache release notes of 9.0, 9.2 and 12.0.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_data
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import CLEANERS_SPLIT, Release, since
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_plugins import PLUGINS
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import multimap
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Scope
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import HEAD, Draft
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import QOS_SERVICE_NAMES

QOS_IN_FOUR = since("9.2.0")
STAGES = re.compile(r"^\s*(hsm create|pm set\b.*-stage-allowed=yes)", re.MULTILINE)
GRIDMAP = "/etc/dcache/multimap-gridmap.conf"


def migrate(draft: Draft, *, tape: bool = False) -> list[str]:
    """Edits the files of a host for its release, and returns what was done. tape: whether an area is on tape."""
    return [*_cleaner(draft, tape=tape or _stages(draft)), *_qos(draft), *_gridmap(draft)]


def _stages(draft: Draft) -> bool:
    """Whether files of the host speak of tape: a pool with a store, or a partition that allows stages, which none did by default then."""
    return any(STAGES.search(text) for path, text in draft.files.items() if path.endswith(("/setup", "/poolmanager.conf")))


def _cleaner(draft: Draft, *, tape: bool) -> list[str]:
    if not CLEANERS_SPLIT.covers(draft.release) or not draft.services("cleaner"):
        return []
    notes = ["From 9.0 the service cleaner is cleaner-disk and cleaner-hsm: it was renamed."]
    # The default of the releases that had the property is true; the newer one does not know it any more.
    said = {service.scope.value("cleaner.enable.hsm") for _domain, service in draft.services("cleaner")}
    deletes = "true" in said or (tape and "false" not in said)
    for scope in [*draft.host.scopes()]:
        notes += _cleaner_properties(draft, scope)
    while draft.services("cleaner"):
        draft.rename_service(draft.services("cleaner")[0][1], "cleaner-disk")
    if deletes and not draft.services("cleaner-hsm"):
        draft.add_service(draft.services("cleaner-disk")[0][0], "cleaner-hsm", {})
        notes.append("cleaner-hsm was added: cleaner deleted on tape too, as cleaner.enable.hsm was not false.")
    elif not deletes and "false" not in said:
        notes.append("No file of this host speaks of tape, so cleaner-hsm was not added. A dCache with tape needs it once.")
    return notes


def _cleaner_properties(draft: Draft, scope: Scope) -> list[str]:
    """Properties of a person; those that cleaner-disk has not are taken away, with a word about it."""
    notes = []
    known = dcache_data.load(draft.release_name)
    for name, setting in list(scope.settings.items()):
        if not name.startswith("cleaner.") or not setting.file:
            continue
        new = name.replace("cleaner.", "cleaner-disk.", 1)
        if known is not None and new in known.properties and known.properties[new].state == "active":
            draft.set_beside(scope, new, setting.raw, name)
            notes.append(f"{name} is {new} now.")
        else:
            notes.append(f"{name} = {setting.value} was taken away: the release does not know it.")
        draft.remove(scope, name)
    return notes


def _qos(draft: Draft) -> list[str]:
    if not QOS_IN_FOUR.covers(draft.release) or not draft.services("qos"):
        return []
    while draft.services("qos"):
        domain, service = draft.services("qos")[0]
        draft.rename_service(service, QOS_SERVICE_NAMES[0])
    here = {service.type for service in draft.host.services()}
    for name in QOS_SERVICE_NAMES:
        if name not in here:
            draft.add_service(next(each for each in draft.host.domains if each.name == domain.name), name, {})
    return [f"From 9.2 the service qos is {', '.join(QOS_SERVICE_NAMES)}: it was replaced."]


def _gridmap(draft: Draft) -> list[str]:
    if not draft.services("gplazma") or _has_gridmap(draft.release):
        return []
    setup = draft.login
    lines = [(number, line) for number, line in setup.lines if line.plugin == "gridmap" and setup.path(line) in setup.files]
    for number, line in lines:
        users = setup.gridmaps[setup.path(line)]
        mappings = [multimap.Mapping(Principal("dn", dn), (Principal("username", name),)) for dn, name in users.items()]
        draft.files.setdefault(GRIDMAP.lstrip("/"), multimap.render(mappings, [HEAD, "What the plug-in gridmap read, gone from 12.0."]))
        changed = replace(line, plugin="multimap", arguments=(("gplazma.multimap.file", GRIDMAP),))
        draft.files[setup.conf_path.lstrip("/")] = setup.conf.replace(number, changed).render()
    return [f"The plug-in gridmap is gone from 12.0: multimap reads {GRIDMAP} in its place."] if lines else []


def _has_gridmap(release: Release) -> bool:
    return PLUGINS["gridmap"].span.covers(release)
