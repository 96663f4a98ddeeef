"""Which conversations become rows, and what is known of each: one rule for all formats, and a reason for whatever is
left out."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..blueprints.difficulty import Difficulty, difficulty
from ..models.spoken import MACHINERY
from ..records import Blueprint, Proposal, Record, Trajectory
from ..storage.jsonl import scan_lines
from ..storage.run_folder import Run
from ..world.domain import Domain
from .groups import as_groups
from .rows import About, Scores, marked_turns, trained_on, unfit

DUPLICATE = "duplicate"
MARKS = "marks or thoughts in a text"


class LeftOut(Record):
    """A verified conversation that is no row, and why; `twin` is the row that stands for it, where one does."""

    id: str
    reason: str
    twin: str = ""


class Task(NamedTuple):
    """An accepted blueprint, how many attempts it took, and how hard it came out."""

    blueprint: Blueprint
    drafts: int
    difficulty: Difficulty


@dataclass
class Selection:
    """What of a run is exported: trajectory → what is known of its row, for verified ones (`rows`) and for failed ones
    of the same tasks (`failed`), in the order of their file; what is `left_out`; as `counts` what it was made of."""

    tasks: dict[str, Task]
    rows: dict[str, About] = field(default_factory=dict)
    failed: dict[str, About] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def reasons(self) -> dict[str, int]:
        """Reason → how many conversations were left out for it."""
        return dict(sorted(Counter(one.reason for one in self.left_out).items()))


def by_task(path: Path) -> Iterator[tuple[str, list[Trajectory]]]:
    """Blueprint → its trajectories, one blueprint after the other, as they stand in the file."""
    lines = (trajectory for _, _, trajectory in scan_lines(path, Trajectory))
    for blueprint, held in itertools.groupby(lines, key=lambda trajectory: trajectory.blueprint):
        yield blueprint, sorted(held, key=lambda trajectory: trajectory.attempt)


def select(run: Run, domain: Domain, models: Mapping[str, str], license: str = "unknown") -> Selection:
    """Choose the rows of a run from its two files. `models` is role → model name."""
    found = Selection({}, counts=Counter({"seeds": 0, "recombined": 0}))
    for _, _, proposal in scan_lines(run.blueprints, Proposal):
        found.counts["recombined" if proposal.parts else "seeds"] += 1
        if proposal.accepted:
            task = proposal.blueprint
            found.tasks[task.id] = Task(task, len(proposal.attempts), difficulty(task, domain))
    groups = as_groups({id: task.blueprint for id, task in found.tasks.items()})
    found.counts["accepted blueprints"] = len(found.tasks)
    for id, held in by_task(run.trajectories):
        common = _known_of_task(found.tasks[id], groups[id], models, license)
        _add(found, held, common)
    found.counts["verified conversations"] = len(found.rows) + len(found.left_out)
    found.counts["rows"] = len(found.rows)
    return found


def _known_of_task(task: Task, group: str, models: Mapping[str, str], license: str) -> About:
    """What all rows of a task have in common."""
    blueprint = task.blueprint
    return About(
        id="",
        task_id=blueprint.id,
        group_id=group,
        user=blueprint.user,
        domain=blueprint.domain,
        kind=blueprint.kind,
        behaviour=blueprint.behaviour,
        level=task.difficulty.level,
        models=dict(models),
        scores=Scores(drafts=task.drafts, difficulty=max(task.difficulty.writes, 1) * task.difficulty.lookups),
        license=license,
    )


def _add(found: Selection, held: Sequence[Trajectory], common: About) -> None:
    """Add what one task has: its rows, and the failed conversations that are held against them."""
    chosen, left_out = choose(held)
    found.counts["conversations"] += len(held)
    found.left_out += left_out
    decided = [trajectory for trajectory in held if not trajectory.undecided and not trajectory.unanswered]
    rate = sum(trajectory.success for trajectory in decided) / len(decided) if decided else None
    for trajectory in chosen:
        found.rows[trajectory.id] = _about(trajectory, common, rate)
    if chosen:
        fell = (t for t in decided if t.outcome == "failed" and not unfit(t.messages) and _clean(t))
        found.failed |= {trajectory.id: _about(trajectory, common, rate) for trajectory in fell}


def _about(trajectory: Trajectory, common: About, rate: float | None) -> About:
    replies = [turn for turn, m in enumerate(trained_on(trajectory.messages)) if m.role == "assistant"]
    marked = set(replies).intersection(marked_turns(trajectory))
    scores = common.scores.model_copy(update={"conduct": 1 - len(marked) / len(replies), "pass_rate": rate})
    return common.model_copy(update={"id": trajectory.id, "scores": scores, "cause": cause(trajectory)})


def cause(trajectory: Trajectory) -> str:
    """Why a conversation failed, in a line: the check that fell first, what it found, whom blame named."""
    fell = next((verdict for verdict in trajectory.verdicts if verdict.outcome == "fell"), None)
    if fell is None:
        return ""
    blamed = f", {trajectory.blame.cause}" if trajectory.blame else ""
    return f"{fell.gate}: {fell.kind}{blamed}"


def choose(trajectories: Iterable[Trajectory]) -> tuple[list[Trajectory], list[LeftOut]]:
    """Those of one task's trajectories that become rows, in their order, and the verified ones that do not, with the
    reason: the same words and calls as an earlier row, texts that show marks or thoughts (as those of older runs may,
    which nobody has checked for them), or what no format can hold (`unfit`)."""
    kept, left_out = dict[str, Trajectory](), list[LeftOut]()
    for trajectory in sorted(trajectories, key=lambda trajectory: trajectory.attempt):
        if not trajectory.success:
            continue
        reason = unfit(trajectory.messages) if _clean(trajectory) else MARKS
        if reason:
            left_out.append(LeftOut(id=trajectory.id, reason=reason))
        elif (twin := kept.setdefault(trajectory.content, trajectory)) is not trajectory:
            left_out.append(LeftOut(id=trajectory.id, reason=DUPLICATE, twin=twin.id))
    return list(kept.values()), left_out


def _clean(trajectory: Trajectory) -> bool:
    return not any(m.role != "tool" and MACHINERY.search(m.content) for m in trajectory.messages)
