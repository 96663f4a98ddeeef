"""A chat-completions server that misbehaves on purpose, for tests and benchmarks.

In a test: `async with FaultServer(reply) as server:` and `server.next("429", "html")` for what the next requests meet.
As a program: `python tests/fault_server.py --latency 0.2 --rate 429=0.05 --sticky 500=0.01 --admit 16`; its first line
of output is its base_url, `GET /stats` says what it has seen. Faults drawn by rate are a function of the seed and the
order of arrival, sticky ones of the seed and the messages: they meet the same question each time it is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from aiohttp import web

Reply = Callable[[dict[str, Any]], str | dict[str, Any]]
_OK = {"finish_reason": "stop"}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4}}
_STATUS = {
    "429": (429, "too many requests", {}),
    "429-seconds": (429, "too many requests", {"Retry-After": "{seconds:g}"}),
    "429-date": (429, "too many requests", {"Retry-After": "{date}"}),
    "429-hour": (429, "too many requests", {"Retry-After": "3600"}),
    "408": (408, "request time-out", {}),
    "409": (409, "conflict", {}),
    "500": (500, "internal error", {}),
    "502": (502, "bad gateway", {}),
    "503": (503, "overloaded", {}),
    "503-seconds": (503, "overloaded", {"Retry-After": "{seconds:g}"}),
    "529": (529, "overloaded", {}),
    "307": (307, "moved", {"Location": "http://user:pass@elsewhere.example/v1?key=1"}),
    "400": (400, "maximum context length is 4096 tokens", {}),
    "401": (401, "incorrect API key provided: {key}", {}),
    "403": (403, "this key may not use the model", {}),
    "403-flagged": (403, "the input was flagged by moderation", {}),
    "404": (404, "the model does not exist", {}),
    "no-tools": (400, "this model does not support tools", {}),
    "no-max-tokens": (400, "unsupported parameter max_tokens, use max_completion_tokens", {}),
}
_BODY = {
    "malformed": b'{"choices": [{"message": {"content": "he',
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "empty-choices": b'{"id": "x", "object": "chat.completion", "choices": []}',
    "wrong-types": b'{"choices": [{"message": {"content": {"a": 1}, "tool_calls": "none"}}], "usage": []}',
    "null": b"null",
    "empty": b"",
    "stream": b'data: {"choices": [{"delta": {"content": "he"}}]}\n\ndata: {"choices": [{"del',
    "error-200": b'{"error": {"message": "upstream failed", "code": 502}}',
}
_CHOICE: dict[str, dict[str, Any]] = {
    "length": {"finish_reason": "length"},
    "content-filter": {"finish_reason": "content_filter"},
    "refusal": {"message": {"role": "assistant", "content": None, "refusal": "I will not."}},
    "huge": {"message": {"role": "assistant", "content": "x" * 1_000_000}},
    "bad-arguments": {
        "message": {"content": None, "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": '{"id": '}}]}
    },
    "unknown-tool": {"message": {"content": None, "tool_calls": [{"function": {"name": "rm", "arguments": "{}"}}]}},
    "same-ids": {
        "message": {"content": None, "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}] * 2}
    },
    "tool-in-text": {"message": {"content": '```json\n{"name": "look", "parameters": {"id": "7"}}\n```'}},
}
_WIRE = ("reset", "truncated", "half-open", "stall", "no-http", "bad-gzip", "odd-charset")
FAULTS = (*_STATUS, *_BODY, *_CHOICE, *_WIRE)


def echo(body: dict[str, Any]) -> str:
    """The default reply: the last message of the request."""
    return body["messages"][-1]["content"] or ""


class FaultServer:
    """`reply` maps a request body to text or to a whole message. `queue` holds the faults of the next requests; when it
    is empty, a `sticky` fault may meet the question, else one is drawn by `rates`. More than `admit` requests at once,
    or more than `per_minute` in 60 seconds, are answered 429; with `formats` False a request with response_format is
    refused. `usage` is what each reply says that it has cost. A `quirk` answers by itself where it gives a status and a
    body, of the request's body and the number of requests before. What came in is kept in `requests` and `keys` (unless
    `keep` is False), `times`, `met` and `peak`."""

    def __init__(
        self,
        reply: Reply = echo,
        *,
        latency: float = 0.0,
        jitter: float = 0.0,
        rates: dict[str, float] | None = None,
        sticky: dict[str, float] | None = None,
        seed: int = 0,
        admit: int | None = None,
        per_minute: int | None = None,
        formats: bool = True,
        retry_after: float = 0.3,
        port: int = 0,
        keep: bool = True,
        usage: Any = USAGE,
        quirk: Callable[[dict[str, Any], int], tuple[int, Any] | None] | None = None,
    ) -> None:
        self.reply, self.latency, self.jitter = reply, latency, jitter
        self.rates, self.sticky = rates or {}, sticky or {}
        self.admit, self.formats, self.retry_after, self.port = admit, formats, retry_after, port
        self.per_minute, self.seed, self.keep, self.usage, self.quirk = per_minute, seed, keep, usage, quirk
        if unknown := {*self.rates, *self.sticky} - set(FAULTS):
            raise ValueError(f"no faults {sorted(unknown)}; faults are {', '.join(FAULTS)}")
        self.random = random.Random(seed)
        self.queue: deque[str] = deque()
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.met: Counter[str] = Counter()
        self.open = self.peak = self.count = self.refused = 0
        self._minute: deque[float] = deque()

    def next(self, *faults: str) -> None:
        """What the next requests meet, one fault each; "" is none."""
        self.queue.extend(faults)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> FaultServer:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._handle)
        app.router.add_get("/stats", self._stats)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = self.runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            return await self._respond(request)
        finally:
            self.open -= 1

    async def _stats(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"requests": self.count, "refused": self.refused, "peak": self.peak, "met": dict(self.met)}
        )

    def _too_many(self) -> bool:
        now = time.monotonic()
        while self._minute and self._minute[0] <= now - 60:
            self._minute.popleft()
        if self.per_minute is not None and len(self._minute) >= self.per_minute:
            return True
        self._minute.append(now)
        return self.admit is not None and self.open > self.admit

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        self.count += 1
        body = await request.json()
        if self.keep:
            self.times.append(time.monotonic())
            self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
            self.requests.append(body)
        if self.quirk is not None and (odd := self.quirk(body, self.count - 1)) is not None:
            said = odd[1] if isinstance(odd[1], bytes) else json.dumps(odd[1]).encode()
            return web.Response(status=odd[0], body=said, content_type="application/json")
        fault = self._draw(body)
        if self._too_many():
            self.refused += 1
            return self._error("429-seconds")
        if not self.formats and "response_format" in body:
            return _refuse(400, "response_format of type json_schema is not supported")
        if fault in ("reset", "no-http") and request.transport is not None:
            if fault == "no-http":
                request.transport.write(b"what?\r\n\r\n")
            request.transport.abort() if fault == "reset" else request.transport.close()
            return web.Response()
        if fault == "stall":
            await asyncio.sleep(3600)
        await asyncio.sleep(max(0.0, self.latency + self.random.uniform(-self.jitter, self.jitter)))
        if fault in _STATUS:
            return self._error(fault)
        if fault in _BODY:
            return web.Response(body=_BODY[fault], content_type="text/html" if fault == "html" else "application/json")
        text = json.dumps(self._completion(body, fault))
        if fault in ("truncated", "half-open") and request.transport is not None:
            response = web.StreamResponse(headers={"Content-Length": str(len(text))})
            await response.prepare(request)
            await response.write(text[: len(text) // 2].encode())
            if fault == "half-open":
                await asyncio.sleep(3600)
            request.transport.close()
            return response
        if fault == "odd-charset":  # some names of encodings are none
            return web.Response(
                status=502, body=_BODY["html"], headers={"Content-Type": "text/html; charset=undefined"}
            )
        if fault == "bad-gzip":
            half = gzip.compress(text.encode())[:20]
            return web.Response(body=half, headers={"Content-Encoding": "gzip"}, content_type="application/json")
        return web.Response(text=text, content_type="application/json")

    def _draw(self, body: dict[str, Any]) -> str:
        fault = self.queue.popleft() if self.queue else self.stuck(body) or _drawn(self.rates, self.random)
        self.met[fault] += 1
        return fault

    def stuck(self, body: dict[str, Any]) -> str:
        """The sticky fault of the question in this request body, or ""."""
        if not self.sticky:
            return ""
        asked = json.dumps([self.seed, body["messages"]])
        return _drawn(self.sticky, random.Random(hashlib.sha256(asked.encode()).digest()))

    def _error(self, fault: str) -> web.Response:
        status, message, headers = _STATUS[fault]
        # A date has whole seconds only; rounding up keeps it in the future.
        values = {"seconds": self.retry_after, "date": formatdate(time.time() + self.retry_after + 1, usegmt=True)}
        return _refuse(
            status,
            message.format(key=self.keys[-1] if self.keys else ""),
            {name: value.format(**values) for name, value in headers.items()},
        )

    def _completion(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        said = self.reply(body)
        message = {"role": "assistant", **({"content": said} if isinstance(said, str) else said)}
        choice = {"index": 0, "message": message, **_OK, **_CHOICE.get(fault, {})}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"]}
        return head | {"choices": [choice], "usage": self.usage}


def _drawn(rates: dict[str, float], by: random.Random) -> str:
    point = by.random()
    for name, rate in rates.items():
        point -= rate
        if point < 0:
            return name
    return ""


def _refuse(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "fault"}}, status=status, headers=headers)


def _rate(text: str) -> tuple[str, float]:
    name, _, rate = text.partition("=")
    return name, float(rate)


async def _serve(server: FaultServer) -> None:
    async with server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--jitter", type=float, default=0.0, help="seconds, either way")
    parser.add_argument("--rate", type=_rate, action="append", default=[], metavar="FAULT=RATE", help=", ".join(FAULTS))
    parser.add_argument("--sticky", type=_rate, action="append", default=[], metavar="FAULT=RATE", help="of questions")
    parser.add_argument("--admit", type=int, help="answer 429 above so many requests at once")
    parser.add_argument("--per-minute", type=int, help="answer 429 above so many requests in 60 seconds")
    parser.add_argument("--retry-after", type=float, default=0.3, help="seconds that a 429 of these asks for")
    parser.add_argument("--no-formats", action="store_true", help="refuse response_format")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    server = FaultServer(
        latency=given.latency,
        jitter=given.jitter,
        rates=dict(given.rate),
        sticky=dict(given.sticky),
        seed=given.seed,
        admit=given.admit,
        per_minute=given.per_minute,
        retry_after=given.retry_after,
        keep=False,
        formats=not given.no_formats,
        port=given.port,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server))


if __name__ == "__main__":
    main()
