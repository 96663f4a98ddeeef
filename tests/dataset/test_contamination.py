"""What rows share with public benchmarks: planted tasks are found, what is alike by construction is not."""

from __future__ import annotations

import asyncio
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.benchmarks import BenchmarkTask, _call, installed_benchmarks
from apigen_nb.dataset.contamination import LONG, CallIndex, WordIndex
from apigen_nb.dataset.export import build_dataset
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.records import Action
from apigen_nb.report import dataset_tables
from apigen_nb.storage.journal import Run
from apigen_nb.world.domain import Domain
from tests.dataset_runs import does, export
from tests.library import RENEW, call, task

SCENARIO = "You took out a novel before your long journey and want to keep it, since you travel until May."
TAU_BENCH = """
from tau_bench.types import Action, Task

TASKS = [
    Task(annotator="0", user_id="M1", instruction="Return the loan.", actions=[
        Action(name="return_loan", kwargs={"loan_id": "L2"})], outputs=[]),
    {"instruction": "Renew another loan.", "actions": [
        {"name": "renew_loan", "arguments": {"loan_id": "L9", "reason": "travel"}}]},
]
raise SystemExit("nobody runs this")
"""


def bfcl(folder: Path) -> None:
    """BFCL's files, as its package ships them."""
    files = {
        "BFCL_v4_simple.json": [
            {"id": "simple_0", "question": [[{"role": "user", "content": "Renew L1, please."}]]},
            {"id": "simple_1", "question": [[{"role": "user", "content": "What is my first name?"}]]},
        ],
        "possible_answer/BFCL_v4_simple.json": [
            {"id": "simple_0", "ground_truth": [{"renew_loan": {"loan_id": ["L1"], "reason": ["travel", "illness"]}}]},
            {"id": "simple_1", "ground_truth": ["thirty five"]},
        ],
        "BFCL_v4_multi_turn.json": [{"id": "multi_0", "question": [[{"role": "user", "content": "Go."}], []]}],
        "possible_answer/BFCL_v4_multi_turn.json": [{"id": "multi_0", "ground_truth": [["a.b(x=1)", "c()"], []]}],
        "BFCL_v4_format_sensitivity.json": [["simple_0"]],
    }
    for name, lines in files.items():
        path = folder / "bfcl_eval" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for packages that come before those of this Python."""
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    for name in ("tau2", "tau_bench", "bfcl_eval"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
        (tmp_path / "packages" / name).mkdir(parents=True)
        (tmp_path / "packages" / name / "__init__.py").write_text("raise SystemExit('nobody imports this')")
    return tmp_path / "packages"


def tau2(folder: Path, *tasks: dict[str, Any]) -> None:
    path = folder / "tau2" / "data" / "tau2" / "domains" / "library" / "tasks.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(tasks))


def scenario(text: str, *actions: Action) -> dict[str, Any]:
    wanted = [{"action_id": "0", "name": action.name, "arguments": action.arguments} for action in actions]
    told = {"domain": "library", "reason_for_call": text, "unknown_info": None}
    return {"id": "7", "user_scenario": {"instructions": told}, "evaluation_criteria": {"actions": wanted}}


def hits(run: Path) -> list[tuple[str, str, str]]:
    lines = (run / "dataset" / "contamination.jsonl").read_text().splitlines()
    return [(hit["benchmark"], hit["task"], hit["overlap"]) for hit in map(json.loads, lines)]


def planted(here: Domain, folder: Path, instruction: str) -> Path:
    return asyncio.run(export(here, folder, does(RENEW), about=task(RENEW, says=instruction)))


def test_a_row_with_the_text_of_a_task_is_listed_and_left_out_if_asked(
    here: Domain, packages: Path, tmp_path: Path
) -> None:
    tau2(packages, scenario(SCENARIO, call("return_loan", loan_id="L3")))
    run = planted(here, tmp_path / "run", f"You are calm. {SCENARIO.upper()} Say thanks.")
    assert hits(run) == [("tau2", "library 7", "13 words")]
    [hit] = map(json.loads, (run / "dataset" / "contamination.jsonl").read_text().splitlines())
    assert hit["found"] == "you took out a novel before your long journey and want to keep"
    card = (run / "dataset" / "README.md").read_text()
    assert "| contamination with tau2 26.3 |" in card or "| contamination with tau2 |" in card
    assert "every row, 1 tasks: 1 share runs of 13 words or calls with it, kept |" in card
    assert "| contamination with BFCL | not checked: installed without its tasks |" in card
    assert dataset_tables.contamination(run / "dataset")["task"].tolist() == ["library 7"]
    looked = dict(dataset_tables.benchmarks(run / "dataset").itertuples(index=False))
    assert looked["BFCL"] == "not checked: installed without its tasks"
    assert verify_dataset(run).holds
    found = build_dataset(Run(run), here, {"agent": "x"}, options=DatasetOptions(contaminated="leave_out"))
    assert (found.rows, found.left_out) == (0, {"shares with a benchmark: tau2": 1})
    [gone] = map(json.loads, (run / "dataset" / "left_out.jsonl").read_text().splitlines())
    assert gone["found"] == "task library 7: 13 words"
    assert verify_dataset(run).holds


def test_the_same_calls_are_found_in_bfcl_and_others_in_none(here: Domain, packages: Path, tmp_path: Path) -> None:
    bfcl(packages)
    (packages / "tau_bench" / "envs" / "library").mkdir(parents=True)
    (packages / "tau_bench" / "envs" / "library" / "tasks_test.py").write_text(textwrap.dedent(TAU_BENCH))
    tau2(packages, scenario("Two calls, of which one reads.", call("get_loan", loan_id="L1"), RENEW))
    read = {one.name: [(task.id, len(task.calls)) for task in one.tasks] for one in installed_benchmarks()}
    assert read["tau-bench"] == [("library tasks_test 0", 1), ("library tasks_test 1", 1)]
    assert read["BFCL"] == [("multi_0", 2), ("simple_0", 1), ("simple_1", 0)]
    run = planted(here, tmp_path / "run", "You want to keep a book.")
    # of tau2's task the read was not made, and is another matter
    assert hits(run) == [("BFCL", "simple_0", "calls and values"), ("tau2", "library 7", "writing calls and values")]


def test_what_is_not_installed_was_not_checked(here: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run = planted(here, tmp_path / "run", SCENARIO)
    card = (run / "dataset" / "README.md").read_text()
    for name in ("tau2", "tau-bench", "BFCL"):
        assert f"| contamination with {name} | not checked: not installed |" in card
    assert hits(run) == []


def test_a_package_that_cannot_be_read_is_told(here: Domain, packages: Path, tmp_path: Path) -> None:
    tau2(packages, {"id": "1"})
    run = planted(here, tmp_path / "run", SCENARIO)
    assert "| not checked: cannot be read: KeyError: 'user_scenario' |" in (run / "dataset" / "README.md").read_text()


def sequence(*names: str, value: str = "L1") -> list[tuple[str, dict[str, str]]]:
    return [(name, {"loan_id": value}) for name in names]


@pytest.mark.parametrize(
    ("made", "wanted", "found"),
    [
        (["get_loan", "return_loan"], ["get_loan", "return_loan"], "calls and values"),
        (["get_member", "get_loan", "return_loan"], ["get_loan", "return_loan"], "calls and values"),
        (["get_loan", "get_loan"], ["get_loan", "get_loan"], ""),  # reads, of two values
        (["get_loan"] * 3, ["get_loan"] * 3, "calls and values"),
        (["get_loan"] * LONG, ["get_loan"] * LONG, "calls and values"),
        (["return_loan"], ["get_loan", "return_loan"], ""),
        ([], [], ""),
    ],
)
def test_short_sequences_count_by_their_values_long_ones_by_themselves(
    here: Domain, made: list[str], wanted: list[str], found: str
) -> None:
    calls = tuple(_call(name, arguments) for name, arguments in sequence(*wanted))
    index = CallIndex([BenchmarkTask("b", "1", (), calls)], here)
    assert [how for _, how, _ in index.shared(sequence(*made))][:1] == ([found] if found else [])
    other = [how for _, how, _ in index.shared(sequence(*made, value="L2"))]
    assert other == ([f"{LONG} calls"] if len(wanted) == LONG else [])


def test_a_short_text_is_compared_as_a_whole() -> None:
    index = WordIndex([BenchmarkTask("b", "1", ("Where is my book now, please?", "Yes."), ())])
    assert [run for _, run in index.shared("where is my book, now please")] == ["where is my book now please"]
    assert not list(index.shared("Hello. Where is my book now, please?"))
    assert not list(index.shared("Yes."))
