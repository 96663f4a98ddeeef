"""Splits: whole groups, the shares that were asked for as far as groups allow, what is held out, and nothing that
crosses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.__main__ import main
from apigen_nb.dataset.export import Summary, build_dataset
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.dataset.rows import About
from apigen_nb.dataset.selection import Selection
from apigen_nb.dataset.splits import SPLITS, SplitError, SplitLeak, split_rows, told
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.storage.journal import Run
from apigen_nb.world.domain import Domain
from tests.dataset_runs import EXAMPLES, calls_of

Made = tuple[Path, Summary]
retail = Domain.load("retail")
THREE = {"train": 0.7, "validation": 0.15, "test": 0.15}


def about(group: str, number: int, user: str = "") -> About:
    known = {"kind": "plain", "behaviour": "terse", "level": "easy", "models": {}, "domain": "retail"}
    ids = {"id": f"{group}.t{number}", "task_id": group, "group_id": group, "user": user or group}
    return About.model_validate(known | ids)


def selection(sizes: dict[str, int], **called: str) -> Selection:
    """Rows of groups of these sizes, a user each; `called` is group → tool that its first row calls."""
    found = Selection({})
    for group, size in sizes.items():
        for number in range(size):
            found.rows[f"{group}.t{number}"] = about(group, number)
            found.called[f"{group}.t{number}"] = frozenset({called[group]} if group in called and not number else ())
    return found


def split_of(found: Selection) -> dict[str, str]:
    """Group → split; a group of two has none."""
    splits = dict[str, set[str]]()
    for row in found.rows.values():
        splits.setdefault(row.group_id, set()).add(row.split)
    assert all(len(held) == 1 for held in splits.values())
    return {group: min(held) for group, held in splits.items()}


@given(
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 9), min_size=1, max_size=40),
    st.sampled_from([(1.0, 0.0, 0.0), (0.9, 0.0, 0.1), (0.8, 0.1, 0.1), (0.34, 0.33, 0.33)]),
)
def test_groups_stay_whole_and_shares_are_met_as_far_as_groups_allow(sizes: dict[str, int], shares: Any) -> None:
    options = DatasetOptions(splits=dict(zip(SPLITS, shares, strict=True)))
    found = selection(sizes)
    asked = split_rows(found, options)
    splits = split_of(found)
    rows = Counter(row.split for row in found.rows.values())
    assert rows == asked.rows
    assert asked.groups == Counter(splits.values())
    for name, share in zip(SPLITS, shares, strict=True):
        assert abs(rows[name] - share * len(found.rows)) <= 2 * max(sizes.values())
    again = selection(dict(reversed(sizes.items())))
    split_rows(again, options)
    assert split_of(again) == splits  # whatever the order of the rows


def test_many_small_groups_meet_the_shares() -> None:
    found = selection({f"g{number}": 1 + number % 4 for number in range(200)})
    asked = split_rows(found, DatasetOptions(splits=THREE))
    assert asked.off < 0.005
    assert not list(told(asked, DatasetOptions(splits=THREE)))


def test_one_huge_group_cannot_be_split_and_the_card_says_so() -> None:
    found = selection({"huge": 90, "a": 5, "b": 5})
    asked = split_rows(found, options := DatasetOptions(splits={"train": 0.5, "test": 0.5}))
    assert asked.rows == {"train": 90, "test": 10}
    [line] = told(asked, options)
    assert "by up to 40.0%" in line
    assert "the largest has 90 of 100 rows" in line


def test_train_is_never_left_without_rows() -> None:
    with pytest.raises(SplitError, match="no row is left for train: the 1 groups of the 9 rows"):
        split_rows(selection({"a": 9}), DatasetOptions(splits={"train": 0.2, "test": 0.8}))
    with pytest.raises(SplitError, match="hold out less"):
        split_rows(selection({"a": 9}, a="cancel_order"), DatasetOptions(held_out_tools=["cancel_order"]))


def test_whoever_calls_a_held_out_tool_goes_to_test_with_its_group() -> None:
    found = selection({"a": 3, "b": 2, "c": 4}, b="cancel_order")
    options = DatasetOptions(held_out_tools=["cancel_order"])
    asked = split_rows(found, options)
    assert split_of(found) == {"a": "train", "b": "test", "c": "train"}
    assert asked.held_out_rows == 2
    assert "took 2 rows to test" in list(told(asked, options))[-1]


@given(st.integers(0, 9))
def test_users_are_held_out_as_far_as_groups_allow(tenths: int) -> None:
    found = selection({f"g{number}": 1 + number % 3 for number in range(30)})
    asked = split_rows(found, DatasetOptions(held_out_users=tenths / 10))
    assert asked.held_out_users == (3 * tenths, 3 * tenths)
    assert asked.users["test"] == 3 * tenths
    crowd = selection({"one": 9})
    crowd.rows = {id: row.model_copy(update={"user": id}) for id, row in crowd.rows.items()}
    assert split_rows(crowd, DatasetOptions(held_out_users=0.5)).held_out_users == (0, 4)


# --- of a run


def lines(run: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "dataset" / name).read_text("utf-8").split("\n") if line]


def build(run: Path, **options: Any) -> Summary:
    return build_dataset(
        Run(run), retail, {"agent": "x"}, options=DatasetOptions(**{"near_duplicates": None, **options})
    )


def test_every_config_follows_and_all_is_proven(run: Path) -> None:
    before = lines(run, "proofs.jsonl")
    summary = build(run, splits=THREE)
    assert set(summary.examples["trl"]) == set(THREE)
    assert sum(summary.examples["trl"].values()) == summary.rows == len(before)
    users = dict[str, str]()
    split = {proof["about"]["task_id"]: proof["about"]["split"] for proof in lines(run, "proofs.jsonl")}
    for name in EXAMPLES:
        for path in (run / "dataset" / name).glob("*.jsonl"):
            for row in lines(run, f"{name}/{path.name}"):
                assert row["split"] == path.stem == split[row["task_id"]]
                assert users.setdefault(row["user"], path.stem) == path.stem
    assert verify_dataset(run).holds
    head = yaml.safe_load((run / "dataset" / "README.md").read_text().split("---\n")[1])
    files = {one["config_name"]: [part["split"] for part in one["data_files"]] for one in head["configs"]}
    assert files["trl"] == ["train", "validation", "test"]
    info = json.loads((run / "dataset" / "dataset_info.json").read_text())
    assert {one["file_name"] for one in info.values()} == {f"sharegpt/{name}.jsonl" for name in THREE}


def test_a_held_out_tool_is_called_in_test_only(run: Path) -> None:
    called = Counter(call["name"] for row in lines(run, "trl/train.jsonl") for call in calls_of(row["messages"]))
    tool = min(called, key=lambda name: (called[name], name))
    build(run, held_out_tools=[tool])
    assert tool not in {call["name"] for row in lines(run, "trl/train.jsonl") for call in calls_of(row["messages"])}
    assert tool in {call["name"] for row in lines(run, "trl/test.jsonl") for call in calls_of(row["messages"])}
    assert verify_dataset(run).holds
    origin = json.loads((run / "dataset" / "dataset.json").read_text())
    common = called.most_common(1)[0][0]
    origin["options"]["held_out_tools"] = [common]
    (run / "dataset" / "dataset.json").write_text(json.dumps(origin))
    told = {reason for _, reason in verify_dataset(run).failures}
    assert told == {f"{common}, which is held out, is called in the split train"}
    (run / "dataset" / "dataset.json").write_text("{")
    assert "does not say what the dataset was made of" in verify_dataset(run).failures[0][1]


def test_a_group_that_crosses_is_never_written(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (run / "dataset" / "README.md").read_text()
    monkeypatch.setattr("apigen_nb.dataset.choosing.as_groups", lambda tasks, alike: {id: id for id in tasks})
    with pytest.raises(SplitLeak, match="is in the splits"):
        build(run, splits={"train": 0.5, "test": 0.5})
    assert (run / "dataset" / "README.md").read_text() == before
    assert not (run / "dataset.part").exists()


def test_a_group_that_crosses_is_found_by_verify(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apigen_nb.dataset.choosing.as_groups", lambda tasks, alike: {id: id for id in tasks})
    monkeypatch.setattr("apigen_nb.dataset.export.Guard.crossing", lambda *_: "")
    build(run, splits={"train": 0.5, "test": 0.5})
    monkeypatch.undo()
    told = [reason for _, reason in verify_dataset(run).failures]
    assert told
    assert all("is in the splits" in reason for reason in told)
    assert main(["verify", str(run)]) == 1
