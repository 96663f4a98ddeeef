"""Append-only JSONL: a line is whole or absent, work is resumed by record id, artefacts are written in id order.

A stage adds every finished record to a journal (`blueprints.jsonl.part`) in the order in which work completes; when all
are there, `finish` writes the artefact (`blueprints.jsonl`) in the order of the ids and removes the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence, Sized
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from .lines import Damaged as Damaged
from .lines import append, drop_half_line, write_whole
from .lines import read_lines as read_lines
from .manifest import Run as Run
from .models import NoAnswer
from .progress import Progress
from .records import Record

ERRORS = "errors.jsonl"


class Identified(Protocol):
    """Whatever has an `id` that is known before the work."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Record)
Item = TypeVar("Item", bound=Identified)


class Incomplete(Exception):
    """An artefact cannot be written yet: records are missing. `missing` are their ids; the finished ones are kept."""

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class Failure(Record):
    """A line of `errors.jsonl`: a job that got no answer. The next run tries it again."""

    id: str
    stage: str
    reason: str


class Journal(Generic[R]):
    """The records of one stage, finished ones by id in `done`. `path` is the artefact, `<path>.part` the journal.

    An id that stands there twice (two processes wrote for a moment) counts with its first line: later work may already
    have been built on that one. A half-written last line of the journal is dropped; anything else is Damaged."""

    def __init__(self, path: Path | str, kind: type[R]) -> None:
        self.path = Path(path)
        self.part = self.path.with_name(self.path.name + ".part")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.done: dict[str, R] = {}
        self._order: list[str] | None = None
        self._progress: Progress | None = None
        if self.path.exists():
            self._read(self.path, kind)
            self._order = list(self.done)
        if self.part.exists():
            drop_half_line(self.part)
            self._read(self.part, kind)

    def _read(self, path: Path, kind: type[R]) -> None:
        for record in read_lines(path, kind):
            self.done.setdefault(_id(record), record)

    def add(self, record: R) -> None:
        """Append one finished record as a whole line. ValueError when its id is done already."""
        if _id(record) in self.done:
            raise ValueError(f"{_id(record)} is already in {self.part.name}")
        append(self.part, record.line())
        self.done[_id(record)] = record

    def finish(self, ids: Iterable[str]) -> None:
        """Write the artefact in the order of `ids` and remove the journal. Incomplete, and nothing written, when one is
        missing. An artefact that holds exactly these is left as it is."""
        ids = list(ids)
        if len(set(ids)) < len(ids):
            raise ValueError(f"{self.path.name}: {next(i for i in ids if ids.count(i) > 1)} is asked for twice")
        if missing := [id for id in ids if id not in self.done]:
            few = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            raise Incomplete(
                f"{len(missing)} of {len(ids)} {self.path.stem} are missing: {few}; "
                f"reasons are in {ERRORS}, the next run tries them again",
                missing,
            )
        if self._order != ids or not self.path.exists():
            write_whole(self.path, (self.done[id].line() for id in ids))
            self._order = ids
        self.part.unlink(missing_ok=True)
        self.tidy_errors()

    def progress(self, title: str) -> Progress:
        """The one line of this journal, however many rounds are worked on it."""
        if self._progress is None:
            self._progress = Progress(self.path.parent, title)
            for record in self.done.values():
                self._progress.count(record, quietly=True)
        return self._progress

    def note(self, id: str, reason: str) -> None:
        """Remember in `errors.jsonl` that a job got no answer."""
        append(self.path.parent / ERRORS, Failure(id=id, stage=self.path.stem, reason=reason).line())

    def tidy_errors(self) -> None:
        """Keep the last line of each failed job in `errors.jsonl` and none of those that are done by now."""
        found = failures(self.path.parent)
        left = [f for f in found if not (f.stage == self.path.stem and f.id in self.done)]
        if left:
            write_whole(self.path.parent / ERRORS, (failure.line() for failure in left))
        else:
            (self.path.parent / ERRORS).unlink(missing_ok=True)


def failures(folder: Path) -> list[Failure]:
    """The failed jobs of a run, each with its last reason; those that succeeded later are gone."""
    path = folder / ERRORS
    if not path.exists():
        return []
    drop_half_line(path)
    return list({(f.stage, f.id): f for f in read_lines(path, Failure)}.values())


async def each(
    work: Callable[[Item], Awaitable[R]],
    items: Iterable[Item],
    journal: Journal[R],
    *,
    concurrency: int = 32,
    title: str = "",
    total: int | None = None,
) -> list[R]:
    """Do `work(item) -> record` (same id) for all items that the journal does not hold, at most `concurrency` at a
    time; returns the finished records in the order of the items.

    NoAnswer in a job becomes a line of `errors.jsonl` and the others go on. Anything else (EndpointDown, a bug, a
    cancellation) stops the others and is raised; what was finished is in the journal. It may be called several times,
    in rounds, on one journal; `total` is then what all rounds come to, for whoever watches."""
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, found {concurrency}")
    size = len(items) if isinstance(items, Sized) else None
    shown = journal.progress(title or journal.path.stem)
    shown.total = size if total is None else total
    order: dict[str, None] = {}

    def waiting() -> Iterator[Item]:
        for item in items:
            if item.id in order:
                raise ValueError(f"two items have the id {item.id}")
            order[item.id] = None
            if item.id not in journal.done:
                yield item

    async def worker(todo: Iterator[Item]) -> None:
        for item in todo:
            try:
                record = await work(item)
            except NoAnswer as error:
                journal.note(item.id, str(error))
                continue
            if _id(record) != item.id:
                raise ValueError(f"the work on {item.id} gave a record with the id {_id(record)}")
            journal.add(record)
            shown.count(record)

    # Workers share one iterator: 100,000 items are neither 100,000 tasks nor all in memory.
    todo = waiting()
    count = concurrency if size is None else min(concurrency, size)
    workers = [asyncio.create_task(worker(todo)) for _ in range(count)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        journal.tidy_errors()
        shown.close()
    return [journal.done[id] for id in order if id in journal.done]


def _id(record: Record) -> str:
    # Records of stages all have an id; the base class does not, since their parts have none.
    return str(record.id)  # type: ignore[attr-defined]
