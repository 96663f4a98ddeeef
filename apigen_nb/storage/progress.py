"""How far a stage is, for whoever watches: a bar with figures in a notebook, and what `progress_watch` shows elsewhere.
All of them show what one file says, `<folder>/progress.json`, which is there while a stage runs."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .safe_text import clean

EVERY = 0.3  # seconds between two updates; more often costs more than it tells
FILE = "progress.json"
SURE = 3.0  # seconds of work after which the time left is guessed

T = TypeVar("T")
Snapshot = Mapping[str, Any]
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
    is emptied at the end. Where an event loop runs, it is also said while nothing is finished. Where nothing is
    `judged`, such as pages, none is accepted or not."""

    def __init__(self, folder: Path, title: str, total: int | None = None, judged: bool = True) -> None:
        self.file = folder / FILE
        self.title, self.total, self.judged = title, total, judged
        self.done = self.accepted = self.undecided = self.tokens = self.calls = 0
        self.gates: dict[str, list[int]] = {}
        self._shown, self._begun, self._counted = 0.0, time.monotonic(), 0
        self._before, self._cell = _measured(), _cell()
        self._next: asyncio.TimerHandle | None = None
        self._tick()

    def count(self, record: object) -> None:
        """One record more; it is an accepted one when its `accepted` or `success` is true, an undecided one when its
        `undecided` is. Its verdicts, or those of its attempts, and its usage are added up; only one that held or
        fell judges."""
        self.done += 1
        self._counted += 1
        self.accepted += is_accepted(record)
        self.undecided += bool(getattr(record, "undecided", False))
        for judged in getattr(record, "attempts", None) or (record,):
            for verdict in getattr(judged, "verdicts", ()):
                gate = self.gates.setdefault(verdict.gate, [0, 0])
                gate[0] += verdict.passed
                gate[1] += verdict.outcome in ("held", "fell")
        for used in getattr(record, "usage", {}).values():
            self.tokens += used.prompt + used.completion
            self.calls += used.calls
        self.show()
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

    def snapshot(self) -> dict[str, Any]:
        """What is known now, as it stands in the file: `title`, `done`, `total` (None when it is not known) and
        `accepted` (None where nothing is judged) always; and what is known beside them: `undecided`, `gates` (name →
        passed, judged), `tokens`, `calls`, what meters measure, and `left`, the seconds that the rest will take if it
        goes on so."""
        accepted = self.accepted if self.judged else None
        known: dict[str, Any] = {"title": self.title, "done": self.done, "total": self.total, "accepted": accepted}
        known |= {n: value for n in ("undecided", "gates", "tokens", "calls") if (value := getattr(self, n))}
        for owner, now in _measured().items():
            before = self._before.get(owner, {})
            for name, number in now.items():
                if since := number - (0 if name in _MOMENTARY else before.get(name, 0)):
                    had = known.get(name, 0)
                    known[name] = max(had, since) if name == "waiting" else had + since
        spent = time.monotonic() - self._begun
        if self.total and self._counted and spent >= SURE:
            known["left"] = round(spent / self._counted * max(0, self.total - self.done))
        return known

    def _tick(self) -> None:
        # A timer of the loop and no thread: it stops with the work, also when that is cancelled.
        with contextlib.suppress(RuntimeError):
            self._next = asyncio.get_running_loop().call_later(max(EVERY, 0.05), self._again)

    def _again(self) -> None:
        self.show()
        self._tick()

    def show(self) -> None:
        """Say what is known, unless that was done a moment ago."""
        if time.monotonic() - self._shown < EVERY:
            return
        self._shown, now = time.monotonic(), self.snapshot()
        draft = self.file.with_name(FILE + ".tmp")
        draft.write_text(json.dumps(now), encoding="utf-8")
        os.replace(draft, self.file)
        if self._cell is not None:
            self._cell.update({"text/plain": progress_line(now), "text/html": progress_html(now)}, raw=True)


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


_IN_WORDS: dict[str, Callable[[float], str]] = {
    "undecided": "{:.0f} undecided".format,
    "in_flight": "{:.0f} in flight".format,
    "waiting": "waiting {:,.0f} s more for the server".format,
    "retries": "{:,.0f} retries".format,
    "refused": "{:,.0f} refused".format,
    "tokens": lambda number: f"{_amount(number)} tokens",
    "calls": lambda number: f"{_amount(number)} model calls",  # where a model counts no tokens
    "cost": "${:.2f}".format,
    "left": lambda seconds: f"about {duration(seconds)} left",
}


def figures(now: Snapshot) -> list[str]:
    """The numbers beside done and total, each in words; the gates come last."""
    known = {name: number for name, number in now.items() if number and (name != "calls" or not now.get("tokens"))}
    told = [in_words(known[name]) for name, in_words in _IN_WORDS.items() if name in known]
    gates = [
        f"{gate} {100 * passed / judged:.0f} %" for gate, (passed, judged) in known.get("gates", {}).items() if judged
    ]
    return [*([] if now["accepted"] is None else [f"{now['accepted']} accepted"]), *told, *gates]


def done_of(now: Snapshot) -> str:
    """`blueprints: 120 of 200`."""
    return f"{now['title']}: {now['done']}" + ("" if now["total"] is None else f" of {now['total']}")


def progress_line(now: Snapshot) -> str:
    """One line for people: `blueprints: 120 of 200, 84 accepted · 8 in flight · 1.20 M tokens · policy 81 %`."""
    told = " · ".join(figures(now))
    return clean(f"{done_of(now)}, {told}" if told else done_of(now))


def progress_html(now: Snapshot) -> str:
    """The same as a bar with figures, for a notebook."""
    head, *rest = map(html.escape, progress_line(now).split(" · "))
    accepted, undecided = now["done"] if now["accepted"] is None else now["accepted"], now.get("undecided", 0)
    bar = ""
    if total := now["total"]:
        piece = '<span style="display:inline-block;height:10px;width:{:.1f}%;background:{}"></span>'
        fell = "repeating-linear-gradient(45deg,#e08a52 0 4px,#eeb48f 4px 7px)"
        parts = ((accepted, "#3a87ad"), (max(now["done"] - accepted - undecided, 0), fell), (undecided, "#a8841c"))
        pieces = "".join(piece.format(100 * min(count / total, 1), colour) for count, colour in parts)
        style = "height:10px;line-height:0;max-width:640px;background:rgba(128,138,150,.25)"
        bar = f'<div style="{style}">{pieces}</div>'
    return f'<div role="status"><b>{head}</b>{bar}<div style="opacity:.8">{" · ".join(rest)}</div></div>'


def read_progress(folder: Path) -> dict[str, Any] | None:
    """What a running stage last said, or None when no stage runs."""
    try:
        return dict(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _cell() -> Any:
    # Asking sys.modules keeps IPython (0.3 s) out of every process that is no notebook.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return display({"text/plain": ""}, raw=True, display_id=True)
