"""The records of a run for looking at: all of them without their long texts, one of them whole when it is asked for.

Ten thousand blueprints are 100 MB of JSON. Read without instructions, thoughts and diffs they take half the time and a
fraction of the memory, and every function of `tables` works on them all the same."""

from __future__ import annotations

import gc
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar, overload

from ..records import Record
from ..storage.jsonl import Damaged, parse_line, scan_lines
from .kept import Kept

S = TypeVar("S", bound=Record)
R = TypeVar("R", bound=Record)
Places = tuple[list[str], list[int], int]
SLICE = 32_000_000  # bytes that are searched at a time: some hundredths of a second


class RecordIndex(Sequence[S], Generic[S, R]):
    """The records of one artefact in their order, as the `slim` type, each `whole(id)` from its place in the file.
    While a stage runs, what it has finished so far is there. Damaged when a line is no record. All are read when one is
    first asked for; of a large run their places are kept, and `whole` and `search` need no more."""

    def __init__(self, path: Path, slim: type[S], whole: type[R], kept: Kept | None = None) -> None:
        self._slim, self._whole = slim, whole
        self._files = path, path.with_name(path.name + ".part")
        self._kept = kept

    @cached_property
    def _read(self) -> tuple[list[S], Places]:
        records: list[S] = []
        ids: list[str] = []
        offsets: list[int] = []
        known: set[str] = set()

        def add(file: Path) -> None:
            for offset, _, record in scan_lines(file, self._slim):
                id = str(record.id)  # type: ignore[attr-defined]  # proposals and trajectories have one
                if id not in known:
                    known.add(id)
                    records.append(record)
                    ids.append(id)
                    offsets.append(offset)

        with _no_collection():
            if self._files[0].is_file():
                add(self._files[0])
            finished = len(ids)
            if self._files[1].is_file():
                with suppress(Damaged):  # the last line is just being written
                    add(self._files[1])
        return records, (ids, offsets, finished)

    @cached_property
    def _places(self) -> Places:
        """Ids, offsets, and how many of them are of the finished file."""
        if self._kept is None:
            return self._read[1]
        ids, offsets, finished = self._kept.get(f"{self._files[0].name} places", lambda: self._read[1])
        return ids, offsets, finished

    @property
    def _records(self) -> list[S]:
        return self._read[0]

    def __len__(self) -> int:
        return len(self._places[0])

    def __iter__(self) -> Iterator[S]:
        return iter(self._records)

    @overload
    def __getitem__(self, place: int) -> S: ...

    @overload
    def __getitem__(self, place: slice) -> list[S]: ...

    def __getitem__(self, place: int | slice) -> S | list[S]:
        return self._records[place]

    def whole(self, id: str) -> R:
        """A record as it stands in its file. KeyError when there is none; LookupError when the file was written anew
        since it was opened."""
        place = self.place[id]
        _, offsets, finished = self._places
        path, offset = self._files[place >= finished], offsets[place]
        with path.open("rb") as file:
            file.seek(offset)
            line = file.readline()
        try:
            record = parse_line(line, self._whole)
        except ValueError:
            record = None
        if record is None or str(record.id) != id:  # type: ignore[attr-defined]
            raise LookupError(f"{path.name} was written anew since it was opened: open the explorer again")
        return record

    @cached_property
    def place(self) -> dict[str, int]:
        """Id → which record it is."""
        return {id: place for place, id in enumerate(self._places[0])}

    def search(self, text: str, start: int = 0, most: int = SLICE) -> tuple[list[str], int]:
        """The ids of the records whose lines hold this text, of a slice of about `most` bytes that begins with record
        number `start`; and with which one the next slice begins, -1 after the last. Capitals of ASCII letters do not
        count."""
        ids, offsets, finished = self._places
        if not 0 <= start < len(ids):
            return [], -1
        end = finished if start < finished else len(ids)  # of the file that it stands in
        on = max(start + 1, bisect_left(offsets, offsets[start] + most, start, end))
        first = offsets[start]
        with self._files[start >= finished].open("rb") as file:
            file.seek(first)
            data = file.read(offsets[on] - first if on < end else -1).lower()
        found = _holding(data, json.dumps(text)[1:-1].lower().encode(), [at - first for at in offsets[start:on]])
        return [ids[start + number] for number in found], on if on < len(ids) else -1


def _holding(data: bytes, needle: bytes, starts: Sequence[int]) -> Iterator[int]:
    """Of the lines that start there, the numbers of those that hold a text."""
    at = data.find(needle)
    while at >= 0:
        number = bisect_right(starts, at) - 1
        yield number
        at = data.find(needle, starts[number + 1]) if number + 1 < len(starts) else -1


@contextmanager
def _no_collection() -> Iterator[None]:
    # A million small objects are made and none is garbage: looking for some takes as long as reading them.
    was = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()  # they live as long as the kernel does: the first collection is not to look at them either
    finally:
        if was:
            gc.enable()
