"""The package for `verifiers` is installed, loaded and rolled out against a local server, and rewards as we do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.environments.export import export_environments
from apigen_nb.dataset.environments.play import Task
from apigen_nb.dataset.environments.tasks import Source
from apigen_nb.records import Trajectory
from apigen_nb.storage.jsonl import read_lines
from apigen_nb.world.domain import Domain
from tests.dataset.recorded import Recorded, conversation
from tests.dataset_runs import small_run
from tests.fault_server import FaultServer

ROOT = Path(__file__).parent.parent.parent
VERIFIERS = Path(sys.prefix) / "verifiers"  # `make verifiers`
PROGRAM = Path(__file__).with_name("verifiers_program.py")
if not VERIFIERS.is_dir():
    pytest.skip("verifiers is not installed: make verifiers", allow_module_level=True)
COUNT = 100  # seeds: enough for 200 conversations


@dataclass(frozen=True)
class Played:
    """The conversations of a run, and what `verifiers` makes of them."""

    trajectories: dict[str, Trajectory]
    scored: list[tuple[Trajectory, dict[str, Any]]]
    rolled: dict[str, dict[str, dict[str, Any]]]  # task → agent → its trace
    without: list[dict[str, Any]]
    answer: dict[str, Any]
    asked: list[str]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("run")
    return asyncio.run(_play(folder, tmp_path_factory.mktemp("site")))


async def _play(folder: Path, site: Path) -> Played:
    await small_run(folder, Domain.load("retail"), COUNT)
    export_environments(folder, folder / "out", ["verifiers"])
    _install(folder / "out" / "verifiers", site)
    tasks = {row["id"]: Task.of(row, folder) for row in Source.open(folder).rows("train")}
    held = [t for t in read_lines(folder / "trajectories.jsonl", Trajectory) if t.blueprint in tasks]
    chosen = dict(_chosen(held))
    server = Recorded()
    for trajectory in chosen.values():
        await server.add(tasks[trajectory.blueprint], trajectory)
    score = []
    for trajectory in held:
        messages, last = conversation(trajectory)
        info = {"last_word": last, "readings": [reading.model_dump() for reading in trajectory.readings]}
        score.append({"task": trajectory.blueprint, "messages": messages, "info": info})
    without = next(t.blueprint for t in chosen.values() if t.success)
    asked = {"roll": list(chosen), "without": [without], "score": score}
    (folder / "asked.json").write_text(json.dumps(asked))
    async with FaultServer(server) as served:
        answer = await _program(site, served.url, folder / "asked.json")
    rolled: dict[str, dict[str, dict[str, Any]]] = {}
    for trace in answer["roll"]:
        rolled.setdefault(trace["task"] or "", {})[trace["agent"]] = trace
    scored = list(zip(held, answer["score"], strict=True))
    return Played(chosen, scored, rolled, answer["without"], answer, server.asked)


def _install(package: Path, site: Path) -> None:
    """With its build backend from where `verifiers` is: nothing is fetched."""
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", site]
    subprocess.run([sys.executable, *command, package], check=True, env=_environment())


def _environment(*folders: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*folders, VERIFIERS, ROOT)))}


async def _program(site: Path, url: str, asked: Path) -> dict[str, Any]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, "apigen-retail", url, asked, env=_environment(site), cwd=site,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await program.communicate()
    assert program.returncode == 0, complained.decode()[-3000:]
    return json.loads(said.splitlines()[-1])


def _chosen(held: list[Trajectory]) -> Iterator[tuple[str, Trajectory]]:
    """Conversations to be held again, about a task each: verified, failed and handed over."""
    wanted = {("verified", "stop"): 3, ("verified", "transfer"): 1, ("failed", "stop"): 3}
    seen = set()
    for trajectory in held:
        kind = (trajectory.outcome, trajectory.ended)
        if wanted.get(kind) and trajectory.blueprint not in seen:
            wanted[kind] -= 1
            seen.add(trajectory.blueprint)
            yield trajectory.blueprint, trajectory


def test_the_installed_package_loads_and_every_task_of_it_is_valid(played: Played) -> None:
    assert played.answer["tasks"] == played.answer["valid"] > 50


def test_its_reward_equals_ours_on_200_conversations(played: Played) -> None:
    assert len(played.scored) >= 200
    outcomes = Counter(trajectory.outcome for trajectory, _ in played.scored)
    assert min(outcomes["verified"], outcomes["failed"]) > 20
    other = [(t.id, t.outcome, found) for t, found in played.scored if found["reward"] != float(t.success)]
    assert other == []


def test_its_metrics_name_the_checks_as_ours(played: Played) -> None:
    for trajectory, found in played.scored:
        if trajectory.success:
            assert found["metrics"] == {verdict.gate: 1.0 for verdict in trajectory.verdicts}


def test_rolled_out_it_holds_the_recorded_conversations_and_rewards_them_as_we_did(played: Played) -> None:
    assert len(played.trajectories) == 7
    for id, trajectory in played.trajectories.items():
        trace = played.rolled[id]["agent"]
        messages, last = conversation(trajectory)
        said = [[m["role"], m["content"] if m["role"] != "tool" else ""] for m in messages]
        assert trace["messages"][1:] == said, id
        assert trace["info"].get("last_word", "") == last
        assert (trace["ok"], trace["rewards"]) == (True, {"verified": float(trajectory.success)}), trace["errors"]


def test_the_simulated_user_is_the_same_server_and_never_trained(played: Played) -> None:
    assert {"agent", "user", "judge"} == set(played.asked)
    users = [trace for trace in played.answer["roll"] if trace["agent"] == "user"]
    assert users
    assert not any(trace["trainable"] for trace in users)
    assert all(trace["trainable"] for trace in played.answer["roll"] if trace["agent"] == "agent")


def test_what_only_a_judge_could_tell_has_no_reward_and_says_so(played: Played) -> None:
    [agent] = [trace for trace in played.without if trace["agent"] == "agent"]
    assert (agent["ok"], agent["episode"], agent["rewards"]) == (False, False, {"verified": None})
    assert "is undecided" in agent["errors"][0]
    assert "nobody was asked: --env.taskset.task.reader.model" in agent["errors"][0]
    assert agent["metrics"]["state"] == 1.0
