"""Which of a notebook's parameters were asked for, and which stand there as the notebook has them.

A kernel sees variables and no more. But IPython keeps the text of the cells that ran, papermill marks the one that it
injects, and a default that was edited is no default any more."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Collection, Mapping, Set
from typing import Any

from ..storage.run_folder import RENAMED
from .params import Params, check_name, current_names, validated

INJECTED = "# Parameters"  # how the cell begins that papermill injects
PLAIN = (str, int, float, bool, list, dict, type(None))  # what papermill writes


def assignments(code: str) -> dict[str, ast.expr]:
    """The names that a cell gives values to at its top level, with the last of each as code."""
    found: dict[str, ast.expr] = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def read_given(
    variables: Mapping[str, Any], further: Collection[str] = (), first: bool = True
) -> tuple[dict[str, Any], set[str]]:
    """The parameters among a notebook's variables, by the names of today, and those of them that were asked for:
    injected by papermill, edited, or of another value than the default; of a script, which has no cells, all. `further`
    are names that only this notebook has. ParamsError, with the nearest name, for an injected name that there is not
    and, at the `first` call, when no results stand beside the parameters yet, for any variable."""
    values, injected = _history(variables)
    plain = {name for name, value in variables.items() if first and type(value) in PLAIN and name[0] != "_"}
    written = injected | {name for name in plain if name == name.lower()}
    for name in variables:  # in their order
        if name in written - RENAMED.keys():
            check_name(name, ("out", *further))
    given = _by_names_of_today(variables, written & RENAMED.keys(), injected)
    default, told = validated({}).plain(), {RENAMED.get(name, name) for name in injected}
    edited = {name for name, seen in values.items() if any(value != given.get(name) for value in seen)}
    asked = {name for name, value in given.items() if name in told | edited or value != default[name] or not values}
    return given, asked


def _history(variables: Mapping[str, Any]) -> tuple[dict[str, list[Any]], set[str]]:
    """Name → the values that cells gave it so far, and the names that papermill has injected."""
    values, injected = dict[str, list[Any]](), set[str]()
    for text in variables.get("In", ()):
        with contextlib.suppress(SyntaxError):  # a magic
            for name, node in assignments(text).items():
                with contextlib.suppress(ValueError):  # what is worked out is no parameter
                    values.setdefault(name, []).append(ast.literal_eval(node))
                    injected |= {name} if text.startswith(INJECTED) else set()
    return values, injected


def _by_names_of_today(variables: Mapping[str, Any], old: Set[str], injected: Set[str]) -> dict[str, Any]:
    given = {name: variables[name] for name in (*Params.model_fields, *old) if name in variables}
    for name in old & injected:
        if RENAMED[name] not in injected:  # it stands there as the notebook has it
            given.pop(RENAMED[name], None)
    return current_names(given)
