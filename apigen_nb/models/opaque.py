"""What a server puts on its own message to get it back with the next question: signatures of its thoughts, thoughts.

Not everything that a server adds is wanted back, and strict servers (Mistral, Groq, Fireworks) refuse each other's
fields. So back go the fields that some server is known to ask for, exactly as they came, and only to the server and
model that set them; one that a server refuses nevertheless is left out from then on (see `terms`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..records import Message, Opaque

THOUGHTS = (
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "thinking_blocks",
)  # DeepSeek, Kimi, vLLM, OpenRouter
SIGNED = ("extra_content", "thought_signature", "signature", "provider_specific_fields")  # Gemini, Anthropic, LiteLLM
FIELDS = (*THOUGHTS, *SIGNED)
_ANY = frozenset(FIELDS)
MOST = 200_000  # characters; whoever sends more will get none of it back


def opaque_of(message: Any, origin: str) -> Opaque | None:
    """What a completion's `message` holds that goes back to `origin`; None when it is nothing, too much, or no JSON."""
    if not isinstance(message, dict):
        return None
    fields, made = _fields(message), message.get("tool_calls")
    calls = tuple(map(_fields, made)) if made and isinstance(made, list) else ()
    if not fields and not any(calls):
        return None
    found = Opaque(origin=origin, message=fields, calls=calls if any(calls) else ())
    try:
        text = json.dumps([found.message, found.calls], ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return found if len(text) <= MOST else None


def give_back(
    chat: Sequence[dict[str, Any]], said: Sequence[Message], origin: str, without: Collection[str], owed: Iterable[str]
) -> None:
    """Put on the chat messages of an agent's conversation what `origin` wants back of what was `said`, but for the
    fields `without`. Fields that are `owed` stand on all of the agent's messages, empty where there is nothing."""
    for row, message in zip(chat[len(chat) - len(said) :], said, strict=True):
        if message.role != "assistant":
            continue
        row |= dict.fromkeys(owed, "")
        if message.opaque is not None and message.opaque.origin == origin:
            row |= _but(message.opaque.message, without)
            for call, fields in zip(row.get("tool_calls", ()), message.opaque.calls, strict=False):
                call |= _but(fields, without)


def _fields(holder: Any) -> dict[str, Any]:
    # Absent and empty are the same to all servers, except to those that ask for an empty text, who are `owed` it.
    if not isinstance(holder, dict) or _ANY.isdisjoint(holder):
        return {}
    return {name: holder[name] for name in FIELDS if holder.get(name)}


def _but(fields: Mapping[str, Any], without: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in without}
