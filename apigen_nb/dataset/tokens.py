"""How long a row is, in tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .columns import to_json
from .configs.messages import as_objects
from .rows import Row, RowMessage, Tokens

ESTIMATE = "characters / 4"


def estimate(text: str) -> int:
    """Tokens of a text where no tokenizer is given."""
    return -(-len(text) // 4)


def count_tokens(row: Row, count: Callable[[str], int] = estimate) -> Tokens:
    """Tokens of a row's parts, without the marks that a chat template puts between them."""
    system, *spoken = row.messages
    return Tokens(
        system=count(system.content),
        tools=count(to_json(row.tools)),
        conversation=_sum(spoken, count),
        trained=_sum((message for message in spoken if message.train), count),
    )


def _sum(messages: Iterable[RowMessage], count: Callable[[str], int]) -> int:
    return sum(count(message.content) + sum(map(count, _calls(message))) for message in messages)


def _calls(message: RowMessage) -> Iterable[str]:
    return (to_json(call["function"]) for found in as_objects([message]) for call in found.get("tool_calls", ()))
