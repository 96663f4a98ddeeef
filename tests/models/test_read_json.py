"""`read_json` finds the object wherever a model puts it, `read_reply` makes a record of it: both fail in one way."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import Field

from apigen_nb.models import Answer, Question, Unparsable, ask_for, metered, read_json, read_reply
from apigen_nb.models.reply_schema import reply_schema
from apigen_nb.records import Action, Record, Usage, canonical

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)
PROSE = st.text(alphabet=st.characters(exclude_characters="{`"), max_size=60).filter(lambda text: not _is_json(text))


# Behind an object nothing may stand that begins another one, before it nothing that it would be a part of.
ROUND = PROSE.filter(lambda text: not text.rstrip().endswith("["))


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


@given(OBJECTS, ROUND, ROUND, st.sampled_from(["json", ""]))
def test_a_fenced_object_comes_back(value: dict[str, Any], before: str, after: str, name: str) -> None:
    fenced = f"```{name}\n{json.dumps(value, indent=1).replace('`', chr(92) + 'u0060')}\n```"
    assert read_json(Answer(text=f"{before}\n{fenced}\n{after}")) == value


@given(OBJECTS, ROUND, ROUND)
def test_an_object_in_prose_comes_back(value: dict[str, Any], before: str, after: str) -> None:
    text = f"{before} {json.dumps(value).replace('`', chr(92) + 'u0060')} {after.replace('`', '')}"
    assert read_json(Answer(text=text)) == value


@pytest.mark.parametrize("text", ["", "no", '"text"', "[1, 2]", "17", '{"a": 1', "{'a': 1}"])
def test_nothing_is_repaired(text: str) -> None:
    with pytest.raises(Unparsable):
        read_json(Answer(text=text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1} No: {"a": 0}', "found several that differ: the second at line 1, character 14"),
        ('```json\n{"a": 1}\n```\n```json\n{"a": true}\n```', "the second at line 5, character 1"),
        ('{"a": 1} {"a": 1} {"a": 1.0}', "the third at line 1, character 19"),
        ('{"a": 1, "a": 0}', "the key 'a' twice, with different values"),
        ('{"b": [{"a": 1, "a": 0}]}', "the key 'a' twice"),
        ('{"scores": {"a": 1}, "why": so}', "breaks at line 1, character 29"),
        ('{"scores":\n {"a": 1}', "breaks at line 2, character 10"),
        ('{"draft": {"a": 1}, } So: {"a": 0}', "breaks at line 1, character 21"),
        ('{"a": 1} {"a":', "breaks at line 1, character 15"),
        ('{{"a": 1}}', "a brace inside of braces"),
        ("{'a': {\"a\": 1}}", "breaks at line 1, character 2"),
        ('{a: {"a": 1}}', "breaks at line 1, character 2"),
        ('{see {"a": 1}}', "a brace inside of braces"),
        ('[{"a": 1}]', "found a list of objects at line 1, character 1"),
        ('[1, [{"a": 1}]]', "found a list of objects"),
        ('[{"a": 1}, {"a"', "breaks at line 1, character 16"),
        ("no {braces} here", "found 'no {braces} here'"),
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(text: str, reason: str) -> None:
    with pytest.raises(Unparsable) as caught:
        read_json(Answer(text=text))
    assert str(caught.value).startswith("expected a JSON object, found ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1} Again: {"a":1}', '{"a": 1, "a": 1}', 'In {braces}: {"a": 1}', 'See [1], [x] and [[2]: {"a": 1} {'],
)
def test_one_answer_is_one_however_often_it_is_given(text: str) -> None:
    assert read_json(Answer(text=text)) == {"a": 1}


@given(OBJECTS, OBJECTS, ROUND, ROUND)
def test_of_two_objects_that_differ_none_counts(one: dict[str, Any], other: dict[str, Any], a: str, b: str) -> None:
    assume(canonical(one) != canonical(other))
    for text in (
        f"{a} {json.dumps(one)} {b} {json.dumps(other)}",
        f"{json.dumps(one)}\n```json\n{json.dumps(other)}\n```",
    ):
        with pytest.raises(Unparsable, match="several that differ"):
            read_json(Answer(text=text))


@given(OBJECTS, st.integers(0, 400), st.text(max_size=3))
def test_an_object_inside_of_a_broken_one_never_counts(value: dict[str, Any], place: int, junk: str) -> None:
    whole = json.dumps({"draft": value, "scores": value})
    broken = whole[: place % len(whole)] + junk
    with contextlib.suppress(Unparsable):
        assert read_json(Answer(text=broken)) == json.loads(broken)


def test_an_error_is_passed_on() -> None:
    with pytest.raises(Unparsable, match="cut off"):
        read_json(Answer(text='{"a": 1}', error="cut off"))


@pytest.mark.parametrize("text", ["{" * 200_000, "```json\n" * 25_000, "```\n{" * 25_000])
def test_long_nonsense_is_refused_in_no_time(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(Unparsable):
        read_json(Answer(text=text))
    assert time.perf_counter() - started < 2


class Opinion(Record):
    """What is asked for below."""

    turn: int = Field(ge=0)
    why: str = ""
    actions: tuple[Action, ...] = ()


def test_a_reply_is_read_as_what_was_asked_for() -> None:
    text = '{"turn": 3, "why": "it asked twice", "actions": [{"name": "look"}], "confidence": 0.9}'
    read = read_reply(Answer(text=f"Here you are: {text}"), Opinion)
    assert read == Opinion(turn=3, why="it asked twice", actions=(Action(name="look"),))


@given(st.fixed_dictionaries({"turn": st.integers(0, 9)}, optional={"why": st.text(max_size=3)}))
def test_what_the_schema_allows_to_be_null_is_read_as_left_out(said: dict[str, Any]) -> None:
    written = {"why": None, "actions": None, **said}
    assert jsonschema.Draft202012Validator(reply_schema(Opinion)).is_valid(written)
    assert read_reply(Answer(text=json.dumps(written)), Opinion) == Opinion(**said)


def test_what_must_be_said_may_not_be_null() -> None:
    with pytest.raises(Unparsable, match=r"^turn: "):
        read_reply(Answer(text='{"turn": null, "why": null}'), Opinion)


def test_a_model_has_no_say_in_what_is_settled() -> None:
    assert read_reply(Answer(text='{"turn": "never", "why": "so"}'), Opinion, turn=1) == Opinion(turn=1, why="so")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I would say turn 3.", "expected a JSON object, found 'I would say turn 3.'"),
        ("{}", "turn: Field required"),
        (
            '{"turn": -1, "why": 2}',
            "turn: Input should be greater than or equal to 0; why: Input should be a valid string",
        ),
        ('{"turn": 1, "actions": [{"name": 7}]}', "actions.0.name: Input should be a valid string"),
        ('{"turn": 1, "actions": [{"name": "a", "arguments": {"x": [NaN]}}]}', "it cannot be written down: "),
        ('{"turn": 1, "actions": [{"name": "a", "arguments": {"x": 1e999}}]}', "it cannot be written down: "),
        (f'{{"turn": 1, "actions": [{{"name": "a", "arguments": {{"x": {"[" * 500}{"]" * 500}}}}}]}}', ""),
        (f'{{"turn": {"9" * 5_000}}}', "expected a JSON object, found "),
        (f'{{"turn": 1, "actions": [{{"name": "a", "{"k" * 5_000}": 1}}]}}', "actions.0.kkk"),
        (r'{"turn": 1, "why": "\ud83d"}', ""),
        (r'{"turn": 1, "actions": [{"name": "a", "arguments": {"\ud83d": 1}}]}', ""),
    ],
)
def test_what_is_wrong_with_a_reply_is_one_error_in_words(text: str, reason: str) -> None:
    with pytest.raises(Unparsable) as caught:
        read_reply(Answer(text=text), Opinion)
    assert str(caught.value).startswith(reason)
    assert 10 < len(str(caught.value)) < 1000


@given(st.dictionaries(st.sampled_from(["turn", "why", "actions", "more"]), VALUES, max_size=4))
def test_whatever_is_read_can_be_written_down_and_read_back(value: dict[str, Any]) -> None:
    with contextlib.suppress(Unparsable):
        read = read_reply(Answer(text=json.dumps(value)), Opinion)
        assert Opinion.model_validate_json(read.line()) == read


async def test_who_asks_for_a_record_gets_it_and_its_tokens_are_counted() -> None:
    async def model(question: Question) -> Answer:
        return Answer(text='{"turn": 2}', usage=Usage(calls=1), error="cut off" if question.sample else "")

    question = Question(id="q", role="critic", prompt="critic")
    with metered() as usage:
        assert await ask_for(model, question, Opinion) == Opinion(turn=2)
        with pytest.raises(Unparsable, match="cut off"):
            await ask_for(model, question.model_copy(update={"sample": 1}), Opinion)
    assert usage["critic"].calls == 2
