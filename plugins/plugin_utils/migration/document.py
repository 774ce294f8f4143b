# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a migration as a page for the people who review it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import format_size


def markdown(plan: Mapping[str, Any]) -> str:
    """The whole page."""
    return "\n".join([*_head(plan), *_tables(plan), *_steps(plan)]) + "\n"


def _head(plan: Mapping[str, Any]) -> Iterator[str]:
    old, new = plan["from"], plan["to"]
    yield f"# From {old['storage']} (DPM {old['release']}, {old['host']}) to {new['storage']} (dCache {new['release']}, {new['host']})"
    yield ""
    yield "Each step can be undone up to the switch. The RSEs keep their names, paths and replicas; they get new doors."
    for title, key, nothing in (
        ("Settle first", "blockers", "Nothing stands in the way."),
        ("Look at", "questions", "Nothing is doubtful."),
    ):
        yield from ("", f"## {title}", "")
        yield from ([f"* {each}" for each in plan[key]] or [nothing])


def _tables(plan: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Areas", "", "| area | RSE | path | class | DPM pool | quota token | in use | dCache pool group | tags |")
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for area in plan["areas"]:
        dpm, dcache = area["dpm"], area["dcache"]
        tags = ", ".join(f"{name} {value}" for name, value in dcache["tags"].items())
        pool = f"{dpm['pool']} ({dpm['type']})" if dpm["pool"] else "none"
        cells = [area["name"], area["rse"], area["path"], area["qos"], pool, format_size(dpm["size"]), format_size(area["used"])]
        yield "| " + " | ".join([*cells, dcache["pool_group"], tags]) + " |"
    yield from ("", "## Groups", "", "| DPM | tokens | VOMS | gid |", "| --- | --- | --- | --- |")
    for group in plan["groups"]:
        gid = "new" if group["gid"] is None else group["gid"]
        yield f"| {group['dpm']} | {group['token_group'] or 'none'} | {group['fqan']} | {gid} |"
    yield from (
        "",
        "## ACLs",
        "",
        "Owner, owning group and others keep their rights by the mode. The last column is what `getfacl` of dCache shows after the import.",
        "",
        "| directory | group | mode | entry | rights | for new entries | in dCache |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    )
    for acl in plan["acls"]:
        entries = acl["entries"] or [{"who": "", "rights": "", "inherited": False, "dcache": ""}]
        for entry in entries:
            inherited, shown = "yes" if entry["inherited"] else "", f"`{entry['dcache']}`" if entry["dcache"] else ""
            yield f"| {acl['path']} | {acl['group']} | {acl['mode']} | {entry['who']} | {entry['rights']} | {inherited} | {shown} |"
    yield from ("", "## Doors of the RSEs", "", "| RSE | before | after |", "| --- | --- | --- |")
    for rse in plan["rses"]:
        yield f"| {rse['name']} | {_doors(rse['protocols_before'])} | {_doors(rse['protocols_after'])} |"


def _steps(plan: Mapping[str, Any]) -> Iterator[str]:
    done = {each["step"]: each["at"] for each in plan["done"]}
    yield from ("", "## Steps", "", "| | step | who | does | undone by |", "| --- | --- | --- | --- | --- |")
    for step in plan["steps"]:
        mark = done.get(step["id"], "")
        undo = step["undo"] or "**cannot be undone**"
        yield f"| {mark} | `{step['id']}` {step['title']} | {step['by']} | {step['do']} | {undo} |"


def _doors(protocols: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each['scheme']}://{each['hostname']}:{each['port']}{each['prefix']}" for each in protocols)
