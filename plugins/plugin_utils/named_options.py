# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that are mappings of mappings, such as what is said of each area by its name: argument specs cannot look into them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem


def checked(option: str, given: Mapping[str, Any], spec: Mapping[str, Any], problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """Mappings by name, each with the keys of a spec; what is not given is None.

    option: name of the variable, for messages. problems: gets everything that is wrong.
    """
    result: dict[str, dict[str, Any]] = {}
    for name, each in given.items():
        if not isinstance(each, Mapping):
            problems.append(Problem(f"{option}.{name}", "is no mapping.", f"Give some of {', '.join(spec)}."))
            continue
        answer = ArgumentSpecValidator(copy.deepcopy(dict(spec))).validate(dict(each))
        problems += [Problem(f"{option}.{name}", f"{words}.", f"Known: {', '.join(spec)}.") for words in answer.error_messages]
        result[name] = answer.validated_parameters
    return result


def stop_at(problems: list[Problem]) -> None:
    """Raises DescriptionError with all that is wrong, if anything is."""
    if problems:
        raise DescriptionError(problems)
