"""What people said of conversations, beside what checks and judges found of them. Their texts are strangers', too: they
are escaped and cut."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from ..dataset.notes import Note
from ..records import Trajectory
from ..storage.safe_text import clean, clean_name, truncate_with_note
from . import judge_agreement, pieces
from .run_contents import RunContents

COLUMNS = ["trajectory", "a person says", "why", "who", "checks", "heeded"]
PAIRS = ["of these two", "and", "both judged", "the same", "Cohen's κ, 95 %"]
CHECKS, JUDGES = "the checks", "the judges"
FEW = 10  # conversations; below, an agreement is said of nothing
SAID = {"keep": "keep it", "drop": "drop it", "": "no verdict"}
KIND = {"keep": "held", "drop": "fell", "": "quiet"}
MOST = 600  # characters of a text that are shown
ABOUT = "What is dropped is no row, what is kept no filter takes; nobody can make a row of what failed a check."
BESIDE = (
    "The last word of each person, keep as held and drop as fell, beside all checks of a conversation where they are "
    "decided, and beside the judges where these decided what evidence left open."
)


def shown(note: Note, trajectory: Trajectory) -> pieces.Piece:
    """A note above the conversation that it is about."""
    heard = "A note on an earlier version of this conversation, not heeded" if note.stale(trajectory) else "A person"
    kind = "quiet" if note.stale(trajectory) else KIND[note.verdict]
    who = f" · {clean_name(note.who)}" if note.who else ""
    html = Markup(
        '<div class="apigen mathjax_ignore tex2jax_ignore"><p class="why"><b class="{}">{}: {}</b> {}</p></div>'
    )
    return pieces.Piece(html.format(kind, heard, SAID[note.verdict], _safe(note.why) + who))


def listed(run: RunContents) -> pd.DataFrame:
    """A row for each conversation that somebody has left a note on: what it says, what the checks say, whether the
    export heeds it."""
    rows = []
    for id, note in run.said.items():
        trajectory = run.conversation(id)
        outcome = trajectory.outcome if trajectory else "–"
        rows.append((clean_name(id), SAID[note.verdict], _safe(note.why), clean_name(note.who), outcome,
                     heeded(note, trajectory)))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def heeded(note: Note, trajectory: Trajectory | None) -> str:
    """Whether the export goes by a note, and why not where it does not."""
    if note.stale(trajectory):
        return "no: the conversation has changed" if trajectory else "no: there is no such conversation"
    if trajectory and note.verdict == "keep" and not trajectory.success:
        return f"no: it is {trajectory.outcome}"
    return "yes" if note.verdict else "–"


def agreement(run: RunContents) -> pd.DataFrame:
    """How far people agree with the checks, with the judges and with each other: counts, and Cohen's kappa with its
    interval (`judge_agreement.cohen`) where there are at least `FEW` conversations and their verdicts vary."""
    found = judge_agreement.cohen(pd.DataFrame(_verdicts(run), columns=judge_agreement.VOTES))
    rows = [
        (one, other, both, f"{round(same * both)}", _kappa(both, *numbers))
        for one, other, both, same, *numbers in found.itertuples(index=False, name=None)
        if both and {one, other} != {CHECKS, JUDGES}  # of these one is part of the other
    ]
    return pd.DataFrame(rows, columns=PAIRS)


def _kappa(both: int, kappa: float, low: float, high: float) -> str:
    if both < FEW:
        return f"too few: at least {FEW} are needed"
    return f"{kappa:.2f} [{low:.2f}–{high:.2f}]" if kappa == kappa else "–: their verdicts do not vary"


def _verdicts(run: RunContents) -> list[tuple[str, int, str, str, int]]:
    """A vote for each who judged a conversation that a person has judged."""
    last = {(note.id, note.who): note for note in run.notes}
    rows = dict[tuple[str, str], int]()
    for (id, who), note in last.items():
        trajectory = run.conversation(id)
        if trajectory is None or note.stale(trajectory) or not note.verdict:
            continue
        rows[id, f"a person ({clean_name(who)})" if who else "a person"] = int(note.verdict == "keep")
        if not (trajectory.undecided or trajectory.unanswered):
            rows |= {(id, name): int(trajectory.success) for name in _deciders(trajectory)}
    return [(id, 0, name, "", score) for (id, name), score in rows.items()]


def _deciders(trajectory: Trajectory) -> tuple[str, ...]:
    return (CHECKS, JUDGES) if trajectory.readings else (CHECKS,)


def section(run: RunContents) -> pieces.Piece:
    """The notes and the agreement, as a part of a page; "" where nobody left a note."""
    notes = listed(run)
    if notes.empty:
        return pieces.Piece("")
    table = pieces.table(notes, most=200, links={"trajectory": "trajectories"})
    pairs = agreement(run)
    beside = Markup('<p class="quiet">{}</p>{}').format(BESIDE, Markup(pieces.table(pairs, links={})))
    html = Markup('<section class="panel"><h2>What people say</h2><p>{}</p>{}{}</section>')
    return pieces.Piece(html.format(ABOUT, Markup(table), beside if len(pairs) else ""))


def _safe(text: str) -> str:
    return clean(truncate_with_note(text, MOST))
