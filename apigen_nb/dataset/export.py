"""The dataset: distinct verified conversations in two formats, and beside each row the proof that `verify` needs.

    dataset/chat.jsonl       OpenAI chat: messages, tools
    dataset/sharegpt.jsonl   ShareGPT as APIGen-MT-5k: conversations, tools, system
    dataset/proofs.jsonl     line by line beside them: ids, blueprint, groundtruth, end state, hashes of both rows
    dataset/README.md        the card: counts and provenance

A pure function of `blueprints.jsonl` and `trajectories.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..blueprints.gates.execution import execute
from ..models.spoken import MACHINERY
from ..records import Blueprint, Change, Message, Proposal, Reading, Record, Trajectory, canonical, sha
from ..storage.jsonl import read_lines, write_whole
from ..storage.run_folder import Run
from ..world.domain import Domain
from ..world.world import digest
from .card import card
from .formats import FORMATS, trained_on


class Proof(Record):
    """What it takes to prove one row again: the task, its groundtruth, the end state, what judges read in it, what the
    row of each format hashed to, and as `closing` what the user said after the last message that is trained on."""

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


class Summary(Record):
    """What the dataset holds: its number of `rows`, and as `counts` what they were made of, for people."""

    rows: int
    counts: dict[str, int]


def distinct(trajectories: Iterable[Trajectory]) -> tuple[list[Trajectory], int]:
    """The successes that differ in what was said and called, in id order, and how many said the same as another. None
    whose texts show marks or thoughts, as those of older runs may, which nobody has checked for them."""
    kept: dict[str, Trajectory] = {}
    successes = sorted((t for t in trajectories if t.success and _clean(t)), key=lambda t: (t.blueprint, t.attempt))
    for trajectory in successes:
        kept.setdefault(f"{trajectory.blueprint}/{trajectory.content}", trajectory)
    return list(kept.values()), len(successes) - len(kept)


def _clean(trajectory: Trajectory) -> bool:
    return not any(m.role != "tool" and MACHINERY.search(m.content) for m in trajectory.messages)


def _prove(trajectory: Trajectory, blueprint: Blueprint, domain: Domain, models: Mapping[str, str]) -> Proof:
    """The proof of one row, with the groundtruth executed again."""
    delta = execute(blueprint, domain).diff
    return Proof(
        id=trajectory.id,
        task=blueprint,
        domain_fingerprint=domain.fingerprint,
        delta=delta,
        state=digest(delta),
        readings=trajectory.readings,
        closing=trajectory.messages[len(trained_on(trajectory.messages)) :],
        **{name: sha(row(trajectory, blueprint, domain), 64) for name, row in FORMATS.items()},
        models=dict(models),
    )


def build_dataset(run: Run, domain: Domain, models: Mapping[str, str]) -> Summary:
    """Write `dataset/` of a run from its two files: a line a row in each of `FORMATS`, a proof a row, a card. A row
    is a verified conversation that says what no earlier one says. `models` is role → model name, for proofs and card.
    InUse while another process writes the folder."""
    proposals = read_lines(run.blueprints, Proposal)
    trajectories = read_lines(run.trajectories, Trajectory)
    blueprints = {proposal.id: proposal.blueprint for proposal in proposals if proposal.accepted}
    kept, duplicates = distinct(trajectories)
    rows = [(trajectory, blueprints[trajectory.blueprint], domain) for trajectory in kept]
    counts = {
        "seeds": len(proposals),
        "accepted blueprints": len(blueprints),
        "conversations": len(trajectories),
        "verified conversations": len(rows) + duplicates,
        "rows": len(rows),
        "left out as duplicates": duplicates,
    }
    with run.writing():
        run.dataset.mkdir(parents=True, exist_ok=True)
        proofs = [_prove(*row, models) for row in rows]
        for name, as_row in FORMATS.items():
            write_whole(run.dataset / f"{name}.jsonl", [canonical(as_row(*row)) for row in rows])
        write_whole(run.dataset / "proofs.jsonl", [proof.line() for proof in proofs])
        write_whole(run.dataset / "README.md", [card(counts, domain, models, kept)])
    return Summary(rows=len(rows), counts=counts)
