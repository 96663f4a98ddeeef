"""How a process is ended: whoever ends it, it ends as by Ctrl-C. Imports nothing of ours, see `run`."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def ending_as_by_ctrl_c() -> Iterator[None]:
    """Whoever ends this process, SIGTERM or a terminal that is gone, ends it as Ctrl-C does: all is kept."""
    before = {}
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            with contextlib.suppress(ValueError):  # not in the main thread, which alone hears signals
                before[number] = signal.signal(number, lambda *_: _interrupt())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt() -> None:
    """As Ctrl-C. What a script starts in its background has SIGINT ignored: raised again it would be lost."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
