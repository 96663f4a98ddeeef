"""Frames of `tables` as plotly figures: pure functions, so that notebooks, widgets and pages show the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from . import figure_notes as notes
from . import glossary
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
    counted,
    empty,
    held_and_fell,
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
    title, none = "Through the gates: every attempt", notes.NONE_DRAFTED
    frame = frame.assign(why=glossary.meanings(names, "gate"))
    return held_and_fell(
        frame, names, title, "attempts", leads=leads, page="blueprints", note=notes.AT_GATES, missing=none
    )


def metrics(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.metrics`: what the committee's majority found met."""
    names, title = frame["metric"].tolist(), "What the committee found, metric by metric"
    leads = [{"metric met": name} for name in names], [{"metric not met": name} for name in names]
    words, none = ("met", "not met"), notes.NO_VOTES
    return held_and_fell(frame, names, title, "attempts judged", words, leads, "blueprints", missing=none)


def failures(frame: pd.DataFrame, most: int = 12) -> go.Figure:
    """Of `tables.failures`: the commonest reasons to fall, and how many of those were repaired by a later attempt."""
    top = frame.head(most)
    left = f" (the {most} commonest of {len(frame)} reasons)" if len(frame) > most else ""
    drawn = pd.DataFrame({"attempted": top["count"], "passed": top["repaired"], "fell": top["count"] - top["repaired"]})
    names = [f"{gate}: {kind or gate}" for gate, kind in zip(top["gate"], top["kind"], strict=True)]
    title, words = f"Why attempts fell{left}", ("accepted later", "never repaired")
    return held_and_fell(drawn, names, title, "failed attempts", words, note=notes.SEVERAL)


def attempts(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.attempts`: verified conversations per attempt at a blueprint."""
    names = [f"attempt {n}" for n in frame["attempt"]]
    asked = leads("attempt", frame["attempt"])
    title, words = "Verified, attempt by attempt", ("verified", "failed")
    return held_and_fell(frame, names, title, "conversations", words, asked, note=notes.ALONE, missing=notes.NONE_HELD)


def leads(facet: str, values: Iterable[Any]) -> Leads:
    """The filters of verified, of failed and of undecided conversations with each value of a facet."""
    named = [str(value) for value in values]
    return tuple([{facet: value, "outcome": outcome} for value in named] for outcome in OUTCOMES)


def checks(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.checks`: at which check conversations held, fell, or are undecided."""
    names, words = frame["check"].tolist(), ("held", "fell")
    frame = frame.assign(why=glossary.meanings(names, "check"))
    title, unit, note = "What each check found", "conversations", "each check counts the conversations that it judged"
    return held_and_fell(frame, names, title, unit, words, check_leads(frame), note=note, missing=notes.NONE_HELD)


def check_leads(frame: pd.DataFrame) -> Leads:
    """Of `tables.checks`: the filters of the conversations behind each count."""
    return tuple([{f"check {came}": str(name)} for name in frame["check"]] for came in ("held", "fell", *OPEN))


def ends(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.ends`: how conversations ended, or where they first diverged."""
    column = frame.columns[0]
    names = [ENDED.get(name, name) for name in frame[column]]
    if column == "ended":
        title, unit, fallen, none = "How conversations ended", "conversations", 0, notes.NONE_HELD
    else:
        title, unit, none = "Where failed conversations first went wrong", "failed conversations", notes.NONE_FAILED
        fallen = int(frame["attempted"].sum())
    words, asked = ("verified", "failed"), leads(column, names)
    return held_and_fell(frame, names, title, unit, words, asked, share_of=fallen, missing=none)


def yields(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.yields`: blueprints accepted per kind or behaviour that was asked for."""
    by, words = frame.columns[0], ("accepted", "rejected")
    names = frame[by].tolist()
    frame = frame.assign(why=glossary.meanings(names))
    asked = [{by: name, "outcome": words[0]} for name in names], [{by: name, "outcome": words[1]} for name in names]
    return held_and_fell(frame, names, f"Blueprints, by {by}", "seeds and recombined tasks", words, asked, "blueprints")


def successes(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.successes`: conversations verified per kind or behaviour."""
    by = frame.columns[0]
    names, words = frame[by].tolist(), ("verified", "failed")
    frame = frame.assign(why=glossary.meanings(names))
    title, unit = f"Conversations, by {by}", "conversations"
    return held_and_fell(frame, names, title, unit, words, leads(by, names), missing=notes.NONE_HELD)


def blames(frame: pd.DataFrame) -> go.Figure:
    """Of `mixture_tables.blames`: who caused failed conversations."""
    title, unit = "Who caused the failure", "failed conversations"
    total = int(frame["attempted"].sum())
    names = frame["cause"].tolist()
    words, asked = ("verified", "failed"), leads("cause", names)
    return held_and_fell(frame, names, title, unit, words, asked, share_of=total, missing=notes.NONE_FAILED)


def tool_use(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.tool_use`: in how many conversations each tool is called."""
    names = frame["tool"].tolist()
    title, unit, words = "Which tools the conversations call", "conversations with a call", ("verified", "failed")
    return held_and_fell(
        frame, names, title, unit, words, leads("tool", names), note=notes.NOT_THE_CAUSE, missing=notes.NONE_HELD
    )


def selection(frame: pd.DataFrame) -> go.Figure:
    """Of `tables.selection`: what remains of all conversations in the dataset."""
    names, words = frame["step"].tolist(), ("kept", "left out")
    return held_and_fell(frame, names, "What remains", "conversations", words, missing=notes.NONE_HELD)


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
        return empty(title, "blueprints", notes.NONE_DRAFTED)
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
    figure.update_yaxes(**counted(total, above=1.36), showgrid=False).update_xaxes(type="category", showgrid=False)
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
        return empty(title, "conversations", notes.NONE_HELD)
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
    drawn.update_xaxes(title_text=unit, showgrid=False, nticks=12, dtick=1 if high - low < 12 else None)
    quartiles = values.quantile([0.05, 0.5, 0.95])
    told_of = "median {:,.0f}, 90 % between {:,.0f} and {:,.0f}".format(*(quartiles[q] for q in (0.5, 0.05, 0.95)))
    return drawn.update_layout(title_subtitle=subtitle(f"{legend('verified', 'failed', unread)}   {told_of}"))
