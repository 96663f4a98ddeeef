"""The dataset of a small run: both formats load, every row is proven, and whoever changes one is found out."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.blueprints.gates import GATES, Committee, choose_gates
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.dataset.export import Proof, Summary, build_dataset, distinct
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.models import Answer, Question
from apigen_nb.models.roles import Roles
from apigen_nb.models.scripted import LABEL
from apigen_nb.records import Attempt, Blueprint, Message, Proposal, ToolCall, Trajectory, Verdict, sha
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.storage.jsonl import write_whole
from apigen_nb.trajectories.converse import converse, converse_all
from apigen_nb.world.domain import Domain, _load
from tests.library import RENEW, call, task, write_library
from tests.players import KEPT, Means, Reader

STOP = "###STOP###"
Rows = list[dict[str, Any]]
retail = Domain.load("retail")


def rows(run: Path, name: str) -> Rows:
    # not splitlines: U+2028 and others stand unescaped in a line of JSON
    return [json.loads(line) for line in (run / "dataset" / name).read_text("utf-8").split("\n") if line]


def save(run: Path, name: str, changed: Rows) -> None:
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in changed)
    (run / "dataset" / name).write_text("".join(lines), "utf-8")


async def _small_run(folder: Path) -> Summary:
    run, models = Run.open(folder), Roles(retail, random_seed=3)
    gates = choose_gates([*GATES, "committee"], Committee(models.judges()))
    proposals = await propose_all(retail, models, gates, run, count=32, random_seed=3)
    await converse_all(retail, models, run, [p.blueprint for p in proposals if p.accepted])
    return build_dataset(run, retail, models.names)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    folder = tmp_path_factory.mktemp("made")
    return folder, asyncio.run(_small_run(folder))


@pytest.fixture
def run(made: tuple[Path, Summary], tmp_path: Path) -> Path:
    """A copy to tamper with."""
    shutil.copytree(made[0], tmp_path / "run")
    return tmp_path / "run"


# --- what is in it


def test_counts_add_up(made: tuple[Path, Summary]) -> None:
    folder, summary = made
    proposals, trajectories = (
        read_lines(Run(folder).blueprints, Proposal),
        read_lines(Run(folder).trajectories, Trajectory),
    )
    assert summary.rows == len(rows(folder, "chat.jsonl")) == len(rows(folder, "sharegpt.jsonl"))
    duplicates, verified = summary.counts["left out as duplicates"], summary.counts["verified conversations"]
    assert summary.rows + duplicates == verified == sum(trajectory.success for trajectory in trajectories)
    assert verified < summary.counts["conversations"] == len(trajectories)
    assert summary.counts["accepted blueprints"] == sum(proposal.accepted for proposal in proposals)
    assert summary.rows >= 10


def test_rows_are_the_distinct_successes_in_the_order_of_ids(made: tuple[Path, Summary]) -> None:
    folder, _ = made
    trajectories = {trajectory.id: trajectory for trajectory in read_lines(Run(folder).trajectories, Trajectory)}
    ids = [proof["id"] for proof in rows(folder, "proofs.jsonl")]
    assert ids == sorted(ids)
    assert all(trajectories[id].success for id in ids)
    contents = [(trajectories[id].blueprint, trajectories[id].content) for id in ids]
    assert len(set(contents)) == len(contents)
    assert set(contents) == {(t.blueprint, t.content) for t in trajectories.values() if t.success}


def test_distinct_keeps_the_first_and_ignores_ids_of_calls() -> None:
    def attempted(attempt: int, said: str = "Done.", passed: bool = True, blueprint: str = "b") -> Trajectory:
        called = ToolCall(id=f"call_{attempt}", name="renew_loan", arguments=RENEW.arguments)
        verdicts = (Verdict(gate="state", passed=passed),)
        messages = (Message(role="assistant", content=said, tool_calls=(called,)),)
        return Trajectory(
            id=f"{blueprint}.t{attempt}",
            blueprint=blueprint,
            attempt=attempt,
            messages=messages,
            ended="stop",
            verdicts=verdicts,
        )

    kept, doubles = distinct(
        [
            attempted(3),
            attempted(1),
            attempted(2, "Ready."),
            attempted(4, "So.", passed=False),
            attempted(1, blueprint="c"),
        ]
    )
    assert ([one.id for one in kept], doubles) == (["b.t1", "b.t2", "c.t1"], 1)
    marked = [attempted(5, "<think>so</think>Done."), attempted(6, "Done.<|im_end|>"), attempted(7, "`</s>`")]
    assert distinct(marked) == ([], 0), "a row of an older run may show marks that nobody looked for"
    kept, _ = distinct(attempted(attempt, f"{attempt}") for attempt in (10, 2, 1))
    assert [one.attempt for one in kept] == [1, 2, 10]


def test_calls_have_ids_that_every_template_takes(made: tuple[Path, Summary]) -> None:
    for row in rows(made[0], "chat.jsonl"):
        called = [call["id"] for m in row["messages"] for call in m.get("tool_calls", ())]
        assert all(re.fullmatch(r"[a-zA-Z0-9]{9}", id) for id in called)
        assert [m["tool_call_id"] for m in row["messages"] if m["role"] == "tool"] == called
        assert len(set(called)) == len(called)


def test_no_row_ends_on_the_result_of_a_tool_or_on_a_call(made: tuple[Path, Summary]) -> None:
    for row in rows(made[0], "chat.jsonl"):
        assert row["messages"][0]["role"] == "system"
        assert row["messages"][-1]["role"] == "assistant"
        assert not row["messages"][-1].get("tool_calls")
    for row in rows(made[0], "sharegpt.jsonl"):
        assert row["conversations"][0]["from"] == "human"
        assert row["conversations"][-1]["from"] == "gpt"


def test_no_row_shows_how_the_simulated_user_ends_a_conversation(made: tuple[Path, Summary]) -> None:
    assert STOP not in (made[0] / "dataset" / "chat.jsonl").read_text()
    assert STOP not in (made[0] / "dataset" / "sharegpt.jsonl").read_text()


def test_every_call_has_its_result_right_after_it(made: tuple[Path, Summary]) -> None:
    for row in rows(made[0], "chat.jsonl"):
        open_: list[str] = []
        for message in row["messages"]:
            if message["role"] == "tool":
                assert message["tool_call_id"] == open_.pop(0)
            else:
                assert not open_
                open_ = [called["id"] for called in message.get("tool_calls", ())]
        assert not open_
    for row in rows(made[0], "sharegpt.jsonl"):
        turns = [turn["from"] for turn in row["conversations"]]
        after = [turns[n + 1] for n, turn in enumerate(turns[:-1]) if turn == "function_call"]
        assert set(after) <= {"observation"}
        assert turns.count("observation") == turns.count("function_call") == len(after)


def test_arguments_are_objects_and_tools_are_those_of_the_domain(made: tuple[Path, Summary]) -> None:
    called = 0
    played = [Blueprint.model_validate(proof["task"]) for proof in rows(made[0], "proofs.jsonl")]
    assert {"missing tool", "plain"} <= {one.kind for one in played}
    for row, one in zip(rows(made[0], "sharegpt.jsonl"), played, strict=True):
        for turn in row["conversations"]:
            assert set(turn) == {"from", "value"}
            if turn["from"] == "function_call":
                value = json.loads(turn["value"])
                assert set(value) == {"name", "arguments"}
                assert isinstance(value["arguments"], dict)
                called += 1
        gone = {wish.name for wish in one.denied} if one.kind == "missing tool" else set()
        assert [tool["name"] for tool in json.loads(row["tools"])] == [
            name for name in retail.tools if name not in gone
        ]
        assert retail.policy.strip() in row["system"]
    assert called
    for row, one in zip(rows(made[0], "chat.jsonl"), played, strict=True):
        gone = {wish.name for wish in one.denied} if one.kind == "missing tool" else set()
        assert row["tools"] == [schema for schema in retail.schemas if schema["function"]["name"] not in gone]
        assert set(row) == {"messages", "tools"}


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()

    def load(path: Path) -> Any:
        cache = str(tmp_path / "cache")
        return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=cache)

    return load


def test_both_formats_load_with_datasets(made: tuple[Path, Summary], offline: Callable[[Path], Any]) -> None:
    folder, summary = made
    chat, shared = (offline(folder / "dataset" / name) for name in ("chat.jsonl", "sharegpt.jsonl"))
    assert len(chat) == len(shared) == summary.rows
    assert chat.column_names == ["messages", "tools"]
    assert set(shared.column_names) == {"conversations", "system", "tools"}
    first = rows(folder, "chat.jsonl")[0]["messages"]
    assert [m["content"] for m in chat[0]["messages"]] == [m["content"] for m in first]
    calls = [c["function"] for m in chat[0]["messages"] for c in m.get("tool_calls") or ()]
    assert calls == [c["function"] for m in first for c in m.get("tool_calls", ())]
    assert calls
    # a reader must not be handed each tool with the parameters of all others
    assert chat[0]["tools"] == rows(folder, "chat.jsonl")[0]["tools"]
    assert shared[0]["conversations"] == rows(folder, "sharegpt.jsonl")[0]["conversations"]


def test_the_card_says_what_is_in_it_and_what_made_it(made: tuple[Path, Summary]) -> None:
    folder, summary = made
    text = (folder / "dataset" / "README.md").read_text()
    assert f"Made by the {LABEL}" in text
    assert f"| rows | {summary.rows} |" in text
    assert f"| agent | {LABEL} |" in text
    assert retail.fingerprint in text
    assert f"| left out as duplicates | {summary.counts['left out as duplicates']} |" in text
    assert all(proof["models"]["agent"] == LABEL for proof in rows(folder, "proofs.jsonl"))


def test_a_card_of_another_model_is_not_labelled_scripted(run: Path) -> None:
    build_dataset(Run(run), retail, {"agent": "some-model"})
    text = (run / "dataset" / "README.md").read_text()
    assert LABEL not in text
    assert "| agent | some-model |" in text


def test_building_again_gives_the_same_bytes(run: Path) -> None:
    before = {path.name: path.read_bytes() for path in (run / "dataset").iterdir()}
    shutil.rmtree(run / "dataset")
    build_dataset(Run(run), retail, Roles(retail).names)
    assert {path.name: path.read_bytes() for path in (run / "dataset").iterdir()} == before
    assert set(before) == {"chat.jsonl", "sharegpt.jsonl", "proofs.jsonl", "README.md"}


# --- verify


def test_all_rows_hold(made: tuple[Path, Summary], capsys: pytest.CaptureFixture[str]) -> None:
    folder, summary = made
    for home in (folder, folder / "dataset"):
        report = verify_dataset(home)
        assert report.holds
        assert report.rows == summary.rows
        assert report.calls == sum(
            len(m.get("tool_calls", ())) for r in rows(folder, "chat.jsonl") for m in r["messages"]
        )
    assert main(["verify", str(folder)]) == 0
    assert f"{summary.rows} hold, 0 do not" in capsys.readouterr().out


VICTIM = 3


def _messages(chat: Rows, role: str) -> Iterator[dict[str, Any]]:
    return (message for message in chat[VICTIM]["messages"] if message["role"] == role)


def changed_argument(chat: Rows, shared: Rows, proofs: Rows) -> None:
    called = next(m for m in _messages(chat, "assistant") if "tool_calls" in m)["tool_calls"][0]["function"]
    arguments = json.loads(called["arguments"])
    called["arguments"] = json.dumps({name: f"{value}9" for name, value in arguments.items()})


def changed_argument_in_sharegpt(chat: Rows, shared: Rows, proofs: Rows) -> None:
    turn = next(turn for turn in shared[VICTIM]["conversations"] if turn["from"] == "function_call")
    value = json.loads(turn["value"])
    turn["value"] = json.dumps({**value, "arguments": dict.fromkeys(value["arguments"], "x")})


def changed_result(chat: Rows, shared: Rows, proofs: Rows) -> None:
    next(_messages(chat, "tool"))["content"] = "{}"


def changed_observation(chat: Rows, shared: Rows, proofs: Rows) -> None:
    next(turn for turn in shared[VICTIM]["conversations"] if turn["from"] == "observation")["value"] = "{}"


def changed_words(chat: Rows, shared: Rows, proofs: Rows) -> None:
    next(_messages(chat, "user"))["content"] += "!"


def changed_system_prompt(chat: Rows, shared: Rows, proofs: Rows) -> None:
    shared[VICTIM]["system"] = "You are helpful."


def changed_tools(chat: Rows, shared: Rows, proofs: Rows) -> None:
    chat[VICTIM]["tools"] = chat[VICTIM]["tools"][1:]


def a_message_gone(chat: Rows, shared: Rows, proofs: Rows) -> None:
    del chat[VICTIM]["messages"][-1]


def a_row_that_is_no_object(chat: Rows, shared: Rows, proofs: Rows) -> None:
    chat[VICTIM] = [1]  # type: ignore[call-overload]


def a_row_of_strings(chat: Rows, shared: Rows, proofs: Rows) -> None:
    chat[VICTIM] = {"messages": ["x"], "tools": []}


def a_row_with_odd_calls(chat: Rows, shared: Rows, proofs: Rows) -> None:
    next(m for m in _messages(chat, "assistant") if "tool_calls" in m)["tool_calls"] = ["get_order"]


def a_turn_that_is_a_string(chat: Rows, shared: Rows, proofs: Rows) -> None:
    shared[VICTIM]["conversations"][0] = "hello"


def a_call_that_is_a_list(chat: Rows, shared: Rows, proofs: Rows) -> None:
    next(turn for turn in shared[VICTIM]["conversations"] if turn["from"] == "function_call")["value"] = "[]"


def changed_output(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["task"]["outputs"] = ["98765"]


def rewritten_instruction(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["task"]["instruction"] += " You are in no hurry."


def emptied_task(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["task"] |= {"actions": [], "outputs": []}


def changed_groundtruth(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["task"]["actions"] = [
        {"name": "cancel_order", "arguments": {"order_id": "#R0", "cancel_reason": "no longer needed"}}
    ]


def changed_delta(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proof = next(proof for proof in proofs[VICTIM:] if proof["delta"])
    proof["delta"][0]["after"] = None


def changed_before_of_a_delta(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proof = next(proof for proof in proofs[VICTIM:] if proof["delta"])
    proof["delta"][0]["before"] = {"order_id": "invented"}


def changed_state(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["state"] = "0" * 64


def other_fingerprint(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["domain_fingerprint"] = "0" * 16


def unknown_domain(chat: Rows, shared: Rows, proofs: Rows) -> None:
    proofs[VICTIM]["task"]["domain"] = "nowhere"


TAMPERINGS = [
    changed_argument,
    changed_argument_in_sharegpt,
    changed_result,
    changed_observation,
    changed_words,
    changed_system_prompt,
    changed_tools,
    a_message_gone,
    a_row_that_is_no_object,
    a_row_of_strings,
    a_row_with_odd_calls,
    a_turn_that_is_a_string,
    a_call_that_is_a_list,
    changed_output,
    rewritten_instruction,
    emptied_task,
    changed_groundtruth,
    changed_delta,
    changed_before_of_a_delta,
    changed_state,
    other_fingerprint,
    unknown_domain,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_whoever_changes_a_row_is_found_out_and_the_row_is_named(
    run: Path, tamper: Callable[[Rows, Rows, Rows], None], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("chat.jsonl", "sharegpt.jsonl", "proofs.jsonl")
    files = [rows(run, name) for name in names]
    before = json.dumps(files[2])
    tamper(*files)
    for name, changed in zip(names, files, strict=True):
        save(run, name, changed)
    victim = VICTIM
    if "delta" in tamper.__name__:
        was = json.loads(before)
        victim = next(n for n, proof in enumerate(files[2]) if proof != was[n])
    report = verify_dataset(run)
    assert {row for row, _ in report.failures} == {files[2][victim]["id"]}
    assert all(reason for _, reason in report.failures)
    assert main(["verify", str(run)]) == 1
    printed = capsys.readouterr().out
    assert files[2][victim]["id"] in printed
    assert f"{len(files[2]) - 1} hold, 1 do not" in printed


@pytest.mark.parametrize("name", ["chat.jsonl", "sharegpt.jsonl", "proofs.jsonl"])
@pytest.mark.parametrize("place", [0, VICTIM, -1])
def test_a_row_deleted_in_one_file_is_named(run: Path, name: str, place: int) -> None:
    proofs, changed = rows(run, "proofs.jsonl"), rows(run, name)
    del changed[place]
    save(run, name, changed)
    report = verify_dataset(run)
    assert not report.holds
    if name != "proofs.jsonl":  # without its proof a row has no id
        assert proofs[place]["id"] in {row for row, _ in report.failures}
    assert "differ in length" in "\n".join(report.lines())


@pytest.mark.parametrize("left", [1, 0])
def test_rows_removed_everywhere_are_missed_when_the_manifest_promises_them(run: Path, left: int) -> None:
    count = len(rows(run, "proofs.jsonl"))
    # as `apigen-nb run` writes it
    manifest = {"parameters": {"domain": "retail"}, "stages": {"4_dataset": {"rows": count}}}
    (run / "run.json").write_text(json.dumps(manifest))
    assert verify_dataset(run).holds
    for name in ("chat.jsonl", "sharegpt.jsonl", "proofs.jsonl"):
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


@pytest.mark.parametrize("name", ["chat.jsonl", "sharegpt.jsonl", "proofs.jsonl"])
def test_a_file_that_is_gone_is_named(run: Path, name: str) -> None:
    (run / "dataset" / name).unlink()
    report = verify_dataset(run)
    assert not report.holds
    assert name in "\n".join(report.lines())


@pytest.mark.parametrize("name", ["chat.jsonl", "sharegpt.jsonl", "proofs.jsonl"])
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


# --- rows of other agents and domains


async def export(
    domain: Domain, folder: Path, *turns: Answer, about: Blueprint | None = None, means: Means = KEPT
) -> Path:
    """A run of one conversation, in which judges read `means`, read back from its files as a later stage does."""
    about = task(RENEW) if about is None else about
    about = about.model_copy(update={"domain": domain.name})
    left = list(turns)

    async def agent(question: Question) -> Answer:
        return left.pop(0) if left else Answer(text="Done.")

    async def user(question: Question) -> Answer:
        # rows end with the agent: what is read must hold without these last words
        return Answer(text=f"Thanks! {STOP}" if len(question.messages) > 1 else "Please renew Salt Roads, I travel.")

    trajectory = await converse(about, domain, agent=agent, user=user, judges=[Reader(means)] * 3)
    assert trajectory.success, trajectory.verdicts
    attempt = Attempt(number=0, blueprint=about, verdicts=(Verdict(gate="format", passed=True),))
    proposal = Proposal(
        id=about.id,
        domain=domain.name,
        user="M1",
        walk=(),
        persona="calm",
        examples=(),
        attempts=(attempt,),
        accepted=True,
    )
    run = Run.open(folder)
    write_whole(run.blueprints, [proposal.line()])
    write_whole(run.trajectories, [trajectory.line()])
    build_dataset(run, domain, {"agent": "by hand"})
    return folder


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Every test has a library of its own under the same name."""
    _load.cache_clear()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Domain:
    """The library as a folder beside the run, which is how `verify` finds it."""
    write_library(tmp_path / "library", easy=True)
    monkeypatch.chdir(tmp_path)
    return Domain.load("library")


def does(*actions: Any, text: str = "") -> Answer:
    calls = (a if isinstance(a, ToolCall) else ToolCall(id="x", name=a.name, arguments=a.arguments) for a in actions)
    return Answer(text=text, tool_calls=tuple(calls))


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
    here: Domain, tmp_path: Path, turns: list[Answer], offline: Callable[[Path], Any]
) -> None:
    folder = await export(here, tmp_path / "run", *turns)
    report = verify_dataset(folder)
    assert report.holds, report.lines()
    for row in rows(folder, "sharegpt.jsonl"):
        values = [json.loads(turn["value"]) for turn in row["conversations"] if turn["from"] == "function_call"]
        assert all(isinstance(value["arguments"], dict) for value in values)
        assert row["conversations"][-1]["from"] == "gpt"
    assert rows(folder, "chat.jsonl")[0]["messages"][-1]["role"] == "assistant"
    assert len((folder / "dataset" / "chat.jsonl").read_bytes().split(b"\n")) == 2


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


# --- what was meant is proven by what judges read

ROADS = task(RENEW, outputs=("Salt Roads",))
SAID: Means = {"output told": ("yes", "jenes Buch über Salz")}
READ = (does(RENEW), Answer(text="Es geht um jenes Buch über Salz und Straßen."))


@pytest.fixture
def read(here: Domain, tmp_path: Path) -> Path:
    """The dataset of one conversation that only readings prove; no other file of the run is beside it."""
    made = asyncio.run(export(here, tmp_path / "run", *READ, about=ROADS, means=SAID))
    return (made / "dataset").rename(tmp_path / "dataset")


def proof_of(dataset: Path) -> dict[str, Any]:
    (line,) = (dataset / "proofs.jsonl").read_text("utf-8").splitlines()
    return dict(json.loads(line))


def forge(dataset: Path, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What verify says once the proof was changed."""
    proof = proof_of(dataset)
    change(proof)
    (dataset / "proofs.jsonl").write_text(json.dumps(proof, ensure_ascii=False) + "\n", "utf-8")
    return [reason for _, reason in verify_dataset(dataset).failures]


def test_a_row_is_proven_with_the_readings_in_its_proof(read: Path) -> None:
    readings = proof_of(read)["readings"]
    assert {reading["id"].partition("/")[0] for reading in readings} == {"output told", "promise"}
    report = verify_dataset(read)
    assert (report.rows, report.failures) == (1, [])


def test_a_row_without_its_readings_is_undecided(read: Path) -> None:
    found = forge(read, lambda proof: proof.update(readings=[]))
    assert len(found) == 2
    assert all("check is undecided" in reason for reason in found)
    assert found[0].startswith("outputs")


def readings_of(kind: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change the readings of a kind, or with `opinion` what each judge said in them."""

    def change(proof: dict[str, Any]) -> None:
        for reading in (one for one in proof["readings"] if one["id"].startswith(kind)):
            opinion = changes.get("opinion", {})
            reading.update({key: value for key, value in changes.items() if key != "opinion"})
            reading["opinions"] = [said | opinion for said in reading["opinions"]]

    return change


def of_another_output(proof: dict[str, Any]) -> None:
    """The answer to one question put before another one of the same words."""
    proof["task"]["outputs"] = ["The Iron Orchard"]


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "a quotation that nobody said": readings_of("output", opinion={"quotation": "It is Salt Roads."}),
    "no quotation": readings_of("output", opinion={"quotation": ""}),
    "a quotation from another message": readings_of("output", opinion={"turn": 1}),
    "the user's words": readings_of("output", opinion={"turn": 0, "quotation": "Please renew Salt Roads"}),
    "a message that is not there": readings_of("output", opinion={"turn": 99}),
    "an answer that is none": readings_of("output", opinion={"answer": "surely"}),
    "another question": readings_of("output", claim="0" * 16),
    "another output": of_another_output,
    "no majority": readings_of("output", majority=0),
    "more judges than there were": readings_of("output", majority=3),
    "no opinions": readings_of("output", opinions=[]),
    "a reading under another name": readings_of("output", id="output told/7"),
    "abstentions": readings_of("promise", opinion={"answer": "", "error": "nonsense"}),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_reading_proves_nothing(read: Path, change: Callable[[dict[str, Any]], None]) -> None:
    found = forge(read, change)
    assert found
    assert all("check is undecided" in reason for reason in found)


def test_a_reading_that_says_no_is_no_proof(read: Path) -> None:
    (found,) = forge(read, readings_of("output", opinion={"answer": "no"}))
    assert found.startswith("outputs check: ")
    (found,) = forge(read, readings_of("output", opinion={"answer": "yes"})) or [""]
    assert found == "", "with the right answer it holds again"


def test_words_that_were_read_cannot_be_changed_afterwards(read: Path) -> None:
    """Even where the hash of the row was put right, too."""
    for name in ("chat", "sharegpt"):
        path = read / f"{name}.jsonl"
        path.write_text(path.read_text("utf-8").replace("jenes Buch", "dieses Buch"), "utf-8")
    row = {name: json.loads((read / f"{name}.jsonl").read_text("utf-8")) for name in ("chat", "sharegpt")}
    found = forge(read, lambda proof: proof.update({name: sha(value, 64) for name, value in row.items()}))
    assert [reason.partition(":")[0] for reason in found] == ["outputs check is undecided"]


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
    assert build_dataset(run, retail, {"agent": LABEL}).rows == 0
    report = verify_dataset(tmp_path)
    assert (report.rows, report.failures) == (0, [])
    assert Proof.model_fields.keys() >= {"id", "task", "delta", "domain_fingerprint"}
