"""The command `estimate`: by a trial, from an earlier run, or roughly where there is no key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ..storage.run_folder import Run
from .estimate import estimate_by_trial, estimate_from_run, keep_estimate
from .params_file import WithoutKey, load_params
from .rough_estimate import HOW, estimate_roughly


def estimate_lines(
    file: Path, overrides: Sequence[str], out: Path, seeds: int, earlier: Path | None = None
) -> list[str]:
    """What an estimate says, which is kept in the run's folder `out`, too. ParamsError or UsageError, or what ends a
    trial: EndpointDown, BudgetSpent, InUse."""
    keyless = ""
    try:
        params = load_params(file, overrides)
    except WithoutKey as error:
        params, keyless = load_params(file, [*overrides, "offline=true"]), str(error).partition(";")[0]
    if earlier:
        found, source = estimate_from_run(params, earlier), f"read from {earlier}"
    elif keyless:
        found, source = asyncio.run(estimate_roughly(params, seeds)), f"played by the scripted model: {keyless}"
    else:
        with Run.open(out).locked(), Run(out).writing():
            found = asyncio.run(estimate_by_trial(params, out, seeds))
        source = f"tried out; the replies are kept in {out} and not paid for again"
    keep_estimate(found, params, out)
    head = f"{params.count} seeds, {found.tasks} tasks, {params.attempts} conversations each; {found.measured} {source}"
    return [head, *found.lines(), *([HOW] if found.rough else [])]
