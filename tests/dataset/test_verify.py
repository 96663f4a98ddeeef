"""`verify`: every row of a dataset is proven from its files alone, and whoever changes one is found out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apigen_nb.__main__ import main
from apigen_nb.dataset.configs import CONFIGS
from apigen_nb.dataset.export import Summary, build_dataset
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.models import Answer
from apigen_nb.models.scripted import LABEL
from apigen_nb.records import Proposal, ToolCall, Trajectory
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.storage.jsonl import write_whole
from apigen_nb.world.domain import Domain
from tests.dataset_runs import EXAMPLES, Rows, calls_of, does, export, rows, save
from tests.library import RENEW, call, write_library

VICTIM = 3
Files = dict[str, Rows]


def test_all_rows_hold(made: tuple[Path, Summary], capsys: pytest.CaptureFixture[str]) -> None:
    folder, summary = made
    for home in (folder, folder / "dataset"):
        report = verify_dataset(home)
        assert report.holds, report.lines()
        assert report.rows == summary.rows
        assert report.calls >= sum(len(list(calls_of(row["messages"]))) for row in rows(folder, "trl")) > 0
    assert main(["verify", str(folder)]) == 0
    assert f"{summary.rows} hold, 0 do not" in capsys.readouterr().out


def _messages(files: Files, role: str, name: str = "trl") -> Iterator[dict[str, Any]]:
    return (message for message in files[name][VICTIM]["messages"] if message["role"] == role)


def changed_argument(files: Files) -> None:
    called = next(m for m in _messages(files, "assistant") if "tool_calls" in m)["tool_calls"][0]["function"]
    called["arguments"] = {name: f"{value}9" for name, value in called["arguments"].items()}


def changed_argument_in_openai(files: Files) -> None:
    called = next(m for m in _messages(files, "assistant", "openai") if "tool_calls" in m)["tool_calls"][0]["function"]
    called["arguments"] = called["arguments"].replace('":"', '":"9')


def changed_argument_in_sharegpt(files: Files) -> None:
    turn = next(turn for turn in files["sharegpt"][VICTIM]["conversations"] if turn["from"] == "function_call")
    value = json.loads(turn["value"])
    turn["value"] = json.dumps({**value, "arguments": dict.fromkeys(value["arguments"], "x")})


def changed_result(files: Files) -> None:
    next(_messages(files, "tool"))["content"] = "{}"


def changed_observation(files: Files) -> None:
    next(t for t in files["sharegpt"][VICTIM]["conversations"] if t["from"] == "observation")["value"] = "{}"


def changed_words(files: Files) -> None:
    next(_messages(files, "user"))["content"] += "!"


def changed_loss(files: Files) -> None:
    next(_messages(files, "assistant"))["train"] ^= True


def changed_weight(files: Files) -> None:
    next(_messages(files, "assistant", "openai"))["weight"] ^= 1


def changed_system_prompt(files: Files) -> None:
    files["sharegpt"][VICTIM]["system"] = "You are helpful."


def changed_tools(files: Files) -> None:
    files["openai"][VICTIM]["tools"] = files["openai"][VICTIM]["tools"][1:]


def changed_split(files: Files) -> None:
    files["trl"][VICTIM]["split"] = "test"


def a_message_gone(files: Files) -> None:
    del files["trl"][VICTIM]["messages"][-1]


def a_row_that_is_no_object(files: Files) -> None:
    files["trl"][VICTIM] = [1]  # type: ignore[call-overload]


def a_call_that_is_a_list(files: Files) -> None:
    turns = files["sharegpt"][VICTIM]["conversations"]
    next(turn for turn in turns if turn["from"] == "function_call")["value"] = "[]"


def changed_output(files: Files) -> None:
    files["proofs"][VICTIM]["task"]["outputs"] = ["98765"]


def rewritten_instruction(files: Files) -> None:
    files["proofs"][VICTIM]["task"]["instruction"] += " You are in no hurry."


def emptied_task(files: Files) -> None:
    files["proofs"][VICTIM]["task"] |= {"actions": [], "outputs": []}


def changed_groundtruth(files: Files) -> None:
    files["proofs"][VICTIM]["task"]["actions"] = [
        {"name": "cancel_order", "arguments": {"order_id": "#R0", "cancel_reason": "no longer needed"}}
    ]


def changed_before_of_a_delta(files: Files) -> None:
    files["proofs"][VICTIM]["delta"] = [{"table": "orders", "id": "x", "before": {"order_id": "invented"}}]


def changed_state(files: Files) -> None:
    files["proofs"][VICTIM]["state"] = "0" * 64


def other_fingerprint(files: Files) -> None:
    files["proofs"][VICTIM]["domain_fingerprint"] = "0" * 16


def unknown_domain(files: Files) -> None:
    files["proofs"][VICTIM]["task"]["domain"] = "nowhere"


def changed_result_in_the_proof(files: Files) -> None:
    messages = files["proofs"][VICTIM]["messages"]
    next(m for m in messages if m["role"] == "tool")["content"] = "{}"


def a_result_gone_from_the_proof(files: Files) -> None:
    messages = files["proofs"][VICTIM]["messages"]
    messages.remove(next(m for m in messages if m["role"] == "tool"))


def another_user_of_the_row(files: Files) -> None:
    files["proofs"][VICTIM]["about"]["user"] = "somebody"


TAMPERINGS = [
    changed_argument, changed_argument_in_openai, changed_argument_in_sharegpt, changed_result, changed_observation,
    changed_words, changed_loss, changed_weight, changed_system_prompt, changed_tools, changed_split, a_message_gone,
    a_row_that_is_no_object, a_call_that_is_a_list, changed_output, rewritten_instruction, emptied_task,
    changed_groundtruth, changed_before_of_a_delta, changed_state, other_fingerprint, unknown_domain,
    changed_result_in_the_proof, a_result_gone_from_the_proof, another_user_of_the_row,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_whoever_changes_a_row_is_found_out_and_the_row_is_named(
    run: Path, tamper: Callable[[Files], None], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("trl", "openai", "sharegpt", "proofs")
    files = {name: rows(run, name) for name in names}
    victim = files["proofs"][VICTIM]["about"]["id"]
    tamper(files)
    for name, changed in files.items():
        save(run, name, changed)
    report = verify_dataset(run)
    assert {row for row, _ in report.failures} == {victim}
    assert all(reason for _, reason in report.failures)
    assert main(["verify", str(run)]) == 1
    printed = capsys.readouterr().out
    assert victim in printed
    assert f"{len(files['proofs']) - 1} hold, 1 do not" in printed


@pytest.mark.parametrize("name", EXAMPLES)
def test_whoever_changes_an_example_in_either_file_is_found_out(run: Path, name: str) -> None:
    folder = run / "dataset" / name
    table = pq.read_table(folder / "train.parquet")
    columns = [c for c in CONFIGS[name].own if table[c][0].as_py() != table[c][1].as_py()]
    column, rest = columns[0], range(1, len(table))
    tampered = table.set_column(table.column_names.index(column), table.field(column), table[column].take([1, *rest]))
    pq.write_table(tampered, folder / "train.parquet", row_group_size=256)
    told = [reason for _, reason in verify_dataset(run).failures]
    assert told == [f"the {name} row in Parquet is not the one that was proven"]
    lines = rows(run, name)
    lines[0][column] = lines[1][column]
    save(run, name, lines)
    assert len(verify_dataset(run).failures) == 2


@pytest.mark.parametrize("name", ["trl", "per_reply", "rl", "proofs"])
@pytest.mark.parametrize("place", [0, VICTIM, -1])
def test_a_row_deleted_in_one_file_is_missed(run: Path, name: str, place: int) -> None:
    changed = rows(run, name)
    gone = changed.pop(place)
    save(run, name, changed)
    report = verify_dataset(run)
    assert not report.holds
    told = "\n".join(report.lines())
    if name == "proofs":  # what is not proven has no place in the files
        assert "is not the one that was proven" in told or "more" in told or "in its place" in told
    else:
        assert "rows are missing" in told
        assert (gone["task_id"] if name == "rl" else gone["id"].partition("/")[0]) in told


def test_a_split_that_nobody_proved_is_told(run: Path) -> None:
    (run / "dataset" / "trl" / "test.jsonl").write_text("{}\n")
    assert verify_dataset(run).failures == [("trl/test", "a split that no proven row is in")]


@pytest.mark.parametrize("left", [1, 0])
def test_rows_removed_everywhere_are_missed_when_the_manifest_promises_them(run: Path, left: int) -> None:
    count = len(rows(run, "proofs"))
    # as `apigen-nb run` writes it
    manifest = {"parameters": {"domain": "retail"}, "stages": {"4_dataset": {"rows": count}}}
    (run / "run.json").write_text(json.dumps(manifest))
    assert verify_dataset(run).holds
    for name in ("trl", "proofs"):
        save(run, name, rows(run, name)[: count - 1 if left else 0])
    report = verify_dataset(run)
    assert not report.holds
    assert f"promises {count} rows" in "\n".join(report.lines())
    assert main(["verify", str(run)]) == 1


@pytest.mark.parametrize("name", ["blueprints.jsonl", "trajectories.jsonl"])
def test_rows_removed_from_an_earlier_stage_are_missed(run: Path, name: str) -> None:
    proposals, trajectory = read_lines(Run(run).blueprints, Proposal), read_lines(Run(run).trajectories, Trajectory)
    accepted = sum(proposal.accepted for proposal in proposals)
    drawn = {"seeds": len(proposals), "recombined": 0, "accepted": accepted}
    stages = {"2_blueprints": drawn, "3_trajectories": {"trajectories": len(trajectory)}}
    parameters = {"domain": "retail", "attempts": len(trajectory) // accepted}
    (run / "run.json").write_text(json.dumps({"parameters": parameters, "stages": stages}))
    assert verify_dataset(run).holds
    lines = (run / name).read_bytes().splitlines(keepends=True)
    (run / name).write_bytes(b"".join(lines[:-1]))
    said = f"run.json promises {len(lines)} rows of {name}, there are {len(lines) - 1}"
    assert ("files", said) in verify_dataset(run).failures
    assert main(["verify", str(run)]) == 1


@pytest.mark.parametrize(
    "name", ["trl/train.jsonl", "openai/train.parquet", "proofs.jsonl", "rejected.jsonl", "dataset.json"]
)
def test_a_file_that_is_gone_is_named(run: Path, name: str) -> None:
    (run / "dataset" / name).unlink()
    report = verify_dataset(run)
    assert not report.holds
    assert name in "\n".join(report.lines())


@pytest.mark.parametrize("name", ["trl/train.jsonl", "openai/train.parquet", "proofs.jsonl", "rejected.jsonl"])
@pytest.mark.parametrize("tail", [b'{"half": ', b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_a_damaged_file_is_told_and_never_raises_a_traceback(
    run: Path, name: str, tail: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "dataset" / name
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + tail)
    assert main(["verify", str(run)]) == 1
    told = capsys.readouterr()
    assert (told.out + told.err).strip()


def test_a_conversation_that_passes_cannot_be_held_to_have_failed(run: Path) -> None:
    files = {name: rows(run, name) for name in ("proofs", "rejected")}
    rejected = files["rejected"][0]
    passed = next(p for p in files["proofs"] if p["about"]["task_id"] == rejected["about"]["task_id"])
    files["rejected"][0] = passed | {"about": rejected["about"]}
    save(run, "rejected", files["rejected"])
    told = [reason for _, reason in verify_dataset(run).failures]
    assert "a conversation that is held to have failed passes every check" in told


# --- rows of other agents and domains

BROKEN = ToolCall(id="x", name="renew_loan", arguments=None, raw='{"loan_id": "L1", ')
ODD = {
    "several calls in one message": [does(call("get_loan", loan_id="L1"), RENEW)],
    "words beside calls": [does(RENEW, text="One moment.")],
    "a call that is no JSON": [does(BROKEN), does(RENEW)],
    "a call that is no JSON beside a good one": [does(BROKEN, RENEW)],
    "a call that is a list": [does(ToolCall(id="x", name="renew_loan", arguments=None, raw="[1]")), does(RENEW)],
    "a refused call": [does(call("burn_book", x=1)), does(RENEW)],
    "a hand-over": [does(RENEW), does(call("hand_over", summary="x")), Answer(text="Bye.")],
    "line separators": [does(RENEW), Answer(text="Done.\u2028Really.\u2029\x85\x0b\x0c\x1c\r\n\x00")],
    "a lone surrogate": [does(RENEW), Answer(text="Done \ud83d.")],
    "a lone surrogate in arguments": [does(call("renew_loan", loan_id="\ud83d")), does(RENEW)],
    "line separators in arguments": [does(call("get_loan", loan_id="L\u2028\x851"), RENEW)],
    "markup": [does(RENEW), Answer(text="</script> ```json\n{}\n``` [x](y)")],
}


@pytest.mark.parametrize("turns", ODD.values(), ids=ODD)
async def test_what_an_agent_wrote_is_exported_so_that_it_can_be_proven(
    here: Domain, tmp_path: Path, turns: list[Answer]
) -> None:
    folder = await export(here, tmp_path / "run", *turns)
    report = verify_dataset(folder)
    assert report.holds, report.lines()
    (row,) = rows(folder, "trl")
    assert all(isinstance(called["arguments"], dict) for called in calls_of(row["messages"]))
    assert row["messages"][-1]["role"] == "assistant"
    (row,) = rows(folder, "sharegpt")
    assert row["conversations"][-1]["from"] == "gpt"
    assert len((folder / "dataset" / "trl" / "train.jsonl").read_bytes().split(b"\n")) == 2


async def test_a_row_of_a_folder_domain_is_proven_from_anywhere(
    library: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run.json` names the folder; the proofs alone only know its last part."""
    folder = write_library(tmp_path / "domains" / "library", easy=True)
    run = await export(Domain.load(str(folder)), tmp_path / "outputs" / "run", does(RENEW))
    Run(run).claim(domain=str(folder))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    report = verify_dataset(run)
    assert report.holds, report.lines()


def test_a_changed_domain_is_told(here: Domain, tmp_path: Path) -> None:
    run = asyncio.run(export(here, tmp_path / "run", does(RENEW)))
    changed = json.loads((tmp_path / "library" / "data" / "loans.json").read_text())
    changed["L2"]["fee"] = 99
    (tmp_path / "library" / "data" / "loans.json").write_text(json.dumps(changed))
    code = f"from apigen_nb.__main__ import main; raise SystemExit(main(['verify', {str(run)!r}]))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "made on another version" in ended.stdout


def test_a_run_without_successes_makes_an_empty_dataset_that_holds(tmp_path: Path) -> None:
    run = Run.open(tmp_path)
    write_whole(run.blueprints, [])
    write_whole(run.trajectories, [])
    assert build_dataset(run, Domain.load("retail"), {"agent": LABEL}).rows == 0
    report = verify_dataset(tmp_path)
    assert (report.rows, report.failures) == (0, [])
