"""Whether a dataset stays linear: rows chosen and written out of more and more conversations, each in its own process.

The conversations are those of a small run of the scripted model, copied with new ids and other words, so that few of
them nearly repeat another. Prints a Markdown table of CPU time per row and peak memory, writes results/dataset.json,
and exits with 1 when the time per row of the largest is more than 25 % above the smallest's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SLOWER = 1.25

WORK = """
import asyncio, json, random, re, resource, sys, tempfile, time
from pathlib import Path
from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.dataset.choosing import choose_rows
from apigen_nb.dataset.export import write_dataset
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.dataset.sources import Source
from apigen_nb.models.roles import Roles
from apigen_nb.records import Proposal, Trajectory
from apigen_nb.storage.journal import Run
from apigen_nb.storage.jsonl import read_lines, scan_lines
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain

OPTIONS = DatasetOptions(splits={"train": 0.8, "validation": 0.1, "test": 0.1})

async def small(domain, run):
    models = Roles(domain, random_seed=7)
    gates = [*GATES.values(), Committee(models.judges(3))]
    proposals = await propose_all(domain, models, gates, run, count=60, random_seed=7)
    await converse_all(domain, models, run, [p.blueprint for p in proposals if p.accepted], attempts=1)

def other_words(text, rng):
    return re.sub(r"[A-Za-z]{3,}", lambda word: word.group() if rng.random() < 0.5 else f"w{rng.randrange(9999)}", text)

def copied(run, out, rows):
    held = {p.id: p for p in read_lines(run.blueprints, Proposal) if p.accepted and not p.parts}
    talks = [t for t in read_lines(run.trajectories, Trajectory) if t.success and t.blueprint in held]
    with out.blueprints.open("w") as tasks, out.trajectories.open("w") as spoken:
        for number in range(rows):
            talk, rng = talks[number % len(talks)], random.Random(number)
            name, proposal = f"copy-{number:07}", held[talk.blueprint]
            task = proposal.blueprint.model_copy(update={"id": name})
            last = proposal.attempts[-1].model_copy(update={"blueprint": task})
            tasks.write(proposal.model_copy(update={"id": name, "attempts": (last,)}).line() + "\\n")
            said = tuple(m.model_copy(update={"content": other_words(m.content, rng)})
                         if m.role in ("user", "assistant") else m for m in talk.messages)
            talk = talk.model_copy(update={"id": f"{name}.t1", "blueprint": name, "messages": said})
            spoken.write(talk.line() + "\\n")

def work(name, rows, whole, folder):
    domain, small_run, run = Domain.load(name), Run.open(folder / "small"), Run.open(folder / "run")
    asyncio.run(small(domain, small_run))
    copied(small_run, run, rows)
    source = Source(run, domain, {"agent": "scripted"})
    choose_rows([Source(small_run, domain, {"agent": "scripted"})], OPTIONS)  # benchmarks, API graph, libraries
    begin = time.process_time()
    if whole:
        kept = write_dataset([source], run.dataset, None, OPTIONS).rows
    else:
        kept = len(choose_rows([source], OPTIONS).selection.rows)
    found = {"conversations": rows, "rows": kept, "ms a row": 1000 * (time.process_time() - begin) / rows}
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))

with tempfile.TemporaryDirectory(dir=sys.argv[4] or None) as folder:
    work(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "whole", Path(folder))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000], help="add 100000 for half an hour")
    parser.add_argument("--choose-only", action="store_true", help="choose rows, and write none")
    parser.add_argument("--domain", default="retail")
    parser.add_argument("--folder", default="", help="where to write, 60 kB a row, 20 if only chosen (default: /tmp)")
    given = parser.parse_args()
    results, what = [], "choose" if given.choose_only else "whole"
    for rows in given.rows:
        command = [sys.executable, "-c", WORK, given.domain, str(rows), what, given.folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        results.append({name: round(value, 2) for name, value in json.loads(done.stdout.splitlines()[-1]).items()})
        if len(results) == 1:
            print(f"| {' | '.join(results[0])} |\n|{'---|' * len(results[0])}")
        print(f"| {' | '.join(f'{value:,}' for value in results[-1].values())} |", flush=True)
    first, last = results[0], results[-1]
    more = (last["peak MB"] - first["peak MB"]) / max(1, last["conversations"] - first["conversations"])
    ratios = {"ms per row": round(last["ms a row"] / first["ms a row"], 3), "kB per further row": round(1024 * more, 2)}
    print(f"\n{last['conversations']:,} against {first['conversations']:,}: {ratios['ms per row']}× the time per row, "
          f"{ratios['kB per further row']} kB of memory for each further row")  # fmt: skip
    (HERE / "results").mkdir(exist_ok=True)
    result = {"domain": given.domain, "runs": results, "ratios": ratios, "load": os.getloadavg()[0]}
    name = "dataset-chosen.json" if given.choose_only else "dataset.json"
    (HERE / "results" / name).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(ratios["ms per row"] > SLOWER)


if __name__ == "__main__":
    sys.exit(main())
