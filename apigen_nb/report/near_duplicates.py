"""How alike a run's instructions are: which nearly repeat an earlier one, as `dataset/minhash.py` finds them. 1,000
instructions take half a second."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from markupsafe import Markup

from ..dataset.minhash import SHINGLE, Distinct, shingles_of, words_of
from ..dataset.options import THRESHOLD
from ..records import Proposal
from ..storage.safe_text import clean, truncate
from . import pieces
from .shares import interval, share

MOST = 10  # pairs to read
COLUMNS = ["blueprint", "repeats", "similarity", "instruction", "the earlier one"]
SCRIPTED = " The scripted model words tasks by templates, so its instructions are alike by construction."


def near_duplicates(proposals: Iterable[Proposal]) -> tuple[pd.DataFrame, int]:
    """The accepted blueprints whose instruction nearly repeats an earlier one (`repeats`: the most similar), most alike
    first, and how many were accepted. What repeats another is not compared with later ones, so that a run whose
    instructions are all alike takes no longer."""
    told = {p.id: p.blueprint.instruction for p in proposals if p.accepted}
    distinct, found = Distinct(THRESHOLD), []
    for id, text in told.items():
        if near := distinct.twins(id, shingles_of(words_of(text))):
            earlier, alike = near[0]
            found.append((id, earlier, alike, _shown(text), _shown(told[earlier])))
    found.sort(key=lambda row: -row[2])
    return pd.DataFrame(found, columns=COLUMNS).astype({"similarity": float}), len(told)


def shown(proposals: Iterable[Proposal], scripted: bool = False) -> pieces.Piece:
    """`near_duplicates` for people: their share with its 95 % interval in a sentence, and the most alike pairs."""
    frame, accepted = near_duplicates(proposals)
    links = dict.fromkeys(COLUMNS[:2], "blueprints")
    pairs = pieces.table(frame, MOST, percent=("similarity",), links=links) if len(frame) else ""
    text = headline(len(frame), accepted) + (SCRIPTED if scripted else "")
    return pieces.Piece(Markup('<div class="apigen"><p>{}</p></div>{}').format(text, Markup(pairs)))


def headline(repeated: int, accepted: int) -> str:
    """How many of the accepted instructions nearly repeat an earlier one."""
    counted = f"{repeated:,} of {accepted:,} accepted instructions ({share(repeated, accepted)}"
    counted += f" {interval(repeated, accepted)})" if accepted else ")"
    return (
        f"{counted} nearly repeat an earlier one: they share at least {THRESHOLD:.0%} of their runs of {SHINGLE} words."
    )


def _shown(text: str) -> str:
    return truncate(clean(text), 400)
