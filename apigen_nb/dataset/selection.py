"""Which conversations become rows, and what is known of each: one rule for all formats, and a reason for whatever is
left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..blueprints.difficulty import Difficulty, difficulty
from ..models.spoken import MACHINERY
from ..records import Blueprint, Record, Trajectory
from ..world.domain import Domain
from .notes import Note
from .rows import About, Scores, unfit
from .scores import Answers, committee_of, rates, scored
from .sources import Source

DUPLICATE = "duplicate"
MARKS = "marks or thoughts in a text"


class LeftOut(Record):
    """A verified conversation that is no row, and why; `twin` is the row that stands for it, where one does, `found`
    what the reason goes by: the score that is too low, a person's words."""

    id: str
    reason: str
    twin: str = ""
    found: str = ""


class Task(NamedTuple):
    """An accepted blueprint, how many attempts it took, how hard it came out, and how its committee voted."""

    blueprint: Blueprint
    drafts: int
    difficulty: Difficulty
    committee: Answers


@dataclass
class Selection:
    """What is exported: trajectory → what is known of its row, for verified ones (`rows`) and for failed ones of the
    same tasks (`failed`), in the order of their files; what is `left_out`; as `counts` what it was made of. `called`
    are the tools that a conversation or its task calls; `kept` are rows that a person keeps: no step leaves them out.
    `notes` are what people say of conversations, `contents` the hashes of those."""

    tasks: dict[str, Task]
    rows: dict[str, About] = field(default_factory=dict)
    failed: dict[str, About] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    called: dict[str, frozenset[str]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    notes: dict[str, Note] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)

    def leave_out(self, id: str, reason: str, twin: str = "", found: str = "") -> None:
        """Take a row out, with the reason, what it goes by, and where another one stands for it, with that one."""
        del self.rows[id]
        self.left_out.append(LeftOut(id=id, reason=reason, twin=twin, found=found))

    def settle_twins(self) -> None:
        """Name as a twin the row that stands there in the end, where a twin was itself left out for another one."""
        gone = {one.id: one.twin for one in self.left_out}

        def last(twin: str) -> str:
            while gone.get(twin):
                twin = gone[twin]
            return twin

        self.left_out = [one.model_copy(update={"twin": last(one.twin)}) if one.twin else one for one in self.left_out]

    @property
    def reasons(self) -> dict[str, int]:
        """Reason → how many conversations were left out for it."""
        return dict(sorted(Counter(one.reason for one in self.left_out).items()))


def candidates(sources: Sequence[Source]) -> Selection:
    """What could be rows: the distinct verified conversations of these runs that formats can hold, from their two files
    each, and the failed ones of the same tasks. Each task is a group of its own so far."""
    found, first = Selection({}, counts=Counter({"seeds": 0, "recombined": 0})), dict[tuple[str, str], str]()
    for source in sources:
        found.notes |= source.notes()
        for proposal in source.proposals():
            found.counts["recombined" if proposal.parts else "seeds"] += 1
            if proposal.accepted:
                task, voted = proposal.blueprint, committee_of(proposal.attempts[-1].verdicts)
                found.tasks[task.id] = Task(task, len(proposal.attempts), difficulty(task, source.domain), voted)
        found.counts["accepted blueprints"] = len(found.tasks)
        for id, held in source.conversations():
            _add(found, held, _known_of_task(found.tasks[id], source.models, source.license), source.domain)
            if len(sources) > 1:
                _leave_out_repeated(found, held, source.domain.name, first)
    found.counts["verified conversations"] = len(found.rows) + len(found.left_out)
    return found


def _leave_out_repeated(
    found: Selection, held: Sequence[Trajectory], domain: str, first: dict[tuple[str, str], str]
) -> None:
    """Leave out what says and does the same as a row of an earlier run; `first` is content → that row."""
    for trajectory in held:
        if trajectory.id in found.rows:
            twin = first.setdefault((domain, trajectory.content), trajectory.id)
            if twin != trajectory.id:
                found.leave_out(trajectory.id, DUPLICATE, twin)


def _known_of_task(task: Task, models: Mapping[str, str], license: str) -> About:
    """What all rows of a task have in common."""
    blueprint = task.blueprint
    return About(
        id="",
        task_id=blueprint.id,
        group_id=blueprint.id,
        user=blueprint.user,
        domain=blueprint.domain,
        kind=blueprint.kind,
        behaviour=blueprint.behaviour,
        level=task.difficulty.level,
        models=dict(models),
        scores=Scores(drafts=task.drafts, difficulty=max(task.difficulty.writes, 1) * task.difficulty.lookups),
        license=license,
    )


def _add(found: Selection, held: Sequence[Trajectory], common: About, domain: Domain) -> None:
    """Add what one task has: its rows, and the failed conversations that are held against them."""
    chosen, left_out = choose(held)
    found.counts["conversations"] += len(held)
    found.left_out += left_out
    found.contents |= {trajectory.id: trajectory.content for trajectory in held if trajectory.id in found.notes}
    task = found.tasks[common.task_id]
    shared = common.scores.model_copy(update=rates(held))

    def about(trajectory: Trajectory) -> About:
        scores = scored(trajectory, shared, task.blueprint, task.committee, domain)
        return common.model_copy(update={"id": trajectory.id, "scores": scores, "cause": cause(trajectory)})

    acted = {action.name for action in task.blueprint.actions}
    found.rows |= {trajectory.id: about(trajectory) for trajectory in chosen}
    if chosen:
        fell = [t for t in held if t.outcome == "failed" and not t.unanswered and not unfit(t.messages) and _clean(t)]
        found.failed |= {trajectory.id: about(trajectory) for trajectory in fell}
        found.called |= {t.id: frozenset(acted.union(call.name for call in t.calls)) for t in (*chosen, *fell)}


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
