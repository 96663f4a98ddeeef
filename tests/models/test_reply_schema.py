"""Schemas of replies: closed, in the order in which a model is to think, the same as the prompt's example; readers stay
lenient."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from apigen_nb.blueprints import propose, recombination
from apigen_nb.blueprints.gates import committee
from apigen_nb.blueprints.reflection import Draft
from apigen_nb.models import Answer, read_reply
from apigen_nb.models.chat_format import FOLDER
from apigen_nb.models.reply_schema import closed, closed_object, is_closed, reply_schema, without_nulls
from apigen_nb.trajectories import best_of_n, blame, meaning
from apigen_nb.world.contract import guess_arguments
from apigen_nb.world.domain import Domain, builtin_domains

SCHEMAS: dict[str, dict[str, Any]] = {
    "generator": propose.draft_schema(Domain.load("retail")),
    "recombine": recombination.REPLY,
    "judge": committee.REVIEW,
    "reading": meaning.REPLY,
    "critic": best_of_n.REPLY,
    "blame": blame.REPLY,
}
DECIDED = {"scores", "score", "answer", "cause", "instruction", "actions", "outputs", "correction"}
THOUGHT = {"thought", "reflection", "evidence", "quotation", "reason"}


def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """All objects in a schema, the outermost first."""
    parts = [*schema.get("anyOf", ()), *schema.get("$defs", {}).values(), *schema.get("properties", {}).values()]
    parts += [schema["items"]] if "items" in schema else []
    return [*([schema] if schema.get("type") == "object" else []), *(o for part in parts for o in objects(part))]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_reply_is_closed_and_thinks_before_it_decides(name: str) -> None:
    schema = SCHEMAS[name]
    assert is_closed(schema)
    for one in objects(schema):
        assert (list(one["properties"]), False) == (one["required"], one["additionalProperties"])
        thoughts = [n for n, key in enumerate(one["properties"]) if key in THOUGHT]
        decided = [n for n, key in enumerate(one["properties"]) if key in DECIDED]
        assert not thoughts or not decided or max(thoughts) < min(decided), list(one["properties"])
    assert any(THOUGHT & set(one["properties"]) for one in objects(schema)), "nowhere to think"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_example_of_the_prompt_is_in_the_order_of_the_schema(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    (example,) = re.findall(r'^\{".*\}$', text, re.MULTILINE)
    told = json.loads(example.replace("{…}", "{}"))
    assert list(told) == list(SCHEMAS[name]["properties"])
    if name == "critic":
        assert list(told["scores"][0]) == list(SCHEMAS[name]["properties"]["scores"]["items"]["properties"])


@pytest.mark.parametrize("name", builtin_domains())
def test_actions_of_a_draft_are_calls_of_the_domains_writing_tools(name: str) -> None:
    domain, rng = Domain.load(name), Random(1)
    schema = propose.draft_schema(domain)
    assert is_closed(schema)
    assert propose.draft_schema(domain) is schema, "one schema for all seeds: servers compile it once"

    def fits(tool: str, arguments: dict[str, Any]) -> bool:
        call = {"name": tool, "arguments": arguments}
        draft = {"thought": "", "instruction": "", "actions": [call], "outputs": [], "denied": [], "withheld": []}
        return bool(jsonschema.Draft202012Validator(schema).is_valid(draft))

    for tool in domain.tools.values():
        arguments = guess_arguments(domain, tool, rng)
        assert fits(tool.name, arguments) == tool.writes
        if tool.writes:
            assert not fits(tool.name, {**arguments, "note": "urgent"})
            assert not fits(tool.name, dict(list(arguments.items())[1:]))


def test_readers_stay_lenient_to_what_schemas_ask_for() -> None:
    draft = read_reply(Answer(text='{"instruction": "x", "actions": [], "outputs": []}'), Draft)
    assert (draft.thought, draft.denied, draft.withheld) == ("", (), ())
    scores = dict.fromkeys(("correctness", "completeness", "satisfaction", "creativity"), 1)
    assert read_reply(Answer(text=json.dumps({"scores": scores})), committee.Review).reflection == ""


# --- any shape


class Inner(BaseModel):
    name: str
    size: int | None = None


class Shape(BaseModel):
    kind: str
    parts: list[Inner] = []
    first: Inner | None = None
    note: str = ""


INNER = st.fixed_dictionaries({"name": st.text(max_size=3)}, optional={"size": st.integers()})
SHAPES = st.fixed_dictionaries(
    {"kind": st.text(max_size=3)},
    optional={"parts": st.lists(INNER, max_size=3), "note": st.text(max_size=3)},
)


def filled(value: Any, schema: dict[str, Any]) -> Any:
    """A value as a server writes it that has every property: null for what is left out."""
    if isinstance(value, list):
        return [filled(item, schema["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    first = {name: part.get("anyOf", [part])[0] for name, part in schema["properties"].items()}
    return {name: filled(value[name], part) if name in value else None for name, part in first.items()}


@given(SHAPES)
def test_what_was_optional_may_be_null_and_is_left_out_again(value: dict[str, Any]) -> None:
    schema = reply_schema(Shape)
    assert is_closed(schema)
    whole = filled(value, schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(whole)
    assert without_nulls(whole, Shape.model_json_schema()) == value


def test_a_null_that_is_wanted_stays() -> None:
    parameters = {"properties": {"a": {"type": "null"}, "b": {"type": "string"}}, "required": ["a"]}
    assert without_nulls({"a": None, "b": None, "c": None}, parameters) == {"a": None, "c": None}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array"},
        {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}}}},
    ],
)
def test_what_may_be_anything_is_open(schema: dict[str, Any]) -> None:
    assert not is_closed(closed(schema))
    assert not is_closed(closed_object({"inner": closed(schema)}))


def test_an_open_object_gives_way_to_a_closed_one() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}, "required": ["a"]}
    assert closed({"anyOf": [inner, {"type": "object"}]}) == {"anyOf": [closed_object({"a": {"type": "string"}})]}
    assert closed({"type": "string", "const": "x", "title": "X", "default": "x"}) == {"type": "string", "enum": ["x"]}
