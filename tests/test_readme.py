"""The README says what is so: its table is the benchmarks', what it names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


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
