"""Frames on the mix of a run: what was asked for and what came of it, by kind, behaviour and cause of failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from ..blueprints.defects import DEFECTS
from ..blueprints.difficulty import asked_and_measured
from ..blueprints.gate_bench import GOLD, INTACT, RIGHT_TASKS, Trial
from ..models.ledger import Price, dollars
from ..records import BEHAVIOURS, KINDS, LEVELS, Proposal, Trajectory, Usage
from ..storage.safe_text import clean, truncate
from ..world.domain import Domain
from .tables import interval, rates, share, tally, tally_outcomes, total_usage

NOWHERE = "nowhere: no accepted blueprint has a place for it"
ANY = "any plain gate"
ORDER: dict[str, tuple[str, ...]] = {"kind": KINDS, "behaviour": BEHAVIOURS}


def yields(proposals: Iterable[Proposal], by: Literal["kind", "behaviour"]) -> pd.DataFrame:
    """Per kind or behaviour: seeds that asked for it, and blueprints accepted."""
    return _ordered(tally(((str(getattr(p, by)), p.accepted) for p in proposals), by))


def successes(
    proposals: Iterable[Proposal], records: Iterable[Trajectory], by: Literal["kind", "behaviour"]
) -> pd.DataFrame:
    """Per kind or behaviour: conversations held, verified, and undecided."""
    asked = {p.id: str(getattr(p, by)) for p in proposals}
    return _ordered(tally_outcomes(((asked.get(t.blueprint, "unknown"), t.outcome) for t in records), by))


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Kinds or behaviours in the order in which they are defined, others behind them."""
    by = str(frame.columns[0])
    places = {name: place for place, name in enumerate(ORDER[by])}
    key = frame[by].map(lambda name: (places.get(name, len(places)), name))
    return frame.loc[key.sort_values().index].reset_index(drop=True)


def levels(proposals: Sequence[Proposal], domain: Domain) -> pd.DataFrame:
    """What was asked for against what came out: a row for each level that accepted blueprints came out at, a column for
    each that had been asked of them, and both shares."""
    counts = asked_and_measured(proposals, domain)
    table = pd.DataFrame({asked: [counts[asked, measured] for measured in LEVELS] for asked in LEVELS}, index=LEVELS)
    accepted, asked = int(table.to_numpy().sum()), Counter(p.level for p in proposals if not p.parts)
    shown = table.rename(columns={level: f"asked {level}" for level in LEVELS}).rename_axis("level")
    came = [f"{n:,} · {share(n, accepted)}" for n in table.sum(axis=1)]
    wanted = [f"{asked[level]:,} · {share(asked[level], sum(asked.values()))}" for level in LEVELS]
    return shown.assign(**{"seeds asked for it": wanted, "accepted came out so": came}).reset_index()


def recombined(proposals: Iterable[Proposal], records: Iterable[Trajectory]) -> pd.DataFrame:
    """Blueprints of one seed and of several parts: tried and accepted, conversations held, verified and
    undecided."""
    parts = {p.id: len(p.parts) or 1 for p in proposals}
    rows: dict[int, list[int]] = {}
    for p in proposals:
        row = rows.setdefault(parts[p.id], [0] * 5)
        row[0] += 1
        row[1] += p.accepted
    for t in records:
        row = rows.setdefault(parts.get(t.blueprint, 1), [0] * 5)
        row[2] += 1
        row[3] += t.success
        row[4] += t.undecided
    named = [("one seed" if n == 1 else f"{n} parts", *row) for n, row in sorted(rows.items())]
    return pd.DataFrame(named, columns=["made of", "tried", "accepted", "conversations", "verified", "undecided"])


def blames(records: Iterable[Trajectory]) -> pd.DataFrame:
    """Who caused failed conversations: per cause how many, told by evidence in the files or by a judge."""
    counts = Counter((t.blame.cause, t.blame.judged) for t in records if t.blame and not t.undecided)
    causes = sorted({cause for cause, _ in counts}, key=lambda c: -counts[c, False] - counts[c, True])
    rows = [
        {"cause": cause, "judged": counts[cause, True], "attempted": sum(counts[cause, j] for j in (True, False))}
        for cause in causes
    ]
    return rates([row | {"passed": 0} for row in rows], ["cause", "judged"])


def early_stop(proposals: Sequence[Proposal], judges: int) -> pd.DataFrame:
    """What the committee saved by not asking on once a result was settled. Tokens saved are the calls saved times the
    mean of a judge's call; where no tokens were counted (scripted model) there are only calls."""
    verdicts = [v for p in proposals for a in p.attempts for v in a.verdicts if v.votes]
    asked = sum(len(v.votes) for v in verdicts)
    used = total_usage(proposals).get("judge", Usage())
    whole = judges * len(verdicts)
    rows: list[tuple[str, Any]] = [
        ("blueprints judged", f"{len(verdicts):,}"),
        ("votes asked for", f"{asked:,} of {whole:,}"),
        ("votes saved", f"{whole - asked:,} · {share(whole - asked, whole)}"),
    ]
    if tokens := used.prompt + used.completion:
        saved = tokens / max(used.calls, 1) * (whole - asked)
        rows.append(("tokens saved, about", f"{saved:,.0f} beside {tokens:,} spent"))
    return pd.DataFrame(rows, columns=["committee", "count"])


def bench(trials: Iterable[Trial]) -> pd.DataFrame:
    """Of the gate bench: per kind of defect how many blueprints had it (0 where none has a place for it), how many the
    plain gates and how many the committee caught; `right` tasks, whose catches are false alarms, come last."""
    rows: dict[str, dict[str, Any]] = {}
    counts = dict.fromkeys(("planted", "gates", "committee", "any"), 0)
    for kind in DEFECTS:
        rows[kind.name] = {"defect": kind.name, "right": False, "decidable": kind.decidable, **counts}
    for trial in trials:
        own = {"defect": trial.defect, "right": trial.defect in RIGHT_TASKS, "decidable": trial.decidable}
        row = rows.setdefault(trial.defect, own | counts)
        caught = trial.caught_by
        row["planted"] += 1
        row["gates"] += any(gate != "committee" for gate in caught)
        row["committee"] += "committee" in caught
        row["any"] += bool(caught)
    last = {INTACT: 1, GOLD: 2}
    order = sorted(rows.values(), key=lambda row: (last.get(row["defect"], 0), not row["decidable"]))
    return pd.DataFrame(order)


def recall(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `bench`: the counts as percentages with intervals, for people."""
    shown = frame[["defect"]].copy()
    shown["can be decided by"] = ["execution" if d else "a reader" for d in frame["decidable"]]
    shown.loc[frame["right"], "can be decided by"] = "–"
    shown["planted"] = [f"{n:,}" if n else NOWHERE for n in frame["planted"]]
    for column, title in (("gates", "plain gates"), ("committee", "committee"), ("any", "together")):
        pairs = zip(frame[column], frame["planted"], strict=True)
        shown[title] = [f"{share(caught, n)} {interval(caught, n)}" if n else "–" for caught, n in pairs]
    return shown


def alarms(trials: Iterable[Trial]) -> pd.DataFrame:
    """Of the gate bench: what was failed of tasks that are right, by gate and cause, with one reason as an example."""
    right = [trial for trial in trials if trial.defect in RIGHT_TASKS]
    totals = Counter(trial.defect for trial in right)
    fell: Counter[tuple[str, str, str]] = Counter()
    reasons: dict[tuple[str, str, str], str] = {}
    for trial, verdict in ((t, v) for t in right for v in t.verdicts if v.gate in t.caught_by):
        cause = (trial.defect, verdict.gate, verdict.kind)
        fell[cause] += 1
        reasons.setdefault(cause, f"{trial.blueprint.id}: {clean(truncate(verdict.reason, 200))}")
    plain = Counter(trial.defect for trial in right if set(trial.caught_by) - {"committee"})
    rows = [(task, ANY, "–", plain[task], "") for task in totals]
    rows += [(*cause, count, reasons[cause]) for cause, count in fell.most_common()]
    rows.sort(key=lambda row: (RIGHT_TASKS.index(row[0]), row[1] != ANY))
    named = [
        (task, gate, cause, count, f"{share(count, totals[task])} {interval(count, totals[task])}", example)
        for task, gate, cause, count, example in rows
    ]
    return pd.DataFrame(named, columns=["task", "gate", "cause", "false alarms", "of all", "for example"])


def arms(study: Mapping[str, Sequence[Proposal]], prices: Mapping[str, Price] | None = None) -> pd.DataFrame:
    """Of the reflection study, per arm: seeds, tries made, accepted, the yield with its 95 % interval, and what it cost
    in model calls and, where they are known, in tokens and dollars per accepted blueprint. `prices` are those of the
    roles."""
    rows = []
    for arm, proposals in study.items():
        accepted = sum(p.accepted for p in proposals)
        by_role = total_usage(proposals)
        used = sum(by_role.values(), Usage())
        calls, tokens, cost = used.calls, used.prompt + used.completion, dollars(by_role, prices or {})
        rows.append(
            {
                "arm": arm,
                "attempted": len(proposals),
                "passed": accepted,
                "tries": sum(len(p.attempts) for p in proposals),
                "model calls": calls,
                "calls per accepted": calls / accepted if accepted else None,
                "tokens per accepted": tokens / accepted if accepted and tokens else None,
                "dollars per accepted": cost / accepted if accepted and cost is not None else None,
            }
        )
    per = ["calls per accepted", "tokens per accepted", "dollars per accepted"]
    return rates(rows, ["arm", "tries", "model calls", *per])


def arm_costs(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `arms`, for people: accepted of how many, and what each cost; what is not known has no column."""
    counts = zip(frame["passed"], frame["attempted"], strict=True)
    shown = frame[["arm", "tries", "model calls"]].assign(
        accepted=[f"{k:,} of {n:,} · {share(k, n)} {interval(k, n)}" for k, n in counts]
    )
    each = [f"{what} per accepted" for what in ("calls", "tokens", "dollars")]
    return shown.assign(**{name: frame[name] for name in each if frame[name].notna().any()})


def pairs(study: Mapping[str, Sequence[Proposal]], one: str, other: str) -> pd.DataFrame:
    """The same seeds in two arms: accepted in both, in one only, in neither."""
    first, second = ({p.id: p.accepted for p in study[arm]} for arm in (one, other))
    counts = Counter((first[id], second[id]) for id in first if id in second)
    named = {
        (True, True): "both",
        (True, False): f"only {one}",
        (False, True): f"only {other}",
        (False, False): "neither",
    }
    total = sum(counts.values())
    rows = [
        (name, counts[key], f"{share(counts[key], total)} {interval(counts[key], total)}")
        for key, name in named.items()
    ]
    return pd.DataFrame(rows, columns=["accepted in", "seeds", "share"])
