"""What all tests share: nothing of the user's settings reaches them."""

import pytest
from hypothesis import settings

# The same examples in every run: what a commit does not touch cannot fail on it. `make nightly` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can spend somebody's money or depend on it."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
