"""A chat completion read as an answer: the body that a server sends, in whichever dialect of the OpenAI chat format."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..records import ToolCall, Usage
from . import Answer, Question, heard
from .finish_reasons import ServersFault, unfinished
from .opaque import opaque_of
from .spoken import CALL_MARK, spoken
from .written_calls import decoded

MAX_REPLY = 200_000  # characters; a longer reply is a model in a loop, and no stage has a use for it
MAX_TOKENS = 10**7  # of one request; whoever counts more is wrong, and would end a budget at once
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")  # of a message, by server
_ANY_THOUGHTS = frozenset(_THOUGHTS)
_SAID = ("text", "output_text", "", None)  # types of parts


class _Unknown(ValueError):
    """A part of a completion is none that is known; the message says which."""


def read_completion(content: bytes, question: Question, origin: str = "") -> Answer:
    """The answer in the body of a chat completion, as an error when it was cut off, filtered, refused or is too long;
    what the server wants back with it goes to `origin`. ValueError when the body is something else, or the server says
    that something went wrong with it."""
    try:
        body = json.loads(content.removeprefix(BOM_UTF8).decode())
        choice, message = _message(body)
        said = "" if message.get("content") is None else message["content"]
        parts = [] if isinstance(said, str) else _parts(said)
        calls, thoughts = _calls(message, parts), _thoughts(message, parts)
        text = said if isinstance(said, str) else _text(parts)
    except RecursionError:
        raise ValueError(_not_a_completion(content, "no JSON")) from None
    except ValueError as error:
        raise ValueError(_not_a_completion(content, str(error) if isinstance(error, _Unknown) else "no JSON")) from None
    usage = _usage(body.get("usage"))
    size = len(text) + (sum(len(call.raw) or len(str(call.arguments)) for call in calls) if calls else 0)
    if size > MAX_REPLY:
        return Answer(error=f"reply of {size} characters; at most {MAX_REPLY} are read", usage=usage)
    try:
        refusal, problem = message.get("refusal"), unfinished(choice, usage.completion)
    except ServersFault as fault:
        raise ValueError(f"{_BROKEN}: {fault}") from None
    if refusal or problem:
        told = f"the model refused: {str(refusal)[:300]}" if refusal else problem
        text, thought, _ = spoken(CALL_MARK.split(text, maxsplit=1)[0], question.reply is not None)
        thoughts = "\n\n".join(filter(None, (thoughts, thought)))[:MAX_REPLY]
        return Answer(text=text, thoughts=thoughts, usage=usage, error=told)
    wanted = opaque_of(message, origin)
    answer = Answer(text=text, thoughts=thoughts[:MAX_REPLY], tool_calls=tuple(calls), usage=usage, opaque=wanted)
    return heard(answer, question)


_BROKEN = "the reply is not a chat completion"


def _not_a_completion(content: bytes, why: str) -> str:
    start = content[:200].decode("utf-8", "replace").strip()
    if start.startswith("<"):
        return f"a web page came instead of a chat completion, does base_url lack /v1?: {start[:120]}"
    return f"{_BROKEN} ({why}): {start!r}"


def _message(body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first choice and its message."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices:
        raise _Unknown("it has no choices")
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        raise _Unknown("its choice has no message")
    return choices[0], message


def _parts(content: Any) -> list[dict[str, Any]]:
    """What a message holds, as parts with a type each."""
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list) or not all(isinstance(part, str | dict) for part in content):
        raise _Unknown("its content is neither text nor parts")
    return [{"text": part} if isinstance(part, str) else part for part in content]


def _text(parts: Iterable[dict[str, Any]]) -> str:
    """What the parts say, one after another; thoughts and calls are read elsewhere."""
    said = list[str]()
    for part in parts:
        kind = part.get("type")
        if kind in _SAID:
            if not isinstance(part.get("text", ""), str):
                raise _Unknown("a text in its content is none")
            said.append(part.get("text", ""))
        elif not _is_thought(kind) and kind not in ("tool_use", "function_call", "tool_call"):
            raise _Unknown(f"its content has a part of type {str(kind)[:40]!r}")
    return "".join(said)


def _is_thought(kind: Any) -> bool:
    return isinstance(kind, str) and any(word in kind for word in ("think", "reason", "thought", "summary"))


def _thoughts(message: dict[str, Any], parts: Sequence[dict[str, Any]]) -> str:
    """What a model thought, wherever its server puts it; what stands in several places once."""
    if not parts and _ANY_THOUGHTS.isdisjoint(message):
        return ""
    within = [part for part in parts if _is_thought(part.get("type"))]
    places = [*map(message.get, _THOUGHTS), within]
    if not any(places):
        return ""
    found = dict.fromkeys("\n".join(_strings(place)).strip() for place in places if place)
    return "\n\n".join(filter(None, found))


def _strings(thought: Any, depth: int = 0) -> Iterator[str]:
    """The texts in a thought: itself, or what its parts hold as text, thinking or summary; encrypted ones none."""
    if isinstance(thought, str):
        yield thought
    elif depth < 5 and isinstance(thought, list):
        for part in thought:
            yield from _strings(part, depth + 1)
    elif depth < 5 and isinstance(thought, dict):
        for name in ("text", "thinking", "reasoning", "summary", "content"):
            yield from _strings(thought.get(name), depth + 1)


def _calls(message: dict[str, Any], parts: Sequence[dict[str, Any]]) -> list[ToolCall]:
    """The calls of a message: `tool_calls`, the older `function_call`, or parts of its content."""
    listed, older = message.get("tool_calls") or [], message.get("function_call")
    if not (listed or older or parts):
        return []
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list):
        raise _Unknown("its tool_calls are no list")
    listed = [*listed, *([older] if older and not listed else [])]
    listed += [part for part in parts if part.get("type") in ("tool_use", "function_call")]
    return [call for call in map(_made, listed) if call is not None]


def _made(call: Any) -> ToolCall | None:
    """A call as it came; what holds neither name nor arguments is none."""
    call = {} if call is None else call
    if not isinstance(call, dict):
        raise _Unknown("a tool call is no object")
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    name, given = inner.get("name"), inner["arguments"] if "arguments" in inner else inner.get("input")
    if isinstance(name, str) and name.strip():
        return _call(call.get("id") or call.get("call_id"), name.strip(), given)
    if name or given:
        raise _Unknown("a tool call has no name")
    return None


def _call(id: Any, name: str, given: Any) -> ToolCall:
    arguments = decoded(given)
    raw = "" if arguments is not None else given if isinstance(given, str) else json.dumps(given)
    return ToolCall(id=str(id) if isinstance(id, str | int) else "", name=name, arguments=arguments, raw=raw)


def _usage(said: Any) -> Usage:
    if not isinstance(said, dict):
        return Usage(calls=1)
    details = said.get("prompt_tokens_details")
    cached = _count(details, "cached_tokens") if isinstance(details, dict) else 0
    prompt, completion = _count(said, "prompt_tokens"), _count(said, "completion_tokens")
    return Usage(calls=1, prompt=prompt, cached=cached, completion=completion)


def _count(holder: dict[str, Any], name: str) -> int:
    value = holder.get(name)
    return max(0, min(value, MAX_TOKENS)) if type(value) is int else 0
