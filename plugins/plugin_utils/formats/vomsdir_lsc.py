# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LSC files of a VOMS trust directory (``vomsdir/VO/HOST.lsc``): the subject of a VOMS server's certificate and those of its issuers.

Source: VOMS documentation; italiangrid/voms-api-java LSCFile: chains are parted by ``------ NEXT CHAIN ------``.
"""

from __future__ import annotations

from collections.abc import Sequence


def chains(text: str) -> tuple[tuple[str, ...], ...]:
    """The certificate subjects of each chain, the server's first. Comments and blank lines are left out."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        body = line.strip()
        if body.startswith("---") and "NEXT CHAIN" in body.upper():
            found.append([])
        elif body and not body.startswith("#"):
            found[-1].append(body)
    return tuple(tuple(chain) for chain in found if chain)


def problems(text: str) -> list[tuple[int, str]]:
    """(line, what is wrong)."""
    found = [
        (number, f'"{line.strip()}" is no subject of a certificate: it does not begin with a slash')
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and line.strip()[0] not in "/#-"
    ]
    short = [chain for chain in chains(text) if len(chain) < 2]
    if short or not chains(text):
        found.append((1, "a chain needs the subject of the server and that of its authority, one a line"))
    return found


def render(subjects: Sequence[str]) -> str:
    """A file with one chain."""
    return "".join(f"{subject}\n" for subject in subjects)
