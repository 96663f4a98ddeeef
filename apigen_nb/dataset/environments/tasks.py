"""The tasks that are exported: the rows of a dataset's `rl` config, read back from its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...storage.run_folder import Run
from ...world.domain import Domain, builtin_domains
from ..earlier import is_earlier
from ..origin import Origin, read_origin
from ..replaying import domain_of
from .play import blueprint_of

Row = Mapping[str, Any]


class NotExported(ValueError):
    """Nothing can be exported; the message says what was found and what to do."""


@dataclass(frozen=True)
class Source:
    """Where tasks come from: a dataset's folder, its domain, and split → number of tasks."""

    dataset: Path
    domain: Domain
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> Source:
        """The tasks in a run's folder, or in the dataset's own. NotExported where there are none, or of several
        domains; DomainError where the domain has changed since."""
        dataset = folder / "dataset" if (folder / "dataset").is_dir() else folder
        if is_earlier(dataset):
            raise NotExported(
                f"{dataset} is of an earlier version, which had no tasks; export it again: --stage 4_dataset"
            )
        files = sorted(dataset.glob("rl/*.jsonl"))
        if not files:
            raise NotExported(f"no dataset in {folder}: expected {dataset / 'rl'}; make it first: --stage 4_dataset")
        counts, known = dict[str, int](), dict[tuple[str, str], dict[str, Any]]()
        for path in files:
            for row in _rows(path):
                counts[path.stem] = counts.get(path.stem, 0) + 1
                known.setdefault((row["domain"], json.loads(row["initial_state"])["version"]), row)
        if len(known) != 1:
            found = ", ".join(f"{name} ({version})" for name, version in known) or "no verified row"
            raise NotExported(f"{dataset} holds {found}; an environment has the tasks of one domain, in one version")
        [((_, version), row)] = known.items()
        folders = (read_origin(dataset) or Origin()).domain_folders(dataset)
        return cls(dataset, domain_of(blueprint_of(row), version, dataset.parent, folders), counts)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def own_domain(self) -> Path | None:
        """The folder of a domain that is one; None for those that the package knows by name."""
        name = self.domain.name
        known = (read_origin(self.dataset) or Origin()).domain_folders(self.dataset)
        of_run = ":" not in name and name not in builtin_domains()
        return known.get(name) or (Path(Run(self.dataset.parent).domain()) if of_run else None)

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The tasks of a split, one by one."""
        yield from _rows(self.dataset / "rl" / f"{split}.jsonl")

    def openings(self, split: str) -> dict[str, str]:
        """Task → what the user said first in the first verified conversation about it."""
        found = dict[str, str]()
        for row in _rows(self.dataset / "trl" / f"{split}.jsonl"):
            found.setdefault(row["task_id"], row["messages"][1]["content"])
        return found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)
