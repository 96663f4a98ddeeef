"""What was made of a large run's records, kept for the next time it is looked at.

A hundred thousand blueprints are a gigabyte of records, and a few megabytes of pages. What is kept stands in the user's
own cache, never in the run's folder: whoever sends a folder must not be able to send pages with it. It is used only
while the run's files and this package are what they were; a small run keeps nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

T = TypeVar("T")
LARGE = 50_000_000  # bytes of records; below, reading them takes a second
RUNS = 8  # whose pages are kept
FILES = (
    *("run.json", "ledger.json", "blueprints.jsonl", "trajectories.jsonl", "dataset/proofs.jsonl"),
    "notes.jsonl",
)
PACKAGE = Path(__file__).parent.parent


class Kept:
    """What is kept of a run, by names. `get` makes what is not there, as JSON values."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._held: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[], T]) -> T:
        """What was kept under a name, else what `make` gives, which is kept from now on."""
        found = self.find(name)
        if found is not None:
            return found  # type: ignore[no-any-return]  # as it was made
        made = make()
        if self._key:
            self._write(name, made)
        return made

    def find(self, name: str) -> Any:
        """What was kept under a name; None when there is nothing."""
        if not self._key:
            return None
        if name not in self._held:
            with suppress(OSError, ValueError, EOFError, zlib.error):
                self._held[name] = json.loads(gzip.decompress(self._path(name).read_bytes()))
        return self._held.get(name)

    @property
    def on(self) -> bool:
        """Whether anything is kept: of a run that is large and finished."""
        return bool(self._key)

    @cached_property
    def _key(self) -> str:
        """Of the run's files and of this package as they are; "" when the run is small or still being written."""
        sizes = [path.stat().st_size for path in map(self._folder.joinpath, FILES) if path.is_file()]
        if sum(sizes) < LARGE or any(self._folder.glob("*.jsonl.part")):
            return ""
        return hashlib.sha256(f"{_stamp()} {_marks(map(self._folder.joinpath, FILES))}".encode()).hexdigest()[:32]

    @property
    def _home(self) -> Path:
        return user_cache_path("apigen-nb") / "pages" / hashlib.sha256(str(self._folder).encode()).hexdigest()[:32]

    def _path(self, name: str) -> Path:
        return self._home / self._key / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json.gz"

    def _write(self, name: str, value: Any) -> None:
        path = self._path(name)
        with suppress(OSError):  # a home that cannot be written keeps nothing
            if not path.parent.is_dir():
                shutil.rmtree(self._home, ignore_errors=True)  # what was made of older files
                path.parent.mkdir(parents=True, mode=0o700)
                _drop_oldest(self._home.parent)
            text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(gzip.compress(text, 1, mtime=0))
            os.replace(draft, path)


def _marks(paths: Iterable[Path]) -> str:
    """What tells files apart from what they were before."""
    found = [(path, path.stat()) for path in paths if path.is_file()]
    return str([(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in found])


@cache
def _stamp() -> str:
    """Of this package's files."""
    return _marks(sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".j2", ".js", ".css")))


def _drop_oldest(home: Path) -> None:
    old = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[RUNS:]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
