"""Values in prompts: nothing is lost, calls and schemas stay exact, and it is shorter than JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models.prompt_values import ROWS, as_text
from apigen_nb.world.domain import Domain, builtin_domains

scalar = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


def object_of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict.fromkeys(names, scalar))


rows = st.lists(st.sampled_from(["a", "b", "c d"]), min_size=1, unique=True).flatmap(
    lambda names: st.dictionaries(st.text(max_size=5), object_of(names), min_size=ROWS, max_size=6)
)


def restored(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


@given(rows)
def test_objects_with_the_same_keys_become_columns_and_lose_nothing(variants: dict[str, dict[str, Any]]) -> None:
    _, line = as_text({"products": {"P-1": {"variants": variants}}}).split("\n", 1)
    shown = json.loads(line.removeprefix("P-1: "))["variants"]
    back = restored(shown)
    first = next(iter(variants.values()))
    if "key" in shown["columns"] and "key" not in first:
        assert {row.pop("key"): row for row in back} == variants
    else:  # a column says what the keys say
        assert back == list(variants.values())
        assert any([row[name] for row in back] == list(variants) for name in first)


def test_objects_in_rows_are_laid_flat() -> None:
    variants = {f"v{n}": {"id": f"v{n}", "options": {"size": str(n), "color": "red"}, "price": 1.5} for n in range(3)}
    assert as_text({"products": {"P-1": {"name": "Lamp", "variants": variants}}}) == (
        'products:\nP-1: {"name":"Lamp","variants":{"columns":["id","options.size","options.color","price"],'
        '"rows":[["v0","0","red",1.5],["v1","1","red",1.5],["v2","2","red",1.5]]}}'
    )


@pytest.mark.parametrize(
    "value",
    [
        [{"a": 1}, {"a": 2}],  # too few for a head
        [{"a": 1}, {"a": 2}, {"b": 3}],
        [{"a": 1}, {"a": 2}, 3],
        [{"a": {"b": 1}}, {"a": {"c": 1}}, {"a": {"b": 1}}],
        [1, 2, 3],
        {"x": {"a": 1}, "y": {}, "z": {"a": 2}},
        [{"a": {"b": 1}, "a.b": 2}] * 3,  # two columns of one name
        {n: {"key": 1} for n in "xyz"},
        "text",
    ],
)
def test_everything_else_in_a_row_stays_as_it_is(value: Any) -> None:
    assert as_text({"t": {"1": {"it": value}}}) == f"t:\n1: {json.dumps({'it': value}, separators=(',', ':'))}"


def test_calls_are_never_columns_because_models_answer_in_their_form() -> None:
    calls = [{"name": "cancel", "arguments": {"id": str(n)}} for n in range(4)]
    assert "columns" not in as_text(calls)
    assert "columns" not in as_text({"instruction": "x", "actions": calls})
    assert as_text(calls).count('"arguments":{"id":') == 4


def test_a_tool_is_its_description_and_a_line_for_each_argument() -> None:
    properties = {
        "order_id": {"type": "string", "description": "The order's id."},
        "reason": {"type": "string", "enum": ["too late", "by mistake"], "description": "Why."},
        "items": {"type": "array", "items": {"type": "string"}, "description": "Which."},
        "limit": {"type": "integer", "minimum": 1, "description": "At most."},
    }
    function = {"name": "cancel", "description": "Cancel an order.\n\nFor good.", "parameters": {
        "type": "object", "properties": properties, "required": ["order_id", "reason", "items"]}}  # fmt: skip
    assert as_text([{"type": "function", "function": function}]) == (
        "- cancel: Cancel an order. For good.\n"
        "  order_id (string): The order's id.\n"
        '  reason ("too late" or "by mistake"): Why.\n'
        "  items (list of string): Which.\n"
        '  limit ({"type":"integer","minimum":1}, optional): At most.'
    )


def test_a_schema_with_definitions_stays_a_schema() -> None:
    parameters = {"$defs": {"P": {"type": "string"}}, "properties": {"p": {"$ref": "#/$defs/P"}}, "type": "object"}
    function = {"name": "f", "description": "d", "parameters": parameters}
    assert json.loads(as_text([{"type": "function", "function": function}]).removeprefix("- ")) == function


@pytest.mark.parametrize("name", builtin_domains())
def test_tools_of_a_domain_are_told_whole_in_two_thirds_of_the_characters(name: str) -> None:
    tools = Domain.load(name).tools.values()
    told = as_text([tool.schema for tool in tools])
    for tool in tools:
        assert f"- {tool.name}: " in told
        for argument, schema in tool.parameters["properties"].items():
            assert f"  {argument} (" in told
            assert all(str(choice) in told for choice in schema.get("enum", ()))
    assert len(told) < 2 / 3 * len(json.dumps([tool.schema for tool in tools], separators=(",", ":")))
