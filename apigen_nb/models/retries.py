"""A try that failed: why, for how long to wait before the next, and when to give up."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import tenacity

MAX_WAIT = 3600.0  # seconds that one question waits in all; for more patience than this, the next run asks again
GROWTH, LONGEST = 3.0, 30.0  # how pauses grow from try to try, and to how many seconds
LIVELY = 0.1  # of a pause, while the server answers others
GONE = 5.0  # seconds with nobody there since the first who was missed; nobody is waited for longer
PATIENCE = 5  # refused tries that count as one: a question is no worse for having come to a busy server


class Failed(Exception):
    """A try without an answer. `wait` is what the server asked for in seconds; `busy`: it did not look at the question;
    `nobody`: none was reached; `final`: it will not answer this question, whoever asks."""

    def __init__(
        self, reason: str, wait: float = 0.0, busy: bool = False, nobody: bool = False, final: bool = False
    ) -> None:
        super().__init__(reason)
        self.wait, self.busy, self.nobody, self.final = wait, busy, nobody, final


class Patience:
    """How often and how long one question is tried. `answered` tells how many others the server has answered so far,
    `seen` when it last gave any sign of life, by `time.monotonic`."""

    def __init__(
        self,
        tries: int,
        wait: float,
        answered: Callable[[], int] = lambda: 0,
        seen: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.tries, self.wait, self._answered, self._seen = tries, wait, answered, seen
        self.count = self._spent = 0
        self._grown, self._before = wait, answered()
        self._missed: float | None = None

    @property
    def gone(self) -> bool:
        """Whether nobody was there at the last tries, nor for any other question meanwhile."""
        return self._missed is not None and self._seen() < self._missed

    def pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds until the next try: what the server asked for, else longer each time."""
        asked, answered = failure(state).wait, self._answered()
        # Pauses grow to outlast a restart. While the server answers others this is bad luck, and short ones will do.
        pause = random.uniform(0.5, 1) * self._grown * (LIVELY if answered > self._before else 1.0)
        self._grown, self._before = min(self._grown * GROWTH, LONGEST), answered
        return max(pause, asked + random.uniform(0, self.wait)) if asked else pause

    def over(self, state: tenacity.RetryCallState) -> bool:
        """Whether that was the last try. tenacity counts all tries alike, so they are counted here."""
        failed, now = failure(state), time.monotonic()
        self.count += 1
        self._spent += 1 if failed.busy else PATIENCE
        self._missed = (self._missed or now) if failed.nobody else None
        gone = self.gone and now - (self._missed or now) >= GONE
        spent = self._spent >= self.tries * PATIENCE or state.idle_for + state.upcoming_sleep > MAX_WAIT + self.wait
        return failed.final or gone or spent


def failure(state: tenacity.RetryCallState) -> Failed:
    """Why the last try failed."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Failed)
    return error


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, from `retry-after-ms` or Retry-After as a number or a date; 0 when there is none to be read."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        wait = 0.0
        with contextlib.suppress(ValueError, OverflowError):
            wait = parsedate_to_datetime(value).timestamp() - time.time() if ":" in value else float(value) / unit
        if math.isfinite(wait) and wait > 0:
            return wait
    return 0.0
