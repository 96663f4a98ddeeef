"""What a run's folder holds, each part of it read when a page first needs it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..dataset.notes import Note, latest, read_notes
from ..models.ledger import Ledger, read_ledger
from ..records import Proposal, Trajectory
from ..storage.jsonl import Damaged
from ..storage.run_folder import Run, by_current_names
from ..world.domain import Domain, DomainError
from . import diversity, tables
from .domain_tables import writing
from .kept import Kept
from .record_index import RecordIndex
from .slim_records import SlimProposal, SlimTrajectory, SpokenTrajectory, ToldProposal


class RunContents:
    """A run's folder; a stage that was not run has no records. `known` parts are given instead of being read."""

    def __init__(self, run: Run | Path | str, **known: Any) -> None:
        self.folder = run.folder if isinstance(run, Run) else Path(run)
        if not known and not self.folder.is_dir():
            raise FileNotFoundError(f"no run in {self.folder}; give the folder of a run, such as outputs/demo")
        vars(self).update(known)

    @cached_property
    def kept(self) -> Kept:
        """What was made of its records before, where it is large."""
        return Kept(self.folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What `run.json` says. Damaged when it is no JSON object."""
        path = self.folder / "run.json"
        try:
            held = json.loads(path.read_bytes()) if path.is_file() else {}
        except ValueError as error:
            raise Damaged(
                f"{path}: expected a JSON object, found {error}; write it again with `apigen-nb run`"
            ) from None
        if not isinstance(held, dict):
            raise Damaged(f"{path}: expected a JSON object, found a {type(held).__name__}")
        return by_current_names(held)

    @cached_property
    def proposals(self) -> RecordIndex[SlimProposal, Proposal]:
        """All proposals without their long texts."""
        return RecordIndex(self.folder / "blueprints.jsonl", SlimProposal, Proposal, self.kept)

    @property
    def told(self) -> Iterable[Proposal]:
        """All proposals with their instructions: read anew and not kept."""
        return RecordIndex(self.folder / "blueprints.jsonl", ToldProposal, Proposal)

    @cached_property
    def trajectories(self) -> RecordIndex[SlimTrajectory, Trajectory]:
        """All trajectories without what was said."""
        return RecordIndex(self.folder / "trajectories.jsonl", SlimTrajectory, Trajectory, self.kept)

    def proposal_of(self, trajectory: Trajectory) -> Proposal | None:
        """The proposal that a conversation is about, whole; None where it is not among the run's."""
        known = trajectory.blueprint in self.proposals.place
        return self.proposals.whole(trajectory.blueprint) if known else None

    @cached_property
    def notes(self) -> list[Note]:
        """What people said of conversations, in the order in which they said it."""
        return read_notes(Run(self.folder).notes)

    @cached_property
    def said(self) -> dict[str, Note]:
        """Conversation → what was said of it last."""
        return latest(self.notes)

    def hear(self, note: Note) -> None:
        """Take in a note that was just taken."""
        self.notes.append(note)
        self.said[note.id] = note

    def conversation(self, id: str) -> Trajectory | None:
        """A conversation whole; None where there is none of this id."""
        return self.trajectories.whole(id) if id in self.trajectories.place else None

    @property
    def spoken(self) -> Iterable[Trajectory]:
        """All trajectories with what was said: read anew and not kept."""
        return RecordIndex(self.folder / "trajectories.jsonl", SpokenTrajectory, Trajectory)

    @cached_property
    def conversations(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`diversity.rows` and `diversity.transitions`."""
        spoken = list(self.spoken)
        return diversity.rows(spoken, self.proposals), diversity.transitions(spoken)

    @cached_property
    def conversations_of(self) -> dict[str, list[tuple[str, str]]]:
        """Blueprint → the conversations about it: id and outcome."""

        def made() -> dict[str, list[tuple[str, str]]]:
            found: dict[str, list[tuple[str, str]]] = {}
            for t in self.trajectories:
                found.setdefault(t.blueprint, []).append((t.id, t.outcome))
            return found

        return self.kept.get("conversations of", made)

    @cached_property
    def attempts(self) -> dict[str, int]:
        """Blueprint → how many attempts there were at it."""
        return self.kept.get("attempts", lambda: {p.id: len(p.attempts) for p in self.proposals})

    @cached_property
    def key_figures(self) -> dict[str, tuple[str, str]]:
        """`tables.key_figures`."""

        def made() -> dict[str, tuple[str, str]]:
            return tables.key_figures(self.proposals, self.trajectories, self.rows)

        return self.kept.get("key figures", made)

    def keep(self) -> None:
        """Make what is kept of a large run."""
        made = (self.key_figures, self.attempts, self.conversations_of, self.writes)
        places = (self.proposals.place, self.trajectories.place)
        del made, places

    @property
    def held_blueprints(self) -> bool:
        """Whether there are proposals, without reading them."""
        return self._holds("blueprints.jsonl")

    @property
    def held_conversations(self) -> bool:
        """Whether there are trajectories, without reading them."""
        return self._holds("trajectories.jsonl")

    def _holds(self, name: str) -> bool:
        files = (self.folder / f"{name}{end}" for end in ("", ".part"))
        return any(file.is_file() and file.stat().st_size for file in files)

    @cached_property
    def writes(self) -> frozenset[str]:
        """The writing tools: those of groundtruths, and those of the domain where it is still there."""

        def made() -> list[str]:
            attempts = (a.blueprint for p in self.proposals for a in p.attempts if a.blueprint)
            return sorted({action.name for blueprint in attempts for action in blueprint.actions})

        asked = set(self.kept.get("groundtruth tools", made))
        try:
            return writing(Domain.load(Run(self.folder).domain())) | asked
        except DomainError:
            return frozenset(asked)

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.folder.resolve().name

    @property
    def scripted(self) -> bool:
        """Whether the scripted stand-in played any role."""
        models = (self.manifest.get("models"), (self.manifest.get("parameters") or {}).get("model"))
        return '"scripted' in json.dumps(models, default=str)

    @property
    def ledger(self) -> Ledger | None:
        """What the run has cost, where models were paid for."""
        return read_ledger(self.folder)

    @property
    def notebooks(self) -> list[Path]:
        """The executed notebooks."""
        return sorted((self.folder / "notebooks").glob("*.ipynb"))

    @property
    def preference_pairs(self) -> list[tuple[str, str, str]]:
        """Of the preference pairs that were exported the ids of the chosen and the rejected conversation, and why the
        latter was rejected."""
        files = sorted((self.folder / "dataset" / "preference").glob("*.parquet"))
        rows = [row for file in files for row in pd.read_parquet(file, columns=["id", "cause"]).itertuples(index=False)]
        return [(*row.id.split("/", 1), row.cause) for row in rows]

    @property
    def rows(self) -> int | None:
        """Rows of the exported dataset; None when nothing was exported."""
        path = self.folder / "dataset" / "proofs.jsonl"
        if not path.is_file():
            return None
        with path.open("rb") as lines:
            return sum(1 for _ in lines)
