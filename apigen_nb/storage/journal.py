"""Append-only JSONL: a line is whole or absent, work is resumed by record id, artefacts are written in id order.

A stage adds every finished record to a journal (`blueprints.jsonl.part`) in the order in which work completes; when all
are there, `finish` writes the artefact (`blueprints.jsonl`) in the order of the ids and removes the journal. Records
stay on the disk: in memory is only where each line begins, so that the size of a run is bounded by the disk.
"""

from __future__ import annotations

import contextlib
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, overload
from weakref import finalize

from ..records import Record
from .jsonl import Damaged as Damaged
from .jsonl import append_line, drop_damaged, drop_half_line, parse_line, scan_lines, write_whole
from .jsonl import read_lines as read_lines
from .offset_index import OffsetIndex
from .progress import Progress, is_accepted
from .run_folder import Run as Run

ERRORS = "errors.jsonl"
R = TypeVar("R", bound=Record)


class Incomplete(Exception):
    """An artefact cannot be written yet: records are missing. `missing` are their ids; the finished ones are kept."""

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class Failure(Record):
    """A line of `errors.jsonl`: a job of a study that got no answer. The next run tries it again."""

    id: str
    stage: str
    reason: str


class StoredRecords(Sequence[R]):
    """Records in a given order, each read from the disk when it is asked for: `read` gives the one of a mark."""

    def __init__(self, read: Callable[[int], R], marks: array[int]) -> None:
        self._read, self._marks = read, marks

    def __len__(self) -> int:
        return len(self._marks)

    @overload
    def __getitem__(self, place: int) -> R: ...

    @overload
    def __getitem__(self, place: slice) -> StoredRecords[R]: ...

    def __getitem__(self, place: int | slice) -> R | StoredRecords[R]:
        marks = self._marks[place]
        return self._read(marks) if isinstance(marks, int) else StoredRecords(self._read, marks)

    def __iter__(self) -> Iterator[R]:
        return map(self._read, self._marks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have none either


def _line_at(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.readline()


def _record_at(path: Path, kind: type[R], offset: int) -> R:
    return parse_line(_line_at(path, offset), kind)


class Journal(Mapping[str, R]):
    """The finished records of one stage by id, in the order in which they were written; each is read from its file when
    it is asked for. `path` is the artefact, `<path>.part` the journal. `index` is id → number and place of its line:
    twice the offset, and 1 more in the journal.

    An id that stands there twice (two processes wrote for a moment) counts with its first line: later work may already
    have been built on that one. Damaged lines of the journal are dropped, what stood there is made again; a damaged
    artefact is Damaged.

    Until it is finished, closed or forgotten, a journal holds its folder against other processes (InUse)."""

    def __init__(self, path: Path | str, kind: type[R]) -> None:
        self.path, self.kind = Path(path), kind
        self.part = self.path.with_name(self.path.name + ".part")
        self._progress: Progress | None = None
        held = contextlib.ExitStack()
        held.enter_context(Run.open(self.path.parent).writing())
        self.close = finalize(self, held.close)
        try:
            self._open()
        except BaseException:
            self.close()  # a notebook keeps what its failed cell has made
            raise

    def _open(self) -> None:
        if self.part.exists():
            drop_half_line(self.part)
        try:
            self._read()
        except Damaged:
            if not (dropped := drop_damaged(self.part, self.kind)):
                raise
            told = f"{self.part}: damaged lines dropped: {dropped}"
            print(f"{told}; what stood there is made again, from kept replies", file=sys.stderr, flush=True)
            self._read()

    def _read(self) -> None:
        self.index = OffsetIndex()
        self._order = array("I")  # of the artefact, in numbers
        self._accepted = 0
        for place, _, record in self.lines():
            if id_of(record) not in self:
                self._remember(record, place)
            if not place & 1:
                self._order.append(self.index.number(id_of(record)))

    def _remember(self, record: R, place: int) -> None:
        self.index.put(id_of(record), place)
        self._accepted += is_accepted(record)

    def lines(self) -> Iterator[tuple[int, bytes, R]]:
        """Place, bytes and record of every line of the files that there are."""
        for file, path in enumerate((self.path, self.part)):
            for offset, line, record in scan_lines(path, self.kind) if path.exists() else ():
                yield offset << 1 | file, line, record

    def _line(self, place: int | None, id: object) -> bytes:
        if place is None:
            raise KeyError(id)
        return _line_at(self.part if place & 1 else self.path, place >> 1)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self.index.get(id) is not None

    def __getitem__(self, id: str) -> R:
        return parse_line(self._line(self.index.get(id), id), self.kind)

    def at(self, number: int) -> R:
        """The record of a number. KeyError when there is none."""
        return parse_line(self._line(self.index.at(number), number), self.kind)

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator[str]:
        return (id_of(record) for place, _, record in self.lines() if self.index.get(id_of(record)) == place)

    def end(self) -> int:
        """The place of the next record."""
        return (self.part.stat().st_size if self.part.exists() else 0) << 1 | 1

    def add(self, record: R) -> None:
        """Append one finished record as a whole line. ValueError when its id is done already, OSError when the disk is
        full or the folder read-only; what was added before is kept."""
        if id_of(record) in self:
            raise ValueError(f"{id_of(record)} is already in {self.part.name}")
        try:
            offset = append_line(self.part, record.line())
        except OSError as error:
            raise OSError(f"{self.part} cannot be written: {error.strerror or error}; what is there is kept") from None
        self._remember(record, offset << 1 | 1)

    def finish(self, ids: Iterable[str]) -> StoredRecords[R]:
        """Write the artefact in the order of `ids`, remove the journal and give the records. Incomplete, and nothing
        written, when one is missing. An artefact that holds exactly these is left as it is. The journal is closed."""
        with contextlib.closing(self):
            order, offsets = self._numbers(ids), array("Q")
            if self._order != order or not self.path.exists():
                write_whole(self.path, self._ordered(order, offsets))
                self._order = order
                self.index.replace((number, offset << 1) for number, offset in zip(order, offsets, strict=True))
            else:
                offsets.extend(place >> 1 for place in map(self.index.at, order) if place is not None)
            self.part.unlink(missing_ok=True)
            self.tidy_errors()
            return StoredRecords(partial(_record_at, self.path, self.kind), offsets)

    def _numbers(self, ids: Iterable[str]) -> array[int]:
        order, missing, seen = array("I"), list[str](), bytearray()
        for id in ids:
            order.append(number := self.index.number(id))
            seen.extend(bytes(max(0, number + 1 - len(seen))))
            if seen[number]:
                raise ValueError(f"{self.path.name}: {id} is asked for twice")
            seen[number] = 1
            missing += [id] if self.index.at(number) is None else []
        if missing:
            few = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            reasons = f"reasons are in {ERRORS}, the next run tries them again"
            told = f"{len(missing)} of {len(order)} {self.path.stem} are missing: {few}; {reasons}"
            raise Incomplete(told, missing)
        return order

    def _ordered(self, order: array[int], offsets: array[int]) -> Iterator[str]:
        """The lines of the artefact; where each will stand in it goes into `offsets`."""
        offset = 0
        for number in order:
            line = self._line(self.index.at(number), number)
            offsets.append(offset)
            offset += len(line)
            yield line.decode().removesuffix("\n")

    def progress(self, title: str) -> Progress:
        """The one line of this journal, however many rounds are worked on it."""
        if self._progress is None:
            self._progress = Progress(self.path.parent, title)
            self._progress.done, self._progress.accepted = len(self), self._accepted
        return self._progress

    def note(self, id: str, reason: str) -> None:
        """Remember in `errors.jsonl` that a job got no answer."""
        append_line(self.path.parent / ERRORS, Failure(id=id, stage=self.path.stem, reason=reason).line())

    def tidy_errors(self) -> None:
        """Keep the last line of each failed job in `errors.jsonl` and none of those that are done by now."""
        left = [f for f in failures(self.path.parent) if not (f.stage == self.path.stem and f.id in self)]
        if left:
            write_whole(self.path.parent / ERRORS, (failure.line() for failure in left))
        else:
            (self.path.parent / ERRORS).unlink(missing_ok=True)


def is_unanswered(record: object) -> bool:
    """Whether a record only says that a model gave no answer."""
    return bool(getattr(record, "unanswered", False))


def forget_unanswered(path: Path, kind: type[R]) -> None:
    """Take what got no answer out of a stage (see `forget`)."""
    forget(path, kind, is_unanswered)


def forget(path: Path, kind: type[R], which: Callable[[R], bool]) -> None:
    """Take these records out of a stage, so that they are made again: the rest of its artefact becomes a journal."""
    with contextlib.closing(Journal(path, kind)) as journal:
        if any(which(record) for _, _, record in journal.lines()):
            kept = (line for _, line, record in journal.lines() if not which(record))
            write_whole(journal.part, (line.decode().removesuffix("\n") for line in kept))
            path.unlink(missing_ok=True)


def failures(folder: Path) -> list[Failure]:
    """The failed jobs of a run, each with its last reason; those that succeeded later are gone."""
    if not (path := folder / ERRORS).exists():
        return []
    drop_half_line(path)
    return list({(f.stage, f.id): f for f in read_lines(path, Failure)}.values())


def id_of(record: Record) -> str:
    """The id of a record of a stage."""
    # Records of stages all have an id; the base class does not, since their parts have none.
    return str(record.id)  # type: ignore[attr-defined]
