"""Datasets of before the configs, which still prove: `chat.jsonl` and `sharegpt.jsonl`, line by line beside their
proofs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..records import Blueprint, Change, Message, Reading, Record, ToolCall, sha
from ..storage.jsonl import read_lines
from ..trajectories.rollout import rollout_world
from ..world.domain import Domain, DomainError
from ..world.world import ToolBug, run_tool_call
from .replaying import VerifyReport, accepted_tasks, check_problems, domain_of, groundtruth_problems

FORMATS = ("chat", "sharegpt")


class EarlierProof(Record):
    """What proves a row of both files: as `Proof`, but the conversation stands in the chat row, `closing` is what the
    user said after its last message, and each format has its hash."""

    id: str
    task: Blueprint
    domain_fingerprint: str
    delta: tuple[Change, ...]
    state: str
    readings: tuple[Reading, ...] = ()
    closing: tuple[Message, ...] = ()
    chat: str
    sharegpt: str
    models: dict[str, str]


def is_earlier(home: Path) -> bool:
    """Whether this dataset was written before there were configs."""
    return any((home / f"{name}.jsonl").exists() for name in FORMATS)


def verify_earlier(home: Path, report: VerifyReport) -> None:
    """Prove every row of such a dataset again, and add to the report what does not hold."""
    missing = [f"{name}.jsonl" for name in (*FORMATS, "proofs") if not (home / f"{name}.jsonl").is_file()]
    if missing:
        report.failures.append((home.name, f"no dataset here: {', '.join(missing)} missing"))
        return
    proofs = read_lines(home / "proofs.jsonl", EarlierProof)
    texts = {name: _lines(home / f"{name}.jsonl") for name in FORMATS}
    counts = {**{name: len(lines) for name, lines in texts.items()}, "proofs": len(proofs)}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        report.failures.append(("files", f"the files differ in length: {found}; rows are missing"))
    tasks = accepted_tasks(home.parent)
    for number, proof in enumerate(proofs):
        report.rows += 1
        row = {name: "".join(lines[number : number + 1]) for name, lines in texts.items()}
        report.failures += [(proof.id, problem) for problem in _row(proof, row, home.parent, tasks, report)]


def _lines(path: Path) -> list[str]:
    # not splitlines: U+2028 and its like stand unescaped in JSON; bytes that are no UTF-8 are that row's problem
    return path.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:-1]


def _row(
    proof: EarlierProof, row: Mapping[str, str], folder: Path, tasks: dict[str, Blueprint] | None, report: VerifyReport
) -> list[str]:
    """What does not hold of one row, given as format → line."""
    try:
        domain = domain_of(proof.task, proof.domain_fingerprint, folder)
    except DomainError as error:
        return [str(error)]
    if tasks is not None and tasks.get(proof.task.id) != proof.task:
        return [f"the proof's task is not {proof.task.id} in blueprints.jsonl"]
    try:
        return list(_problems(proof, {name: json.loads(text) for name, text in row.items()}, domain, report))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ToolBug) as error:
        return [f"the row cannot be read: {type(error).__name__}: {error}"]


def _problems(proof: EarlierProof, row: dict[str, Any], domain: Domain, report: VerifyReport) -> Iterator[str]:
    for name in FORMATS:
        if sha(row[name], 64) != getattr(proof, name):
            yield f"the {name} row is not the one that was proven"
    yield from groundtruth_problems(proof.task, proof.delta, proof.state, domain)
    yield from _replay(proof, row, domain, report)


def _replay(proof: EarlierProof, row: dict[str, Any], domain: Domain, report: VerifyReport) -> Iterator[str]:
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
    yield from check_problems(proof.task, replayed, world.delta(), proof.readings, domain)
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
