"""Pass rates: what each gate let pass, over all attempts or by attempt, tool, level, kind, behaviour or persona.

`judged` is made once of a run; everything else aggregates it, so that a change of view costs milliseconds. A bar counts
attempts, and leads to the blueprints that have such an attempt, by its `attempt_facets`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import pandas as pd
import plotly.graph_objects as go

from ..blueprints.personas import persona_traits
from ..records import BEHAVIOURS, KINDS, LEVELS, Attempt, Proposal, Verdict
from ..storage.safe_text import clean_name
from . import figure_notes, glossary, tables
from .figure_style import Leads, held_and_fell

Facet = Literal["attempt", "tool", "level", "kind", "behaviour", "persona", "failure"]
FACETS: tuple[Facet, ...] = get_args(Facet)
JUDGED = [
    "proposal", "attempt", "gate", "passed", "failure", "why", "repaired", "accepted", "kind", "behaviour", "level",
    "tool", "persona",
]  # fmt: skip
CALLED = {"level": "level of difficulty"}  # facets that need more than their name in a sentence
PASSED, FELL = "passed every gate", "fell"  # what came of an attempt as a whole
REPAIRED, REJECTED = "repaired by reflection", "rejected"
ORDER: dict[str, tuple[str, ...]] = {"kind": KINDS, "behaviour": BEHAVIOURS, "level": LEVELS}
NO_CALL = "(no call)"


def traits(persona: str) -> tuple[str, ...]:
    """The traits that a composed persona is made of; one that was read from a file is a single trait."""
    known = (value.say for values in persona_traits().values() for value in values)
    return tuple(phrase for phrase in known if phrase in persona) or (clean_name(persona) or "(none)",)


def tools_of(attempt: Attempt) -> tuple[str, ...]:
    """The tools of an attempt's groundtruth, each once."""
    names = dict.fromkeys(clean_name(action.name) for action in attempt.blueprint.actions) if attempt.blueprint else {}
    return tuple(names) or (NO_CALL,)


def attempt_name(attempt: int) -> str:
    """An attempt's number for people: the first try, then reflections."""
    return f"reflection {attempt}" if attempt else "first try"


def judged(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """One row for each attempt × gate that judged it, with what the seed asked for. `failure` is the kind of a failed
    verdict and `why` what stands behind it, "" of a passed one; `tool` and `persona` are tuples: the tools of the
    groundtruth, the persona's traits."""
    columns: dict[str, list[object]] = {name: [] for name in JUDGED}
    for p in proposals:
        last, persona = len(p.attempts) - 1, traits(p.persona)
        for number, attempt in enumerate(p.attempts):
            tools, what = tools_of(attempt), attempt_name(number)
            for v in attempt.verdicts:
                fell = ("", "") if v.passed else (tables.failure_kind(v) or v.gate, tables.failure_detail(v))
                repaired = not v.passed and p.accepted and number < last
                row = (p.id, what, v.gate, v.passed, *fell, repaired, p.accepted, p.kind, p.behaviour, p.level)
                for column, item in zip(JUDGED, (*row, tools, persona), strict=True):
                    columns[column].append(item)
    frame = pd.DataFrame(columns).astype({"passed": bool, "repaired": bool, "accepted": bool})
    grouped = ["attempt", "gate", "failure", "kind", "behaviour", "level"]
    return frame.astype(dict.fromkeys(grouped, "category"))


def gates(frame: pd.DataFrame) -> list[str]:
    """The gates of `judged` in the order in which they stand."""
    return tables.gate_order(frame.astype({"gate": object})) if len(frame) else []


def attempt_facets(attempt: Attempt, number: int) -> dict[str, str | list[str]]:
    """What an attempt can be found by: its number, the gates that it passed and fell at, its failures, the committee's
    metrics, the tools of its groundtruth, and what came of it."""
    found: dict[str, list[str]] = {
        name: [] for name in ("passed at", "fell at", "failure", "metric met", "metric not met")
    }
    for v in attempt.verdicts:
        found["passed at" if v.passed else "fell at"].append(clean_name(v.gate))
        if not v.passed:
            found["failure"].append(failure_name(v))
        for metric, score in v.scores.items():
            found["metric met" if score else "metric not met"].append(metric)
    came = PASSED if attempt.verdicts and not attempt.failures else FELL
    kept = {name: list(dict.fromkeys(values)) for name, values in found.items() if values}
    return {"attempt": attempt_name(number), "result": came, "tool": list(tools_of(attempt)), **kept}


def failure_name(verdict: Verdict) -> str:
    """A failure with its gate, "execution: order is not pending"."""
    return f"{clean_name(verdict.gate)}: {tables.failure_kind(verdict) or clean_name(verdict.gate)}"


def count_by(frame: pd.DataFrame, facet: Facet, gate: str | None = None) -> pd.DataFrame:
    """Of `judged`: per value of a facet how many attempts were judged and how many passed, at one gate or (None) at all
    that judged them, and of how many proposals these are (`passed of`, `fell of`); commonest first, an ordered facet in
    its own order. For "failure" only what fell is counted, `passed` is the number accepted later, and `why` an
    example."""
    chosen = frame if gate is None else frame[frame["gate"] == gate]
    if facet == "failure":
        fallen = chosen[~chosen["passed"]].reset_index(drop=True)
        names = fallen["failure"].astype(str)
        if gate is None:
            names = fallen["gate"].astype(str) + ": " + names
        counts = tables.count_passed(fallen.assign(passed=fallen["repaired"]), names.rename("failure"))
        reasons = fallen["why"].groupby(names).first()
        return counts.assign(why=[str(reasons[name]) for name in counts["failure"]])
    chosen = _whole_attempts(chosen) if gate is None else chosen
    rows = chosen[[facet, "passed", "proposal"]]
    rows = (rows.explode(facet) if facet in ("tool", "persona") else rows).reset_index(drop=True)
    counts = tables.count_passed(rows, rows[facet].astype(str))
    order = {name: place for place, name in enumerate(ORDER.get(facet, ()))}
    if facet == "attempt":
        order = {attempt_name(n): n for n in range(len(counts))}
    return counts.sort_values(facet, key=lambda names: names.map(order).fillna(99), kind="stable", ignore_index=True)


def _whole_attempts(frame: pd.DataFrame) -> pd.DataFrame:
    """One row an attempt: it passed when all gates that judged it passed it."""
    keys = ["proposal", "attempt"]
    passed = frame.groupby(keys, sort=False, observed=True)["passed"].transform("all")
    return frame.assign(passed=passed).drop_duplicates(keys)


def funnel_steps(proposals: Iterable[Proposal], frame: pd.DataFrame) -> pd.DataFrame:
    """The gates of `judged` and, below the committee, its metrics ("" in the row of a gate): step, gate, metric,
    attempted, passed, with intervals."""
    funnel, metrics = tables.funnel(frame.astype({"gate": object})), tables.metrics(proposals)
    gates = funnel.assign(step=funnel["gate"], metric="")
    found = metrics.assign(step=[f"– {name}" for name in metrics["metric"]], gate="committee")
    whole = pd.concat([gates, found], ignore_index=True) if len(found) else gates
    return whole[["step", *(name for name in whole.columns if name != "step")]]


def step_leads(frame: pd.DataFrame) -> Leads:
    """Of `funnel_steps`: the filters of what passed at a gate, or met a metric, and of what did not, row by row."""
    gates, metrics = frame["gate"].tolist(), frame["metric"].tolist()
    held = [{"metric met": m} if m else {"passed at": gate} for gate, m in zip(gates, metrics, strict=True)]
    fell = [{"metric not met": m} if m else {"fell at": gate} for gate, m in zip(gates, metrics, strict=True)]
    return held, fell


def steps_figure(frame: pd.DataFrame) -> go.Figure:
    """Of `funnel_steps`: the funnel through gates and committee metrics."""
    title, names = "Through the gates, then metric by metric: every attempt", frame["step"].tolist()
    frame = frame.assign(
        why=glossary.meanings([m or gate for m, gate in zip(frame["metric"], frame["gate"], strict=True)], "gate")
    )
    return held_and_fell(
        frame, names, title, "attempts", leads=step_leads(frame), page="blueprints", note=figure_notes.AT_GATES
    )


def leads(frame: pd.DataFrame, gate: str | None = None) -> Leads:
    """Of `count_by`: the filters of what passed and of what fell at a gate (None: at all of them), row by row."""
    facet = str(frame.columns[0])
    values = [str(value) for value in frame[facet]]
    if facet == "failure":
        full = values if gate is None else [f"{clean_name(gate)}: {value}" for value in values]
        return [{facet: v, "outcome": REPAIRED} for v in full], [{facet: v, "outcome": REJECTED} for v in full]
    held, fell = ({"result": PASSED}, {"result": FELL}) if gate is None else ({"passed at": gate}, {"fell at": gate})
    return [{facet: value, **held} for value in values], [{facet: value, **fell} for value in values]


def figure(frame: pd.DataFrame, gate: str | None = None, most: int = 24) -> go.Figure:
    """Of `count_by`: a gate (None: all together) by the values of a facet; a click on a bar leads to what it counts."""
    facet = str(frame.columns[0])
    place = f"“{gate}”" if gate else "all gates"
    shown = frame.head(most)
    left = f" (the first {most} of {len(frame)})" if len(frame) > most else ""
    names, asked = shown[facet].tolist(), leads(shown, gate)
    if facet == "failure":
        words, unit = ("accepted later", "never repaired"), "failed attempts"
        title = f"Why attempts fell at {place}{left}"
        none = f"none fell at {place}"
        return held_and_fell(
            shown, names, title, unit, words, asked, "blueprints", note=figure_notes.SEVERAL, missing=none
        )
    title = f"What {place} let pass, by {CALLED.get(facet, facet)}{left}"
    return held_and_fell(shown, names, title, "attempts", leads=asked, page="blueprints")
