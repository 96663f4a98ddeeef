"""Frames of `tables` as plotly figures: pure functions, so that notebooks, widgets and pages show the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from .figure_style import (  # fmt: skip
    CONFIG,
    FELL,
    FELL_BAR,
    FONT,
    HELD,
    HELD_BAR,
    INK,
    QUIET,
    STRIPES,
    UNDECIDED_BAR,
    Leads,
    canvas,
    empty,
    held_and_fell,
    in_rows,
    interval_bars,
    label,
    legend,
    subtitle,
)
from .shares import OPEN, OUTCOMES
from .tables import ENDED, interval, share

__all__ = ["CONFIG", "FELL", "FONT", "HELD", "INK", "QUIET", "STRIPES", "empty", "label"]  # besides the figures below

MEASURES = {
    "turns": "messages of the user",
    "messages": "messages, results of tools included",
    "calls": "tool calls",
    "tools": "different tools",
    "words": "words said by user and agent",
    "tokens": "tokens written by user and agent, as the endpoint counted them",
}


def funnel(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.funnel`: what each gate let pass, over all attempts."""
    names = frame["gate"].tolist()
    leads = [{"passed at": gate} for gate in names], [{"fell at": gate} for gate in names]
    return held_and_fell(frame, names, "Through the gates: every attempt", "attempts", leads=leads, page="blueprints")


def metrics(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.metrics`: what the committee's majority found met."""
    names, title = frame["metric"].tolist(), "What the committee found, metric by metric"
    leads = [{"metric met": name} for name in names], [{"metric not met": name} for name in names]
    return held_and_fell(frame, names, title, "attempts judged", ("met", "not met"), leads, "blueprints")


def failures(frame: pd.DataFrame, most: int = 12) -> go.Figure:
    """Of `tables.failures`: the commonest reasons to fall, and how many of those were repaired by a later attempt."""
    top = frame.head(most)
    left = f" ({most} of {len(frame)} kinds)" if len(frame) > most else ""
    drawn = pd.DataFrame({"attempted": top["count"], "passed": top["repaired"], "fell": top["count"] - top["repaired"]})
    names = [f"{gate}: {kind or gate}" for gate, kind in zip(top["gate"], top["kind"], strict=True)]
    title, words = f"Why attempts fell{left}", ("accepted later", "never repaired")
    return held_and_fell(drawn, names, title, "failed attempts", words)


def attempts(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.attempts`: verified conversations per attempt at a blueprint."""
    names = [f"attempt {n}" for n in frame["attempt"]]
    asked = leads("attempt", frame["attempt"])
    return held_and_fell(frame, names, "Verified, attempt by attempt", "conversations", ("verified", "failed"), asked)


def leads(facet: str, values: Iterable[Any]) -> Leads:
    """The filters of verified, of failed and of undecided conversations with each value of a facet."""
    named = [str(value) for value in values]
    return tuple([{facet: value, "outcome": outcome} for value in named] for outcome in OUTCOMES)


def checks(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.checks`: at which check conversations held, fell, or are undecided."""
    names, words = frame["check"].tolist(), ("held", "fell")
    return held_and_fell(frame, names, "What each check found", "conversations", words, check_leads(frame))


def check_leads(frame: pd.DataFrame) -> Leads:
    """Of `tables.checks`: the filters of the conversations behind each count."""
    return tuple([{f"check {came}": str(name)} for name in frame["check"]] for came in ("held", "fell", *OPEN))


def ends(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.ends`: how conversations ended, or where they first diverged."""
    column = frame.columns[0]
    names = [ENDED.get(name, name) for name in frame[column]]
    if column == "ended":
        title, unit, fallen = "How conversations ended", "conversations", 0
    else:
        title, unit = "Where failed conversations first went wrong", "failed conversations"
        fallen = int(frame["attempted"].sum())
    return held_and_fell(frame, names, title, unit, ("verified", "failed"), leads(column, names), share_of=fallen)


def yields(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.yields`: blueprints accepted per kind or behaviour that was asked for."""
    by, words = frame.columns[0], ("accepted", "rejected")
    names = frame[by].tolist()
    asked = [{by: name, "outcome": words[0]} for name in names], [{by: name, "outcome": words[1]} for name in names]
    return held_and_fell(frame, names, f"Blueprints, by {by}", "seeds and recombined tasks", words, asked, "blueprints")


def successes(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.successes`: conversations verified per kind or behaviour."""
    by = frame.columns[0]
    names, words = frame[by].tolist(), ("verified", "failed")
    return held_and_fell(frame, names, f"Conversations, by {by}", "conversations", words, leads(by, names))


def arms(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.arms`: the yield of each arm of the reflection study."""
    return held_and_fell(
        frame, frame["arm"].tolist(), "Accepted, arm by arm, of the same seeds", "seeds", ("accepted", "rejected")
    )


def recall(frame: pd.DataFrame, by: str = "gates") -> go.Figure:
    """Of `mixture_tables.bench`: the share of each planted defect that the plain `gates`, the `committee` or `any` of
    them caught. Kinds that were planted nowhere, and right tasks, stand in the tables only."""
    frame = frame[(frame["planted"] > 0) & ~frame["right"]]
    drawn = pd.DataFrame({"attempted": frame["planted"], "passed": frame[by]})
    drawn["fell"] = drawn["attempted"] - drawn["passed"]
    who = {"gates": "the plain gates", "committee": "the committee", "any": "both together"}[by]
    names = frame["defect"].tolist()
    return held_and_fell(drawn, names, f"What {who} caught", "blueprints with the defect", ("caught", "missed"))


def rejections(frame: pd.DataFrame) -> go.Figure:
    """Of findings of the groundtruth audit (`name`, `by`, `task`): how many gold tasks each rule or tool rejects."""
    title = "Rejected gold tasks, by rule or tool"
    if frame.empty:
        return empty(title, "gold task that is rejected")
    counts = frame.groupby(["name", "by"])["task"].nunique().unstack(fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    figure = canvas(title, 112 + 34 * len(counts), bargap=0.34, margin={"t": 70, "b": 44})
    for by, marker in (("rule", FELL_BAR), ("refused write", {"color": QUIET})):
        if by in counts:
            bars = {"x": counts[by].tolist(), "y": list(range(len(counts))), "orientation": "h", "name": by}
            figure.add_bar(**bars, marker=marker, hoverinfo="x+name")
    figure.update_xaxes(title_text="gold tasks", nticks=6)
    words = f"<span style='color:{FELL}'>▨</span> breaks the rule"
    figure.update_layout(title_subtitle=subtitle(f"{words}   <span style='color:{QUIET}'>■</span> the tool refuses"))
    return in_rows(figure, [str(name) for name in counts.index], [f"{n:,}" for n in counts.sum(axis=1)])


def blames(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.blames`: who caused failed conversations."""
    title, unit = "Who caused the failure", "failed conversations"
    total = int(frame["attempted"].sum())
    names = frame["cause"].tolist()
    return held_and_fell(frame, names, title, unit, ("verified", "failed"), leads("cause", names), share_of=total)


def tool_use(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.tool_use`: in how many conversations each tool is called."""
    names = frame["tool"].tolist()
    title = "Which tools the conversations call"
    return held_and_fell(frame, names, title, "conversations with a call", ("verified", "failed"), leads("tool", names))


def selection(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.selection`: what remains of all conversations in the dataset."""
    return held_and_fell(frame, frame["step"].tolist(), "What remains", "conversations", ("kept", "left out"))


def graph(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.links`: which tool's result can fill how many arguments of which other tool."""
    title = "Whose results fill whose arguments"
    if frame.empty:
        return empty(title, "argument that another tool's result can fill")
    tools, sources = list(dict.fromkeys(frame["tool"])), list(dict.fromkeys(frame["result of"]))
    cells = {(row["tool"], row["result of"]): row["arguments"] for _, row in frame.iterrows()}
    named = [[cells.get((tool, source), "") for source in sources] for tool in tools]
    counts = [[text.count(",") + 1 if text else None for text in row] for row in named]
    hover = [
        [
            f"<b>{label(tool)}</b> can take from <b>{label(source)}</b><br>{label(text, 90)}" if text else ""
            for source, text in zip(sources, row, strict=True)
        ]
        for tool, row in zip(tools, named, strict=True)
    ]
    figure = canvas(title, 200 + 20 * len(tools), margin={"t": 180, "r": 76, "b": 12, "l": 8}, meta={"wide": True})
    figure.add_heatmap(
        x=[label(s) for s in sources], y=[label(t) for t in tools], z=counts, hovertext=hover, hoverinfo="text",
        xgap=2, ygap=2, colorscale=[[0, "#dcebf2"], [1, "#86bcd6"]], showscale=False, texttemplate="%{z}",
        textfont={"color": "#14212c"}, hoverongaps=False,
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, dtick=1)
    figure.update_xaxes(side="top", tickangle=-35, automargin=False, dtick=1)
    return figure.update_layout(title_subtitle=subtitle("number of arguments; hover to read which"))


def rounds(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.rounds`: accepted so far after each reflection, with the 95 % interval of the yield."""
    title = "Accepted after each reflection"
    if frame.empty:
        return empty(title, "blueprints")
    names = ["first try", *(f"reflection {n}" for n in frame["round"][1:])]
    total = int(frame["proposals"].iloc[0])
    figure = canvas(title, 276, yaxis_title_text="blueprints", margin_t=70, margin_b=30)
    bars = (
        ("before", frame["so far"] - frame["accepted"], {"color": QUIET}),
        ("this round", frame["accepted"], HELD_BAR),
        ("still rejected", total - frame["so far"], FELL_BAR),
    )
    hover = _rounds_hover(frame, names, total)
    for name, heights, marker in bars:
        figure.add_bar(x=names, y=heights.tolist(), name=name, marker=marker, hovertext=hover, hoverinfo="text")
    _mark_yields(figure, frame, names, total)
    figure.update_yaxes(range=[0, total * 1.36], nticks=5, showgrid=False).update_xaxes(type="category", showgrid=False)
    words = f"<span style='color:{QUIET}'>■</span> before   {legend('this round', 'still rejected')}   ├┤ 95 %"
    return figure.update_layout(title_subtitle=subtitle(words))


def _rounds_hover(frame: pd.DataFrame, names: Sequence[str], total: int) -> list[str]:
    columns = (frame["tried"], frame["accepted"], frame["so far"])
    return [
        f"<b>{name}</b><br>{tried:,} tried, {added:,} accepted<br>"
        f"{so_far:,} of {total:,} so far · {share(so_far, total)} {interval(so_far, total)}"
        for name, tried, added, so_far in zip(names, *columns, strict=True)
    ]


def _mark_yields(figure: go.Figure, frame: pd.DataFrame, names: Sequence[str], total: int) -> None:
    """Write the yield of each round above its bars, and draw its interval."""
    low, high = frame["low"] * total, frame["high"] * total
    error = interval_bars(frame["so far"], low, high, color=INK, thickness=1.4, width=6)
    # a trace of its own: bars drawn later would hide the upper half
    points = {"x": names, "y": frame["so far"].tolist(), "mode": "markers", "marker": {"size": 5, "color": INK}}
    figure.add_scatter(**points, error_y=error, hoverinfo="skip")
    for name, added, so_far in zip(names, frame["accepted"], frame["so far"], strict=True):
        text = f"+{added:,}<br><b>{share(so_far, total)}</b>" if total else ""
        figure.add_annotation(
            x=name, y=total, text=f"{text}<br>{so_far:,} of {total:,}", showarrow=False, yanchor="bottom", yshift=2
        )


def histogram(frame: pd.DataFrame, measure: str, most: int = 32) -> go.Figure:
    """Of `rows`: how many conversations have how many of a measure, by their outcome, in at most `most` bars."""
    unit = MEASURES[measure]
    title = f"{unit[0].upper()}{unit[1:]}, per conversation"
    if frame.empty:
        return empty(title, "conversations")
    values = frame[measure]
    low, high = int(values.min()), int(values.max())
    step = max(1, -(-(high - low + 1) // most))
    slots = (values - low) // step
    counts = frame.groupby([slots, "outcome"]).size().unstack(fill_value=0)
    counts = counts.reindex(range((high - low) // step + 1), fill_value=0)
    starts = [low + step * n for n in counts.index]
    names = [f"{a:,}" if step == 1 else f"{a:,}–{a + step - 1:,}" for a in starts]
    drawn = canvas(title, 276, yaxis_title_text="conversations", margin_t=70, bargap=0.1)
    unread = "undecided" in counts
    shown = OUTCOMES if unread else OUTCOMES[:2]
    for word, marker in zip(shown, (HELD_BAR, FELL_BAR, UNDECIDED_BAR), strict=False):
        heights = counts[word].tolist() if word in counts else [0] * len(counts)
        told = [f"<b>{name}</b> {unit}<br>{n:,} {word}" for name, n in zip(names, heights, strict=True)]
        bars = {"x": starts, "y": heights, "width": 0.9 * step, "offset": -0.45, "name": word, "marker": marker}
        drawn.add_bar(**bars, hovertext=told, hoverinfo="text")
    drawn.update_xaxes(title_text=unit, showgrid=False, nticks=12)
    quartiles = values.quantile([0.05, 0.5, 0.95])
    told_of = "median {:,.0f}, 90 % between {:,.0f} and {:,.0f}".format(*(quartiles[q] for q in (0.5, 0.05, 0.95)))
    return drawn.update_layout(title_subtitle=subtitle(f"{legend('verified', 'failed', unread)}   {told_of}"))
