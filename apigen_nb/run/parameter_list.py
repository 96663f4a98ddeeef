"""All parameters of a run, what each takes and its default: for the command line and for docs/parameters.md."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..dataset.options import DatasetOptions
from .params import Params, RoleParams

WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
WORDS |= {RoleParams: "settings of a role"}
SIGNS = {"ge": "≥", "gt": ">", "le": "≤"}


class Parameter(NamedTuple):
    """One parameter: its name, what it takes, its default as YAML, what it is."""

    name: str
    takes: str
    default: str
    meaning: str


def params_table() -> list[Parameter]:
    """Every parameter in the order of `Params`, then those that stand under `dataset` and, of a role, under `roles`."""
    return [*_rows(Params), *_rows(DatasetOptions, "dataset."), *_rows(RoleParams, "roles.ROLE.")]


def lines() -> list[str]:
    """The table as a file of parameters with all defaults, nested ones as a comment."""
    told = []
    for one in params_table():
        off = "" if one.name in Params.model_fields else "# "
        told += [f"# {one.meaning} Takes: {one.takes}.", f"{off}{one.name}: {one.default}"]
    return told


def _rows(model: type[BaseModel], before: str = "") -> Iterator[Parameter]:
    for name, field in model.model_fields.items():
        limits = [f"{SIGNS[sign]} {limit:g}" for sign in SIGNS for limit in _limits(field, sign)]
        takes = " ".join([_takes(field.annotation), *limits])
        yield Parameter(before + name, takes, _as_yaml(field.default), str(field.description))


def _limits(field: FieldInfo, sign: str) -> list[float]:
    return [getattr(part, sign) for part in field.metadata if hasattr(part, sign)]


def _takes(kind: Any) -> str:
    """A type in words; that it may be null is told by its default."""
    if get_origin(kind) is Annotated:
        return _takes(get_args(kind)[0])
    parts = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is Literal:
        return ", ".join(parts)
    if get_origin(kind) is list:
        return f"list of {_takes(parts[0])}"
    if get_origin(kind) is dict:
        return f"{_takes(parts[0])} → {_takes(parts[1])}"
    if parts:
        return " or ".join(map(_takes, parts))
    return WORDS.get(kind) or f"{{{', '.join(kind.model_fields)}}}"


def _as_yaml(value: Any) -> str:
    value = value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else value
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")
