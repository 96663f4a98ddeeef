"""How a conversation is changed in one place: edits of its messages. Results of calls need no care, the calls are made
again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any

from ...blueprints.defects.mutations import guesses
from ...records import STOP, Action, Message, ToolCall
from ...world.world import digest
from ..dialogue import Call, Dialogue
from ..replay import replay

Edited = list[Message] | None  # None where the conversation has no place for the edit


def user(text: str) -> Message:
    return Message(role="user", content=text)


def agent(text: str) -> Message:
    return Message(role="assistant", content=text)


def calling(*actions: Action) -> Message:
    calls = tuple(ToolCall(id="", name=action.name, arguments=action.arguments) for action in actions)
    return Message(role="assistant", tool_calls=calls)


def without(dialogue: Dialogue, *turns: int) -> list[Message]:
    """The messages without some of them."""
    return [message for turn, message in enumerate(dialogue.messages) if turn not in turns]


def inserted(dialogue: Dialogue, turn: int, *messages: Message) -> list[Message]:
    """The messages with others before one of them."""
    return [*dialogue.messages[:turn], *messages, *dialogue.messages[turn:]]


def reworded(dialogue: Dialogue, texts: Mapping[int, str]) -> Edited:
    """The messages with other texts in some of them; None where nothing is other, or nothing would be left of one."""
    if not texts or any(not text.strip() for text in texts.values()):
        return None
    changed = [
        m.model_copy(update={"content": texts[turn].strip()}) if turn in texts else m
        for turn, m in enumerate(dialogue.messages)
    ]
    return None if changed == list(dialogue.messages) else changed


def added(dialogue: Dialogue, text: str) -> Edited:
    """The messages with a sentence more at the end of what the agent says last."""
    turn = closing(dialogue)
    return None if turn is None else reworded(dialogue, {turn: f"{dialogue.messages[turn].content} {text}"})


def closing(dialogue: Dialogue) -> int | None:
    """The agent's last turn in words."""
    return max((turn for turn, message in dialogue.turns("assistant") if message.content), default=None)


def stopped(messages: Iterable[Message]) -> list[Message]:
    """What was said up to there, and then the user ends it."""
    said = list(messages)
    while said and said[-1].role == "user":
        said.pop()
    return [*said, user(STOP)]


def one_confirmed(dialogue: Dialogue, rng: Random) -> tuple[Call, int, int] | None:
    """One of the confirmed writes."""
    found = list(dialogue.confirmed())
    return rng.choice(found) if found else None


def other_user(dialogue: Dialogue, rng: Random) -> str | None:
    """A user that the conversation is not about."""
    others = [user for user in dialogue.domain.subjects if user != dialogue.blueprint.user]
    return rng.choice(others) if others else None


def writes_of(dialogue: Dialogue, rng: Random, whose: str = "") -> Iterator[Action]:
    """Made-up writes with values of the rows of this user, or of another."""
    blueprint = dialogue.blueprint.model_copy(update={"user": whose or dialogue.blueprint.user})
    yield from guesses(blueprint, dialogue.domain, rng)


def ends_otherwise(dialogue: Dialogue, edited: Iterable[Message]) -> bool:
    """Whether an edit leads to another end state."""
    worlds = (replay(dialogue.blueprint, dialogue.domain, said)[0] for said in (dialogue.messages, edited))
    return len({digest(world.delta()) for world in worlds}) > 1


def sentences(text: str) -> list[str]:
    """A text in sentences."""
    return [part for part in re.split(r"(?<=[.?!])\s+", text.strip()) if part]


def scalars(value: Any) -> Iterator[str]:
    """Texts in a value that are long enough to tell something."""
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from scalars(item)
    elif isinstance(value, str) and len(value) > 5:
        yield value
