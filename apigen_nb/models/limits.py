"""How much may be asked of a server at once and in a minute, learned from what it refuses.

A server that is asked too much says so (429, 503, 529). One such refusal means nothing; a share of them among the last
requests closes the limit to what the server has admitted (multiplicative decrease, once for all that was under way),
and successes open it again, one request more in each round trip (additive increase). The level that was refused last
is approached slowly, because surplus requests are refused at once and would ask again and again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter

FIRST = 8  # requests that start at once; then one more each millisecond, so that a refusal comes before all have gone
WINDOW, REFUSED = 40, 8  # so many of the last are a share; chance alone, at 5 %, makes them once in 1,500 windows
CUT = 0.85
PROBE = 0.1  # of a request more in each round trip, at the level that was refused last


class Pace:
    """So many units in a minute, evenly: no minute holds more, wherever it begins.

    aiolimiter is not used because it allows twice the limit in the first minute, takes nothing back when a reply
    turns out shorter than was reserved, and refuses what is larger than a minute's share."""

    def __init__(self, per_minute: int | None = None) -> None:
        if per_minute is not None and per_minute < 1:
            raise ValueError(f"a limit per minute must be at least 1, found {per_minute}; leave it out for none")
        self._seconds = 60 / per_minute if per_minute else 0.0
        self._free = 0.0  # when what has been reserved is used up, on the monotonic clock

    def reserve(self, amount: float) -> float:
        """Seconds until this amount may be used; it counts as used from now on."""
        now = time.monotonic()
        begin = max(now, self._free)
        self._free = begin + amount * self._seconds
        return begin - now

    def correct(self, amount: float) -> None:
        """So much more (or less, when negative) was used than had been reserved."""
        self._free += amount * self._seconds


class Turn:
    """One request under way: what became of it is told here while it still counts as under way."""

    def __init__(self, limits: Limits, tokens: float) -> None:
        self._limits, self._tokens, self._cuts = limits, tokens, limits.cuts

    def admitted(self) -> None:
        """The server took the request, whatever it made of it."""
        self._limits.opened()

    def refused(self, wait: float) -> None:
        """The server was asked too much; it, or our patience, wants `wait` seconds before the next try."""
        self._limits.closed(self._cuts, wait)

    def spent(self, tokens: int) -> None:
        """How many tokens the request came to, prompt and reply together."""
        self._limits.tokens.correct(tokens - self._tokens)


class Limits:
    """At most `concurrency` requests under way and, where given, so many requests and tokens a minute.

    `slots` of the concurrency are open at present, `in_flight` are used, `refusals` have been counted;
    `paused_until` is when the next request may go, on the monotonic clock, after the server refused all that was under
    way. ValueError when a limit is less than 1."""

    def __init__(
        self, concurrency: int, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, found {concurrency}")
        self.concurrency = concurrency
        self.requests, self.tokens = Pace(requests_per_minute), Pace(tokens_per_minute)
        self.in_flight = self.refusals = self.cuts = 0
        self.paused_until: float | None = None
        self._level = float(min(FIRST, concurrency))
        self._ceiling = float(concurrency)
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def slots(self) -> int:
        """How many requests may be under way at present."""
        return int(self._level)

    @asynccontextmanager
    async def turn(self, tokens: float) -> AsyncIterator[Turn]:
        """Wait until one more request, of about so many tokens, may go."""
        self._begin()
        async with self._gate:
            if (wait := max(self.requests.reserve(1), self.tokens.reserve(tokens))) > 0:
                await asyncio.sleep(wait)
            while self.paused_until is not None:
                left = self.paused_until - time.monotonic()
                if left > 0:
                    await asyncio.sleep(left)
                else:
                    self.paused_until = None
            self.in_flight += 1
            try:
                yield Turn(self, tokens)
            finally:
                self.in_flight -= 1

    def opened(self) -> None:
        """A request was admitted; when all slots are in use, more may open."""
        self._recent.append(False)
        if self.in_flight < self.slots:
            return
        if self._level < self._ceiling / 2:
            self._set(self._level + 1)
        elif self._level < self._ceiling - 1:
            self._set(self._level + 1 / self._level)
        else:
            self._set(self._level + PROBE / self._level)
            if self._level >= self._ceiling + 1:  # the server has grown
                self._ceiling *= 2

    def closed(self, cuts: int, wait: float) -> None:
        """A request that went after so many `cuts` was refused; with a share of others, fewer slots are open."""
        self.refusals += 1
        others = self.in_flight - 1
        if cuts == self.cuts:
            self._recent.append(True)
            if sum(self._recent) < REFUSED:
                return
            self.cuts += 1
            self._recent.clear()
            self._ceiling = float(self.slots)
            self._set(self._level * CUT)
        # Also for those that went before the cut: what is left of them is what the server has admitted.
        self._set(min(self._level, others))
        if others == 0:
            self.paused_until = max(self.paused_until or 0.0, time.monotonic() + wait)

    def _begin(self) -> None:
        # Waiting tasks belong to an event loop, and an endpoint may outlive one.
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop, self.in_flight = loop, 0
        self._gate = CapacityLimiter(self.slots)
        self._ramp(loop.time())

    def _ramp(self, begin: float) -> None:
        loop = self._loop
        if loop is None or self.cuts or self.slots >= self.concurrency:
            return
        self._set(max(self._level, FIRST + int(1000 * (loop.time() - begin))))
        loop.call_later(0.001, self._ramp, begin)

    def _set(self, level: float) -> None:
        self._level = min(max(level, 1.0), float(self.concurrency))
        self._gate.total_tokens = self.slots
