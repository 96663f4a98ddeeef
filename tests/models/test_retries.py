"""Who is there and who is not: a server that nobody reaches stops the stage within seconds, a crowded one does not."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import tenacity
from aiohttp import web

from apigen_nb.models import EndpointDown, NoAnswer, Question
from apigen_nb.models.endpoint import Endpoint
from apigen_nb.models.retries import GONE, Failed, Patience
from apigen_nb.records import Message
from tests.fault_server import FaultServer


def question(number: int = 0) -> Question:
    said = (Message(role="user", content=f"say {number}"),)
    return Question(id=f"q{number}", role="agent", prompt="agent", context={"policy": "be kind"}, messages=said)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become tenths."""
    monkeypatch.setattr("apigen_nb.models.connection.CONNECT", 0.3)
    monkeypatch.setattr("apigen_nb.models.retries.GONE", 0.5)


@contextlib.contextmanager
def hole() -> Iterator[str]:
    """The address of a port where no connection is ever taken: those that it may keep waiting are there."""
    with socket.socket() as deaf, contextlib.ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        time.sleep(0.1)
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"


async def test_nobody_answers_the_door(hasty: None) -> None:
    with hole() as url:
        endpoint, begin = Endpoint("tiny", url, wait=0.01), time.monotonic()
        said = r"cannot reach tiny at http://127.0.0.1:\d+/v1 \(no connection in time\); is the server running"
        answers = await asyncio.gather(*(endpoint(question(n)) for n in range(8)), return_exceptions=True)
        assert time.monotonic() - begin < 5
        assert {type(answer) for answer in answers} == {EndpointDown}
        with pytest.raises(EndpointDown, match=said):
            raise answers[0]  # type: ignore[misc]
        await endpoint.aclose()


class OneByOne(http.server.BaseHTTPRequestHandler):
    """A server of one thread, with a door that opens for one at a time."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(0.2)
        reply = {"choices": [{"message": {"content": asked["messages"][-1]["content"]}}]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())

    def log_message(self, *_: Any) -> None: ...


async def test_a_crowd_at_the_door_of_a_slow_server_waits(hasty: None) -> None:
    class Server(http.server.HTTPServer):
        request_queue_size = 0

    with Server(("127.0.0.1", 0), OneByOne) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        endpoint = Endpoint("tiny", f"http://127.0.0.1:{server.server_port}/v1", wait=0.05)
        try:
            answers = await asyncio.gather(*(endpoint(question(n)) for n in range(8)))
        finally:
            await endpoint.aclose()
            server.shutdown()
            thread.join()
    assert [answer.text for answer in answers] == [f"say {n}" for n in range(8)]
    assert endpoint.retries > 0


@pytest.mark.parametrize(("seen", "gone"), [(False, True), (True, False)])
def test_gone_is_who_shows_no_sign_to_anybody(seen: bool, gone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("apigen_nb.models.retries.time.monotonic", lambda: now[0])
    sign = [900.0]
    patience, state = Patience(5, 0.1, seen=lambda: sign[0]), tenacity.RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.set_exception((Failed, Failed("no connection in time", busy=True, nobody=True), None))
    assert not patience.over(state)
    assert patience.gone, "so far"
    now[0] += GONE + 0.1
    sign[0] = now[0] - 1 if seen else sign[0]
    assert (patience.over(state), patience.gone) == (gone, gone)
    state.set_exception((Failed, Failed("500 broken"), None))
    assert not patience.over(state)
    assert not patience.gone


async def test_a_request_that_is_connected_is_a_sign_of_life(hasty: None) -> None:
    async with FaultServer(latency=2.5) as server:
        endpoint = Endpoint("tiny", server.url)
        assert endpoint._connection.last_seen() == 0
        asking = asyncio.create_task(endpoint(question()))
        await asyncio.sleep(0.2)
        assert endpoint._connection.last_seen() == 0, "it may still be connecting"
        await asyncio.sleep(1.5)
        assert endpoint._connection.last_seen() == pytest.approx(time.monotonic(), abs=0.5)
        await asking
        await endpoint.aclose()


class Large(FaultServer):
    """Answers with so many bytes."""

    def __init__(self, body: bytes, status: int, packed: bool) -> None:
        super().__init__()
        self.body, self.status, self.packed = gzip.compress(body) if packed else body, status, packed

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"} if self.packed else {}
        response = web.StreamResponse(status=self.status, headers=headers)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(self.body), 10_000):
                await response.write(self.body[start : start + 10_000])
        return response


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_without_end_is_not_read_to_its_end(
    status: int, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 2000 if packed else 100_000
    monkeypatch.setattr("apigen_nb.models.connection.BODY", most * (100 if packed else 1))
    async with Large(b"x" * 3_000_000, status, packed) as server:
        endpoint = Endpoint("tiny", server.url, tries=1)
        with pytest.raises(NoAnswer, match=f"the last: ReadError: the reply is longer than {most:,} bytes"):
            await endpoint(question())
        await endpoint.aclose()


async def test_a_packed_body_is_read() -> None:
    body = json.dumps({"choices": [{"message": {"content": "hello"}}]}).encode()
    async with Large(body, 200, True) as server:
        endpoint = Endpoint("tiny", server.url, tries=1)
        assert (await endpoint(question())).text == "hello"
        await endpoint.aclose()
