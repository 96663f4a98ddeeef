"""`load_dataset` on the folder: the oldest `datasets` that trainers pin and today's give the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.columns import has_json
from apigen_nb.dataset.configs import CONFIGS
from apigen_nb.dataset.export import Summary
from tests.dataset_runs import EXAMPLES, Rows, rows
from tests.trainers import DATASETS_4, needed

Made = tuple[Path, Summary]
PLAIN = [name for name in EXAMPLES if not has_json(CONFIGS[name].columns)]
OBJECTS = [name for name in EXAMPLES if name not in PLAIN]

LOAD = """
import json, sys
import datasets
from datasets import Features, Sequence, Value, load_dataset

datasets.disable_progress_bars()
folder, cache, plain, objects = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4].split(",")
told = {"version": datasets.__version__, "refused": {}}
for name in plain:
    told[name] = list(load_dataset(folder, name, split="train", cache_dir=cache))
for name in objects:
    try:
        load_dataset(folder, name, split="train", cache_dir=cache)
    except Exception as error:
        told["refused"][name] = str(error)
    known = load_dataset(folder, plain[0], split="train", cache_dir=cache).features
    import pyarrow.parquet as pq
    columns = pq.read_schema(f"{folder}/{name}/train.parquet").names
    objects = ("messages", "tools", "prompt", "completion", "chosen", "rejected")
    text = {c: Sequence(Value("string")) if c in objects else known.get(c, Value("string")) for c in columns}
    features = Features(text)
    told[name] = list(load_dataset(folder, name, split="train", cache_dir=cache, features=features))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """`load_dataset` of today, offline, with a cache of its own."""
    home = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(home))
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        return lambda *where, **how: datasets.load_dataset(*where, cache_dir=str(home / "cache"), **how)


def without_nulls(value: Any) -> Any:
    """A value less what is null: a struct has all keys, a JSON line those that it needs."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_folder_loads_by_config(made: Made, load: Callable[..., Any], name: str) -> None:
    found, lines = load(str(made[0] / "dataset"), name, split="train"), rows(made[0], name)
    assert found.column_names == list(CONFIGS[name].columns)
    assert len(found) == len(lines) == made[1].examples[name]["train"]
    for held, line in zip(found, lines, strict=True):
        for column in CONFIGS[name].own:
            if column == "tools" and name == "openai":
                assert json.loads(held[column]) == line[column]
            elif name in OBJECTS:
                assert held[column] == line[column], "to the key: nothing is padded with null"
            else:
                assert without_nulls(held[column]) == line[column]
        assert without_nulls(held["models"]) == line["models"]


def test_trl_is_what_is_loaded_where_no_config_is_named(made: Made, load: Callable[..., Any]) -> None:
    assert load(str(made[0] / "dataset"), split="train").column_names == list(CONFIGS["trl"].columns)


def test_a_config_or_split_that_is_not_there_is_said_in_a_line(made: Made, load: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="chat"):
        load(str(made[0] / "dataset"), "chat", split="train")
    with pytest.raises(ValueError, match="holdout"):
        load(str(made[0] / "dataset"), "trl", split="holdout")


@pytest.fixture(scope="module")
def older(made: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `datasets` 4.0 loads, in a process of its own."""
    home = tmp_path_factory.mktemp("older")
    settings = os.environ | {"PYTHONPATH": str(DATASETS_4), "HF_HUB_OFFLINE": "1", "HF_HOME": str(home)}
    command = [
        sys.executable,
        "-c",
        LOAD,
        str(made[0] / "dataset"),
        str(home / "cache"),
        ",".join(PLAIN),
        ",".join(OBJECTS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=settings)
    assert done.returncode == 0, done.stderr[-2_000:]
    return dict(json.loads(done.stdout))


@needed
@pytest.mark.parametrize("name", PLAIN)
def test_old_and_new_load_equal_rows(made: Made, load: Callable[..., Any], older: dict[str, Any], name: str) -> None:
    assert older["version"].startswith("4.0")
    assert older[name] == list(load(str(made[0] / "dataset"), name, split="train"))


@needed
@pytest.mark.parametrize("name", OBJECTS)
def test_objects_are_text_to_the_old_and_equal_when_read(
    made: Made, load: Callable[..., Any], older: dict[str, Any], name: str
) -> None:
    """Old `datasets` know no JSON: they say so, and read the same rows where they are told that it is text."""
    assert "json" in older["refused"][name]
    objects = [column for column, type in CONFIGS[name].own.items() if "json" in str(type)]
    read: Rows = [row | {c: [json.loads(one) for one in row[c]] for c in objects} for row in older[name]]
    assert read == list(load(str(made[0] / "dataset"), name, split="train"))
