"""Whatever a server sends, reading it ends in an answer that can be kept, or in a ValueError that says what came."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question, Unparsable, heard, read_json, storable
from apigen_nb.models.complaints import complaint
from apigen_nb.models.completion import MAX_REPLY, MAX_TOKENS, read_completion
from apigen_nb.models.retries import retry_after
from apigen_nb.models.spoken import MACHINERY
from apigen_nb.records import Message, ToolCall

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
EARLIER = (
    Message(role="user", content="hello"),
    Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="look", arguments={}),)),
    Message(role="tool", tool_call_id="call_1", content="{}"),
)
ASKED = Question(id="q1", role="agent", prompt="agent", messages=EARLIER, tools=(LOOK,))


def read(body: bytes) -> None:
    """Read a body as the endpoint does, and check what may be said of any answer."""
    said = ""
    try:
        answer = read_completion(body, ASKED)
    except ValueError as error:
        said = str(error)
    if said:
        assert said.startswith(("the reply is not a chat completion", "a web page came instead"))
        assert len(said) < 2000
        return
    kept = storable(answer)
    assert Answer.model_validate_json(kept.line().encode()) == kept
    assert len(answer.text) <= MAX_REPLY
    assert heard(answer, ASKED) == answer
    marks = list(MACHINERY.finditer(answer.text))
    assert all(f"`{mark.group()}`" in answer.text for mark in marks), "no mark is said, but one that is spoken about"
    ids = [call.id for call in answer.tool_calls]
    assert len({*ids, "call_1"}) == len(ids) + 1
    assert all((call.arguments is None) == bool(call.raw) or call.raw == "" for call in answer.tool_calls)
    assert answer.usage.calls == 1
    assert all(0 <= count <= MAX_TOKENS for count in answer.usage.model_dump().values())
    with contextlib.suppress(Unparsable):
        assert isinstance(read_json(kept), dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
RAW = JSON | st.sampled_from(["{}", '{"id": ', "[1]", "NaN", '{"x": NaN}', '{"a": {"b": 1e999}}', "\ud83d", ""])
TEXT = JSON | st.sampled_from(
    [
        '{"name": "look", "arguments": {"id": 1}}',
        '```json\n{"name": "look", "parameters": {}}\n```',
        "<tool_call>{}</tool_call>",
        "<tool_call>\n" * 50,
        '[{"name": "rm", "arguments": {}}]',
        "{" * 3000,
        '{"a": 1} {"a": 0}',
        "```json\n" * 500,
    ]
)

PIECES = [
    *("<think>", "</think>", "[THINK]", "[/THINK]", "<|im_end|>", "</s>", "<|im_start|>user\n", "<|eot_id|>", "`", "<"),
    *("|>", "<tool_call>", "</tool_call>", '{"name": "look", "arguments": {"id": "1"}}', "look(", 'id="1")', "[", "]"),
    *(
        "<|channel|>final",
        "<|message|>",
        "<|start|>assistant",
        "<function=look>",
        "<parameter=id>",
        "</function>",
        " to",
    ),
    *(
        "<arg_key>id</arg_key>",
        "<arg_value>",
        "</arg_value>",
        "look",
        "<|python_tag|>",
        "\n",
        "yes",
        "{",
        '"',
        "<answer>",
    ),
    *(
        "```json\n",
        "\n```",
        "analysis",
        "assistantfinal",
        "</answer>",
        "<|x|>",
        "<th",
        "ink>",
        "[TOOL_CALLS]",
        "[ARGS]",
    ),
    *(
        "<|tool_call_begin|>",
        "<｜tool▁sep｜>",
        "functions.look:0",
        "◁think▷",
        "◁/think▷",
        "<|START_THINKING|>",
        "\ud83d",
    ),
]
TEXT = TEXT | st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


def spoiled(good: dict[str, Any]) -> st.SearchStrategy[Any]:
    """An object of the right kind in which any member may be absent or anything."""
    members = {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in good.items()}
    return st.fixed_dictionaries({}, optional={name: value | JSON for name, value in members.items()}) | JSON


CALL = spoiled({"id": st.sampled_from(["a", "call_1", "call_2", ""]), "type": "function",
                "function": spoiled({"name": st.sampled_from(["look", "rm", ""]), "arguments": RAW})})  # fmt: skip
MESSAGE = spoiled({"role": "assistant", "content": TEXT | st.lists(spoiled({"type": "text", "text": TEXT}), max_size=2),
                   "refusal": st.none(), "tool_calls": st.lists(CALL, max_size=3), "reasoning": TEXT,
                   "reasoning_details": st.lists(spoiled({"type": "reasoning.text", "text": TEXT}), max_size=2),
                   "function_call": spoiled({"name": "look", "arguments": RAW})})  # fmt: skip
ENDS = st.sampled_from(["stop", "length", "SAFETY", "tool_calls", "error", "new"])
CHOICE = spoiled({"index": 0, "message": MESSAGE, "finish_reason": ENDS})
USAGE = spoiled({"prompt_tokens": 10, "completion_tokens": st.integers(),
                 "prompt_tokens_details": spoiled({"cached_tokens": 4})})  # fmt: skip
COMPLETION = spoiled({"id": "x", "choices": st.lists(CHOICE, max_size=2), "usage": USAGE})


@given(COMPLETION)
def test_completions_with_anything_in_them(body: Any) -> None:
    read(json.dumps(body).encode())


@given(COMPLETION, st.integers(0, 400), st.binary(max_size=3))
def test_completions_cut_and_overwritten(body: Any, place: int, junk: bytes) -> None:
    whole = json.dumps(body).encode()
    read(whole[:place])
    read(whole[:place] + junk + whole[place + len(junk) :])


ODD = st.text(st.characters(), max_size=6) | st.sampled_from(
    ["\ud83d", float("nan"), 10**5000, -(10**20), 1e22, (1, 2)]
)
ARGUMENTS = st.dictionaries(st.text(st.characters(), max_size=3), JSON | ODD | st.lists(ODD, max_size=2), max_size=3)


def read_back(answer: Answer) -> Answer:
    text = json.dumps(answer.model_dump(), ensure_ascii=False, allow_nan=False)
    return Answer.model_validate_json(text.encode("utf-8", "replace"))


@given(st.lists(st.text(st.characters(), max_size=8), min_size=4, max_size=4), st.none() | ARGUMENTS)
def test_what_is_kept_is_what_is_read_back(texts: list[str], arguments: dict[str, Any] | None) -> None:
    """Whichever way it was found to be so, to the type of every value."""
    call = ToolCall(id="c", name=texts[3], arguments=arguments)
    answer = Answer(text=texts[0], thoughts=texts[1], error=texts[2], tool_calls=(call,))
    kept = storable(answer)
    assert repr(read_back(kept)) == repr(kept)
    try:
        assert repr(kept) == repr(read_back(answer))
    except ValueError:  # not in JSON, or too long to be written
        assert kept.tool_calls[0].arguments is None


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
@example(b"[" * 100_000)
@example(b'{"choices":' * 20_000)
@example(b'{"choices": [{"message": {"content": "' + b"x" * 300_000 + b'"}}]}')
@example(b'{"choices": [{"message": {"content": "\\ud83d"}}], "usage": {"prompt_tokens": -1e999}}')
@example(b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": 1' + b"0" * 5000 + b"}}")
@example(b"\xff\xfe{")
@example(b"\x1f\x8b\x08\x00")
def test_bodies_that_are_anything(body: bytes) -> None:
    read(body)


@given(
    st.text(max_size=40) | st.sampled_from(["1e999", "nan", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "1:", ": :", "٣"])
)
def test_retry_after_is_seconds_or_nothing(value: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        assert 0 <= retry_after({name: value}) < float("inf")


@given(JSON)
@example({"message": {"message": {"detail": ["no"]}}})
def test_an_error_body_says_something(body: Any) -> None:
    assert complaint(json.dumps(body).encode()).said


@pytest.mark.parametrize(
    "text",
    [
        "{" * 200_000,
        "```json\n" * 100_000,
        "<tool_call>" * 18_000,
        '{"a":[' * 50_000,
        "<think>" * 28_000,
        "</think>" * 25_000,
        "<|im_end|>" * 20_000,
        "<think `" * 25_000,
        "<|" * 100_000,
        "\n" * 200_000,
        "[" * 200_000,
        "`<think>`" * 22_000,
        "<function=look>" * 13_000,
        "<tool_call>" + "<arg_key>a</arg_key><arg_value>" * 6_000,
        "\n[look(a=" * 20_000,
        "<|channel|>a<|message|>" * 8_000,
        '<think></think>{"a":"' * 9_000,
        "look(a=" + "(" * 19_000,
        '{"":' * 50_000,
        "[TOOL_CALLS]" + "look[ARGS]{}" * 16_000,
        "{}" * 100_000,
        "<s " * 60_000,
        "analysis" * 25_000,
        "analysisassistantfinal" * 9_000 + "</s>",
        "[{" * 100_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    read(json.dumps({"choices": [{"message": {"content": text[:MAX_REPLY]}}]}).encode())
    with contextlib.suppress(Unparsable):
        read_json(Answer(text=text))
