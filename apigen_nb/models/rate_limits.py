"""How much may be asked of a server at once and in a minute, learned from what it refuses.

A server that is asked too much says so (429, 503, 529). One such refusal means nothing; a share of them among the last
requests closes the limit to what the server has admitted (multiplicative decrease, once for all that was under way),
and successes open it again, one request more in each round trip (additive increase). The level that was refused last
is approached slowly, because surplus requests are refused at once and would ask again and again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter

from ..storage.progress import add_meter

FIRST, OPENING = 8, 0.05  # so many start at once, two more open for each that is not refused within these seconds
WINDOW, REFUSED = 60, 12  # so many of the last are a share; chance alone, at 5 %, makes them once in 50,000 windows
CUT = 0.85
LONGEST = 30.0  # seconds between two requests to a server that refuses all and does not say until when
RECHECK = 1.0  # seconds; meanwhile a reply may have turned out shorter than was reserved
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

    def left(self, now: float) -> float:
        """Seconds until more may be used."""
        return self._free - now

    def use(self, amount: float, now: float) -> None:
        """Reserve so much from now on."""
        self._free = max(now, self._free) + amount * self._seconds

    def correct(self, amount: float) -> None:
        """So much more (or less, when negative) was used than had been reserved; of more than a minute's share, that
        share counts, because whoever says so is wrong."""
        self._free += min(amount * self._seconds, 60.0)


class Turn:
    """One request under way: what became of it is told here while it still counts as under way."""

    def __init__(self, limits: Limits, tokens: float) -> None:
        self._limits, self._tokens, self._cuts = limits, tokens, limits.cuts
        self.was_refused = False

    def admitted(self) -> None:
        """The server took the request, whatever it made of it."""
        self._limits.opened()

    def refused(self, wait: float) -> None:
        """The server was asked too much; it, or our patience, wants `wait` seconds before the next try."""
        self.was_refused = True
        self._limits.closed(self._cuts, wait)

    def spent(self, tokens: int) -> None:
        """How many tokens the request came to, prompt and reply together."""
        self._limits.tokens.correct(tokens - self._tokens)


class Limits:
    """At most `concurrency` requests under way and, where given, so many requests and tokens a minute.

    `slots` of the concurrency are open at present, `in_flight` are used. After the server refused all that was under
    way, `paused_until` is when the next request may go, and `shut_since` when the first was refused after the last that
    was not; both by the clock of the event loop. ValueError when a limit is less than 1."""

    def __init__(
        self, concurrency: int, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, found {concurrency}")
        self.concurrency = concurrency
        self.requests, self.tokens = Pace(requests_per_minute), Pace(tokens_per_minute)
        self.in_flight = self.cuts = 0
        add_meter(self, lambda me: {"in_flight": me.in_flight})
        self.paused_until: float | None = None
        self.shut_since: float | None = None
        self._pause = 0.0
        self._level = float(min(FIRST, concurrency))
        self._before = self._level
        self._answers = self._peak = 0
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
        loop = self._begin()
        async with self._gate:
            await self._go(tokens)
            self.in_flight += 1
            self._peak = max(self._peak, self.in_flight)
            turn = Turn(self, tokens)
            if not self.cuts and self.slots < self.concurrency:
                # A server that admits fewer shall be able to say so before all requests have gone.
                loop.call_later(OPENING, self._open_more, turn)
            try:
                yield turn
            finally:
                if self._loop is loop:  # else all was counted anew
                    self.in_flight -= 1

    async def _go(self, tokens: float) -> None:
        async with self._order:
            while (left := self._left()) > 0:  # noqa: ASYNC110 - what ends it early are numbers, not an event
                await asyncio.sleep(min(left, RECHECK))
            self.requests.use(1, self._now())
            self.tokens.use(tokens, self._now())
            self.paused_until = None

    def _left(self) -> float:
        now = self._now()
        return max((self.paused_until or now) - now, self.requests.left(now), self.tokens.left(now))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def opened(self) -> None:
        """A request was admitted; after a round trip in which all slots were in use, more may open."""
        self._recent.append(False)
        self.shut_since, self._pause = None, 0.0
        self._answers += 1
        if self._answers < self.slots:
            return
        full = self._peak >= self.slots
        self._answers, self._peak = 0, self.in_flight
        if not full:
            return
        if self._level < self._ceiling / 2:
            self._set(self._level * 2)
        elif self._level < self._ceiling - 1:
            self._set(self._level + 1)
        else:
            self._set(self._level + PROBE)
            if self._level >= self._ceiling + 1:  # the server has grown
                self._ceiling *= 2

    def closed(self, cuts: int, wait: float) -> None:
        """A request that went after so many `cuts` was refused; with a share of others, fewer slots are open."""
        self.shut_since = self._now() if self.shut_since is None else self.shut_since
        others = self.in_flight - 1
        if cuts == self.cuts:
            self._recent.append(True)
            if self.cuts and self.slots >= self._ceiling:  # the server has not grown
                self._set(self._ceiling - 1)
            if sum(self._recent) < REFUSED:
                return
            self.cuts += 1
            self._recent.clear()
            self._answers = self._peak = 0
            self._before = self._ceiling = float(self.slots)
            self._set(self._level * CUT)
        # Also for those that went before the cut: what is left of them is what the server has admitted.
        self._set(min(self._level, others))
        self._ceiling = min(self._ceiling, others + 1.0)
        if others == 0:  # it has admitted none, which says nothing of how many it admits at another time
            self._ceiling = self._before
            self._pause = max(wait, min(2 * self._pause, LONGEST))
            self.paused_until = max(self.paused_until or 0.0, self._now() + self._pause)

    def _begin(self) -> asyncio.AbstractEventLoop:
        # Waiting tasks belong to an event loop, and an endpoint may outlive one.
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self.in_flight = loop, 0
            self._gate, self._order = CapacityLimiter(self.slots), asyncio.Lock()
        return loop

    def _open_more(self, turn: Turn) -> None:
        if not turn.was_refused and not self.cuts:
            self._set(self._level + 2)

    def _set(self, level: float) -> None:
        self._level = min(max(level, 1.0), float(self.concurrency))
        self._gate.total_tokens = self.slots
