"""A run with files of the user's own, begun in one folder and continued from another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from apigen_nb.records import Proposal
from apigen_nb.storage.journal import read_lines
from apigen_nb.storage.run_folder import Run, relocate_paths


def command(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # notebooks are found beside the package, so any folder will do
    line = [sys.executable, "-m", "apigen_nb", "run", *arguments]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=300)


def test_personas_of_ones_own_are_used_kept_and_guarded(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "own.jsonl").write_text('"a lighthouse keeper"\n')
    asked = ["--stage", "2_blueprints", "-p", "count=4", "-p", "personas=own.jsonl", "-p", "kinds={plain: 1}"]
    made = command(home, "--out", "run", *asked)
    assert made.returncode == 0, made.stderr
    proposals = read_lines(home / "run" / "blueprints.jsonl", Proposal)
    assert {proposal.persona for proposal in proposals} == {"a lighthouse keeper"}
    manifest = json.loads((home / "run" / "run.json").read_text())
    assert manifest["parameters"]["personas"] == "../own.jsonl"
    assert len(manifest["prompts"]["own.jsonl"]) == 64
    assert str(tmp_path) not in (home / "run" / "run.json").read_text()
    again = command(elsewhere, "--out", "../home/run", "--stage", "2_blueprints")
    assert again.returncode == 0, again.stderr
    (home / "own.jsonl").write_text('"a pilot"\n')
    changed = command(elsewhere, "--out", "../home/run", "--stage", "2_blueprints")
    assert changed.returncode == 2
    assert "own.jsonl edited since" in changed.stderr


@pytest.mark.parametrize("name", ["retail", "tau2:retail", "nowhere"])
def test_names_of_domains_are_no_paths(name: str, tmp_path: Path) -> None:
    assert relocate_paths({"domain": name, "count": 3}, Path(), tmp_path) == {"domain": name, "count": 3}


def test_paths_go_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    run = Run.open(tmp_path / "runs" / "one")
    roles = {"judge": [{"prompt": "strict.md", "model": "m"}, {"model": "n"}], "user": {"prompt": "p/u.md"}}
    given = {"domain": "mine", "personas": "own.jsonl", "roles": roles}
    moved = relocate_paths(given, tmp_path, run.folder)
    assert moved["domain"] == "../../mine"
    assert moved["roles"]["judge"] == [{"prompt": "../../strict.md", "model": "m"}, {"model": "n"}]
    assert relocate_paths(moved, run.folder, tmp_path) == given
