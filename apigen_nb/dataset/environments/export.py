"""Environments out of a run: a folder each for `verifiers`, tau2 and NeMo Gym."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from .nemo_gym import write_nemo_gym
from .tasks import NotExported, Source
from .tau2_tasks import PREFIX, write_tau2
from .verifiers_package import write_verifiers

Format = Literal["verifiers", "tau2", "nemo-gym"]
WRITERS: dict[Format, Callable[[Path, Source], str]] = {
    "verifiers": write_verifiers,
    "tau2": write_tau2,
    "nemo-gym": write_nemo_gym,
}


def export_environments(folder: Path, out: Path | None = None, formats: Sequence[Format] = ()) -> list[str]:
    """Write `out`/<format> (default: `environments/` of the run's folder) for each format, without any for all that
    play the run's domain; the lines say what was written. NotExported, and nothing is written, where there is no
    verified row, a format cannot play the domain, or something stands there already."""
    source = Source.open(folder)
    out = out or folder / "environments"
    wanted = formats or [name for name in WRITERS if name != "tau2" or source.domain.name.startswith(PREFIX)]
    targets = {name: out / name for name in dict.fromkeys(wanted)}
    if taken := [target for target in targets.values() if target.exists() or target.is_symlink()]:
        raise NotExported(
            f"{taken[0]} exists already and is left as it is; remove it first, or choose another: --out DIR"
        )
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        return list(_write(source, targets))
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # something was written there
                folder.rmdir()


def _write(source: Source, targets: dict[Format, Path]) -> Iterator[str]:
    drafts = {name: target.with_name(f"{target.name}.part") for name, target in targets.items()}
    try:
        told = dict[Format, str]()
        for name, draft in drafts.items():
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            told[name] = WRITERS[name](draft, source)
        for name, draft in drafts.items():
            os.replace(draft, targets[name])
            yield f"{targets[name]}: {told[name]}"
    finally:
        for draft in drafts.values():
            shutil.rmtree(draft, ignore_errors=True)
