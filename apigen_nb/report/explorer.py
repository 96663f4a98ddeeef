"""A page that steps through items: filters, search, a list, one item whole, two side by side; by keys, too.

The index of all items stands in the page as JSON, the items themselves in packed chunks that are unpacked when somebody
comes to one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from . import pieces
from .embedded_data import packed
from .notebook_html import inert

MOST_ITEMS, MOST_BYTES, CHUNK = 1_500, 6_000_000, 40
A_FEW = 3  # of a sample: at least so many of each rare kind

Facets = Mapping[str, str | Sequence[str]]
R = TypeVar("R")


@dataclass(frozen=True)
class Item:
    """One thing to look at: its id, the values it can be found by, a line for the list, its HTML. Items of one `group`
    can be put side by side. Of `parts` one and the same must have every value that is asked of parts."""

    id: str
    facets: Facets
    mark: str
    line: str
    html: str
    group: str = ""
    parts: Sequence[Facets] = ()


def sample(records: Sequence[R], most: int, rare: Callable[[R], str]) -> list[R]:
    """At most `most` of the records in their order: `A_FEW` of each value of `rare`, the others evenly spaced."""
    if len(records) <= most:
        return list(records)
    seen: dict[str, int] = {}
    chosen: set[int] = set()
    for number, record in enumerate(records):
        value = rare(record)
        if seen.get(value, 0) < A_FEW and len(chosen) < most // 2:
            seen[value] = seen.get(value, 0) + 1
            chosen.add(number)
    rest = [number for number in range(len(records)) if number not in chosen]
    wanted = most - len(chosen)
    chosen |= {rest[int(place * len(rest) / wanted)] for place in range(wanted)}
    return [records[number] for number in sorted(chosen)]


def explorer(
    about: str,
    file: str,
    items: Sequence[Item],
    total: int,
    selects: Sequence[str],
    unit: str,
    title: str,
    level: int = 1,
    part: str = "parts",
) -> pieces.Piece:
    """The HTML of an explorer. `selects` are the facets with a menu of their own; the others can be asked for by the
    address only. `total` is how many there are in `file`: fewer items are called a sample. `level` is the heading's,
    `part` what an item's parts are called."""
    index = [
        {
            "id": item.id, "mark": item.mark, "line": item.line, "group": item.group, "facets": _filled(item.facets),
            "parts": list(map(_filled, item.parts)),
        }
        for item in items
    ]  # fmt: skip
    chunks: list[Markup] = []
    size = shown = 0
    for start in range(0, len(items), CHUNK):
        some = items[start : start + CHUNK]
        chunk = packed([inert(item.html) for item in some], "chunk")
        if size + len(chunk) > MOST_BYTES and chunks:
            break
        chunks.append(chunk)
        size, shown = size + len(chunk), shown + len(some)
    return pieces.draw(
        "explorer.html.j2", title=title, level=level, about=about, file=file, facets=list(selects), shown=shown,
        total=total, unit=unit, part=part,
        index=packed({"chunk": CHUNK, "items": index[:shown]}, "index"),
        chunks=Markup("").join(chunks), compares=any(item.group for item in items),
    )  # fmt: skip


def _filled(facets: Facets) -> dict[str, str | list[str]]:
    return {name: v if isinstance(v, str) else list(v) for name, v in facets.items() if v}
