"""What the small retail, airline and banking domains of the tests are put together with."""

from __future__ import annotations

import dataclasses
from typing import Any

from apigen_nb.records import Action
from apigen_nb.world.domain import Domain

Row = dict[str, Any]


def call(tool: str, **arguments: Any) -> Action:
    return Action(name=tool, arguments=arguments)


def with_changes(name: str, tables: dict[str, dict[str, Any]], changes: Row | None) -> Domain:
    """A built-in domain over other tables, with some values in them replaced: {"accounts.A11.balance": 5.0}."""
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        row: Any = tables
        for parent in parents:
            row = row[int(parent) if isinstance(row, list) else parent]
        row[int(last) if isinstance(row, list) else last] = value
    domain = Domain.load(name)
    return dataclasses.replace(domain, tables=tables, subjects=tuple(tables[domain.users]))
