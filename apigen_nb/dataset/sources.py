"""The runs that a dataset is made of. What they hold is read here, with ids that are unique over all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..records import Proposal, Trajectory
from ..storage.jsonl import scan_lines
from ..storage.run_folder import Run
from ..world.domain import Domain, DomainError
from .notes import Note, latest, read_notes


@dataclass(frozen=True)
class Source:
    """A run, its domain, who played which role in it (role → model), and what its rows are under. Where there are
    several runs, `name` stands before all ids of this one: "demo:retail-00003.t1"."""

    run: Run
    domain: Domain
    models: Mapping[str, str]
    license: str = "unknown"
    name: str = ""

    def proposals(self) -> Iterator[Proposal]:
        """What phase 1 has left, one by one."""
        for _, _, proposal in scan_lines(self.run.blueprints, Proposal):
            yield self._named(proposal) if self.name else proposal

    def conversations(self) -> Iterator[tuple[str, list[Trajectory]]]:
        """Blueprint → its trajectories, one blueprint after the other, as they stand in the file."""
        lines = (trajectory for _, _, trajectory in scan_lines(self.run.trajectories, Trajectory))
        for blueprint, held in itertools.groupby(lines, key=lambda trajectory: trajectory.blueprint):
            told = sorted(held, key=lambda trajectory: trajectory.attempt)
            yield self.id(blueprint), [self._of(trajectory) for trajectory in told] if self.name else told

    def notes(self) -> dict[str, Note]:
        """Conversation → what a person said of it last."""
        return {self.id(id): note for id, note in latest(read_notes(self.run.notes)).items()}

    def id(self, id: str) -> str:
        """An id of this run as it stands in the dataset."""
        return f"{self.name}:{id}" if self.name else id

    def _of(self, trajectory: Trajectory) -> Trajectory:
        return trajectory.model_copy(update={"id": self.id(trajectory.id), "blueprint": self.id(trajectory.blueprint)})

    def _named(self, proposal: Proposal) -> Proposal:
        parts = tuple(map(self.id, proposal.parts))
        changed: dict[str, object] = {"id": self.id(proposal.id), "parts": parts}
        if proposal.accepted:
            task = proposal.blueprint
            task = task.model_copy(update={"id": self.id(task.id), "parts": tuple(map(self.id, task.parts))})
            last = proposal.attempts[-1].model_copy(update={"blueprint": task})
            changed["attempts"] = (*proposal.attempts[:-1], last)
        return proposal.model_copy(update=changed)


def check_versions(sources: Sequence[Source]) -> None:
    """DomainError where two runs were made on two versions of one domain, or one on another version than is here."""
    made_on = [
        source.run.read_manifest().get("domain", {}).get("fingerprint", source.domain.fingerprint) for source in sources
    ]
    first = dict[str, tuple[Source, str]]()
    for source, made in zip(sources, made_on, strict=True):
        name = source.domain.name
        other, version = first.setdefault(name, (source, made))
        if version != made:
            raise DomainError(
                f"{other.run.folder} and {source.run.folder} were made on two versions of {name} ({version} and "
                f"{made}); a dataset has one version of a domain: leave one out, or make it again"
            )
    for source, made in zip(sources, made_on, strict=True):
        here = source.domain.fingerprint
        if made != here:
            raise DomainError(
                f"{source.run.folder} was made on another version of {source.domain.name} ({made}, here {here}); rows "
                "are proven on the version that they were made on: make the run again, or take that version"
            )
