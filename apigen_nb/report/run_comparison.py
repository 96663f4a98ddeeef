"""Several runs side by side: yields with intervals, costs, lengths, and what was set differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ..models.ledger import dollars, run_prices
from ..records import Usage
from . import charts, mixture_tables, pass_rates, pieces, tables
from .figure_style import canvas, empty, in_rows, interval_bars, label, subtitle
from .run_contents import RunContents
from .tables import interval, share, wilson

# Told apart by colour-blind people, on light and on dark, and none that means held or fell; each run also has a mark
COLOURS = ("#6b7683", "#9467bd", "#00917a", "#c0608f", "#a08020", "#6f8f3a")
MARKS = ("circle", "diamond", "square", "triangle-up", "cross", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

APART = (
    "Their domains differ ({}), and with them how hard tasks are: a higher share in one says nothing about its models "
    "or settings. To compare those, run both on the same domain."
)


def names(runs: Sequence[RunContents]) -> list[str]:
    """A name for each run: its folder's, with the folder above where two are called the same."""
    plain = [run.name for run in runs]
    paths = [Path(run.folder).resolve() for run in runs]
    return [f"{p.parent.name}/{n}" if plain.count(n) > 1 else n for n, p in zip(plain, paths, strict=True)]


def named_runs(runs: Sequence[RunContents]) -> dict[str, RunContents]:
    """Runs by the `names` that they have beside each other."""
    return dict(zip(names(runs), runs, strict=True))


def shares(runs: Mapping[str, RunContents]) -> pd.DataFrame:
    """A row for each run and step: how many there were, how many came through, the share and its 95 % interval."""
    rows: list[dict[str, Any]] = []
    for name, run in runs.items():
        first = sum(p.accepted and len(p.attempts) == 1 for p in run.proposals)
        accepted, verified = sum(p.accepted for p in run.proposals), sum(t.success for t in run.trajectories)
        reached = len({t.blueprint for t in run.trajectories if t.success})
        seeds = len(run.proposals)
        steps = {
            "accepted at the first try, of all tried": (first, seeds),
            "repaired, of those that fell first": (accepted - first, seeds - first),
            "accepted blueprints, of all tried": (accepted, seeds),
            "verified, of conversations": (verified, len(run.trajectories)),
            "with a verified one, of accepted": (reached, accepted),
        }
        rows += [{"run": name, "step": s, "attempted": n, "passed": k} for s, (k, n) in steps.items()]
    return tables.rates(rows, ["run", "step"])


def shares_by(runs: Mapping[str, RunContents], what: str) -> pd.DataFrame:
    """A row for each run and gate (`what` is "gate") or kind of task (blueprints accepted, "kind")."""
    frames = []
    for name, run in runs.items():
        if what == "gate":
            counted = tables.funnel(tables.verdicts(run.proposals)).rename(columns={"gate": "step"})
        else:
            counted = mixture_tables.yields(run.proposals, "kind").rename(columns={"kind": "step"})
        frames.append(counted.assign(run=name))
    return pd.concat(frames, ignore_index=True)


def shares_figure(frame: pd.DataFrame, title: str) -> go.Figure:
    """Of `shares` or `by`: a line a step, a mark a run, with 95 % intervals."""
    known = frame[frame["attempted"] > 0]
    if known.empty:
        return empty(title, "runs with counts", "none of these runs came so far")
    steps, runs = list(dict.fromkeys(known["step"])), list(dict.fromkeys(known["run"]))
    each = 22 + 13 * len(runs)  # pixels of a step: its runs stand closer to each other than to the next step's
    gap = 13 / each
    drawn = canvas(title, 120 + len(steps) * each, margin={"t": 70, "b": 44, "r": 20})
    for number, run in enumerate(runs):
        own = known[known["run"] == run]
        places = [steps.index(step) + gap * (number - (len(runs) - 1) / 2) for step in own["step"]]
        told = [
            f"<b>{label(run)}</b>, {label(s)}<br>{k:,} of {n:,} · {share(k, n)} {interval(k, n)}"
            for s, k, n in zip(own["step"], own["passed"], own["attempted"], strict=True)
        ]
        rate, low, high = (100 * own[name] for name in ("rate", "low", "high"))
        drawn.add_scatter(
            x=rate.tolist(), y=places, mode="markers", name=label(run, 30), hovertext=told,
            marker={"size": 9, "color": COLOURS[number % 6], "symbol": MARKS[number % 6]}, hoverinfo="text",
            error_x=interval_bars(rate, low, high, thickness=1.6, width=4),
        )  # fmt: skip
    drawn.update_xaxes(range=[-1, 101], title_text="%", nticks=6, tickangle=0)
    for line in range(1, len(steps)):
        drawn.add_hline(line - 0.5, line={"color": "rgba(128,138,150,.22)", "width": 1})
    return in_rows(_with_legend(drawn, "●◆■▲✚✖", runs), steps)


def _with_legend(drawn: go.Figure, signs: Sequence[str], runs: Iterable[str]) -> go.Figure:
    # a legend of plotly's would take its room from the figure
    words = [
        f"<span style='color:{COLOURS[n % 6]}'>{signs[n % 6]}</span> {label(run, 30)}" for n, run in enumerate(runs)
    ]
    return drawn.update_layout(title_subtitle=subtitle("   ".join(words)))


def lengths_figure(runs: Mapping[str, RunContents], measure: str) -> go.Figure:
    """How conversations are distributed over a measure of `spread`, a line a run, in per cent of the run."""
    unit = charts.MEASURES[measure]
    title = f"{unit[0].upper()}{unit[1:]}, run by run"
    held = {name: run for name, run in runs.items() if run.trajectories}
    if not held:
        return empty(title, "conversations", "none of these runs held any")
    values = {name: run.conversations[0][measure] for name, run in held.items()}
    low, high = min(int(v.min()) for v in values.values()), max(int(v.max()) for v in values.values())
    step = max(1, -(-(high - low + 1) // 24))
    slots = range((high - low) // step + 1)
    drawn = canvas(title, 280, margin_t=70, yaxis_title_text="% of conversations")
    for number, (name, own) in enumerate(values.items()):
        counts = ((own - low) // step).value_counts()
        heights = [100 * int(counts.get(slot, 0)) / len(own) for slot in slots]
        starts = [low + step * slot for slot in slots]
        told = [
            f"<b>{label(name)}</b><br>{n:,}{'' if step == 1 else f'–{n + step - 1:,}'} {unit}: {h:.1f} %"
            for n, h in zip(starts, heights, strict=True)
        ]
        drawn.add_scatter(
            x=[n + (step - 1) / 2 for n in starts], y=heights, mode="lines", name=label(name, 30), hovertext=told,
            line={"color": COLOURS[number % 6], "dash": DASHES[number % 6], "shape": "hvh"}, hoverinfo="text",
        )  # fmt: skip
    drawn.update_xaxes(title_text=unit, showgrid=False, nticks=12)
    drawn.update_yaxes(rangemode="tozero", nticks=5)
    return _with_legend(drawn, ("━━", "╍╍", "┅┅", "━╍", "━ ━", "━ ╍"), held)


def numbers(runs: Mapping[str, RunContents]) -> pd.DataFrame:
    """A row for each figure that a run is judged by, a column a run: counts, shares with intervals, cost."""
    columns: dict[str, dict[str, str]] = {}
    for name, run in runs.items():
        figures = {k: f"{v} · {beside}" for k, (v, beside) in _key(run).items()}
        figures["undecided trajectories"] = undecided_share(run)
        by_role = tables.total_usage([*run.proposals, *run.trajectories])
        used = sum(by_role.values(), Usage())
        calls, tokens = used.calls, used.prompt + used.completion
        accepted, verified = sum(p.accepted for p in run.proposals), sum(t.success for t in run.trajectories)
        made = sum(u.calls for u in tables.total_usage(run.proposals).values())
        figures["model calls"] = f"{calls:,}"
        figures["calls per accepted blueprint"] = f"{made / accepted:,.1f}" if accepted else "–"
        figures["calls per verified trajectory"] = f"{calls / verified:,.1f}" if verified else "–"
        figures["tokens"] = f"{tokens:,}" if tokens else "not counted"
        figures["tokens per verified trajectory"] = f"{tokens / verified:,.0f}" if tokens and verified else "–"
        cost = dollars(by_role, run_prices(run.manifest))
        figures["cost"] = "no price" if cost is None else f"${cost:,.2f}"
        figures["cost per verified trajectory"] = "–" if cost is None or not verified else f"${cost / verified:,.4f}"
        columns[name] = figures
    rows = dict.fromkeys(key for figures in columns.values() for key in figures)
    table = [(key, *(figures.get(key, "–") for figures in columns.values())) for key in rows]
    return pd.DataFrame(table, columns=["figure", *columns])


def undecided_share(run: RunContents) -> str:
    """How many of a run's conversations are undecided, and of how many: "3 · 2.5 % [0.9–7.1] of 120"."""
    n, total = sum(t.undecided for t in run.trajectories), len(run.trajectories)
    return f"{n:,} · {share(n, total)} {interval(n, total)} of {total:,} conversations" if total else "–"


def _key(run: RunContents) -> dict[str, tuple[str, str]]:
    figures = tables.key_figures(run.proposals, run.trajectories, run.rows)
    figures.pop("tokens", None)
    return figures


def changes(runs: Mapping[str, RunContents]) -> pd.DataFrame:
    """What of `run.json` differs between the runs: parameters, models, the domain, prompts, versions."""
    flat = {name: dict(_flat(run.manifest)) for name, run in runs.items()}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    rows = []
    for key in keys:
        values = [values.get(key, "–") for values in flat.values()]
        if len(set(values)) > 1:
            rows.append((key, *values))
    return pd.DataFrame(rows, columns=["setting", *flat])


def _flat(run: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for group in ("parameters", "models", "domain", "prompts", "versions"):
        values = run.get(group) or {}
        yield from _leaves(group, values)


def _leaves(path: str, item: Any) -> Iterable[tuple[str, str]]:
    if isinstance(item, Mapping) and item:
        for key, part in item.items():
            yield from _leaves(f"{path}.{key}", part)
    else:
        yield path.removeprefix("parameters."), pieces.value(item, 160)


def same_seeds(runs: Mapping[str, RunContents]) -> pd.DataFrame:
    """Of two runs on the same seeds: accepted in both, in one only, in neither. Empty when the seeds differ."""
    one, other = list(runs)[:2]
    seeds = [{(p.id, p.user, p.walk) for p in runs[name].proposals} for name in (one, other)]
    if len(runs) != 2 or not seeds[0] & seeds[1] or one == other:
        return pd.DataFrame()
    common = {id for id, _, _ in seeds[0] & seeds[1]}
    study = {name: [p for p in runs[name].proposals if p.id in common] for name in (one, other)}
    return mixture_tables.pairs(study, one, other)


def sentence(runs: Mapping[str, RunContents]) -> str:
    """Which run gave the most, and whether the intervals leave room for chance."""
    yields = {
        name: (sum(p.accepted for p in run.proposals), len(run.proposals))
        for name, run in runs.items()
        if run.proposals
    }
    if len(yields) < 2:
        return "There are not two runs with blueprints to compare."
    best, next_ = sorted(yields, key=lambda name: -yields[name][0] / yields[name][1])[:2]
    told = [f"{name} accepted {k:,} of {n:,} ({share(k, n)} {interval(k, n)})" for name, (k, n) in yields.items()]
    domains = {name: runs[name].proposals[0].domain for name in yields}
    if len(set(domains.values())) > 1:
        are = ", ".join(f"{name} of {domain}" for name, domain in domains.items())
        return f"{'; '.join(told)}. {APART.format(are)}"
    if yields[best][0] * yields[next_][1] == yields[next_][0] * yields[best][1]:
        return f"{'; '.join(told)}. {best} and {next_} accept the same share."
    apart = wilson(*yields[best])[0] > wilson(*yields[next_])[1]
    chance = (
        f"{best} is ahead of the next, {next_}, by more than chance: their 95 % intervals do not overlap."
        if apart
        else f"{best} is highest; its 95 % interval overlaps that of {next_}, so chance may explain the difference."
    )
    return f"{'; '.join(told)}. {chance}"


def failures_by_gate(runs: Mapping[str, RunContents]) -> pd.DataFrame:
    """A row a gate, a column a run: why most attempts fell there."""
    columns = {}
    for name, run in runs.items():
        frame = pass_rates.judged(run.proposals)
        found = {}
        for gate in pass_rates.gates(frame):
            why = pass_rates.count_by(frame, "failure", gate)
            top = why.head(3).to_dict("records")
            found[gate] = "; ".join(f"{row['failure']} ({row['attempted']:,})" for row in top) or "none fell"
        columns[name] = found
    gates = dict.fromkeys(gate for found in columns.values() for gate in found)
    rows = [(gate, *(found.get(gate, "–") for found in columns.values())) for gate in gates]
    return pd.DataFrame(rows, columns=["gate", *columns])
