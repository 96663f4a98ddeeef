"""Phase 1: a blueprint, the attempts at it, and the proposal that holds them."""

from __future__ import annotations

from .base import NO_ANSWER, Action, Behaviour, Change, Kind, Level, Record, Role, Usage, sha
from .verdict import Verdict


class Blueprint(Record):
    """A task configuration: what the user wants (`instruction`, for the simulated user only), the groundtruth actions
    (writing calls in order) and the outputs that the agent must tell. `user` is the row the task is about.

    `kind` is the hard behaviour that the conversation must show, `behaviour` how the user comes across. `denied` are
    wishes that must come to nothing: forbidden, without their tool, or dropped. `withheld` are details, worded as in
    the instruction, that the user tells only when asked. `parts` are the blueprints that this one was recombined of."""

    id: str
    domain: str
    user: str
    persona: str
    instruction: str
    actions: tuple[Action, ...]
    outputs: tuple[str, ...]
    kind: Kind = "plain"
    behaviour: Behaviour = "cooperative"
    denied: tuple[Action, ...] = ()
    withheld: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """A hash of what the task asks for, for finding duplicates; the id and the wording do not count."""
        calls = [[[a.name, a.arguments] for a in actions] for actions in (self.actions, self.denied)]
        return sha([self.kind, *calls, list(self.outputs), list(self.withheld)])


class Attempt(Record):
    """One try at a blueprint, `number` from 0: the feedback it was given ('' for the first), what came back, the rows
    that its actions change (`diff`), and every verdict. `blueprint` is None where the reply held none."""

    number: int
    feedback: str = ""
    thought: str = ""
    blueprint: Blueprint | None = None
    diff: tuple[Change, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def accepted(self) -> bool:
        return bool(self.verdicts) and all(v.passed for v in self.verdicts)

    @property
    def failures(self) -> tuple[Verdict, ...]:
        return tuple(v for v in self.verdicts if not v.passed)


class Proposal(Record):
    """A line of `blueprints.jsonl`: one seed, all its attempts. `walk`, `persona`, `examples`, `kind`, `behaviour` and
    `level` say what was sampled; `parts` are the ids of the blueprints that were recombined, for those that were."""

    id: str
    domain: str
    user: str
    walk: tuple[str, ...]
    persona: str
    examples: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    accepted: bool
    kind: Kind = "plain"
    behaviour: Behaviour = "cooperative"
    level: Level = "medium"
    parts: tuple[str, ...] = ()
    usage: dict[Role, Usage] = {}

    @property
    def blueprint(self) -> Blueprint:
        """The accepted blueprint. ValueError when the proposal was rejected."""
        last = self.attempts[-1].blueprint
        if not self.accepted or last is None:
            raise ValueError(f"{self.id} was rejected: it has no blueprint to play out")
        return last

    @property
    def unanswered(self) -> bool:
        """Whether it was given up since a model gave no answer."""
        return any(v.kind == NO_ANSWER for attempt in self.attempts for v in attempt.verdicts)
