"""Records as pandas frames: one row a verdict, a gate, a reflection round, a trajectory. Nothing here draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ..records import METRICS, Proposal, Role, Trajectory, Usage, Verdict
from ..storage.safe_text import clean, clean_name, truncate_with_note
from .conversation_tables import (
    ENDED,
    attempts,
    checks,
    ends,
    findings,
    noted,
    selection,
    tool_use,
    trajectories,
    verdict_about,
)
from .domain_tables import links, rules, sample, sizes, tools, writing
from .shares import interval, rates, share, tally, tally_outcomes, wilson

__all__ = [
    "ENDED", "attempts", "checks", "ends", "findings", "interval", "links", "noted", "rates", "rules", "sample",
    "selection", "share", "sizes", "tally", "tally_outcomes", "tool_use", "tools", "trajectories", "verdict_about",
    "wilson", "writing",
]  # fmt: skip

VERDICTS = ["proposal", "attempt", "gate", "passed", "kind", "reason", "repaired"]


def failure_kind(verdict: Verdict) -> str:
    """What a failed verdict found, in a few words; "" of one that passed without a word."""
    kind = clean_name(verdict.kind)
    return f"not a “{kind[4:]}” task" if verdict.gate == "kind" and kind.startswith("not ") else kind


def failure_detail(verdict: Verdict) -> str:
    """What stands behind a failure: the rule that was broken, else the reason that was given."""
    before, breaks, text = verdict.reason.partition("breaks the rule: ")
    return f"the rule: {clean_name(text.split('; action ')[0])}" if breaks else f"for example: {clean_name(before)}"


def verdicts(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """One row for each attempt × gate that judged it. `attempt` counts from 0, which is the first try; `repaired` says
    that the gate failed it and a later attempt of the same proposal was accepted."""
    rows = []
    for proposal in proposals:
        last = len(proposal.attempts) - 1
        for number, attempt in enumerate(proposal.attempts):
            for v in attempt.verdicts:
                repaired = not v.passed and proposal.accepted and number < last
                # pandas keeps texts in Arrow, which takes no lone surrogates; a model's text may hold some
                rows.append(
                    (
                        proposal.id,
                        number,
                        v.gate,
                        v.passed,
                        failure_kind(v),
                        clean(truncate_with_note(v.reason)),
                        repaired,
                    )
                )
    return pd.DataFrame(rows, columns=VERDICTS).astype({"passed": bool, "repaired": bool})


def gate_order(frame: pd.DataFrame) -> list[str]:
    """Of `verdicts`: the gates in the order in which they stand."""
    # The attempt that came furthest shows the gates in the order in which they stand.
    if frame.empty:
        return []
    sizes = frame.groupby(["proposal", "attempt"], sort=False).size().sort_values(ascending=False, kind="stable")
    longest = frame.set_index(["proposal", "attempt"]).loc[[sizes.index[0]], "gate"]
    return list(dict.fromkeys([*longest, *frame["gate"]]))


def gates_of(proposals: Iterable[Proposal]) -> list[str]:
    """The gates that judged any attempt, in the order in which they stand."""
    judged = [[v.gate for v in attempt.verdicts] for proposal in proposals for attempt in proposal.attempts]
    return list(dict.fromkeys([*max(judged, key=len, default=()), *(gate for gates in judged for gate in gates)]))


def funnel(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `verdicts`: per gate how many attempts it judged and how many it let pass, in the order of the gates, and of
    how many proposals these are."""
    return count_passed(frame, frame["gate"], gate_order(frame))


def count_passed(frame: pd.DataFrame, by: pd.Series, order: Iterable[str] | None = None) -> pd.DataFrame:
    """Rows with a proposal and whether it passed, counted by the values of a column, commonest first or in an order:
    attempted and passed, and of how many proposals (`passed of`, `fell of`) these are."""
    name = str(by.name)
    keys, names = pd.factorize(by)
    who, passed = pd.factorize(frame["proposal"])[0], frame["passed"].to_numpy(dtype=bool)
    found = [np.unique(np.column_stack([keys[side], who[side]]), axis=0)[:, 0] for side in (passed, ~passed)]
    columns = [np.bincount(k, minlength=len(names)) for k in (*found, keys, keys[passed])]
    counts = {str(key): tuple(int(column[n]) for column in columns) for n, key in enumerate(names)}
    if order is None:
        order = sorted(counts, key=lambda key: (-counts[key][2], key))
    fields = ("passed of", "fell of", "attempted", "passed")
    rows = [{name: key, **dict(zip(fields, counts[key], strict=True))} for key in order]
    return rates(rows, [name, "passed of", "fell of"])


def metrics(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """Per judge metric: how many committee verdicts scored it, how many found it met by majority, and of how many
    proposals these are."""
    frame = scored(proposals)
    return count_passed(frame, frame["metric"], [name for name in METRICS if name in set(frame["metric"])])


def scored(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """One row for each committee verdict × metric whose votes settled it: proposal, attempt, metric, and whether the
    majority found it met (`passed`)."""
    rows = [
        (proposal.id, number, metric, bool(score))
        for proposal in proposals
        for number, attempt in enumerate(proposal.attempts)
        for verdict in attempt.verdicts
        for metric, score in verdict.scores.items()
    ]
    return pd.DataFrame(rows, columns=["proposal", "attempt", "metric", "passed"]).astype({"passed": bool})


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `verdicts`: per gate and kind how often it failed an attempt, and how many of those were accepted later."""
    fallen = frame[~frame["passed"]]
    counts = fallen.groupby(["gate", "kind"], sort=False)["repaired"].agg(["size", "sum"]).reset_index()
    counts.columns = ["gate", "kind", "count", "repaired"]
    counts = counts.astype({"count": int, "repaired": int})
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def rounds(proposals: Sequence[Proposal]) -> pd.DataFrame:
    """Per reflection round (0 is the first try): proposals tried, accepted in it, accepted so far, and the yield so far
    over all proposals with its 95 % interval."""
    total = len(proposals)
    tried = Counter(number for p in proposals for number in range(len(p.attempts)))
    accepted = Counter(len(p.attempts) - 1 for p in proposals if p.accepted)
    rows, so_far = [], 0
    for number in range(max(tried, default=-1) + 1):
        so_far += accepted[number]
        low, high = wilson(so_far, total)
        rows.append((number, tried[number], accepted[number], so_far, total, so_far / total, low, high))
    return pd.DataFrame(rows, columns=["round", "tried", "accepted", "so far", "proposals", "yield", "low", "high"])


def total_usage(records: Iterable[Proposal | Trajectory]) -> dict[Role, Usage]:
    """Tokens per role, summed."""
    names, totals = tuple(Usage.model_fields), dict[Role, list[int]]()
    for record in records:  # in plain numbers: a record for each sum would take longer than reading them
        for role, used in record.usage.items():
            known = totals.setdefault(role, [0] * len(names))
            for place, name in enumerate(names):
                known[place] += getattr(used, name)
    return {role: Usage(**dict(zip(names, known, strict=True))) for role, known in totals.items()}


def usage(records: Iterable[Proposal | Trajectory]) -> pd.DataFrame:
    """`total_usage` as a frame: one row a role. Where no tokens were counted (scripted model) there are only calls."""
    rows = [(role, *used.model_dump().values()) for role, used in total_usage(records).items()]
    frame = pd.DataFrame(rows, columns=["role", "model calls", "prompt tokens", "of these cached", "answer tokens"])
    counted = bool(frame[["prompt tokens", "answer tokens"]].to_numpy().sum())
    return frame if counted else frame[["role", "model calls"]]


def tasks_in_words(proposals: Sequence[Proposal]) -> str:
    """How many tasks were tried, in words: "200 seeds and 20 recombined tasks"."""
    mixed = sum(bool(p.parts) for p in proposals)
    seeds = f"{len(proposals) - mixed:,} seeds"
    return f"{seeds} and {mixed:,} recombined tasks" if mixed else seeds


def key_figures(
    proposals: Sequence[Proposal], records: Sequence[Trajectory], rows: int | None = None
) -> dict[str, tuple[str, str]]:
    """What a report opens with: label → (figure, what stands beside it). `rows` is the size of the dataset."""
    seeds, accepted = len(proposals), sum(p.accepted for p in proposals)
    mixed, domain = sum(bool(p.parts) for p in proposals), proposals[0].domain if proposals else "no domain"
    first = sum(p.accepted and len(p.attempts) == 1 for p in proposals)
    tried, verified = "tried" if mixed else "seeds", sum(t.success for t in records)
    figures = {
        "seeds": (f"{seeds - mixed:,}", f"{domain}, and {mixed:,} recombined" if mixed else domain),
        "accepted blueprints": _part(accepted, seeds, tried),
        "accepted at the first try": _part(first, seeds, tried),
        "repaired by reflection": _part(accepted - first, seeds - first, "that fell first"),
    }
    if records:
        reached = len({t.blueprint for t in records if t.success})
        figures["verified trajectories"] = _part(verified, len(records), "conversations")
        if undecided := sum(t.undecided for t in records):
            figures["undecided trajectories"] = (f"{undecided:,}", "nothing fell, a question is open")
        figures["blueprints with a verified one"] = _part(reached, accepted, "accepted")
    if rows is not None:
        figures["rows in the dataset"] = (f"{rows:,}", "verified trajectories, less what is left out")
    spent = [*total_usage(proposals).values(), *total_usage(records).values()]
    if tokens := sum(u.prompt + u.completion for u in spent):
        each = f"{tokens / verified:,.0f} per verified trajectory" if verified else "no verified trajectory"
        figures["tokens"] = (f"{tokens / 1e6:,.2f} M" if tokens >= 1e6 else f"{tokens:,}", each)
    return figures


def _part(count: int, total: int, of: str) -> tuple[str, str]:
    """A key figure that is part of another one."""
    return f"{count:,}", f"{share(count, total)} {interval(count, total)} of {total:,} {of}"
