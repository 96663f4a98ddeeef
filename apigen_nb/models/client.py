"""The openai client as an endpoint wants it: no retries, no redirects, no encoding but ours, no endless body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

BODY = 10_000_000  # bytes of a response; no completion is longer, and memory is shared by all that are under way


def client(
    base_url: str, key: str, concurrency: int, timeout: float, connect: float
) -> tuple[AsyncOpenAI, tuple[type[Exception], ...]]:
    """The client for one event loop, and what it raises when a connection fails. A request has `timeout` seconds,
    `connect` of them for the connection."""
    import httpx2
    import openai

    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    # To aiohttp, `pool` is all that comes before the request: the name, every address, TLS.
    times = httpx2.Timeout(timeout, connect=connect, pool=connect)
    options: dict[str, Any] = {"limits": limits, "timeout": times, "event_hooks": {"response": [_capping()]}}
    options["follow_redirects"] = False  # prompts go where the user has said
    lost: tuple[type[Exception], ...] = (openai.APIConnectionError, OSError)
    try:
        http = openai.DefaultAioHttpClient(**options)
    except RuntimeError:  # without the extra openai[aiohttp] all works, at twice the CPU time
        http = openai.DefaultAsyncHttpxClient(**options)
    else:
        import aiohttp

        lost += (aiohttp.ClientError,)  # openai lets some through: a status line that is none
    return openai.AsyncOpenAI(
        api_key=key or "none", base_url=base_url, max_retries=0, timeout=times, http_client=http
    ), lost


def _capping() -> Callable[[httpx2.Response], Awaitable[None]]:
    """A hook of the client that ends a response above `BODY` bytes while it is being read."""
    import httpx2

    class Capped(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
            self._stream, self._most = stream, most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = self._most
            async for part in self._stream:
                left -= len(part)
                if left < 0:
                    raise httpx2.ReadError(f"the reply is longer than {self._most:,} bytes")
                yield part

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def cap(response: httpx2.Response) -> None:
        response.encoding = "utf-8"  # whatever the server says: some names of encodings are none, and end in a crash
        # Unpacked, a compressed one may be a thousand times larger.
        most = BODY // 100 if "content-encoding" in response.headers else BODY
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = Capped(response.stream, most)

    return cap
