"""How good the rows of a dataset are, as scores, people and the verifier without a language model find."""

from __future__ import annotations

from . import people_notes, pieces, score_tables, verifier_tables
from .run_contents import RunContents


def section(run: RunContents) -> pieces.Piece:
    """The three of them, as a part of a page."""
    parts = score_tables.section(run.folder / "dataset"), people_notes.section(run), verifier_tables.section(run)
    return pieces.Piece("".join(parts))
