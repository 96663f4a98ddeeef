"""Whether the files of a config hold just the examples that were proven, in their order, to the byte."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

from .columns import Encoder, Example
from .configs import Config
from .files import BATCH, read_examples
from .rows import TaskRows

Failures = list[tuple[str, str]]


class Comparison:
    """Goes through the files of one config, in its folder, along with the examples that are expected there."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder, self.config = folder, config
        self._splits: dict[str, _Split] = {}
        self.unexpected = {path.stem for path in folder.iterdir()}

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *_: object) -> None:
        for split in self._splits.values():
            split.close()

    def expect(self, rows: TaskRows) -> Failures:
        """Hold the next examples of the files to those of a task."""
        failures: Failures = []
        ids = [row.id for row in rows.verified]
        for example in self.config.examples(rows):
            first = str(example["id"]).partition("/")[0]
            failures += self._split(example["split"]).expect(example, first if first in ids else ids[0])
        return failures

    def finish(self) -> Failures:
        """What the files hold beside what was expected."""
        self._split("train")
        found = [failure for split in self._splits.values() for failure in split.finish()]
        further = sorted(self.unexpected - self._splits.keys())
        return found + [(f"{self.folder.name}/{name}", "a split that no proven row is in") for name in further]

    def _split(self, name: str) -> _Split:
        if name not in self._splits:
            self._splits[name] = _Split(self.folder / name, self.config)
        return self._splits[name]


class _Split:
    """The two files of one split: JSONL line by line, Parquet one row group after the other."""

    def __init__(self, path: Path, config: Config) -> None:
        self.config, self._encoder = path.parent.name, Encoder(config.columns)
        self.name = f"{self.config}/{path.name}"
        self._lines = path.with_suffix(".jsonl").open("rb") if path.with_suffix(".jsonl").is_file() else io.BytesIO()
        self._groups = read_examples(path.with_suffix(".parquet"), config.columns)
        self._waiting: list[tuple[str, Example]] = []
        self._lost = False

    def close(self) -> None:
        self._lines.close()
        self._groups.close()

    def expect(self, example: Example, row: str) -> Failures:
        """Hold the next line to an example, made of the row with this id, and the next row group to all it holds."""
        self._waiting.append((row, example))
        failures = [] if self._lost else list(self._line(example, row))
        return failures + (self._group() if len(self._waiting) == BATCH else [])

    def finish(self) -> Failures:
        """Hold what is left to what was expected."""
        failures = self._group() if self._waiting else []
        if not self._lost and self._lines.readline():
            failures.append((self.name, "more lines than rows that were proven"))
        return failures + [(self.name, "Parquet holds more than the rows that were proven")] * (not self._at_end())

    def _line(self, example: Example, row: str) -> Iterator[tuple[str, str]]:
        found = self._lines.readline()
        if found == self._encoder.line(example).encode():
            return
        if other := _other_id(found, example["id"]):
            self._lost = True  # what follows is out of step, and would be told once a row
            yield row, f"{self.name}.jsonl has {other} in its place; rows are missing"
        else:
            yield row, f"the {self.config} row is not the one that was proven"

    def _group(self) -> Failures:
        expected, self._waiting = self._waiting, []
        told = f"the {self.config} row in Parquet is not the one that was proven"
        try:
            found = next(self._groups, None)
        except (OSError, ValueError) as error:
            return [(self.name, f"Parquet cannot be read: {error}")]
        table = self._encoder.table([example for _, example in expected])
        if found is None or found.num_rows != table.num_rows:
            return [
                (self.name, f"Parquet holds {found.num_rows if found else 0} rows where {table.num_rows} were proven")
            ]
        if found.equals(table):
            return []
        pairs = zip(expected, found.to_pylist(), table.to_pylist(), strict=True)
        return [(row, told) for (row, _), one, other in pairs if one != other] or [(self.name, told)]

    def _at_end(self) -> bool:
        try:
            return next(self._groups, None) is None
        except (OSError, ValueError):
            return False


def _other_id(line: bytes, id: str) -> str:
    """Which example a line holds, where it is another one; "end" where it holds none."""
    try:
        found = json.loads(line)["id"] if line else "the end"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return "" if found == id else str(found)
