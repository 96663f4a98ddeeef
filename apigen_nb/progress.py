"""How far a stage is, for whoever watches: the runner's bar in a terminal, one line in a notebook."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EVERY = 0.3  # seconds between two updates; more often costs more than it tells
FILE = "progress.json"
QUIET = 10.0  # seconds between two lines where there is no terminal to draw a bar on


class Progress:
    """Counts records and says so at most every 0.3 s: in `<folder>/progress.json` `{title, done, total, accepted}` and,
    in a notebook, in one line that is updated in place and emptied at the end. Plain terminals see nothing: the runner
    reads the file and draws the bar. `total` is None when it is not known."""

    def __init__(self, folder: Path, title: str, total: int | None = None) -> None:
        self.file = folder / FILE
        self.title, self.total = title, total
        self.done = self.accepted = 0
        self._shown = 0.0
        self._cell = _cell()

    def count(self, record: object, *, quietly: bool = False) -> None:
        """One record more; it is an accepted one when its `accepted` or `success` is true."""
        self.done += 1
        self.accepted += is_accepted(record)
        if not quietly and time.monotonic() - self._shown >= EVERY:
            self._show()

    def close(self) -> None:
        """The work has ended, at least for now: no file and no line remain."""
        self.file.unlink(missing_ok=True)
        if self._cell is not None:
            self._cell.update({"text/plain": ""}, raw=True)

    def _show(self) -> None:
        self._shown = time.monotonic()
        told = {"title": self.title, "done": self.done, "total": self.total, "accepted": self.accepted}
        draft = self.file.with_name(FILE + ".tmp")
        draft.write_text(json.dumps(told), encoding="utf-8")
        os.replace(draft, self.file)
        if self._cell is not None:
            self._cell.update({"text/plain": line(told)}, raw=True)


def is_accepted(record: object) -> bool:
    """Whether a record counts as accepted: its `accepted` or its `success` is true."""
    return bool(getattr(record, "accepted", False) or getattr(record, "success", False))


def line(told: dict[str, Any]) -> str:
    """One line for people: `blueprints: 120 of 200, 84 accepted`."""
    of = "" if told["total"] is None else f" of {told['total']}"
    return f"{told['title']}: {told['done']}{of}, {told['accepted']} accepted"


def read(folder: Path) -> dict[str, Any] | None:
    """What a running stage last said, or None when no stage runs."""
    try:
        return dict(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def watched(folder: Path, label: str) -> Iterator[None]:
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
        told = read(folder)
        if told is None:
            continue
        if sys.stderr.isatty():
            bar = bar or tqdm(desc=label, file=sys.stderr, leave=False, dynamic_ncols=True)
            bar.total, bar.n = told["total"], told["done"]
            bar.set_postfix_str(f"{told['accepted']} accepted")
        elif time.monotonic() - spoken >= QUIET:
            print(f"{label}: {line(told)}", file=sys.stderr, flush=True)
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
