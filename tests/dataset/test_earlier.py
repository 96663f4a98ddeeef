"""Datasets of before the configs, a chat and a ShareGPT file beside their proofs, still prove."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.dataset.export import Summary
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.records import Trajectory, canonical, sha
from apigen_nb.storage.journal import Run, read_lines
from tests.dataset_runs import rows

Rows = list[dict[str, Any]]
VICTIM = 3


def chat_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `chat.jsonl`: what the OpenAI config holds, less what it did not know."""
    known = ("role", "content", "tool_calls", "tool_call_id")
    messages = [{key: message[key] for key in known if key in message} for message in row["messages"]]
    return {"messages": messages, "tools": row["tools"]}


def write_earlier(run: Path) -> None:
    """Put a dataset as it was before the configs in the place of a run's, of rows without malformed calls."""
    found = {name: rows(run, name) for name in ("openai", "sharegpt", "proofs")}
    trajectories = {trajectory.id: trajectory for trajectory in read_lines(Run(run).trajectories, Trajectory)}
    files: dict[str, list[str]] = {"chat": [], "sharegpt": [], "proofs": []}
    for openai, shared, proof in zip(*found.values(), strict=True):
        messages = trajectories[openai["id"]].messages
        if any(call.arguments is None for message in messages for call in message.tool_calls):
            continue
        chat, sharegpt = chat_of(openai), {key: shared[key] for key in ("conversations", "tools", "system")}
        made = {key: proof[key] for key in ("task", "domain_fingerprint", "delta", "state", "readings")}
        closing = [message.model_dump() for message in messages[len(chat["messages"]) - 1 :]]
        made |= {"id": openai["id"], "closing": closing, "models": openai["models"]}
        made |= {"chat": sha(chat, 64), "sharegpt": sha(sharegpt, 64)}
        for name, value in (("chat", chat), ("sharegpt", sharegpt), ("proofs", made)):
            files[name].append((json.dumps(value) if name == "proofs" else canonical(value)) + "\n")
    shutil.rmtree(run / "dataset")
    (run / "dataset").mkdir()
    for name, lines in files.items():
        (run / "dataset" / f"{name}.jsonl").write_text("".join(lines), "utf-8")


@pytest.fixture
def earlier(run: Path, made: tuple[Path, Summary]) -> Path:
    write_earlier(run)
    return run


def test_it_holds(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = len((earlier / "dataset" / "proofs.jsonl").read_text("utf-8").splitlines())
    for home in (earlier, earlier / "dataset"):
        report = verify_dataset(home)
        assert report.holds, report.lines()
        assert report.rows == count > 10
    assert main(["verify", str(earlier)]) == 0
    assert f"{count} hold, 0 do not" in capsys.readouterr().out


def changed_argument(files: dict[str, Rows]) -> None:
    called = next(m for m in files["chat"][VICTIM]["messages"] if "tool_calls" in m)["tool_calls"][0]["function"]
    called["arguments"] = json.dumps({name: f"{value}9" for name, value in json.loads(called["arguments"]).items()})


def changed_result(files: dict[str, Rows]) -> None:
    next(m for m in files["chat"][VICTIM]["messages"] if m["role"] == "tool")["content"] = "{}"


def changed_observation(files: dict[str, Rows]) -> None:
    next(t for t in files["sharegpt"][VICTIM]["conversations"] if t["from"] == "observation")["value"] = "{}"


def a_call_that_is_a_list(files: dict[str, Rows]) -> None:
    turns = files["sharegpt"][VICTIM]["conversations"]
    next(turn for turn in turns if turn["from"] == "function_call")["value"] = "[]"


def a_row_that_is_no_object(files: dict[str, Rows]) -> None:
    files["chat"][VICTIM] = [1]  # type: ignore[call-overload]


def changed_state(files: dict[str, Rows]) -> None:
    files["proofs"][VICTIM]["state"] = "0" * 64


def changed_groundtruth(files: dict[str, Rows]) -> None:
    files["proofs"][VICTIM]["task"]["actions"] = []


def unknown_domain(files: dict[str, Rows]) -> None:
    files["proofs"][VICTIM]["task"]["domain"] = "nowhere"


@pytest.mark.parametrize(
    "tamper",
    [
        changed_argument, changed_result, changed_observation, a_call_that_is_a_list, a_row_that_is_no_object,
        changed_state, changed_groundtruth, unknown_domain,
    ],
    ids=lambda tamper: tamper.__name__,
)  # fmt: skip
def test_whoever_changes_a_row_is_found_out(earlier: Path, tamper: Callable[[dict[str, Rows]], None]) -> None:
    names = ("chat", "sharegpt", "proofs")
    files = {name: rows(earlier, name) if name == "proofs" else _lines(earlier, name) for name in names}
    victim = files["proofs"][VICTIM]["id"]
    tamper(files)
    for name, changed in files.items():
        (earlier / "dataset" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed), "utf-8")
    report = verify_dataset(earlier)
    assert {row for row, _ in report.failures} == {victim}


def _lines(run: Path, name: str) -> Rows:
    return [json.loads(line) for line in (run / "dataset" / f"{name}.jsonl").read_text("utf-8").split("\n") if line]


@pytest.mark.parametrize("name", ["chat", "sharegpt", "proofs"])
def test_a_file_that_is_gone_is_named(earlier: Path, name: str) -> None:
    (earlier / "dataset" / f"{name}.jsonl").unlink()
    assert f"{name}.jsonl" in "\n".join(verify_dataset(earlier).lines())


@pytest.mark.parametrize("name", ["chat", "sharegpt"])
def test_a_row_deleted_in_one_file_is_named(earlier: Path, name: str) -> None:
    path = earlier / "dataset" / f"{name}.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert "differ in length" in "\n".join(verify_dataset(earlier).lines())
