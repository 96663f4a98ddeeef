"""`read_json` finds the object wherever a model puts it, and fails in one way only."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Unparsable, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)
PROSE = st.text(alphabet=st.characters(exclude_characters="{`"), max_size=60).filter(lambda text: not _is_json(text))


def _is_json(text: str) -> bool:
    try:
        json.JSONDecoder().raw_decode(text.strip())
    except ValueError:
        return False
    return True


@given(st.text() | st.text(alphabet='{}[]":,`\\\njson 1e-', max_size=80))
@example("[" * 100_000)
@example('{"a":' * 50_000)
@example("1" * 10_000)
@example('{"a": ' + "1" * 10_000 + "}")
@example("```json\n```")
@example("```json\n{\n```")
@example("\ud83d{")
def test_anything_else_is_unparsable(text: str) -> None:
    said = ""
    try:
        assert isinstance(read_json(Answer(text=text)), dict)
    except Unparsable as error:
        said = str(error)
    assert not said or said.startswith("expected a JSON object, found ")
    assert len(said) < 1000


@given(OBJECTS, st.sampled_from([None, 1, 2]), st.booleans())
def test_a_bare_object_comes_back(value: dict[str, Any], indent: int | None, ascii: bool) -> None:
    assert read_json(Answer(text=f" \n{json.dumps(value, indent=indent, ensure_ascii=ascii)}\n")) == value


@given(OBJECTS, PROSE, PROSE, st.sampled_from(["json", ""]))
def test_a_fenced_object_comes_back(value: dict[str, Any], before: str, after: str, name: str) -> None:
    fenced = f"```{name}\n{json.dumps(value, indent=1).replace('`', chr(92) + 'u0060')}\n```"
    assert read_json(Answer(text=f"{before}\n{fenced}\n{after}")) == value


@given(OBJECTS, PROSE, st.text(max_size=40))
def test_an_object_in_prose_comes_back(value: dict[str, Any], before: str, after: str) -> None:
    text = f"{before} {json.dumps(value).replace('`', chr(92) + 'u0060')} {after.replace('`', '')}"
    assert read_json(Answer(text=text)) == value


@pytest.mark.parametrize("text", ["", "no", '"text"', "[1, 2]", "17", '{"a": 1', "{'a': 1}"])
def test_nothing_is_repaired(text: str) -> None:
    with pytest.raises(Unparsable):
        read_json(Answer(text=text))


def test_an_error_is_passed_on() -> None:
    with pytest.raises(Unparsable, match="cut off"):
        read_json(Answer(text='{"a": 1}', error="cut off"))


@pytest.mark.parametrize("text", ["{" * 200_000, "```json\n" * 25_000, "```\n{" * 25_000])
def test_long_nonsense_is_refused_in_no_time(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(Unparsable):
        read_json(Answer(text=text))
    assert time.perf_counter() - started < 2
