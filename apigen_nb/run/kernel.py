"""The kernel of a stage notebook: whoever ends the run interrupts it first, for the replies under way are paid for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any, ClassVar

from jupyter_client.manager import AsyncKernelManager

GRACE = 10.0  # seconds to keep what can be kept, twice what replies under way are waited for


class Kernel(AsyncKernelManager):  # type: ignore[misc]
    """A kernel that Ctrl-C interrupts; the second time, after `GRACE`, or while it is starting, it is ended. nbclient
    makes it, so `last` is the one that was made last."""

    last: ClassVar[Kernel | None] = None
    interrupted = ready = False

    async def start_kernel(self, **options: Any) -> None:
        """Start it; until `leave`, SIGINT is its own."""
        type(self).last, self._loop, self._before = self, asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
        self._doing, self._end = list[asyncio.Future[None]](), list[asyncio.TimerHandle]()
        self._turn = asyncio.Lock()  # starting and ending at a time, a kernel manager is in no valid state
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not in the main thread
            self._loop.add_signal_handler(signal.SIGINT, self._stop)
        async with self._turn:
            await super().start_kernel(**options)

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """End it, if nobody else has."""
        async with self._turn:
            if self.has_kernel:
                await super().shutdown_kernel(now, restart)

    @classmethod
    def begin(cls, **_: Any) -> None:
        """The last one runs cells from now on, and can be interrupted."""
        if cls.last is not None:
            cls.last.ready = True

    def leave(self) -> None:
        """Give SIGINT back."""
        for timer in self._end:
            timer.cancel()
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            if self._loop.remove_signal_handler(signal.SIGINT):
                signal.signal(signal.SIGINT, self._before)

    def _stop(self) -> None:
        first, self.interrupted = not self.interrupted, True
        if first and self.ready:
            self._do(self.interrupt_kernel())
            self._end.append(self._loop.call_later(GRACE, lambda: self._do(self.shutdown_kernel(now=True))))
        else:
            self._do(self.shutdown_kernel(now=True))

    def _do(self, work: Any) -> None:
        self._doing.append(asyncio.ensure_future(work))  # a loop alone does not keep what it runs
