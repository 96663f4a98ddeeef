"""The kernel of a stage notebook: whoever ends the run interrupts it first, for the replies under way are paid for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from jupyter_client.manager import AsyncKernelManager

GRACE = 10.0  # seconds to keep what can be kept, twice what replies under way are waited for


class Kernel(AsyncKernelManager):  # type: ignore[misc]
    """A kernel that Ctrl-C and SIGTERM interrupt; the second time, or after `GRACE`, they end it. `interrupted` tells
    of the one started last. nbclient, which starts it, would end it at once."""

    interrupted = False

    async def start_kernel(self, **options: Any) -> None:
        """Start it, and take the signals of this process over."""
        await super().start_kernel(**options)
        type(self).interrupted, self._doing = False, set[asyncio.Future[None]]()
        with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows; not in the main thread
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        if self.interrupted:
            return self._do(self.shutdown_kernel(now=True))
        type(self).interrupted = True
        self._do(self.interrupt_kernel())
        asyncio.get_running_loop().call_later(GRACE, lambda: self._do(self.shutdown_kernel(now=True)))

    def _do(self, work: Any) -> None:
        self._doing.add(asyncio.ensure_future(work))  # a loop alone does not keep what it runs
