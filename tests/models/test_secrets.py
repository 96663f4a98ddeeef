"""A key is read from the environment and stands nowhere: a run with a marked one, however it ends, leaves no trace."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from apigen_nb.models.reply_cache import REPLIES, read_replies
from apigen_nb.run import STAGES, runner
from apigen_nb.run.params import Params
from tests.fault_server import FaultServer

KEY = "sk-MARKED-0123456789abcdef"
PARAMETERS = "\n".join([f"{name} = {value!r}" for name, value in Params().plain().items()] + ["out = 'outputs/lab'"])
# As loud as can be: every library logs at its lowest level into the notebook.
LOUD = "import logging, sys\nlogging.basicConfig(level=1, stream=sys.stdout)\n"
CELL = """
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.world.domain import Domain
from apigen_nb.blueprints.gates import choose_gates
from apigen_nb.models.roles import Roles
from apigen_nb.storage.journal import Run

run = Run.open('../' + out).claim(domain=domain, model=model, base_url=base_url)
settings = {"model": model, "base_url": base_url, "api_key_env": api_key_env, "timeout": timeout, "roles": roles}
models = Roles(Domain.load(domain), **settings, folder=run.folder, offline=offline, max_total_tokens=max_total_tokens)
"""
WORK = """
rounds = {"count": count, "random_seed": random_seed, "reflections": reflections, "concurrency": 2}
await propose_all(Domain.load(domain), models, choose_gates(gates), run, **rounds)
"""

BROKEN = """
import aiohttp

def broken(*args, **more):
    raise ZeroDivisionError("no such luck")

aiohttp.ClientSession._request = broken
"""


def says(body: dict[str, Any]) -> str:
    # A server may also give the key back.
    return json.dumps({"thought": "t", "instruction": f"You are {KEY}.", "actions": [], "outputs": ["x"]})


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server in a thread of its own, since the runs are processes."""
    server, loop = FaultServer(says), asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
    loop.call_soon_threadsafe(loop.stop)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FaultServer) -> Path:
    """A working directory with stage notebooks that ask the server."""
    (tmp_path / "notebooks").mkdir()
    for stage in STAGES:
        sources = [LOUD, CELL, WORK] if stage == "2_blueprints" else []
        told = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        nbformat.write(
            new_notebook(cells=[told, *map(new_code_cell, sources)]), tmp_path / "notebooks" / f"{stage}.ipynb"
        )
    (tmp_path / "own_gates.py").write_text("def breaks(blueprint, domain):\n    return blueprint.nothing_like_this\n")
    told = {"model": "m", "base_url": server.url, "api_key_env": "MARKED_KEY", "count": 3, "reflections": 0}
    (tmp_path / "x.yaml").write_text(json.dumps(told | {"gates": ["format"], "recombined": 0.0, "best_of": 1}))
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, apigen_nb.run.runner as runner\n"
        f"runner.notebooks_folder = lambda: pathlib.Path({str(tmp_path / 'notebooks')!r})\n"
    )
    checkout = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), checkout]))
    monkeypatch.setenv("MARKED_KEY", KEY)
    monkeypatch.setattr(runner, "notebooks_folder", lambda: tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first(home: Path, cell: str) -> None:
    """Run this cell after those that make the models, before the work."""
    path = home / "notebooks" / "2_blueprints.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(-1, new_code_cell(cell))
    nbformat.write(notebook, path)


def call(home: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and last line of a run of phase 1; the key is neither in what it says nor in anything it wrote."""
    command = [sys.executable, "-m", "apigen_nb", "run", "x.yaml", "--stage", "2_blueprints", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert KEY not in done.stdout + done.stderr
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path.relative_to(home) for path in files if KEY.encode() in path.read_bytes()] == []
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_success(home: Path, server: FaultServer) -> None:
    code, said = call(home)
    assert (code, server.keys[0]) == (0, KEY), said
    out = home / "outputs" / "x"
    written = {path.name for path in out.rglob("*") if path.is_file()}
    assert written >= {REPLIES, "run.json", "ledger.json", "blueprints.jsonl", "2_blueprints.ipynb"}
    replies = [reply.answer for reply in read_replies(out)]
    assert [answer is not None and "You are ***." in answer.text for answer in replies] == [True] * 3
    log = (out / "notebooks" / "2_blueprints.ipynb").read_text()
    assert "DEBUG:" in log  # the loudest log there is, and yet no key


@pytest.mark.parametrize("fault", ["401", "403"])
def test_refusal_that_repeats_the_key(home: Path, server: FaultServer, fault: str) -> None:
    server.next(*[fault] * 9)
    code, said = call(home)
    assert (code, server.keys[0]) == (3, KEY)
    assert "EndpointDown" in said


def test_crash_in_a_gate(home: Path) -> None:
    first(home, "%xmode Verbose")
    code, said = call(home, "-p", "gates=[own_gates:breaks]")
    assert (code, "AttributeError" in said) == (1, True), said


def test_crash_in_the_transport(home: Path, server: FaultServer) -> None:
    # Inside the request, where headers are at hand, something breaks that nobody has thought of.
    first(home, BROKEN)
    code, said = call(home)
    assert (code, "ZeroDivisionError" in said, server.keys) == (1, True, [])


def test_the_kernel_dies(home: Path) -> None:
    first(home, "import os; os.kill(os.getpid(), 9)")
    code, said = call(home)
    assert (code, "the kernel died" in said) == (1, True)


def test_budget_and_offline(home: Path, server: FaultServer) -> None:
    assert call(home, "-p", "max_total_tokens=1", "-p", "concurrency=1")[0] == 4
    asked = len(server.keys)
    assert asked > 0
    assert call(home, "--offline")[0] == 3
    assert len(server.keys) == asked


@pytest.mark.parametrize(
    "given", [f"api_key={KEY}", f"api_key_env={KEY}", f"model={KEY}", f"base_url=http://u:{KEY}@h/v1"]
)
def test_a_key_in_the_wrong_place(home: Path, given: str) -> None:
    code, said = call(home, "-p", given)
    assert code == 2
    assert "key" in said
    assert not (home / "outputs").exists()
