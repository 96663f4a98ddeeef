"""How near our path to a model comes to what the server allows: 400 questions, 64 at once, 200 ms each.

The limit is ceil(400 / 64) · 0.2 s = 1.40 s. Prints a Markdown table, writes results/pipeline.json, and exits with 1
when the wall time of the best of the runs is more than 1.5 times the limit. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
QUESTIONS, AT_ONCE, LATENCY, ALLOWED = 400, 64, 0.2, 1.5
LIMIT = math.ceil(QUESTIONS / AT_ONCE) * LATENCY


async def _run(base_url: str) -> dict[str, float]:
    """One run: wall and CPU seconds of the questions, the import of openai and the connections included or apart."""
    from apigen_nb.models import ask, metered
    from apigen_nb.models.endpoint import Endpoint
    from apigen_nb.records import Message, Question

    questions = [
        Question(
            id=f"q{number}",
            role="agent",
            prompt="agent",
            context={"policy": "Be kind and obey the rules. " * 100},
            messages=(Message(role="user", content=f"say {number}"),),
        )
        for number in range(QUESTIONS)
    ]
    started = time.perf_counter()
    endpoint = Endpoint("tiny", base_url, concurrency=AT_ONCE)
    imported = time.perf_counter()
    cpu = time.process_time()
    with metered() as usage:
        answers = await asyncio.gather(*(ask(endpoint, question) for question in questions))
    wall, cpu = time.perf_counter() - imported, time.process_time() - cpu
    await endpoint.aclose()
    assert [answer.text for answer in answers] == [f"say {number}" for number in range(QUESTIONS)]
    assert usage["agent"].calls == QUESTIONS
    return {"wall": wall, "cpu": cpu, "import": imported - started}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    command = [sys.executable, str(HERE.parent / "tests" / "fault_server.py"), "--latency", str(LATENCY)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        base_url = server.stdout.readline().strip()
        runs = [asyncio.run(_run(base_url)) for _ in range(given.runs)]
    finally:
        server.terminate()
        server.wait()
    walls = sorted(run["wall"] for run in runs)
    best, median = walls[0], walls[len(walls) // 2]
    result = {
        "questions": QUESTIONS,
        "at_once": AT_ONCE,
        "latency_s": LATENCY,
        "limit_s": round(LIMIT, 3),
        "best_s": round(best, 3),
        "median_s": round(median, 3),
        "ratio": round(best / LIMIT, 3),
        "median_ratio": round(median / LIMIT, 3),
        "cpu_s": round(min(run["cpu"] for run in runs), 3),
        "import_s": round(runs[0]["import"], 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()},
    }
    print("| | limit s | best s | median s | best / limit | median / limit | CPU s | import s | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    names = ("limit_s", "best_s", "median_s", "ratio", "median_ratio", "cpu_s", "import_s", "peak_mb")
    print(f"| Endpoint + ask | {' | '.join(str(result[name]) for name in names)} |")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "pipeline.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if result["ratio"] > ALLOWED:
        print(f"slower than {ALLOWED} times the limit", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
