"""Prove a dataset again, from its files alone: replay every row's conversation in a fresh world, check state, outputs,
behaviour and conduct anew, and make every config's examples again from what was proven. What judges read is in the
proof; their quotations must stand in the conversation."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..records import Blueprint
from ..storage.jsonl import Damaged, scan_lines
from ..storage.run_folder import Run
from ..trajectories.replay import replay
from ..world.domain import Domain, DomainError
from ..world.world import ToolBug
from .comparison import Comparison
from .configs import CONFIGS
from .earlier import is_earlier, verify_earlier
from .minhash import Distinct
from .near_duplicates import conversation_shingles
from .options import HELD_OUT
from .origin import FILE as ORIGIN
from .origin import Origin, read_origin
from .proof import Proof, row_of
from .replaying import VerifyReport, accepted_tasks, check_problems, domain_of, groundtruth_problems
from .rows import Row, TaskRows
from .splits import Guard


def verify_dataset(folder: Path | str) -> VerifyReport:
    """Prove every row again from the dataset in a run's folder (or the dataset folder itself) alone: replay its calls
    in a fresh world, check end state and outputs, and compare every config with what was proven. A file that is missing
    or damaged, or a domain that has changed since, is a failure, too. NoRun when the folder holds neither a run nor any
    of a dataset's files."""
    report = VerifyReport()
    home = Run(Path(folder)).dataset if (Path(folder) / "dataset").is_dir() else Path(folder)
    if not is_earlier(home) and not any((home / name).is_file() for name in _expected_files()):
        Run(Path(folder)).check()
    for artefact in ("blueprints.jsonl", "trajectories.jsonl", "dataset"):
        if short := Run(home.parent).lacking(artefact):
            report.failures.append(("files", short))
    if is_earlier(home):
        verify_earlier(home, report)
        return report
    missing = [name for name in _expected_files() if not (home / name).is_file()]
    if missing:
        few = ", ".join(missing[:4]) + (" …" if len(missing) > 4 else "")
        report.failures.append((home.name, f"no dataset here: {few} missing"))
        return report
    try:
        origin = read_origin(home) or Origin()
    except Damaged as error:
        report.failures.append((home.name, str(error)))
        return report
    _Verification(home, report, accepted_tasks(home.parent), origin).run()
    return report


def _expected_files() -> list[str]:
    examples = [f"{name}/train{ending}" for name in CONFIGS for ending in (".jsonl", ".parquet")]
    return ["proofs.jsonl", "rejected.jsonl", ORIGIN, *examples]


class _Verification(NamedTuple):
    """What one dataset is proven with: its folder, where failures go, the accepted blueprints of its run, and what it
    says that it was made of."""

    home: Path
    report: VerifyReport
    tasks: dict[str, Blueprint] | None
    origin: Origin

    def run(self) -> None:
        """Prove all rows, task by task, and hold every config's files to what their examples should be: up to the first
        row that is not proven, of which nobody knows what its examples are."""
        proofs, rejected = (
            (proof for _, _, proof in scan_lines(self.home / name, Proof))
            for name in ("proofs.jsonl", "rejected.jsonl")
        )
        guard, threshold = Guard(), self.origin.options.near_duplicates
        distinct, stayed = Distinct(threshold) if threshold else None, frozenset(self.origin.stayed)
        with contextlib.ExitStack() as opened:
            files = {
                name: opened.enter_context(Comparison(self.home / name, config)) for name, config in CONFIGS.items()
            }
            complete = True
            for task, held in _by_task(proofs, rejected):
                self._guard(guard, itertools.chain(*held))
                if distinct:
                    self._distinct(distinct, (proof for proof in held[0] if proof.id not in stayed))
                verified = [self._proven(proof, failed=False) for proof in held[0]]
                failed = [self._proven(proof, failed=True) for proof in held[1]]
                rows = TaskRows(tuple(filter(None, verified)), tuple(filter(None, failed)))
                complete &= len(rows.verified) + len(rows.failed) == sum(map(len, held))
                if not held[0]:
                    self.report.failures.append((task, "rejected.jsonl holds conversations about a task without rows"))
                for file in files.values() if complete else ():
                    self.report.failures += file.expect(rows)
            for file in files.values() if complete else ():
                self.report.failures += file.finish()

    def _guard(self, guard: Guard, proofs: Iterable[Proof]) -> None:
        """Add what is in two splits, or is held out and yet not in `test`."""
        for proof in proofs:
            if leak := guard.crossing(proof.about, proof.task):
                self.report.failures.append((proof.id, leak))
            made = {call.name for message in proof.messages for call in message.tool_calls}
            made |= {action.name for action in proof.task.actions}
            if proof.about.split != HELD_OUT and (held := made.intersection(self.origin.options.held_out_tools)):
                told = f"{min(held)}, which is held out, is called in the split {proof.about.split}"
                self.report.failures.append((proof.id, told))

    def _distinct(self, distinct: Distinct, proofs: Iterable[Proof]) -> None:
        """Add rows that nearly repeat an earlier one, where such were to be left out."""
        for proof in proofs:
            for twin in distinct.twins(proof.id, conversation_shingles(proof.messages, proof.task))[:1]:
                told = f"nearly repeats {twin.id} ({twin.similarity:.2f}), though such rows were left out"
                self.report.failures.append((proof.id, told))

    def _proven(self, proof: Proof, failed: bool) -> Row | None:
        """The row of a proof; None where it does not hold, with what does not added to the report."""
        self.report.rows += not failed
        try:
            known = self.origin.domain_folders(self.home)
            domain = domain_of(proof.task, proof.domain_fingerprint, self.home.parent, known)
            problems = [(proof.id, problem) for problem in self._problems(proof, failed, domain)]
            self.report.failures += problems
            return None if problems else row_of(proof, domain)
        except DomainError as error:
            self.report.failures.append((proof.id, str(error)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ToolBug) as error:
            self.report.failures.append((proof.id, f"the row cannot be read: {type(error).__name__}: {error}"))
        return None

    def _problems(self, proof: Proof, failed: bool, domain: Domain) -> Iterator[str]:
        about, task = proof.about, proof.task
        if self.tasks is not None and self.tasks.get(task.id) != task:
            yield f"the proof's task is not {task.id} in blueprints.jsonl"
        if (about.task_id, about.user, about.domain, about.kind, about.behaviour) != (
            task.id, task.user, task.domain, task.kind, task.behaviour,
        ):  # fmt: skip
            yield "what is known of the row is not what its task says"
        yield from groundtruth_problems(task, proof.delta, proof.state, domain)
        world, said = replay(task, domain, proof.messages)
        self.report.calls += 0 if failed else sum(len(message.tool_calls) for message in said)
        for now, then in itertools.zip_longest(said, proof.messages):
            if now != then:
                which = f"{then.tool_call_id or then.role}" if then else "a call"
                yield (
                    f"{which} gives another result than recorded"
                    if now and now.role == "tool"
                    else "messages are missing"
                )
                break
        broken = list(check_problems(task, said, world.delta(), proof.readings, domain))
        if failed and not broken and proof.fell != "ended":
            yield "a conversation that is held to have failed passes every check"
        yield from () if failed else broken


def _by_task(
    proofs: Iterable[Proof], rejected: Iterable[Proof]
) -> Iterator[tuple[str, tuple[list[Proof], list[Proof]]]]:
    """Task → proofs of its rows, and of the failed conversations beside them; both files have the same order."""
    others = itertools.groupby(rejected, key=lambda proof: proof.task.id)
    waiting = next(others, None)
    other = (waiting[0], list(waiting[1])) if waiting else None
    for task, held in itertools.groupby(proofs, key=lambda proof: proof.task.id):
        if other and other[0] == task:
            yield task, (list(held), other[1])
            waiting = next(others, None)
            other = (waiting[0], list(waiting[1])) if waiting else None
        else:
            yield task, (list(held), [])
    if other:
        yield other[0], ([], other[1])
