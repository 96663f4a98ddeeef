"""What the non-LLM verifier comes to, and the conversations of which it believes the contrary of what the check says:
those are to be read, since one of the two is wrong."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from ..dataset.groups import as_groups
from ..dataset.verifier import Study, looked_at, see, study
from . import pieces
from .run_contents import RunContents

READ = 20  # conversations to read
ABOUT = (
    "A small classifier guesses from what was said and called whether a conversation reached the right state, without "
    "its groundtruth and without a language model (after MAG-V). It learns from our own state checks and guesses only "
    "what is of none of the groups that it learned from. AUROC: how often it finds one that held likelier than one "
    "that fell; 0.5 is chance. The intervals are of 95 %, groups drawn anew."
)
SCRIPTED = (
    "The scripted model made these conversations, and its mistakes are those of a program: the figures show that the "
    "verifier works, and say nothing of language models."
)
FIGURES = ["features", "held against", "held", "fell", "AUROC", "95 %"]


def study_of(run: RunContents) -> Study:
    """What the verifier comes to on a run. Only what is looked at is read."""
    groups = as_groups({p.id: p.blueprint for p in run.proposals if p.accepted})
    known = {id: held for id, held in run.conversations_of.items() if id in groups}
    seen = (
        see([run.trajectories.whole(name) for name, _ in known[id]], groups[id])
        for id in looked_at(list(known), sum(map(len, known.values())))
    )
    return study([one for some in seen for one in some])


def figures(found: Study) -> pd.DataFrame:
    """A row a figure."""
    rows = [
        (one.features, one.labels, one.held, one.fell, one.auroc, f"{one.low:.2f}–{one.high:.2f}")
        for one in found.figures
    ]
    return pd.DataFrame(rows, columns=FIGURES)


def to_read(found: Study) -> pd.DataFrame:
    """The conversations to read, the verifier's surest first: what the check says, and how likely the verifier finds
    that the state is right."""
    some = [(id, "held" if found.states[id] else "fell", found.guesses[id]) for id in found.disagreements[:READ]]
    return pd.DataFrame(some, columns=["trajectory", "state check", "held, the verifier says"])


def section(run: RunContents) -> pieces.Piece:
    """Both, as a part of a page; where there is too little to learn from, one line that says so."""
    found = study_of(run)
    lacking = Markup("").join(Markup("<p>{}</p>").format(reason) for reason in found.lacking)
    html = Markup('<section class="panel" id="verifier"><h2>A verifier without a language model</h2>{}</section>')
    if not found.figures:
        return pieces.Piece(html.format(lacking))
    head = Markup('<p class="quiet">{}</p>').format(f"{ABOUT} {SCRIPTED if run.scripted else ''}".strip())
    many = len(found.disagreements)
    title = Markup("<h3>{}</h3>").format(f"It disagrees with the state check on {many:,} of {len(found.states):,}")
    shown = [pieces.table(figures(found), links={}), pieces.table(to_read(found), READ, ("held, the verifier says",))]
    return pieces.Piece(html.format(Markup("").join((head, Markup(shown[0]), lacking, title, Markup(shown[1])))))
