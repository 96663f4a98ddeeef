"""Completions in the dialects of many servers: where thoughts and calls stand, and which ends are whole."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question
from apigen_nb.models.call_ids import call_id, with_ids
from apigen_nb.models.completion import read_completion
from apigen_nb.records import Message, ToolCall

PARAMETERS = {"type": "object", "properties": {"id": {"type": "string"}}}
LOOK = {"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}
ASKED = Question(id="q", role="agent", prompt="agent", tools=(LOOK,))


def read(message: dict[str, Any], **choice: Any) -> Answer:
    return read_completion(json.dumps({"choices": [{"message": message, **choice}]}).encode(), ASKED)


def ended(**choice: Any) -> Answer:
    return read({"content": "Well."}, **choice)


WHOLE = [
    "stop",
    "STOP",
    "FinishReason.STOP",
    "end_turn",
    "EndTurn",
    "eos",
    "eos_token",
    "stop_sequence",
    "COMPLETE",
    "",
    None,
]


@pytest.mark.parametrize("reason", [*WHOLE, "tool_calls", "tool_use", "function_call", {"type": "stop", "matched": 2}])
def test_a_reply_that_ended_by_itself_is_whole(reason: Any) -> None:
    assert (ended(finish_reason=reason).text, ended(finish_reason=reason).error) == ("Well.", "")
    assert ended(finish_reason=reason, native_finish_reason="completed").error == ""


NOT_WHOLE = {
    "cut off after 0 tokens": ["length", "MAX_TOKENS", "max_tokens", "model_length", "max_output_tokens", "MaxTokens"],
    "with a longer context": ["model_context_window_exceeded", "context_length_exceeded"],
    "content filter": [
        *(
            "content_filter",
            "SAFETY",
            "RECITATION",
            "PROHIBITED_CONTENT",
            "SPII",
            "ImageSafety",
            "sensitive",
        ),
        "refusal",
        "guardrail_intervened",
        "ERROR_TOXIC",
        "BLOCKLIST",
        "MODEL_ARMOR",
    ],
    "cannot read": ["malformed_function_call", "MALFORMED_FUNCTION_CALL", "UnexpectedToolCall", "TOO_MANY_TOOL_CALLS"],
    "not known to be whole": ["other", "LANGUAGE", "pause_turn", "repetition", "toString", 7, [1], "null"],
}


@pytest.mark.parametrize(("reason", "told"), [(reason, told) for told in NOT_WHOLE for reason in NOT_WHOLE[told]])
def test_no_other_reply_counts_and_its_reason_is_told(reason: Any, told: str) -> None:
    for choice in ({"finish_reason": reason}, {"finish_reason": "stop", "native_finish_reason": reason}):
        answer = ended(**choice)
        if "not known" not in told or "native_finish_reason" not in choice:
            assert told in answer.error
            assert f"finish_reason {reason}"[:40] in answer.error


@given(st.text(min_size=1, max_size=30))
def test_an_end_that_nobody_knows_is_not_whole(reason: str) -> None:
    told = ""
    with contextlib.suppress(ValueError):  # of a word for what is the server's fault
        told = ended(finish_reason=f"x{reason}x").error
        assert "finish_reason x" in told


ABORTS = [
    "error",
    "ERROR",
    "abort",
    "insufficient_system_resource",
    "network_error",
    "timeout",
    "cancelled",
    "time_limit",
]


@pytest.mark.parametrize("choice", [*({"finish_reason": reason} for reason in ABORTS),
                                    {"error": {"code": 502, "message": "upstream is down"}}, {"error": "upstream"},
                                    {"finish_reason": "stop", "native_finish_reason": "error"}])  # fmt: skip
def test_what_is_the_servers_fault_is_tried_again(choice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the reply is not a chat completion: the server"):
        ended(**choice)


THOUGHT = "Which loan?"
SUMMARY = [{"type": "reasoning.summary", "summary": THOUGHT}, {"type": "reasoning.encrypted", "data": "x"}]


@pytest.mark.parametrize(
    "message",
    [
        *({"content": "Yes.", name: THOUGHT} for name in ("reasoning_content", "reasoning", "thinking")),
        {"content": "Yes.", "reasoning_details": [{"type": "reasoning.text", "text": THOUGHT, "signature": "x"}]},
        {"content": "Yes.", "reasoning": THOUGHT, "reasoning_details": SUMMARY},
        {"content": [{"type": "thinking", "thinking": THOUGHT, "signature": "x"}, {"type": "text", "text": "Yes."}]},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": "Yes."},
            ]
        },
        {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHT}]}, {"text": "Yes."}]},
        {"content": [{"type": "redacted_thinking", "data": "x"}, "Yes."], "reasoning": THOUGHT},
        {"content": f"<think>{THOUGHT}</think>\n\nYes.", "reasoning_content": None},
        {"content": f"<think>{THOUGHT}</think>Yes.<|im_end|>"},
    ],
)
def test_thoughts_are_found_wherever_a_server_puts_them(message: dict[str, Any]) -> None:
    answer = read(message)
    assert (answer.text, answer.thoughts, answer.error) == ("Yes.", THOUGHT, "")


def test_what_is_not_whole_is_without_its_thoughts_and_marks_too() -> None:
    for choice, more in (({"finish_reason": "length"}, {}), ({}, {"refusal": "no"})):
        answer = read({"content": "<think>hm</think>Yes, and <tool_call>{</s>", "reasoning": "a", **more}, **choice)
        assert (answer.text, answer.thoughts, bool(answer.error)) == ("Yes, and", "a\n\nhm", True)


def test_a_reply_of_thoughts_alone_is_no_answer() -> None:
    answer = read({"content": "", "reasoning_content": '{"name": "look", "arguments": {}}'}, finish_reason="stop")
    assert (answer.text, answer.tool_calls) == ("", ())
    assert answer.error == "the reply holds thoughts and nothing that is said"


CALL = {"name": "look", "arguments": {"id": "7"}}
TEXT = json.dumps(CALL["arguments"])


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [{"id": "a", "type": "function", "function": {"name": "look", "arguments": TEXT}}]},
        {"tool_calls": [{"id": "a", "function": {"name": "look", "arguments": json.dumps(TEXT)}}]},
        {"tool_calls": [{"id": "a", "function": CALL}, None, {"function": {"name": None, "arguments": ""}}, {}]},
        {"tool_calls": [{"id": "a", **CALL}]},
        {"tool_calls": {"id": "a", "function": CALL}},
        {"content": [{"type": "tool_use", "id": "a", "name": "look", "input": {"id": "7"}}]},
    ],
)
def test_calls_are_read_from_every_dialect(message: dict[str, Any]) -> None:
    (call,) = read({"content": None, **message}, finish_reason="tool_calls").tool_calls
    assert (call.id, call.name, call.arguments) == ("a", "look", {"id": "7"})


LEFT = [
    "</tool_call>",
    "<tool_call>\n</tool_call>",
    f"<tool_call>{json.dumps(CALL)}</tool_call>",
    f"[TOOL_CALLS]look[ARGS]{TEXT}",
]


@pytest.mark.parametrize("left", LEFT)
def test_what_a_server_leaves_of_calls_that_it_has_read_is_not_said(left: str) -> None:
    calls = [{"id": "a", "function": CALL}]
    answer = read({"content": f"One moment. {left}", "tool_calls": calls})
    assert (answer.text, answer.error) == ("One moment.", "")
    assert [(call.id, call.arguments) for call in answer.tool_calls] == [("a", CALL["arguments"])]
    other = read({"content": left.replace("7", "8") + "<tool_call>", "tool_calls": calls})
    assert bool(other.error) == ("7" in left), "another call than those is none that can be read for certain"


def test_the_older_form_of_a_call_has_no_id() -> None:
    for calls in ({}, None, []):
        message = {"content": "Yes.", "tool_calls": calls, "function_call": {"name": "look", "arguments": TEXT}}
        (call,) = read(message).tool_calls
        assert (call.id, call.arguments) == ("call00001", {"id": "7"})
        assert read({"content": "Yes.", "tool_calls": calls, "function_call": None}).tool_calls == ()


def test_a_key_given_twice_is_no_argument() -> None:
    (call,) = read({"tool_calls": [{"function": {"name": "look", "arguments": '{"id": "7", "id": "8"}'}}]}).tool_calls
    assert (call.arguments, call.raw) == (None, '{"id": "7", "id": "8"}')


@pytest.mark.parametrize("message", [
    {"tool_calls": [{"function": {"name": None, "arguments": TEXT}}]}, {"tool_calls": [7]}, {"content": 7},
    {"content": [{"type": "image_url", "image_url": {}}]}, {"tool_calls": "look"}, "text",
])  # fmt: skip
def test_what_is_no_message_is_tried_again(message: Any) -> None:
    with pytest.raises(ValueError, match="the reply is not a chat completion"):
        read(message)


IDS = st.lists(st.sampled_from(["", "a", "b", "call00001", "call00002", "x" * 300]), max_size=6)


@given(IDS, IDS)
def test_ids_stay_where_they_can_and_are_never_used_twice(before: list[str], ids: list[str]) -> None:
    def calls(ids: list[str]) -> tuple[ToolCall, ...]:
        return tuple(ToolCall(id=id, name="look", arguments={}) for id in ids)

    earlier = [Message(role="assistant", tool_calls=with_ids(calls(before)))]
    named = with_ids(calls(ids), earlier)
    used = [call.id for call in (*earlier[0].tool_calls, *named)]
    assert len(set(used)) == len(used)
    assert with_ids(named, earlier) == named
    for came, call in zip(ids, named, strict=True):
        assert call.id == came or (len(call.id) == 9 and call.id.isalnum())


def test_made_ids_have_nine_letters_and_digits() -> None:
    assert {len(call_id(number)) for number in (1, 10, 99_999)} == {9}
