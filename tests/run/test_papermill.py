"""Papermill by hand: its own commands, from wherever they are given, do what they do from the notebook's folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from apigen_nb.records import Proposal, Trajectory
from apigen_nb.storage.journal import read_lines
from apigen_nb.storage.run_folder import Run

ROOT = Path(__file__).parent.parent.parent
STAGE = "2_blueprints.ipynb"
PARAMETERS = 'out = "outputs/tour"\ncount = 10\nrandom_seed = 1\nattempts = 3\nmodel = "scripted"\noffline = False'
OPENED = """from apigen_nb import open_stage
stage = open_stage(vars())
told = {"run": str(stage.folder.resolve()), "count": stage.params.count, "random_seed": stage.params.random_seed}"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of one notebook that opens its stage, beside a folder elsewhere."""
    root = tmp_path / "checkout"
    (root / "notebooks").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    parameters = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    notebook = new_notebook(
        cells=[parameters, new_code_cell(OPENED), new_code_cell("import json\nprint(json.dumps(told))")]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, root / "notebooks" / STAGE)
    return root


def papermill(where: Path, *arguments: object, package: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", *map(str, arguments)]
    needed = {"PYTHONPATH": str(package), "JUPYTER_PREFER_ENV_PATH": "1"}
    return subprocess.run(
        command, cwd=where, env={**os.environ, **needed}, capture_output=True, text=True, check=False, timeout=300
    )


def said(copy: Path) -> str:
    cells = nbformat.read(copy, as_version=4).cells
    return "".join(o.text for cell in cells for o in cell.get("outputs", ()) if o.output_type == "stream")


def made(folder: Path) -> list[str]:
    """The runs below a folder."""
    return sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob("run.json"))


def test_from_elsewhere_a_run_lies_where_the_package_stands(checkout: Path, tmp_path: Path) -> None:
    """Nothing above the caller leads to the project. From within, and with --cwd: `test_the_stages_by_hand`."""
    shutil.copytree(ROOT / "apigen_nb", checkout / "apigen_nb", ignore=shutil.ignore_patterns("__pycache__"))
    notebook, given = f"../checkout/notebooks/{STAGE}", ["-p", "count", 5, "-p", "out", "outputs/mine"]
    done = papermill(tmp_path / "elsewhere", notebook, tmp_path / "copy.ipynb", *given, package=checkout)
    assert done.returncode == 0, done.stderr
    folder = checkout / "outputs" / "mine"
    assert json.loads(said(tmp_path / "copy.ipynb")) == {"run": str(folder), "count": 5, "random_seed": 1}
    assert made(tmp_path) == ["checkout/outputs/mine"]
    assert Run(folder).read_manifest()["parameters"]["count"] == 5


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["-p", "sedes", 4], "ParamsError: unknown parameter 'sedes'; did you mean count, which was seeds?"),
        (["-p", "out", "../mine"], "ParamsError: out: '../mine' is seen from the project, "),
    ],
)
def test_what_is_misspelt_or_leads_away_stops_before_anything_is_made(
    given: list[object], reason: str, checkout: Path, tmp_path: Path
) -> None:
    done = papermill(checkout, f"notebooks/{STAGE}", tmp_path / "copy.ipynb", *given)
    assert done.returncode != 0
    assert reason in done.stderr
    assert made(tmp_path) == []
    assert said(tmp_path / "copy.ipynb") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkout", "copy.ipynb", "elsewhere"]


def test_what_was_not_given_is_what_the_run_was_begun_with(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("out: outputs/mine\ncount: 4\nseed: 9\n")
    begun = papermill(checkout, f"notebooks/{STAGE}", tmp_path / "1.ipynb", "-f", tmp_path / "mine.yaml")
    assert begun.returncode == 0, begun.stderr
    copy = nbformat.read(tmp_path / "1.ipynb", as_version=4)
    warned = [o.text for cell in copy.cells for o in cell.outputs if o.get("name") == "stderr"]
    assert [text.partition(" (")[0] for text in warned] == ["apigen-nb: seed is now called random_seed"]
    prepared = ["--prepare-only", "-p", "out", "outputs/mine"]
    assert papermill(checkout, f"notebooks/{STAGE}", tmp_path / "2.ipynb", *prepared).returncode == 0
    assert said(tmp_path / "2.ipynb") == ""
    later = papermill(checkout / "notebooks", tmp_path / "2.ipynb", tmp_path / "3.ipynb")
    assert later.returncode == 0, later.stderr
    line, told = said(tmp_path / "3.ipynb").splitlines()
    assert line == "../outputs/mine goes on with what it was begun with: count 4, random_seed 9"
    assert (json.loads(told)["count"], json.loads(told)["random_seed"]) == (4, 9)
    before = (checkout / "outputs" / "mine" / "run.json").read_bytes()
    # A default is a wish like any other value once it is given.
    other = papermill(
        checkout, f"notebooks/{STAGE}", tmp_path / "4.ipynb", "-p", "out", "outputs/mine", "-p", "count", 10
    )
    assert other.returncode != 0
    assert "ParametersChanged: outputs/mine was made with other parameters (count: 4 before, 10 now)" in other.stderr
    assert (checkout / "outputs" / "mine" / "run.json").read_bytes() == before


def test_the_stages_by_hand(tmp_path: Path) -> None:
    """The real notebooks, each from another place, all but the first with nothing but the run."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    run = Run(root / "outputs" / "mine")
    few = ["-y", "{count: 3, random_seed: 5, kinds: {plain: 1.0}, recombined: 0.0, max_total_tokens: 1000000}"]
    first = papermill(root, f"notebooks/{STAGE}", root / "2.ipynb", "-p", "out", "outputs/mine", *few)
    assert first.returncode == 0, first.stderr
    proposals = read_lines(run.blueprints, Proposal)
    assert ({p.kind for p in proposals}, len(proposals)) == ({"plain"}, 3)
    second = papermill(
        root / "notebooks", "3_trajectories.ipynb", "../3.ipynb", "-p", "out", "outputs/mine", "-p", "attempts", 2
    )
    assert second.returncode == 0, second.stderr
    held = run.read_manifest()["parameters"]
    assert (held["random_seed"], held["attempts"], held["max_total_tokens"]) == (5, 2, 1_000_000)
    trajectories = read_lines(run.trajectories, Trajectory)
    assert len(trajectories) == 2 * sum(p.accepted for p in proposals)
    third = papermill(
        tmp_path, root / "notebooks" / "4_dataset.ipynb", "4.ipynb", "--cwd", root, "-p", "out", "outputs/mine"
    )
    assert third.returncode == 0, third.stderr
    assert (run.dataset / "rl" / "train.jsonl").is_file()
    assert made(tmp_path) == ["checkout/outputs/mine"]
