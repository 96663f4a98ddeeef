"""The dataset in numbers: how long conversations are, which tools follow which, what is there twice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ..records import STOP, Proposal, Trajectory
from ..storage.safe_text import clean, clean_name, truncate
from . import tables
from .charts import MEASURES
from .figure_notes import NONE_HELD
from .figure_style import QUIET, canvas, counted, empty, in_rows, label, subtitle

ROWS = [
    "trajectory", "blueprint", "success", "outcome", "kind", "behaviour", "turns", "messages", "calls", "tools",
    "words", "tokens", "noted", "same as", "opens with",
]  # fmt: skip
ROW = "a row"  # of the dataset, said of a conversation
BEGIN, END = "(begin)", "(end)"


def rows(records: Sequence[Trajectory], proposals: Iterable[Proposal] = ()) -> pd.DataFrame:
    """One row a trajectory with what `MEASURES` count. `same as` names the first verified trajectory that says and
    calls the same ("" when there is none): of these the dataset holds only the first."""
    asked = {p.id: (p.kind, p.behaviour) for p in proposals}
    first: dict[str, str] = {}
    found = []
    for t in sorted(records, key=lambda t: (t.blueprint, t.attempt)):
        calls, same = t.calls, ""
        if t.success:
            original = first.setdefault(f"{t.blueprint}/{t.content}", t.id)
            same = original if original != t.id else ""
        said = [m.content.replace(STOP, "") for m in t.messages if m.role != "tool"]
        turns = sum(m.role == "user" for m in t.messages)
        tokens = sum(used.completion for role, used in t.usage.items() if role in ("user", "agent"))
        opening = truncate(clean(said[0][:400]).replace("\n", " "), 90) if said else ""
        asked_for, noted = asked.get(t.blueprint, ("unknown", "unknown")), tables.noted(t)
        counts = (turns, len(t.messages), len(calls), len({c.name for c in calls}), sum(len(s.split()) for s in said))
        found.append((t.id, t.blueprint, t.success, t.outcome, *asked_for, *counts, tokens, noted, same, opening))
    return pd.DataFrame(found, columns=ROWS).astype({"success": bool})


def measures(frame: pd.DataFrame) -> list[str]:
    """The measures that were taken: tokens only where an endpoint counted them."""
    return [name for name in MEASURES if name != "tokens" or (len(frame) and frame["tokens"].any())]


def transitions(records: Iterable[Trajectory]) -> pd.DataFrame:
    """Which tool is called after which, over all conversations: source, target, count; a conversation begins at
    "(begin)" and ends at "(end)"."""
    counts: Counter[tuple[str, str]] = Counter()
    for t in records:
        names = [BEGIN, *(clean_name(call.name) for call in t.calls), END]
        counts.update(itertools.pairwise(names))
    return pd.DataFrame([(a, b, n) for (a, b), n in counts.most_common()], columns=["source", "target", "count"])


HEAT: dict[str, Any] = {
    "hoverinfo": "text",
    "xgap": 1,
    "ygap": 1,
    "hoverongaps": False,
    "zmin": 0,
    "zmax": 1,
    "colorscale": [[0, "rgba(58,135,173,.16)"], [1, "rgba(58,135,173,1)"]],
    "colorbar": {
        "len": 160, "lenmode": "pixels", "y": 1, "yanchor": "top", "thickness": 10, "outlinewidth": 0,
        "tickvals": [0, 0.5, 1], "ticktext": ["0 %", "50 %", "100 %"],
    },
}  # fmt: skip


def transitions_figure(frame: pd.DataFrame, most: int = 30) -> go.Figure:
    """Of `transitions`: a heat map, a row the tool before and a column the tool after; the commonest tools only when
    there are more than `most`."""
    title = "Which tool follows which"
    if frame.empty:
        return empty(title, "tool calls", NONE_HELD)
    tools = _commonest(frame)
    left = f" (the {most} commonest of {len(tools)})" if len(tools) > most else ""
    befores, afters = [BEGIN, *tools[:most]], [*tools[:most], END]
    counts = {(a, b): int(n) for a, b, n in frame.itertuples(index=False)}
    rows = {a: [counts.get((a, b)) for b in afters] for a in befores}
    out = {a: sum(n or 0 for n in row) for a, row in rows.items()}
    shares = [[n and n / max(1, out[a]) for n in row] for a, row in rows.items()]
    told = [[_followed(a, b, n, out[a]) for b, n in zip(afters, row, strict=True)] for a, row in rows.items()]
    room = {"t": 196, "r": 60, "b": 12, "l": 8}
    drawn = canvas(title + left, 210 + 19 * len(befores), margin=room, meta={"wide": True})
    named = [f"{label(before)} · {out[before]:,}" for before in befores]  # a full share of two is not much
    drawn.add_heatmap(x=list(map(label, afters)), y=named, z=shares, hovertext=told, **HEAT)
    drawn.update_yaxes(autorange="reversed", ticklabelstandoff=6, showgrid=False, dtick=1)
    drawn.update_xaxes(side="top", tickangle=-42, automargin=False, showgrid=False, dtick=1)
    return drawn.update_layout(
        title_subtitle=subtitle(
            "all conversations, failed ones, too; row: the call before, and how often it was made; column: the next; "
            "stronger colour: a larger share of the row"
        )
    )


def _commonest(frame: pd.DataFrame) -> list[str]:
    """Of `transitions`: the tools, those called most first."""
    weight = Counter[str]()
    for source, target, count in frame.itertuples(index=False):
        weight[source] += count
        weight[target] += count
    return [name for name, _ in weight.most_common() if name not in (BEGIN, END)]


def _followed(before: str, after: str, count: int | None, out: int) -> str:
    """A cell in words: how often one tool came after the other, which was left `out` times."""
    pair = f"<b>{label(before)}</b> → <b>{label(after)}</b>"
    return f"{pair}<br>{count:,} times, {tables.share(count, out)} of what follows" if count else ""


def duplicates(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `rows`: verified conversations that say the same as an earlier one, and that one."""
    twice = frame[frame["same as"] != ""]
    return twice[["trajectory", "same as", "turns", "calls", "opens with"]].reset_index(drop=True)


def composition_figure(frame: pd.DataFrame, by: str = "kind", left_out: Collection[str] = ()) -> go.Figure:
    """Of `rows`: the share of each kind or behaviour among the dataset's rows, which are the verified conversations
    that were not `left_out`."""
    kept = frame[frame["success"] & ~frame["trajectory"].isin(left_out)]
    title = f"Rows of the dataset, by {by}"
    if kept.empty:
        return empty(title, "rows", "no conversation was verified")
    counts = kept[by].value_counts()
    names = [str(name) for name in counts.index]
    asked = [[{"dataset": ROW, by: name} for name in names]]
    meta = {"page": "trajectories", "leads": asked}
    drawn = canvas(title, 112 + 30 * len(names), margin={"t": 56, "b": 40}, meta=meta)
    told = [
        f"<b>{label(name)}</b><br>{n:,} rows · {tables.share(n, len(kept))}"
        for name, n in zip(names, counts, strict=True)
    ]
    drawn.add_bar(
        x=counts.tolist(), y=list(range(len(names))), orientation="h", marker={"color": QUIET}, hovertext=told,
        hoverinfo="text",
    )  # fmt: skip
    drawn.update_xaxes(title_text="rows", **counted(int(counts.max())))
    return in_rows(drawn, names, [f"{n:,} · {tables.share(n, len(kept))}" for n in counts])


def headline(frame: pd.DataFrame, rows: int | None) -> str:
    """Of `rows`: how many conversations there are, verified and distinct, and the size of the dataset."""
    verified = int(frame["success"].sum())
    distinct = verified - len(duplicates(frame))
    unread = int((frame["outcome"] == "undecided").sum())
    told = f"{len(frame):,} conversations, {verified:,} verified, {distinct:,} of these distinct; "
    told += f"{unread:,} undecided; " if unread else ""
    return told + (f"the dataset holds {rows:,} rows." if rows is not None else "no dataset was exported yet.")
