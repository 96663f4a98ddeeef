"""Replies on disk: what was answered once is not asked again, neither by this process nor by a later one.

A run's folder holds `replies.jsonl`, the reply cache: a line per reply in the order in which they came, found by the
content of the request. It serves a second run, a run that was killed in the middle of a conversation, and a colleague
without key or network. It is also what the ledger is made of, since every line is a request that was paid for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pydantic import ValidationError

from ..records import Usage, sha
from ..storage.jsonl import append_line, parse_line, write_whole
from ..storage.offset_index import OffsetIndex
from . import Answer, EndpointDown, Job, Model, NoAnswer, Question, current_job, on_late_reply, storable
from .chat_format import render
from .ledger import Budget, Reply

REPLIES = "replies.jsonl"
_KEY = slice(8, 40)  # of a line: {"key":"…32 hex digits…",
_STARTS, _QUOTE = b'{"key":"', slice(40, 42)


class NotRecorded(EndpointDown):
    """Offline, and the reply to this question is not in the run's folder."""


def read_replies(folder: Path | str) -> Iterator[Reply]:
    """All replies in a run's folder, one at a time, in the order in which they came."""
    path = Path(folder) / REPLIES
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                with contextlib.suppress(ValidationError):
                    yield parse_line(line, Reply)


def count_requests(folder: Path | str) -> int:
    """How many requests have been made for a run's folder."""
    path = Path(folder) / REPLIES
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def forget_errors(folder: Path | str) -> None:
    """Have what was answered with an error only, such as a refusal of the server, asked again; the replies stay, since
    they count in the ledger."""
    path = Path(folder) / REPLIES
    if path.exists():
        replies = (
            reply.model_copy(update={"key": ""}) if reply.answer is not None and reply.answer.error else reply
            for reply in read_replies(folder)
        )
        write_whole(path, (reply.line() for reply in replies))


class ReplyCache:
    """The replies of one run's folder. In memory is only where each line begins. A half-written last line is dropped; a
    line that cannot be read is one that is not there."""

    def __init__(self, folder: Path | str, *, offline: bool = False, budget: Budget | None = None) -> None:
        self.path, self.offline, self.budget = Path(folder) / REPLIES, offline, budget
        if budget is not None and budget.bounded:  # a folder's budget is one for all that has been spent in it
            for reply in read_replies(folder):
                budget.add(reply)
        self._places: OffsetIndex | None = None
        self._told: dict[Model, tuple[int, int]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def find(self, key: str) -> Answer | None:
        """The recorded answer to the request with this hash, or None."""
        if self._places is None:
            self._places = self._read()
        place = self._places.get(key)
        if place is None:
            return None
        with self.path.open("rb") as file:
            file.seek(place)
            line = file.readline()
        try:
            reply = parse_line(line, Reply)
        except ValidationError:
            return None
        return reply.answer

    def add(self, reply: Reply) -> None:
        """Keep a reply. OSError, with what to do, when it cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            offset = append_line(self.path, reply.line())
        except OSError as error:
            raise OSError(f"{self.path} cannot be written: {error.strerror or error}; free space, then go on") from None
        if reply.key and self._places is not None:
            self._places.put(reply.key, offset)
        if self.budget is not None:
            self.budget.add(reply)

    def lock(self, key: str) -> asyncio.Lock:
        """Held while a request is under way: of two equal ones at a time the second finds the reply of the first."""
        return self._locks.setdefault(key, asyncio.Lock())

    def news(self, model: Model) -> tuple[int, tuple[str, ...]]:
        """How often an endpoint has tried again, and what it has noticed, since this was last asked."""
        count, noticed = int(getattr(model, "retries", 0)), tuple(getattr(model, "noticed", ()))
        (tries, told), self._told[model] = self._told.get(model, (0, 0)), (count, len(noticed))
        return count - tries, noticed[told:]

    def _read(self) -> OffsetIndex:
        places, end, line = OffsetIndex(), 0, b"\n"
        if not self.path.exists():
            return places
        with self.path.open("rb") as file:
            for line in file:  # the keys stand at one place in all lines: reading a gigabyte takes seconds
                if line.endswith(b"\n") and line.startswith(_STARTS) and line[_QUOTE] == b'",':
                    # Of several the last: it is there because those before could not be read.
                    places.put(line[_KEY].decode("ascii", "replace"), end)
                end += len(line)
        if not line.endswith(b"\n") and not self.offline:
            os.truncate(self.path, end - len(line))
        return places


class CachedModel:
    """A model whose replies are kept: asked only for what the cache has not. `build` makes the model when it is
    first asked, so that a run whose replies are all there needs no key. `sampling` are the parameters, besides the
    question, that shape a reply. `voice` numbers judges that are otherwise the same: each has replies of its own.

    A reply that comes within moments after its question was given up is kept. NotRecorded when offline, BudgetSpent
    before the first paid question of a job when the budget is used up."""

    def __init__(
        self, cache: ReplyCache, model: str, build: Callable[[], Model], sampling: Mapping[str, Any], voice: int = 0
    ) -> None:
        self.cache, self.model, self._build = cache, model, build
        self._content = {"model": model, "sampling": dict(sampling), "voice": voice}

    def __repr__(self) -> str:
        return f"CachedModel({self.model} in {self.cache.path.parent.name})"

    def key(self, question: Question) -> str:
        """The hash of all that shapes the reply: neither the host nor the key nor the question's id."""
        asked: dict[str, Any] = {"tools": question.tools, "reply": question.reply, "sample": question.sample}
        if kept := {n: m.opaque.model_dump(exclude={"origin"}) for n, m in enumerate(question.messages) if m.opaque}:
            asked["opaque"] = kept
        return sha(self._content | asked | {"messages": render(question)}, 32)

    async def __call__(self, question: Question) -> Answer:
        key = self.key(question)
        found = self.cache.find(key)
        if found is not None:
            return found
        async with self.cache.lock(key):
            found = self.cache.find(key)
            return found if found is not None else await self._asked(question, key)

    async def _asked(self, question: Question, key: str) -> Answer:
        if self.cache.offline:
            where = f"the reply of {self.model} to {question.id} is not recorded in {self.cache.path}"
            raise NotRecorded(f"{where}; run without offline to ask for it")
        work = current_job.get(Job())
        if self.cache.budget is not None and not work.paid:
            self.cache.budget.check()
        work.paid = True
        model, begin = self._build(), time.monotonic()
        token = on_late_reply.set(lambda answer: self._keep(question, model, begin, key, storable(answer)))
        try:
            answer = storable(await model(question))
        except NoAnswer:
            self._keep(question, model, begin, "", None)
            raise
        finally:
            on_late_reply.reset(token)
        self._keep(question, model, begin, key, answer)
        return answer

    def _keep(self, question: Question, model: Model, begin: float, key: str, answer: Answer | None) -> None:
        retries, noticed = self.cache.news(model)
        reply = Reply(
            key=key,
            model=self.model,
            role=question.role,
            id=question.id,
            stage=current_job.get(Job()).stage,
            seconds=round(time.monotonic() - begin, 3),
            retries=retries,
            noticed=noticed,
            answer=answer,
            guess=guess_usage(question, answer) if answer is not None else None,
        )
        self.cache.add(reply)


def guess_usage(question: Question, answer: Answer) -> Usage | None:
    """The tokens of an answer that came without a count of them, four characters each; None of one with a count."""
    used = answer.usage
    if not used.calls or used.prompt or used.completion:
        return None
    asked = sum(len(json.dumps(part, ensure_ascii=False)) for part in (render(question), question.tools))
    said = len(answer.text) + sum(len(call.line()) for call in answer.tool_calls)
    return Usage(calls=1, prompt=asked // 4, completion=said // 4)
