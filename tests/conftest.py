"""What all tests share: nothing of the user's settings reaches them."""

from typing import Any

import pytest
from hypothesis import settings

from apigen_nb.world.domain import Domain, from_folder
from tests import longest_first
from tests.library import write_library

# The same examples in every run, as long as they take: what a commit does not touch cannot fail on it, nor on a busy
# machine. `make nightly` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first.order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return longest_first.LongestFirst(config, log) if config.option.dist == "loadscope" else None


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can spend somebody's money or depend on it."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return from_folder(write_library(tmp_path_factory.mktemp("domains") / "library"))
