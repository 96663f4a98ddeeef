"""The parameters of a run from a flat YAML file; everything that would stop the run later is found out here."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import yaml

from ..blueprints.gates import choose_gates
from ..blueprints.personas import read_personas
from ..dataset.splits import check_tools
from ..models.ledger import Budget, price_table
from ..records import Role
from ..world.domain import Domain, DomainError
from .params import Params, ParamsError, RoleParams, check_name, current_names, not_one, validated

PLAYED: tuple[Role, ...] = ("generator", "judge", "feedback", "user", "agent")  # the critic comes with best-of-N


class WithoutKey(ParamsError):
    """All is well with the parameters, but the variable that holds a key is not set."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """`safe_load` that refuses a name given twice; YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise yaml.MarkedYAMLError(problem=f"{twice[0]} is given twice", problem_mark=node.start_mark)
        return dict(super().construct_mapping(node, deep))


def load_params(path: Path | str | None, overrides: Iterable[str] = (), base: dict[str, Any] | None = None) -> Params:
    """The parameters of a YAML file with `name=value` overrides on top; without a file, `base` or the defaults.
    ParamsError, in one line, for anything that would stop the run later: a missing or broken file, an unknown name, a
    wrong type, a domain that does not load, a gate that is not there, a key where a name of a variable belongs."""
    values = base or {} if path is None else _read(Path(path))
    with _about(where := "" if path is None else f"{path}: "):
        values = current_names(values)
    values |= read_overrides(overrides)
    with _about(where):
        params = validated(values)
        with _importable_from_here():
            with _about("domain: "):
                domain = Domain.load(params.domain)
            with _about("tool_weights: "):
                _check_weights(params, domain)
            with _about(""):
                check_tools(params.dataset.held_out_tools, domain.tools)
            with _about("gates: "):
                choose_gates(name for name in params.gates if name != "committee")
        with _about("personas: "):
            read_personas(params.personas)
        _check_prompts(params)
        for role, _, setting in _asked(params):
            with _about(f"{role}: "):
                _check_access(params, role, setting)
        Budget(price_table(params.prices), (model for _, model, _ in _asked(params)), params.max_cost)
    return params


def read_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Name → value of each `name=value`. ParamsError for what is none, or no parameter."""
    return dict(map(_override, overrides))


@contextlib.contextmanager
def _about(where: str) -> Iterator[None]:
    """What goes wrong is told in one line, after where."""
    try:
        yield
    except (ValueError, DomainError) as error:
        kind = WithoutKey if isinstance(error, WithoutKey) else ParamsError
        raise kind(where + _one_line(error)) from None


def _check_weights(params: Params, domain: Domain) -> None:
    writing = [name for name, tool in domain.tools.items() if tool.writes]
    for name in params.tool_weights:
        if name not in writing:
            raise ValueError(not_one(name, writing))
    if writing and not any(params.tool_weights.get(name, 1) for name in writing):
        raise ValueError("every writing tool has weight 0; expected one above 0")


def _asked(params: Params) -> Iterator[tuple[Role, str, RoleParams]]:
    """Role, model and settings of everybody that is no stand-in."""
    for role in PLAYED:
        setting = params.roles.get(role, RoleParams.model_validate({}))
        for one in setting if isinstance(setting, list) else [setting]:
            if (model := one.model or params.model) != "scripted":
                yield role, model, one


def _check_prompts(params: Params) -> None:
    """Of every role, also of one that is not asked: the critic comes and goes with `best_of`."""
    from ..models.chat_format import check_prompt  # most runs need it not

    for role, setting in params.roles.items():
        for one in setting if isinstance(setting, list) else [setting]:
            if one.prompt is not None:
                with _about(f"{role}: "):
                    check_prompt(one.prompt, role)


def _check_access(params: Params, role: Role, setting: RoleParams) -> None:
    # Found out here, a missing key costs nothing; found out by a notebook, it costs a kernel and half a run.
    from ..models.api_keys import NoKey, url_and_key  # most runs need neither

    try:
        if not params.offline:
            url_and_key(setting.base_url or params.base_url, setting.api_key_env or params.api_key_env)
    except NoKey as error:
        hint = "replies that are there can be played without one: --offline"
        raise WithoutKey(f"{error}; {hint}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read: {_one_line(error)}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ParamsError(f"{path}{line}: broken YAML: {getattr(error, 'problem', None) or _one_line(error)}") from None
    if values is not None and not isinstance(values, dict):
        raise ParamsError(f"{path}: expected lines of name: value, found a {type(values).__name__}")
    return values or {}


def _override(text: str) -> tuple[str, Any]:
    """The name and the value of `name=value`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ParamsError(f"-p {text}: expected name=value")
    with _about("-p "):
        [name] = current_names({name.strip(): value})
        check_name(name)
    return name, _value(name, value)


def _value(name: str, text: str) -> Any:
    kind: Any = Params.model_fields[name].annotation
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError:
        value = text
    # A text stays the text that was typed: YAML would turn a model named 007 into 7.
    return text if str in kinds and not (value is None and type(None) in kinds) else value


@contextlib.contextmanager
def _importable_from_here() -> Iterator[None]:
    # The `apigen-nb` script, unlike `python -m`, does not have the working directory on its path.
    sys.path.insert(0, os.getcwd())
    try:
        yield
    finally:
        sys.path.remove(os.getcwd())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
