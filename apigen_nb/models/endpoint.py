"""A model behind any OpenAI-compatible server: hosted, vLLM, llama.cpp, Ollama.

What goes wrong with a server is one of three things here: worth another try (busy, broken, silent, not a chat
completion), an answer with nothing usable in it (cut off, filtered, refused: `Answer.error`), or a reason to stop
(`EndpointDown`). The openai client does not retry: it gives up on malformed bodies and on a long Retry-After.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import SplitResult, urlsplit

import tenacity

from ..records import Answer, Question
from . import EndpointDown, NoAnswer
from .prompts import read_completion, render

if TYPE_CHECKING:
    from openai import APIStatusError

MAX_WAIT = 300.0  # seconds; when a server asks for more patience than this, the next run asks again

_BUSY = {408, 409, 425, 429}
_STOP = {401, 402, 403, 404, 405}
_FORMAT_REFUSED = re.compile(r"response.?format|json.?schema|structured|guided|grammar", re.IGNORECASE)
_TOOLS_REFUSED = re.compile(
    r"not support(ed)?\b.{0,40}\btool|\btool.{0,40}\bnot (be )?(support|enabled)|tool choice requires|tools param req",
    re.IGNORECASE,
)


class _Again(Exception):
    """This try failed, another may not. `wait` is what the server asked for in seconds; `nobody`: none is there."""

    def __init__(self, reason: str, wait: float = 0.0, nobody: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.nobody = nobody


def access(base_url: str | None, api_key_env: str) -> tuple[SplitResult, str]:
    """Where to ask and with which key; '' for a server on this machine that may need none. ValueError when the URL is
    none or the variable is not set."""
    base_url = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"base_url is {base_url!r}; expected the like of http://127.0.0.1:8080/v1")
    key = os.environ.get(api_key_env, "").strip()
    if not key and not (url.hostname in ("localhost", "0.0.0.0", "::1") or url.hostname.startswith("127.")):
        raise ValueError(
            f"environment variable {api_key_env}, named by api_key_env, is not set; export it, or name another"
        )
    return url, key


class Endpoint:
    """One model at one server, to be called with a `Question`; at most `concurrency` requests are under way at once.

    `base_url` None is `OPENAI_BASE_URL`, else OpenAI. The key is read from the environment variable `api_key_env` here
    and now (ValueError when it is not set; a server on this machine needs none). `timeout` bounds each of the `tries`
    in seconds; the pause after the first is about `wait` seconds, then doubles, and is longer when Retry-After says so.
    Raises `NoAnswer` when the tries are used up and `EndpointDown` when no question can be answered."""

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        temperature: float | None = None,
        timeout: float = 60.0,
        concurrency: int = 64,
        tries: int = 4,
        max_tokens: int | None = None,
        wait: float = 0.5,
    ) -> None:
        import openai  # costs most of a second, which only those pay who ask a server

        url, self._key = access(base_url, api_key_env)
        # A user name or a query in the URL may be a secret too.
        self._name = f"{model} at {url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
        self._openai, self._base_url = openai, url.geturl()
        # The whole URL, because the client takes a tenth of its time to join one.
        self._url = url._replace(path=f"{url.path.rstrip('/')}/chat/completions").geturl()
        self.model, self.timeout, self.concurrency, self.tries, self.wait = model, timeout, concurrency, tries, wait
        self._options: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
        self._takes_format = True
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self._name})"

    async def __call__(self, question: Question) -> Answer:
        tries = tenacity.AsyncRetrying(
            sleep=asyncio.sleep,
            stop=tenacity.stop_after_attempt(self.tries),
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            return await tries(self._try, question)
        except _Again as error:
            last = error
        # Raised out here so that no request, whose headers hold the key, hangs on to the exception.
        if last.nobody:
            raise EndpointDown(self._safe(f"cannot reach {self._name} ({last}); is the server running?"))
        what = f"{question.id}: no answer from {self._name} in {self.tries} tries; the last: {last}"
        raise NoAnswer(self._safe(what))

    async def aclose(self) -> None:
        """Close the connections; a later question opens new ones."""
        if self._loop is not None:
            self._loop = None
            await self._client.close()

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait + random.uniform(0, self.wait) if isinstance(error, _Again) and error.wait else 0.0
        return float(max(asked, random.uniform(0.5, 1) * min(self.wait * 2 ** (state.attempt_number - 1), 30.0)))

    def _safe(self, text: str) -> str:
        text = " ".join(text.split())
        return text.replace(self._key, "***") if self._key else text

    def _connect(self) -> None:
        # Connections belong to an event loop, and an endpoint may outlive one.
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        import httpx2

        limits = httpx2.Limits(max_connections=self.concurrency, max_keepalive_connections=self.concurrency)
        self._lost: tuple[type[Exception], ...] = (self._openai.APIConnectionError, OSError)
        try:
            http = self._openai.DefaultAioHttpClient(limits=limits, timeout=self.timeout)
        except RuntimeError:  # without the extra openai[aiohttp] all works, at twice the CPU time
            http = self._openai.DefaultAsyncHttpxClient(limits=limits, timeout=self.timeout)
        else:
            import aiohttp

            self._lost += (aiohttp.ClientError,)  # openai lets some through: a status line that is none
        self._client = self._openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._base_url, max_retries=0, timeout=self.timeout, http_client=http
        )
        self._response = httpx2.Response
        self._slots = asyncio.Semaphore(self.concurrency)
        self._loop = loop

    def _body(self, question: Question) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "messages": render(question)}
        body |= {name: value for name, value in self._options.items() if value is not None}
        if question.tools:
            body["tools"] = list(question.tools)
        if question.reply is not None and self._takes_format:
            # Not `strict`: that forbids open objects, and the arguments of an action are one.
            schema = {"name": question.role, "schema": question.reply}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    async def _try(self, question: Question) -> Answer:
        self._connect()
        body = self._body(question)
        try:
            async with self._slots, asyncio.timeout(self.timeout):
                # `post` is what the client documents for bodies that it does not check: building its models costs more
                # than the rest of the client together, and they accept bodies without choices.
                response = await self._client.post(self._url, body=body, cast_to=self._response)
        except TimeoutError:
            raise _Again(f"no reply within {self.timeout:g} s") from None
        except self._openai.APIStatusError as error:
            refusal = error
        except self._lost as error:
            raise _unreached(error) from None
        else:
            try:
                return read_completion(response.content, question)
            except ValueError as error:
                raise _Again(str(error)) from None
        return await self._refused(question, body, refusal)

    async def _refused(self, question: Question, body: dict[str, Any], refusal: APIStatusError) -> Answer:
        status, said = refusal.status_code, self._safe(_words(refusal.body))
        if question.tools and _TOOLS_REFUSED.search(said):
            self._stop(f"refuses tools: {said}; serve it with tool calling switched on, or take another model as agent")
        if refusal.code in ("insufficient_quota", "model_not_found"):
            self._stop(f"answers {status}: {said}")
        if status in (400, 422, 501) and "response_format" in body and _FORMAT_REFUSED.search(said):
            self._takes_format = False
            return await self._try(question)
        if status == 400 and "max_tokens" in body and "max_completion_tokens" in said:
            self._options["max_completion_tokens"] = self._options.pop("max_tokens", body["max_tokens"])
            return await self._try(question)
        if status in _BUSY or status >= 500:
            wait = _retry_after(refusal.response.headers)
            if wait > MAX_WAIT:
                raise NoAnswer(f"{question.id}: {self._name} says {status}, wait {wait:.0f} s; run again then")
            raise _Again(f"{status} {said}", wait)
        # Routers answer 403 for one question that their moderation does not like.
        if status < 400 or (status in _STOP and not re.search(r"moderat|flagged", said, re.IGNORECASE)):
            hint = "; check the key" if status in (401, 403) else "; check base_url and model" if status != 402 else ""
            self._stop(f"answers {status}: {said}{hint}")
        return Answer(error=f"the server refused the question ({status}): {said}")

    def _stop(self, why: str) -> NoReturn:
        raise EndpointDown(f"{self._name} {why}")


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, from `retry-after-ms` or Retry-After as a number or a date; 0 when there is none to be read."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        wait = 0.0
        with contextlib.suppress(ValueError, OverflowError):
            wait = parsedate_to_datetime(value).timestamp() - time.time() if ":" in value else float(value) / unit
        if math.isfinite(wait) and wait > 0:
            return wait
    return 0.0


def _unreached(error: BaseException) -> _Again:
    # The transport calls a dropped or refused connection a time-out; what happened stands at the bottom of the chain.
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    bases = {base.__name__ for link in chain for base in type(link).__mro__}
    nobody = not bases.isdisjoint({"ConnectError", "ClientConnectorError"})  # httpx2's and aiohttp's
    return _Again(f"{type(chain[-1]).__name__}: {chain[-1]}".removesuffix(": "), nobody=nobody)


def _words(body: object) -> str:
    """What an error body says, in whatever shape: `message`, `detail`, `error` or text."""
    while isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body.get("error") or json.dumps(body)
    return str(body or "without a word")[:300]
