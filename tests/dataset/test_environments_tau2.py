"""tau2 reads the tasks that are written for it with its own loader, and scores with its own evaluators."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.environments.export import export_environments
from apigen_nb.records import Message, Trajectory
from apigen_nb.storage.jsonl import read_lines
from apigen_nb.world.domain import Domain, DomainError
from tests.dataset_runs import rows, small_run

try:
    Domain.load("tau2:retail")
except DomainError as error:
    pytest.skip(str(error), allow_module_level=True)

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import RewardType, Task
from tau2.domains.retail.environment import get_environment
from tau2.evaluator.evaluator_communicate import CommunicateEvaluator
from tau2.evaluator.evaluator_env import EnvironmentEvaluator
from tau2.utils import load_file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tau2")
    asyncio.run(small_run(folder, Domain.load("tau2:retail"), 16))
    export_environments(folder, folder / "out")
    return folder


@pytest.fixture(scope="module")
def tasks(run: Path) -> dict[str, Task]:
    """As tau2's `get_tasks` reads its own."""
    return {task["id"]: Task.model_validate(task) for task in load_file(run / "out" / "tau2" / "tasks.json")}


def in_tau2(messages: tuple[Message, ...]) -> list[Any]:
    """A conversation as tau2 records one."""
    said: list[Any] = []
    for message in messages:
        if message.role == "tool":
            told = {"id": message.tool_call_id, "content": message.content, "error": message.error}
            said.append(ToolMessage(role="tool", requestor="assistant", **told))
        elif message.role == "user":
            said.append(UserMessage(role="user", content=message.content))
        else:
            calls = [ToolCall(id=c.id, name=c.name, arguments=c.arguments or {}) for c in message.tool_calls]
            said.append(AssistantMessage(role="assistant", content=message.content or None, tool_calls=calls or None))
    return said


def reward(task: Task, said: list[Any]) -> float:
    """The product over the task's reward basis, as tau2's `evaluate_simulation` takes it, which needs litellm."""
    assert set(task.evaluation_criteria.reward_basis) == {RewardType.DB, RewardType.COMMUNICATE}
    state = EnvironmentEvaluator.calculate_reward(get_environment, task, said)
    return float(state.reward * CommunicateEvaluator.calculate_reward(task, said).reward)


def test_tau2_reads_every_task_but_those_without_their_tool(run: Path, tasks: dict[str, Task]) -> None:
    kept = [row for row in rows(run, "rl") if row["kind"] != "missing tool"]
    assert [*tasks] == [row["id"] for row in kept]
    assert load_file(run / "out" / "tau2" / "split_tasks.json") == {"train": [*tasks]}
    for row in kept:
        task = tasks[row["id"]]
        assert row["instruction"] in str(task.user_scenario)
        assert row["persona"] in str(task.user_scenario)
        actions = [(a.name, a.arguments) for a in task.evaluation_criteria.actions]
        assert actions == [(a["name"], a["arguments"]) for a in json.loads(row["actions"])]


def gold(task: Task) -> list[Any]:
    """The groundtruth actions made in tau2's own environment, then all outputs told."""
    environment, said = get_environment(), [UserMessage(role="user", content="Hello.")]
    for number, action in enumerate(task.evaluation_criteria.actions):
        call = ToolCall(id=str(number), name=action.name, arguments=action.arguments, requestor="assistant")
        said += [AssistantMessage(role="assistant", tool_calls=[call]), environment.get_response(call)]
    told = ", ".join(["Done", *task.evaluation_criteria.communicate_info])
    return [*said, AssistantMessage(role="assistant", content=told)]


def test_tau2_gives_the_groundtruth_1_and_a_broken_conversation_0(tasks: dict[str, Task]) -> None:
    broken = 0
    for task in [*tasks.values()][:6]:
        said = gold(task)
        assert reward(task, said) == 1.0, task.id
        if task.evaluation_criteria.actions:
            broken += 1
            assert reward(task, [said[0], *said[3:]]) == 0.0, task.id  # without its first write
        if task.evaluation_criteria.communicate_info:
            assert reward(task, said[:-1]) == 0.0, task.id
    assert broken > 2


def test_tau2_rewards_our_conversations_as_we_do_where_its_checks_can_tell(run: Path, tasks: dict[str, Task]) -> None:
    """The end state is the same question to both; of what was told, tau2 knows literal parts only."""
    agreed: Counter[tuple[str, float]] = Counter()
    held = [t for t in read_lines(run / "trajectories.jsonl", Trajectory) if t.blueprint in tasks]
    for trajectory in held[:15]:
        task = tasks[trajectory.blueprint]
        state = EnvironmentEvaluator.calculate_reward(get_environment, task, in_tau2(trajectory.messages)).reward
        [ours] = [verdict.passed for verdict in trajectory.verdicts if verdict.gate == "state"]
        agreed[trajectory.outcome, state] += 1
        assert bool(state) == ours, trajectory.id
    assert agreed["verified", 1.0] > 5
