"""Whether what somebody says tells an expected output: `tells` compares values by type, in whatever words they are;
`telling` also asks whether the words leave it open, so that a judge must read them. It may open a question too often,
but never says "told" of something wrong nor "not told" of something right."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from .cues import corrects, is_asserted, is_label, is_open_around, is_open_sentence, sentences
from .expected_values import NUMBERS, expected, same_number, same_value
from .identifiers import identifier_in, places_of
from .pieces import plain
from .typed_values import Value, find_values, has_no_figure, id_key, read, word_keys

Telling = Literal["told", "open", "not told"]
TYPES = (
    *("date", "time", "duration", "money", "percentage", "count", "number", "quantity", "identifier", "place", "word"),
)
MIN_FIGURES = 4  # of an identifier that no other words mean: a "3XL" may be a triple XL
LONGEST = 60  # values and words of an output; a longer one is looked for as it is written: a model may send a million
MAX_BETWEEN = 3  # pieces between the date and the time of one moment: "on June 11, at about 2:30 PM"
_FIGURES = (*NUMBERS, "money", "percentage", "date")


class Place(NamedTuple):
    """Where a text tells an output, and whether its words can mean nothing else."""

    start: int
    end: int
    sure: bool
    name: bool


def tells(text: str, output: str, type: str = "") -> bool:
    """Whether a text tells an expected output: "2026-05-24" is told by "Sunday, the 24th of May", "24 months" by "two
    years", "$490" by "490 bucks". A number without a unit is told by a count, money or a plain number only. `type` is
    one of `TYPES`, or the unit of a mere number ("month", "kilogram"), where it is known."""
    return next(told_at(text, output, type), None) is not None


def names_number(text: str, output: str) -> bool:
    """Whether a text has an amount of a unit whose number an output is (17 days for "17") or a day of the month."""
    wanted = expected(output)
    if len(wanted) != 1 or wanted[0].type not in NUMBERS:
        return False
    said = find_values(text)
    if any(value.type == "date" and value.value == (None, None, wanted[0].value, None) for value in said):
        return True
    units_said = (value for value in said if value.type in ("duration", "quantity"))
    return any(same_number(number, wanted[0]) for value in units_said for number in read(value.text.split()[0]))


def told_at(text: str, output: str, type: str = "") -> Iterator[Place]:
    """Where a text tells an output, in order; places are those of `plain(text)`."""
    wanted = expected(output, type)
    found = list(_places(text, output, type)) if text and output and len(wanted) <= LONGEST else []
    is_word = not wanted or len(wanted) > 1 or wanted[0].type == "word"
    yield from found or (_as_written(text, output) if is_word else ())


def _as_written(text: str, output: str) -> list[Place]:
    """Where an output stands in a text word for word."""
    lowered = text.lower()
    if output.isascii() and text.isascii() and not all(word in lowered for word in output.lower().split()):
        return []
    pattern = _literal(output)
    return [Place(*m.span(), True, _is_name((), output)) for m in pattern.finditer(plain(text))] if pattern else []


@functools.lru_cache(maxsize=16384)
def _literal(output: str) -> re.Pattern[str] | None:
    words = plain(output).split()
    if not words:
        return None
    start, end = r"(?<![\w.,-])" if words[0][0].isalnum() else "", r"(?!\w|[.,-]\w)" if words[-1][-1].isalnum() else ""
    return re.compile(start + r"\s+".join(map(re.escape, words)) + end, re.IGNORECASE)


def _places(text: str, output: str, type: str) -> Iterator[Place]:
    wanted = expected(output, type)
    if not wanted:
        return
    if looked_for := identifier_in(output, type):
        yield from (Place(*span, True, True) for span in places_of(plain(text), *looked_for))
        if wanted[0].type not in NUMBERS or type == "identifier":
            return
    if len(wanted) == 1 and wanted[0].type not in ("word", "place"):
        yield from () if wanted[0].type in _FIGURES and has_no_figure(text) else _alone(text, wanted[0])
        return
    if _lacks_a_word(text, wanted):
        return
    said = read(text)
    if [value.type for value in wanted] == ["date", "time"]:
        yield from _moments(said, wanted)
        return
    size = len(wanted)
    first = wanted[0]
    for i in _candidates(text, first):
        value, part = said[i], said[i : i + size]
        whole = len(part) == size and not (value.inner[0] or part[-1].inner[1])
        if whole and same_value(value, first, size == 1) and all(map(same_value, part[1:], wanted[1:])):
            named = any(want.type != "word" for want in wanted) or _is_name(part, output)
            yield Place(value.start, part[-1].end, all(v.sure for v in part), named)


def _alone(text: str, wanted: Value) -> Iterator[Place]:
    """Where a text tells a value that is no word and beside which nothing else is expected."""
    for value in find_values(text):
        if not any(value.inner) and same_value(value, wanted, True):
            yield Place(value.start, value.end, value.sure, True)


def _lacks_a_word(text: str, wanted: Sequence[Value]) -> bool:
    """Whether a word of an output stands nowhere in a text, as is to be seen at a glance."""
    words = [want.value for want in wanted if want.type == "word" and want.value.isascii() and want.value.isalpha()]
    return text.isascii() and not word_keys(text).issuperset(words)


def _candidates(text: str, first: Value) -> Sequence[int]:
    """Where in what a text says something of a value's kind stands."""
    where = _positions(text)
    return where.get(first.value, ()) if first.type == "word" else where.get("", ())


@functools.lru_cache(maxsize=4096)
def _positions(text: str) -> dict[str, list[int]]:
    """The positions of each word, and under "" those of all that is more than a word, or may be a place's code."""
    found: dict[str, list[int]] = {}
    for i, value in enumerate(read(text)):
        if value.type == "word":
            found.setdefault(value.value, []).append(i)
        if value.type != "word" or len(value.text) == 2:
            found.setdefault("", []).append(i)
    return found


def _moments(said: Sequence[Value], wanted: Sequence[Value]) -> Iterator[Place]:
    """Where a date and a time stand together, in either order."""
    days = [i for i, value in enumerate(said) if same_value(value, wanted[0])]
    times = [i for i, value in enumerate(said) if same_value(value, wanted[1])]
    for day in days:
        for time in times:
            if abs(day - time) <= MAX_BETWEEN + 1:
                one, other = said[min(day, time)], said[max(day, time)]
                yield Place(one.start, other.end, one.sure and other.sure, True)


def is_same_search(output: str, type: str) -> bool:
    """Whether an output is looked for in the same way with its type and without."""
    return expected(output, type) == expected(output) and (
        type != "identifier" or identifier_in(output, type) == identifier_in(output, "")
    )


def _is_name(part: Sequence[Value], output: str) -> bool:
    """Whether words are a name: it has capitals, and more than one word or capitals in the text as well. "Delivered"
    may be a status."""
    words = re.findall(r"[^\W\d_]\w*", output)
    capital = bool(words) and all(word[0].isupper() for word in words if len(word) > 3)
    return "@" in output or (capital and (len(words) > 1 or any(value.text[:1].isupper() for value in part)))


def telling(texts: Sequence[str], output: str, type: str = "") -> Telling:
    """Whether messages of one speaker, in their order, tell an output: "told" where one does and nothing in its
    sentence or later leaves it open; "open" where a judge must read them; "not told" where no words can mean it."""
    last: tuple[int, int] | None = None
    doubted = False  # whether it is told again later, in a sentence that leaves it open
    for number, text in enumerate(texts):
        for n, span, clear in _sentences_with(text, output, type):
            if clear:
                last, doubted = (number, n), False
            elif "?" not in text[slice(*span)]:
                doubted = True
    if last is None:
        return "not told" if _is_absent(texts, output, type) else "open"
    return "open" if doubted or _is_corrected(texts, last, output, type) else "told"


def clear_sentences(text: str, output: str, type: str = "") -> Iterator[str]:
    """The sentences that assert an output, each as often as it tells it."""
    return (plain(text)[slice(*span)] for _, span, clear in _sentences_with(text, output, type) if clear)


@functools.lru_cache(maxsize=4096)  # all messages are looked at, then those that announce nothing
def _sentences_with(text: str, output: str, type: str) -> tuple[tuple[int, tuple[int, int], bool], ...]:
    """For each place where a text tells an output: number, start and end of its sentence; whether that asserts it."""
    found = list[tuple[int, tuple[int, int], bool]]()
    mere = any(value.type in NUMBERS for value in expected(output, type)[:1])
    for place in told_at(text, output, type):
        for n, span in enumerate(sentences(text)):
            if span[0] <= place.start < span[1]:
                found.append((n, span, place.sure and _is_clear(plain(text), span, place, mere)))
                break
    return tuple(found)


def _is_clear(text: str, span: tuple[int, int], place: Place, mere: bool) -> bool:
    """Whether a sentence asserts what it tells; `mere` says that it is a number without a unit."""
    sentence, before, after = text[slice(*span)], text[span[0] : place.start], text[place.end : span[1]]
    if "?" in sentence or (mere and is_label(before)) or is_open_around(before, after):
        return False
    return (place.name or is_asserted(before, after)) and not is_open_sentence(before + " \0 " + after)


def _is_corrected(texts: Sequence[str], last: tuple[int, int], output: str, type: str) -> bool:
    """Whether somebody takes back later what was told: right afterwards, or with another value of its type."""
    if not any(corrects(plain(text)) for text in texts[last[0] :]):
        return False
    wanted = expected(output, type)
    correcting = False
    for number, text in enumerate(texts[last[0] :], last[0]):
        for n, (start, end) in enumerate(sentences(text)):
            if (number, n) <= last:
                continue
            sentence = plain(text)[start:end]
            if corrects(sentence):
                correcting = True
                if (number, n) == (last[0], last[1] + 1):
                    return True
            if correcting and tells_another(sentence, wanted):
                return True
    return False


def tells_another(sentence: str, wanted: Sequence[Value]) -> bool:
    """Whether a sentence tells a value of the type of those that are wanted which is none of them."""
    kinds = {value.type for value in wanted} - {"word"}
    if not kinds:
        return True
    kinds |= {"money", *NUMBERS} if kinds & {"money", *NUMBERS} else set()
    others = (value for value in find_values(sentence) if value.type in kinds)
    return any(not any(same_value(value, want) for want in wanted) for value in others)


def _is_absent(texts: Sequence[str], output: str, type: str) -> bool:
    """Whether no words can tell an output: nothing was said, or it is an identifier whose figures, or their last four,
    stand nowhere."""
    if not any(any(map(str.isalnum, text)) for text in texts):
        return True
    if not identifier_in(output, type) or not any(map(str.isdigit, output)):
        return False
    said = id_key(" ".join(texts))
    foreign = any(c.isdigit() and not c.isascii() for c in said)
    key = id_key(output)
    ending = key[-4:] if key[-4:].isdigit() else key
    enough = sum(map(str.isdigit, key)) >= MIN_FIGURES
    return enough and not (key in said or ending in said or foreign or any(map(_spells_figures, texts)))


def _spells_figures(text: str) -> bool:
    """Whether figures may be spelt in words: one two oh three, double zero forty-four, 零零四四."""
    counts = [value.value for value in find_values(text) if value.type == "count"]
    return len(counts) > 1 or any(value >= 10 for value in counts)
