"""What stands in the dataset of a small run: which conversations, in which configs, with what known of each."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from apigen_nb.dataset.configs import CONFIGS
from apigen_nb.dataset.export import Summary, build_dataset
from apigen_nb.dataset.groups import as_groups
from apigen_nb.dataset.rows import row_messages
from apigen_nb.dataset.selection import DUPLICATE, MARKS, choose
from apigen_nb.models.roles import Roles
from apigen_nb.models.scripted import LABEL
from apigen_nb.records import STOP, Blueprint, Message, Proposal, ToolCall, Trajectory, Verdict
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.world.domain import Domain
from tests.dataset_runs import ALL, EXAMPLES, Rows, calls_of, export, rows
from tests.library import RENEW, task

retail = Domain.load("retail")
CONVERSATIONS = ("trl", "openai", "sharegpt")
Made = tuple[Path, Summary]


def test_counts_add_up(made: Made) -> None:
    folder, summary = made
    proposals = read_lines(Run(folder).blueprints, Proposal)
    trajectories = read_lines(Run(folder).trajectories, Trajectory)
    assert {summary.rows} == {len(rows(folder, name)) for name in (*CONVERSATIONS, "proofs")}
    assert summary.examples == {name: {"train": len(rows(folder, name))} for name in EXAMPLES}
    left_out, verified = summary.counts["left out"], summary.counts["verified conversations"]
    assert left_out == sum(summary.left_out.values()) == len(rows(folder, "left_out"))
    assert summary.rows + left_out == verified == sum(trajectory.success for trajectory in trajectories)
    assert verified < summary.counts["conversations"] == len(trajectories)
    assert summary.counts["accepted blueprints"] == sum(proposal.accepted for proposal in proposals)
    assert summary.counts["seeds"] == sum(not p.parts for p in proposals) == 32
    assert summary.counts["recombined"] == sum(bool(p.parts) for p in proposals) > 0
    assert summary.rows >= 10


def test_rows_are_the_distinct_successes_in_the_order_of_ids(made: Made) -> None:
    folder, _ = made
    trajectories = {trajectory.id: trajectory for trajectory in read_lines(Run(folder).trajectories, Trajectory)}
    ids = [row["id"] for row in rows(folder, "trl")]
    assert ids == sorted(ids) == [proof["about"]["id"] for proof in rows(folder, "proofs")]
    assert all(trajectories[id].success for id in ids)
    contents = [(trajectories[id].blueprint, trajectories[id].content) for id in ids]
    assert len(set(contents)) == len(contents)
    assert set(contents) == {(t.blueprint, t.content) for t in trajectories.values() if t.success}
    for one in rows(folder, "left_out"):
        assert one["reason"] == DUPLICATE
        assert trajectories[one["id"]].content == trajectories[one["twin"]].content
        assert one["twin"] in ids


def attempted(attempt: int, said: str = "Done.", passed: bool = True) -> Trajectory:
    called = ToolCall(id=f"call_{attempt}", name="renew_loan", arguments=RENEW.arguments)
    messages = (Message(role="assistant", tool_calls=(called,)), Message(role="assistant", content=said))
    verdicts = (Verdict(gate="state", passed=passed),)
    return Trajectory(
        id=f"b.t{attempt}", blueprint="b", attempt=attempt, messages=messages, ended="stop", verdicts=verdicts
    )


def test_the_first_of_equal_conversations_is_kept_and_ids_of_calls_do_not_count() -> None:
    held = [attempted(3), attempted(1), attempted(2, "Ready."), attempted(4, "So.", passed=False)]
    kept, left_out = choose(held)
    assert [one.id for one in kept] == ["b.t1", "b.t2"]
    assert [(one.id, one.reason, one.twin) for one in left_out] == [("b.t3", DUPLICATE, "b.t1")]
    kept, _ = choose(attempted(attempt, f"{attempt}") for attempt in (10, 2, 1))
    assert [one.attempt for one in kept] == [1, 2, 10]


def test_a_row_of_an_older_run_may_show_marks_that_nobody_looked_for() -> None:
    marked = [attempted(5, "<think>so</think>Done."), attempted(6, "Done.<|im_end|>"), attempted(7, "`</s>`")]
    kept, left_out = choose(marked)
    assert kept == []
    assert [one.reason for one in left_out] == [MARKS] * 3


def conversation(*malformed_beside: str, text: str = "") -> tuple[Message, ...]:
    """A malformed call, perhaps beside good ones, and the agent's second try."""
    good = tuple(ToolCall(id=name, name=name, arguments={}) for name in malformed_beside)
    broken = ToolCall(id="bad", name="renew", arguments=None, raw="{")
    results = (
        Message(role="tool", content="Error", tool_call_id=call.id, error=call is broken) for call in (broken, *good)
    )
    first = Message(role="assistant", content=text, tool_calls=(broken, *good))
    again = ToolCall(id="again", name="renew", arguments={"loan_id": "L1"})
    return (
        Message(role="user", content="Renew it."),
        first,
        *results,
        Message(role="assistant", tool_calls=(again,)),
        Message(role="tool", content="ok", tool_call_id="again"),
        Message(role="assistant", content="Done."),
        Message(role="user", content=STOP),
    )


def test_malformed_calls_are_left_out_with_their_results() -> None:
    found = row_messages(conversation())
    assert [message.role for message in found] == ["user", "assistant", "tool", "assistant"]
    assert [call.id for message in found for call in message.tool_calls] == ["call00001"]
    beside = row_messages(conversation("good"))
    assert [[call.name for call in message.tool_calls] for message in beside] == [[], ["good"], [], ["renew"], [], []]
    assert [message.tool_call_id for message in beside if message.role == "tool"] == ["call00001", "call00002"]


def success(*messages: Message) -> Trajectory:
    verdicts = (Verdict(gate="state", passed=True),)
    return Trajectory(id="b.t1", blueprint="b", attempt=1, messages=messages, ended="stop", verdicts=verdicts)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (conversation(text="One moment."), "text beside a malformed call"),
        (conversation("good", text="One moment."), ""),
        ((Message(role="user", content=STOP),), "no reply to train on"),
        ((Message(role="assistant", content="\ud83d"),), "text that is no UTF-8"),
    ],
)
def test_what_no_format_can_hold_is_left_out_with_its_reason(messages: tuple[Message, ...], reason: str) -> None:
    kept, left_out = choose([success(*messages)])
    assert [one.reason for one in left_out] == ([reason] if reason else [])
    assert len(kept) == (not reason)


def test_loss_belongs_on_replies_that_no_tool_refused_and_no_check_marked(made: Made) -> None:
    folder, _ = made
    trajectories = {trajectory.id: trajectory for trajectory in read_lines(Run(folder).trajectories, Trajectory)}
    untrained = 0
    for row in rows(folder, "trl"):
        held = trajectories[row["id"]]
        findings = [finding for verdict in held.verdicts for finding in verdict.findings]
        marked = [m for m in (held.messages[finding.turn] for finding in findings) if m.role == "assistant"]
        exported = [m for m in marked if not m.tool_calls or any(call.arguments is not None for call in m.tool_calls)]
        errors = {
            m["tool_call_id"] for m in row["messages"] if m["role"] == "tool" and m["content"].startswith("Error")
        }
        off = [m for m in row["messages"] if m["role"] == "assistant" and not m["train"]]
        assert not any(m["train"] for m in row["messages"] if m["role"] != "assistant")
        if not marked and not errors:
            assert not off
        assert len(off) >= len({id(m) for m in exported})
        untrained += len(off)
    assert untrained


def test_what_is_known_of_a_row_stands_beside_it(made: Made) -> None:
    folder, _ = made
    tasks = {p.id: p.blueprint for p in read_lines(Run(folder).blueprints, Proposal) if p.accepted}
    groups = dict[str, str]()
    for row in rows(folder, "trl"):
        task = tasks[row["task_id"]]
        known = (task.user, task.domain, task.kind, task.behaviour)
        assert (row["user"], row["domain"], row["kind"], row["behaviour"]) == known
        assert row["models"]["agent"] == LABEL
        assert row["split"] == "train"
        assert 0 < row["tokens"]["trained"] <= row["tokens"]["conversation"]
        assert row["tokens"]["system"] > 1_000
        assert 0 < row["scores"]["pass_rate"] <= 1
        for shared in (task.user, task.id, *task.parts):
            assert groups.setdefault(shared, row["group_id"]) == row["group_id"]
    assert len(set(groups.values())) > 1


def test_calls_have_ids_that_every_template_takes(made: Made) -> None:
    for row in rows(made[0], "openai"):
        called = [call["id"] for m in row["messages"] for call in m.get("tool_calls", ())]
        assert all(re.fullmatch(r"[a-zA-Z0-9]{9}", id) for id in called)
        assert [m["tool_call_id"] for m in row["messages"] if m["role"] == "tool"] == called
        assert len(set(called)) == len(called)


def test_no_row_ends_on_the_result_of_a_tool_or_on_a_call(made: Made) -> None:
    for name in ("trl", "openai"):
        for row in rows(made[0], name):
            assert row["messages"][0]["role"] == "system"
            assert row["messages"][-1]["role"] == "assistant"
            assert not row["messages"][-1].get("tool_calls")
    for row in rows(made[0], "sharegpt"):
        assert row["conversations"][0]["from"] == "human"
        assert row["conversations"][-1]["from"] == "gpt"


def test_no_example_shows_how_the_simulated_user_ends_a_conversation(made: Made) -> None:
    for name in EXAMPLES:
        assert STOP not in (made[0] / "dataset" / name / "train.jsonl").read_text()


def test_every_call_has_its_result_right_after_it(made: Made) -> None:
    for row in rows(made[0], "trl"):
        open_: list[str] = []
        for message in row["messages"]:
            if message["role"] == "tool":
                assert message["tool_call_id"] == open_.pop(0)
            else:
                assert not open_
                open_ = [called["id"] for called in message.get("tool_calls", ())]
        assert not open_


def test_arguments_are_objects_or_their_text(made: Made) -> None:
    folder, _ = made
    for trl, openai, shared in zip(*(rows(folder, name) for name in CONVERSATIONS), strict=True):
        called = list(calls_of(trl["messages"]))
        assert called
        assert all(isinstance(call["arguments"], dict) for call in called)
        told = [{**call, "arguments": json.loads(call["arguments"])} for call in calls_of(openai["messages"])]
        values = [json.loads(turn["value"]) for turn in shared["conversations"] if turn["from"] == "function_call"]
        assert called == told == values


def test_tools_are_those_that_the_agent_had_in_their_order(made: Made) -> None:
    folder, _ = made
    played = [Blueprint.model_validate(proof["task"]) for proof in rows(folder, "proofs")]
    assert {"missing tool", "plain"} <= {one.kind for one in played}
    for trl, shared, one in zip(rows(folder, "trl"), rows(folder, "sharegpt"), played, strict=True):
        gone = {wish.name for wish in one.denied} if one.kind == "missing tool" else set()
        offered = [schema for schema in retail.schemas if schema["function"]["name"] not in gone]
        assert json.dumps(trl["tools"]) == json.dumps(offered)
        assert json.loads(shared["tools"]) == [schema["function"] for schema in offered]
        assert retail.policy.strip() in shared["system"] == trl["messages"][0]["content"]


def test_each_reply_with_loss_is_an_example_of_its_own(made: Made) -> None:
    replies = {
        f"{row['id']}/{turn}": (row["messages"][:turn], [message])
        for row in rows(made[0], "trl")
        for turn, message in enumerate(row["messages"])
        if message["train"]
    }
    assert {row["id"]: (row["prompt"], row["completion"]) for row in rows(made[0], "per_reply")} == replies


def test_a_pair_parts_at_a_reply_of_the_agent(made: Made) -> None:
    pairs = rows(made[0], "preference")
    failed = {proof["about"]["id"]: proof["about"]["cause"] for proof in rows(made[0], "rejected")}
    assert pairs
    for pair in pairs:
        chosen, rejected = pair["id"].split("/")
        assert chosen.partition(".t")[0] == rejected.partition(".t")[0] == pair["task_id"]
        assert pair["cause"] == failed[rejected] != ""
        assert pair["chosen"][0]["role"] == pair["rejected"][0]["role"] == "assistant"
        assert pair["chosen"][0] != pair["rejected"][0]
        assert [message["role"] for message in pair["prompt"][:2]] == ["system", "user"]


def test_a_query_is_answered_by_calls_with_known_parameters(made: Made) -> None:
    found = rows(made[0], "xlam")
    assert found
    for row in found:
        tools = {tool["name"]: tool["parameters"] for tool in json.loads(row["tools"])}
        for answer in json.loads(row["answers"]):
            assert answer["arguments"].keys() <= tools[answer["name"]].keys()


def test_a_task_to_be_played_starts_a_world_and_says_where_it_leads(made: Made) -> None:
    found = rows(made[0], "rl")
    assert {row["id"] for row in found} == {row["task_id"] for row in rows(made[0], "trl")}
    for row in found:
        start = json.loads(row["initial_state"])
        assert (start["domain"], start["version"]) == ("retail", retail.fingerprint)
        offered = [schema["function"]["name"] for schema in json.loads(row["tools"])]
        assert offered == [name for name in retail.tools if name not in start["removed"]]
        assert retail.world(frozenset(start["removed"]), start["failing"]).delta() == ()
        assert json.loads(row["end_state"]) or not json.loads(row["actions"])


def plain(value: Any) -> Any:
    """A value without what is null, as JSON lines have it."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if one is not None}
    return [plain(one) for one in value] if isinstance(value, list) else value


def decoded(example: dict[str, Any], name: str) -> dict[str, Any]:
    """An example of Parquet with its JSON read, where JSON lines hold no text."""
    found = dict(example)
    for column, type in CONFIGS[name].own.items():
        if "json" in str(type):
            found[column] = [json.loads(one) for one in example[column]]
        elif (name, column) == ("openai", "tools"):
            found[column] = json.loads(example[column])
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_parquet_holds_what_the_lines_hold(made: Made, name: str) -> None:
    table = pq.read_table(made[0] / "dataset" / name / "train.parquet")
    held = [decoded(example, name) for example in table.to_pylist()]
    lines = rows(made[0], name)
    assert lines
    objects = {column for column, type in CONFIGS[name].own.items() if "json" in str(type)}
    for found, line in zip(held, lines, strict=True):
        for column, value in line.items():
            same = found[column] == value if column in objects else plain(found[column]) == plain(value)
            assert same, column
        assert found.keys() == line.keys()


def head(folder: Path) -> dict[str, Any]:
    text = (folder / "dataset" / "README.md").read_text()
    return dict(yaml.safe_load(text.split("---\n")[1]))


def test_the_card_says_what_is_in_it_and_what_made_it(made: Made) -> None:
    folder, summary = made
    text = (folder / "dataset" / "README.md").read_text()
    assert f"Made by the {LABEL}" in text
    assert f"| rows | {summary.rows} |" in text
    assert f"| agent | {LABEL} |" in text
    assert "| seeds | 32 |" in text
    assert retail.fingerprint in text
    assert f"| left out: duplicate | {summary.left_out[DUPLICATE]} |" in text
    known = head(folder)
    assert "not-for-training" in known["tags"]
    assert [config["config_name"] for config in known["configs"]] == list(EXAMPLES)
    assert known["size_categories"] == ["n<1K"]


def test_a_card_of_another_model_is_not_labelled_scripted(run: Path) -> None:
    build_dataset(Run(run), retail, {"agent": "some-model"}, license="apache-2.0")
    text = (run / "dataset" / "README.md").read_text()
    assert LABEL not in text
    assert "| agent | some-model |" in text
    assert "not-for-training" not in head(run)["tags"]
    assert head(run)["license"] == "apache-2.0"
    assert {row["license"] for row in rows(run, "trl")} == {"apache-2.0"}


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_building_again_gives_the_same_bytes(run: Path) -> None:
    before = content(run / "dataset")
    shutil.rmtree(run / "dataset")
    build_dataset(Run(run), retail, Roles(retail).names, options=ALL)
    assert content(run / "dataset") == before
    assert set(before) >= {f"{name}/train{ending}" for name in EXAMPLES for ending in (".jsonl", ".parquet")}


def test_a_build_that_fails_leaves_the_earlier_dataset(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(run)

    def broken(*_: object) -> str:
        raise OSError("the disk is full")

    monkeypatch.setattr("apigen_nb.dataset.export.card", broken)
    with pytest.raises(OSError, match="disk"):
        build_dataset(Run(run), retail, {"agent": "some-model"})
    assert content(run).keys() - {".writing"} == before.keys() - {".writing"}
    assert {name: data for name, data in content(run).items() if name != ".writing"} == {
        name: data for name, data in before.items() if name != ".writing"
    }


async def test_text_beside_a_call_is_kept_in_every_format(here: Domain, tmp_path: Path) -> None:
    from tests.dataset_runs import does

    folder = await export(here, tmp_path / "run", does(RENEW, text="One moment."), about=task(RENEW))
    for name in CONVERSATIONS:
        (row,) = rows(folder, name)
        assert "One moment." in json.dumps(row)
    (row,) = rows(folder, "sharegpt")
    turns: Rows = row["conversations"]
    assert [turn["from"] for turn in turns] == ["human", "function_call", "observation", "gpt"]
    assert turns[1]["value"].startswith("One moment.\n<tool_call>\n{")


def test_tasks_of_one_user_or_with_a_part_in_common_are_one_group() -> None:
    def about(id: str, user: str, *parts: str) -> tuple[str, Blueprint]:
        return id, task(RENEW).model_copy(update={"id": id, "user": user, "parts": parts})

    tasks = dict(about(f"{n:02}", user) for n, user in enumerate("ABCDEFAF"))
    tasks |= dict([about("10", "G", "01", "02"), about("11", "H", "02", "gone"), about("12", "I", "gone")])
    groups = as_groups(tasks)
    found = {group: [id for id in tasks if groups[id] == group] for group in groups.values()}
    assert sorted(found.values()) == [["00", "06"], ["01", "02", "10", "11", "12"], ["03"], ["04"], ["05", "07"]]
    assert found.keys() == {"00", "01", "03", "04", "05"}
