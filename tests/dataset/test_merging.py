"""`apigen-nb dataset`: several runs become one dataset, split and proven together; what cannot be is one line."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.dataset.configs import CONFIGS
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.models import Answer
from apigen_nb.storage.journal import Run
from apigen_nb.storage.jsonl import write_whole
from apigen_nb.world.domain import Domain
from tests.dataset_runs import does, export, small_run
from tests.library import RENEW, write_library

EVERYTHING = "dataset={near_duplicates: null, splits: {train: 0.8, test: 0.2}}"


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").split("\n") if line]


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for path in sorted(folder.glob("trl/*.jsonl")) for row in lines(folder, f"trl/{path.name}")}


@pytest.fixture
def domains(run: Path, tmp_path: Path, here: Domain) -> list[Path]:
    """A run of retail, and two of a domain that is a folder: an agent of few words and one of many."""
    Run(run).claim(domain="retail")
    made = [run]
    for name, said in (("brief", "Done."), ("long", "It is renewed now, enjoy the rest of your journey and the book.")):
        made.append(asyncio.run(export(here, tmp_path / name, does(RENEW), Answer(text=said))))
        Run(made[-1]).claim(domain=str(tmp_path / "library"))
    return made


def test_runs_are_merged_split_and_proven_together(
    domains: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "all"
    assert main(["dataset", *map(str, domains), "--out", str(out), "-p", EVERYTHING]) == 0
    assert "rows of 3 runs (train " in capsys.readouterr().out
    found = rows(out)
    assert {id.partition(":")[0] for id in found} == {"run", "brief", "long"}
    assert {id.partition(":")[2] for id in found if id.startswith("run:")} == rows(domains[0] / "dataset").keys()
    assert {row["domain"] for row in found.values()} == {"retail", "library"}
    users = {(row["domain"], row["user"]): row["split"] for row in found.values()}
    assert all(users[row["domain"], row["user"]] == row["split"] for row in found.values())
    [brief], [long] = ([row for id, row in found.items() if id.startswith(name)] for name in ("brief:", "long:"))
    assert brief["group_id"] == long["group_id"]  # one user
    card = (out / "README.md").read_text()
    assert "# Verified conversations of retail, library\n" in card
    assert "| long | library | unknown | agent | " in card
    monkeypatch.chdir(out)
    assert main(["verify", "."]) == 0
    report = verify_dataset(out)
    assert (report.rows, report.failures) == (len(found), [])


def test_what_an_earlier_run_has_is_left_out(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, again := tmp_path / "again")
    out = tmp_path / "all"
    assert main(["dataset", str(run), str(again), "--out", str(out), "-p", EVERYTHING]) == 0
    first = rows(run / "dataset").keys()
    assert rows(out).keys() == {f"run:{id}" for id in first}
    gone = {one["id"]: one["twin"] for one in lines(out, "left_out.jsonl")}
    assert {f"again:{id}": f"run:{id}" for id in first}.items() <= gone.items()
    assert verify_dataset(out).holds


def test_the_same_runs_give_the_same_bytes(domains: list[Path], tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        assert main(["dataset", *map(str, domains), "--out", str(tmp_path / "all"), "-p", EVERYTHING]) == 0
        files = sorted(path for path in (tmp_path / "all").rglob("*") if path.is_file())
        made.append({path.relative_to(tmp_path): path.read_bytes() for path in files})
    assert made[0] == made[1]
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("*.old"))


def test_one_run_is_made_anew_in_its_folder(run: Path) -> None:
    Run(run).claim(domain="retail")
    Run(run).write_manifest(Run(run).read_manifest() | {"stages": {"4_dataset": {"rows": 3}}})
    before = rows(run / "dataset").keys()
    asked = ["-p", "dataset={splits: {train: 0.8, test: 0.2}, near_duplicates: null}", "-p", "license=mit"]
    assert main(["dataset", str(run), *asked]) == 0
    assert rows(run / "dataset").keys() == before
    assert {row["license"] for row in rows(run / "dataset").values()} == {"mit"}
    assert {row["split"] for row in rows(run / "dataset").values()} == {"train", "test"}
    assert Run(run).parameters()["dataset"] == {"splits": {"train": 0.8, "test": 0.2}, "near_duplicates": None}
    assert main(["verify", str(run)]) == 0  # and run.json promises as many rows as there are
    assert main(["dataset", str(run)]) == 0  # goes on with what was asked for
    assert {row["split"] for row in rows(run / "dataset").values()} == {"train", "test"}


def test_the_built_in_domains_are_concatenated(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    folders = [run / "dataset"]
    for name in ("airline", "banking"):
        asyncio.run(small_run(tmp_path / name, Domain.load(name), 4))
        folders.append(tmp_path / name / "dataset")
    for name in CONFIGS:
        cache = str(tmp_path / "cache")
        loaded = [datasets.load_dataset(str(folder), name, split="train", cache_dir=cache) for folder in folders]
        whole = datasets.concatenate_datasets(loaded)
        assert len(whole) == sum(map(len, loaded))
        assert set(whole["domain"]) >= {"retail"}


def _nothing_verified(run: Path) -> None:
    write_whole(Run(run).trajectories, [])


def _another_version(run: Path) -> None:
    Run(run).write_manifest(Run(run).read_manifest() | {"domain": {"name": "retail", "fingerprint": "0" * 16}})


def _no_conversations(run: Path) -> None:
    Run(run).trajectories.unlink()


BAD = [
    (
        lambda run: None,
        ["-p", "count=3"],
        "-p count changes nothing of what was made; a dataset takes dataset, license",
    ),
    (
        lambda run: None,
        ["-p", "dataset={splits: {tran: 1}}"],
        "splits: there is no 'tran'; did you mean train?",
    ),
    (lambda run: None, ["-p", "dataset={splits: {train: 0.5}}"], "expected shares that sum to 1, these sum to 0.5"),
    (
        lambda run: None,
        ["-p", "dataset={held_out_tools: [cancel_oder]}"],
        "no tool 'cancel_oder'; did you mean",
    ),
    (lambda run: None, ["-p", "dataset={splits: {train: 0.001, test: 0.999}}"], "no row is left for train"),
    (lambda run: None, ["-p", "tokenizer=nowhere"], "no tokenizer 'nowhere'"),
    (lambda run: None, ["--out", "full"], "full holds something else than a dataset and is left as it is"),
    (_nothing_verified, [], "has no verified conversation, and a dataset is made of those"),
    (_another_version, [], "were made on two versions of retail ("),
    (_no_conversations, [], "has no trajectories.jsonl yet; make it first"),
]


@pytest.mark.parametrize(("change", "options", "said"), BAD, ids=[said[:30] for *_, said in BAD])
def test_what_cannot_be_is_one_line_and_nothing_is_written(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Any,
    options: list[str],
    said: str,
) -> None:
    Run(run).claim(domain="retail")
    shutil.copytree(run, tmp_path / "other")
    change(tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    before = {path for path in tmp_path.rglob("*") if path.name != ".writing"}
    assert main(["dataset", "run", "other", *(options if "--out" in options else [*options, "--out", "all"])]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert {path for path in tmp_path.rglob("*") if path.name != ".writing"} == before


def test_where_it_goes_has_to_be_said(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", str(run), str(run)]) == 2
    assert main(["dataset", str(run), str(run), "--out", str(tmp_path / "all")]) == 2
    assert main(["dataset", str(run), "--out", str(run / "mine")]) == 2
    assert main(["dataset", str(tmp_path), "--out", str(tmp_path / "all")]) == 2
    told = capsys.readouterr().err.splitlines()
    for line, said in zip(told, ("give a folder", "a run is given twice", "or within one", "no run in"), strict=True):
        assert said in line
    assert not (tmp_path / "all").exists()


def test_a_folder_domain_that_moved_is_told(domains: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "all"
    assert main(["dataset", *map(str, domains[1:]), "--out", str(out), "-p", EVERYTHING]) == 0
    assert verify_dataset(out).holds
    shutil.rmtree(tmp_path / "library")
    assert not verify_dataset(out).holds
    write_library(tmp_path / "library", easy=True)
    assert verify_dataset(out).holds
