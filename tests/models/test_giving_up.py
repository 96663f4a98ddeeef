"""A question that is given up: the reply that is under way has been paid for and is kept, and nothing hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apigen_nb.models import EndpointDown, Question
from apigen_nb.models.endpoint import Endpoint
from apigen_nb.models.jobs import all_of, run_jobs
from apigen_nb.models.reply_cache import CachedModel, ReplyCache, read_replies
from apigen_nb.records import Message, Record
from apigen_nb.storage.journal import Journal
from tests.fault_server import FaultServer


class Row(Record):
    id: str
    text: str


def question(number: int = 0) -> Question:
    said = (Message(role="user", content=f"say {number}"),)
    return Question(id=f"q{number}", role="agent", prompt="agent", context={"policy": "be kind"}, messages=said)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer(latency=0.4) as server:
        yield server


async def given_up(task: asyncio.Task[object]) -> float:
    """Cancel a task; the seconds that it takes to end."""
    begin = time.monotonic()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    return time.monotonic() - begin


async def test_what_is_under_way_is_kept_when_something_else_stops_the_stage(
    tmp_path: Path, server: FaultServer
) -> None:
    async with FaultServer(latency=0.1) as other:
        other.next("401")
        for number in range(2):
            cache, asked = ReplyCache(tmp_path), len(server.requests)
            model, judge = Endpoint("m", server.url), Endpoint("j", other.url)
            written = CachedModel(cache, "m", lambda model=model: model, {})  # type: ignore[misc]
            judged = CachedModel(cache, "j", lambda judge=judge: judge, {})  # type: ignore[misc]

            async def work(item: Question, written: CachedModel = written, judged: CachedModel = judged) -> Row:
                if item.id == "q0":
                    await judged(item)
                return Row(id=item.id, text=(await written(item)).text)

            journal = Journal(tmp_path / "rows.jsonl", Row)
            if number == 0:
                with pytest.raises(EndpointDown, match="answers 401"):
                    await run_jobs(work, [question(n) for n in range(40)], journal, concurrency=8)
                assert asked < len(server.requests) < 40
                assert len(list(read_replies(tmp_path))) == len(server.requests)
            else:
                assert len(await run_jobs(work, [question(n) for n in range(40)], journal, concurrency=8)) == 40
                assert len(server.requests) == 40, "none was asked for twice"
            await model.aclose()
            await judge.aclose()


async def test_no_request_begins_after_it(tmp_path: Path, server: FaultServer) -> None:
    server.latency = 2
    endpoint = Endpoint("m", server.url, concurrency=1, wait=5)
    model = CachedModel(ReplyCache(tmp_path), "m", lambda: endpoint, {})
    server.next("500")
    tasks = [asyncio.create_task(model(question(number))) for number in range(3)]
    await asyncio.sleep(0.2)
    spent = [await given_up(task) for task in (tasks[2], tasks[1], tasks[0])]
    assert len(server.requests) == 1
    assert spent[0] < 1
    assert spent[1] < 1
    assert list(read_replies(tmp_path)) == []
    await endpoint.aclose()


async def test_it_is_not_waited_for_long_and_a_second_time_ends_it(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.latency = 60
    endpoint = Endpoint("m", server.url)
    model = CachedModel(ReplyCache(tmp_path), "m", lambda: endpoint, {})
    task = asyncio.create_task(model(question(1)))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.sleep(0.2)
    assert not task.done()
    assert await given_up(task) < 2
    monkeypatch.setattr("apigen_nb.models.connection.LATE", 0.3)
    task = asyncio.create_task(model(question(2)))
    await asyncio.sleep(0.2)
    assert 0.2 < await given_up(task) < 2
    assert endpoint.in_flight == 0
    assert list(read_replies(tmp_path)) == []
    await endpoint.aclose()


async def test_where_nothing_is_kept_nothing_is_waited_for(server: FaultServer) -> None:
    server.latency = 60
    endpoint = Endpoint("m", server.url)
    task = asyncio.create_task(endpoint(question()))
    await asyncio.sleep(0.2)
    assert await given_up(task) < 2
    await endpoint.aclose()


@pytest.mark.parametrize("fault", ["500", "malformed", "reset", "401"])
async def test_what_comes_late_and_is_no_reply_is_let_go(
    tmp_path: Path, server: FaultServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = Endpoint("m", server.url)
    model = CachedModel(ReplyCache(tmp_path), "m", lambda: endpoint, {})
    server.next("", fault)
    await model(question(0))
    task = asyncio.create_task(model(question(1)))
    await asyncio.sleep(0.05)
    await given_up(task)
    assert len(list(read_replies(tmp_path))) == 1
    assert (await model(question(1))).text == "say 1"
    await endpoint.aclose()
    assert "never retrieved" not in caplog.text


async def test_the_reply_to_another_question_is_not_kept_for_this_one(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apigen_nb.models.endpoint.LOST", 1)
    server.latency = 1
    endpoint = Endpoint("m", server.url, tries=1)
    model = CachedModel(ReplyCache(tmp_path), "m", lambda: endpoint, {})
    server.next("malformed")
    task = asyncio.create_task(model(question(1)))
    for _ in range(500):
        await asyncio.sleep(0.01)
        if len(server.requests) == 2:  # whether the server works at all
            break
    await given_up(task)
    assert list(read_replies(tmp_path)) == []
    assert (await model(question(1))).text == "say 1"
    await endpoint.aclose()


async def test_what_several_wait_for_is_kept_when_all_are_interrupted(tmp_path: Path, server: FaultServer) -> None:
    """Each of them was told to end once; a second time would end their wait for what is paid for."""
    server.jitter = 0.4  # they come one after the other
    model = Endpoint("m", server.url)
    kept = CachedModel(ReplyCache(tmp_path), "m", lambda: model, {})

    async def work(item: Question) -> Row:
        judges = (kept(item.model_copy(update={"id": f"{item.id}/{n}", "sample": n})) for n in range(3))
        return Row(id=item.id, text=(await all_of(*judges))[0].text)

    task = asyncio.create_task(
        run_jobs(work, [question(n) for n in range(12)], Journal(tmp_path / "rows.jsonl", Row), concurrency=4)
    )
    await asyncio.sleep(1)
    assert server.open > 1
    assert await given_up(task) < 3
    assert len(list(read_replies(tmp_path))) == len(server.requests)
    assert model.in_flight == 0
    await model.aclose()


async def test_when_one_fails_the_others_are_waited_for() -> None:
    ended = []

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(0 if number == 1 else 60)
            raise ValueError(number)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05 * number)
            ended.append(number)
            raise

    with pytest.raises(ValueError, match="1"):
        await all_of(*map(work, range(4)))
    assert ended == [0, 2, 3]
    assert await all_of() == []
