"""The README says what is so: its table is the benchmarks', what it names exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from papermill.cli import papermill

from apigen_nb.__main__ import main
from apigen_nb.run.params import Params
from apigen_nb.run.stage import open_stage
from apigen_nb.storage.run_folder import Run

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
MAKE = ("make", "--dry-run", "--no-print-directory")  # else a make that runs the tests is told of as well


def test_the_table_is_what_the_benchmarks_left() -> None:
    command = [sys.executable, "benchmarks/readme.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?m)(?:`|^)make ([a-z0-9-]+)", TEXT))))
def test_every_target_is_one_of_the_makefile(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?:docs|params|notebooks|benchmarks|tests)/[\w/.-]+", TEXT))))
def test_every_file_it_names_is_there(path: str) -> None:
    path = path.rstrip(".")
    if path == "params/mine.yaml":  # the reader's own
        return
    assert (ROOT / path).exists() or (ROOT / f"{path}.ipynb").exists()


# --- its commands, in the order given


def commands() -> list[list[str]]:
    """The words of every command in its shell blocks, without what stands behind #."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", TEXT)
    return [words for block in blocks for line in block.splitlines() if (words := shlex.split(line, comments=True))]


class Played:
    """Plays the README's commands by their own programs; what takes minutes only begins its run, or looks for it."""

    def __init__(self) -> None:
        self.begun: set[str] = set()

    def run_stages(self, params: Params, out: Path, *_: object, **__: object) -> list[str]:
        run = Run.open(out).claim(**{name: value for name, value in params.plain().items() if name != "offline"})
        run.blueprints.touch()
        self.begun.add(str(out))
        return []

    def needs(self, *folders: Path | str) -> None:
        missing = set(map(str, folders)) - self.begun
        assert not missing, f"no command before makes {missing}"

    def make(self, target: str, *given: str) -> None:
        done = subprocess.run([*MAKE, target, *given], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        if target == "run":
            self.apigen_nb(*done.stdout.strip().splitlines()[-1].split()[1:])
        self.needs(*(word.removeprefix("RUN=") for word in given if word.startswith("RUN=")))

    def apigen_nb(self, *arguments: str) -> None:
        assert main(arguments) == 0

    def papermill(self, *arguments: str) -> None:
        given = papermill.make_context("papermill", list(arguments)).params
        values = {name: yaml.safe_load(value) for name, value in given["parameters"]}
        for file in given["parameters_file"]:
            values = yaml.safe_load(Path(file).read_text()) | values
        assert Path(given["output_path"]).parent.is_dir(), "papermill makes no folder for its copy"
        assert Path(given["notebook_path"]).is_file()
        self.begun.add(str(open_stage(values).folder))


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    played, nothing = Played(), SimpleNamespace(tasks=1, measured="", rough=False, rows=1, failures=0, lines=lambda: [])

    async def estimated(*_: object) -> object:
        return nothing

    monkeypatch.setattr("apigen_nb.run.runner.run_stages", played.run_stages)
    monkeypatch.setattr("apigen_nb.run.estimate_command.estimate_by_trial", estimated)
    monkeypatch.setattr("apigen_nb.run.estimate_command.keep_estimate", lambda *_: None)
    monkeypatch.setattr("apigen_nb.dataset.verify.verify_dataset", lambda run: played.needs(run) or nothing)
    monkeypatch.setattr(
        "apigen_nb.dataset.environments.export.export_environments", lambda run, *_: played.needs(run) or [run]
    )
    monkeypatch.setattr("apigen_nb.run.dataset_command.dataset_lines", lambda runs, *_: played.needs(*runs) or runs)
    monkeypatch.setattr("apigen_nb.report.write.write_report", lambda run, others=(): played.needs(run, *others))
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")
    for folder in ("params", "notebooks", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "outputs").mkdir()
    monkeypatch.chdir(tmp_path)
    return played


def test_its_commands_work_in_the_order_given(played: Played) -> None:
    lines = commands()
    assert {words[0] for words in lines} == {"make", ".", "apigen-nb", "papermill"}
    for words in lines:
        if words[0] != ".":
            getattr(played, words[0].replace("-", "_"))(*words[1:])
    assert {"outputs/demo", "outputs/banking"} < played.begun


def test_what_the_order_breaks_is_noticed(played: Played) -> None:
    played.make("run")
    with pytest.raises(AssertionError, match="outputs/banking"):
        played.apigen_nb("report", "outputs/demo", "outputs/banking")
    with pytest.raises(AssertionError):
        played.apigen_nb("run", "params/demo.yaml", "-p", "count=50")  # other parameters in the same folder


@pytest.mark.parametrize(("user", "told"), [("0", "--allow-root"), ("1000", "")])
def test_jupyter_is_told_that_it_may_run_as_root(user: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    line = subprocess.check_output(
        [*MAKE, "lab", "OPTIONS=--no-browser"], cwd=ROOT, env=os.environ | path, text=True
    ).splitlines()[-1]
    assert line.split() == [".venv/bin/jupyter", "lab", *told.split(), "--no-browser", "notebooks/0_tour.ipynb"]


def test_the_container_is_made_of_what_is_here() -> None:
    text = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"(?m)^FROM \S+ AS (\S+)", text)
    config = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert config["build"]["target"] in stages
    assert (ROOT / ".devcontainer" / config["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    copied = [word for line in re.findall(r"(?m)^COPY (.*) \S+$", text) for word in line.split()]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    made = re.findall(r"\$\(VENV\)(/\.\w+):", MAKEFILE)
    asked = re.findall(r"\.venv(/\.\w+)", text + config["postCreateCommand"])
    assert set(asked) == {"/.test", "/.tau2"} < set(made)
