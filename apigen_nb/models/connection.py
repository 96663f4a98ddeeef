"""Requests to one server: sent once, read up to a limit, and what came without the key in it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

import aiohttp
import httpx2
import openai

from ..storage.safe_text import clean
from . import EndpointDown
from .api_keys import SECRET, key_pattern, url_and_key, without_secrets
from .retries import Failed
from .streams import json_body

CONNECT = 5.0  # seconds; who is there takes a connection within milliseconds
LATE = 5.0  # seconds that a request under way is waited for when its question has been given up
BODY = 10_000_000  # bytes of a response; no completion is longer, and memory is shared by all that are under way


class Response(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Connection:
    """Posts to `<base_url>/chat/completions` with the key in the environment variable `api_key_env` (see `access`).
    `timeout` bounds a request in seconds, `concurrency` how many connections are kept. It may outlive an event loop, to
    which all that waits belongs: `proving` is held by whoever finds out whether the server answers at all."""

    def __init__(self, base_url: str | None, api_key_env: str, timeout: float, concurrency: int) -> None:
        if int(openai.__version__.partition(".")[0]) < 3:  # beside verifiers, which takes no newer one
            have = f"asking a server needs openai 3.50 or newer, here is {openai.__version__}"
            raise EndpointDown(f"{have}; pip install 'openai>=3.50', or run where verifiers is not installed")
        url, self._key = url_and_key(base_url, api_key_env)
        self._key_marks = key_pattern(self._key) if len(self._key) >= SECRET else None
        self.name, self._base_url = without_secrets(url.geturl()), url.geturl()
        # The whole URL, because the client takes a tenth of its time to join one.
        self._url = url._replace(path=f"{url.path.rstrip('/')}/chat/completions").geturl()
        self._timeout, self._concurrency = timeout, concurrency
        self._begun: list[float] = []  # when what is under way began, the oldest first
        self._seen = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def last_seen(self) -> float:
        """When the server last gave a sign of life; a request that is under way for longer than connecting may take
        is one."""
        now = time.monotonic()
        return now if self._begun and now - self._begun[0] > CONNECT + 1 else self._seen

    def safe(self, text: str) -> str:
        """The text on one line, without the key."""
        return clean(" ".join(self._unkeyed(text.encode("utf-8", "replace")).decode().split()))

    def refuse_key(self, options: Mapping[str, Any]) -> None:
        """ValueError when the key is among the parameters of the requests, which are written down."""
        if self._key_marks and self._key_marks.search(json.dumps(options).encode()):
            raise ValueError("extra_body holds the key; keys come from the environment, leave it out")

    async def post(self, body: dict[str, Any], late: Callable[[Response], None] | None = None) -> Response:
        """What the server answers to this body, whatever its status; Failed when nothing comes, or no end of it. When
        this is cancelled, `late` gets the response if it comes within `LATE` seconds, since it is paid for."""
        self._connect()
        post = asyncio.ensure_future(self._post(body))
        # What nobody fetches of a request that was given up would be logged.
        post.add_done_callback(lambda post: post.cancelled() or post.exception())
        self._begun.append(begun := time.monotonic())
        try:
            await asyncio.wait({post}, timeout=self._timeout)
            if not post.done():
                raise Failed(f"no reply within {self._timeout:g} s")
            return post.result()
        except asyncio.CancelledError:
            # A second cancellation ends this, too.
            if late is not None:
                await asyncio.wait({post}, timeout=LATE)
                if post.done() and not post.cancelled() and post.exception() is None:
                    late(post.result())
            raise
        finally:
            self._begun.remove(begun)
            post.cancel()

    async def _post(self, body: dict[str, Any]) -> Response:
        failed: Failed | None = None
        try:
            # `post` is what the client documents for bodies that it does not check: building its models costs more than
            # the rest of the client together, and they accept bodies without choices.
            response = await self._client.post(self._url, body=body, cast_to=httpx2.Response)
        except openai.APIStatusError as error:
            response = error.response
        # openai lets some of aiohttp's through: a status line that is none
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            failed = _unreached(error)
        if failed is None or not failed.nobody:
            self._seen = time.monotonic()
        if failed is not None:
            raise failed  # out here, so that no request, whose headers hold the key, hangs on to it
        return Response(response.status_code, response.headers, json_body(self._unkeyed(response.content)))

    def _unkeyed(self, content: bytes) -> bytes:
        # A server that repeats the key must not get it into the run's folder. This comes before anything is parsed or
        # cut short: half a key could not be found any more.
        return self._key_marks.sub(b"***", content) if self._key_marks else content

    def _connect(self) -> None:
        # Connections belong to an event loop, and an endpoint may outlive one.
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        limits = httpx2.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
        connect = min(CONNECT, 0.9 * self._timeout)
        # To aiohttp, `pool` is all that comes before the request: the name, every address, TLS.
        timeout = httpx2.Timeout(self._timeout, connect=connect, pool=connect)
        http = openai.DefaultAioHttpClient(
            limits=limits,
            timeout=timeout,
            event_hooks={"response": [_cap]},
            follow_redirects=False,  # prompts go where the user has said
        )
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._base_url, max_retries=0, timeout=timeout, http_client=http
        )
        self._loop, self.proving = loop, asyncio.Lock()

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._loop is not None:
            self._loop = None
            await self._client.close()


def _unreached(error: BaseException) -> Failed:
    # The transport calls a dropped or refused connection a time-out; what happened stands at the bottom of the chain.
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    # What aiohttp raises arrives as a ConnectTimeout, too, whatever it was.
    if has(aiohttp.ConnectionTimeoutError) or (has(httpx2.ConnectTimeout) and not has(aiohttp.ClientError)):
        return Failed("no connection in time", busy=True, nobody=True)
    reason = f"{type(chain[-1]).__name__}: {chain[-1]}".removesuffix(": ")
    return Failed(reason, nobody=has(httpx2.ConnectError, aiohttp.ClientConnectorError))


class _Capped(httpx2.AsyncByteStream):
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


async def _cap(response: httpx2.Response) -> None:
    """A hook of the client that ends a response above `BODY` bytes while it is being read."""
    response.encoding = "utf-8"  # whatever the server says: some names of encodings are none, and end in a crash
    # Unpacked, a compressed one may be a thousand times larger.
    most = BODY // 100 if "content-encoding" in response.headers else BODY
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Capped(response.stream, most)
