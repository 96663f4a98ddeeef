"""What a check has found, in words."""

from __future__ import annotations

import textwrap
from typing import Literal, NamedTuple

Level = Literal["error", "warning"]


class Finding(NamedTuple):
    """One thing that is missing or wrong. `check` names the check, `where` the tool, rule, table or file; `todo` says
    what to do. An error breaks the contract; a warning is a reason to look."""

    level: Level
    check: str
    where: str
    found: str
    expected: str
    todo: str

    def __str__(self) -> str:
        lines = (f"found: {self.found}", f"expected: {self.expected}", f"do: {self.todo}")
        return "\n".join([f"{self.level} · {self.check} · {self.where}", *map(_filled, lines)])


def _filled(line: str) -> str:
    return textwrap.fill(line, 112, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
