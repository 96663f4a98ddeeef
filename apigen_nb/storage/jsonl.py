"""Files of JSON lines: a line is whole or absent."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ..records import Record

R = TypeVar("R", bound=Record)


class Damaged(Exception):
    """A file does not hold what it should; the message names the file and the line."""


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write a text file so that any reader, at any moment and after any crash, finds the old file or the new one."""
    draft = path.with_name(path.name + ".tmp")
    try:
        with naming(path), draft.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)  # on a full disk it would be in the way
        raise


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say in an OSError which file it is about: a full disk does not tell."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def read_lines(path: Path | str, kind: type[R]) -> list[R]:
    """All records of a finished artefact. Damaged when a line is not a whole record: artefacts are written at once, so
    a half-written line means that something else has touched the file."""
    return [record for _, _, record in scan_lines(Path(path), kind)]


def scan_lines(path: Path, kind: type[R]) -> Iterator[tuple[int, bytes, R]]:
    """Offset, bytes and record of every line, one at a time. Damaged as in `read_lines`."""
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield offset, line, parse_line(line, kind)
            except ValidationError as error:
                problem = error.errors(include_url=False)[0]
                where = ".".join(str(part) for part in problem["loc"])
                found = f"{where}: {problem['msg']}" if where else problem["msg"]
                cut = "" if line.endswith(b"\n") else "; the line is cut off"
                told = f"{path}, line {number}: expected a {kind.__name__}, found {found}{cut}"
                raise Damaged(f"{told}; delete {path.name} to have it made again, from kept replies") from None
            offset += len(line)


def parse_line(line: bytes, kind: type[R]) -> R:
    """One record from its line. ValidationError when it is none."""
    # A model's text may hold a lone surrogate, written as an escape: json reads it, pydantic's own parser does not.
    if b"\\ud" in line:
        with contextlib.suppress(ValueError):
            return kind.model_validate(json.loads(line))
    return kind.model_validate_json(line)


def drop_half_line(path: Path) -> None:
    """Cut a half-written last line off a journal."""
    # A process killed while it wrote leaves a last line without its end. Appending to it would spoil the next line too.
    with path.open("rb") as file:
        end = sum(len(line) for line in file if line.endswith(b"\n"))
    if end < path.stat().st_size:
        os.truncate(path, end)


def drop_damaged(path: Path, kind: type[R]) -> int:
    """Take the lines that are no records out of a journal; how many there were."""
    if not path.exists():
        return 0
    before = count_lines(path)
    with path.open("rb") as file:
        write_whole(path, (line.decode().removesuffix("\n") for line in file if _is_record(line, kind)))
    return before - count_lines(path)


def count_lines(path: Path) -> int:
    """How many lines a file has."""
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _is_record(line: bytes, kind: type[Record]) -> bool:
    with contextlib.suppress(ValidationError):
        return bool(parse_line(line, kind))
    return False


def append_line(path: Path, line: str) -> int:
    """Add one line, whole or not at all; gives the offset at which it stands."""
    # One write on O_APPEND: a line of a killed process is absent or is the last one, never in the midst of others. No
    # fsync, 5 ms each: after a power cut the last seconds are made again.
    data = (line + "\n").encode()
    with naming(path):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            if (written := os.write(file, data)) < len(data):
                os.ftruncate(file, os.fstat(file).st_size - written)
                raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes could be written; is the disk full?")
            return os.lseek(file, 0, os.SEEK_CUR) - len(data)
        finally:
            os.close(file)
