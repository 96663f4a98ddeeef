"""How the scripted roles read what a policy forbids: a sentence that names a state and a negation, in a passage about
what a tool does, or a block that an amount has to be a multiple of. Days, limits and counts are beyond them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .grammar import Schema, verb_phrase, words

_NEGATION = re.compile(r"\b(?:never|not|no|neither|cannot|nor)\b")
# what makes a sentence hold in some cases only, or says what else there is
_CONDITION = re.compile(
    r"\b(?:without|unless|if|when|only|(?<!at )once|first|more|another|instead|within"
    r"|in th(?:is|e same) conversation)\b"
)
_EXCEPTION = re.compile(r",? except\b.*")
_AMOUNT = re.compile(r"\$\d|\d (?:\w+ )?(?:points|miles)\b")
_COMMON = ("add", "change", "get", "make", "modify", "request", "set", "update")  # verbs said of nearly anything
_IRREGULAR = {"pay": "paid", "buy": "bought", "send": "sent"}


def states(row: Mapping[str, Any]) -> Iterator[str]:
    """The words for what a thing is: short lower-case values of its fields, and the names of those that are true."""
    for name, value in row.items():
        if value is True:
            yield words(name)
        elif isinstance(value, str) and re.fullmatch(r"[a-z]{4,}(?:[_ ][a-z]+)?", value):
            yield words(value)


def forbids(policy: str, schema: Schema, arguments: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> str:
    """The sentence of a policy by which a tool is not for these arguments, or not for things that are as these rows
    say; "" if there is none."""
    name = str(schema["function"]["name"])
    known = {state for row in rows for state in states(row)}
    amounts = [value for value in arguments.values() if isinstance(value, int) and not isinstance(value, bool)]
    for sentence in _sentences(policy, name):
        low = _EXCEPTION.sub("", sentence.lower())
        negative = _NEGATION.search(low) and not _CONDITION.search(low)
        if negative and any(re.search(rf"\b{re.escape(state)}\b", low) for state in known):
            return sentence
        block = re.search(r"\bin blocks of (\d+)", low)
        if block and any(amount % int(block[1]) for amount in amounts):
            return sentence
    return ""


def costs(policy: str, schema: Schema, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sentences of a policy that tell what a call costs or gives: they hold an amount of money or points, and begin
    with what the tool does or is about, or, in a passage about that, with what a thing is as these rows say."""
    name = str(schema["function"]["name"])
    verb, *rest = name.split("_")
    about = [re.escape(word) + r"\w{0,2}" for word in (verb, *(word.rstrip("s") for word in rest[-1:]))]
    states_of = [re.escape(state) for row in rows for state in states(row)]
    passages = _sentences(policy, name)
    found = []
    for sentence in filter(_AMOUNT.search, _sentences(policy, "")):
        names = about[verb in _COMMON :] + (states_of if sentence in passages else [])
        start = " ".join(sentence.lower().split()[:2])
        if names and re.search(rf"\b(?:{'|'.join(names)})\b", start):
            found.append(sentence)
    return found


def wrong_state(policy: str, schema: Schema, rows: Sequence[Mapping[str, Any]]) -> str:
    """What a thing is that a tool is not for, "#W1 is delivered" where the tool is for "a pending order"; "" if all are
    right. The two are states of one thing where a sentence of the policy names both."""
    wanted, described = verb_phrase(schema), str(schema["function"]["description"])
    known = {state for row in rows for state in states(row)}
    for row in rows:
        key, name = next(iter(row.items()))
        state = next((words(v) for k, v in row.items() if "status" in k and isinstance(v, str)), "")
        noun = words(str(key)).removesuffix(" id")
        for other in re.findall(rf"\ban? (?:\w+ )?(\w+) {re.escape(noun)}\b", wanted):
            either = (
                re.search(rf"\b{other}\b.*\b{state}\b|\b{state}\b.*\b{other}\b", sentence)
                for sentence in re.split(r"\.\s", policy)
                if not _CONDITION.search(sentence)
            )
            if state and state not in described and other not in known and any(either):
                return f"{name} is {state}"
    return ""


@functools.lru_cache(maxsize=512)
def _sentences(policy: str, tool: str) -> tuple[str, ...]:
    """The sentences of the passages about what a tool does."""
    verb, *rest = tool.split("_")
    stem = rf"\b(?:{re.escape(re.sub('[ey]$', '', verb))}\w*|{_IRREGULAR.get(verb, verb)})\b"
    noun = rf"\b{re.escape(rest[-1].rstrip('s'))}" if rest and verb in _COMMON else ""
    found = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*#]|\d+\.)\s)", policy):
        text = " ".join(re.sub(r"[*`]", "", block).split())
        if not re.search(stem, text.lower()) or not re.search(noun, text.lower()):
            continue
        sentences = re.split(r"(?<=[a-z).])\. (?=[A-Z])|; ", re.sub(r"^[-#]\s*", "", text))
        found += [sentence.rstrip(". ") for sentence in sentences]
    return tuple(found)
