"""What the tests of the dataset share: a small run that is made once, copies of it, and a domain as a folder."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from apigen_nb.dataset.export import Summary
from apigen_nb.world.domain import Domain, _load
from tests.dataset_runs import small_run
from tests.library import write_library


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    folder = tmp_path_factory.mktemp("made")
    return folder, asyncio.run(small_run(folder, Domain.load("retail")))


@pytest.fixture
def run(made: tuple[Path, Summary], tmp_path: Path) -> Path:
    """A copy to tamper with."""
    shutil.copytree(made[0], tmp_path / "run")
    return tmp_path / "run"


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
