"""What proofs of every age are held to: the groundtruth leads where it did, and the conversation passes its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..blueprints.gates.execution import execute
from ..records import Blueprint, Change, Message, Proposal, Reading, Verdict, canonical
from ..storage.jsonl import scan_lines
from ..storage.run_folder import Run
from ..trajectories.dialogue import Dialogue
from ..trajectories.meaning import Meanings
from ..trajectories.reward import check_all
from ..world.domain import Domain, DomainError, builtin_domains
from ..world.world import digest

ENDED = Verdict(gate="ended", passed=True)  # a row is a conversation that has ended


@dataclass
class VerifyReport:
    """What was proven: `rows` looked at, calls replayed, and (row id, reason) of each that does not hold."""

    rows: int = 0
    calls: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.failures

    def lines(self) -> list[str]:
        """The report as lines for a terminal."""
        bad = len({row for row, _ in self.failures})
        head = f"{self.rows} rows, {self.calls} calls replayed: {max(self.rows - bad, 0)} hold, {bad} do not"
        return [head, *(f"  {row}: {reason}" for row, reason in self.failures)]


def accepted_tasks(folder: Path) -> dict[str, Blueprint] | None:
    """The accepted blueprints of the run, where its file is beside the dataset."""
    path = folder / "blueprints.jsonl"
    if not path.is_file():
        return None
    return {p.id: p.blueprint for _, _, p in scan_lines(path, Proposal) if p.accepted}


def domain_of(task: Blueprint, fingerprint: str, folder: Path, known: Mapping[str, Path] | None = None) -> Domain:
    """The domain that a proof was made on. A domain folder is one of those that are `known` (domain → folder), or found
    from the manifest of the run in `folder`. DomainError where it is not there or has changed since."""
    name, known = task.domain, known or {}
    is_folder = ":" not in name and name not in builtin_domains() and (folder / "run.json").is_file()
    domain = Domain.load(str(known[name]) if name in known else Run(folder).domain() if is_folder else name)
    if domain.fingerprint != fingerprint:
        raise DomainError(f"made on another version of {name} ({fingerprint}, here {domain.fingerprint})")
    return domain


def groundtruth_problems(task: Blueprint, delta: Sequence[Change], state: str, domain: Domain) -> Iterator[str]:
    """What does not hold of a task by itself."""
    if not task.actions and not task.outputs:
        yield "the task is empty: any conversation would hold"
    execution = execute(task, domain)
    if execution.refused:
        number, action, refusal = execution.refused
        yield f"groundtruth action {number}, {action}, is refused: {refusal}"
    recorded, reached = ([change.model_dump() for change in one] for one in (delta, execution.diff))
    if digest(execution.diff) != state or canonical(recorded) != canonical(reached):
        yield "the groundtruth leads to another end state than recorded"


def check_problems(
    task: Blueprint,
    messages: Sequence[Message],
    reached: tuple[Change, ...],
    readings: Sequence[Reading],
    domain: Domain,
) -> Iterator[str]:
    """Which checks a conversation that has ended does not pass."""
    dialogue = Dialogue(task, messages, domain)
    for check in check_all(dialogue, reached, ENDED, Meanings(messages, readings)):
        if not check.passed:
            yield f"{check.gate} check{' is undecided' * check.undecided}: {check.reason}"
