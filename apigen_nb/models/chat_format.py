"""A question rendered to messages of the OpenAI chat format; what comes back is read in `completion`.

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

from ..records import Message, ToolCall
from . import Question
from .prompt_values import as_text

FOLDER = Path(__file__).parent / "prompts"
# Prompts that a role is asked with, where it is asked with more than its own.
OF_ROLE: dict[str, tuple[str, ...]] = {"generator": ("generator", "recombine"), "judge": ("judge", "blame", "reading")}
GREETING = "Hello, how can I help you?"
SILENCE = "(The agent has not said anything.)"


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
