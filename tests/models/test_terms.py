"""What is sent of a question, and what is left out of it when a server does not take it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.blueprints.gates.committee import REVIEW
from apigen_nb.blueprints.recombination import REPLY
from apigen_nb.models import Answer, Question
from apigen_nb.models.complaints import complaint
from apigen_nb.models.endpoint import Endpoint
from apigen_nb.models.extra_body import check_extra_body
from apigen_nb.models.ledger import add_up
from apigen_nb.models.opaque import FIELDS, MOST, opaque_of
from apigen_nb.models.prompt_length import tokens_cut
from apigen_nb.models.reply_cache import CachedModel, ReplyCache, read_replies
from apigen_nb.models.reply_schema import is_closed
from apigen_nb.models.roles import Roles
from apigen_nb.models.streams import json_body
from apigen_nb.models.terms import Terms
from apigen_nb.records import Message, Opaque, ToolCall, Usage
from apigen_nb.world.domain import Domain
from tests.fault_server import FaultServer
from tests.players import context_of

NUMBER = {"type": "integer"}
CLOSED = {"type": "object", "properties": {"a": NUMBER}, "required": ["a"], "additionalProperties": False}
OTHER = {"type": "object", "properties": {"b": NUMBER}, "required": ["b"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": NUMBER}, "required": ["a"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def question(role: str = "agent", **fields: Any) -> Question:
    context = context_of("agent", "user", says="be kind")
    told = {"id": "q", "role": role, "prompt": "user" if role == "user" else "agent", "context": context}
    return Question(**{**told, "messages": (Message(role="user", content="hello"),), **fields})


def refused(status: int, said: str, holds: str) -> Any:
    return lambda body, _: (status, {"error": {"message": said}}) if holds in json.dumps(body) else None


def asked(questions: list[Question], quirk: Any, **options: Any) -> tuple[list[Answer], FaultServer, Endpoint]:
    """The answers to questions asked at once."""

    async def main() -> tuple[list[Answer], FaultServer, Endpoint]:
        async with FaultServer(lambda body: "{}", quirk=quirk) as server:
            endpoint = Endpoint("tiny", server.url, timeout=5, wait=0.01, **options)
            try:
                return list(await asyncio.gather(*map(endpoint, questions))), server, endpoint
            finally:
                await endpoint.aclose()

    return asyncio.run(main())


@given(st.sampled_from(FIELDS), JSON, st.booleans())
def test_what_a_server_wants_back_goes_to_it_alone(name: str, value: Any, on_call: bool) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    came = {"content": None, "tool_calls": [{**call, **({name: value} if on_call else {})}], "annotations": [1]}
    kept = opaque_of(came if on_call else {**came, name: value}, "here")
    made = Message(role="assistant", tool_calls=(ToolCall(id="c", name="look", arguments={}),), opaque=kept)
    one = question(messages=(Message(role="user", content="hello"), made))
    back = Terms("m", {}, "here").body(one)["messages"][2]
    holder = back["tool_calls"][0] if on_call else back
    if kept is None:
        assert name not in holder
    else:
        assert holder[name] == value
    assert "annotations" not in back
    bare = one.model_copy(update={"messages": (one.messages[0], made.model_copy(update={"opaque": None}))})
    for other in (Terms("m", {}, "elsewhere"), Terms("n", {}, "")):
        assert other.body(one) == other.body(bare)
    asking = {"role": "user", "prompt": "user", "context": question("user").context}
    as_user = [each.model_copy(update=asking) for each in (one, bare)]
    assert Terms("m", {}, "here").body(as_user[0]) == Terms("m", {}, "here").body(as_user[1])


@pytest.mark.parametrize("value", [float("nan"), "x" * (MOST + 1), [["a"] * 10] * MOST])
def test_what_cannot_be_kept_is_not_sent_back(value: Any) -> None:
    assert opaque_of({"reasoning_content": value}, "here") is None


def test_what_goes_back_is_part_of_what_a_reply_is_found_by(tmp_path: Path) -> None:
    model = CachedModel(ReplyCache(tmp_path), "m", lambda: None, {})  # type: ignore[arg-type, return-value]

    def key(opaque: Opaque | None) -> str:
        return model.key(question(messages=(Message(role="assistant", content="hi", opaque=opaque),)))

    signed = Opaque(origin="here", message={"signature": "a"})
    assert key(signed) == key(signed.model_copy(update={"origin": "there"}))
    assert len({key(None), key(signed), key(Opaque(origin="here", message={"signature": "b"}))}) == 3


def test_a_refused_schema_costs_no_other_its_format() -> None:
    questions = [question("judge", id=f"{n}{name}", reply=shape) for n in range(8)
                 for name, shape in (("a", CLOSED), ("b", OTHER))]  # fmt: skip
    answers, server, endpoint = asked(questions, refused(400, "failed to parse grammar", '"a": {"type"'))
    assert {answer.error for answer in answers} == {""}
    shapes = [body["response_format"]["json_schema"] for body in server.requests if "response_format" in body]
    assert sum(shape["schema"] == OTHER for shape in shapes) == 8
    assert all(shape["strict"] for shape in shapes if shape["schema"] == OTHER)
    assert len(endpoint.noticed) == 2, "without strict, then without a schema: each is said once"


def test_strict_is_for_schemas_that_are_closed_to_the_last_object() -> None:
    nested = {**CLOSED, "properties": {"a": {"type": "array", "items": OPEN}}}
    optional = {**CLOSED, "required": []}
    untyped = {**CLOSED, "properties": {"a": {}}}
    by_name = {**CLOSED, "properties": {"a": {"$ref": "#/$defs/o"}}, "$defs": {"o": OPEN}}
    nullable = {**CLOSED, "properties": {"a": {"anyOf": [NUMBER, {"type": "null"}]}}}
    assert [is_closed(shape) for shape in (CLOSED, nullable)] == [True] * 2
    assert [is_closed(shape) for shape in (OPEN, nested, optional, untyped, by_name)] == [False] * 5
    for shape in (REPLY, REVIEW, CLOSED, OPEN):
        sent = Terms("m", {}, "").body(question("judge", reply=shape))["response_format"]["json_schema"]
        assert sent.get("strict", False) == is_closed(shape)


@given(JSON, st.sampled_from(["temperature", "seed", "messages", "model", "tools", "stream_of_words"]))
def test_whatever_an_error_says_the_question_stays_whole(body: Any, name: str) -> None:
    terms = Terms("m", {"temperature": 0.5, "seed": 1}, "")
    one = question(tools=({"type": "function", "function": {"name": "look"}},))
    before = terms.body(one)
    terms.without(before, complaint(json.dumps({"error": body, "param": name}).encode()), None)
    terms.without(before, complaint(f"unsupported parameter: {name}".encode()), None)
    after = terms.body(one)
    assert [after[part] for part in ("model", "messages", "tools")] == [
        before[part] for part in ("model", "messages", "tools")
    ]
    assert (name in after) == (name in ("messages", "model", "tools"))


@pytest.mark.parametrize("place", ["input", "flagged_input", "failed_generation"])
def test_what_an_error_repeats_of_the_question_counts_for_nothing(place: str) -> None:
    said = complaint(
        json.dumps({"error": {"message": "no", place: "temperature is not supported, api key flagged"}}).encode()
    )
    assert not said.names("temperature")
    assert not said.moderated or place == "flagged_input"
    assert not said.about_key


def test_many_at_once_meet_one_refusal_of_a_parameter() -> None:
    questions = [question(id=str(n)) for n in range(20)]
    answers, server, endpoint = asked(
        questions, refused(400, "temperature is not supported", "temperature"), temperature=0.5
    )
    assert {answer.error for answer in answers} == {""}
    assert len(server.requests) <= 40
    assert len(endpoint.noticed) == 1


def test_what_was_noticed_stands_in_the_ledger(tmp_path: Path) -> None:
    async def main() -> None:
        async with FaultServer(quirk=refused(400, "unknown parameter: 'seed'", '"seed"')) as server:
            roles = Roles(Domain.load("retail"), "tiny", server.url, extra_body={"seed": 1}, folder=tmp_path)
            for text in ("a", "b"):
                await roles.agent(question(messages=(Message(role="user", content=text),)))
            await roles.aclose()

    asyncio.run(main())
    noticed = add_up(read_replies(tmp_path), {}).noticed
    assert noticed == {"tiny": ("is asked without seed (400 unknown parameter: 'seed')",)}


def test_other_parameters_other_replies(tmp_path: Path) -> None:
    def key(extra: dict[str, Any] | None) -> str:
        given: dict[str, Any] = {"agent": {"extra_body": extra}} if extra is not None else {}
        return Roles(Domain.load("retail"), "m", "http://127.0.0.1:1", roles=given, folder=tmp_path).agent.key(
            question()
        )  # type: ignore[attr-defined, no-any-return]

    assert key(None) == key({})
    assert len({key(None), key({"top_p": 0.5}), key({"top_p": 0.6})}) == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "extra_body is a list; expected an object"),
        ({"messages": []}, "may not hold messages, which is set for every question"),
        ({"stream": True}, "may not hold stream"),
        ({"n": 2}, "may not hold n"),
        ({"temperature": 1}, "there is a parameter temperature"),
        ({"max_completion_tokens": 1}, "there is a parameter max_tokens"),
        ({"a": [{"X-Api-Key": "1"}]}, "may not hold X-Api-Key: keys come from the environment"),
        ({"a": float("nan")}, "extra_body is no JSON"),
        ({"a": "x" * 20_000}, "expected at most 10,000"),
    ],
)
def test_what_may_not_stand_in_extra_body(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_extra_body(value)
    with pytest.raises((ValueError, TypeError)):
        Roles(Domain.load("retail"), "m", roles={"user": {"extra_body": value}})


def test_the_key_may_not_stand_in_extra_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED_KEY", "abc-MARKED-5f1d")
    with pytest.raises(ValueError, match="extra_body holds the key") as told:
        Endpoint("m", "http://127.0.0.1:1", "MARKED_KEY", extra_body={"user": "abc-MARKED-5f1d"})
    assert "MARKED-5f1d" not in str(told.value)


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5), st.integers(0, 3))
def test_a_whole_stream_is_the_text_in_it(parts: list[str], comments: int) -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]} for part in parts]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}})
    lines = [*(": wait" for _ in range(comments)), *(f"data: {json.dumps(chunk)}" for chunk in chunks)]
    read = json.loads(json_body("\n\n".join([*lines, "data: [DONE]", ""]).encode()))
    assert read["choices"][0]["message"]["content"] == "".join(parts)
    assert read["usage"] == {"prompt_tokens": 3}
    broken = "\n\n".join(lines[:-1]).encode()
    assert json_body(broken) == broken


def test_calls_in_a_stream_are_put_together() -> None:
    deltas: list[dict[str, Any]] = [
        {
            "role": "assistant",
            "tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": '{"i'}}],
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": 'd": 1}'}}]},
        {
            "tool_calls": [
                {"index": 1, "id": "b", "function": {"name": "look", "arguments": "{}"}, "extra_content": {"g": 1}}
            ]
        },
    ]
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas] + [
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}
    ]
    read = json.loads(json_body("\n\n".join(f"data: {json.dumps(chunk)}" for chunk in chunks).encode()))
    assert read["choices"][0]["message"]["tool_calls"] == [
        {"id": "a", "function": {"name": "look", "arguments": '{"id": 1}'}},
        {"id": "b", "function": {"name": "look", "arguments": "{}"}, "extra_content": {"g": 1}},
    ]


@given(st.binary(max_size=60))
def test_no_body_is_too_odd(content: bytes) -> None:
    json_body(content)
    json_body(b"data: " + content)


PROSE = "Orders that are pending may be cancelled once the customer has confirmed the order and the reason. "
CHINESE = "订单处于待处理状态时可以取消，客户必须确认订单。" * 500
RULES = json.dumps({"order_id": "#W1234567", "items": [{"id": 17, "price": 12.5}] * 5}, indent=2)


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        (PROSE * 400, 4.8),
        (RULES * 300, 2.5),
        (CHINESE, 1.5),
        ("x" * 40_000, 8.0),
        (" \n" * 30_000, 30.0),
    ],
)
def test_a_whole_prompt_is_not_called_cut(text: str, usual: float) -> None:
    body = {"messages": [{"role": "system", "content": text}]}
    assert tokens_cut(body, Usage(prompt=int(len(text) / usual))) == 0
    assert tokens_cut(body, Usage(prompt=0)) == 0
    assert tokens_cut({"messages": [{"role": "user", "content": "hello"}]}, Usage(prompt=1)) == 0


@pytest.mark.parametrize("text", [PROSE * 400, RULES * 300])
def test_a_cut_prompt_is_called_so(text: str) -> None:
    body = {"messages": [{"role": "system", "content": text}]}
    assert tokens_cut(body, Usage(prompt=2050)) > 4000
    assert tokens_cut(body, Usage(prompt=50, cached=20_000)) == 0, "some count without what came from a cache"


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_nowhere_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/nowhere/ca.pem")
    with pytest.raises(
        ValueError, match=f"environment variable {name} points to '/nowhere/ca.pem', which is not there"
    ):
        Endpoint("m", "https://127.0.0.1:1/v1")
