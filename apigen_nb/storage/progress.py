"""How far a stage is, for whoever watches: a bar with figures in a notebook, one line in a terminal, in a log a line
now and then. All of them show what one file says, `<folder>/progress.json`, which is there while a stage runs."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .safe_text import clean

EVERY = 0.3  # seconds between two updates; more often costs more than it tells
FILE = "progress.json"
QUIET = 10.0  # seconds between two lines where there is no terminal to draw a bar on
SURE = 3.0  # seconds of work after which the time left is guessed

T = TypeVar("T")
# Whoever knows a number that records do not hold (requests in flight, cost) says here how to read it.
_meters: WeakKeyDictionary[Any, Callable[[Any], Mapping[str, float]]] = WeakKeyDictionary()
_MOMENTARY = ("in_flight", "waiting")  # others grow: what they were when the stage began is taken off


def add_meter(owner: T, read: Callable[[T], Mapping[str, float]]) -> None:
    """Show what `read(owner)` gives as long as the owner lives: `in_flight` and `waiting` (seconds until a server is
    asked again) as they are, `retries`, `refused` and `cost` (dollars) as what was added since the stage began. What
    several owners give is added up; of several that wait, the longest counts."""
    _meters[owner] = read


def _measured() -> WeakKeyDictionary[Any, Mapping[str, float]]:
    return WeakKeyDictionary({owner: read(owner) for owner, read in list(_meters.items())})


class Progress:
    """Counts records and says so at most every 0.3 s in `<folder>/progress.json` and, in a notebook, in its cell, which
    is emptied at the end. `title`, `done`, `total` (None when it is not known) and `accepted` are always there; what is
    known beside them is told, too: `gates` (name → passed, judged), `tokens`, `calls`, what meters measure, and `left`,
    the seconds that the rest will take if it goes on like this. Where an event loop runs, it is also said while nothing
    is finished."""

    def __init__(self, folder: Path, title: str, total: int | None = None) -> None:
        self.file = folder / FILE
        self.title, self.total = title, total
        self.done = self.accepted = 0
        self.gates: dict[str, list[int]] = {}
        self.tokens = self.calls = 0
        self._shown, self._begun, self._counted = 0.0, time.monotonic(), 0
        self._before = _measured()
        self._cell = _cell()
        self._next: asyncio.TimerHandle | None = None
        self._tick()

    def count(self, record: object, *, quietly: bool = False) -> None:
        """One record more; it is an accepted one when its `accepted` or `success` is true. Its verdicts, or those of
        its attempts, and its usage are added up."""
        self.done += 1
        self._counted += 1
        self.accepted += is_accepted(record)
        for judged in getattr(record, "attempts", None) or (record,):
            for verdict in getattr(judged, "verdicts", ()):
                gate = self.gates.setdefault(verdict.gate, [0, 0])
                gate[0] += verdict.passed
                gate[1] += 1
        for used in getattr(record, "usage", {}).values():
            self.tokens += used.prompt + used.completion
            self.calls += used.calls
        if not quietly and time.monotonic() - self._shown >= EVERY:
            self._show()
        if self._next is None:
            self._tick()

    def close(self) -> None:
        """The work has ended, at least for now: no file and no line remain."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self.file.unlink(missing_ok=True)
        if self._cell is not None:
            self._cell.update({"text/plain": ""}, raw=True)

    def told(self) -> dict[str, Any]:
        """What is known now, as it stands in the file."""
        told: dict[str, Any] = {"title": self.title, "done": self.done, "total": self.total, "accepted": self.accepted}
        if self.gates:
            told["gates"] = self.gates
        told |= {name: number for name, number in (("tokens", self.tokens), ("calls", self.calls)) if number}
        for owner, now in _measured().items():
            before = self._before.get(owner, {})
            for name, number in now.items():
                if since := number - (0 if name in _MOMENTARY else before.get(name, 0)):
                    had = told.get(name, 0)
                    told[name] = max(had, since) if name == "waiting" else had + since
        spent = time.monotonic() - self._begun
        if self.total and self._counted and spent >= SURE:
            told["left"] = round(spent / self._counted * max(0, self.total - self.done))
        return told

    def _tick(self) -> None:
        # A timer of the loop and no thread: it stops with the work, also when that is cancelled.
        with contextlib.suppress(RuntimeError):
            self._next = asyncio.get_running_loop().call_later(max(EVERY, 0.05), self._again)

    def _again(self) -> None:
        self._next = None
        if time.monotonic() - self._shown >= EVERY:
            self._show()
        self._tick()

    def _show(self) -> None:
        self._shown = time.monotonic()
        told = self.told()
        draft = self.file.with_name(FILE + ".tmp")
        draft.write_text(json.dumps(told), encoding="utf-8")
        os.replace(draft, self.file)
        if self._cell is not None:
            self._cell.update({"text/plain": progress_line(told), "text/html": progress_html(told)}, raw=True)


def is_accepted(record: object) -> bool:
    """Whether a record counts as accepted: its `accepted` or its `success` is true."""
    return bool(getattr(record, "accepted", False) or getattr(record, "success", False))


def duration(seconds: float) -> str:
    """A time as people say it: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _amount(number: float) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.0f} k" if number >= 1e4 else f"{number:,.0f}"


def figures(told: Mapping[str, Any]) -> list[str]:
    """The numbers beside done, total and accepted, each in words; the gates come last."""
    parts = []
    if "in_flight" in told:
        parts.append(f"{told['in_flight']:.0f} in flight")
    if told.get("waiting"):
        parts.append(f"waiting {told['waiting']:,.0f} s more for the server")
    for name, word in (("retries", "retries"), ("refused", "refused")):
        if told.get(name):
            parts.append(f"{told[name]:,.0f} {word}")
    if told.get("tokens"):
        parts.append(f"{_amount(told['tokens'])} tokens")
    elif told.get("calls"):
        parts.append(f"{_amount(told['calls'])} model calls")
    if told.get("cost"):
        parts.append(f"${told['cost']:.2f}")
    if "left" in told:
        parts.append(f"about {duration(told['left'])} left")
    gates = told.get("gates") or {}
    return parts + [f"{gate} {100 * passed / judged:.0f} %" for gate, (passed, judged) in gates.items() if judged]


def progress_line(told: Mapping[str, Any]) -> str:
    """One line for people: `blueprints: 120 of 200, 84 accepted · 8 in flight · 1.20 M tokens · policy 81 %`."""
    of = "" if told["total"] is None else f" of {told['total']}"
    return clean(" · ".join([f"{told['title']}: {told['done']}{of}, {told['accepted']} accepted", *figures(told)]))


def progress_html(told: Mapping[str, Any]) -> str:
    """The same as a bar with figures, for a notebook."""
    total, done, accepted = told["total"], told["done"], told["accepted"]
    head, *rest = progress_line(told).split(" · ")
    bar = ""
    if total:
        held, fell = 100 * min(accepted / total, 1), 100 * min(max(done - accepted, 0) / total, 1)
        piece = '<span style="display:inline-block;height:10px;width:{:.1f}%;background:{}"></span>'
        bar = (
            '<div style="height:10px;line-height:0;max-width:640px;background:rgba(128,138,150,.25)">'
            + piece.format(held, "#3a87ad")
            + piece.format(fell, "repeating-linear-gradient(45deg,#e08a52 0 4px,#eeb48f 4px 7px)")
            + "</div>"
        )
    small = " · ".join(map(html.escape, rest))
    return f'<div role="status"><b>{html.escape(head)}</b>{bar}<div style="opacity:.8">{small}</div></div>'


def read_progress(folder: Path) -> dict[str, Any] | None:
    """What a running stage last said, or None when no stage runs."""
    try:
        return dict(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def show_progress(folder: Path, label: str) -> Iterator[None]:
    """Tell people on stderr how far the stage in this folder is: a bar in a terminal, else a line now and then."""
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

    bar, spoken = None, time.monotonic()
    while not stop.wait(EVERY):
        told = read_progress(folder)
        if told is None:
            continue
        if sys.stderr.isatty():
            form = "{desc}: {n_fmt}/{total_fmt} |{bar:12}| {unit}"  # a postfix would begin with a comma
            bar = bar or tqdm(desc=label, file=sys.stderr, leave=False, dynamic_ncols=True, bar_format=form)
            bar.total, bar.n = told["total"], told["done"]
            bar.unit = clean(" · ".join([f"{told['accepted']} accepted", *figures(told)]))
            bar.refresh()
        elif time.monotonic() - spoken >= QUIET:
            print(f"{label}: {progress_line(told)}", file=sys.stderr, flush=True)
            spoken = time.monotonic()
    if bar is not None:
        bar.close()


def _cell() -> Any:
    # Asking sys.modules keeps IPython (0.3 s) out of every process that is no notebook.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return display({"text/plain": ""}, raw=True, display_id=True)
