"""Whether what was said leads to a value in this world: as it is, or by a description that fits one thing only.

People say "the card ending in 4821", "the order with the boots", "both reservations"; ids are what tools take. A
description counts when it fits the thing better than every other thing of its kind that the customer can mean: those in
the customer's own rows, or those of the catalogue. What a description wants stays with the reader.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .descriptions import Cue, Thing, cues, cues_in, index_of, passages, stem, things
from .domain import Domain
from .tool import allowed_values
from .user_records import catalogue, own_rows
from .values import facts, is_mentioned, mentions, normalize, parse_number

MAX_WORDS_BETWEEN = 5  # words that may stand between two words of a choice
NEGATION = re.compile(r"n't\b|\b(?:no|not|never|without)\b")
_EACH = r"\b(?:all|both|every|each|everything)\b"
_SHARES = ((Decimal("0.5"), r"\bhalf\b"), (Decimal(1), r"\b(?:all|everything|whole|entire|full)\b"))
Scope = Mapping[str, Mapping[str, Thing]]  # kind → id → thing


@dataclass(frozen=True)
class Reader:
    """Reads what one user says in one world; `domain` as it is before anything was changed."""

    domain: Domain
    user: str

    def told(self, value: Any, text: str, parameter: str = "") -> bool:
        """Whether a text tells a value: every scalar in it, as it is or by a description. `parameter` is the argument
        that it is for, where that is known: what "no" means hangs on it."""
        scalars = [fact.value for fact in facts(value) if not isinstance(fact.value, bool) and fact.value != ""]
        return bool(scalars) and all(self._tells(scalar, text, parameter) for scalar in scalars)

    def described(self, value: str, text: str) -> bool:
        """Whether a text describes the thing with this id, and none of its kind as well."""
        said = normalize(text)
        return any(_fits_best(value, of_kind, said) for of_kind in self._siblings(value))

    def rivals(self, value: str, text: str) -> tuple[str, ...]:
        """The user's other things of its kind that a text describes as well as the one with this id, where it describes
        that best: which of them is meant, it does not say."""
        said, found = normalize(text), dict[str, None]()
        for of_kind in (of_kind for of_kind in _own(self.domain, self.user).values() if value in of_kind):
            best = max(
                (cues_in(part) for part in passages(said)), key=lambda part: _fit(of_kind[value], part), default=None
            )
            fit = _fit(of_kind[value], best) if best is not None else (0, 0, 0)
            others = (key for key in of_kind if key != value)
            found |= dict.fromkeys(key for key in others if best is None or _fit(of_kind[key], best) >= fit)
        return tuple(found)

    def is_thing(self, value: str) -> bool:
        """Whether this is the id of a thing that the user can mean, and no choice."""
        return any(True for _ in self._siblings(value)) and not self.is_choice(value)

    def is_choice(self, value: str) -> bool:
        """Whether a tool takes this as one of a few values, such as a fare."""
        return bool(_choices(self.domain, value, ""))

    def _tells(self, value: Any, text: str, parameter: str) -> bool:
        if is_mentioned(value, text):  # as it is written: "CO" is a state, "co" is none
            return True
        said = normalize(text)
        if isinstance(value, str):
            return self.described(value, said) or _is_chosen(self.domain, value, said, parameter)
        return self._is_share(value, said)

    def _siblings(self, value: str) -> Iterator[Mapping[str, Thing]]:
        scopes = (_own(self.domain, self.user), _everybodys(self.domain))
        return (of_kind for scope in scopes for of_kind in scope.values() if value in of_kind)

    def _is_share(self, value: float, said: str) -> bool:
        """Whether a number is half or all of an amount of the user's of which a passage speaks."""
        for share, words in _SHARES:
            for passage in (part for part in passages(said) if re.search(words, part)):
                spoken = cues_in(passage)
                for key, amount in _amounts(self.domain, self.user):
                    if amount * share == parse_number(str(value)) and spoken & {*map(stem, key.split("_"))}:
                        return True
        return False


def _fits_best(value: str, of_kind: Mapping[str, Thing], said: str) -> bool:
    thing = of_kind[value]
    if len(of_kind) > 1 and _are_all_meant(thing, len(of_kind), said):
        return True
    for passage in passages(said):
        spoken = cues_in(passage)
        mine = _fit(thing, spoken)
        if any(mine) and all(_fit(other, spoken) < mine for other in of_kind.values() if other is not thing):
            return True
    return False


def _fit(thing: Thing, spoken: frozenset[Cue]) -> tuple[int, int, int]:
    """How many cues of a passage fit a thing; where that is equal, those in its own fields decide, then those that only
    its neighbours have."""
    near = (thing.near - thing.cues) & spoken if thing.nouns & spoken else ()
    return len(thing.cues & spoken), len(thing.own & spoken), len(near)


def _are_all_meant(thing: Thing, count: int, said: str) -> bool:
    """ "both cards", "all my orders": each of them."""
    for found in re.finditer(rf"{_EACH}(?:\W+\w+){{1,4}}", said):
        if thing.nouns & {*map(stem, re.findall(r"[^\W_]+", found[0]))} and (count == 2 or "both" not in found[0]):
            return True
    return False


@functools.lru_cache(maxsize=256)
def _own(domain: Domain, user: str) -> Scope:
    """What belongs to a user but the user: who someone is describes nothing of theirs."""
    rows = own_rows(domain, user)
    all_things = things(rows, _names(domain))
    identity = {cue for thing in all_things if thing.id == user for cue in _of_oneself(rows, domain, user)}
    for thing in all_things:
        thing.cues -= identity - thing.nouns
        thing.own -= identity - thing.nouns
        thing.near -= identity
    return index_of(thing for thing in all_things if thing.id != user)


def _of_oneself(rows: Mapping[str, Mapping[str, Any]], domain: Domain, user: str) -> frozenset[Cue]:
    row = rows.get(domain.users, {}).get(user, {})
    told = [fact for fact in facts(row) if isinstance(fact.value, str) and fact.holder in (row, *row.values())]
    by_field = (cue for fact in told for cue in cues(fact.value, fact.key))  # as things that stand in the row have it
    return frozenset([*by_field, *(cue for fact in told for cue in cues_in(normalize(fact.value)))])


@functools.lru_cache(maxsize=8)
def _everybodys(domain: Domain) -> Scope:
    return index_of(things(catalogue(domain), {}))


@functools.lru_cache(maxsize=8)
def _names(domain: Domain) -> Mapping[str, Any]:
    return {key: row for rows in catalogue(domain).values() for key, row in rows.items()}


@functools.lru_cache(maxsize=256)
def _amounts(domain: Domain, user: str) -> tuple[tuple[str, Decimal], ...]:
    found = ((fact.key, fact.value) for fact in facts(own_rows(domain, user)) if not isinstance(fact.value, bool))
    numbers = ((key, parse_number(str(value))) for key, value in found if isinstance(value, int | float))
    return tuple({(key, number): None for key, number in numbers if number})


def _is_chosen(domain: Domain, value: str, said: str, parameter: str) -> bool:
    return any(is_paraphrased(name, value, options, said) for name, options in _choices(domain, value, parameter))


@functools.lru_cache(maxsize=1024)
def _choices(domain: Domain, value: str, parameter: str) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """The parameters that take a value as one of a few, each with what it takes."""
    named = {
        (name, tuple(options))
        for tool in domain.tools.values()
        for name, schema in tool.properties.items()
        if value in (options := allowed_values(schema)) and parameter in ("", name)
    }
    return tuple(sorted(named))


def tells_one(name: str, options: Sequence[Any], text: str) -> bool:
    """Whether a text tells any of the values that a parameter can have."""
    said = normalize(text)
    return any(is_mentioned(option, text) or is_paraphrased(name, option, options, said) for option in options)


def is_paraphrased(name: str, value: Any, options: Sequence[Any], text: str) -> bool:
    """Whether a normalized text tells a choice in other words: "you do not want insurance" for `insurance` "no"; the
    words of "ordered by mistake" in one sentence in their order, others between them. What a word means stays with the
    committee: a choice that only follows from the story is not told."""
    if set(options) == {"yes", "no"}:
        about = [part for part in re.split(r"[.;!?]", text) if mentions(part, name.replace("_", " "))]
        return bool(about) and all(bool(NEGATION.search(part)) == (value == "no") for part in about)
    stems = [re.escape(re.sub(r"(ed|ing|s)$", "", word)) + r"\w*" for word in normalize(str(value)).split()]
    between = rf"(?:[^\w.;!?]+\w+){{0,{MAX_WORDS_BETWEEN}}}?[^\w.;!?]+"
    return len(stems) > 1 and bool(re.search(r"\b" + between.join(stems), text))
