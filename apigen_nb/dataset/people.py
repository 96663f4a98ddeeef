"""What people say of conversations, heeded: the first step by which rows are chosen, so that no later one has a say."""

from __future__ import annotations

from dataclasses import dataclass

from .selection import Selection

DROPPED = "dropped by a person"


@dataclass
class Heeded:
    """What came of the notes: conversations that were `dropped`, rows that were `kept` whatever filters say, `stale`
    notes, and words to keep what is no row, which a person cannot make one (`in_vain`)."""

    dropped: int = 0
    kept: int = 0
    stale: int = 0
    in_vain: int = 0

    def __str__(self) -> str:
        told = {"dropped": self.dropped, "kept": self.kept, "stale": self.stale, "kept in vain": self.in_vain}
        return ", ".join(f"{count} {what}" for what, count in told.items() if count)


def heed_notes(selection: Selection) -> Heeded:
    """Leave out the rows that a person drops, and the failed conversations that are held against rows; mark those that
    a person keeps, so that no later step leaves them out. What failed a check, or repeats a row, nobody makes a row."""
    found = Heeded()
    for id, note in selection.notes.items():
        if selection.contents.get(id) != note.content:
            found.stale += 1
        elif note.verdict == "drop":
            found.dropped += _drop(selection, id, note.why)
        elif note.verdict == "keep" and id in selection.rows:
            selection.kept.add(id)
            found.kept += 1
        elif note.verdict == "keep":
            found.in_vain += 1
    return found


def _drop(selection: Selection, id: str, why: str) -> bool:
    """Take a conversation out, whether it is a row or was held against some; whether it was any of it."""
    if id in selection.rows:
        selection.leave_out(id, DROPPED, found=why)
        return True
    return selection.failed.pop(id, None) is not None
