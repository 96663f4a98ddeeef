"""A model behind any OpenAI-compatible server: hosted, vLLM, llama.cpp, Ollama.

What goes wrong with a server is one of three things here: worth another try (busy, broken, silent, not a chat
completion), an answer with nothing usable in it (cut off, filtered, refused: `Answer.error`), or a reason to stop
(`EndpointDown`). The openai client does not retry: it gives up on malformed bodies and on a long Retry-After. How much
is asked at once is for `limits`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import tenacity

from ..records import Answer, Message, Question
from ..storage.progress import add_meter
from ..storage.safe_text import clean
from . import EndpointDown, NoAnswer, late
from .api_keys import SECRET, access, marks, public
from .chat_format import read_completion, render
from .rate_limits import Limits
from .retries import MAX_WAIT, SHUT, Again, Patience, retry_after, unreached, why_not, words

if TYPE_CHECKING:
    import httpx2
    from openai import APIStatusError

SAID = 10.0  # seconds; a longer wait is told in the log
LOST = 20  # questions in a row without an answer, after which the server has to show that it answers any
CONNECT = 5.0  # seconds; who is there takes a connection within milliseconds
LATE = 5.0  # seconds that a request under way is waited for when its question has been given up
BODY = 10_000_000  # bytes of a response; no completion is longer, and memory is shared by all that are under way
PING = Question(
    id="ping",
    role="agent",
    prompt="agent",
    context={"policy": "Say hello."},
    messages=(Message(role="user", content="Hello?"),),
)

_log = logging.getLogger("apigen_nb")
_REFUSING = {429, 503, 529}
_BUSY = {408, 409, 425, 429}
_STOP = {401, 402, 403, 404, 405, 407, 410}
_FORMAT_REFUSED = re.compile(r"response.?format|json.?schema|structured|guided|grammar", re.IGNORECASE)
_TOOLS_REFUSED = re.compile(
    r"not support(ed)?\b.{0,40}\btool|\btool.{0,40}\bnot (be )?(support|enabled)|tool choice requires|tools param req",
    re.IGNORECASE,
)


class _Refused(Exception):
    """The server will not answer this question, whoever asks."""


class Endpoint:
    """One model at one server, to be called with a `Question`; at most `concurrency` requests are under way at once,
    fewer when the server refuses, and no more requests and tokens a minute than the two limits say.

    `base_url` None is `OPENAI_BASE_URL`, else OpenAI. The key is read from the environment variable `api_key_env` here
    and now (ValueError when it is not set; a server on this machine needs none). `timeout` bounds each of the `tries`
    in seconds; a busy server (429, 503, 529, no connection in time) is given five times as many. The pause after the
    first is about `wait` seconds, then three times as long each (a tenth of it while others are answered), and longer
    when Retry-After says so, up to an hour. Endpoints that share a quota share `limits`. `answered`, `retries`,
    `refused`, `in_flight`, `slots` and `waiting_until` tell how it goes.
    Raises `NoAnswer` when the tries are used up and `EndpointDown` when no question can be answered."""

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        temperature: float | None = None,
        timeout: float = 60.0,
        concurrency: int = 64,
        tries: int = 5,
        max_tokens: int | None = None,
        wait: float = 0.1,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        import openai  # costs most of a second, which only those pay who ask a server

        url, self._key = access(base_url, api_key_env)
        self._key_marks = marks(self._key) if len(self._key) >= SECRET else None
        self._name = f"{model} at {public(url.geturl())}"
        self._openai, self._base_url = openai, url.geturl()
        # The whole URL, because the client takes a tenth of its time to join one.
        self._url = url._replace(path=f"{url.path.rstrip('/')}/chat/completions").geturl()
        self.model, self.timeout, self.concurrency, self.tries, self.wait = model, timeout, concurrency, tries, wait
        self._options: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
        self._takes_format = True
        self._limits = limits or Limits(concurrency, requests_per_minute, tokens_per_minute)
        self.retries = self.refused = self.answered = self._asking = self._lost_in_a_row = 0
        self._completion = 0.0  # tokens of a usual reply
        self._told = 0.0
        self._sleeping: dict[object, float] = {}
        self._posted: dict[object, float] = {}  # when what is under way began, the oldest first
        self._seen = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        add_meter(self, lambda me: {"retries": me.retries, "refused": me.refused, "waiting": me._waiting()})

    def __repr__(self) -> str:
        return f"Endpoint({self._name})"

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._limits.in_flight

    @property
    def slots(self) -> int:
        """Requests that may be under way at present: `concurrency`, or what the server admits of it."""
        return self._limits.slots

    @property
    def waiting_until(self) -> float | None:
        """When something will be asked again, on the monotonic clock; None while something is under way or nothing is
        left to ask."""
        times = [min(self._sleeping.values(), default=0.0), self._limits.paused_until or 0.0]
        return None if self.in_flight or not self._asking else max(times) or None

    def _waiting(self) -> int:
        """Seconds until something will be asked again, 0 while something is under way."""
        return max(0, round((self.waiting_until or 0.0) - time.monotonic()))

    async def __call__(self, question: Question) -> Answer:
        patience = Patience(self.tries, self.wait, lambda: self.answered, self._last_seen)
        answer: Answer | None = None
        try:
            answer = await self._patiently(question, patience)
        except _Refused as refusal:
            answer = Answer(error=f"the server refused the question ({refusal}")
        except Again as error:
            last = error
        else:
            self._lost_in_a_row = 0
            self.answered += 1
            return answer
        # Raised out here so that no request, whose headers hold the key, hangs on to the exception.
        if answer is not None:
            await self._unless_lost(answer.error, at_once=not self.answered)
            return answer
        if patience.gone:
            raise EndpointDown(self._safe(f"cannot reach {self._name} ({last}); {why_not(last)}"))
        what = f"no answer from {self._name} in {patience.count} tries; the last: {last}"
        if last.wait > MAX_WAIT:
            what = f"{self._name} wants {last.wait:.0f} s of waiting, at most {MAX_WAIT:.0f} are waited ({last})"
            what += "; run again then"
        await self._unless_lost(f"{question.id}: {what}")
        raise NoAnswer(self._safe(f"{question.id}: {what}"))

    async def _unless_lost(self, why: str, at_once: bool = False) -> None:
        """EndpointDown when this was one question too many without an answer: the server has to show that it answers
        one that nothing is wrong with, since what is left of a run may be all poison."""
        self._lost_in_a_row += 1
        if self._lost_in_a_row < LOST and not at_once:
            return
        self._lost_in_a_row = 0
        async with self._proving:
            if at_once and self.answered:  # it has shown it meanwhile
                return
            try:
                await self._patiently(PING, Patience(2, self.wait))
            except (Again, _Refused):
                many = "no question" if at_once else f"none of {LOST} questions in a row"
                raise EndpointDown(self._safe(f"{self._name} answers {many}, not even a hello; {why}")) from None
            self.answered += 1

    async def _patiently(self, question: Question, patience: Patience) -> Answer:
        tries = tenacity.AsyncRetrying(
            sleep=self._sleep,
            stop=patience.over,
            wait=patience.pause,
            retry=tenacity.retry_if_exception_type(Again),
            before_sleep=self._tell,
            reraise=True,
        )
        self._asking += 1
        try:
            answer: Answer = await tries(self._try, question)
        finally:
            self._asking -= 1
        return answer

    def _last_seen(self) -> float:
        """When the server last gave a sign of life; a request that is under way for longer than connecting may take
        is one."""
        now = time.monotonic()
        return now if now - next(iter(self._posted.values()), now) > CONNECT + 1 else self._seen

    async def aclose(self) -> None:
        """Close the connections; a later question opens new ones."""
        if self._loop is not None:
            self._loop = None
            await self._client.close()

    async def _sleep(self, seconds: float) -> None:
        self.retries += 1
        me = object()
        self._sleeping[me] = asyncio.get_running_loop().time() + seconds
        try:
            await asyncio.sleep(seconds)
        finally:
            del self._sleeping[me]

    def _tell(self, state: tenacity.RetryCallState) -> None:
        # Hundreds of questions wait for the same moment: it is told once.
        until = time.time() + state.upcoming_sleep
        if state.upcoming_sleep >= SAID and until >= self._told + SAID and state.outcome is not None:
            self._told = until
            clock = time.strftime("%H:%M:%S", time.localtime(until))
            said = f"{self._name}: {state.outcome.exception()}; waiting {state.upcoming_sleep:.0f} s, until {clock}"
            _log.warning("%s", self._safe(said))

    def _safe(self, text: str) -> str:
        return clean(" ".join(self._unkeyed(text.encode("utf-8", "replace")).decode().split()))

    def _unkeyed(self, body: bytes) -> bytes:
        # A server that repeats the key must not get it into the run's folder. This comes before anything is parsed or
        # cut short: half a key could not be found any more.
        return self._key_marks.sub(b"***", body) if self._key_marks else body

    def _connect(self) -> None:
        # Connections belong to an event loop, and an endpoint may outlive one.
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        import httpx2

        limits = httpx2.Limits(max_connections=self.concurrency, max_keepalive_connections=self.concurrency)
        connect = min(CONNECT, 0.9 * self.timeout)
        # To aiohttp, `pool` is all that comes before the request: the name, every address, TLS.
        timeout = httpx2.Timeout(self.timeout, connect=connect, pool=connect)
        options: dict[str, Any] = {"limits": limits, "timeout": timeout, "event_hooks": {"response": [_capping()]}}
        options["follow_redirects"] = False  # prompts go where the user has said
        self._lost: tuple[type[Exception], ...] = (self._openai.APIConnectionError, OSError)
        try:
            http = self._openai.DefaultAioHttpClient(**options)
        except RuntimeError:  # without the extra openai[aiohttp] all works, at twice the CPU time
            http = self._openai.DefaultAsyncHttpxClient(**options)
        else:
            import aiohttp

            self._lost += (aiohttp.ClientError,)  # openai lets some through: a status line that is none
        self._client = self._openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._base_url, max_retries=0, timeout=timeout, http_client=http
        )
        self._response = httpx2.Response
        self._proving = asyncio.Lock()
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
        async with self._limits.turn(self._size(body)) as turn:
            try:
                response = await self._posting(question, body)
            except self._openai.APIStatusError as error:
                refusal, self._seen = error, time.monotonic()
                if error.status_code in _REFUSING:
                    self.refused += 1
                    turn.refused(retry_after(error.response.headers) or self.wait)
                else:
                    turn.admitted()
            except self._lost as error:
                missed = unreached(error)
                if not missed.nobody:
                    self._seen = time.monotonic()
                raise missed from None
            else:
                self._seen = time.monotonic()
                turn.admitted()
                answer = self._read(response, question)
                if used := answer.usage.prompt + answer.usage.completion:
                    self._completion += 0.1 * (answer.usage.completion - self._completion)
                    turn.spent(used)
                return answer
        return await self._refused(question, body, refusal)

    def _read(self, response: httpx2.Response, question: Question) -> Answer:
        try:
            return read_completion(self._unkeyed(response.content), question)
        except ValueError as error:
            raise Again(str(error)) from None

    async def _posting(self, question: Question, body: dict[str, Any]) -> httpx2.Response:
        # `post` is what the client documents for bodies that it does not check: building its models costs more than
        # the rest of the client together, and they accept bodies without choices.
        post = asyncio.ensure_future(self._client.post(self._url, body=body, cast_to=self._response))
        # What nobody fetches of a request that was given up would be logged.
        post.add_done_callback(lambda post: post.cancelled() or post.exception())
        self._posted[post] = time.monotonic()
        try:
            await asyncio.wait({post}, timeout=self.timeout)
            if not post.done():
                raise Again(f"no reply within {self.timeout:g} s")
            return post.result()
        except asyncio.CancelledError:
            # The reply is paid for. A second cancellation ends this, too.
            if question is not PING and (keep := late.get(None)) is not None:
                await asyncio.wait({post}, timeout=LATE)
                if post.done() and not post.cancelled() and post.exception() is None:
                    with contextlib.suppress(Again):
                        keep(self._read(post.result(), question))
            raise
        finally:
            del self._posted[post]
            post.cancel()

    def _size(self, body: Mapping[str, Any]) -> float:
        # Roughly, in tokens; what was wrong about it is set right when the server has counted.
        return sum(len(str(body.get(part, ""))) for part in ("messages", "tools")) / 4 + self._completion

    async def _refused(self, question: Question, body: dict[str, Any], refusal: APIStatusError) -> Answer:
        status, said = refusal.status_code, self._safe(words(refusal.body))[:300]
        if 300 <= status < 400:
            said = self._safe(f"go to {public(refusal.response.headers.get('location', 'nowhere'))}")[:300]
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
            wait = retry_after(refusal.response.headers)
            if status in _REFUSING:
                self._shut(wait, f"{status}: {said}")
            raise Again(f"{status} {said}", wait, busy=status in _REFUSING)
        # Routers answer 403 for one question that their moderation does not like.
        if status < 400 or (status in _STOP and not re.search(r"moderat|flagged", said, re.IGNORECASE)):
            hint = "; check the key" if status in (401, 403) else "; check base_url and model" if status != 402 else ""
            self._stop(f"answers {status}: {said}{hint}")
        raise _Refused(f"{status}): {said}")

    def _shut(self, wait: float, said: str) -> None:
        if self._limits.paused_until is not None and wait > MAX_WAIT:
            self._stop(f"refuses all and wants {wait:.0f} s of waiting ({said}); run again then")
        since = self._limits.shut_since
        shut = 0.0 if since is None else asyncio.get_running_loop().time() - since
        if shut > (MAX_WAIT if wait else SHUT):
            self._stop(f"has answered nothing but {said} for {shut:.0f} s; run again when it has time")

    def _stop(self, why: str) -> NoReturn:
        raise EndpointDown(f"{self._name} {why}")


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
