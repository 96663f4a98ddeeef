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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import tenacity

from ..records import Message, sha
from ..storage.progress import add_meter
from . import Answer, EndpointDown, NoAnswer, Question, on_late_reply
from .api_keys import untrusted, without_secrets
from .complaints import complaint, inner_status
from .completion import read_completion
from .extra_body import check_extra_body
from .prompt_length import CUT, tokens_cut
from .rate_limits import Limits
from .retries import MAX_WAIT, Failed, Patience, failure, retry_after
from .terms import Terms

if TYPE_CHECKING:
    from .connection import Response

SHUT = 120.0  # seconds of nothing but refusals that do not say how long to wait
TOLD = 10.0  # seconds; a longer wait is told in the log
LOST = 20  # questions in a row without an answer, after which the server has to show that it answers any
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
_STOP = {401, 402, 404, 405, 407, 410}
_NOT_TAKEN = {400, 404, 422, 500, 501}  # what is said of a parameter is heard at these
_TOOLS_REFUSED = re.compile(
    r"not support(ed)?\b.{0,40}\b(tool|function)|\btool.{0,40}\bnot (be )?(support|enabled)|tool choice requires|"
    r"tools param req|no endpoints found that support tool",
    re.IGNORECASE,
)
_GARBLED = {"tool_use_failed", "json_validate_failed"}  # the model's call or JSON was none: it may do better
LOADING = 5.0  # seconds between two looks whether a model is loaded, where the server names none
_HINTS = {
    r"SSL|Certificate": "TLS failed: does the server speak https, and is its certificate one that this machine trusts?",
    r"DNS|gaierror|Name or service": "is the host name in base_url right?",
    "": "is the server running?",
}


class Endpoint:
    """One model at one server, to be called with a `Question`; no more is asked at once and in a minute than `limits`
    allow (at most `concurrency` requests, where none are given), and less when the server refuses.

    `base_url` None is `OPENAI_BASE_URL`, else OpenAI. The key is read from the environment variable `api_key_env` here
    and now (ValueError when it is not set; a server on this machine needs none). `timeout` bounds each of the `tries`
    in seconds; a busy server (429, 503, 529, no connection in time) is given five times as many. The pause after the
    first is about `wait` seconds, then three times as long each (a tenth of it while others are answered), and longer
    when Retry-After says so, up to an hour. Endpoints that share a quota share `limits`. `extra_body` are parameters of
    the server's own. What it does not take of the optional ones is left out from then on; that, and that it cuts
    prompts, stands in `noticed`. `answered`, `retries`, `refused`, `in_flight` and `waiting_until` tell how it goes.
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
        limits: Limits | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        from .connection import Connection  # with the openai client, which takes most of a second to import

        self.model, self.tries, self.wait = model, tries, wait
        options = {"temperature": temperature, "max_tokens": max_tokens, **check_extra_body(dict(extra_body or {}))}
        self._limits = limits or Limits(concurrency)
        self._connection = Connection(base_url, api_key_env, timeout, self._limits.concurrency)
        self._connection.refuse_key(options)
        self._name = f"{model} at {self._connection.name}"
        self._terms = Terms(model, options, sha([self._connection.name, model], 12))
        self.noticed: list[str] = []
        self._cut = False
        self.retries = self.refused = self.answered = self._asking = self._lost_in_a_row = 0
        self._completion = self._told = 0.0  # tokens of a usual reply; until when the log says that is waited
        self._sleeping: list[float] = []  # until when
        add_meter(self, lambda me: {"retries": me.retries, "refused": me.refused, "waiting": me._waiting()})

    def __repr__(self) -> str:
        return f"Endpoint({self._name})"

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._limits.in_flight

    @property
    def waiting_until(self) -> float | None:
        """When something will be asked again, on the monotonic clock; None while something is under way or nothing is
        left to ask."""
        until = max(min(self._sleeping, default=0.0), self._limits.paused_until or 0.0)
        return None if self.in_flight or not self._asking else until or None

    def _waiting(self) -> int:
        """Seconds until something will be asked again, 0 while something is under way."""
        return max(0, round((self.waiting_until or 0.0) - time.monotonic()))

    async def __call__(self, question: Question) -> Answer:
        patience = Patience(self.tries, self.wait, lambda: self.answered, self._connection.last_seen)
        answer = await self._patiently(question, patience)
        if isinstance(answer, Answer):
            self._lost_in_a_row = 0
            self.answered += 1
            return answer
        if answer.final:
            refused = f"the server refused the question ({answer}"
            await self._unless_lost(refused, at_once=not self.answered)
            return Answer(error=refused)
        if patience.gone:
            signs, hint = next(one for one in _HINTS.items() if re.search(one[0], str(answer)))
            hint += untrusted() if "SSL" in signs else ""
            raise EndpointDown(self._safe(f"cannot reach {self._name} ({answer}); {hint}"))
        what = f"no answer from {self._name} in {patience.count} tries; the last: {answer}"
        if answer.wait > MAX_WAIT:
            what = f"{self._name} wants {answer.wait:.0f} s of waiting, at most {MAX_WAIT:.0f} are waited ({answer})"
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
        async with self._connection.proving:
            if at_once and self.answered:  # it has shown it meanwhile
                return
            if isinstance(await self._patiently(PING, Patience(2, self.wait)), Failed):
                many = "no question" if at_once else f"none of {LOST} questions in a row"
                raise EndpointDown(self._safe(f"{self._name} answers {many}, not even a hello; {why}"))
            self.answered += 1

    async def _patiently(self, question: Question, patience: Patience) -> Answer | Failed:
        """The answer, or why the last try failed."""
        tries = tenacity.AsyncRetrying(
            sleep=self._sleep,
            stop=patience.over,
            wait=patience.pause,
            retry=tenacity.retry_if_exception_type(Failed),
            before_sleep=self._tell,
            reraise=True,
        )
        self._asking += 1
        try:
            answer: Answer = await tries(self._try, question)
        except Failed as failed:
            return failed
        finally:
            self._asking -= 1
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.retries += 1
        self._sleeping.append(until := asyncio.get_running_loop().time() + seconds)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._sleeping.remove(until)

    def _tell(self, state: tenacity.RetryCallState) -> None:
        # Hundreds of questions wait for the same moment: it is told once.
        until = time.time() + (pause := state.upcoming_sleep)
        if pause >= TOLD and until >= self._told + TOLD:
            self._told = until
            clock = time.strftime("%H:%M:%S", time.localtime(until))
            _log.warning("%s", self._safe(f"{self._name}: {failure(state)}; waiting {pause:.0f} s, until {clock}"))

    def _safe(self, text: str) -> str:
        return self._connection.safe(text)

    async def aclose(self) -> None:
        """Close the connections; a later question opens new ones."""
        await self._connection.aclose()

    async def _try(self, question: Question) -> Answer:
        body, keep = self._terms.body(question), None if question is PING else on_late_reply.get(None)

        def read_late(response: Response) -> None:
            with contextlib.suppress(Failed):
                if keep and response.status < 300:
                    keep(self._read(response, question))

        async with self._limits.turn(self._size(body)) as turn:
            response = await self._connection.post(body, read_late if keep else None)
            if response.status < 300 and (status := inner_status(response.content)):
                response = response._replace(status=status)
            if response.status in _REFUSING:
                self.refused += 1
                turn.refused(retry_after(response.headers) or self.wait)
            else:
                turn.admitted()
            if response.status < 300:
                answer = self._read(response, question)
                if used := answer.usage.prompt + answer.usage.completion:
                    self._completion += 0.1 * (answer.usage.completion - self._completion)
                    turn.spent(used)
                if not self._cut and (least := tokens_cut(body, answer.usage)):
                    self._cut = True
                    self._notice(CUT.format(least=least, counted=answer.usage.prompt))
                return answer
        return await self._refused(question, body, response)

    def _size(self, body: Mapping[str, Any]) -> float:
        # Roughly, in tokens; what was wrong about it is set right when the server has counted.
        return sum(len(str(body.get(part, ""))) for part in ("messages", "tools")) / 4 + self._completion

    async def _refused(self, question: Question, body: dict[str, Any], response: Response) -> Answer:
        """What to do about a status that is an error: ask otherwise, Failed, or EndpointDown."""
        status, told = response.status, complaint(response.content)
        said = self._safe(told.said)[:300]
        if status < 400:
            self._stop(f"answers {status}: go to {_elsewhere(response)}; check base_url and model")
        if question.tools and any(map(_TOOLS_REFUSED.search, (told.text, *told.codes))):
            self._stop(f"refuses tools: {said}; serve it with tool calling switched on, or take another model as agent")
        if {"insufficient_quota", "model_not_found"} & set(told.codes):
            self._stop(f"answers {status}: {said}{_hint(status, said)}")
        if (told.moderated and status in (400, 403, 422, 451)) or (told.too_long and status in (400, 413, 422, 500)):
            raise Failed(f"{status}): {said}", final=True)
        if _GARBLED & set(told.codes):
            raise Failed(f"{status} {said}")
        if status in _NOT_TAKEN and (done := self._terms.without(body, told, question.reply)) is not None:
            if done:
                self._notice(f"{done} ({status} {said})")
            return await self._try(question)
        if status in _BUSY or status >= 500:
            wait = retry_after(response.headers) or (LOADING if told.loading else 0.0)
            if status in _REFUSING:
                self._stop_if_shut(wait, f"{status}: {said}")
            raise Failed(f"{status} {said}", wait, busy=status in _REFUSING)
        if status in _STOP or (status == 403 and told.about_key):
            self._stop(f"answers {status}: {said}{_hint(status, said)}")
        raise Failed(f"{status}): {said}", final=True)

    def _notice(self, what: str) -> None:
        """Say, and keep for the ledger, what is odd about the server; once."""
        self.noticed.append(self._safe(what))
        _log.warning("%s", self._safe(f"{self._name} {what}"))

    def _stop_if_shut(self, wait: float, said: str) -> None:
        if self._limits.paused_until is not None and wait > MAX_WAIT:
            self._stop(f"refuses all and wants {wait:.0f} s of waiting ({said}); run again then")
        since = self._limits.shut_since
        shut = 0.0 if since is None else asyncio.get_running_loop().time() - since
        if shut > (MAX_WAIT if wait else SHUT):
            self._stop(f"has answered nothing but {said} for {shut:.0f} s; run again when it has time")

    def _read(self, response: Response, question: Question) -> Answer:
        try:
            return read_completion(response.content, question, self._terms.origin)
        except ValueError as error:
            raise Failed(str(error)) from None

    def _stop(self, why: str) -> NoReturn:
        raise EndpointDown(f"{self._name} {why}")


def _elsewhere(response: Response) -> str:
    return without_secrets(response.headers.get("location", "nowhere"))


def _hint(status: int, said: str) -> str:
    if re.search(r"\bpull", said):
        return "; pull the model where it is served, or name another"
    return "; check the key" if status in (401, 403) else "; check base_url and model" if status != 402 else ""
