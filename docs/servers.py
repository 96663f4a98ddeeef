"""Writes the table of docs/servers.md from the quirks that the tests play: python docs/servers.py"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.quirks import QUIRKS  # noqa: E402 - found beside this folder

MARK = "<!-- quirks: written by docs/servers.py -->"


def page(before: str) -> str:
    """The page with its table made anew."""
    rows = [quirk.row for quirk in QUIRKS]
    return "\n".join(
        [before.partition(MARK)[0] + MARK, "| server | what it does | what is done |", "|---|---|---|", *rows, ""]
    )


if __name__ == "__main__":
    target = HERE / "servers.md"
    target.write_text(page(target.read_text(encoding="utf-8")), encoding="utf-8")
    print(target.name)
