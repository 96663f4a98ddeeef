"""What reflection is worth: where attempts go, which failures feedback repairs, and what a repaired blueprint costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ..models.ledger import Price, dollars
from ..records import Attempt, Proposal, Usage, Verdict
from ..storage.safe_text import clean_name
from .figure_style import (
    FELL,
    HELD,
    INK,
    PLATE,
    QUIET,
    Leads,
    canvas,
    empty,
    held_and_fell,
    label,
    legend,
    subtitle,
)
from .pass_rates import attempt_name
from .tables import failure_detail, failure_kind, interval, rates, share, tasks_in_words, total_usage

ACCEPTED, REJECTED = "accepted", "rejected for good"


def fell_at(attempt: Attempt) -> str:
    """The first gate that failed an attempt; "" when it was accepted."""
    return next((clean_name(v.gate) for v in attempt.verdicts if not v.passed), "" if attempt.accepted else "format")


def flows(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """How blueprints flow from attempt to attempt: one row for each (attempt, where it came from, where it went) with a
    count. `source` is "seeds" for the first try, else the gate at which the attempt before fell; `target` is "accepted"
    or the gate at which this attempt fell; where no attempt followed, a row leads on to "rejected for good"."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for p in proposals:
        before = "seeds"
        for number, attempt in enumerate(p.attempts):
            where = fell_at(attempt) or ACCEPTED
            counts[number, before, where] += 1
            before = where
        if p.attempts and before != ACCEPTED:
            counts[len(p.attempts), before, REJECTED] += 1
    rows = [(number, source, target, count) for (number, source, target), count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["attempt", "source", "target", "count"])


def sankey(frame: pd.DataFrame, gates: Sequence[str] = ()) -> go.Figure:
    """Of `flows`: attempts from left to right, gates from top to bottom in the order of `gates`. What was accepted
    stays at the attempt that brought it."""
    title = "Where attempts go: accepted, or fallen at a gate and sent back with feedback"
    if frame.empty:
        return empty(title, "attempts")
    last = int(frame["attempt"].max())
    order = {name: place for place, name in enumerate((ACCEPTED, *gates))}
    nodes: dict[tuple[int, str], int] = {}
    flows_out: Counter[tuple[int, str]] = Counter()
    for attempt, source, target, count in frame.itertuples(index=False):
        nodes.setdefault((attempt - 1, source), len(nodes))
        # those that ended with fewer attempts than allowed still end in the same last column
        place = (last, target) if target == REJECTED else (attempt, target)
        nodes.setdefault(place, len(nodes))
        flows_out[place] += count
    total = int(frame.loc[frame["attempt"] == 0, "count"].sum())
    names, colours, xs, ranks, hover = [], [], [], [], list[str]()
    for (column, name), _ in nodes.items():
        count = total if name == "seeds" else flows_out[column, name]
        what = "tried" if name == "seeds" else name if name in (ACCEPTED, REJECTED) else f"fell at {name}"
        names.append(f"{label(what)} <b>{count:,}</b>")
        colours.append(QUIET if name == "seeds" else HELD if name == ACCEPTED else FELL)
        hover.append(
            f"<b>{label(what)}</b>, {'' if name in ('seeds', REJECTED) else attempt_name(column)}<br>{count:,}"
        )
        xs.append(0.001 + 0.998 * (column + 1) / (last + 1))
        ranks.append(order.get(name, len(order)))
    ys = _places(list(nodes), [flows_out[n] or total for n in nodes], ranks)
    links = [
        (nodes[a - 1, s], nodes[(last, t) if t == REJECTED else (a, t)], count, t == ACCEPTED)
        for a, s, t, count in frame.itertuples(index=False)
    ]
    told = [_hop(*row) for row in frame.itertuples(index=False, name=None)]
    meta = {"wide": True, "page": "blueprints", "leads": [flow_leads(frame)]}
    figure = canvas(title, 430, margin={"l": 8, "r": 8, "t": 92, "b": 16}, meta=meta)
    figure.add_sankey(
        arrangement="fixed",
        node={
            "label": [""] * len(names), "color": colours, "x": xs, "y": ys, "pad": 14, "thickness": 10,
            "line": {"width": 0},
            "customdata": hover, "hovertemplate": "%{customdata}<extra></extra>",
        },
        link={
            "source": [s for s, *_ in links], "target": [t for _, t, *_ in links],
            "value": [count for _, _, count, _ in links],
            "color": ["rgba(58,135,173,.42)" if held else "rgba(224,138,82,.34)" for *_, held in links],
            "customdata": told, "hovertemplate": "%{customdata}<extra></extra>",
        },
    )  # fmt: skip
    # plotly's own labels would be crossed by the ribbons
    for name, x, y, (column, what) in zip(names, xs, ys, nodes, strict=True):
        below = what == REJECTED
        figure.add_annotation(
            x=x, y=1 - y - (_scale(list(nodes), total) * flows_out[column, what] / 2 if below else 0), text=name,
            xref="paper", yref="paper", showarrow=False, bgcolor=PLATE, borderpad=1, font={"color": INK, "size": 11},
            xanchor="right" if below else "left", yanchor="top" if below else "middle", xshift=5 if below else 8,
            yshift=-4 if below else 0,
        )  # fmt: skip
    for column in range(last + 1):
        text = "in the end" if column == last and (last, REJECTED) in nodes else attempt_name(column)
        figure.add_annotation(
            x=(column + 1) / (last + 1), y=1, yshift=8, yanchor="bottom", text=text, showarrow=False, xref="paper",
            yref="paper", xanchor="right" if column == last else "center",
        )  # fmt: skip
    return figure.update_layout(title_subtitle=subtitle(legend("accepted", "fell, and what became of it")))


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
    came = "tried" if source == "seeds" else f"that fell at {label(source)}"
    went = label(target) if target in (ACCEPTED, REJECTED) else f"fell at {label(target)}"
    return f"{count:,} {came}<br>→ {went}{'' if target == REJECTED else f' in the {attempt_name(attempt)}'}"


def _places(nodes: list[tuple[int, str]], sizes: list[int], orders: list[int]) -> list[float]:
    """Vertical centres of the nodes, 0–1: in each column one below the other in the given order, as high as they are
    large, so that ribbons cross as little as they can."""
    scale, centres = _scale(nodes, max(sizes)), [0.5] * len(nodes)
    for column in {column for column, _ in nodes}:
        inside = sorted((i for i, (c, _) in enumerate(nodes) if c == column), key=lambda i: orders[i])
        top = 0.0
        for i in inside:
            height = sizes[i] * scale
            centres[i] = min(0.999, max(0.001, top + height / 2))
            top += height + GAP
    return centres


GAP = 0.05  # between the nodes of a column


def _scale(nodes: list[tuple[int, str]], total: int) -> float:
    """How high one blueprint is drawn."""
    most = max(Counter(column for column, _ in nodes).values())
    return (1 - GAP * (most - 1)) / total


def is_mended(verdict: Verdict, after: Attempt) -> bool:
    """Whether a failure is gone in the attempt that was given feedback on it. One that fell earlier was not looked at
    by this gate: that is no repair."""
    here = [v for v in after.verdicts if clean_name(v.gate) == clean_name(verdict.gate)]
    return bool(here) and all(v.passed or failure_kind(v) != failure_kind(verdict) for v in here)


def repairs(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """Per gate and kind of failure: how often it was answered with feedback (`attempted`), how often the next attempt
    no longer had it (`passed`, with its rate and interval), how often that attempt was `accepted at once`, how often
    any later one was (`accepted later`); `unanswered` failures had no attempt after them; `why` is an example."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for p in proposals:
        for number, attempt in enumerate(p.attempts):
            after = p.attempts[number + 1] if number + 1 < len(p.attempts) else None
            for key, v in {(clean_name(v.gate), failure_kind(v)): v for v in attempt.failures}.items():
                row = rows.setdefault(key, Counter())
                reasons.setdefault(key, failure_detail(v))
                if after is None:
                    row["unanswered"] += 1
                    continue
                row["attempted"] += 1
                row["passed"] += is_mended(v, after)
                row["accepted at once"] += after.accepted
                row["accepted later"] += p.accepted
    names = ("attempted", "passed", "accepted at once", "accepted later", "unanswered")
    found: list[dict[str, Any]] = [
        {"gate": key[0], "failure": key[1] or key[0], "why": reasons[key], **{name: counts[name] for name in names}}
        for key, counts in rows.items()
    ]
    found.sort(key=lambda row: -row["attempted"])
    return rates(found, ["gate", "failure", "why", "accepted at once", "accepted later", "unanswered"])


def repairs_figure(frame: pd.DataFrame, most: int = 14) -> go.Figure:
    """Of `repairs`: which failures were gone in the attempt that was given feedback on them."""
    answered = frame[frame["attempted"] > 0]
    top = answered.head(most)
    left = f" ({most} of {len(answered)} kinds)" if len(answered) > most else ""
    names = [f"{g}: {f}" if f != g else g for g, f in zip(top["gate"], top["failure"], strict=True)]
    title = f"Which failures feedback mends{left}"
    return held_and_fell(top, names, title, "failures answered with feedback", MENDED, mended_leads(top), "reflection")


MENDED = ("gone in the next attempt", "still there, or not reached")


def mended_leads(frame: pd.DataFrame) -> Leads:
    """Of `repairs`: the filters of the attempts that mended a failure and of those that did not, row by row."""
    names = [f"{gate}: {kind}" for gate, kind in zip(frame["gate"], frame["failure"], strict=True)]
    return [{"mended": name} for name in names], [{"not mended": name} for name in names]


def costs(proposals: Sequence[Proposal], prices: Mapping[str, Price] | None = None) -> pd.DataFrame:
    """What blueprints cost by what became of them: blueprints, attempts, model calls and (where they are known) tokens
    and dollars, in all and each. The last row divides all that was spent on seeds whose first try fell by those
    repaired. `prices` are those of the roles."""
    groups: dict[str, list[Proposal]] = {"accepted at the first try": []}
    for p in proposals:
        tries = len(p.attempts) - 1
        name = "rejected for good" if not p.accepted else attempt_name(tries) if tries else "accepted at the first try"
        groups.setdefault(f"repaired by {name}" if p.accepted and tries else name, []).append(p)
    rejected = groups.pop("rejected for good", [])
    repaired = [p for name in sorted(groups) if name.startswith("repaired") for p in groups[name]]
    named = [(name, groups[name]) for name in sorted(groups, key=lambda n: (n.startswith("repaired"), n))]
    rows = [_cost(name, group, len(group), prices or {}) for name, group in [*named, ("rejected for good", rejected)]]
    rows.append(_cost("all that fell first, per repaired one", [*repaired, *rejected], len(repaired), prices or {}))
    frame = pd.DataFrame(rows)
    unknown = [name for name in ("tokens", "dollars") if not frame[name].any()]
    return frame.drop(columns=[column for name in unknown for column in (name, f"{name} each")])


def _cost(name: str, group: Sequence[Proposal], divisor: int, prices: Mapping[str, Price]) -> dict[str, Any]:
    by_role = total_usage(group)
    used = sum(by_role.values(), Usage())
    spent = {"model calls": used.calls, "tokens": used.prompt + used.completion, "dollars": dollars(by_role, prices)}
    row: dict[str, Any] = {"outcome": name, "blueprints": len(group), "attempts": sum(len(p.attempts) for p in group)}
    for what, amount in spent.items():
        each = "calls each" if what == "model calls" else f"{what} each"
        row |= {what: amount, each: amount / divisor if divisor and amount is not None else None}
    return row


def headline(proposals: Sequence[Proposal]) -> str:
    """One sentence: what reflection brought."""
    seeds, accepted = len(proposals), sum(p.accepted for p in proposals)
    first = sum(p.accepted and len(p.attempts) == 1 for p in proposals)
    fallen, repaired = seeds - first, accepted - first
    if not fallen:
        return f"All {tasks_in_words(proposals)} were accepted at the first try: nothing was left to repair."
    return (
        f"Of {tasks_in_words(proposals)}, {first:,} were accepted at the first try; of the {fallen:,} that fell, "
        f"feedback repaired {repaired:,} ({share(repaired, fallen)} {interval(repaired, fallen)}), which raises the "
        f"yield from {share(first, seeds)} to {share(accepted, seeds)}."
    )
