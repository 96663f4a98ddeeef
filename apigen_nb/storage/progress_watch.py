"""What a terminal or a log is told while a stage runs in another process: what its `progress.json` says, as a bar with
figures or as a line now and then. No line comes twice: while nothing is finished, a log is told how long that has been
so and what is waited for, after pauses that double."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .progress import EVERY, FILE, Snapshot, done_of, duration, figures, progress_line, read_progress
from .safe_text import clean

QUIET = 10.0  # seconds between two lines of a log, at least
SHARE, SELDOM = 20, 300.0  # later a twentieth of the time since the start, but not more than five minutes
LONGEST = 64  # times QUIET between two lines that tell that nothing has happened


@contextlib.contextmanager
def show_progress(folder: Path, label: str) -> Iterator[None]:
    """Tell people on stderr how far the work in this folder is: a bar in a terminal, else a line now and then."""
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(folder, label, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        (folder / FILE).unlink(missing_ok=True)  # a dead kernel leaves it


def _watch(folder: Path, label: str, stop: threading.Event) -> None:
    from tqdm import tqdm

    form = "{desc}: {n_fmt}/{total_fmt} |{bar:12}| {unit}"  # a postfix would begin with a comma
    options: dict[str, Any] = {"leave": False, "dynamic_ncols": True, "bar_format": form, "unit": ""}
    log = Log(time.monotonic())
    with tqdm(desc=label, file=sys.stderr, disable=None, **options) as bar:  # only in a terminal
        while not stop.wait(EVERY):
            now = read_progress(folder)
            if bar.disable:
                if told := log.line(now, time.monotonic()):
                    print(f"{label}: {told}", file=sys.stderr, flush=True)
            elif now is not None:
                bar.total, bar.n, bar.unit = now["total"], now["done"], clean(" · ".join(figures(now)))
                bar.refresh()


class Log:
    """Which line a log is told, and when: `begun` and all times are seconds of one clock."""

    def __init__(self, begun: float) -> None:
        self._begun = self._spoken = self._since = begun
        self._seen: tuple[str, int] | None = None
        self._news, self._pause = False, QUIET

    def line(self, now: Snapshot | None, at: float) -> str:
        """The line for what is known at this moment; "" when there is none to be told."""
        seen = self._seen if now is None else (now["title"], now["done"])
        if seen != self._seen:
            self._seen, self._since, self._news, self._pause = seen, at, True, QUIET
        often = min(max(QUIET, (at - self._begun) / SHARE), SELDOM)
        if at - self._spoken < (often if self._news else max(often, self._pause)):
            return ""
        self._spoken = at
        if self._news and now is not None:
            self._news = False
            return progress_line(now)
        self._pause = min(2 * self._pause, LONGEST * QUIET)
        return f"at work for {duration(at - self._begun)}" if now is None else _waiting(now, at - self._since)


def _waiting(now: Snapshot, seconds: float) -> str:
    """What is waited for, and for how long: `blueprints: 3 of 9, none finished for 40 s: waiting for 8 replies`."""
    replies = now.get("in_flight", 0)
    waited = f"waiting for {replies:.0f} repl{'y' if replies == 1 else 'ies'}" if replies else "at work"
    if left := now.get("waiting"):
        waited = f"the server wants {duration(left)} more of waiting"
    troubles = [f"{now[name]:,.0f} {name}" for name in ("retries", "refused") if now.get(name)]
    return clean(" · ".join([f"{done_of(now)}, none finished for {duration(seconds)}: {waited}", *troubles]))
