"""A run's records for looking at: all of them without their long texts, one of them whole when it is asked for.

Ten thousand blueprints are 100 MB of JSON. Read without instructions, words of judges and diffs they take half the time
and a fraction of the memory, and every function of `report.tables` works on them all the same."""

from __future__ import annotations

import functools
import gc
import json
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd

from ...records import Proposal, Record, Role, Trajectory, Usage
from ...storage.jsonl import Damaged, parse_line
from ...storage.run_folder import Run
from ...world.domain import Domain, DomainError
from .. import diversity as spread
from .. import listings, tables
from .. import pass_rates as passing
from ..run_contents import Contents
from .slim_records import Asked, LightProposal, LightTrajectory, Talk

L = TypeVar("L", bound=Record)
R = TypeVar("R", bound=Record)


class Book(Generic[L, R]):
    """The records of one artefact in their order, light in `records`, whole by `whole(id)`. While a stage runs, what
    it has finished so far is there."""

    def __init__(self, path: Path, light: type[L], kind: type[R]) -> None:
        self._kind, self._files = kind, (path, path.with_name(path.name + ".part"))
        self._places: dict[str, tuple[Path, int]] = {}
        records: list[L] = []
        with _no_collection():
            for file in self._files:
                for offset, record in _lines(file, light):
                    id = str(record.id)  # type: ignore[attr-defined]  # proposals and trajectories have one
                    if id not in self._places:
                        self._places[id] = file, offset
                        records.append(record)
            self.records = tuple(records)
            gc.freeze()  # they live as long as the kernel does: none is to be looked at by the first collection

    def __contains__(self, id: object) -> bool:
        return id in self._places

    def whole(self, id: str) -> R:
        """A record as it stands in its file. KeyError when there is none; LookupError when the file was written anew
        since it was opened."""
        path, offset = self._places[id]
        with path.open("rb") as file:
            file.seek(offset)
            line = file.readline()
        try:
            record = parse_line(line, self._kind)
        except ValueError:
            record = None
        if record is None or str(record.id) != id:  # type: ignore[attr-defined]
            raise LookupError(f"{path.name} was written anew since it was opened: open the explorer again")
        return record

    def search(self, text: str) -> set[str]:
        """The ids of the records whose lines hold this text; capitals of ASCII letters do not count."""
        needle = json.dumps(text)[1:-1].lower().encode()
        found: set[str] = set()
        for file in self._files:
            here = [(offset, id) for id, (path, offset) in self._places.items() if path == file]
            if not here:
                continue
            here.sort()
            starts = [offset for offset, _ in here]
            data = file.read_bytes().lower()
            at = data.find(needle)
            while at >= 0:
                number = bisect_right(starts, at) - 1
                found.add(here[number][1])
                at = data.find(needle, starts[number + 1]) if number + 1 < len(starts) else -1
        return found


class _no_collection:
    # A million small objects are made and none is garbage; looking for some takes as long as reading them.
    def __enter__(self) -> None:
        self.was = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.was:
            gc.enable()


def _lines(path: Path, kind: type[R]) -> Iterator[tuple[int, R]]:
    if not path.is_file():
        return
    offset, growing = 0, path.suffix == ".part"
    with path.open("rb", buffering=1 << 20) as file:
        for number, line in enumerate(file, 1):
            if growing and not line.endswith(b"\n"):  # just being written
                return
            try:
                yield offset, parse_line(line, kind)
            except ValueError:
                raise Damaged(f"{path.name}, line {number}: expected a record, found {line[:60]!r}") from None
            offset += len(line)


class Shelf:
    """A run's folder, each part of it read when an explorer first needs it."""

    def __init__(self, run: Run | Path | str) -> None:
        self.folder = run.folder if isinstance(run, Run) else Path(run)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no run in {self.folder}; give the folder of a run, such as outputs/demo")

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        return Run(self.folder).read_manifest()

    @property
    def domain(self) -> str:
        """The run's domain for `Domain.load`."""
        return Run(self.folder).domain()

    @property
    def outside(self) -> Contents:
        """What the folder says of its run without its records: name, rows of the dataset, whether it was scripted."""
        return Contents(self.folder, self.manifest, (), ())

    @property
    def contents(self) -> Contents:
        """What the folder holds, with light records."""
        return replace(self.outside, proposals=self.proposals.records, trajectories=self.trajectories.records)

    @property
    def scripted(self) -> bool:
        """Whether the scripted stand-in played any role."""
        return self.outside.scripted

    @functools.cached_property
    def writes(self) -> Collection[str]:
        """The domain's writing tools; none where the domain is not there any more."""
        try:
            return tables.writing(Domain.load(self.domain))
        except DomainError:
            return ()

    @functools.cached_property
    def proposals(self) -> Book[LightProposal, Proposal]:
        return Book(self.folder / "blueprints.jsonl", LightProposal, Proposal)

    @functools.cached_property
    def asked(self) -> Book[Any, Proposal]:
        """The proposals for those who only look some of them up: read in a third of the time."""
        if "proposals" in self.__dict__:
            return self.proposals
        return Book(self.folder / "blueprints.jsonl", Asked, Proposal)

    @functools.cached_property
    def trajectories(self) -> Book[LightTrajectory, Trajectory]:
        return Book(self.folder / "trajectories.jsonl", LightTrajectory, Trajectory)

    @functools.cached_property
    def judged(self) -> pd.DataFrame:
        """`report.passing.judged` of the proposals."""
        return passing.judged(self.proposals.records)

    @functools.cached_property
    def spread(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`report.spread.rows` and `transitions` of all trajectories, which are read for it and not kept."""
        with _no_collection():
            book = Book(self.folder / "trajectories.jsonl", Talk, Trajectory)
            found = spread.rows(book.records, self.asked.records), spread.transitions(book.records)
            book.records = ()
        self.__dict__.setdefault("talk", book)
        return found

    @functools.cached_property
    def talk(self) -> Book[Any, Trajectory]:
        """The trajectories for those who only look some of them up."""
        return self.trajectories

    @functools.cached_property
    def blueprints(self) -> pd.DataFrame:
        """A row for each proposal."""
        columns = ["id", "outcome", "fell at", "attempts", "kind", "behaviour", "level", "tokens"]
        rows = [
            (
                p.id, outcome(p), next((v.gate for a in p.attempts for v in a.failures), ""), len(p.attempts), p.kind,
                p.behaviour, p.level, tokens(p.usage),
            )
            for p in self.proposals.records
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @functools.cached_property
    def talks(self) -> pd.DataFrame:
        """A row for each trajectory."""
        known = {p.id: p for p in self.asked.records}
        columns = [
            "id", "blueprint", "attempt", "outcome", "ended", "cause", "divergence", "kind", "behaviour", "messages",
            "length", "calls", "tokens",
        ]  # fmt: skip
        rows = []
        for t in self.trajectories.records:
            p = known.get(t.blueprint)
            size, ended = len(t.messages), tables.ENDED.get(t.ended, t.ended)
            rows.append(
                (
                    t.id, t.blueprint, t.attempt, "verified" if t.success else "failed", ended,
                    t.blame.cause if t.blame else "", t.divergence.kind if t.divergence else "",
                    p.kind if p else "unknown", p.behaviour if p else "unknown", size, listings.length(size),
                    len(t.calls), tokens(t.usage),
                )
            )  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def outcome(p: Proposal) -> str:
    """How a proposal ended: "accepted at once", "repaired by reflection" or "rejected"."""
    return "rejected" if not p.accepted else "repaired by reflection" if len(p.attempts) > 1 else "accepted at once"


def tokens(usage: dict[Role, Usage]) -> int:
    """Tokens asked and answered, over all roles."""
    return sum(u.prompt + u.completion for u in usage.values())
