"""The first row of a file as a trainer will see it, short enough to be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..storage.safe_text import truncate, truncate_with_note
from . import pieces


def first_line(path: Path) -> pieces.Piece:
    """The first row of a JSONL file, indented; long texts in it are cut, and of `tools` only the first is shown."""
    with path.open(encoding="utf-8") as lines:
        line = lines.readline()
    text = json.dumps(_brief(json.loads(line)), indent=1, ensure_ascii=False) if line else "no rows"
    return pieces.piece("source", text=text, name=path.name)


def _brief(item: Any, key: str = "") -> Any:
    if isinstance(item, dict):
        return {name: _brief(part, name) for name, part in item.items()}
    if isinstance(item, list):
        left = [f"… and {len(item) - 1} more tools"] if key == "tools" and len(item) > 1 else []
        return [_brief(part) for part in (item[:1] if left else item)] + left
    if isinstance(item, str) and key == "tools":  # ShareGPT rows hold their tools as JSON in a text
        return truncate(item, 400)
    return truncate_with_note(item, 240) if isinstance(item, str) else item
