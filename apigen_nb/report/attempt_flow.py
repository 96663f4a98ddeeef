"""Where attempts go: from the seeds past the gates at which they fell to what became of them, counted and drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from ..records import Attempt, Proposal
from ..storage.safe_text import clean_name
from .figure_style import FELL, HELD, INK, PLATE, QUIET, canvas, empty, label, legend, subtitle
from .pass_rates import attempt_name

SEEDS, ACCEPTED, REJECTED = "seeds", "accepted", "rejected for good"
GAP = 0.05  # between the nodes of a column
TOLD = "%{customdata}<extra></extra>"


def fell_at(attempt: Attempt) -> str:
    """The first gate that failed an attempt; "" when it was accepted."""
    return next((clean_name(v.gate) for v in attempt.verdicts if not v.passed), "" if attempt.accepted else "format")


def flows(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """How blueprints flow from attempt to attempt: one row for each (attempt, where it came from, where it went) with a
    count. `source` is "seeds" for the first try, else the gate at which the attempt before fell; `target` is "accepted"
    or the gate at which this attempt fell; where no attempt followed, a row leads on to "rejected for good"."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for p in proposals:
        before = SEEDS
        for number, attempt in enumerate(p.attempts):
            where = fell_at(attempt) or ACCEPTED
            counts[number, before, where] += 1
            before = where
        if p.attempts and before != ACCEPTED:
            counts[len(p.attempts), before, REJECTED] += 1
    rows = [(number, source, target, count) for (number, source, target), count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["attempt", "source", "target", "count"])


class Stop(NamedTuple):
    """Where blueprints stand after an attempt (-1 is before the first): the seeds, a gate, accepted or rejected."""

    attempt: int
    name: str

    @property
    def words(self) -> str:
        if self.name == SEEDS:
            return "tried"
        return label(self.name if self.name in (ACCEPTED, REJECTED) else f"fell at {self.name}")


@dataclass(frozen=True)
class Ribbon:
    """So many blueprints went from one stop to another."""

    source: Stop
    target: Stop
    count: int


@dataclass(frozen=True)
class Node:
    """A stop as it is drawn: how many came there, its centre (0–1, from the left and from the top) and its height."""

    stop: Stop
    count: int
    x: float
    y: float
    height: float


def sankey(frame: pd.DataFrame, gates: Sequence[str] = ()) -> go.Figure:
    """Of `flows`: attempts from left to right, gates from top to bottom in the order of `gates`. What was accepted
    stays at the attempt that brought it."""
    title = "Where attempts go: accepted, or fallen at a gate and sent back with feedback"
    if frame.empty:
        return empty(title, "attempts")
    ribbons = _ribbons(frame)
    nodes = _placed(ribbons, (ACCEPTED, *gates))
    meta = {"wide": True, "page": "blueprints", "leads": [flow_leads(frame)]}
    figure = canvas(title, 430, margin={"l": 8, "r": 8, "t": 92, "b": 16}, meta=meta)
    told = [_hop(*row) for row in frame.itertuples(index=False, name=None)]
    figure.add_sankey(arrangement="fixed", node=_bars(nodes), link=_bands(ribbons, nodes, told))
    for node in nodes:  # plotly's own labels would be crossed by the ribbons
        figure.add_annotation(**_name_tag(node))
    last = max(node.stop.attempt for node in nodes)
    rejected = any(node.stop.name == REJECTED for node in nodes)
    for attempt in range(last + 1):
        figure.add_annotation(**_column_head(attempt, last, rejected))
    return figure.update_layout(title_subtitle=subtitle(legend("accepted", "fell, and what became of it")))


def _ribbons(frame: pd.DataFrame) -> list[Ribbon]:
    last = int(frame["attempt"].max())
    # those that ended with fewer attempts than allowed still end in the same last column
    return [
        Ribbon(Stop(attempt - 1, source), Stop(last if target == REJECTED else attempt, target), count)
        for attempt, source, target, count in frame.itertuples(index=False)
    ]


def _placed(ribbons: Sequence[Ribbon], order: Sequence[str]) -> list[Node]:
    """The nodes, in each column one below the other in the given order and as high as they are large, so that ribbons
    cross as little as they can."""
    total = sum(ribbon.count for ribbon in ribbons if ribbon.source.attempt < 0)
    counts = {stop: 0 for ribbon in ribbons for stop in (ribbon.source, ribbon.target)}
    for ribbon in ribbons:
        counts[ribbon.target] += ribbon.count
    columns: dict[int, list[Stop]] = {}
    for stop in counts:
        columns.setdefault(stop.attempt, []).append(stop)
    scale = (1 - GAP * (max(map(len, columns.values())) - 1)) / total  # how high one blueprint is drawn
    rank = {name: place for place, name in enumerate(order)}
    nodes: dict[Stop, Node] = {}
    for attempt, stops in columns.items():
        x, top = 0.001 + 0.998 * (attempt + 1) / (max(columns) + 1), 0.0
        for stop in sorted(stops, key=lambda stop: rank.get(stop.name, len(rank))):
            count = counts[stop] or total
            height = count * scale
            nodes[stop] = Node(stop, count, x, min(0.999, max(0.001, top + height / 2)), height)
            top += height + GAP
    return [nodes[stop] for stop in counts]


def _bars(nodes: Sequence[Node]) -> dict[str, Any]:
    """Nodes as plotly draws them, without names."""
    colours = {SEEDS: QUIET, ACCEPTED: HELD}
    return {
        "label": [""] * len(nodes),
        "color": [colours.get(node.stop.name, FELL) for node in nodes],
        "x": [node.x for node in nodes],
        "y": [node.y for node in nodes],
        "pad": 14,
        "thickness": 10,
        "line": {"width": 0},
        "customdata": [
            f"<b>{node.stop.words}</b>, "
            f"{'' if node.stop.name in (SEEDS, REJECTED) else attempt_name(node.stop.attempt)}<br>{node.count:,}"
            for node in nodes
        ],
        "hovertemplate": TOLD,
    }


def _bands(ribbons: Sequence[Ribbon], nodes: Sequence[Node], told: Sequence[str]) -> dict[str, Any]:
    """Ribbons as plotly draws them; `told` is what each says on hover."""
    number = {node.stop: number for number, node in enumerate(nodes)}
    return {
        "source": [number[ribbon.source] for ribbon in ribbons],
        "target": [number[ribbon.target] for ribbon in ribbons],
        "value": [ribbon.count for ribbon in ribbons],
        "color": [
            "rgba(58,135,173,.42)" if ribbon.target.name == ACCEPTED else "rgba(224,138,82,.34)" for ribbon in ribbons
        ],
        "customdata": told,
        "hovertemplate": TOLD,
    }


def _name_tag(node: Node) -> dict[str, Any]:
    """The name beside a node; that of the rejected, in the last column, below it."""
    y, text = 1 - node.y, f"{node.stop.words} <b>{node.count:,}</b>"
    look = {"showarrow": False, "bgcolor": PLATE, "borderpad": 1, "font": {"color": INK, "size": 11}}
    if node.stop.name == REJECTED:
        side = {"y": y - node.height / 2, "xanchor": "right", "yanchor": "top", "xshift": 5, "yshift": -4}
    else:
        side = {"y": y, "xanchor": "left", "yanchor": "middle", "xshift": 8, "yshift": 0}
    return {"x": node.x, "text": text, "xref": "paper", "yref": "paper", **look, **side}


def _column_head(attempt: int, last: int, rejected: bool) -> dict[str, Any]:
    """What stands above a column: its attempt, or "in the end" above those that were rejected."""
    text = "in the end" if attempt == last and rejected else attempt_name(attempt)
    side = {"xanchor": "right" if attempt == last else "center", "yanchor": "bottom", "yshift": 8}
    return {
        "x": (attempt + 1) / (last + 1), "y": 1, "text": text, "showarrow": False, "xref": "paper", "yref": "paper",
        **side,
    }  # fmt: skip


def flow_leads(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Of `flows`: the filters of the blueprints behind each row."""
    return [_flow_lead(*row) for row in frame[["attempt", "source", "target"]].itertuples(index=False, name=None)]


def _flow_lead(attempt: int, source: str, target: str) -> dict[str, str]:
    if target == REJECTED:
        last = {"attempt": attempt_name(attempt - 1), "came out": source}
        return {**last, "outcome": "rejected", "attempts": str(attempt)}
    before = {"fell before": source} if attempt else {}
    return {"attempt": attempt_name(attempt), "came out": target, **before}


def _hop(attempt: int, source: str, target: str, count: int) -> str:
    """A ribbon in words."""
    came = "tried" if source == SEEDS else f"that fell at {label(source)}"
    went = label(target) if target in (ACCEPTED, REJECTED) else f"fell at {label(target)}"
    return f"{count:,} {came}<br>→ {went}{'' if target == REJECTED else f' in the {attempt_name(attempt)}'}"
