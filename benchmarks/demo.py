"""The main job as a user runs it: wall time, peak memory of all its processes, what came out, and the same bytes twice.

    python benchmarks/demo.py [params/demo.yaml]

Exits 1 when a limit is broken: 60 s, 600 MB, 100 accepted blueprints, 100 verified conversations, equal bytes, and a
dataset that verifies.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

SECONDS, MEGABYTES, AT_LEAST = 60, 600, 100
HERE = Path(__file__).parent
FILES = (
    "blueprints.jsonl",
    "trajectories.jsonl",
    "dataset/trl/train.jsonl",
    "dataset/trl/train.parquet",
    "dataset/sharegpt/train.jsonl",
    "dataset/proofs.jsonl",
)


def watch(process: psutil.Process, peak: list[float], stop: threading.Event) -> None:
    """Sample the resident memory of a process and all its children, in MB; pages they share count once for each."""
    while not stop.wait(0.05):
        total = 0.0
        with contextlib.suppress(psutil.Error):  # the run has ended meanwhile
            for one in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += one.memory_info().rss / 1e6
        peak[0] = max(peak[0], total)


def run(params: Path, out: Path) -> tuple[float, float, dict[str, dict[str, int]]]:
    """One run in a folder: seconds, peak MB, counts per stage."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "apigen_nb", "run", str(params), "--out", str(out)]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak, stop = [0.0], threading.Event()
    watcher = threading.Thread(target=watch, args=(process, peak, stop), daemon=True)
    watcher.start()
    _, told = process.communicate()
    stop.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"the run ended with {process.returncode}: {told}")
    return time.perf_counter() - begin, peak[0], json.loads((out / "run.json").read_text())["stages"]


def sums(out: Path) -> list[str]:
    return [hashlib.sha256((out / name).read_bytes()).hexdigest() for name in FILES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("params", nargs="?", type=Path, default=HERE.parent / "params" / "demo.yaml")
    params = parser.parse_args().params
    with tempfile.TemporaryDirectory() as spot:
        first, second = Path(spot, "first"), Path(spot, "second")
        runs = [run(params, out) for out in (first, second)]
        same = sums(first) == sums(second)
        proven = subprocess.run([sys.executable, "-m", "apigen_nb", "verify", str(first)], check=False).returncode == 0
    stages = runs[0][2]
    seconds, memory = max(r[0] for r in runs), max(r[1] for r in runs)
    counts = {name: value for stage in stages.values() for name, value in stage.items()}
    rows = [
        ("wall time of the slower of two runs", f"{seconds:.1f} s", f"≤ {SECONDS} s", seconds <= SECONDS),
        ("peak memory, all processes", f"{memory:.0f} MB", f"≤ {MEGABYTES} MB", memory <= MEGABYTES),
        (
            "accepted blueprints",
            f"{counts['accepted']} of {counts['seeds'] + counts['recombined']} ({counts['recombined']} recombined)",
            f"≥ {AT_LEAST}",
            counts["accepted"] >= AT_LEAST,
        ),
        (
            "verified conversations",
            f"{counts['successful']} of {counts['trajectories']}",
            f"≥ {AT_LEAST}",
            counts["successful"] >= AT_LEAST,
        ),
        ("dataset rows, verified again", str(counts["rows"]), "all", proven),
        ("the same bytes twice", "yes" if same else "no", "yes", same),
    ]
    print(f"| {params.stem} | measured | limit |\n|---|--:|--:|")
    print("\n".join(f"| {name} | {found} | {limit} |" for name, found, limit, _ in rows))
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    told = {
        "seconds": [r[0] for r in runs],
        "megabytes": [r[1] for r in runs],
        "stages": stages,
        "same": same,
        "proven": proven,
    }
    (results / f"{params.stem}.json").write_text(json.dumps(told, indent=1) + "\n")
    return 0 if all(ok for *_, ok in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
