"""The records of a run for looking at: all of them without their long texts, one of them whole when it is asked for.

Ten thousand blueprints are 100 MB of JSON. Read without instructions, thoughts and diffs they take half the time and a
fraction of the memory, and every function of `tables` works on them all the same."""

from __future__ import annotations

import gc
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar, overload

from ..records import Record
from ..storage.jsonl import Damaged, parse_line, scan_lines

S = TypeVar("S", bound=Record)
R = TypeVar("R", bound=Record)


class RecordIndex(Sequence[S], Generic[S, R]):
    """The records of one artefact in their order, as the `slim` type, each `whole(id)` from its place in the file.
    While a stage runs, what it has finished so far is there. Damaged when a line is no record."""

    def __init__(self, path: Path, slim: type[S], whole: type[R]) -> None:
        self._whole, self._files = whole, (path, path.with_name(path.name + ".part"))
        self._places: dict[str, tuple[Path, int]] = {}
        self._records: list[S] = []
        with _no_collection():
            if path.is_file():
                self._read(path, slim)
            if self._files[1].is_file():
                with suppress(Damaged):  # the last line is just being written
                    self._read(self._files[1], slim)

    def _read(self, file: Path, slim: type[S]) -> None:
        for offset, _, record in scan_lines(file, slim):
            id = str(record.id)  # type: ignore[attr-defined]  # proposals and trajectories have one
            if id not in self._places:
                self._places[id] = file, offset
                self._records.append(record)

    def __len__(self) -> int:
        return len(self._records)

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
        path, offset = self._places[id]
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

    def search(self, text: str) -> set[str]:
        """The ids of the records whose lines hold this text; capitals of ASCII letters do not count."""
        needle = json.dumps(text)[1:-1].lower().encode()
        found: set[str] = set()
        for file in self._files:
            here = sorted((offset, id) for id, (path, offset) in self._places.items() if path == file)
            if not here:
                continue
            starts = [offset for offset, _ in here]
            data = file.read_bytes().lower()
            at = data.find(needle)
            while at >= 0:
                number = bisect_right(starts, at) - 1
                found.add(here[number][1])
                at = data.find(needle, starts[number + 1]) if number + 1 < len(starts) else -1
        return found


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
