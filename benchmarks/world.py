"""How fast a conversation's database is: our world, a full deep copy, and tau2's own environment, in one run.

    python benchmarks/world.py [--repeats 5] [--tasks 12] [--output benchmarks/results/world.json]

Prints a Markdown table and writes the same numbers as JSON. Exits with 1 when a ratio to tau2 falls short of
`EXPECTED`. All ways replay the same tasks. tau2 makes a write in place, without a copy and without rollback, so there
it is faster than we are; what it pays is a whole database for every conversation.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apigen_nb.records import Action, sha
from apigen_nb.world.domain import Domain, DomainError
from apigen_nb.world.world import Refusal, World, digest

FORK, WRITE, DIGEST, REPLAY = "fork", "one write", "end state's digest", "replay a task, digest"
EXPECTED = {FORK: 1000.0, REPLAY: 100.0}


@dataclass(frozen=True)
class Row:
    """Seconds that one operation takes. `copied` is with a full copy of the same data, `tau2` in tau2's environment."""

    domain: str
    operation: str
    ours: float
    copied: float
    tau2: float | None = None

    @property
    def to_copy(self) -> float:
        return self.copied / self.ours

    @property
    def to_tau2(self) -> float | None:
        return None if self.tau2 is None else self.tau2 / self.ours


def seconds(operation: Callable[[], Any], repeats: int, times: int = 1) -> float:
    """The median over `repeats` of the mean time of `times` calls, after one that warms up."""
    operation()
    measured = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(times):
            operation()
        measured.append((time.perf_counter() - start) / times)
    return statistics.median(measured)


def spread(items: Sequence[Any], number: int) -> list[Any]:
    """At most `number` items, evenly spaced."""
    return [items[i * len(items) // number] for i in range(number)] if number < len(items) else list(items)


def play(world: World, actions: Sequence[Action]) -> World:
    for action in actions:
        with contextlib.suppress(Refusal):
            world.call(action)
    return world


def writes_of(domain: Domain, tasks: Sequence[Sequence[Action]]) -> list[Action]:
    """The first write of each task that succeeds in a fresh world."""
    found = []
    for actions in tasks:
        for action in actions:
            if domain.tools[action.name].writes:
                try:
                    domain.world().call(action)
                except Refusal:
                    continue
                found.append(action)
                break
    return found


class Copied:
    """The plain way: copy the database as a whole, change it, hash it as a whole.

    Its tools run over a `World` on the copied rows, so that only the copying and the hashing differ."""

    def __init__(self, domain: Domain, full: Callable[[Any], Any]) -> None:
        self.domain, self.full = domain, full

    def fork(self) -> World:
        tables = self.full(dict(self.domain.tables))
        return World(tables, self.domain.tools, self.domain.copy, self.domain.dump)

    def digest(self, world: World) -> str:
        view = world.database()
        return sha({table: {key: self.domain.dump(row) for key, row in view[table].items()} for table in view}, 64)


def measure(domain: Domain, tasks: Sequence[Sequence[Action]], repeats: int, few: int) -> list[Row]:
    """Our world and a full copy, both on `few` of the tasks."""
    writes, slow = writes_of(domain, tasks), min(repeats, 3)
    plain, used = Copied(domain, copy.deepcopy), play(domain.world(), writes[:1])
    chosen = spread(tasks, few)
    forks = iter([domain.world() for _ in range(len(writes) * (repeats + 1))])
    some = iter(spread(writes, slow + 1))

    def write() -> None:
        for action in writes:
            next(forks).call(action)

    def replay() -> None:
        for actions in chosen:
            digest(play(domain.world(), actions).delta())

    def replay_copied() -> None:
        for actions in chosen:
            plain.digest(play(plain.fork(), actions))

    timings = {
        FORK: (seconds(used.fork, repeats, 10_000), seconds(plain.fork, slow)),
        # With full copies a write that may be refused works on a copy, too.
        WRITE: (seconds(write, repeats) / len(writes), seconds(lambda: plain.fork().call(next(some)), slow)),
        DIGEST: (seconds(lambda: digest(used.delta()), repeats, 200), seconds(lambda: plain.digest(used), slow)),
        REPLAY: (seconds(replay, repeats, 10) / len(chosen), seconds(replay_copied, 1) / len(chosen)),
    }
    return [Row(domain.name, operation, ours, copied) for operation, (ours, copied) in timings.items()]


def measure_tau2(name: str, tasks: Sequence[Sequence[Action]], repeats: int, few: int) -> dict[str, float]:
    """tau2's own environment: construct, call in place (tau2 has no rollback), hash of the whole database."""
    import importlib

    construct = importlib.import_module(f"tau2.domains.{name}.environment").get_environment
    environment, slow = construct(), min(repeats, 3)
    writes = writes_of(Domain.load(f"tau2:{name}"), tasks)
    fresh = iter([construct() for _ in range(4)])
    chosen = spread(tasks, few)

    def apply(environment: Any, actions: Sequence[Action]) -> None:
        for action in actions:
            try:
                environment.make_tool_call(action.name, requestor="assistant", **action.arguments)
            except Exception:  # what tau2 itself does with whatever a tool raises
                continue

    def replay() -> None:
        for actions in chosen:
            environment = construct()
            apply(environment, actions)
            environment.get_db_hash()

    return {
        FORK: seconds(construct, repeats),
        WRITE: seconds(lambda: apply(next(fresh), writes), slow) / len(writes),
        DIGEST: seconds(environment.get_db_hash, slow),
        REPLAY: seconds(replay, 1) / len(chosen),
    }


def our_tasks(domain: Domain) -> list[list[Action]]:
    """Small conversations on our own retail: look a customer up, look at the orders, change the phone number."""
    tasks = []
    for number, customer in enumerate(domain.subjects[:100]):
        who = {"customer_id": customer}
        phone = {**who, "phone": f"200-555-{number:04}"}
        calls = (("get_customer", who), ("list_orders", who), ("change_phone", phone))
        tasks.append([Action(name=name, arguments=arguments) for name, arguments in calls])
    return tasks


def run(repeats: int, few: int) -> list[Row]:
    """All rows that this installation can give; what is missing is said on stderr."""
    rows = []
    for name in ("tau2:retail", "tau2:airline", "retail"):
        try:
            domain = Domain.load(name)
        except DomainError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        if not name.startswith("tau2:"):
            rows += measure(domain, our_tasks(domain), repeats, few)
            continue
        from apigen_nb.domains.tau2 import adapter as tau2

        short = name.removeprefix("tau2:")
        tasks = [task.actions for task in tau2.gold_tasks(short)]
        theirs = measure_tau2(short, tasks, repeats, few)
        rows += [
            Row(r.domain, r.operation, r.ours, r.copied, theirs[r.operation])
            for r in measure(domain, tasks, repeats, few)
        ]
    return rows


def shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1e6:,.1f} µs" if value < 1e-3 else f"{value * 1e3:,.1f} ms"


def ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}×" if value >= 10 else f"{value:.2f}×"


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| domain | operation | our world | full copy | tau2 | to a full copy | to tau2 |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        cells = (
            r.domain,
            r.operation,
            shown(r.ours),
            shown(r.copied),
            shown(r.tau2),
            ratio(r.to_copy),
            ratio(r.to_tau2),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def shortfalls(rows: Sequence[Row]) -> list[str]:
    """What is expected of the ratios to tau2 and not met, in words."""
    wanted = ((r, EXPECTED[r.operation], r.to_tau2) for r in rows if r.operation in EXPECTED)
    return [
        f"{r.domain}, {r.operation}: {ratio(got)} of tau2's speed, expected {least:,.0f}×"
        for r, least, got in wanted
        if got is not None and got < least
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each measurement; the median counts")
    parser.add_argument("--tasks", type=int, default=12, help="tasks to replay, evenly spaced")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "world.json")
    chosen = parser.parse_args()
    rows = run(chosen.repeats, chosen.tasks)
    print(table(rows))
    failed = shortfalls(rows)
    result = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "repeats": chosen.repeats,
        "tasks": chosen.tasks,
        "rows": [{**asdict(r), "to_copy": r.to_copy, "to_tau2": r.to_tau2} for r in rows],
        "expected_to_tau2": EXPECTED,
        "shortfalls": failed,
    }
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
