"""What reflection is worth: which failures feedback repairs, and what a repaired blueprint costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ..models.ledger import Price, dollars
from ..records import Attempt, Proposal, Usage, Verdict
from ..storage.safe_text import clean_name
from .attempt_flow import ACCEPTED, REJECTED, fell_at, flow_leads, flows, sankey
from .figure_style import Leads, held_and_fell
from .pass_rates import attempt_name
from .tables import failure_detail, failure_kind, interval, rates, share, tasks_in_words, total_usage

__all__ = ["ACCEPTED", "REJECTED", "fell_at", "flow_leads", "flows", "sankey"]  # besides what is below


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
    left = f" (the {most} commonest of {len(answered)})" if len(answered) > most else ""
    names = [f"{g}: {f}" if f != g else g for g, f in zip(top["gate"], top["failure"], strict=True)]
    title = f"Which failures feedback mends{left}"
    unit, asked, note = "failures answered with feedback", mended_leads(top), "gone is not yet accepted"
    return held_and_fell(top, names, title, unit, MENDED, asked, "reflection", note=note)


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
        name = REJECTED if not p.accepted else attempt_name(tries) if tries else "accepted at the first try"
        groups.setdefault(f"repaired by {name}" if p.accepted and tries else name, []).append(p)
    rejected = groups.pop(REJECTED, [])
    repaired = [p for name in sorted(groups) if name.startswith("repaired") for p in groups[name]]
    named = [(name, groups[name]) for name in sorted(groups, key=lambda n: (n.startswith("repaired"), n))]
    rows = [_cost(name, group, len(group), prices or {}) for name, group in [*named, (REJECTED, rejected)]]
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
