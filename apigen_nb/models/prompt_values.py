"""Values of a question's context as a prompt shows them: exact, readable, and in few tokens, because every draft pays
for every one. Indented JSON says the same in twice as many.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

ROWS = 3  # so many objects with the same keys are worth a head


def as_text(value: Any) -> str:
    """Text as it is; a list one item a line, "none" where it is empty; an object one member a line, rows of tables
    included; a tool's schema as its description and a line per argument."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "\n".join(f"- {_item(item)}" for item in value) or "none"
    if isinstance(value, dict) and value:
        return "\n".join(f"{key}:\n{_table(item)}" if _is_table(item) else f"{key}: {_line(item)}"
                         for key, item in value.items())  # fmt: skip
    return _line(value)


def _item(item: Any) -> str:
    if isinstance(item, str):
        return item
    return _tool(item["function"]) if isinstance(item, dict) and item.get("type") == "function" else _line(item)


def _tool(function: dict[str, Any]) -> str:
    """`name: description`, then `  argument (type): description` for each."""
    parameters = function.get("parameters", {})
    if "$defs" in parameters:
        return _line(function)
    lines = [f"{function['name']}: {' '.join(function.get('description', '').split())}"]
    for name, schema in parameters.get("properties", {}).items():
        rest = {key: value for key, value in schema.items() if key != "description"}
        optional = "" if name in parameters.get("required", ()) else ", optional"
        lines.append(f"  {name} ({_type(rest)}{optional}): {schema.get('description', '')}")
    return "\n".join(lines)


def _type(schema: dict[str, Any]) -> str:
    """A schema in words where it has no more to say than a type, an enum, or what a list holds; else as it is."""
    match schema:
        case {"enum": [*choices], **rest} if not set(rest) - {"type"}:
            return " or ".join(map(_line, choices))
        case {"type": "array", "items": dict(items), **rest} if not rest:
            return f"list of {_type(items)}"
        case {"type": str(name), **rest} if not rest:
            return name
    return _line(schema)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(row, dict) for row in value.values())


def _table(rows: dict[str, dict[str, Any]]) -> str:
    return "\n".join(f"{key}: {_line({name: _headed(value) for name, value in row.items()})}"
                     for key, row in rows.items())  # fmt: skip


def _headed(value: Any) -> Any:
    """Objects with the same keys as one head and a list of values for each, objects in them laid flat."""
    rows = list(value.values()) if isinstance(value, dict) else value
    if not (isinstance(rows, list) and len(rows) >= ROWS and all(isinstance(row, dict) for row in rows)):
        return value
    flat = [list(_leaves(row)) for row in rows]
    if isinstance(value, dict) and not any(all((name, key) in row for key, row in zip(value, flat, strict=True))
                                           for name, _ in flat[0]):  # fmt: skip
        flat = [[("key", key), *row] for key, row in zip(value, flat, strict=True)]
    head = [name for name, _ in flat[0]]
    if any(len({*head}) < len(row) or {*head} != {name for name, _ in row} for row in flat):
        return value
    return {"columns": head, "rows": [[dict(row)[name] for name in head] for row in flat]}


def _leaves(row: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
