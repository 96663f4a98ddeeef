"""Who the simulated user is (paper §3.1, the persona sampler): composed from short lists of our own, or read.

The authors take theirs from a published collection; how a user *behaves* in the chat is not of the persona but of the
run's mix (`records.Behaviour`), so traits that would contradict it are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from ..records import Behaviour

AGES = (
    "a student of 19",
    "somebody in their twenties",
    "a parent of small children",
    "a commuter in their thirties",
    "an office worker of 45",
    "somebody in their fifties",
    "a retired teacher",
    "a grandparent of 78",
)
# trait → how it is said after "who"; the order is the one in which they are said
TRAITS: dict[str, tuple[str, ...]] = {
    "mood": (
        "is in a good mood",
        "is tired",
        "is worried about the matter",
        "is annoyed that this is necessary",
        "is in high spirits",
        "has had a bad day",
    ),
    "patience": ("has all the time in the world", "waits without complaint", "wants this done before a meeting"),
    "verbosity": ("writes one line at a time", "explains the background first", "writes in full sentences"),
    "tech skill": (
        "knows such services inside out",
        "is not used to online services",
        "reads every line twice",
        "mixes up technical words",
    ),
    "register": (
        "is formal and polite",
        "is casual and uses slang",
        "is plain and direct",
        "writes simple English as a second language",
        "jokes a lot",
    ),
    "knowledge": ("has prepared the details", "remembers things only roughly", "asks what the terms are"),
}
CONFLICTING_TRAITS: dict[Behaviour, tuple[str, ...]] = {
    "cooperative": (),
    "terse": ("verbosity",),
    "impatient": ("patience", "mood"),
    "rambling": ("verbosity", "patience"),
    "forgetful": ("knowledge",),
}
LONGEST = 2_000  # characters of a persona


class BadPersonas(ValueError):
    """A file of personas cannot be used; the message names the line, what was found and what was expected."""


def compose_persona(rng: Random, traits: int, behaviour: Behaviour = "cooperative") -> str:
    """An age group and so many traits, at most those that do not contradict the behaviour."""
    able = [name for name in TRAITS if name not in CONFLICTING_TRAITS[behaviour]]
    chosen = set(rng.sample(able, min(traits, len(able))))
    said = [rng.choice(TRAITS[name]) for name in able if name in chosen]
    age = rng.choice(AGES)
    if not said:
        return age
    return f"{age} who {', '.join(said[:-1])}{' and ' if said[1:] else ''}{said[-1]}"


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
