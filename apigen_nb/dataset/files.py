"""Files of examples: JSONL and Parquet, a pair for each config and split, the same bytes for the same examples."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .columns import Columns, Encoder, Example

BATCH = 256  # examples in a row group of Parquet: as many as are in memory at once


class ExampleFiles:
    """Writes the examples of one config into `<folder>/<split>.jsonl` and `.parquet`; a split without any has none, but
    that `train` is always there."""

    def __init__(self, folder: Path, columns: Columns) -> None:
        self.folder, self.counts = folder, dict[str, int]()
        self._encoder = Encoder(columns)
        self._lines: dict[str, Any] = {}
        self._tables: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[Example]] = {}
        folder.mkdir(parents=True)
        self._open("train")

    def __enter__(self) -> ExampleFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for split, lines in self._lines.items():
            self._flush(split)
            lines.close()
            self._tables[split].close()

    def add(self, example: Example) -> None:
        """Write one example into the files of its split."""
        split = example["split"]
        self._open(split)
        self._lines[split].write(self._encoder.line(example))
        self._waiting[split].append(example)
        self.counts[split] += 1
        if len(self._waiting[split]) == BATCH:
            self._flush(split)

    def _open(self, split: str) -> None:
        if split not in self._lines:
            self._lines[split] = (self.folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n")
            self._tables[split] = pq.ParquetWriter(
                self.folder / f"{split}.parquet", self._encoder.schema, version="2.6", compression="zstd"
            )
            self._waiting[split], self.counts[split] = [], 0

    def _flush(self, split: str) -> None:
        if self._waiting[split]:
            self._tables[split].write_table(self._encoder.table(self._waiting[split]))
            self._waiting[split] = []


def read_examples(path: Path, columns: Columns) -> Generator[pa.Table, None, None]:
    """The row groups of a Parquet file, in the columns that it should have. ValueError when it has others."""
    with pq.ParquetFile(path) as file:
        expected = pa.schema(list(columns.items()))
        if not file.schema_arrow.equals(expected):
            raise ValueError(f"{path.name} has other columns than {', '.join(columns)}")
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)
