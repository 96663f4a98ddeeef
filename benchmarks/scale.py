"""Whether a run stays linear: phases 1 and 2 with the scripted model on more and more seeds, each in its own process.

Prints a Markdown table of seconds per seed and peak memory, writes results/scale.json, and exits with 1 when the time
per seed of the largest run is more than 10 % above the smallest's, or its memory more than 20 %.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SLOWER, LARGER = 1.10, 1.20

WORK = """
import asyncio, json, resource, sys, tempfile, time
from pathlib import Path
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain
from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.models.roles import Roles
from apigen_nb.storage.journal import Run

async def work(name, seeds, folder):
    domain, run = Domain.load(name), Run.open(folder)
    models = Roles(domain, random_seed=7)
    gates = [*GATES.values(), Committee(models.judges(3))]
    await propose_all(domain, models, gates, Run.open(Path(folder) / "warm"), count=20, random_seed=7)
    begin = time.process_time()
    proposals = await propose_all(domain, models, gates, run, count=seeds, random_seed=7)
    half = time.process_time()
    accepted = sum(p.accepted for p in proposals)
    blueprints = (p.blueprint for p in proposals if p.accepted)
    trajectories = await converse_all(domain, models, run, blueprints, total=accepted)
    end = time.process_time()
    size = sum(path.stat().st_size for path in Path(folder).glob("*.jsonl"))
    print(json.dumps({"seeds": seeds, "accepted": accepted, "conversations": len(trajectories),
        "phase 1 ms per seed": 1000 * (half - begin) / seeds, "phase 2 ms per seed": 1000 * (end - half) / seeds,
        "ms per seed": 1000 * (end - begin) / seeds, "written MB": size / 1e6,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))

with tempfile.TemporaryDirectory(dir=sys.argv[3] or None) as folder:
    asyncio.run(work(sys.argv[1], int(sys.argv[2]), folder))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1_000, 10_000], help="add 100000 for half an hour")
    parser.add_argument("--domain", default="retail")
    parser.add_argument("--folder", default="", help="where to write, 20 kB a seed (default: /tmp)")
    given = parser.parse_args()
    results = []
    for seeds in given.seeds:
        command = [sys.executable, "-c", WORK, given.domain, str(seeds), given.folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results.append({name: round(value, 2) for name, value in json.loads(done.stdout).items()})
        if len(results) == 1:
            print(f"| {' | '.join(results[0])} |\n|{'---|' * len(results[0])}")
        print(f"| {' | '.join(f'{value:,}' for value in results[-1].values())} |", flush=True)
    first, last = results[0], results[-1]
    ratios = {name: round(last[name] / first[name], 3) for name in ("ms per seed", "peak MB")}
    print(f"\n{last['seeds']:,} against {first['seeds']:,} seeds: {ratios['ms per seed']}× the time per seed, "
          f"{ratios['peak MB']}× the memory")  # fmt: skip
    (HERE / "results").mkdir(exist_ok=True)
    result = {"domain": given.domain, "runs": results, "ratios": ratios, "load": os.getloadavg()[0]}
    (HERE / "results" / "scale.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(ratios["ms per seed"] > SLOWER or ratios["peak MB"] > LARGER)


if __name__ == "__main__":
    sys.exit(main())
