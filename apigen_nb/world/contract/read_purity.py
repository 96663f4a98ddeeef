"""Calls made up of rows, and reads that write: `reads_that_write(Domain.load("./my_domain"))` is empty."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from random import Random
from typing import Any

from ...records import Action, canonical
from ..domain import Domain, Tool
from ..world import Refusal, ToolBug

TYPES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def reads_that_write(domain: Domain, samples: int = 25, seed: int = 0) -> list[str]:
    """The names of tools that change data although they are not declared with @tool(writes=True).

    Each is called `samples` times with arguments found in the data, on a copy of the domain's rows, which are compared
    as canonical JSON before and after. ToolBug when a tool breaks in another way."""
    tables = {table: {key: domain.copy(row) for key, row in rows.items()} for table, rows in domain.tables.items()}
    private, random = dataclasses.replace(domain, tables=tables), Random(seed)
    named, before = [], canonical(domain.dump(tables))
    for tool in (tool for tool in domain.tools.values() if not tool.writes):
        for _ in range(samples):
            try:
                private.world().call(Action(name=tool.name, arguments=guess_arguments(private, tool, random)))
            except Refusal:
                continue
            except ToolBug as bug:
                if bug.__cause__ is not None:  # only the guard of a table against writing has no other error behind it
                    raise
                named.append(tool.name)
        after = canonical(domain.dump(tables))
        if after != before:
            named.append(tool.name)
        before = after
    return list(dict.fromkeys(named))


def guess_arguments(domain: Domain, tool: Tool, random: Random) -> dict[str, Any]:
    """Arguments for a tool out of the rows around one user, by parameter and field names; the tool may still refuse."""
    near = list(_fields("", _around(domain, random)))
    definitions, count = tool.parameters.get("$defs", {}), random.choice((1, 1, 2))

    def draw(schema: dict[str, Any], name: str) -> Any:
        schema = definitions[schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
        kind = schema.get("type", "")
        if options := schema.get("anyOf") or schema.get("enum"):
            option = random.choice(options)
            return draw(option, name) if "anyOf" in schema else option
        if kind == "array":
            return [draw(schema.get("items", {}), name.removesuffix("s")) for _ in range(count)]
        if parts := schema.get("properties"):
            whole = [value for _, value in near if isinstance(value, dict) and set(parts) <= set(value)]
            return random.choice(whole) if whole else {key: draw(part, key) for key, part in parts.items()}
        fields = [value for field, value in near if field in (name, name.removeprefix("new_"))]
        values = [value for value in fields if isinstance(value, TYPES.get(kind, object))]
        return random.choice(values or [{"string": name, "boolean": True}.get(kind, 1)])

    return {name: draw(schema, name) for name, schema in tool.parameters.get("properties", {}).items()}


def _around(domain: Domain, random: Random) -> list[Any]:
    """One user's row, the rows it mentions and those they mention, and a random row of each other table, as JSON."""
    found = {(name, random.choice(list(rows))) for name, rows in domain.tables.items() if rows and name != domain.users}
    fresh = {(domain.users, random.choice(domain.subjects))}
    for _ in range(3):
        found |= fresh
        texts = {str(text) for table, key in fresh for _, text in _fields("", domain.dump(domain.tables[table][key]))}
        fresh = {(table, text) for text in texts for table, rows in domain.tables.items() if text in rows} - found
    return [domain.dump(domain.tables[table][key]) for table, key in sorted(found)]


def _fields(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """All (field, value) of a row; a key of an object of objects counts as the id that the object's name suggests."""
    yield name, value
    for key, part in value.items() if isinstance(value, dict) else ():
        yield from [(f"{name.removesuffix('s')}_id", key)] if isinstance(part, dict) else []
        yield from _fields(key, part)
    for part in value if isinstance(value, list) else ():
        yield from _fields(name.removesuffix("s"), part)
