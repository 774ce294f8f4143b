"""Random tests are never failed for their time: how fast a machine is says nothing about the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("any-speed", deadline=None)
settings.load_profile("any-speed")
