"""Runs whose dataset is looked at: a small one of the scripted model, and one of a single conversation held by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apigen_nb.blueprints.gates import GATES, Committee, choose_gates
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.dataset.export import Summary, build_dataset
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.models import Answer, Question
from apigen_nb.models.roles import Roles
from apigen_nb.records import STOP, Attempt, Blueprint, Proposal, ToolCall, Verdict
from apigen_nb.storage.journal import Run
from apigen_nb.storage.jsonl import write_whole
from apigen_nb.trajectories.converse import converse, converse_all
from apigen_nb.world.domain import Domain
from tests.library import RENEW, task
from tests.players import KEPT, Means, Reader

Rows = list[dict[str, Any]]
ALL = DatasetOptions(near_duplicates=None)  # every distinct conversation
EXAMPLES = ("trl", "openai", "sharegpt", "per_reply", "preference", "xlam", "rl")


def rows(run: Path, name: str) -> Rows:
    """The lines of a file of a run's dataset: `proofs`, or those of a config."""
    path = run / "dataset" / (f"{name}/train.jsonl" if name in EXAMPLES else f"{name}.jsonl")
    # not splitlines: U+2028 and others stand unescaped in a line of JSON
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def save(run: Path, name: str, changed: Rows) -> None:
    path = run / "dataset" / (f"{name}/train.jsonl" if name in EXAMPLES else f"{name}.jsonl")
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in changed)
    path.write_text("".join(lines), "utf-8")


async def small_run(folder: Path, domain: Domain, count: int = 32) -> Summary:
    """Both phases of the scripted model, and the dataset."""
    run, models = Run.open(folder), Roles(domain, random_seed=3)
    gates = choose_gates([*GATES, "committee"], Committee(models.judges()))
    proposals = await propose_all(domain, models, gates, run, count=count, random_seed=3)
    await converse_all(domain, models, run, [p.blueprint for p in proposals if p.accepted])
    return build_dataset(run, domain, models.names, options=ALL)


def calls_of(messages: Rows) -> Iterator[dict[str, Any]]:
    """The functions that an example's messages call."""
    return (call["function"] for message in messages for call in message.get("tool_calls") or ())


async def export(
    domain: Domain, folder: Path, *turns: Answer, about: Blueprint | None = None, means: Means = KEPT
) -> Path:
    """A run of one conversation, in which judges read `means`, read back from its files as a later stage does."""
    about = task(RENEW) if about is None else about
    about = about.model_copy(update={"domain": domain.name})
    left = list(turns)

    async def agent(question: Question) -> Answer:
        return left.pop(0) if left else Answer(text="Done.")

    async def user(question: Question) -> Answer:
        # rows end with the agent: what is read must hold without these last words
        return Answer(text=f"Thanks! {STOP}" if len(question.messages) > 1 else "Please renew Salt Roads, I travel.")

    trajectory = await converse(about, domain, agent=agent, user=user, judges=[Reader(means)] * 3)
    assert trajectory.success, trajectory.verdicts
    attempt = Attempt(number=0, blueprint=about, verdicts=(Verdict(gate="format", passed=True),))
    proposal = Proposal(
        id=about.id,
        domain=domain.name,
        user="M1",
        walk=(),
        persona="calm",
        examples=(),
        attempts=(attempt,),
        accepted=True,
    )
    run = Run.open(folder)
    write_whole(run.blueprints, [proposal.line()])
    write_whole(run.trajectories, [trajectory.line()])
    build_dataset(run, domain, {"agent": "by hand"})
    return folder


def does(*actions: Any, text: str = "") -> Answer:
    calls = (a if isinstance(a, ToolCall) else ToolCall(id="x", name=a.name, arguments=a.arguments) for a in actions)
    return Answer(text=text, tool_calls=tuple(calls))
