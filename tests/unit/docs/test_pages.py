"""What README and the pages of docs show is there, and is sound: descriptions, variables, playbooks, commands, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all

ROOT = Path(__file__).parents[3]
PAGES = {page.name: page.read_text() for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
LAKE = {"name": "lake", "issuers": {name: {"url": f"https://{name}.example.org/"} for name in ("escape", "partner")}}


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Fenced blocks of a language, with the name of their page."""
    for name, text in PAGES.items():
        for found in re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            yield name, found


def commands() -> Iterator[tuple[str, str]]:
    for name, block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            yield name, line.partition(" #")[0].strip()


def headings(page: str) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", page, re.MULTILINE)}


DESCRIPTIONS = [(name, data) for name, block in blocks("yaml") for data in yaml.safe_load_all(block) if "datalake_storage" in data]


def test_there_are_descriptions() -> None:
    assert {"README.md", "dcache.md", "dpm.md", "eos.md", "storm.md", "xcache.md", "xrootd.md"} <= {name for name, _data in DESCRIPTIONS}


@pytest.mark.parametrize(("name", "data"), DESCRIPTIONS, ids=[name for name, _data in DESCRIPTIONS])
def test_descriptions_have_no_problem(name: str, data: dict[str, Any]) -> None:
    load_all(LAKE, {name: data["datalake_storage"]})


def test_commands_name_what_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    missing = []
    for name, command in commands():
        named = re.findall(r"\b(?:playbooks|inventories/example|bench|tools)/?[\w./-]*\w", command)
        missing += [(name, path) for path in named if not (ROOT / path).exists() and "mylake" not in path]
        missing += [(name, target) for target in re.findall(r"^make ([a-z-]+)", command) if target not in targets]
        missing += [(name, role) for role in re.findall(r"escape\.datalake\.(\w+)", command) if not known(role)]
    assert not missing


def known(name: str) -> bool:
    """Whether a playbook, module, role or plug-in has a name."""
    return any(
        (ROOT / place).exists()
        for place in (f"playbooks/{name}.yml", f"plugins/modules/{name}.py", f"roles/{name}", f"plugins/inventory/{name}.py")
    )


def test_links_lead_somewhere() -> None:
    broken = []
    for name, text in PAGES.items():
        here = ROOT if name == "README.md" else ROOT / "docs"
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _hash, anchor = link.partition("#")
            page = here / path if path else here / name
            if link.startswith("http"):
                continue
            if not page.exists() or (anchor and anchor not in headings(page.read_text())):
                broken.append((name, link))
    assert not broken


def test_variables_of_playbooks_are_explained() -> None:
    """A variable that a playbook takes stands on a page; those that it sets itself do not count."""
    text = "\n".join(PAGES.values())
    plays = "\n".join(play.read_text() for play in (ROOT / "playbooks").glob("*.yml"))
    own = set(re.findall(r"register: (datalake_\w+)|^ +(datalake_\w+): ", plays, re.MULTILINE))
    used = set(re.findall(r"\bdatalake_\w+", plays)) - {name for pair in own for name in pair}
    assert sorted(name for name in used if name not in text and not known(name)) == []
