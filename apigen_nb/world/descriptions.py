"""What things are called: the words that stand in a row and around it, and the words of a text that may mean it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .values import SCALARS, is_field, normalize, parse_number, singular

Rows = Mapping[str, Mapping[str, Any]]  # table → id → row
Cue = str | tuple[str, str]  # a word, or a short one with what it is a word of: ("size", "m"), ("@day", "05-22")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august",
    "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join(rf"{month[:3]}(?:{month[3:]})?" for month in MONTHS).replace("sep(", "sept?(")
_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)(?:t(\d\d:\d\d))?")
_SAID_DATES = (
    re.compile(rf"\b(?P<month>{_MONTH})\.? (?:the )?(?P<day>\d\d?)(?:st|nd|rd|th)?\b"),
    re.compile(rf"\b(?P<day>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})\b"),
)
_SAID_MONTH = re.compile(rf"\b(?:in|from|of|since|this|last|around|during) (?P<month>{_MONTH})\b(?! \d)")
_WORDS = re.compile(r"[^\W_]+")
_TIME = re.compile(r"\b\d\d?:\d\d\b")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
MIN_NUMBER = 10  # a smaller whole one only says something beside the word for what it counts
LAST_DIGITS = 4  # by so many digits at the end people tell a number
SHORT = 2  # a word of so many letters says nothing alone
FUNCTION_WORDS = frozenset({
    "the", "and", "for", "you", "your", "not", "are", "was", "with", "from", "that", "this", "all", "any", "can", "has",
    "have", "its", "own", "one",
})  # fmt: skip


@dataclass
class Thing:
    """Something with an id: a row, or an object in one. `own` are the cues in its own fields, `cues` those in all that
    it is made of and stands in, too; `near` are those of what it names or is named by, which only count beside its
    `nouns`: "the card of the household account"."""

    kind: str
    id: str
    own: set[Cue] = field(default_factory=set)
    cues: set[Cue] = field(default_factory=set)
    near: set[Cue] = field(default_factory=set)

    @property
    def nouns(self) -> frozenset[str]:
        return frozenset(map(stem, self.kind.split("_")))


@functools.lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word as it is compared: without the ending of its plural."""
    return singular(word.casefold())


def things(rows: Rows, names: Mapping[str, Mapping[str, Any]]) -> list[Thing]:
    """All things in rows; `names` has the rows of the catalogue by id, whose words are those of what names them."""
    found: dict[tuple[str, str], Thing] = {}
    links: list[tuple[Thing, set[str]]] = []
    for kind, key, holder, context in identified(rows):
        thing = found.setdefault((kind, key), Thing(kind, key))
        thing.own |= {*thing.nouns, *_cues_of_id(key), *cues(_scalars(holder))}
        thing.cues |= {*thing.own, *cues(holder), *cues(context)}
        named = {*texts(holder)} - {key}
        thing.cues |= {cue for value in named if value in names for cue in cues(_scalars(names[value]))}
        links.append((thing, named))
    of_id: dict[str, list[Thing]] = {}
    for thing in found.values():
        of_id.setdefault(thing.id, []).append(thing)
    for thing, named in links:
        for other in (other for value in sorted(named) for other in of_id.get(value, ())):
            thing.near |= other.own
            other.near |= thing.own
    return list(found.values())


def identified(rows: Rows) -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Kind and id of each thing, the object that it is, and the plain fields of the objects around it."""
    for table, of_table in rows.items():
        for key, row in of_table.items():
            yield singular(table), key, row, {}
            yield from _parts(row, _scalars(row), key)


def _parts(value: Any, context: dict[str, Any], key: str) -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    for name, part in value.items() if isinstance(value, dict) else ():
        if isinstance(part, dict):
            for inner, item in part.items():
                if isinstance(item, dict) and not _DATE.match(inner):
                    # what goes by the name of a field, such as a cabin, stands in many rows and is a choice
                    yield from () if is_field(inner) else [(singular(name), inner, item, context)]
                    yield from _parts(item, context | _scalars(item), inner)
        for item in part if isinstance(part, list) else ():
            if isinstance(item, dict) and (found := own_id(singular(name), item)):
                yield singular(name), found, item, context


def own_id(kind: str, item: Mapping[str, Any]) -> str:
    """The id that an object in a list of this kind has: the `transaction_id` of a transaction. "" for none."""
    ids = (item.get(name) for name in (f"{kind}_id", f"{kind}_number", f"{kind}_code", "id"))
    return next((value for value in ids if isinstance(value, str)), "")


def _scalars(value: Any) -> dict[str, Any]:
    """The plain fields of an object but its ids."""
    fields = value.items() if isinstance(value, dict) else ()
    return {k: v for k, v in fields if isinstance(v, SCALARS) and not isinstance(v, bool) and not k.endswith("_id")}


def texts(value: Any, *, keys: bool = False) -> Iterator[str]:
    """All texts in a JSON value, with `keys` those that objects are keyed by, too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value if keys else ()
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(part, keys=keys)


def _cues_of_id(key: str) -> set[Cue]:
    return {stem(word) for word in _WORDS.findall(normalize(key)) if word.isalpha() and len(word) > SHORT}


def cues(value: Any, key: str = "") -> Iterator[Cue]:
    """The cues in a value, as deep as it goes; ids of other things are none."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from () if name.endswith("_id") else cues(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from cues(item, key)
    elif isinstance(value, SCALARS) and not isinstance(value, bool):
        yield from _cues_of_scalar(normalize(str(value)), stem(_WORDS.findall(key)[-1]) if _WORDS.findall(key) else "")


def _cues_of_scalar(text: str, key: str) -> Iterator[Cue]:
    if date := _DATE.search(text):
        year, month, day, time = date.groups()
        yield from (("@date", f"{year}-{month}-{day}"), ("@day", f"{month}-{day}"), ("@month", month))
        yield from [("@time", time)] if time else ()
        return
    if (number := parse_number(text)) is not None and ("." in text or len(text) <= LAST_DIGITS):
        yield ("@number", f"{number.normalize():f}") if abs(number) >= MIN_NUMBER or number % 1 else (key, text)
    words = [] if "." in text and number is not None else _WORDS.findall(text)
    yield from (("@digits", word[-LAST_DIGITS:]) for word in words if word.isdigit() and len(word) >= LAST_DIGITS)
    yield from ((key, word) if _says_little(word) else stem(word) for word in words)
    yield from _beside(words)
    yield from (("@time", time) for time in _TIME.findall(text))


@functools.lru_cache(maxsize=4096)
def cues_in(text: str) -> frozenset[Cue]:
    """The cues that a normalized text holds, short words with each word beside them."""
    found: set[Cue] = {("@time", time.zfill(5)) for time in _TIME.findall(text)}
    for year, month, day, _ in _DATE.findall(text):
        found |= {("@date", f"{year}-{month}-{day}"), ("@day", f"{month}-{day}")}
    for said in (match for pattern in _SAID_DATES for match in pattern.finditer(text)):
        found.add(("@day", f"{_month(said['month'])}-{int(said['day']):02}"))
    found |= {("@month", _month(said["month"])) for said in _SAID_MONTH.finditer(text)}
    found |= {("@number", f"{n.normalize():f}") for n in map(parse_number, _NUMBERS.findall(text)) if n}
    words = _WORDS.findall(text)
    found |= {("@digits", word[-LAST_DIGITS:]) for word in words if word.isdigit() and len(word) >= LAST_DIGITS}
    found |= {stem(word) for word in words if not _says_little(word) and word not in FUNCTION_WORDS}
    return frozenset(found | {*_beside(words)})


def _says_little(word: str) -> bool:
    return len(word) <= SHORT or word.isdigit()


def _beside(words: Sequence[str]) -> Iterator[Cue]:
    """Short words and numbers with each word near them: size M, 100 cm."""
    for position, word in enumerate(words):
        if _says_little(word):
            around = (*words[max(position - 2, 0) : position], *words[position + 1 : position + 3])
            yield from ((stem(other), word) for other in around)


def _month(name: str) -> str:
    return f"{next(n for n, month in enumerate(MONTHS, 1) if month.startswith(name[:3])):02}"


_CLAUSE = re.compile(r"[,:()]\s|\s(?:and|or|but|then|for|instead|to|into|onto|plus|as well as)\s")
MAX_CLAUSES = 3


@functools.lru_cache(maxsize=1024)
def passages(text: str) -> tuple[str, ...]:
    """Stretches of a normalized text in which one thing may be described: clauses, a few in a row, and sentences."""
    found: dict[str, None] = {}
    for sentence in re.split(r"[.!?;]\s|\n", text):
        ends = [*(match.start() for match in _CLAUSE.finditer(sentence)), len(sentence)]
        starts = [0, *(match.end() for match in _CLAUSE.finditer(sentence))]
        for size in range(1, MAX_CLAUSES + 1):
            found |= dict.fromkeys(sentence[a:b] for a, b in zip(starts, ends[size - 1 :], strict=False))
        found.setdefault(sentence)
    return tuple(filter(None, found))


def index_of(all_things: Iterable[Thing]) -> dict[str, dict[str, Thing]]:
    """Things by kind and id."""
    found: dict[str, dict[str, Thing]] = {}
    for thing in all_things:
        found.setdefault(thing.kind, {})[thing.id] = thing
    return found
