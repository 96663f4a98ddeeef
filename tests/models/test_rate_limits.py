"""Limits in virtual time: what a server that refuses gets asked, to the second and without waiting for any."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from selectors import DefaultSelector
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models.rate_limits import Limits, Pace


class Skipping(DefaultSelector):
    """Where others would wait, the clock jumps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "all wait for something that will never come"
            self.now += timeout
        return ready


def virtually(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in virtual time, which begins at 0."""
    selector = Skipping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    loop.slow_callback_duration = 1e9
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)


def now() -> float:
    return asyncio.get_running_loop().time()


class Server:
    """Refuses what is above `admit` at once, and a share `stray` of the others."""

    def __init__(self, admit: int, latency: float = 0.2, stray: float = 0.0, refusal: float = 0.002) -> None:
        self.admit, self.latency, self.stray, self.refusal = admit, latency, stray, refusal
        self.random = random.Random(5)
        self.open = self.peak = self.refused = 0
        self.times: list[float] = []

    async def ask(self) -> bool:
        self.times.append(now())
        if self.open >= self.admit or self.random.random() < self.stray:
            await asyncio.sleep(self.refusal)
            self.refused += 1
            return False
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.open -= 1
        return True


async def ask(limits: Limits, server: Server, retry_after: float = 0.3) -> None:
    """One question, asked until it is answered."""
    while True:
        async with limits.turn(10) as turn:
            if await server.ask():
                turn.admitted()
                return
            turn.refused(retry_after)
        await asyncio.sleep(retry_after)


async def ask_all(
    limits: Limits, server: Server, number: int, workers: int, one: Callable[..., Awaitable[None]] = ask
) -> float:
    """Ask so many questions by so many workers; the seconds it took."""
    begin, left = now(), iter(range(number))

    async def worker() -> None:
        for _ in left:
            await one(limits, server)

    await asyncio.gather(*(worker() for _ in range(workers)))
    return now() - begin


@pytest.mark.parametrize("refusal", [0.001, 0.02])
def test_a_server_that_admits_fewer_is_asked_for_what_it_admits(refusal: float) -> None:
    limits, server = Limits(64), Server(admit=16, refusal=refusal)
    seconds = virtually(ask_all(limits, server, 400, 64))
    assert seconds <= 1.25 * 400 / 16 * 0.2
    assert server.refused <= 60
    assert 14 <= limits.slots <= 17


@pytest.mark.parametrize("admit", [1, 2, 5, 40])
def test_whatever_it_admits(admit: int) -> None:
    limits, server = Limits(64), Server(admit=admit)
    number = admit * 40
    seconds = virtually(ask_all(limits, server, number, 64))
    assert server.peak == admit
    assert seconds <= 1.35 * 40 * 0.2
    assert server.refused <= 60 + 8 * 64 / admit


def test_where_nothing_is_refused_all_slots_open_at_once() -> None:
    limits, server = Limits(64), Server(admit=1000)
    seconds = virtually(ask_all(limits, server, 400, 64))
    assert (server.peak, limits.slots) == (64, 64)
    assert seconds <= 1.15 * 7 * 0.2


def test_stray_refusals_close_nothing() -> None:
    limits, server = Limits(64), Server(admit=1000, stray=0.05)
    virtually(ask_all(limits, server, 2000, 64))
    assert 60 < server.refused < 140
    assert limits.slots == 64


def test_a_server_that_grows_is_used() -> None:
    limits, server = Limits(64), Server(admit=8)

    async def main() -> None:
        await ask_all(limits, server, 200, 64)
        assert limits.slots <= 9
        server.admit = 64
        await ask_all(limits, server, 4000, 64)

    virtually(main())
    assert limits.slots > 48


def test_a_server_that_shrinks_is_spared() -> None:
    limits, server = Limits(64), Server(admit=64)

    async def main() -> None:
        await ask_all(limits, server, 400, 64)
        assert (limits.slots, server.refused) == (64, 0)
        server.admit = 4
        await ask_all(limits, server, 200, 64)

    virtually(main())
    assert limits.slots <= 5
    assert server.refused <= 64 + 60


def test_after_an_outage_it_is_asked_again_when_it_said_so() -> None:
    limits, server = Limits(32), Server(admit=1000)

    async def main() -> None:
        await ask_all(limits, server, 64, 32)
        server.stray, begin = 1.0, now()
        asking = asyncio.create_task(ask_all(limits, server, 320, 32, lambda *to: ask(*to, retry_after=100)))
        await asyncio.sleep(50)
        sent = len(server.times) - 64
        assert sent <= 32
        assert limits.paused_until is not None
        assert 99 < limits.paused_until - begin < 101
        assert limits.in_flight == 0
        server.stray = 0
        await asking
        assert min(time for time in server.times[64 + sent :]) >= begin + 100
        assert limits.paused_until is None
        assert now() - begin < 107

    virtually(main())


def test_no_minute_holds_more_requests() -> None:
    limits, server = Limits(64, requests_per_minute=30), Server(admit=64)
    seconds = virtually(ask_all(limits, server, 100, 64))
    for time in server.times:
        assert sum(time <= other < time + 60 - 1e-6 for other in server.times) <= 30
    assert seconds < 99 * 2 + 1


def test_tokens_per_minute_count_what_was_used() -> None:
    limits, server = Limits(8, tokens_per_minute=6000), Server(admit=64)

    async def one(limits: Limits, server: Server) -> None:
        async with limits.turn(1000) as turn:
            await server.ask()
            turn.admitted()
            turn.spent(100)

    # 50 × 100 tokens at 100 a second; what was reserved above that is given back
    assert 40 < virtually(ask_all(limits, server, 50, 8, one)) < 60


@given(
    st.integers(1, 300),
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.01, 1)), min_size=1, max_size=60),
)
def test_no_minute_holds_more_than_its_share(per_minute: int, uses: list[tuple[float, float]]) -> None:
    pace, clock, begun = Pace(per_minute), 0.0, []
    for pause, share in uses:
        clock += pause
        amount = share * per_minute
        clock += max(0.0, pace.left(clock))
        pace.use(amount, clock)
        begun.append((clock, amount))
    for time, _ in begun:
        inside = [amount for other, amount in begun if time <= other < time + 60]
        assert sum(inside[:-1]) <= per_minute * (1 + 1e-6)  # the last may end in the minute after


def test_a_count_beyond_belief_costs_a_minute() -> None:
    pace = Pace(1000)
    pace.use(500, 0.0)
    pace.correct(10**12)
    assert pace.left(0.0) == pytest.approx(30 + 60)


def test_without_a_limit_nothing_waits() -> None:
    pace = Pace()
    pace.use(1e9, 1.0)
    assert pace.left(1.0) == 0


def test_one_slow_request_holds_up_nobody() -> None:
    limits, server = Limits(4), Server(admit=4)
    done: list[float] = []

    async def slow() -> None:
        async with limits.turn(1) as turn:
            await asyncio.sleep(600)
            turn.admitted()

    async def main() -> None:
        task = asyncio.create_task(slow())
        await ask_all(limits, server, 60, 10)
        done.append(now())
        await task

    virtually(main())
    assert done[0] < 60 / 3 * 0.2 + 0.5


def test_a_cancelled_request_gives_its_place_back() -> None:
    async def main() -> None:
        limits, server = Limits(2), Server(admit=2, latency=5)
        tasks = [asyncio.create_task(ask(limits, server)) for _ in range(6)]
        await asyncio.sleep(1)
        assert limits.in_flight == 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limits.in_flight == 0
        server.latency = 0.1
        assert await ask_all(limits, server, 2, 2) == pytest.approx(0.1)

    virtually(main())


def test_limits_outlive_an_event_loop() -> None:
    limits, server = Limits(64), Server(admit=4)
    virtually(ask_all(limits, server, 60, 64))
    refused = server.refused
    virtually(ask_all(limits, server, 60, 64))
    assert server.refused - refused <= 5
    assert limits.in_flight == 0


@pytest.mark.parametrize("wrong", [(0,), (1, 0), (1, None, -5)])
def test_a_limit_is_at_least_one(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be at least 1, found (0|-5)"):
        Limits(*wrong)
