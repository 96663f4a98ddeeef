"""A model is a function from a question to an answer; this is all that the rest of the package knows of models.

`endpoint` asks any OpenAI-compatible server, `reply_cache` keeps what it answered, `scripted` is the stand-in that
ships with the package, a plain async function will do in a test. Nothing but the `Question` reaches any of them.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from ..records import Candidate, Message, Opaque, Record, Role, ToolCall, Usage
from .call_ids import with_ids
from .reply_json import Unparsable as Unparsable
from .reply_json import read_object
from .reply_schema import without_nulls
from .spoken import spoken
from .written_calls import WrittenCall, read_calls


class Question(Record):
    """Everything that reaches a model, for any role. `id` is known before the work and names one call.

    `context` is what the prompt file is rendered from; `messages` and `tools` are the conversation's; `reply` is the
    JSON schema of the answer wanted, or None for text. `sample` numbers independent answers to the same question."""

    id: str
    role: Role
    prompt: str
    context: dict[str, Any] = {}
    messages: tuple[Message, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    reply: dict[str, Any] | None = None
    sample: int = 0


class Answer(Record):
    """What a model gave back: what it says, what it thought beside that, its tool calls. `error` says why there is
    nothing usable in it. A best-of-N user also gives the candidates that it chose from, and the index of the `chosen`
    one. `opaque` is what the server wants back with this message."""

    text: str = ""
    thoughts: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Field(default_factory=Usage)
    error: str = ""
    candidates: tuple[Candidate, ...] = ()
    chosen: int = 0
    opaque: Opaque | None = None


Model = Callable[[Question], Awaitable[Answer]]
Reply = TypeVar("Reply", bound=BaseModel)
Used = TypeVar("Used")


class NoAnswer(Exception):
    """This question got no answer within its tries: the job that asked fails, with this reason in its record."""


class EndpointDown(Exception):
    """No question can be answered (nobody listens, key refused, model unknown): the stage stops at once."""


class BudgetSpent(Exception):
    """`max_cost` or `max_total_tokens` is used up: no new work begins, work under way is finished, all is kept."""


@dataclass
class Job:
    """What questions are asked for at the moment: the stage, and whether this job has asked one that cost something."""

    stage: str = ""
    paid: bool = False


current_job: ContextVar[Job] = ContextVar("current_job")  # set by `run_jobs`, read where questions are paid for
# What is done with a reply that comes when its question has been given up; where nothing is, none is waited for.
on_late_reply: ContextVar[Callable[[Answer], None]] = ContextVar("on_late_reply")
_meter: ContextVar[dict[Role, Usage] | None] = ContextVar("meter", default=None)


@contextlib.contextmanager
def metered() -> Iterator[dict[Role, Usage]]:
    """Collect the tokens of all questions asked within, per role."""
    usage: dict[Role, Usage] = {}
    token = _meter.set(usage)
    try:
        yield usage
    finally:
        _meter.reset(token)


async def ask(model: Model, question: Question) -> Answer:
    """Ask, read what came (see `heard`) and count the tokens. All stages ask through here."""
    answer = heard(storable(await model(question)), question)
    usage = _meter.get()
    if usage is not None:
        usage[question.role] = usage.get(question.role, Usage()) + answer.usage
    return answer


def storable(answer: Answer) -> Answer:
    """The answer as it can be written down and read back: without lone surrogates, which no UTF-8 file can hold; a call
    with arguments that JSON has not (NaN, nested without end) counts as one that is no JSON."""
    if answer.opaque is None and not answer.candidates and _as_read(answer):
        return answer
    try:
        text = json.dumps(answer.model_dump(), ensure_ascii=False, allow_nan=False)
        return Answer.model_validate_json(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raw = "arguments that JSON has not"
        calls = tuple(call.model_copy(update={"arguments": None, "raw": raw}) for call in answer.tool_calls)
        texts = {name: getattr(answer, name).encode("utf-8", "replace").decode() for name in ("text", "thoughts")}
        return answer.model_copy(update={**texts, "tool_calls": calls})


_LARGE = 10**15  # far below the integers that cannot be written


def _as_read(answer: Answer) -> bool:
    """Whether an answer is, without a look at JSON, what it would be when written down and read back."""
    parts: list[Any] = [answer.text, answer.thoughts, answer.error]
    for call in answer.tool_calls:
        parts += (call.id, call.name, call.raw, call.arguments)
    try:
        return all(map(_is_plain, parts))
    except (UnicodeEncodeError, RecursionError):
        return False


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return bool(value.isascii() or value.encode())
    if kind is dict:
        return all(map(_is_plain, value.values())) and all(type(name) is str and _is_plain(name) for name in value)
    if kind is list:
        return all(map(_is_plain, value))
    if kind is int:
        return bool(-_LARGE < value < _LARGE)
    return value is None or kind is bool or (kind is float and isfinite(value))


def heard(answer: Answer, question: Question) -> Answer:
    """What an answer to this question says: thoughts beside its text (see `spoken`), calls that it wrote as text among
    its calls (see `read_calls`), each under an id of its own. What has been heard once is the same when heard again."""
    if answer.error:
        return answer
    text, thought, cut = spoken(answer.text, question.reply is not None)
    thoughts = "\n\n".join(filter(None, [answer.thoughts, thought])) if thought else answer.thoughts
    calls, error = answer.tool_calls, ""
    if cut:
        error = "the reply was cut off inside of its thoughts; allow more by max_tokens"
    elif not calls and not text.strip() and (thoughts or text != answer.text):
        text, error = "", "the reply holds thoughts and nothing that is said" if thoughts else "the reply says nothing"
    elif question.tools:
        try:
            text, calls = read_calls(text, question.tools, calls)
        except WrittenCall:
            error = f"wrote a tool call as text; switch on the server's tool parser: {text[:200]!r}"
    calls, text = with_ids(calls, question.messages) if calls else (), "" if error else text
    if (text, calls, error) == (answer.text, answer.tool_calls, ""):
        return answer
    return answer.model_copy(update={"text": text, "thoughts": thoughts, "tool_calls": calls, "error": error})


_FOR_JSON = Question(id="", role="judge", prompt="", reply={})


def read_json(answer: Answer) -> dict[str, Any]:
    """The one JSON object in a reply (see `read_object`). Unparsable when there is none, when there are several that
    differ, or the answer is an error. Nothing is repaired: half an object is no object."""
    answer = heard(answer, _FOR_JSON)
    if answer.error:
        raise Unparsable(answer.error)
    return read_object(answer.text)


def read_reply(answer: Answer, shape: type[Reply], /, **settled: Any) -> Reply:
    """The JSON object in a reply as the `shape` that was asked for. Fields that `shape` has not are passed over, as are
    nulls where it has a default: the schema allows them there (see `reply_schema`); those `settled` are none of the
    model's business. Unparsable, the only error, names each part that is missing or of the wrong type; what JSON has
    not (NaN, infinity, half a character) is never let through."""
    said = {**read_json(answer), **settled}
    try:
        wanted = {name: said[name] for name in shape.model_fields if name in said}
        reply = shape.model_validate(without_nulls(wanted, _schema_of(shape)))
        return shape.model_validate_json(json.dumps(reply.model_dump(), allow_nan=False))
    except ValidationError as error:
        parts = (f"{'.'.join(map(str, problem['loc']))[:100]}: {problem['msg']}" for problem in error.errors()[:6])
        raise Unparsable("; ".join(parts)) from None
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"it cannot be written down: {error}") from None


@functools.lru_cache(maxsize=64)
def _schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    return shape.model_json_schema()


async def ask_for(model: Model, question: Question, shape: type[Reply], /, **settled: Any) -> Reply:
    """Ask (see `ask`) and read the reply as `shape` (see `read_reply`). Unparsable when it is not of that shape."""
    return read_reply(await ask(model, question), shape, **settled)


async def ask_twice(model: Model, question: Question, shape: type[Reply], use: Callable[[Reply], Used]) -> Used:
    """What `use` makes of a reply of the `shape` asked for (see `ask_for`); it raises Unparsable where it can use none.
    Asked is once, and once more, as another sample, where that reply cannot be used. Unparsable when neither can."""
    try:
        return use(await ask_for(model, question, shape))
    except Unparsable:
        again = question.model_copy(update={"sample": question.sample + 1})
        return use(await ask_for(model, again, shape))
