"""The command `dataset`: the dataset of a run made anew, or one of several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..dataset.export import Summary, build_dataset, write_dataset
from ..dataset.options import DatasetOptions
from ..dataset.origin import FILE
from ..dataset.sources import Source
from ..models.roles import Roles
from ..records import Trajectory
from ..storage.jsonl import scan_lines
from ..storage.run_folder import Run
from ..world.domain import Domain
from . import UsageError
from .params import Params, validated
from .params_file import read_overrides

TAKEN = ("dataset", "license", "tokenizer")


def dataset_lines(folders: Sequence[Path], overrides: Sequence[str] = (), out: Path | None = None) -> list[str]:
    """Make the dataset of these runs, in `out` or, of one run, in its own folder; what was made, in lines. What
    `overrides` do not say is taken from the run, of several the licence only. UsageError where a run has no verified
    conversation, or something else stands in `out`; errors of parameters, versions, tokenizer and splits. Nothing is
    half-written."""
    given = read_overrides(overrides)
    for name in given:
        if name not in TAKEN:
            raise UsageError(f"-p {name} changes nothing of what was made; a dataset takes {', '.join(TAKEN)}")
    if out is None and len(folders) > 1:
        raise UsageError("where does the dataset of several runs go? give a folder, --out outputs/all")
    _check_target(out, folders)
    made = [(Run(folder), _parameters(Run(folder), given)) for folder in folders]
    sources = [_source(run, params, name) for (run, params), name in zip(made, _names(folders), strict=True)]
    first = made[0][1]
    if out is None:
        run, source = sources[0].run, sources[0]
        run.claim(**{name: first.plain()[name] for name in given})
        found = build_dataset(run, source.domain, source.models, source.license, first.tokenizer, first.dataset)
    else:
        options = first.dataset if len(made) == 1 or "dataset" in given else DatasetOptions()
        found = write_dataset(sources, out, first.tokenizer, options)
    return list(_told(found, sources, out or sources[0].run.dataset))


def _check_target(out: Path | None, folders: Sequence[Path]) -> None:
    """UsageError where the dataset would take the place of something else."""
    if out is None:
        return
    if Run(out.parent).begun or (Run(out).begun and not (out / FILE).is_file()):
        raise UsageError(f"{out} is a run's, or within one; choose a folder of its own: --out outputs/all")
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / FILE).is_file()):
        raise UsageError(f"{out} holds something else than a dataset and is left as it is; choose another: --out DIR")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("a run is given twice; each once makes the dataset")


def _parameters(run: Run, given: Mapping[str, Any]) -> Params:
    run.check()
    held = {name: value for name, value in run.parameters().items() if name in Params.model_fields}
    return validated({**held, **given})


def _source(run: Run, params: Params, name: str) -> Source:
    if missing := [path for path in (run.blueprints, run.trajectories) if not path.is_file()]:
        raise UsageError(f"{run.folder} has no {missing[0].name} yet; make it first: apigen-nb run --out {run.folder}")
    if not any(trajectory.success for _, _, trajectory in scan_lines(run.trajectories, Trajectory)):
        raise UsageError(
            f"{run.folder} has no verified conversation, and a dataset is made of those; its report says why: "
            f"apigen-nb report {run.folder}"
        )
    domain = Domain.load(params.domain)
    played = Roles(domain, params.model, roles=params.plain()["roles"], best_of=params.best_of).names
    return Source(run, domain, played, params.license, name)


def _names(folders: Sequence[Path]) -> list[str]:
    """What stands before the ids of each run: its folder's name, and a number where that is another's, too."""
    if len(folders) == 1:
        return [""]
    names = [folder.resolve().name for folder in folders]
    again = [names[:number].count(name) for number, name in enumerate(names)]
    return [f"{name}-{count + 1}" if count else name for name, count in zip(names, again, strict=True)]


def _told(found: Summary, sources: Sequence[Source], folder: Path) -> list[str]:
    splits = ", ".join(f"{name} {count}" for name, count in found.examples["trl"].items())
    gone = ", ".join(f"{reason} {count}" for reason, count in found.left_out.items()) or "nothing"
    runs = f"{len(sources)} runs" if len(sources) > 1 else str(sources[0].run.folder)
    return [
        f"dataset: {folder}: {found.rows} rows of {runs} ({splits}); left out: {gone}",
        f"  prove it: apigen-nb verify {folder}",
    ]
