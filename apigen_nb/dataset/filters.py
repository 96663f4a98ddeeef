"""What a row has to be to stay one, where that is asked for: a score, a kind, a pass rate (RL wants tasks that are
neither always nor never solved)."""

from __future__ import annotations

from .options import DatasetOptions
from .rows import About
from .selection import Selection

OTHER_KIND = "kind that was not asked for"


def keep_asked_for(selection: Selection, options: DatasetOptions) -> None:
    """Leave out the rows below `min_score`, of other than the asked `kinds` and outside of `pass_rate`, whose ends
    count as inside; each with what was found. A score that nobody knows is below any. What a person keeps stays."""
    for id, about in list(selection.rows.items()):
        reason, found = _misses(about, options)
        if reason and id not in selection.kept:
            selection.leave_out(id, reason, found=found)


def _misses(about: About, options: DatasetOptions) -> tuple[str, str]:
    """What a row misses first, and what was found; "" where it misses nothing."""
    score, rate = about.scores.score, about.scores.pass_rate
    if options.kinds and about.kind not in options.kinds:
        return OTHER_KIND, about.kind
    if options.pass_rate is not None:
        low, high = options.pass_rate
        if rate is None or not low <= rate <= high:
            return f"pass rate outside of {low:g} to {high:g}", _number(rate)
    if options.min_score is not None and (score is None or score < options.min_score):
        return f"score below {options.min_score:g}", _number(score)
    return "", ""


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.6g}"
