"""What a run will cost before it is paid for: calls, tokens, dollars and time, each with an interval.

Measured on a few of the run's own seeds, or read from an earlier run; without a key a rough one, see `rough_estimate`.
A trial plays a stated share: the first seeds, a quarter of them at most, and one conversation for each blueprint. Its
replies are kept in the run's own folder, and the first seeds and conversations of a run are the same however many
follow, so what a trial pays for is not paid again.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..blueprints.propose import propose_all
from ..models.ledger import Reply, add_up, price_table
from ..models.reply_cache import count_requests, read_replies
from ..records import Proposal, Record, Trajectory, Usage
from ..storage.jsonl import read_lines, write_whole
from ..storage.progress_watch import show_progress
from ..storage.run_folder import ESTIMATE, Run, relocate_paths
from ..trajectories.converse import converse_all
from ..world.domain import Domain
from . import UsageError
from .params import Params
from .runner import models_of
from .stage import Stage

TRIAL = 8  # seeds; half the error of 2, an eighth of the price of 64
LEAST, MOST = 2, 4  # seeds: one says nothing of the spread; and no more than one in so many where that leaves enough
# Seeds that a recombined task costs like where none was measured: 0.3 of a seed's drafts, 2.2 of its conversations.
RECOMBINED = 2
SHARE = 0.9  # of the intervals
COUNTS = ("requests", "prompt tokens", "cached tokens", "completion tokens", "dollars")
YIELDS = ("accepted blueprints", "verified trajectories")
PHASES = ("phase 1", "phase 2")  # seconds


class Range(Record):
    """An expected total and the bounds that it stays within nine times of ten."""

    low: float
    expected: float
    high: float


class Trial(Record):
    """What was played for an estimate: so many seeds, one conversation for each accepted blueprint, the requests that
    took, how many of them were made just now, and what they all cost; no cost where a model has no price."""

    seeds: int
    requests: int
    new: int
    cost: float | None


class Estimate(Record):
    """What `tasks` tasks (seeds and recombined ones) come to, from `measured` ones. `ranges` has `COUNTS`, `YIELDS` and
    minutes; no dollars when one of the `unpriced` models answers. `trial` is what was played for it, if anything. A
    `rough` one has neither `cached tokens` nor minutes, and its bounds mean nothing."""

    tasks: int
    measured: int
    ranges: dict[str, Range]
    unpriced: tuple[str, ...] = ()
    trial: Trial | None = None
    rough: bool = False

    @property
    def share(self) -> float:
        """The share of the run's requests that the trial has played."""
        expected = self.ranges["requests"].expected
        return self.trial.requests / expected if self.trial and expected else 0.0

    def lines(self) -> list[str]:
        """The estimate for people, one quantity a line, and what it took."""
        rows = [f"{'':22}{'roughly':>12}" if self.rough else f"{'':22}{'expected':>12}   9 times of 10"]
        asked = self.ranges["requests"].expected > 0
        for name, found in self.ranges.items():
            if not asked and name not in YIELDS:
                continue
            values = (found.low, float(f"{found.expected:.2g}") if self.rough else found.expected, found.high)
            low, middle, high = (_short(value, name) for value in values)
            rows.append(f"{name:22}{middle:>12}" + ("" if self.rough else f"   {low} to {high}"))
        if not asked:
            rows.append("no requests: the scripted model answers, or the folder has no replies")
        if self.unpriced:
            rows.append(f"{'dollars':22}{'unknown':>12}   no price for {', '.join(self.unpriced)}: add it to `prices`")
        if asked and self.trial:
            cost = "" if self.trial.cost is None else f" for ${self.trial.cost:,.2f}"
            took = f"{self.trial.requests:,} requests{cost}, {self.trial.new:,} of them new"
            rows.append(f"played for this: {took}; that is {self.share:.1%} of the run, which will not make them again")
        return rows


def _short(value: float, name: str) -> str:
    return f"{value:,.2f}" if name == "dollars" else f"{value:,.1f}" if name == "minutes" else f"{value:,.0f}"


def trial_seeds(params: Params, wanted: int = TRIAL) -> int:
    """How many seeds a trial plays of those that the run has. UsageError where that would be most of it."""
    if wanted < LEAST or params.count < 2 * LEAST:
        few = f"found {wanted} of a run of {params.count}"
        raise UsageError(
            f"an estimate takes {LEAST} seeds of {2 * LEAST} at least, {few}; so few are their own estimate"
        )
    return min(wanted, max(LEAST, params.count // MOST))


async def estimate_by_trial(params: Params, out: Path, seeds: int = TRIAL, kind: type[Stage] = Stage) -> Estimate:
    """Phase 1 and 2 of the first seeds in a temporary folder, one conversation a blueprint, with the replies kept in
    `out`; the estimate from them. Recombined tasks are left out: the run will combine others. `kind` makes the models.
    UsageError: see `trial_seeds`."""
    few = {"count": trial_seeds(params, seeds), "recombined": 0.0, "attempts": 1}
    stage, before = kind(params.model_copy(update=few), out), count_requests(out)
    with tempfile.TemporaryDirectory(prefix="estimate-") as folder, show_progress(Path(folder), "estimate"):
        parts, run = (stage.domain, stage.models), Run.open(folder)
        try:
            proposals = await propose_all(*parts, stage.gates, run, **stage.options_of(propose_all))
            accepted = [proposal.blueprint for proposal in proposals if proposal.accepted]
            trajectories = await converse_all(*parts, run, accepted, **stage.options_of(converse_all))
        finally:
            await stage.models.aclose()
        found = predict(params, proposals, trajectories, out)
        return found.model_copy(update={"trial": _played(params, proposals, trajectories, out, before)})


def _played(
    params: Params, proposals: Sequence[Proposal], trajectories: Sequence[Trajectory], out: Path, before: int
) -> Trial:
    """What these tasks and conversations took, of all replies that are in the run's folder."""
    names = {one.id for one in proposals} | {one.id for one in trajectories}
    taken = [reply for reply in read_replies(out) if _record(reply) in names]
    total = add_up(taken, price_table(params.prices)).total
    new = count_requests(out) - before
    return Trial(seeds=len(proposals), requests=len(taken), new=new, cost=total.cost)


def _record(reply: Reply) -> str:
    """The id of the proposal or conversation that a reply was asked for."""
    return reply.id.partition("/")[0]


def estimate_from_run(params: Params, folder: Path) -> Estimate:
    """The estimate from an earlier run of any size and number of attempts. UsageError when it has less than two
    blueprints or no conversations."""
    run = Run(folder)
    if not (run.blueprints.exists() and run.trajectories.exists()):
        raise UsageError(f"{folder} has not both blueprints.jsonl and trajectories.jsonl; an estimate reads both")
    proposals = read_lines(run.blueprints, Proposal)
    if len(proposals) < 2:
        raise UsageError(f"{folder} has {len(proposals)} blueprints; an estimate needs 2 at least")
    return predict(params, proposals, read_lines(run.trajectories, Trajectory), folder)


def predict(
    params: Params, proposals: Sequence[Proposal], trajectories: Sequence[Trajectory], folder: Path
) -> Estimate:
    """The estimate from measured tasks and the replies in `folder` that they took. The unit is a task with all that
    follows from it, because attempts at one blueprint are alike. Intervals are Student's for the total of tasks to come
    (what is not known of the mean and the spread of the tasks themselves), on a log scale, because costs are skewed."""
    recombined = round(params.count * params.recombined)
    tasks = params.count + recombined
    costly = params.count + recombined * (1 if any(one.parts for one in proposals) else RECOMBINED)
    measured, unpriced = _measured(params, proposals, trajectories, folder)
    most = dict(zip(YIELDS, (tasks, tasks * params.attempts), strict=True))
    found = {
        name: _total(list(values), tasks if name in most else costly, most.get(name, math.inf))
        for name, values in measured.items()
    }
    longest = [measured[phase].max() for phase in PHASES]
    minutes = {
        end: _minutes(params, tasks, {name: getattr(total, end) for name, total in found.items()}, longest)
        for end in Range.model_fields
    }
    told = {name: found[name] for name in (*COUNTS, *YIELDS) if name != "dollars" or not unpriced}
    told["minutes"] = Range(**minutes)
    return Estimate(tasks=tasks, measured=len(measured), ranges=told, unpriced=tuple(sorted(unpriced)))


def _total(values: list[float], tasks: int, most: float) -> Range:
    """The total of `tasks` tasks like these. Where there is a `most`, eight of eight do not prove that the ninth will
    succeed: the spread is then that of the values and one task each that gives nothing and all it can."""
    import numpy as np  # only who estimates waits for them
    from scipy.stats import t as student

    count, expected = len(values), tasks * sum(values) / len(values)
    seen = [*values, 0.0, most / tasks] if math.isfinite(most) else values
    deviations = float(student.ppf((1 + SHARE) / 2, count - 1))
    half = float(np.std(seen, ddof=1)) * math.sqrt(tasks * tasks / count + tasks) * deviations
    if not expected:
        return Range(low=0.0, expected=0.0, high=min(half, most))
    factor = math.exp(min(half / expected, 50.0))
    return Range(low=expected / factor, expected=expected, high=min(expected * factor, most))


def _measured(
    params: Params, proposals: Sequence[Proposal], trajectories: Sequence[Trajectory], folder: Path
) -> tuple[Any, set[str]]:
    """A table of what each task took and gave, a column each for `COUNTS`, `YIELDS` and `PHASES`; models without a
    price. What fewer or more attempts took than the run will make is scaled."""
    import pandas as pd

    prices = price_table(params.prices)
    attempts = Counter(one.blueprint for one in trajectories)
    verified = Counter(one.blueprint for one in trajectories if one.success)
    blueprint_of = {one.id: one.blueprint for one in trajectories}
    rows, unpriced = [], set()
    for reply in read_replies(folder):
        record = _record(reply)
        task, phase = (blueprint_of[record], 1) if record in blueprint_of else (record, 0)
        usage, price = reply.answer.usage if reply.answer else Usage(), prices.get(reply.model)
        unpriced |= set() if price else {reply.model}
        tokens = [usage.prompt, usage.cached, usage.completion, price.cost(usage) if price else 0.0]
        took = dict(zip(COUNTS, (1, *tokens), strict=True)) | {PHASES[phase]: reply.seconds}
        weight = params.attempts / attempts[task] if phase else 1.0
        rows.append({"task": task} | {name: weight * value for name, value in took.items()})
    table = pd.DataFrame(rows, columns=["task", *COUNTS, *PHASES]).fillna(0.0)
    table = table.groupby("task").sum().reindex([one.id for one in proposals], fill_value=0.0)
    scale = {task: params.attempts / number for task, number in attempts.items()}
    given = [float(one.accepted) for one in proposals], [verified[one.id] * scale.get(one.id, 0) for one in proposals]
    return table.assign(**dict(zip(YIELDS, given, strict=True))), unpriced


def _minutes(params: Params, tasks: int, totals: Mapping[str, float], longest: Iterable[float]) -> float:
    """Minutes for these totals when the endpoint keeps the pace that was measured: work is shared by `concurrency`, the
    last of each round is waited for, and limits per minute hold."""
    first, second = longest
    rounds, side = math.ceil(tasks / params.round_size), params.concurrency
    seconds = max(totals["phase 1"] / min(side, tasks, params.round_size), rounds * totals["phase 1"] / tasks)
    at_once = max(1.0, min(side, totals["accepted blueprints"] * params.attempts))
    seconds += max(totals["phase 2"] / at_once, second / params.attempts) if totals["phase 2"] else 0.0
    tokens = totals["prompt tokens"] + totals["completion tokens"]
    limited = (params.requests_per_minute, totals["requests"]), (params.tokens_per_minute, tokens)
    return float(max(max(seconds, first) / 60, *(total / limit for limit, total in limited if limit), 0.0))


def keep_estimate(found: Estimate, params: Params, out: Path) -> None:
    """Leave an estimate in the run's folder, for the index of runs: with the domain, the models and the parameters that
    it is about."""
    domain, now = Domain.load(params.domain), datetime.now(UTC).isoformat(timespec="seconds")
    about = {
        "domain": {"name": domain.name, "fingerprint": domain.fingerprint},
        "models": models_of(params),
        "parameters": relocate_paths(params.plain(), Path(), out),
        "started": now,
    }
    text = json.dumps(about | found.model_dump(mode="json"), indent=2, ensure_ascii=False)
    write_whole(Run.open(out).folder / ESTIMATE, [text])
