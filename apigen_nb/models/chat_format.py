"""Between our records and the OpenAI chat format: a question rendered to messages, a completion read as an answer.

A prompt is one readable file, a `string.Template` filled in from the question's context: the system part, then a line
`===`, then the user part. Without that line it is all system part, and the question's conversation follows.
`prompts/` of the package holds the files; a question whose `prompt` ends in `.md` names one of the user's own.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from ..records import Message, ToolCall, Usage
from . import Answer, Question
from .opaque import opaque_of
from .prompt_values import as_text

FOLDER = Path(__file__).parent / "prompts"
# Prompts that a role is asked with, where it is asked with more than its own.
OF_ROLE: dict[str, tuple[str, ...]] = {"generator": ("generator", "recombine"), "judge": ("judge", "blame", "reading")}
GREETING = "Hello, how can I help you?"
SILENCE = "(The agent has not said anything.)"
MAX_REPLY = 200_000  # characters; a longer reply is a model in a loop, and no stage has a use for it
MAX_TOKENS = 10**7  # of one request; whoever counts more is wrong, and would end a budget at once

_FENCE = re.compile(r"```\w*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_TAG = re.compile(r"<tool_call>([^<]*(?:<(?!/?tool_call>)[^<]*)*)</tool_call>")  # linear, whatever it is given


def render(question: Question) -> list[dict[str, Any]]:
    """The OpenAI chat messages of a question. ValueError when the prompt is unknown or its context lacks a key.

    The simulated user is the model's part when the role is `user`: the dialogue is turned round, tool calls and tool
    results are left out, and the list ends on a user-role message whatever has been said so far."""
    messages = []
    for role, template in zip(("system", "user"), templates(question.prompt), strict=False):
        try:
            text = template.substitute({key: as_text(value) for key, value in question.context.items()})
        except KeyError as error:
            known = ", ".join(question.context) or "empty"
            raise ValueError(f"prompt {question.prompt!r} uses ${error.args[0]}, its context has: {known}") from None
        except ValueError as error:
            raise ValueError(f"prompt {question.prompt!r}: {error}; write $$ for a dollar sign") from None
        messages.append({"role": role, "content": _clean(text)})
    dialogue = _turned(question.messages) if question.role == "user" else map(_chat, question.messages)
    return messages + list(dialogue)


def own_prompts(path: str, role: str = "") -> dict[str, str]:
    """Prompt → file, of the user's own: a file stands for the role's prompt, a folder's files for the prompts of the
    package that they are called as (`judge.md`, `blame.md`), those that the role is asked with or all. ValueError when
    nothing there has such a name."""
    asked = OF_ROLE.get(role, (role,)) if role else tuple(prompt_shas())
    if role and path.endswith(".md"):
        return {role: path}
    found = {file.stem: str(file) for file in sorted(Path(path).glob("*.md")) if file.stem in asked}
    if not found:
        raise ValueError(f"no prompts in {path}; expected {' or '.join(f'{name}.md' for name in asked)}")
    return found


def check_prompt(path: str, role: str) -> None:
    """Make sure that prompts of the user's own can be asked: they are there, and use names that the package's use.
    ValueError says which they do not know."""
    for name, file in own_prompts(path, role).items():
        known = {key for part in templates(name) for key in part.get_identifiers()}
        used = {key for part in templates(file) for key in part.get_identifiers()}
        if strange := sorted(used - known):
            raise ValueError(f"{file} uses ${strange[0]}; the {name}'s question has {', '.join(sorted(known))}")
        if not all(part.is_valid() for part in templates(file)):
            raise ValueError(f"{file} has a lone dollar sign; write $$ for one")


def prompt_shas() -> dict[str, str]:
    """Name → SHA-256 of the file's bytes, for every prompt of the package: a run keeps what it was asked with."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(FOLDER.glob("*.md"))}


def templates(prompt: str) -> tuple[string.Template, ...]:
    """The parts of a prompt, of the package or of a file that ends in .md: system and, where there is one, user."""
    path = Path(prompt) if prompt.endswith(".md") else FOLDER / f"{prompt}.md"
    if not path.is_file():
        known = ", ".join(file.stem for file in sorted(FOLDER.glob("*.md")))
        raise ValueError(f"no prompt {prompt!r}; prompts are {known}, or a file of yours that ends in .md")
    parts = re.split(r"^===[ \t]*\n", path.read_text(encoding="utf-8"), maxsplit=1, flags=re.MULTILINE)
    return tuple(string.Template(part.strip()) for part in parts)


def _clean(text: str) -> str:
    # Text of a model may hold lone surrogates, which no request body can.
    return text.encode("utf-8", "replace").decode("utf-8")


def _chat(message: Message) -> dict[str, Any]:
    chat: dict[str, Any] = {"role": message.role, "content": _clean(message.content)}
    if message.role == "tool":
        chat["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        chat["content"] = chat["content"] or None
        chat["tool_calls"] = [
            {"id": call.id, "type": "function", "function": _function(call)} for call in message.tool_calls
        ]
    return chat


def _function(call: ToolCall) -> dict[str, str]:
    # A call that came malformed goes back without arguments, because servers parse the history and refuse all of it
    # for one bad call; what was wrong stands in the tool result that follows.
    return {"name": call.name, "arguments": _clean(json.dumps(call.arguments or {}, ensure_ascii=False))}


def _turned(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The dialogue as the simulated user lived it, strictly alternating, since many chat templates demand that."""
    turned: list[dict[str, Any]] = [{"role": "user", "content": GREETING}]
    for message in messages:
        if message.role == "tool" or not message.content.strip():
            continue
        role = "user" if message.role == "assistant" else "assistant"
        content = _clean(message.content)
        if len(turned) == 1 and role == "user":
            turned[0]["content"] = content
        elif turned[-1]["role"] == role:
            turned[-1]["content"] += f"\n\n{content}"
        else:
            turned.append({"role": role, "content": content})
    if turned[-1]["role"] != "user":
        turned.append({"role": "user", "content": SILENCE})
    return turned


class _Function(BaseModel):
    name: str
    arguments: str | dict[str, Any] | None = None


class _Call(BaseModel):
    id: str | int | None = None
    function: _Function


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """What we read of a chat completion; everything else may be absent or wrong."""

    choices: list[_Choice] = Field(min_length=1)
    usage: Any = None


def read_completion(content: bytes, question: Question, origin: str = "") -> Answer:
    """The answer in the body of a chat completion, as an error when it was cut off, filtered, refused or is too long;
    what the server wants back with it goes to `origin`. ValueError when the body is something else."""
    try:
        body = json.loads(content.decode("utf-8-sig"))
        completion = _Completion.model_validate(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(_not_a_completion(content, error)) from None
    choice, usage = completion.choices[0], _usage(completion.usage)
    said, calls = choice.message.content or "", choice.message.tool_calls or []
    text = said if isinstance(said, str) else "".join(part.text for part in said)
    size = len(text) + sum(len(str(call.function.arguments)) for call in calls)
    if size > MAX_REPLY:
        return Answer(error=f"reply of {size} characters; at most {MAX_REPLY} are read", usage=usage)
    if choice.message.refusal:
        return Answer(text=text, error=f"the model refused: {choice.message.refusal[:300]}", usage=usage)
    if choice.finish_reason == "length":
        cut = f"reply cut off after {usage.completion} tokens (finish_reason length); allow more by max_tokens"
        return Answer(text=text, error=cut, usage=usage)
    if choice.finish_reason == "content_filter":
        return Answer(text=text, error="reply stopped by the server's content filter", usage=usage)
    if question.tools and not calls and (calls := _calls_in(text, question)):
        text = ""
    opaque = opaque_of(body["choices"][0]["message"], origin)
    return Answer(text=text, tool_calls=_numbered(calls, question), usage=usage, opaque=opaque)


def _not_a_completion(content: bytes, error: Exception) -> str:
    start = content[:200].decode("utf-8", "replace").strip()
    if start.startswith("<"):
        return f"a web page came instead of a chat completion, does base_url lack /v1?: {start[:120]}"
    why = f"{error.errors()[0]['msg']}" if isinstance(error, ValidationError) else "no JSON"
    return f"the reply is not a chat completion ({why}): {start!r}"


def _usage(said: Any) -> Usage:
    def count(holder: Any, name: str) -> int:
        value = holder.get(name) if isinstance(holder, dict) else None
        return max(0, min(value, MAX_TOKENS)) if type(value) is int else 0

    prompt, completion = count(said, "prompt_tokens"), count(said, "completion_tokens")
    cached = count(said.get("prompt_tokens_details"), "cached_tokens") if isinstance(said, dict) else 0
    return Usage(calls=1, prompt=prompt, cached=cached, completion=completion)


def _calls_in(text: str, question: Question) -> list[_Call]:
    """The tool calls that a model without a tool format wrote as its whole text: JSON, bare or fenced or tagged, of one
    `{name, arguments | parameters}` or a list of them. Empty when a name is no tool or arguments are no object."""
    known = [tool["function"]["name"] for tool in question.tools]
    text = text.strip()
    if (fence := _FENCE.fullmatch(text)) is not None:
        text = fence[1]
    elif (tagged := _TAG.findall(text)) and not _TAG.sub("", text).strip():
        text = f"[{','.join(tagged)}]"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    calls = []
    for item in value if isinstance(value, list) else [value]:
        arguments = item.get("arguments", item.get("parameters")) if isinstance(item, dict) else None
        if not isinstance(arguments, dict) or item.get("name") not in known:
            return []
        calls.append(_Call(function=_Function(name=item["name"], arguments=arguments)))
    return calls


def _numbered(calls: list[_Call], question: Question) -> tuple[ToolCall, ...]:
    """The calls, arguments read, under ids unique in the conversation: `call_<n>` instead of a missing or used one."""
    earlier = [call.id for message in question.messages for call in message.tool_calls]
    taken, numbered = set(earlier), []
    for number, call in enumerate(calls, len(earlier) + 1):
        id = str(call.id or "")
        while not id or id in taken:
            id, number = f"call_{number}", number + 1
        taken.add(id)
        arguments = _arguments(call.function.arguments)
        raw = "" if arguments is not None else str(call.function.arguments)
        numbered.append(ToolCall(id=id, name=call.function.name, arguments=arguments, raw=raw))
    return tuple(numbered)


def _arguments(came: str | dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        value = json.loads(came) if isinstance(came, str) and came.strip() else came or {}
        json.dumps(value, allow_nan=False)  # NaN and infinities are no JSON and would not survive our own files
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
