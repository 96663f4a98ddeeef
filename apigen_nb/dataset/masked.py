"""A conversation as words without whom and what it is about: ids, names, amounts, dates and whatever else is a value of
the world are masked, so that the same conversation about another order is seen to be the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..records import Blueprint, Message
from ..world.pieces import plain
from ..world.typed_values import find_values
from ..world.values import argument_values, facts, facts_of_result
from .minhash import WORD, words_of
from .rows import trained_on

MASK = "\0"
Known = Mapping[str, Sequence[tuple[str, ...]]]  # first word → values that begin with it, longest first


def masked_conversation(messages: Sequence[Message], task: Blueprint) -> list[str]:
    """The words of user and agent and the names of what is called with the names of its arguments, values masked. What
    tools answer is the world's, and left out."""
    kept = trained_on(messages)
    known = known_values(kept, task)
    found = list[str]()
    for message in kept:
        if message.role in ("user", "assistant"):
            found += masked(message.content, known)
        for call in message.tool_calls:
            found += [call.name, *(call.arguments or ())]
    return found


def known_values(messages: Iterable[Message], task: Blueprint) -> Known:
    """The values of the world that a conversation may tell: arguments of the task and of calls, outputs, and all that
    tools answered."""
    values = {task.user, *task.outputs, *(value for _, value in argument_values(*task.actions, *task.denied))}
    for message in messages:
        for call in message.tool_calls:
            values |= {fact.value for fact in facts(call.arguments or {})}
        if message.role == "tool" and not message.error:
            values |= {fact.value for fact in facts_of_result(message.content)}
    found = dict[str, set[tuple[str, ...]]]()
    for words in (tuple(words_of(value)) for value in values if isinstance(value, str)):
        if words:
            found.setdefault(words[0], set()).add(words)
    return {first: sorted(held, key=lambda words: (-len(words), words)) for first, held in found.items()}


def masked(text: str, known: Known) -> list[str]:
    """The words of a text; a value that is known, a typed one (a date, an amount, a number) or a word with a figure is
    a mask, several in a row are one."""
    text = plain(text)
    places = list(WORD.finditer(text))
    words = [place.group().casefold() for place in places]
    hidden = [any(map(str.isdigit, word)) for word in words]
    for start, end in _spans(words, known):
        hidden[start:end] = [True] * (end - start)
    typed = iter((value.start, value.end) for value in find_values(text))
    span = next(typed, None)
    for number, place in enumerate(places):
        while span and span[1] <= place.start():
            span = next(typed, None)
        hidden[number] |= bool(span and span[0] < place.end())
    return [
        MASK if gone else word
        for number, (word, gone) in enumerate(zip(words, hidden, strict=True))
        if not (gone and number and hidden[number - 1])
    ]


def _spans(words: Sequence[str], known: Known) -> Iterator[tuple[int, int]]:
    """Where known values stand, the longest at each place."""
    at = 0
    while at < len(words):
        found = next((v for v in known.get(words[at], ()) if tuple(words[at : at + len(v)]) == v), None)
        if found:
            yield at, at + len(found)
        at += len(found) if found else 1
