"""Two texts compared word by word, with the standard library's difflib."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

from ..storage.safe_text import LONGEST, clean, truncate_with_note

Part = tuple[Literal["same", "gone", "new"], str]
MOST = 2_500  # words of one side: matching takes quadratic time at worst
ISLAND = 2  # words that are the same on both sides, but too few to be a point of rest for the eye

_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def compare(before: str, after: str) -> list[Part]:
    """The parts of two texts in reading order: in both, only in the first (gone), only in the second (new). Texts are
    cleaned and cut to `LONGEST` characters."""
    old, new = (_WORD.findall(clean(truncate_with_note(text, LONGEST)))[:MOST] for text in (before, after))
    parts: list[Part] = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("same", "".join(old[i:j])))
            continue
        if i < j:
            parts.append(("gone", "".join(old[i:j])))
        if k < m:
            parts.append(("new", "".join(new[k:m])))
    return _joined(parts)


def _joined(parts: list[Part]) -> list[Part]:
    """A short island between larger changes belongs to both: people read one change of a phrase, not six of words."""
    joined: list[Part] = []
    gone = new = ""
    for number, (kind, text) in enumerate(parts):
        if kind == "gone":
            gone += text
        elif kind == "new":
            new += text
        elif (gone or new) and number < len(parts) - 1 and _is_island(text, gone, new):
            gone, new = gone + text, new + text
        else:
            joined += [*_change(gone, new), (kind, text)]
            gone = new = ""
    return joined + _change(gone, new)


def _is_island(text: str, gone: str, new: str) -> bool:
    return "\n" not in text and len(text.split()) <= ISLAND and len(text) < max(len(gone), len(new))


def _change(gone: str, new: str) -> list[Part]:
    sides: list[Part] = [("gone", gone), ("new", new)]
    return [part for part in sides if part[1]]
