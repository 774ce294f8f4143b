"""The DPM sites of tests/fixtures/dpm as files by path."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2] / "fixtures" / "dpm"
SITES = ("certificates-1.13", "disk-1.15", "tokens-1.15")


def site(name: str) -> dict[str, str]:
    folder = ROOT / name
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def release_of(name: str) -> str:
    return name.rpartition("-")[2]
