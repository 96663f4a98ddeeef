"""Requests to one server: sent once, read up to a limit, and what came without the key in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import getproxies, proxy_bypass

from ..storage.safe_text import clean
from .api_keys import SECRET, access, marks, public
from .retries import Failed

if TYPE_CHECKING:
    import aiohttp

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
    which all that waits belongs: `proving` is held by whoever finds out whether the server answers at all.

    The openai client around aiohttp is not used: it takes most of a second to import, follows redirects, retries by
    rules of its own, and accepts bodies without choices."""

    def __init__(self, base_url: str | None, api_key_env: str, timeout: float, concurrency: int) -> None:
        url, self._key = access(base_url, api_key_env)
        self._key_marks = marks(self._key) if len(self._key) >= SECRET else None
        self.name = public(url.geturl())
        self._url = url._replace(path=f"{url.path.rstrip('/')}/chat/completions")
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

    async def post(self, body: dict[str, Any], late: Callable[[Response], None] | None = None) -> Response:
        """What the server answers to this body, whatever its status; Failed when nothing comes, or no end of it. When
        this is cancelled, `late` gets the response if it comes within `LATE` seconds, since it is paid for."""
        post = asyncio.ensure_future(self._post(body))
        # What nobody fetches of a request that was given up would be logged.
        post.add_done_callback(lambda post: post.cancelled() or post.exception())
        self._begun.append(begun := time.monotonic())
        try:
            await asyncio.wait({post})
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
        import aiohttp

        try:
            # No redirects: prompts go where the user has said.
            async with self._session().post(self._url.geturl(), json=body, allow_redirects=False) as response:
                content = bytearray()
                async for part in response.content.iter_any():
                    content += part
                    if len(content) > BODY:
                        raise Failed(f"the reply is longer than {BODY:,} bytes")
                self._seen = time.monotonic()
                return Response(response.status, response.headers, self._unkeyed(bytes(content)))
        except aiohttp.ConnectionTimeoutError:
            failed = Failed("no connection in time", busy=True, nobody=True)
        except TimeoutError:
            failed = Failed(f"no reply within {self._timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            failed = Failed(_what_happened(error), nobody=isinstance(error, aiohttp.ClientConnectorError))
        if not failed.nobody:
            self._seen = time.monotonic()
        raise failed  # out here, so that no request, whose headers hold the key, hangs on to it

    def _unkeyed(self, content: bytes) -> bytes:
        # A server that repeats the key must not get it into the run's folder. This comes before anything is parsed or
        # cut short: half a key could not be found any more.
        return self._key_marks.sub(b"***", content) if self._key_marks else content

    def _session(self) -> aiohttp.ClientSession:
        # Connections belong to an event loop, and an endpoint may outlive one.
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            import aiohttp  # takes a third of a second, which only those pay who ask a server

            # To aiohttp, connecting is all that comes before the request: the name, every address, TLS.
            timeout = aiohttp.ClientTimeout(self._timeout, connect=min(CONNECT, 0.9 * self._timeout))
            host = self._url.hostname or ""
            self._open = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._concurrency),
                # An account in the URL stands for a key.
                headers={} if self._url.username else {"Authorization": f"Bearer {self._key or 'none'}"},
                timeout=timeout,
                # Not `trust_env`, which reads .netrc for every request, in a thread.
                proxy=None if proxy_bypass(host) else getproxies().get(self._url.scheme),
            )
            self._loop, self.proving = loop, asyncio.Lock()
        return self._open

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._loop is not None:
            self._loop = None
            await self._open.close()


def _what_happened(error: BaseException) -> str:
    while error.__cause__ is not None:  # the bottom of the chain says most
        error = error.__cause__
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def words(content: bytes) -> tuple[str, str]:
    """What an error body says, in whatever shape (`message`, `detail`, `error` or text), and its code, '' for none."""
    body: Any = content.decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(body)
    code = ""
    while isinstance(body, dict):
        code = code or str(body.get("code") or "")
        body = body.get("message") or body.get("detail") or body.get("error") or json.dumps(body)
    return str(body or "without a word"), code
