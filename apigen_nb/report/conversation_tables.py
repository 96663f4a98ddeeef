"""Frames on conversations: how each ended and was judged, and what that adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from ..records import Finding, Trajectory, Verdict
from ..storage.safe_text import clean_name
from .shares import OPEN, UNASKED, rates, tally_outcomes

TRAJECTORIES = [
    "trajectory", "blueprint", "attempt", "success", "outcome", "ended", "turns", "calls", "divergence", "outputs told",
    "state reached", "noted",
]  # fmt: skip
ENDED = {
    "stop": "by the user, content",
    "transfer": "handed to a person",
    "max_steps": "step limit reached",
    "agent_error": "no answer for the agent",
    "user_error": "no answer for the user",
}
HELD = {"held": True, "fell": False}  # a check that is undecided or was not asked is neither


def verdict_about(trajectory: Trajectory, about: str) -> Verdict | None:
    """The verdict of a trajectory whose gate is about "state" or "output"; None when it was not judged."""
    return next((v for v in trajectory.verdicts if about in v.gate), None)


def trajectories(records: Iterable[Trajectory]) -> pd.DataFrame:
    """One row a trajectory: how it ended and was judged. `turns` are messages of the user, `calls` are tool calls;
    checks that were not made, not asked or are undecided are None (only conversations that ended are scored); `noted`
    is what counts against nobody, "repeated read 2"."""
    rows = []
    for t in records:
        told, reached = verdict_about(t, "output"), verdict_about(t, "state")
        turns = sum(message.role == "user" for message in t.messages)
        kind = t.divergence.kind if t.divergence else ""
        checks = [HELD.get(v.outcome) if v else None for v in (told, reached)]
        counts = (turns, len(t.calls), kind, *checks, noted(t))
        rows.append((t.id, t.blueprint, t.attempt, t.success, t.outcome, t.ended, *counts))
    return pd.DataFrame(rows, columns=TRAJECTORIES).astype({"success": bool})


def findings(trajectory: Trajectory, outcome: str = "") -> list[Finding]:
    """What its checks found, turn by turn; only what has this outcome where one is given."""
    found = [f for v in trajectory.verdicts for f in v.findings if outcome in ("", f.outcome)]
    return sorted(found, key=lambda finding: finding.turn)


def noted(trajectory: Trajectory) -> str:
    """What its checks only noted, as a small score: "repeated read 2 · unused read 1"."""
    counts = Counter(clean_name(finding.rule) for finding in findings(trajectory, "noted"))
    return " · ".join(f"{rule} {n}" for rule, n in sorted(counts.items()))


def attempts(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `trajectories`: per attempt number how many conversations were held, verified, and are undecided."""
    counts = tally_outcomes(zip(frame["attempt"], frame["outcome"], strict=True), "attempt")
    return counts.sort_values("attempt", ignore_index=True)


def ends(frame: pd.DataFrame, column: str = "ended") -> pd.DataFrame:
    """Of `trajectories`: per way to end the number verified, failed and undecided; per divergence that of the failed,
    where there was one."""
    some = frame[(frame["divergence"] != "") & (frame["outcome"] == "failed")] if column == "divergence" else frame
    return tally_outcomes(zip(some[column], some["outcome"], strict=True), column)


def checks(records: Iterable[Trajectory]) -> pd.DataFrame:
    """Per check, in the order in which they stand: how many conversations it judged, held, left undecided, and fell;
    and, not among the judged, how many it was not asked about since they fell elsewhere."""
    counts: dict[str, Counter[str]] = {}
    for verdict in (verdict for t in records for verdict in t.verdicts):
        counts.setdefault(clean_name(verdict.gate), Counter())[verdict.outcome] += 1
    rows = [
        {"check": name, "attempted": n.total() - n[UNASKED], "passed": n["held"], **{open_: n[open_] for open_ in OPEN}}
        for name, n in counts.items()
    ]
    return rates(rows, ["check"], OPEN)


def tool_use(records: Iterable[Trajectory]) -> pd.DataFrame:
    """Per tool in how many conversations it is called, and what came of those; commonest first."""
    called = ((name, t.outcome) for t in records for name in {clean_name(call.name) for call in t.calls})
    return tally_outcomes(called, "tool")


def selection(records: Sequence[Trajectory], rows: int) -> pd.DataFrame:
    """What remains of all conversations: the verified ones, and of these the distinct ones, which are the rows."""
    verified, undecided = sum(t.success for t in records), sum(t.undecided for t in records)
    steps = (("verified", len(records), verified, undecided), ("distinct", verified, rows, 0))
    named = [{"step": s, "attempted": n, "passed": k, "undecided": u} for s, n, k, u in steps if n]
    return rates(named, ["step"], ("undecided",))
