"""A page that steps through items: filters, search, a list, one item whole, two side by side; by keys, too.

The index of all items stands in the page as JSON. In a static page the items themselves stand there as well, in packed
chunks that are unpacked when somebody comes to one of them; a widget asks for each by its id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from . import pieces
from .embedded_data import packed
from .notebook_html import inert

MOST_ITEMS, MOST_BYTES, CHUNK = 1_500, 6_000_000, 40
A_FEW = 3  # of a sample: at least so many of each rare kind

Facets = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Item:
    """One thing to look at: its id, the values it can be found by, a line for the list. Items of one `group` can be put
    side by side. Of `parts` one and the same must have every value that is asked of parts. `alike` names those that it
    resembles: a sample has some of each."""

    id: str
    facets: Facets
    mark: str
    line: str
    group: str = ""
    parts: Sequence[Facets] = ()
    alike: str = ""

    @property
    def row(self) -> dict[str, object]:
        """The item in the index."""
        facets, parts = _filled(self.facets), [_filled(part) for part in self.parts]
        texts = {"id": self.id, "mark": self.mark, "line": self.line, "group": self.group}
        return {**texts, "facets": facets, "parts": parts}


def _filled(facets: Facets) -> dict[str, str | list[str]]:
    return {name: v if isinstance(v, str) else list(v) for name, v in facets.items() if v}


@dataclass(frozen=True)
class ItemExplorer:
    """All items of a `file`. `html` gives an item whole by its id, `find` the ids of those that hold a text. `menus`
    are the facets with a menu of their own; the others can be asked for by the address only. `level` is the heading's,
    `part` what an item's parts are called."""

    title: str
    about: str
    file: str
    unit: str
    menus: Sequence[str]
    items: Sequence[Item]
    html: Callable[[str], str]
    find: Callable[[str], Collection[str]]
    level: int = 1
    part: str = "parts"

    def fetch(self, id: str) -> str:
        """An item whole."""
        return inert(self.html(id))

    def live(self, number: int) -> pieces.Piece:
        """For a widget, which asks this component by its number on the page."""
        rows = [item.row for item in self.items]
        return self._draw(len(rows), packed({"items": rows}, "index", 1), Markup(""), number)

    def static(self) -> pieces.Piece:
        """With the items inside: all of them, or a sample of very many."""
        some = sample(self.items, MOST_ITEMS)
        chunks: list[Markup] = []
        size = shown = 0
        for start in range(0, len(some), CHUNK):
            held = some[start : start + CHUNK]
            chunk = packed([self.fetch(item.id) for item in held], "chunk")
            if size + len(chunk) > MOST_BYTES and chunks:
                break
            chunks.append(chunk)
            size, shown = size + len(chunk), shown + len(held)
        index = packed({"chunk": CHUNK, "items": [item.row for item in some[:shown]]}, "index")
        return self._draw(shown, index, Markup("").join(chunks))

    def _draw(self, shown: int, index: Markup, chunks: Markup, number: int = 0) -> pieces.Piece:
        compares = any(item.group for item in self.items)
        return pieces.draw(
            "explorer.html.j2", e=self, shown=shown, total=len(self.items), index=index, chunks=chunks, number=number,
            compares=compares,
        )  # fmt: skip


def sample(items: Sequence[Item], most: int) -> Sequence[Item]:
    """At most `most` of the items in their order: `A_FEW` of each value of `alike`, the others evenly spaced."""
    if len(items) <= most:
        return items
    seen: dict[str, int] = {}
    chosen: set[int] = set()
    for number, item in enumerate(items):
        if seen.get(item.alike, 0) < A_FEW and len(chosen) < most // 2:
            seen[item.alike] = seen.get(item.alike, 0) + 1
            chosen.add(number)
    rest = [number for number in range(len(items)) if number not in chosen]
    wanted = most - len(chosen)
    chosen |= {rest[int(place * len(rest) / wanted)] for place in range(wanted)}
    return [items[number] for number in sorted(chosen)]
