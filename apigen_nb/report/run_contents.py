"""What a run's folder holds, read for a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..models.ledger import Ledger
from ..records import Proposal, Record, Trajectory
from ..storage.jsonl import Damaged, read_lines

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Contents:
    """What a run's folder holds, as far as it is there; a stage that was not run is an empty tuple."""

    folder: Path
    run: dict[str, Any]
    proposals: tuple[Proposal, ...]
    trajectories: tuple[Trajectory, ...]

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.folder.resolve().name

    @property
    def scripted(self) -> bool:
        """Whether the scripted stand-in played any role."""
        models = (self.run.get("models"), (self.run.get("parameters") or {}).get("model"))
        return '"scripted' in json.dumps(models, default=str)

    @property
    def ledger(self) -> Ledger | None:
        """What the run has cost, where models were paid for."""
        path = self.folder / "ledger.json"
        try:
            return Ledger.model_validate_json(path.read_bytes()) if path.is_file() else None
        except ValueError as error:
            raise Damaged(f"{path}: expected a ledger, found {error}; write it again with `apigen-nb run`") from None

    @property
    def notebooks(self) -> list[Path]:
        """The executed notebooks."""
        return sorted((self.folder / "notebooks").glob("*.ipynb"))

    @property
    def rows(self) -> int | None:
        """Rows of the exported dataset; None when nothing was exported."""
        path = self.folder / "dataset" / "chat.jsonl"
        if not path.is_file():
            return None
        with path.open("rb") as lines:
            return sum(1 for _ in lines)


def contents(folder: Path) -> Contents:
    """Read a run's folder. A missing file is a stage that was not run; Damaged when one holds something else."""
    folder = Path(folder)
    return Contents(
        folder,
        _manifest(folder / "run.json"),
        _records(folder / "blueprints.jsonl", Proposal),
        _records(folder / "trajectories.jsonl", Trajectory),
    )


def _records(path: Path, kind: type[R]) -> tuple[R, ...]:
    return tuple(read_lines(path, kind)) if path.is_file() else ()


def _manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        held = json.loads(path.read_bytes())
    except ValueError as error:
        raise Damaged(f"{path}: expected a JSON object, found {error}; write it again with `apigen-nb run`") from None
    if not isinstance(held, dict):
        raise Damaged(f"{path}: expected a JSON object, found a {type(held).__name__}")
    return held
