"""The reflection study (ours): does feedback help, or would trying again do as much?

The paper reports a yield of 70 % with feedback and 28 % without, which compares several tries with one: independent
tries alone would lift 28 % to 73 % in four. So there are three arms on the same seeds, two of them with equal tries.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ..models.jobs import run_jobs
from ..models.roles import Roles
from ..records import Proposal
from ..storage.journal import Journal
from ..storage.run_folder import Run
from ..world.domain import Domain
from .gates import Gate
from .propose import propose
from .sampling import DEFAULT_SAMPLING, Sampling, sample_seed

ARMS = ("single shot", "retry without feedback", "retry with feedback")


async def reflection_study(
    domain: Domain,
    models: Roles,
    gates: Sequence[Gate],
    run: Run,
    *,
    count: int,
    random_seed: int,
    tries: int = 4,
    sampling: Sampling = DEFAULT_SAMPLING,
    concurrency: int = 32,
) -> dict[str, Sequence[Proposal]]:
    """Phase 1 in three arms on the same seeds, without examples, which would differ from arm to arm; `tries` are those
    of the two retrying arms. Writes `<arm>.jsonl` per arm, continues where an earlier run stopped."""
    if tries < 2:
        raise ValueError(f"tries is {tries}; comparing ways to try again needs at least 2")
    drawn = [sample_seed(domain, random_seed, number, sampling=sampling) for number in range(count)]
    work = functools.partial(propose, domain=domain, generator=models.generator, gates=gates)
    results: dict[str, Sequence[Proposal]] = {}
    for arm, reflections, feedback in zip(ARMS, (0, tries - 1, tries - 1), (None, None, models.feedback), strict=True):
        journal = Journal(run.folder / f"{arm.replace(' ', '_')}.jsonl", Proposal)
        propose_seed = functools.partial(work, reflections=reflections, feedback=feedback)
        await run_jobs(propose_seed, drawn, journal, concurrency=concurrency, title=arm, total=count)
        results[arm] = journal.finish(one.id for one in drawn)
    return results
