"""What a run will cost before it is paid for: calls, tokens, dollars and time, each with an interval.

Measured on the first seeds of the run itself, or read from an earlier run. The replies of a trial are kept in the run's
own folder, and the first seeds of a run are the same however many follow, so what a trial pays for is not paid again.
"""

from __future__ import annotations

import functools
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..blueprints.gates import Committee, choose_gates
from ..blueprints.personas import read_personas
from ..blueprints.propose import propose_all
from ..blueprints.sampling import Sampling
from ..models.ledger import Prices, price_table
from ..models.reply_cache import recorded
from ..models.roles import Roles
from ..records import Proposal, Record, Trajectory
from ..storage.journal import read_lines
from ..storage.progress import show_progress
from ..storage.run_folder import Run
from ..trajectories.converse import converse_all
from ..world.domain import Domain
from .params import Params

TRIAL = 8  # seeds; half the error of 2, an eighth of the price of 64
SHARE = 0.9  # of the intervals
COUNTS = ("requests", "prompt tokens", "cached tokens", "completion tokens", "dollars")
YIELDS = ("accepted blueprints", "verified trajectories")


class Range(Record):
    """An expected total and the bounds that it stays within nine times of ten."""

    low: float
    expected: float
    high: float


class Estimate(Record):
    """What `tasks` tasks (seeds and recombined ones) come to, from `measured` ones. `ranges` has `COUNTS`, `YIELDS` and
    minutes; no dollars when one of the `unpriced` models answers."""

    tasks: int
    measured: int
    ranges: dict[str, Range]
    unpriced: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The estimate for people, one quantity a line."""
        rows = [f"{'':22}{'expected':>12}   9 times of 10"]
        asked = self.ranges["requests"].expected > 0
        for name, found in self.ranges.items():
            if not asked and name not in YIELDS:
                continue
            low, middle, high = (_short(value, name) for value in (found.low, found.expected, found.high))
            rows.append(f"{name:22}{middle:>12}   {low} to {high}")
        if not asked:
            rows.append("no requests: the scripted model answers, or the folder has no replies")
        if self.unpriced:
            rows.append(f"{'dollars':22}{'unknown':>12}   no price for {', '.join(self.unpriced)}: add it to `prices`")
        return rows


def _short(value: float, name: str) -> str:
    return f"{value:,.2f}" if name == "dollars" else f"{value:,.1f}" if name == "minutes" else f"{value:,.0f}"


async def try_out(params: Params, out: Path, seeds: int = TRIAL) -> Estimate:
    """Phase 1 and 2 of the first seeds in a temporary folder, with the replies kept in `out`; the estimate from them.
    ValueError with fewer than two seeds: one says nothing of the spread."""
    domain, seeds = Domain.load(params.domain), min(seeds, params.seeds)
    if seeds < 2:
        raise ValueError(f"an estimate needs 2 seeds at least, found {seeds}; a run that small is its own estimate")
    plain = params.plain()
    names = ("model", "base_url", "api_key_env", "temperature", "max_tokens", "timeout", "concurrency", "seed", "roles")
    limits = (
        "offline",
        "requests_per_minute",
        "tokens_per_minute",
        "max_cost",
        "max_total_tokens",
        "prices",
        "best_of",
    )
    models = Roles(domain, **{name: plain[name] for name in (*names, *limits)}, folder=out)
    mixes = {name: plain[name] for name in ("kinds", "behaviours", "difficulty", "walk_length", "tool_weights")}
    rounds = {name: plain[name] for name in ("seed", "round_size", "reflections", "concurrency", "recombined")}
    gates = choose_gates(params.gates, Committee(models.judges(params.judges), params.threshold))
    sampling = Sampling(**mixes, personas=read_personas(params.personas))
    with tempfile.TemporaryDirectory(prefix="estimate-") as folder, show_progress(Path(folder), "estimate"):
        run = Run.open(folder)
        try:
            proposals = await propose_all(domain, models, gates, run, seeds=seeds, sampling=sampling, **rounds)
            accepted = [proposal.blueprint for proposal in proposals if proposal.accepted]
            playing = {name: plain[name] for name in ("attempts", "max_steps", "concurrency")}
            trajectories = await converse_all(domain, models, run, accepted, **playing)
        finally:
            await models.aclose()
        return predict(params, list(proposals), trajectories, out)


def read_off(params: Params, folder: Path) -> Estimate:
    """The estimate from an earlier run of any size and number of attempts. ValueError when it has less than two
    blueprints or no conversations."""
    run = Run(folder)
    if not (run.blueprints.exists() and run.trajectories.exists()):
        raise ValueError(f"{folder} has not both blueprints.jsonl and trajectories.jsonl; an estimate reads both")
    proposals = read_lines(run.blueprints, Proposal)
    if len(proposals) < 2:
        raise ValueError(f"{folder} has {len(proposals)} blueprints; an estimate needs 2 at least")
    return predict(params, proposals, read_lines(run.trajectories, Trajectory), folder)


def predict(params: Params, proposals: list[Proposal], trajectories: Iterable[Trajectory], folder: Path) -> Estimate:
    """The estimate from measured tasks and the replies in `folder` that they took. The unit is a task with all that
    follows from it, because attempts at one blueprint are alike. Intervals are Student's for the total of tasks to come
    (what is not known of the mean and the spread of the tasks themselves), on a log scale, because costs are skewed."""
    tasks = params.seeds + round(params.seeds * params.recombined)
    rows, unpriced = _measured(params, proposals, list(trajectories), folder, price_table(params.prices))
    caps = [math.inf] * len(COUNTS) + [tasks, tasks * params.attempts, math.inf, math.inf]
    names = (*COUNTS, *YIELDS, "phase 1", "phase 2")
    found = {name: _total([row[n] for row in rows], tasks, caps[n]) for n, name in enumerate(names)}
    longest = [max(row[n] for row in rows) for n in (-2, -1)]
    minutes = {
        end: _minutes(params, tasks, {name: getattr(total, end) for name, total in found.items()}, longest)
        for end in Range.model_fields
    }
    ranges = {name: found[name] for name in (*COUNTS, *YIELDS) if name != "dollars" or not unpriced}
    return Estimate(
        tasks=tasks,
        measured=len(rows),
        ranges=ranges | {"minutes": Range(**minutes)},
        unpriced=tuple(sorted(unpriced)),
    )


def _total(values: list[float], tasks: int, most: float) -> Range:
    """The total of `tasks` tasks like these. Where there is a `most`, eight of eight do not prove that the ninth will
    succeed: the spread is then that of the values and one task each that gives nothing and all it can."""
    import numpy as np  # only who estimates waits for it

    count, expected = len(values), tasks * sum(values) / len(values)
    seen = [*values, 0.0, most / tasks] if math.isfinite(most) else values
    half = float(np.std(seen, ddof=1)) * math.sqrt(tasks * tasks / count + tasks) * _student(count - 1)
    if not expected:
        return Range(low=0.0, expected=0.0, high=min(half, most))
    factor = math.exp(min(half / expected, 50.0))
    return Range(low=expected / factor, expected=expected, high=min(expected * factor, most))


@functools.cache
def _student(freedom: int) -> float:
    """How many deviations hold `SHARE` of Student's distribution, by simulation."""
    import numpy as np

    return float(np.quantile(np.abs(np.random.default_rng(0).standard_t(freedom, 200_000)), SHARE))


def _measured(
    params: Params, proposals: list[Proposal], trajectories: list[Trajectory], folder: Path, prices: Prices
) -> tuple[list[list[float]], set[str]]:
    """Per task what it took and gave, in the order of `COUNTS`, `YIELDS`, seconds of phase 1 and 2; models without a
    price. What fewer or more attempts took than the run will make is scaled."""
    played, won = (
        Counter(one.blueprint for one in trajectories),
        Counter(one.blueprint for one in trajectories if one.success),
    )
    owner = {one.id: (one.blueprint, params.attempts / played[one.blueprint]) for one in trajectories}
    took: Mapping[str, list[float]] = defaultdict(lambda: [0.0] * (len(COUNTS) + 2))
    unpriced: set[str] = set()
    for reply in recorded(folder):
        record = reply.id.partition("/")[0]
        task, weight = owner.get(record, (record, 1.0))
        used, price = reply.answer, prices.get(reply.model)
        if price is None:
            unpriced.add(reply.model)
        tokens = [used.usage.prompt, used.usage.cached, used.usage.completion] if used else [0, 0, 0]
        phases = [0.0, reply.seconds] if record in owner else [reply.seconds, 0.0]
        cost = price.cost(used.usage) if used and price else 0.0
        for place, value in enumerate([1, *tokens, cost, *phases]):
            took[task][place] += weight * value
    rows = []
    for one in proposals:
        mine, attempts = took[one.id], played[one.id]
        verified = won[one.id] * params.attempts / attempts if attempts else 0.0
        rows.append([*mine[: len(COUNTS)], float(one.accepted), verified, *mine[len(COUNTS) :]])
    return rows, unpriced


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
