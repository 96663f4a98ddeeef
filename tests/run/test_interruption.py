"""Killed at any moment, a run continues and ends with the bytes of one that was never interrupted.

A child process works until a chosen write (a record of a journal, a reply, an artefact, its replacement), stops in the
midst of its bytes, and is gone as after `kill -9`; every tenth asks a server. Of the command line only the runner is
killed, and its kernel goes on. `INTERRUPTIONS=1000` tries more moments than the 50 of every test run."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.blueprints.sampling import Sampling
from apigen_nb.dataset.export import build_dataset
from apigen_nb.models.roles import Roles
from apigen_nb.records import Proposal, Trajectory
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain
from tests.run.test_end_to_end import Player, call, of_run, serving

TIMES = int(os.environ.get("INTERRUPTIONS", "50"))
SEEDS, ATTEMPTS = 7, 2
PLAIN = {"kinds": {"plain": 1.0}}  # the player knows no others


def stages(domain: Domain, folder: Path, url: str | None = None) -> None:
    """All that a run writes into its folder, in this process."""

    async def work() -> None:
        served = {"model": "tiny", "base_url": url, "folder": folder, "best_of": 1} if url else {}
        models, run = Roles(domain, random_seed=3, **served), Run.open(folder)
        gates = [*GATES.values(), Committee(models.judges(3))]
        rounds = {"count": SEEDS, "random_seed": 3, "round_size": 3, "concurrency": 4}
        plain = {"sampling": Sampling(**PLAIN), "recombined": 0.0} if domain.name == "retail" else {}
        try:
            proposals = await propose_all(domain, models, gates, run, **rounds, **plain)
            blueprints = [p.blueprint for p in proposals if p.accepted]
            await converse_all(domain, models, run, blueprints, attempts=ATTEMPTS, concurrency=4)
        finally:
            await models.aclose()
        build_dataset(run, domain, models.names)

    asyncio.run(work())


def artefacts(folder: Path) -> dict[str, bytes]:
    """All files but locks and replies, whose order is that of a moment."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name[0] != "." and name != "replies.jsonl"}


def replies(folder: Path) -> int:
    path = folder / "replies.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def keys(folder: Path) -> list[str]:
    return [json.loads(line)["key"] for line in (folder / "replies.jsonl").read_text().splitlines()]


class Moments:
    """Counts the writes and replacements of a process; at the chosen one only a part is written, and it dies."""

    def __init__(self, deadly: int | None = None, part: float = 0.0) -> None:
        self.count, self.deadly, self.part = 0, deadly, part
        self.write, self.replace, self.fsync = os.write, os.replace, os.fsync

    def install(self) -> None:
        os.write, os.replace, os.fsync = self._write, self._replace, self._fsync  # type: ignore[assignment]

    def remove(self) -> None:
        os.write, os.replace, os.fsync = self.write, self.replace, self.fsync

    def _now(self) -> bool:
        self.count += 1
        return self.count == self.deadly

    def _write(self, file: int, data: bytes) -> int:
        if self._now():
            self.write(file, data[: int(len(data) * self.part)])
            os.kill(os.getpid(), signal.SIGKILL)
        return self.write(file, data)

    def _replace(self, old: Any, new: Any) -> None:
        if self._now():
            if self.part > 0.5:
                self.replace(old, new)
            os.kill(os.getpid(), signal.SIGKILL)
        self.replace(old, new)

    def _fsync(self, file: int) -> None:
        if self._now():  # the file is written as far as it had been flushed
            os.truncate(file, int(os.fstat(file).st_size * self.part))
            os.kill(os.getpid(), signal.SIGKILL)
        self.fsync(file)


@functools.cache
def _whole(domain: Domain, folder: Path) -> tuple[dict[str, bytes], int]:
    moments = Moments()
    moments.install()
    try:
        stages(domain, folder)
    finally:
        moments.remove()
    return artefacts(folder), moments.count


@pytest.fixture(scope="module")
def undisturbed(library: Domain, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """What a run leaves that nobody interrupts, and at how many moments it could have been interrupted."""
    return _whole(library, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="module")
def retail() -> Domain:
    return Domain.load("retail")


@pytest.fixture(scope="module")
def server(retail: Domain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that plays all roles."""
    folder = tmp_path_factory.mktemp("scripted")
    stages(retail, folder)
    accepted = [p.blueprint for p in read_lines(folder / "blueprints.jsonl", Proposal) if p.accepted]
    with serving(Player(accepted), latency=0.01) as server:
        yield server.url


@pytest.fixture(scope="module")
def served(retail: Domain, server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """What a run leaves that asks the server and that nobody interrupts, and its moments."""
    folder, moments = tmp_path_factory.mktemp("served"), Moments()
    moments.install()
    try:
        stages(retail, folder, server)
    finally:
        moments.remove()
    return folder, moments.count


def dies(work: Callable[[], None], moments: Moments) -> bool:
    """Do the work in a child process that dies at its moment; whether it did."""
    child = os.fork()
    if child == 0:  # pragma: no cover
        moments.install()
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_there_are_many_moments_and_something_to_lose(undisturbed: tuple[dict[str, bytes], int]) -> None:
    files, moments = undisturbed
    assert moments > 20
    assert {"blueprints.jsonl", "trajectories.jsonl", "dataset/trl/train.jsonl"} <= files.keys()
    assert files["trajectories.jsonl"].count(b"\n") >= 4


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("number", range(TIMES))
def test_killed_and_continued_is_as_undisturbed(
    library: Domain, undisturbed: tuple[dict[str, bytes], int], tmp_path: Path, number: int
) -> None:
    files, moments = undisturbed
    rng = Random(f"interruption {number}")
    deaths = 0
    for _ in range(rng.choice((1, 1, 2, 3))):  # what continues may be killed again
        deaths += dies(lambda: stages(library, tmp_path), Moments(rng.randint(1, moments), rng.random()))
        half = [path for path in (tmp_path / "blueprints.jsonl", tmp_path / "trajectories.jsonl") if path.exists()]
        for path in half:  # an artefact is there as a whole or not at all
            assert path.read_bytes() == files[path.name]
    stages(library, tmp_path)
    left = artefacts(tmp_path)
    assert {name for name in left if not name.endswith(".tmp")} == set(files)
    assert {name: left[name] for name in files} == files
    assert deaths or number  # the first seed is known to die


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("number", range(TIMES // 10))
def test_killed_between_replies_it_ends_as_undisturbed(
    retail: Domain, server: str, served: tuple[Path, int], tmp_path: Path, number: int
) -> None:
    whole, moments = served
    rng = Random(f"replies {number}")
    for _ in range(2):
        dies(lambda: stages(retail, tmp_path, server), Moments(rng.randint(1, moments), rng.random()))
    stages(retail, tmp_path, server)
    left = artefacts(tmp_path)
    assert {name: left[name] for name in left if not name.endswith(".tmp")} == artefacts(whole)
    assert sorted(keys(tmp_path)) == sorted(keys(whole))


@pytest.mark.parametrize("number", range(max(1, TIMES // 50)))
def test_a_killed_runner_leaves_nothing_twice(
    server: str, served: tuple[Path, int], tmp_path: Path, number: int
) -> None:
    whole, out = served[0], tmp_path / "run"
    values = {
        "count": SEEDS,
        "random_seed": 3,
        "round_size": 3,
        "attempts": ATTEMPTS,
        "concurrency": 4,
        "recombined": 0.0,
    }
    values |= {"model": "tiny", "base_url": server, "best_of": 1} | PLAIN
    begun = of_run(out, "2_blueprints", "3_trajectories", "4_dataset", **values)
    rng = Random(f"runner {number}")
    for kept in sorted(rng.sample(range(1, len(keys(whole))), 3)):
        with subprocess.Popen(begun, stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + 120
            while process.poll() is None and replies(out) < kept:
                assert time.monotonic() < end
                time.sleep(0.005)
            process.kill()
    done = call(begun, out)  # at once: the last kernel has not yet noticed that it is an orphan
    assert done.returncode == 0, done.stderr
    for name, data in artefacts(whole).items():
        assert (out / name).read_bytes() == data
    assert sorted(keys(out)) == sorted(keys(whole))


def test_records_that_were_finished_are_not_made_again(
    library: Domain, undisturbed: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    _, moments = undisturbed
    assert dies(lambda: stages(library, tmp_path), Moments(moments // 2, 0.5))
    journals = [p for p in tmp_path.iterdir() if p.suffix == ".part"] or [tmp_path / "blueprints.jsonl"]
    kept = journals[0].read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    stages(library, tmp_path)
    kind = Proposal if journals[0].name.startswith("blueprints") else Trajectory
    final = {r.id: r for r in read_lines(tmp_path / journals[0].name.removesuffix(".part"), kind)}
    made = [kind.model_validate_json(line) for line in kept.splitlines()]
    assert made
    assert all(final[record.id] == record for record in made)
