"""Prove a dataset again, from its files alone: replay every row in a fresh world and check state, outputs, behaviour
and conduct anew. What judges read is in the proof; their quotations must stand in the row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..blueprints.gates.execution import execute
from ..records import Blueprint, Message, Proposal, ToolCall, Verdict, canonical, sha
from ..storage.jsonl import read_lines
from ..storage.run_folder import Run
from ..trajectories.dialogue import Dialogue
from ..trajectories.meaning import Meanings
from ..trajectories.reward import check_all
from ..trajectories.rollout import rollout_world
from ..world.domain import Domain, DomainError, builtin_domains
from ..world.world import ToolBug, digest, run_tool_call
from .export import Proof
from .formats import FORMATS

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


def verify_dataset(folder: Path | str) -> VerifyReport:
    """Prove every row again from the dataset in a run's folder (or the dataset folder itself) alone: replay its calls
    in a fresh world, check end state and outputs, and compare all that its proof has hashed. A file that is missing or
    damaged, or a domain that has changed since, is a failure, too."""
    report = VerifyReport()
    home = Run(Path(folder)).dataset if (Path(folder) / "dataset").is_dir() else Path(folder)
    missing = [f"{name}.jsonl" for name in (*FORMATS, "proofs") if not (home / f"{name}.jsonl").is_file()]
    if missing:
        report.failures.append((home.name, f"no dataset here: {', '.join(missing)} missing"))
        return report
    proofs = read_lines(home / "proofs.jsonl", Proof)
    texts = {name: _lines(home / f"{name}.jsonl") for name in FORMATS}
    counts = {**{name: len(lines) for name, lines in texts.items()}, "proofs": len(proofs)}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        report.failures.append(("files", f"the files differ in length: {found}; rows are missing"))
    for artefact in ("blueprints.jsonl", "trajectories.jsonl", "dataset"):
        if short := Run(home.parent).lacking(artefact):
            report.failures.append(("files", short))
    tasks = _tasks(home.parent)
    for number, proof in enumerate(proofs):
        report.rows += 1
        row = {name: "".join(lines[number : number + 1]) for name, lines in texts.items()}
        report.failures += [(proof.id, problem) for problem in _row(proof, row, home.parent, tasks, report)]
    return report


def _lines(path: Path) -> list[str]:
    # not splitlines: U+2028 and its like stand unescaped in JSON; bytes that are no UTF-8 are that row's problem
    return path.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:-1]


def _tasks(folder: Path) -> dict[str, Blueprint] | None:
    """The accepted blueprints of the run, where its file is beside the dataset."""
    path = folder / "blueprints.jsonl"
    return {p.id: p.blueprint for p in read_lines(path, Proposal) if p.accepted} if path.is_file() else None


def _where(folder: Path, name: str) -> str:
    """What to load a proof's domain by: a domain folder is found from the run's manifest."""
    is_folder = ":" not in name and name not in builtin_domains() and (folder / "run.json").is_file()
    return Run(folder).domain() if is_folder else name


def _row(
    proof: Proof, row: Mapping[str, str], folder: Path, tasks: dict[str, Blueprint] | None, report: VerifyReport
) -> list[str]:
    """What does not hold of one row, given as format → line."""
    try:
        domain = Domain.load(_where(folder, proof.task.domain))
    except DomainError as error:
        return [str(error)]
    if domain.fingerprint != proof.domain_fingerprint:
        versions = f"{proof.domain_fingerprint}, here {domain.fingerprint}"
        return [f"made on another version of {proof.task.domain} ({versions})"]
    if tasks is not None and tasks.get(proof.task.id) != proof.task:
        return [f"the proof's task is not {proof.task.id} in blueprints.jsonl"]
    try:
        return list(_problems(proof, {name: json.loads(text) for name, text in row.items()}, domain, report))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ToolBug) as error:
        return [f"the row cannot be read: {type(error).__name__}: {error}"]


def _problems(proof: Proof, row: dict[str, Any], domain: Domain, report: VerifyReport) -> Iterator[str]:
    for name in FORMATS:
        if sha(row[name], 64) != getattr(proof, name):
            yield f"the {name} row is not the one that was proven"
    if not proof.task.actions and not proof.task.outputs:
        yield "the task is empty: any conversation would hold"
    execution = execute(proof.task, domain)
    if execution.refused:
        number, action, refusal = execution.refused
        yield f"groundtruth action {number}, {action}, is refused: {refusal}"
    recorded, reached = ([change.model_dump() for change in delta] for delta in (proof.delta, execution.diff))
    if digest(execution.diff) != proof.state or canonical(recorded) != canonical(reached):
        yield "the groundtruth leads to another end state than recorded"
    yield from _replay(proof, row, domain, report)


def _replay(proof: Proof, row: dict[str, Any], domain: Domain, report: VerifyReport) -> Iterator[str]:
    """What does not hold when the calls of a row are made again, in a fresh world."""
    world, replayed, calls = rollout_world(proof.task, domain), list[Message](), list[ToolCall]()
    messages = row["chat"]["messages"]
    results = {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    for message in (m for m in messages if m["role"] in ("user", "assistant")):
        made = tuple(map(_call, message.get("tool_calls", ())))
        calls += made
        replayed.append(Message(role=message["role"], content=message["content"], tool_calls=made))
        for call in made:
            replayed.append(result := run_tool_call(world, call))
            if result.content != results.get(call.id):
                yield f"{call.name} ({call.id}) gives another result than recorded"
    replayed += proof.closing
    dialogue = Dialogue(proof.task, replayed, domain)
    for check in check_all(dialogue, world.delta(), ENDED, Meanings(replayed, proof.readings)):
        if not check.passed:
            yield f"{check.gate} check{' is undecided' * check.undecided}: {check.reason}"
    if _shared_calls(row["sharegpt"]) != [[c.name, c.arguments] for c in calls if c.arguments is not None]:
        yield "the two formats hold different calls"
    report.calls += len(calls)


def _call(made: dict[str, Any]) -> ToolCall:
    text = made["function"]["arguments"]
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = None
    known = {"arguments": arguments} if isinstance(arguments, dict) else {"arguments": None, "raw": text}
    return ToolCall(id=made["id"], name=made["function"]["name"], **known)


def _shared_calls(share: dict[str, Any]) -> list[list[Any]]:
    calls = [json.loads(turn["value"]) for turn in share["conversations"] if turn["from"] == "function_call"]
    return [[call["name"], call["arguments"]] for call in calls]
