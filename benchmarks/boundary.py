"""The model boundary under load: how close a stage comes to what the server allows, and what that costs.

Each row runs in a process of its own: questions go through `run_jobs`, the run's cache and a journal, as in a
stage, and `Endpoint` asks a local server in another process. The limit is questions × latency / requests at once; with
faults it is the clean run. Peers do the first row's work where they can be imported: the plain openai client always,
distilabel and curator when installed, here or in the Python named by `--peers`, since their dependencies and ours need
not fit together: `python -m venv peers && peers/bin/pip install distilabel bespokelabs-curator openai`. Prints a
Markdown table, writes results/boundary.json, and exits with 1 when the best of the repetitions misses an aim.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SERVER = HERE.parent / "tests" / "fault_server.py"
POLICY = "Be kind, be exact, and look things up before you promise anything. " * 40


@dataclass(frozen=True)
class Row:
    """One piece of work, and what is asked of it: at most `times` the `limit`, and at most the other `aims`. A limit of
    0 is the time of the first row."""

    name: str
    questions: int
    at_once: int
    latency: float
    serve: tuple[str, ...] = ()
    limit: float = 0.0
    times: float = 0.0
    aims: dict[str, float] = field(default_factory=dict)


THREADS = min(32, (os.cpu_count() or 1) + 4) + 1  # what the default executor may start here, and the main one
FAULTS = ("--rate", "429=0.05", "--rate", "500=0.05", "--rate", "malformed=0.02")
ROWS = (
    Row("400, 64 in flight, 200 ms", 400, 64, 0.2, (), 1.4, 1.25, {"cpu s": 2.0, "process s": 3.5}),
    Row("3,000, 512 in flight, 2 s", 3000, 512, 2.0, (), 12.0, 1.2, {"threads": THREADS}),
    Row("server admits 16 at once", 400, 64, 0.2, ("--admit", "16"), 5.0, 1.25, {"refused": 60}),
    Row("5 % 429, 5 % 500, 2 % malformed", 400, 64, 0.2, FAULTS, 0.0, 1.6),
)


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """The base_url of a fault server in a process of its own."""
    command = [sys.executable, str(SERVER), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def stage(url: str, questions: int, at_once: int) -> dict[str, Any]:
    """A stage of so many questions; how long it took and what it met."""
    from apigen_nb.models import Question, ask
    from apigen_nb.models.endpoint import Endpoint
    from apigen_nb.models.jobs import run_jobs
    from apigen_nb.models.reply_cache import CachedModel, ReplyCache
    from apigen_nb.records import Message, Record
    from apigen_nb.storage.journal import Journal

    class Said(Record):
        id: str
        text: str

    context = {"policy": POLICY}
    asked = [
        Question(
            id=f"q{number}",
            role="agent",
            prompt="agent",
            context=context,
            messages=(Message(role="user", content=f"say {number}"),),
        )
        for number in range(questions)
    ]
    endpoint = Endpoint("bench", url, concurrency=at_once)

    with tempfile.TemporaryDirectory() as folder:
        model = CachedModel(ReplyCache(folder), "bench", lambda: endpoint, {})
        journal = Journal(Path(folder) / "said.jsonl", Said)

        async def work(question: Question) -> Said:
            answer = await ask(model, question)
            assert answer.text == question.messages[0].content, answer
            return Said(id=question.id, text=answer.text)

        begin = time.perf_counter()
        done = await run_jobs(work, asked, journal, concurrency=at_once)
        seconds = time.perf_counter() - begin
        count = len(done)
    await endpoint.aclose()
    return {"seconds": seconds, "done": count, "refused": endpoint.refused, "retries": endpoint.retries}


async def plain(url: str, questions: int, at_once: int) -> dict[str, Any]:
    """The same questions by the openai client as its documentation shows it, with a semaphore."""
    import openai

    client = openai.AsyncOpenAI(base_url=url, api_key="none")
    slots, done = asyncio.Semaphore(at_once), []

    async def one(number: int) -> None:
        messages: Any = [{"role": "system", "content": POLICY}, {"role": "user", "content": f"say {number}"}]
        async with slots:
            reply = await client.chat.completions.create(model="bench", messages=messages)
        done.append(reply.choices[0].message.content)

    begin = time.perf_counter()
    await asyncio.gather(*map(one, range(questions)))
    return {"seconds": time.perf_counter() - begin, "done": len(done)}


def distilabel(url: str, questions: int, at_once: int) -> dict[str, Any]:
    """The same questions by a distilabel pipeline of one step."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    rows = [{"instruction": f"say {number}", "system_prompt": POLICY} for number in range(questions)]
    begin = time.perf_counter()
    with Pipeline(name="bench") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=at_once)
        llm = OpenAILLM(model="bench", base_url=url, api_key="none")
        load >> TextGeneration(llm=llm, input_batch_size=at_once)
    found = pipeline.run(use_cache=False)["default"]["train"]
    return {"seconds": time.perf_counter() - begin, "done": sum(text is not None for text in found["generation"])}


def curator(url: str, questions: int, at_once: int) -> dict[str, Any]:
    """The same questions by curator's LLM."""
    import litellm

    # It counts tokens with a table that is fetched from a host; litellm, which it brings, has a copy.
    tables = Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers"
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(tables))
    os.environ.setdefault("TELEMETRY_ENABLED", "false")
    from bespokelabs import curator as peer

    params = {"base_url": url, "api_key": "none", "max_concurrent_requests": at_once}
    params |= {"max_requests_per_minute": 10**6, "max_tokens_per_minute": 10**9}
    llm = peer.LLM(model_name="bench", backend="openai", backend_params=params)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:  # it would answer a second run from its cache
        found = llm([f"{POLICY}\n\nsay {number}" for number in range(questions)], working_dir=folder)
    return {"seconds": time.perf_counter() - begin, "done": len(getattr(found, "dataset", found))}


PEERS = {"openai": ("the openai client", plain), "distilabel": ("distilabel", distilabel)}
PEERS["bespokelabs"] = ("curator", curator)


def work(who: str, url: str, questions: int, at_once: int) -> None:
    """Do one row's work in this process, and say on the last line of the output how it went."""
    import resource
    import threading

    async def watched(working: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        # When the loop has been closed, the threads that it had are gone.
        peak, task = 0, asyncio.create_task(working)
        while not task.done():
            peak = max(peak, threading.active_count())
            await asyncio.wait({task}, timeout=0.05)
        return await task | {"threads": peak}

    did = stage if who == "stage" else PEERS[who][1]
    result = did(url, questions, at_once)
    result = asyncio.run(watched(result)) if asyncio.iscoroutine(result) else result
    used = resource.getrusage(resource.RUSAGE_SELF)
    result |= {"cpu s": used.ru_utime + used.ru_stime, "peak MB": used.ru_maxrss / 1024}
    print(json.dumps(result))


def has(python: str, module: str) -> bool:
    """Whether this Python could import a module."""
    test = f"import importlib.util; raise SystemExit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", test], check=False).returncode == 0


def measured(row: Row, who: str = "stage", python: str = sys.executable) -> dict[str, float]:
    """One run of a row in fresh processes."""
    with serving("--latency", str(row.latency), *row.serve) as url:
        command = [python, __file__, "--work", who, url, str(row.questions), str(row.at_once)]
        begin = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        seconds = time.perf_counter() - begin
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
            stats = json.load(reply)
    result = json.loads(done.stdout.splitlines()[-1])
    result |= {"process s": seconds, "requests": stats["requests"], "refused": stats["refused"], "peak": stats["peak"]}
    return {name: round(value, 2) for name, value in result.items()}


def judged(row: Row, runs: list[dict[str, float]], limit: float) -> list[str]:
    """What the best of these runs misses of the row's aims."""
    missed = []
    if min(run["seconds"] for run in runs) > row.times * limit:
        missed.append(f"{row.name}: more than {row.times} × {limit:.2f} s")
    for name, most in row.aims.items():
        if min(run[name] for run in runs) > most:
            missed.append(f"{row.name}: {name} above {most:g}")
    if any(run["done"] != row.questions for run in runs):
        missed.append(f"{row.name}: not all of {row.questions} done")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="the Python that has the peers")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        who, url, questions, at_once = given.work
        work(who, url, int(questions), int(at_once))
        return 0
    print("| work | limit s | best s | median s | × | aim × | CPU s | process s | refused | retries | done | peak MB |")
    print(f"|{'---|' * 12}")
    results, missed, clean = [], [], 0.0

    def tell(name: str, limit: float, aim: str, runs: list[dict[str, float]]) -> None:
        best = min(runs, key=lambda run: run["seconds"])
        middle = statistics.median(run["seconds"] for run in runs)
        cells = [name, f"{limit:.2f}", f"{best['seconds']:.2f}", f"{middle:.2f}", f"{best['seconds'] / limit:.2f}", aim]
        for column in ("cpu s", "process s", "refused", "retries", "done", "peak MB"):
            cells.append(f"{best[column]:g}" if column in best else "")
        print(f"| {' | '.join(cells)} |", flush=True)
        results.append({"work": name, "limit": limit, "ratio": round(best["seconds"] / limit, 3), "runs": runs})

    for row in ROWS:
        runs = [measured(row) for _ in range(given.repeat)]
        clean = clean or min(run["seconds"] for run in runs)
        limit = row.limit or clean
        tell(row.name, limit, f"≤ {row.times}", runs)
        missed += judged(row, runs, limit)
    for module, (name, _) in PEERS.items():
        python = given.peers if module != "openai" else sys.executable
        if has(python, module):
            try:
                runs = [measured(ROWS[0], module, python) for _ in range(given.repeat)]
            except subprocess.CalledProcessError as error:
                print(f"peer: {name} did not do it, exit code {error.returncode}", file=sys.stderr)
                continue
            tell(f"peer: {name}, first row", ROWS[0].limit, "", runs)
    print("\n" + ("missed: " + "; ".join(missed) if missed else "all aims met"))
    (HERE / "results").mkdir(exist_ok=True)
    result = {"rows": results, "missed": missed, "load": os.getloadavg()[0], "cores": os.cpu_count()}
    (HERE / "results" / "boundary.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
