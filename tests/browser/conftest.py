"""What tests in a browser share: the browser, and a page that must not complain. Where playwright is not installed this
file is read all the same, so it is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.watched import Watched


@pytest.fixture(scope="module")  # not longer: Playwright's loop runs as long, and tests with loops of their own follow
def browser() -> Iterator[Browser]:
    from tests.browser.watched import CHROMIUM, sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page that at the end has asked for nothing and whose console has said nothing."""
    from tests.browser.watched import Watched

    found = Watched(browser)
    yield found
    assert found.errors == found.requests == []
    found.context.close()
