"""What a dataset was made of: `dataset.json` beside its rows, for `verify` and for whoever reads the folder alone."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ..records import Record
from ..storage.jsonl import Damaged, write_whole
from ..world.domain import builtin_domains
from .choosing import Chosen
from .options import DatasetOptions
from .sources import Source

FILE = "dataset.json"


class Made(Record):
    """A run that a dataset was made of: what stands before its ids (`name`), its domain and that one's version, who
    played which role, what its rows are under. `folder` is where the domain lies, seen from the dataset, where it is a
    folder and no run's `run.json` says so."""

    name: str
    domain: str
    version: str
    models: dict[str, str]
    license: str
    folder: str = ""


class Origin(Record):
    """What was asked for (`options`), of which `runs`; split → rows that came of it; rows that `stayed` though they
    nearly repeat another one; benchmark → what is shared with it, or why nobody looked."""

    options: DatasetOptions = DatasetOptions(near_duplicates=None)
    runs: tuple[Made, ...] = ()
    splits: dict[str, int] = {}
    stayed: tuple[str, ...] = ()
    benchmarks: dict[str, str] = {}

    def domain_folders(self, home: Path) -> dict[str, Path]:
        """Domain → its folder, of those that are one, for the dataset in the folder `home`."""
        return {made.domain: home / made.folder for made in self.runs if made.folder}


def write_origin(folder: Path, sources: Sequence[Source], chosen: Chosen, options: DatasetOptions) -> None:
    """Write `dataset.json`."""
    runs = tuple(
        Made(
            name=source.name,
            domain=source.domain.name,
            version=source.domain.fingerprint,
            models=dict(source.models),
            license=source.license,
            folder=_domain_folder(folder, source),
        )
        for source in sources
    )
    told = Origin(
        options=options,
        runs=runs,
        splits=chosen.splits.rows,
        stayed=chosen.alike.stayed,
        benchmarks=chosen.contamination.told(),
    )
    write_whole(folder / FILE, [json.dumps(told.model_dump(mode="json"), indent=2, ensure_ascii=False)])


def _domain_folder(folder: Path, source: Source) -> str:
    name, beside = source.domain.name, folder.resolve().parent == source.run.folder.resolve()
    if beside or ":" in name or name in builtin_domains():
        return ""
    return Path(os.path.relpath(Path(source.run.domain()).resolve(), folder.resolve())).as_posix()


def read_origin(folder: Path) -> Origin | None:
    """What a dataset was made of; None of one that was written before it was kept. Damaged where the file is no such
    thing."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Origin.model_validate_json(path.read_bytes())
    except ValueError as error:
        told = str(error).splitlines()[0]
        raise Damaged(f"{path} does not say what the dataset was made of: {told}; make the dataset again") from None
