"""Pass rates: what each gate let pass, over all attempts or by attempt, tool, level, kind, behaviour or persona.

`judged` is made once of a run; everything else aggregates it, so that a change of view costs milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import pandas as pd
import plotly.graph_objects as go

from ..personas import AGES, TRAITS
from ..records import BEHAVIOURS, KINDS, LEVELS, Attempt, Proposal
from . import tables
from .figure import held_and_fell
from .text import short

Facet = Literal["attempt", "tool", "level", "kind", "behaviour", "persona", "failure"]
FACETS: tuple[Facet, ...] = get_args(Facet)
JUDGED = [
    "proposal", "attempt", "gate", "passed", "failure", "repaired", "accepted", "kind", "behaviour", "level", "tool",
    "persona",
]  # fmt: skip
ORDER: dict[str, tuple[str, ...]] = {"kind": KINDS, "behaviour": BEHAVIOURS, "level": LEVELS}
NO_CALL = "(no call)"
_TRAITS = (*AGES, *(phrase for phrases in TRAITS.values() for phrase in phrases))


def traits(persona: str) -> tuple[str, ...]:
    """The traits that a composed persona is made of; one that was read from a file is a single trait."""
    return tuple(phrase for phrase in _TRAITS if phrase in persona) or (short(persona) or "(none)",)


def tools_of(attempt: Attempt) -> tuple[str, ...]:
    """The tools of an attempt's groundtruth, each once."""
    names = dict.fromkeys(short(action.name) for action in attempt.blueprint.actions) if attempt.blueprint else {}
    return tuple(names) or (NO_CALL,)


def nth(attempt: int) -> str:
    """An attempt's number for people: the first try, then reflections."""
    return f"reflection {attempt}" if attempt else "first try"


def judged(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """One row for each attempt × gate that judged it, with what the seed asked for. `failure` is the kind of a failed
    verdict, "" of a passed one; `tool` and `persona` are tuples: the tools of the groundtruth, the persona's traits."""
    columns: dict[str, list[object]] = {name: [] for name in JUDGED}
    for p in proposals:
        last, persona = len(p.attempts) - 1, traits(p.persona)
        for number, attempt in enumerate(p.attempts):
            tools, what = tools_of(attempt), nth(number)
            for v in attempt.verdicts:
                failure = "" if v.passed else short(v.kind) or v.gate
                repaired = not v.passed and p.accepted and number < last
                row = (p.id, what, v.gate, v.passed, failure, repaired, p.accepted, p.kind, p.behaviour, p.level)
                for column, item in zip(JUDGED, (*row, tools, persona), strict=True):
                    columns[column].append(item)
    frame = pd.DataFrame(columns).astype({"passed": bool, "repaired": bool, "accepted": bool})
    grouped = ["attempt", "gate", "failure", "kind", "behaviour", "level"]
    return frame.astype(dict.fromkeys(grouped, "category"))


def gates(frame: pd.DataFrame) -> list[str]:
    """The gates of `judged` in the order in which they stand."""
    return tables.gate_order(frame.astype({"gate": object})) if len(frame) else []


def by(frame: pd.DataFrame, facet: Facet, gate: str | None = None) -> pd.DataFrame:
    """Of `judged`: per value of a facet how many attempts were judged and how many passed, at one gate or (None) at all
    that judged them; commonest first, an ordered facet in its own order. For "failure" only what fell is counted and
    `passed` is the number accepted later."""
    chosen = frame if gate is None else frame[frame["gate"] == gate]
    if facet == "failure":
        fallen = chosen[~chosen["passed"]]
        names = fallen["failure"].astype(str)
        if gate is None:
            names = fallen["gate"].astype(str) + ": " + names
        counts = fallen["repaired"].groupby(names.rename("failure"), sort=False).agg(["size", "sum"])
    else:
        chosen = _whole_attempts(chosen) if gate is None else chosen
        rows = chosen[[facet, "passed"]]
        rows = rows.explode(facet) if facet in ("tool", "persona") else rows
        counts = rows["passed"].groupby(rows[facet].astype(str), sort=False).agg(["size", "sum"])
    order = {name: place for place, name in enumerate(ORDER.get(facet, ()))}
    if facet == "attempt":
        order = {nth(n): n for n in range(len(counts))}
    named = sorted(counts.itertuples(name=None), key=lambda row: (order.get(row[0], 99), -row[1], row[0]))
    return tables.rates([{facet: name, "attempted": int(n), "passed": int(k)} for name, n, k in named], [facet])


def _whole_attempts(frame: pd.DataFrame) -> pd.DataFrame:
    """One row an attempt: it passed when all gates that judged it passed it."""
    keys = ["proposal", "attempt"]
    passed = frame.groupby(keys, sort=False, observed=True)["passed"].transform("all")
    return frame.assign(passed=passed).drop_duplicates(keys)


def steps(proposals: Iterable[Proposal], frame: pd.DataFrame) -> pd.DataFrame:
    """The gates of `judged` and, below the committee, its metrics: step, gate, attempted, passed, with intervals."""
    funnel, metrics = tables.funnel(frame.astype({"gate": object})), tables.metrics(proposals)
    rows = [{"step": row["gate"], "gate": row["gate"], **_counts(row)} for row in funnel.to_dict("records")]
    rows += [{"step": f"– {row['metric']}", "gate": "committee", **_counts(row)} for row in metrics.to_dict("records")]
    return tables.rates(rows, ["step", "gate"])


def _counts(row: dict[str, object]) -> dict[str, object]:
    return {"attempted": row["attempted"], "passed": row["passed"]}


def steps_figure(frame: pd.DataFrame) -> go.Figure:
    """Of `steps`: the funnel through gates and committee metrics."""
    title = "Through the gates, then metric by metric: every attempt"
    return held_and_fell(
        frame,
        frame["step"].tolist(),
        title,
        "attempts",
        facet="fell at",
        page="blueprints",
        values=frame["gate"].tolist(),
    )


def figure(frame: pd.DataFrame, gate: str | None = None, most: int = 24) -> go.Figure:
    """Of `by`: a gate (None: all together) by the values of one facet; a click on a bar leads to what fell there."""
    facet = str(frame.columns[0])
    place = f"“{gate}”" if gate else "all gates"
    also = {"fell at": gate} if gate else {}
    shown = frame.head(most)
    left = f" ({most} of {len(frame)})" if len(frame) > most else ""
    if facet == "failure":
        words, unit = ("accepted later", "never repaired"), "failed attempts"
        title = f"Why attempts fell at {place}{left}"
        values = [name if gate is None else f"{gate}: {name}" for name in shown["failure"]]
        return held_and_fell(
            shown, shown["failure"].tolist(), title, unit, words, facet="failure", page="blueprints", values=values
        )
    names = shown[facet].tolist()
    title = f"What {place} let pass, by {facet}{left}"
    if facet == "attempt":
        return held_and_fell(shown, names, title, "attempts", facet="fell in", page="blueprints", also=also)
    return held_and_fell(shown, names, title, "attempts", facet=facet, page="blueprints", also=also)
