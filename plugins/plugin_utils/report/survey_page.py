# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys as one HTML page: which QoS the sites can offer today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import facts_in_words
from ansible_collections.escape.datalake.plugins.plugin_utils.model import qos
from jinja2 import Environment, FileSystemLoader


def render_page(surveys: Sequence[Mapping[str, Any]]) -> str:
    """A page that needs nothing else. surveys: as survey.as_dict() gives them."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    offers = [(survey, offer) for survey in surveys for offer in survey["offers"]]
    classes = {
        name: {
            "description": qos_class.description,
            "sure": [(survey, offer) for survey, offer in offers if name in offer["classes"]],
            "possible": [(survey, offer) for survey, offer in offers if name in offer["possible"]],
        }
        for name, qos_class in qos.BUILT_IN.items()
    }
    return environment.get_template("survey.html.j2").render(surveys=surveys, classes=classes, facts=facts_in_words)
