"""What the checks of conversations cost: milliseconds of CPU a conversation, check by check, each conversation once.

    python benchmarks/checks.py [--seeds 100] [--domains retail airline banking] [--before CHECKOUT]

The scripted model holds the conversations; judges are not asked, and what they read is taken from the records. Beside
the checks stands the plain reward of tau-bench on the same conversations in the same run: the groundtruth executed,
both end states hashed, each output looked for in the agent's messages as it is written. Prints a Markdown table, writes
results/checks.json, and exits with 1 when all checks together take more than `LIMIT` times the plain reward.

`--before` is a checkout of another version (`git worktree add /tmp/before aa32bf4`: the last one that compared outputs
to the letter and knew no conduct). Its checks are timed beside today's on the same conversations, in processes of their
own and in turns; of each conversation the least of `ROUNDS` counts. Exits with 1, too, when state, outputs and
behaviour take more than `LIMIT_BEFORE` times what they took.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models.roles import Roles
from apigen_nb.records import Blueprint, Change, Reading, Trajectory
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.behaviour import shows_behaviour
from apigen_nb.trajectories.conduct import keeps_conduct
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings
from apigen_nb.trajectories.replay import replay
from apigen_nb.trajectories.reward import all_told, same_state
from apigen_nb.world.domain import Domain
from apigen_nb.world.values import normalize
from apigen_nb.world.world import digest

HERE = Path(__file__).parent
WARM = (
    5  # every so manieth conversation is checked before the clock starts: what is made once a domain and user is there
)
LIMIT = 6.0
LIMIT_BEFORE = 2.0
ROUNDS = 7
PLAIN = "plain reward"
Side = dict[str, float]


async def held(domain: Domain, seeds: int, folder: str) -> tuple[dict[str, Blueprint], Sequence[Trajectory]]:
    """The accepted tasks of a run with the scripted model, and the conversations about them."""
    models, run = Roles(domain, random_seed=7), Run.open(folder)
    gates = [*GATES.values(), Committee(models.judges(3))]
    proposals = await propose_all(domain, models, gates, run, count=seeds, random_seed=7)
    tasks = {p.id: p.blueprint for p in proposals if p.accepted}
    return tasks, await converse_all(domain, models, run, tasks.values(), total=len(tasks))


def plain_reward(dialogue: Dialogue, reached: tuple[Change, ...]) -> bool:
    """What tau-bench asks: the same end state, and the outputs to the letter."""
    same = digest(execute(dialogue.blueprint, dialogue.domain).diff) == digest(reached)
    texts = [normalize(message.content) for _, message in dialogue.turns("assistant")]
    return same and all(any(normalize(o) in text for text in texts) for o in dialogue.blueprint.outputs)


CHECKS: dict[str, Callable[[Dialogue, tuple[Change, ...], Meanings], object]] = {
    PLAIN: lambda dialogue, reached, _: plain_reward(dialogue, reached),
    "state": lambda dialogue, reached, _: same_state(dialogue.groundtruth.diff, reached),
    "outputs": lambda dialogue, _, meanings: all_told(dialogue, meanings),
    "behaviour": lambda dialogue, _, meanings: shows_behaviour(dialogue, meanings),
    "conduct": lambda dialogue, _, meanings: keeps_conduct(dialogue, meanings),
}


def _case(task: Blueprint, one: Trajectory, domain: Domain) -> tuple[Dialogue, tuple[Change, ...], tuple[Reading, ...]]:
    world, _ = replay(task, domain, one.messages)
    return Dialogue(task, one.messages, domain), world.delta(), one.readings


def beside(tasks: Mapping[str, Blueprint], trajectories: Iterable[Trajectory], name: str, before: str) -> Side:
    """Milliseconds a conversation with another version and with this one."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "conversations.jsonl"
        shown = ({"task": tasks[one.blueprint].model_dump(), **one.model_dump(mode="json")} for one in trajectories)
        file.write_text("".join(json.dumps(line) + "\n" for line in shown), encoding="utf-8")
        least: dict[str, list[list[float]]] = {}
        for _ in range(ROUNDS):
            for version in (before, str(HERE.parent)):
                command = [sys.executable, str(HERE / "checks_of_one.py"), str(file), name]
                again = os.environ | {"PYTHONPATH": version}
                told = json.loads(subprocess.run(command, env=again, check=True, capture_output=True).stdout)
                known = least.setdefault(version, told)
                least[version] = [[*map(min, one, other)] for one, other in zip(known, told, strict=True)]
    then, now = ([sum(part) / len(part) for part in zip(*found, strict=True)] for found in least.values())
    return {"before": then[0], "now": now[0], "conduct": now[1], "ratio": now[0] / then[0]}


def measure(name: str, seeds: int, before: str = "") -> tuple[dict[str, float], Side]:
    """Milliseconds a conversation, check by check, and beside another version where there is one."""
    domain, spent = Domain.load(name), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        tasks, trajectories = asyncio.run(held(domain, seeds, folder))
        side = beside(tasks, trajectories, name, before) if before else {}
        cases = [_case(tasks[one.blueprint], one, domain) for one in trajectories]
    for number, (dialogue, reached, readings) in enumerate([*cases[::WARM], *cases]):
        if number == len(cases[::WARM]):
            gc.collect()
            gc.freeze()  # to look through a whole domain for garbage takes as long as a hundred conversations
        again = Dialogue(dialogue.blueprint, dialogue.messages, domain)
        meanings = Meanings(dialogue.messages, readings)
        for check, run in CHECKS.items():
            begin = time.process_time()
            run(again, reached, meanings)
            spent[check] += (time.process_time() - begin) if number >= len(cases[::WARM]) else 0.0
    found = {check: 1000 * spent[check] / len(cases) for check in CHECKS}
    every = sum(value for check, value in found.items() if check != PLAIN)
    return {"conversations": len(cases), **found, "all": every, "ratio": every / found[PLAIN]}, side


def _print_table(what: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    head = next(iter(rows.values()))
    print(f"| {what} | {' | '.join(head)} |\n|---|{'--:|' * len(head)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.2f}' if value % 1 else f'{value:.0f}' for value in row.values())} |")


def _rounded(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {name: {key: round(value, 3) for key, value in row.items()} for name, row in rows.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--domains", nargs="+", default=["retail", "airline", "banking"])
    parser.add_argument("--before", default="", help="a checkout of another version, to be timed beside this one")
    given = parser.parse_args()
    measured = {name: measure(name, given.seeds, given.before) for name in given.domains}
    rows = {name: row for name, (row, _) in measured.items()}
    sides = {name: side for name, (_, side) in measured.items() if side}
    _print_table("ms a conversation", rows)
    worst = max(row["ratio"] for row in rows.values())
    print(f"\nall checks take at most {worst:.1f}× the plain reward (limit: {LIMIT:.0f}×)\n")
    slower = max((side["ratio"] for side in sides.values()), default=0.0)
    if sides:
        _print_table("ms, state, outputs and behaviour", sides)
        print(f"\nthey take at most {slower:.2f}× what they took before (limit: {LIMIT_BEFORE:.0f}×)")
    (HERE / "results").mkdir(exist_ok=True)
    result = {"seeds": given.seeds, "rows": _rounded(rows), "limit": LIMIT, "load": os.getloadavg()[0]}
    result |= {"before": _rounded(sides), "limit_before": LIMIT_BEFORE} if sides else {}
    (HERE / "results" / "checks.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(worst > LIMIT or slower > LIMIT_BEFORE)


if __name__ == "__main__":
    sys.exit(main())
