"""Figures of the studies: arms of reflection, what gates and committee catch, what an audit rejects."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from . import figure_notes as notes
from .figure_style import FELL, FELL_BAR, INK, QUIET, canvas, counted, empty, held_and_fell, in_rows, subtitle


def arms(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.arms`: the yield of each arm of the reflection study."""
    return held_and_fell(
        frame, frame["arm"].tolist(), "Accepted, arm by arm, of the same seeds", "seeds", ("accepted", "rejected")
    )


def recall(frame: pd.DataFrame, by: str = "gates") -> go.Figure:
    """Of `mixture_tables.bench`: the share of each planted defect that the plain `gates`, the `committee` or `any` of
    them caught; a line parts what execution can decide from what only a reader can. Defects that were planted nowhere,
    and right tasks, of which what is caught is a false alarm, stand in the tables only."""
    frame = frame[(frame["planted"] > 0) & ~frame["right"]].sort_values("decidable", ascending=False, kind="stable")
    drawn = pd.DataFrame({"attempted": frame["planted"], "passed": frame[by]})
    drawn["fell"] = drawn["attempted"] - drawn["passed"]
    who = {"gates": "the plain gates", "committee": "the committee", "any": "both together"}[by]
    names = frame["defect"].tolist()
    figure = held_and_fell(
        drawn, names, f"What {who} caught", "blueprints with the defect", ("caught", "missed"), note=notes.PARTED,
        missing="no blueprint was accepted that one could be planted into",
    )  # fmt: skip
    decidable = int(frame["decidable"].sum())
    if 0 < decidable < len(frame):
        figure.add_hline(decidable - 0.5, line={"color": INK, "width": 1.4, "dash": "dot"})
    return figure


def rejections(frame: pd.DataFrame, audited: int) -> go.Figure:
    """Of findings of the groundtruth audit (`name`, `by`, `task`): how many of the `audited` gold tasks each rule or
    tool rejects; that nothing was audited is another thing than that nothing was rejected."""
    title = f"Rejected of {audited:,} gold tasks, by rule or tool" if audited else "Rejected gold tasks"
    if frame.empty:
        none = f"all {audited:,} hold" if audited else "nothing was audited: see the sentence above"
        return empty(title, "gold task that is rejected" if audited else "gold tasks", none)
    counts = frame.groupby(["name", "by"])["task"].nunique().unstack(fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    figure = canvas(title, 112 + 34 * len(counts), bargap=0.34, margin={"t": 70, "b": 44})
    for by, marker in (("rule", FELL_BAR), ("refused write", {"color": QUIET})):
        if by in counts:
            bars = {"x": counts[by].tolist(), "y": list(range(len(counts))), "orientation": "h", "name": by}
            figure.add_bar(**bars, marker=marker, hoverinfo="x+name")
    figure.update_xaxes(title_text="gold tasks", **counted(int(counts.sum(axis=1).max())))
    words = f"<span style='color:{FELL}'>▨</span> breaks the rule"
    figure.update_layout(title_subtitle=subtitle(f"{words}   <span style='color:{QUIET}'>■</span> the tool refuses"))
    return in_rows(figure, [str(name) for name in counts.index], [f"{n:,}" for n in counts.sum(axis=1)])
