"""Calls of tools, made of what is known: by the names of fields and parameters (see `values.fits`)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ..records import Action
from .tool import Tool, first_schema
from .values import Fact, facts, fits, produced_key
from .world import Refusal, World


def candidate_calls(tool: Tool, known: list[Fact], most: int) -> Iterator[Action]:
    """Calls of a tool with arguments taken from known facts, at most `most`; arguments of one object come first."""
    names = tool.required
    if not names:
        yield Action(name=tool.name)
        return
    lists = [name for name in names if tool.properties[name].get("type") == "array"]
    together: dict[int, dict[str, Any]] = {}
    values: dict[str, dict[Any, None]] = {name: {} for name in names}
    for fact in known:
        for name in names:
            if fits(name, fact.key):
                together.setdefault(id(fact.holder), {}).setdefault(name, fact.value)
                values[name].setdefault(fact.value)
    whole = [found for found in together.values() if len(found) == len(names)]
    few = [list(found)[:most] for found in values.values()]
    loose = (dict(zip(names, combination, strict=True)) for combination in itertools.product(*few))
    seen: set[tuple[str, ...]] = set()
    for arguments in itertools.islice(itertools.chain(whole, loose), most * 2):
        key = tuple(map(repr, (arguments[n] for n in names)))
        if key not in seen and len(seen) < most:
            seen.add(key)
            yield Action(name=tool.name, arguments={n: [v] if n in lists else v for n, v in arguments.items()})


def assemble_arguments(schema: Mapping[str, Any], values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Arguments made of the values of leaves (see `Tool.leaves`); lists hold one item, leaves without a value are left
    out."""

    def build(spec: dict[str, Any], path: str) -> Any:
        spec = first_schema(spec)
        if spec.get("type") == "array":
            item = build(spec.get("items", {}), path)
            return None if item is None else [item]
        return (assemble_arguments(spec, values, f"{path}.") or None) if "properties" in spec else values.get(path)

    made = {name: build(spec, f"{above}{name}") for name, spec in schema.get("properties", {}).items()}
    return {name: value for name, value in made.items() if value is not None}


def try_call(world: World, action: Action) -> Any:
    """The result of a call, or None when it is refused."""
    try:
        return world.call(action)
    except Refusal:
        return None


def result_facts(tool: str, result: Any) -> Iterator[Fact]:
    """The facts in a tool's result; a bare value gets its key from the tool's name."""
    return facts(result, key=produced_key(tool))
