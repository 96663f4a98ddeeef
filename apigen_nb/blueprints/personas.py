"""Who the simulated user is (paper §3.1, the persona sampler): composed of lists of our own (`personas.yaml`), or read.

The authors take theirs from a published collection; how a user *behaves* in the chat is not of the persona but of the
run's mix (`records.Behaviour`), as are kind and level, so what would contradict these is left out.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection
from pathlib import Path
from random import Random

import yaml
from pydantic import Field

from ..records import Record

VALUES = Path(__file__).parent / "personas.yaml"
ALWAYS = "occupation"
BESIDE = "age"  # said right after the occupation
WRITING = ("register", "language", "typing")  # said after "writes", the others after "who"
LONGEST = 2_000  # characters of a persona


class BadPersonas(ValueError):
    """A file of personas cannot be used; the message names the line, what was found and what was expected."""


class Value(Record):
    """What can be said of a person: `unless` are behaviours, kinds, levels and other values' `marks` that it
    contradicts."""

    say: str
    unless: frozenset[str] = frozenset()
    marks: frozenset[str] = Field(frozenset(), alias="is")

    def contradicts(self, asked: Collection[str], others: Collection[Value]) -> bool:
        """Whether it cannot be said where the run asks for these, or of whom these are said."""
        return not self.unless.isdisjoint(asked) or any(
            self.unless & other.marks or other.unless & self.marks for other in others
        )


@functools.cache
def persona_traits() -> dict[str, tuple[Value, ...]]:
    """Trait → what can be said of it, of `personas.yaml`, in the order in which it is said."""
    found = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    return {
        trait: tuple(Value.model_validate({"say": value} if isinstance(value, str) else value) for value in values)
        for trait, values in found.items()
    }


def compose_persona(rng: Random, traits: int, asked: Collection[str] = ()) -> str:
    """An occupation and so many other traits, in one sentence. `asked` are the behaviour, kind and level that the run
    asks for: what contradicts these, or what was said before, is left out."""
    able = [trait for trait in persona_traits() if trait != ALWAYS]
    chosen = {ALWAYS, *rng.sample(able, min(traits, len(able)))}
    said: dict[str, Value] = {}
    for trait, values in persona_traits().items():
        fitting = [value for value in values if not value.contradicts(asked, said.values())]
        if trait in chosen and fitting:
            said[trait] = rng.choice(fitting)
    return _worded({trait: value.say for trait, value in said.items()})


def _worded(said: dict[str, str]) -> str:
    person = " ".join(said[trait] for trait in (ALWAYS, BESIDE) if trait in said)
    does = [words for trait, words in said.items() if trait not in (ALWAYS, BESIDE, *WRITING)]
    if manner := [said[trait] for trait in WRITING if trait in said]:
        does.append(f"writes {', '.join(manner)}")
    return f"{person} who {', '.join(does[:-1])}{' and ' if does[1:] else ''}{does[-1]}" if does else person


def read_personas(path: str | Path | None) -> tuple[str, ...]:
    """The personas of a JSONL file, one text a line, as "text" or {"persona": "text"}; none without a file. BadPersonas
    for a file that cannot be read or holds none, and for a line that is neither."""
    if path is None:
        return ()
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise BadPersonas(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadPersonas(f"{path}: cannot be read: {error}") from None
    found = tuple(_persona(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip())
    if not found:
        raise BadPersonas(f'{path}: holds no persona; expected one a line, as "text" or {{"persona": "text"}}')
    return found


def _persona(line: str, where: str) -> str:
    expected = 'expected "text" or {"persona": "text"}'
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise BadPersonas(f"{where}: not JSON: {line.strip()[:60]!r}; {expected}") from None
    text = value.get("persona") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text.strip():
        raise BadPersonas(f"{where}: {expected}, found {json.dumps(value)[:60]}")
    if len(text) > LONGEST:
        raise BadPersonas(f"{where}: a persona of {len(text):,} characters; at most {LONGEST:,} are taken")
    return " ".join(text.split())
