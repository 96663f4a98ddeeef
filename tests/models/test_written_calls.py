"""Calls that models write into their text are read where they mean one thing only, and told where they do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question, heard
from apigen_nb.models.written_calls import WrittenCall, read_calls

KINDS = {"id": {"type": "string"}, "n": {"type": "integer"}, "all": {"type": "boolean"}, "ids": {"type": "array"},
         "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}  # fmt: skip
TOOLS = tuple(
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": KINDS}}}
    for name in ("look", "go")
)
WORDS = st.text(st.characters(exclude_characters="<>`", categories=["L", "N", "P", "Zs"]), max_size=12)
NUMBERS = st.lists(st.integers(0, 9), max_size=3)
GIVEN: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"id": WORDS, "n": st.integers(-9, 9), "all": st.booleans(), "ids": NUMBERS}
)


def tags(given: dict[str, Any], form: str) -> str:
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    return "".join(form.replace("NAME", name).replace("VALUE", value) for name, value in values.items())


def forms(name: str, given: dict[str, Any]) -> dict[str, str]:
    """One call in every form that a family of models writes it in."""
    whole, arguments = json.dumps({"name": name, "arguments": given}), json.dumps(given)
    twice = json.dumps({"name": name, "arguments": arguments})
    parameters = json.dumps({"name": name, "parameters": given})
    named = json.dumps([{"tool_call_id": "0", "tool_name": name, "parameters": given}])
    python = f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
    qwen = tags(given, "<parameter=NAME>\nVALUE\n</parameter>\n")
    attributes = tags(given, '<parameter name="NAME">VALUE</parameter>')
    pairs = tags(given, "<arg_key>NAME</arg_key>\n<arg_value>VALUE</arg_value>\n")
    begin, end = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>", "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    kimi = f"<|tool_call_begin|>functions.{name}:0<|tool_call_argument_begin|>{arguments}<|tool_call_end|>"
    return {
        "bare": whole,
        "list": f"[{parameters}]",
        "fence": f"```json\n{whole}\n```",
        "hermes": f"<tool_call>\n{whole}\n</tool_call>",
        "twice encoded": f"<tool_call>{twice}</tool_call>",
        "qwen coder": f"<tool_call>\n<function={name}>\n{qwen}</function>\n</tool_call>",
        "minimax": f'<minimax:tool_call><invoke name="{name}">{attributes}</invoke></minimax:tool_call>',
        "claude": f'<function_calls>\n<invoke name="{name}">\n{attributes}</invoke>\n</function_calls>',
        "mistral": f"[TOOL_CALLS] [{whole}]</s>",
        "newer mistral": f"[TOOL_CALLS]{name}[ARGS]{arguments}",
        "llama": f"<|python_tag|>{parameters}<|eom_id|>",
        "llama's function": f"<function={name}>{arguments}</function>",
        "llama's python": f"<|python_tag|>{python.replace('(', '.call(', 1)}",
        "python": f"[{python}]",
        "function_call": f"<function_call>{whole}</function_call>",
        "deepseek": f"{begin}function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```{end}<｜end▁of▁sentence｜>",
        "newer deepseek": f"{begin}{name}<｜tool▁sep｜>{arguments}{end}",
        "kimi": f"<|tool_calls_section_begin|>{kimi}<|tool_calls_section_end|><|im_end|>",
        "glm": f"<tool_call>{name}\n{pairs}</tool_call>",
        "gpt-oss": f"<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}<|call|>",
        "cohere": f"<|START_ACTION|>{named}<|END_ACTION|>",
        "granite": f"<|tool_call|>[{whole}]",
        "functions": f"<functions>[{whole}]</functions>",
    }


def hear(text: str) -> Answer:
    return heard(Answer(text=text), Question(id="q", role="agent", prompt="agent", tools=TOOLS))


BEFORE = st.sampled_from(["", "One moment.\n", "<think>look(id='0')</think>\n", "<think>a</think>Sure.\n"])


@pytest.mark.parametrize("form", forms("look", {}))
@given(given=GIVEN, before=BEFORE)
def test_a_call_is_read_in_every_form(form: str, given: dict[str, Any], before: str) -> None:
    answer = hear(before + forms("look", given)[form])
    assert answer.error == ""
    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [("call00001", "look", given)]
    assert answer.text == before.split("</think>")[-1].strip() or form == "gpt-oss"


@pytest.mark.parametrize("text", [
    "<tool_call>", '<tool_call>{"name": "look"', '<tool_call>{"name": "leap", "arguments": {}}</tool_call>',
    '{"name": "leap", "arguments": {}}', '{"name": "look", "arguments": "7"}', '{"name": "look", "arguments": {"id": ',
    '<tool_call>{"name": "look", "arguments": {}}</tool_call> It is L1.', "[TOOL_CALLS]look[ARGS]",
    "look(id=open('x'))",
    "[look(id=1), leap(id=2)]", "<function=look><parameter=n>seven</parameter></function>", "look(**{'id': 1})",
    "<function=look><parameter=id>1</parameter><parameter=id>2</parameter></function>", "look(id=(1).real)",
    "<tool_call>look<arg_key>id</arg_key></tool_call>",
    '<tool_call>{"name": "look", "arguments": {"n": NaN}}</tool_call>',
    '{"name": "look", "arguments": {"id": 1, "id": 2}}', '{"name": "look", "tool": "go", "arguments": {}}',
    '{"name": "look", "arguments": {}} and {"name": "go", "arguments": {}}', "<|tool_call>call:look{id:7}<tool_call|>",
    "<tool_call>" + '{"name": "go", "arguments": {}}' * 65 + "</tool_call>", "[look(id=" + "-" * 9000 + "1)]",
])  # fmt: skip
def test_a_call_that_cannot_be_read_is_an_error_that_says_what_to_do(text: str) -> None:
    answer = hear(text)
    assert (answer.text, answer.tool_calls) == ("", ())
    assert answer.error.startswith("wrote a tool call as text; switch on the server's tool parser: ")


@pytest.mark.parametrize("text", [
    "I use look(id) to look.", "I can look: go on.", '{"name": "Mia"}', "[]", "Use {look} (go).", "[look](go)", "look",
    "The function `look(id=7)` does it.", '{"name": ["look"], "arguments": {}}', "It is 5 < 7 [1].",
])  # fmt: skip
def test_who_only_speaks_of_a_tool_calls_none(text: str) -> None:
    assert hear(text) == Answer(text=text)


def test_two_calls_are_two_and_text_before_them_stays() -> None:
    text = "One moment.\n[look(id='7', all=true, maybe=None), go(ids=[1, {'a': null}])]"
    answer = hear(text)
    assert answer.text == "One moment."
    assert [call.arguments for call in answer.tool_calls] == [
        {"id": "7", "all": True, "maybe": None}, {"ids": [1, {"a": None}]}
    ]  # fmt: skip


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["<tool_call>", "look", "(", ")", "=", "'", '{"name":', "}", "[", "]"])).map("".join)
)
def test_no_text_does_anything_but_call_or_not(text: str) -> None:
    try:
        said, calls = read_calls(text, TOOLS)
    except WrittenCall:
        return
    assert bool(calls) != (said == text and text != "") or text == ""
    assert all(call.name in ("look", "go") and isinstance(call.arguments, dict) for call in calls)
