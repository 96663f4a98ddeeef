"""What all tests share: nothing of the user's settings reaches them."""

import pytest
from hypothesis import settings

from apigen_nb.world.domain import Domain, from_folder
from tests.library import write_library

# The same examples in every run, as long as they take: what a commit does not touch cannot fail on it, nor on a busy
# machine. `make nightly` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can spend somebody's money or depend on it."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return from_folder(write_library(tmp_path_factory.mktemp("domains") / "library"))
