"""The real openai client against a real server that does everything wrong a server can do."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import tenacity

from apigen_nb.models import Answer, EndpointDown, NoAnswer, Question, ask, metered
from apigen_nb.models.chat_format import render
from apigen_nb.models.endpoint import Endpoint
from apigen_nb.models.jobs import run_jobs
from apigen_nb.models.rate_limits import Limits
from apigen_nb.models.retries import Failed, Patience
from apigen_nb.records import Message, ToolCall, Usage
from apigen_nb.storage.journal import Journal
from apigen_nb.storage.progress import Progress, progress_line
from tests.fault_server import FaultServer, Reply, echo
from tests.players import context_of

KEY = "sk-MARKED-5f1d"
SERVING = ("latency", "admit", "formats", "rates", "sticky", "seed", "retry_after", "usage")
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def question(text: str = "hello", **fields: Any) -> Question:
    fields = {"id": "q1", "role": "agent", "prompt": "agent", "context": {"policy": "be kind"}} | fields
    return Question(**{"messages": (Message(role="user", content=text),), **fields})


def with_server(work: Callable[[FaultServer, Endpoint], Awaitable[Any]], reply: Reply = echo, **options: Any) -> Any:
    """Run `work` with a fresh server and an endpoint that asks it with short waits."""
    serving = {name: options.pop(name) for name in SERVING if name in options}
    options = {"api_key_env": "MARKED_KEY", "timeout": 0.4, "wait": 0.01} | options

    async def main() -> Any:
        async with FaultServer(reply, **serving) as server:
            endpoint = Endpoint("tiny", server.url, **options)
            try:
                return await work(server, endpoint)
            finally:
                await endpoint.aclose()

    return asyncio.run(main())


def meet(*faults: str, **options: Any) -> tuple[Answer, FaultServer]:
    """The answer to one question when the first requests meet these faults."""
    asked = options.pop("asked", question())

    async def work(server: FaultServer, endpoint: Endpoint) -> tuple[Answer, FaultServer]:
        server.next(*faults)
        return await endpoint(asked), server

    return with_server(work, **options)


def test_an_answer_with_its_usage() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        with metered() as usage:
            answer = await ask(endpoint, question("hello"))
            await ask(endpoint, question("again"))
        assert (answer.text, answer.error, answer.tool_calls) == ("hello", "", ())
        spent = usage["agent"]
        assert (spent.calls, spent.prompt, spent.cached, spent.completion) == (2, 20, 8, 10)
        assert server.keys == [KEY, KEY]
        assert server.requests[0]["model"] == "tiny"
        assert not {"temperature", "response_format"} & set(server.requests[0])

    with_server(work)


BROKEN = ["408", "409", "500", "502", "malformed", "truncated", "html", "empty-choices", "wrong-types", "null", "empty"]
BROKEN += ["error-200", "reset", "no-http", "stall", "half-open", "bad-gzip", "stream", "odd-charset"]
REFUSED = ["429", "503", "529"]


@pytest.mark.parametrize("fault", [*BROKEN, *REFUSED])
def test_what_may_pass_is_tried_again(fault: str) -> None:
    answer, server = meet(fault)
    assert (answer.text, answer.error) == ("hello", "")
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", BROKEN)
def test_tries_end_with_a_reason(fault: str) -> None:
    words = r"q1: no answer from tiny at http://127.0.0.1:\d+/v1 in 2 tries; the last: ."
    with pytest.raises(NoAnswer, match=words) as no:
        meet(fault, fault, tries=2, timeout=0.15)
    assert KEY not in "".join(traceback.format_exception(no.value))
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(("fault", "least"), [("429-seconds", 0.3), ("429-date", 0.3)])
def test_retry_after_is_obeyed(fault: str, least: float) -> None:
    _, server = meet(fault)
    first, second = server.times
    assert least <= second - first < 1.6


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits of more than a second are not slept; they are listed here."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float, result: Any = None) -> Any:
        if seconds > 1:
            slept.append(seconds)
        return await sleep(min(seconds, 0.001), result)

    monkeypatch.setattr("apigen_nb.models.endpoint.asyncio.sleep", quick)
    return slept


@pytest.mark.parametrize("fault", ["429-seconds", "429-date", "503-seconds"])
def test_long_waits_are_waited_and_told(fault: str, clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    _, server = meet(fault, retry_after=200.0)
    assert len(server.requests) == 2
    (waited,) = clock
    assert 199 < waited < 202
    (told,) = caplog.messages
    said = "too many requests" if fault.startswith("429") else "overloaded"
    assert re.match(
        rf"tiny at http://127.0.0.1:\d+/v1: {fault[:3]} {said}; waiting 20\d s, until \d\d:\d\d:\d\d$", told
    )


def test_more_than_an_hour_is_left_to_the_next_run(clock: list[float]) -> None:
    words = r"q1: tiny at .* wants 7200 s of waiting, at most 3600 are waited \(429 too many requests\); run again then"
    with pytest.raises(NoAnswer, match=words):
        meet("429-seconds", retry_after=7200.0)
    assert clock == []


def test_an_hour_is_all_that_one_question_waits(clock: list[float]) -> None:
    with pytest.raises(NoAnswer, match="in 3 tries; the last: 429"):
        meet("429-seconds", "429-seconds", "429-seconds", retry_after=1700.0)
    assert len(clock) == 2


@pytest.mark.parametrize(("answers", "times"), [(False, [1, 3, 9, 27, 30, 30]), (True, [0.1, 0.3, 0.9, 2.7, 3])])
def test_pauses_are_short_while_the_server_answers_others(answers: bool, times: list[float]) -> None:
    answered = itertools.count(step=1 if answers else 0)
    patience, state = Patience(9, 1.0, lambda: next(answered)), tenacity.RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.set_exception((Failed, Failed("500 broken"), None))
    for most in times:
        assert 0.5 * most <= patience.pause(state) <= most


@pytest.mark.parametrize("fault", REFUSED)
def test_a_busy_server_is_given_more_tries(fault: str) -> None:
    answer, server = meet(*[fault] * 4, tries=1, wait=0.001)
    assert (answer.text, len(server.requests)) == ("hello", 5)
    with pytest.raises(NoAnswer, match=f"in 5 tries; the last: {fault}"):
        meet(*[fault] * 5, tries=1, wait=0.001)


def test_a_server_that_answers_nobody_stops_the_stage() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        server.next(*["500"] * 38, "", *["500"] * 42)
        lost = pytest.raises(NoAnswer, match="in 2 tries; the last: 500 internal error")
        for number in range(39):
            with contextlib.nullcontext() if number == 19 else lost:
                await endpoint(question(f"say {number}"))
        words = "answers none of 20 questions in a row, not even a hello; q1: no answer from tiny at .* in 2 tries; the"
        with pytest.raises(EndpointDown, match=words):
            await endpoint(question())

    with_server(work, tries=2)


def test_where_only_poison_is_left_the_server_shows_that_it_works() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        server.stuck = lambda body: "500" if "poison" in body["messages"][-1]["content"] else ""  # type: ignore[method-assign]
        asked = [question(f"poison {number}") for number in range(50)]
        answers = await asyncio.gather(*map(endpoint, asked), return_exceptions=True)
        assert [type(answer) for answer in answers] == [NoAnswer] * 50
        assert len(server.requests) == 50 * 2 + 2

    with_server(work, tries=2, timeout=5)


def test_nothing_but_refusals_stops_the_stage_in_the_end() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        limits = endpoint._limits
        limits.shut_since = asyncio.get_running_loop().time() - 121
        server.next("429-seconds", "503")
        with pytest.raises(EndpointDown, match="has answered nothing but 503: overloaded for 121 s; run again when it"):
            await endpoint(question())
        assert len(server.requests) == 2  # the first said how long to wait
        server.next("500", "503")
        assert (await endpoint(question())).text == "hello"

    with_server(work)


def test_a_spent_quota_stops_the_stage(tmp_path: Path) -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        async def job(item: Question) -> Answer:
            return await endpoint(item)

        journal = Journal(tmp_path / "answers.jsonl", Answer)
        with pytest.raises(
            EndpointDown, match=r"tiny at .* wants 7200 s of waiting.* \(429:? too many requests\); run again then"
        ):
            await run_jobs(job, [question(id=f"q{number}") for number in range(40)], journal)
        assert 12 <= endpoint.refused <= len(server.requests) <= 40
        assert endpoint.in_flight == 0
        assert endpoint.waiting_until is None, "nobody waits any more"

    with_server(work, rates={"429-seconds": 1.0}, retry_after=7200.0, timeout=5)  # none is asked twice for being slow


def test_who_watches_is_told_how_long_it_waits(tmp_path: Path) -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        shown = Progress(tmp_path, "blueprints")
        assert "waiting" not in shown.snapshot()
        server.next("429-seconds")
        asking = asyncio.create_task(endpoint(question()))
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if endpoint.waiting_until:
                break
        assert 195 < shown.snapshot()["waiting"] <= 201
        assert re.search(r"· waiting (19|20)\d s more for the server ·", progress_line(shown.snapshot()))
        asking.cancel()
        await asyncio.wait({asking})
        assert "waiting" not in shown.snapshot()
        shown.close()

    with_server(work, retry_after=200.0, timeout=5)


def test_what_the_counters_tell() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        assert (endpoint.in_flight, endpoint.retries, endpoint.refused, endpoint.waiting_until) == (0, 0, 0, None)
        server.next("500", "429-seconds")
        asking, times = asyncio.create_task(endpoint(question())), []
        while not asking.done():
            times += [endpoint.waiting_until] if endpoint.refused else []
            assert endpoint.waiting_until is None or endpoint.in_flight == 0
            await asyncio.sleep(0.01)
        waited = [time for time in times if time is not None]
        assert server.times[1] + 0.3 <= waited[0] <= server.times[2]
        assert (endpoint.in_flight, endpoint.retries, endpoint.refused, endpoint.waiting_until) == (0, 2, 1, None)

    with_server(work)


def test_who_watches_a_stage_is_told_of_its_requests(tmp_path: Path) -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        shown = Progress(tmp_path, "blueprints")
        assert not {"retries", "refused"} & shown.snapshot().keys()
        asking = asyncio.create_task(endpoint(question()))
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if endpoint.in_flight:
                break
        assert shown.snapshot()["in_flight"] == 1
        await asking
        server.next("429-seconds")
        await endpoint(question())
        told = shown.snapshot()
        assert (told["retries"], told["refused"], told.get("in_flight")) == (1, 1, None)
        shown.close()

    with_server(work, latency=0.3, timeout=5)


def test_endpoints_of_one_quota_share_their_limits() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> int:
        other = Endpoint("tiny", server.url, "MARKED_KEY", temperature=1.0, limits=endpoint._limits)
        try:
            await asyncio.gather(*(model(question()) for model in (endpoint, other) for _ in range(20)))
        finally:
            await other.aclose()
        return server.peak

    assert with_server(work, latency=0.02, concurrency=5, timeout=5) == 5


def test_tokens_that_nobody_counted_are_reserved_nevertheless() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        assert (await endpoint(question())).usage == Usage(calls=1)
        assert endpoint._limits.tokens.left(asyncio.get_running_loop().time()) > 1

    with_server(work, usage=None, limits=Limits(64, tokens_per_minute=100))


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({"prompt_tokens": 10**400, "completion_tokens": 10**12}, (10**7, 0, 10**7)),
        ({"prompt_tokens": -5, "completion_tokens": -(10**6)}, (0, 0, 0)),
        ({"prompt_tokens": True, "completion_tokens": "9"}, (0, 0, 0)),
        ({"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": -1}}, (7, 0, 2)),
        ("many", (0, 0, 0)),
    ],
)
def test_a_count_that_cannot_be_is_not_believed(said: Any, counted: tuple[int, int, int]) -> None:
    answer, _ = meet(usage=said)
    assert (answer.usage.prompt, answer.usage.cached, answer.usage.completion) == counted


@pytest.mark.parametrize("limit", ["requests_per_minute", "tokens_per_minute"])
def test_the_limits_a_minute_are_kept(limit: str) -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        assert (await endpoint(question())).text == "hello"
        second = asyncio.create_task(endpoint(question()))
        await asyncio.wait({second}, timeout=0.1)
        assert (second.done(), len(server.requests), endpoint.in_flight) == (False, 1, 0)
        second.cancel()

    with_server(work, limits=Limits(64, **{limit: 1}))


def alike(one: Question, other: Question) -> str:
    """What two requests begin with, as a server sees it."""
    pairs = zip(*(json.dumps(render(each), ensure_ascii=False) for each in (one, other)), strict=False)
    return "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


@pytest.mark.parametrize("prompt", ["generator", "judge"])
def test_requests_of_one_domain_begin_alike(prompt: str) -> None:
    shared = {"policy": ["Cancel only what is pending."], "tools": [LOOK], "writes": [LOOK], "reads": [LOOK]}
    one, other = (
        question(role=prompt, prompt=prompt, messages=(), context=context_of(prompt, says=f"{mark} of it") | shared)
        for mark in ("this", "that")
    )
    begin = alike(one, other)
    assert "Cancel only what is pending." in begin
    assert "- look: " in begin


@pytest.mark.parametrize("role", ["agent", "user"])
def test_a_longer_conversation_begins_like_the_shorter(role: str) -> None:
    said = [
        Message(role="user", content="hello"),
        Message(role="assistant", content="hi, who are you?"),
        Message(role="user", content="Mia"),
        Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="look", arguments={}),)),
        Message(role="tool", tool_call_id="call_1", content="Mia, 7"),
        Message(role="assistant", content="what is it, Mia?"),
        Message(role="user", content="cancel it"),
    ]
    context = context_of(role, says="be kind")
    ends = (2, 6) if role == "user" else (1, 3, 5, 7)
    sizes = [json.dumps(render(question(role=role, prompt=role, context=context, messages=said[:end]))) for end in ends]
    for shorter, longer in itertools.pairwise(sizes):
        assert longer.startswith(shorter.removesuffix("]"))


def test_poison_harms_only_itself() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        asked = [question(f"say {number}") for number in range(60)]
        poisoned = [bool(server.stuck({"messages": render(each)})) for each in asked]
        assert 5 < sum(poisoned) < 40
        answers = await asyncio.gather(*map(endpoint, asked), return_exceptions=True)
        assert [isinstance(answer, NoAnswer) for answer in answers] == poisoned
        assert len(server.requests) == 60 + sum(poisoned)

    with_server(work, sticky={"500": 0.15, "malformed": 0.15}, tries=2, timeout=5, seed=3)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "answers 401: incorrect API key provided: .*check the key"),
        ("403", "answers 403: this key may not use the model"),
        ("404", "answers 404: the model does not exist; check base_url and model"),
    ],
)
def test_no_use_asking_on(fault: str, words: str) -> None:
    with pytest.raises(EndpointDown, match=f"^tiny at http://127.0.0.1:.* {words}") as down:
        meet(fault)
    assert KEY not in "".join(traceback.format_exception(down.value))
    assert down.value.__cause__ is None
    assert down.value.__context__ is None


def test_no_such_host() -> None:
    with pytest.raises(
        EndpointDown, match=r"cannot reach tiny at http://nobody.invalid/v1 .*host name in base_url right"
    ):
        asyncio.run(Endpoint("tiny", "http://nobody.invalid/v1", "MARKED_KEY", tries=2, wait=0.01)(question()))


def test_no_tls_where_it_was_expected() -> None:
    async def work(server: FaultServer, _: Endpoint) -> None:
        endpoint = Endpoint("tiny", server.url.replace("http:", "https:"), "MARKED_KEY", tries=2, wait=0.01)
        try:
            with pytest.raises(EndpointDown, match="TLS failed: does the server speak https"):
                await endpoint(question())
        finally:
            await endpoint.aclose()

    with_server(work)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(EndpointDown, match=f"cannot reach tiny at http://127.0.0.1:{port}/v1 .*is the server running"):
        asyncio.run(Endpoint("tiny", f"http://127.0.0.1:{port}/v1", tries=3)(question()))
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("length", "cut off after 5 tokens"),
        ("content-filter", "content filter"),
        ("refusal", "the model refused: I will not."),
        ("huge", "reply of 1000000 characters; at most 200000 are read"),
    ],
)
def test_nothing_usable_is_an_answer_that_cost_tokens(fault: str, words: str) -> None:
    answer, server = meet(fault, timeout=5)
    assert words in answer.error
    assert answer.usage.completion == 5
    assert len(server.requests) == 1


@pytest.mark.parametrize(("fault", "words"), [("400", "4096 tokens"), ("403-flagged", "flagged by moderation")])
def test_a_refused_question_is_an_answer(fault: str, words: str) -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        for number, asked in enumerate((2, 3)):  # the first time it has to show that it answers any
            server.next(fault)
            answer = await endpoint(question(f"say {number}"))
            assert answer.error.startswith(f"the server refused the question ({fault[:3]}): ")
            assert words in answer.error
            assert len(server.requests) == asked

    with_server(work)


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_server_that_refuses_every_question_stops_the_stage(at_once: int) -> None:
    """Some answer 400 to a wrong key or model: nothing may be kept as an answer then."""

    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        asked = (endpoint(question(f"say {number}")) for number in range(at_once))
        met = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(one) for one in met} == {EndpointDown}
        assert "answers no question, not even a hello; the server refused the question (400): maximum" in str(met[0])

    with_server(work, rates={"400": 1.0})


def test_refusals_in_a_row_do_not_pass_for_answers() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        assert (await endpoint(question())).text == "hello"
        server.rates = {"400": 1.0}
        for number in range(19):
            assert "refused the question" in (await endpoint(question(f"say {number}"))).error
        with pytest.raises(EndpointDown, match="answers none of 20 questions in a row, not even a hello"):
            await endpoint(question())

    with_server(work)


def test_prompts_are_not_sent_where_a_server_points_to() -> None:
    words = "answers 307: go to http://elsewhere.example/v1; check base_url and model"
    with pytest.raises(EndpointDown, match=words):
        meet("307")


def test_a_reply_schema_is_sent() -> None:
    _, server = meet(asked=question(reply=SCHEMA))
    assert server.requests[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "agent", "schema": SCHEMA},
    }


def test_a_server_without_response_format_is_asked_without() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        for _ in range(3):
            assert (await endpoint(question(reply=SCHEMA))).text == "hello"
        assert ["response_format" in request for request in server.requests] == [True, False, False, False]

    with_server(work, formats=False, tries=1)


def test_a_server_without_tools_stops_the_stage() -> None:
    with pytest.raises(EndpointDown, match="refuses tools: this model does not support tools; serve it with"):
        meet("no-tools", asked=question(tools=(LOOK,)))


def test_the_newer_name_of_max_tokens_is_found() -> None:
    _, server = meet("no-max-tokens", max_tokens=50, temperature=0.0)
    assert [request.get("max_tokens") for request in server.requests] == [50, None]
    assert server.requests[1]["max_completion_tokens"] == 50
    assert server.requests[1]["temperature"] == 0.0


def says(*calls: dict[str, Any], content: str | None = None) -> Reply:
    return lambda body: {"content": content, "tool_calls": list(calls)}


def test_tool_calls_are_read() -> None:
    good = {"id": "c9", "type": "function", "function": {"name": "look", "arguments": '{"id": "7", "n": 1}'}}
    empty = {"id": "c9", "function": {"name": "look", "arguments": ""}}
    parsed = {"function": {"name": "look", "arguments": {"id": "8"}}}
    asked = question(
        tools=(LOOK,),
        messages=(
            Message(role="user", content="hello"),
            Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="look", arguments=None, raw="{"),)),
            Message(role="tool", tool_call_id="call_1", content="no JSON object", error=True),
        ),
    )
    answer, server = meet(asked=asked, reply=says(good, empty, parsed))
    assert [(c.id, c.name, c.arguments) for c in answer.tool_calls] == [
        ("c9", "look", {"id": "7", "n": 1}),
        ("call00003", "look", {}),
        ("call00004", "look", {"id": "8"}),
    ]
    assert answer.text == ""
    sent = server.requests[0]
    assert sent["tools"] == [LOOK]
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assert sent["messages"][2:] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "no JSON object", "tool_call_id": "call_1"},
    ]


@pytest.mark.parametrize("raw", ['{"id": ', "[1]", '"text"', '{"x": NaN}', '{"x": 1e999}', "[" * 100_000])
def test_arguments_that_are_no_object_are_kept_as_they_came(raw: str) -> None:
    answer, _ = meet(
        asked=question(tools=(LOOK,)), reply=says({"id": "a", "function": {"name": "look", "arguments": raw}})
    )
    (call,) = answer.tool_calls
    assert (call.arguments, call.raw) == (None, raw)


def test_tool_calls_with_ids_of_others_and_names_of_none() -> None:
    answer, _ = meet("same-ids", asked=question(tools=(LOOK,)))
    assert [(call.id, call.name) for call in answer.tool_calls] == [("a", "look"), ("call00002", "look")]
    answer, _ = meet("unknown-tool", asked=question(tools=(LOOK,)))
    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [("call00001", "rm", {})]


def test_malformed_arguments_from_the_fault_server() -> None:
    answer, _ = meet("bad-arguments", asked=question(tools=(LOOK,)))
    assert [(call.arguments, call.raw) for call in answer.tool_calls] == [(None, '{"id": ')]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "look", "arguments": {"id": "7"}}',
        '[{"name": "look", "parameters": {"id": "7"}}]',
        '\n```json\n{"name": "look", "arguments": {"id": "7"}}\n```\n',
        '```\n[\n{"name": "look", "arguments": {"id": "7"}}\n]\n```',
        '<tool_call>\n{"name": "look", "arguments": {"id": "7"}}\n</tool_call>',
    ],
)
def test_a_tool_call_in_the_text_is_one(text: str) -> None:
    answer, _ = meet(asked=question(text, tools=(LOOK,)))
    assert [(c.id, c.name, c.arguments) for c in answer.tool_calls] == [("call00001", "look", {"id": "7"})]
    assert answer.text == ""


@pytest.mark.parametrize(
    "text",
    [
        '{"name": ["look"], "arguments": {}}',
        '{"name": "look"}',
        "I will look(id) into it; look, that is what I do.",
        "[]",
        "[" * 50_000,
    ],
)
def test_other_text_stays_text(text: str) -> None:
    answer, _ = meet(asked=question(text, tools=(LOOK,)))
    assert (answer.text, answer.tool_calls) == (text, ())


def test_without_tools_json_is_text() -> None:
    text = '{"name": "look", "arguments": {"id": "7"}}'
    answer, _ = meet(asked=question(text))
    assert (answer.text, answer.tool_calls) == (text, ())


def test_no_more_requests_at_once_than_asked_for() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> int:
        await asyncio.gather(*(endpoint(question(id=f"q{number}")) for number in range(40)))
        return server.peak

    assert with_server(work, latency=0.02, concurrency=7, timeout=5) == 7


def test_a_mixture_of_faults_loses_nothing() -> None:
    async def work(server: FaultServer, endpoint: Endpoint) -> None:
        answers = await asyncio.gather(*(endpoint(question(f"say {number}")) for number in range(200)))
        assert [answer.text for answer in answers] == [f"say {number}" for number in range(200)]
        assert sum(server.met.values()) > 200

    with_server(work, rates={"429": 0.05, "500": 0.05, "malformed": 0.02}, timeout=5, tries=8)


def test_an_endpoint_outlives_its_event_loop() -> None:
    async def once(port: int, endpoint: Endpoint | None) -> tuple[int, Endpoint]:
        async with FaultServer(port=port) as server:
            endpoint = endpoint or Endpoint("tiny", server.url, wait=0.01)
            assert (await endpoint(question())).text == "hello"
            await endpoint.aclose()
            assert (await endpoint(question())).text == "hello"
            await endpoint.aclose()
            return server.port, endpoint

    port, endpoint = asyncio.run(once(0, None))
    asyncio.run(once(port, endpoint))


def test_lone_surrogates_travel() -> None:
    answer, _ = meet(asked=question("half \ud83d of it", context={"policy": "\udc00"}))
    assert answer.text == "half ? of it"


def test_a_key_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARKED_KEY")
    with pytest.raises(ValueError, match="variable MARKED_KEY, named by api_key_env, is not set; export it, or name"):
        Endpoint("tiny", "https://models.example/v1", api_key_env="MARKED_KEY")
    with pytest.raises(ValueError, match="environment variable OPENAI_API_KEY"):
        Endpoint("tiny")
    for local in ("http://127.0.0.1:1/v1", "http://localhost:1", "http://[::1]:1/v1"):
        Endpoint("tiny", local, api_key_env="MARKED_KEY")


def test_a_base_url_is_a_url() -> None:
    with pytest.raises(ValueError, match="base_url is 'localhost:8080/v1'; expected the like of http://"):
        Endpoint("tiny", "localhost:8080/v1")


def test_repr_names_neither_key_nor_password() -> None:
    endpoint = Endpoint("tiny", "https://me:secret@models.example/v1?token=secret", api_key_env="MARKED_KEY")
    assert repr(endpoint) == "Endpoint(tiny at https://models.example/v1)"


def test_importing_the_module_does_not_import_openai() -> None:
    code = "import sys, apigen_nb.models.endpoint; sys.exit('openai' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_openai_that_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai.__version__", "2.54.0")
    with pytest.raises(EndpointDown, match=r"needs openai 3\.50 or newer, here is 2\.54\.0; pip install"):
        Endpoint("m", "http://127.0.0.1:9/v1")
