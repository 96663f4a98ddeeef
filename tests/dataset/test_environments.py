"""Tasks as environments: what is played is what was proven, formats are as they are read, nothing is half-written."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

from apigen_nb.__main__ import main
from apigen_nb.dataset.environments.export import export_environments
from apigen_nb.dataset.environments.play import GREETING, Task, read_tasks, said_in, score
from apigen_nb.dataset.environments.tasks import NotExported, Source
from apigen_nb.dataset.export import Summary
from apigen_nb.models.chat_format import render
from apigen_nb.records import Proposal, Trajectory
from apigen_nb.storage.jsonl import read_lines
from apigen_nb.trajectories.rollout import Rollout, user_question
from apigen_nb.world.domain import Domain, DomainError
from tests.dataset.recorded import conversation
from tests.dataset_runs import does, export, rows, save
from tests.library import RENEW

Made = tuple[Path, Summary]


def blueprints(run: Path) -> dict[str, Any]:
    return {p.id: p.blueprint for p in read_lines(run / "blueprints.jsonl", Proposal) if p.accepted}


def trajectories(run: Path) -> list[Trajectory]:
    return read_lines(run / "trajectories.jsonl", Trajectory)


def played(run: Path) -> dict[str, tuple[dict[str, Any], Task]]:
    source = Source.open(run)
    return {row["id"]: (row, Task.of(row, run)) for row in source.rows("train")}


# what is played


def test_a_task_tells_agent_and_user_what_they_were_told_in_the_run(made: Made) -> None:
    run, _ = made
    held = blueprints(run)
    found = played(run)
    assert len(found) > 20
    for id, (row, task) in found.items():
        assert task.blueprint == held[id].model_copy(update={"parts": ()})
        assert task.system_prompt == row["system"]
        assert task.tools == json.loads(row["tools"])
        asked = render(user_question(Rollout(held[id], 1), task.domain, ()))
        assert [task.user_prompt, GREETING] == [message["content"] for message in asked]
        assert task.problems() == []


def test_every_conversation_is_rewarded_as_in_the_run(made: Made) -> None:
    run, _ = made
    held, domain = blueprints(run), Domain.load("retail")
    outcomes = set()
    for trajectory in trajectories(run):
        found = score(held[trajectory.blueprint], domain, trajectory.messages, trajectory.readings)
        assert found.reward == float(trajectory.success), trajectory.id
        outcomes.add(trajectory.outcome)
    assert outcomes == {"verified", "failed"}


def test_the_reward_goes_by_the_conversation_alone(made: Made) -> None:
    """Results that somebody wrote into it count for nothing, and a call that was not made is missed."""
    run, _ = made
    found, seen = played(run), 0
    for trajectory in trajectories(run):
        if not trajectory.success or trajectory.ended != "stop" or trajectory.blueprint not in found:
            continue
        _, task = found[trajectory.blueprint]
        messages, last = conversation(trajectory)
        readings = [reading.model_dump() for reading in trajectory.readings]
        forged = [m | {"content": "all is well"} if m["role"] == "tool" else m for m in messages]
        assert task.score(forged, last, readings).reward == 1.0
        assert task.score(messages, "", readings).reward == 0.0  # the user has not ended it
        if task.blueprint.actions:
            seen += 1
            silent = [{name: m[name] for name in ("role", "content")} for m in messages if m["role"] != "tool"]
            assert task.score(silent, last, readings).checks["state"] == 0.0
    assert seen > 10


def test_what_is_open_has_no_reward_and_says_what_is_open(made: Made) -> None:
    run, _ = made
    found = played(run)
    trajectory = next(t for t in trajectories(run) if t.success and t.readings and t.blueprint in found)
    messages, last = conversation(trajectory)
    bare = found[trajectory.blueprint][1].score(messages, last)
    assert bare.reward is None
    assert "is undecided: " in bare.reason
    assert bare.checks["state"] == 1.0
    assert len(bare.checks) < len(bare.verdicts)


def test_judges_are_asked_about_what_is_open_and_must_prove_it(made: Made) -> None:
    run, _ = made
    found = played(run)
    trajectory = next(t for t in trajectories(run) if t.success and t.readings and t.blueprint in found)
    task = found[trajectory.blueprint][1]
    messages, last = conversation(trajectory)
    asked: list[Any] = []

    async def ask(wires: list[dict[str, Any]]) -> str:
        asked.append(wires)
        return json.dumps({"turn": 0, "quotation": "words that nobody said", "answer": "yes"})

    readings = asyncio.run(task.read(messages, last, ask))
    assert asked
    assert [message["role"] for message in asked[0]] == ["system", "user"]
    assert readings
    assert task.score(messages, last, readings).reward is None


def test_a_play_goes_on_where_the_messages_end(made: Made) -> None:
    run, _ = made
    found = played(run)
    trajectory = next(t for t in trajectories(run) if t.success and len(t.calls) > 2 and t.blueprint in found)
    task = found[trajectory.blueprint][1]
    messages, _ = conversation(trajectory)
    for number, message in enumerate(messages):
        if calls := message.get("tool_calls"):
            results = task.play(messages[:number]).run(calls)
            assert results == messages[number + 1 : number + 1 + len(calls)]


def test_what_models_write_is_parsed_and_nothing_else() -> None:
    call = {"id": "a", "function": {"name": "look", "arguments": '{"id": '}}
    [user, agent] = said_in(
        [
            {"role": "system", "content": "policy"},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
            {"role": "assistant", "content": "<think>hm</think> Sure.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "done"},
        ]
    )
    assert (user.content, agent.content) == ("Hello", "Sure.")
    assert (agent.tool_calls[0].arguments, agent.tool_calls[0].raw) == (None, '{"id": ')


def test_an_agent_that_owes_a_reply_has_ended_nothing(here: Domain, tmp_path: Path) -> None:
    run = asyncio.run(export(here, tmp_path / "run", does(RENEW), does(text="It is renewed.")))
    [(_, task)] = played(run).values()
    over = {"role": "assistant", "content": "", "tool_calls": [_wire("hand_over", summary="renewal")]}
    asked = {"role": "user", "content": "Please renew Salt Roads, I travel."}
    owing = task.score([asked, over])
    assert owing.checks["ended"] == 0.0
    assert task.score([asked, over, {"role": "assistant", "content": "A person takes over."}]).checks["ended"] == 1.0
    assert task.play([asked, over]).handed_over


def _wire(name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": "a", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


# what is written


def test_all_formats_that_play_the_domain_are_written_and_told(made: Made, tmp_path: Path) -> None:
    run, summary = made
    told = export_environments(run, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["nemo-gym", "verifiers"]
    count = summary.examples["rl"]["train"]
    assert [f" {count} " in line for line in told] == [True, True]


def test_the_same_bytes_twice(made: Made, tmp_path: Path) -> None:
    run, _ = made
    for name in ("one", "two"):
        export_environments(run, tmp_path / name)
    one, two = ({p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
                for n in ("one", "two"))  # fmt: skip
    assert [*one.values()] == [
        two[Path("two", *path.parts[1:])] if path.parts[0] == "one" else two[path] for path in one
    ]


def test_the_package_holds_one_module_and_the_tasks(made: Made, tmp_path: Path) -> None:
    run, _ = made
    export_environments(run, tmp_path / "out", ["verifiers"])
    home = tmp_path / "out" / "verifiers"
    files = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    assert files == ["README.md", "apigen_retail/__init__.py", "apigen_retail/tasks/train.jsonl", "pyproject.toml"]
    kept = [*read_tasks(home / "apigen_retail", "train")]
    assert [row["id"] for row in kept] == [row["id"] for row in rows(run, "rl")]
    for row, whole in zip(kept, rows(run, "rl"), strict=True):
        assert whole.items() >= row.items()
        assert Task.of(row, home / "apigen_retail").tools == json.loads(whole["tools"])
    assert "$" not in "".join((home / name).read_text() for name in ("README.md", "pyproject.toml"))
    with pytest.raises(FileNotFoundError, match=r"no split 'test' in .*; there are: train"):
        next(read_tasks(home / "apigen_retail", "test"))


def test_a_domain_of_ones_own_goes_along(here: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = asyncio.run(export(here, tmp_path / "run", does(RENEW), does(text="It is renewed.")))
    (run / "run.json").write_text(json.dumps({"parameters": {"domain": "../library"}}))
    export_environments(run, tmp_path / "out", ["verifiers"])
    home = tmp_path / "out" / "verifiers" / "apigen_library"
    assert sorted(path.name for path in (home / "domain" / "library").iterdir()) == [
        "data", "policy.md", "rules.py", "tools.py",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path / "out")  # the library itself is out of sight
    [row] = read_tasks(home, "train")
    assert Task.of(row, home).problems() == []
    policy = home / "domain" / "library" / "policy.md"
    policy.write_text("Nobody renews anything.")
    with pytest.raises(DomainError, match="made on another version of library"):
        Task.of(row, home)


def test_rows_of_nemo_gym_are_requests_of_the_responses_api(made: Made, tmp_path: Path) -> None:
    """As its own strict model asks: nothing but the fields of OpenAI's request, each of its type."""
    run, _ = made
    export_environments(run, tmp_path, ["nemo-gym"])
    request = TypeAdapter(ResponseCreateParamsNonStreaming)
    known = {*ResponseCreateParamsNonStreaming.__annotations__}
    first = {row["task_id"]: row["messages"][1]["content"] for row in reversed(rows(run, "trl"))}
    lines = [json.loads(line) for line in (tmp_path / "nemo-gym" / "train.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == len(rows(run, "rl"))
    for line, row in zip(lines, rows(run, "rl"), strict=True):
        params = line["responses_create_params"]
        assert params.keys() <= known
        request.validate_python(params)
        system, opening = params["input"]
        assert (system["content"], opening["content"]) == (row["system"], first[row["task_id"]])
        assert [tool["name"] for tool in params["tools"]] == [
            schema["function"]["name"] for schema in json.loads(row["tools"])
        ]
        assert params["parallel_tool_calls"] == (row["kind"] == "parallel calls")
        whole = line["task_data"] | {"id": row["id"], "system": row["system"], "tools": row["tools"]}
        assert Task.of(whole, run).blueprint == Task.of(row, run).blueprint
        with pytest.raises(ValidationError):
            request.validate_python(params | {"input": 7})


# what is refused


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says of bad input, in one line."""
    assert main(["export-env", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_the_command_writes_beside_the_dataset_and_never_over_anything(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-env", str(run)]) == 0
    assert capsys.readouterr().out.count("\n") == 2
    module = run / "environments" / "verifiers" / "apigen_retail" / "__init__.py"
    module.write_text("mine")
    assert "exists already and is left as it is" in refused([str(run)], capsys)
    assert module.read_text() == "mine"
    assert sorted(path.name for path in (run / "environments").iterdir()) == ["nemo-gym", "verifiers"]


def test_tau2_plays_its_own_domains_only(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = refused([str(run), "--format", "verifiers", "tau2"], capsys)
    new = run / "of" / "my" / "own"
    refused([str(run), "--format", "verifiers", "tau2", "--out", str(new)], capsys)
    assert not (run / "of").exists()
    assert "the domain is retail, and tau2 plays only its own, tau2:retail and tau2:airline" in told
    assert not list((run / "environments").glob("*"))


def test_a_run_without_verified_rows_has_nothing_to_export(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(run, "rl", [])
    assert "holds no verified row" in refused([str(run)], capsys)
    assert not (run / "environments").exists()
    (tmp_path / "empty").mkdir()
    assert "no dataset in" in refused([str(tmp_path / "empty")], capsys)


def test_rows_of_two_versions_are_no_environment(run: Path) -> None:
    changed = rows(run, "rl")
    state = json.loads(changed[0]["initial_state"]) | {"version": "another"}
    changed[0]["initial_state"] = json.dumps(state)
    save(run, "rl", changed)
    with pytest.raises(NotExported, match=r"retail \(another\), retail \(\w+\); an environment has"):
        Source.open(run)


def test_another_version_of_the_domain_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = rows(run, "rl")
    for row in changed:
        row["initial_state"] = re.sub(r'"version":"\w+"', '"version":"another"', row["initial_state"])
    save(run, "rl", changed)
    assert "made on another version of retail (another, here" in refused([str(run)], capsys)
