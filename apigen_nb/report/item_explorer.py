"""A page that steps through items: filters, search, a list, one item whole, two side by side; by keys, too.

The index of all items stands in the page, column by column. In a static page the items themselves stand there as well,
in packed chunks that are unpacked when somebody comes to one of them; a widget asks for each by its id."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from . import pieces
from .columns import Columns
from .comparable import DATA
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


# A text and where to begin → the ids of items that hold it, and where to look on (-1: nowhere).
Find = Callable[[str, int], tuple[Collection[str], int]]


@dataclass(frozen=True)
class ItemExplorer:
    """All items of a `file`; `make` gives them when they are first needed. `html` gives an item whole by its id, `find`
    looks for a text, a slice of the items at a time. `menus` are the facets with a menu of their own; the others are
    asked for by the table or the address. `level` is the heading's, `part` what an item's parts are called; of items of
    which `any_two` can be compared the diff is shown, by what their HTML brings along."""

    title: str
    about: str
    file: str
    unit: str
    menus: Sequence[str]
    make: Callable[[], Sequence[Item]]
    html: Callable[[str], str]
    find: Find
    level: int = 1
    part: str = "parts"
    any_two: bool = False

    @cached_property
    def items(self) -> Sequence[Item]:
        """All of them, in order."""
        return self.make()

    def fetch(self, id: str) -> str:
        """An item whole."""
        return inert(self.html(id))

    def live(self, number: int) -> pieces.Piece:
        """For a widget, which asks this component by its number on the page."""
        return self._draw(len(self.items), index(self.items, {}, 1), Markup(""), number)

    def static(self) -> pieces.Piece:
        """With the items inside: all of them, or a sample of very many."""
        some = sample(self.items, MOST_ITEMS)
        chunks: list[Markup] = []
        size = shown = 0
        for start in range(0, len(some), CHUNK):
            held = some[start : start + CHUNK]
            chunk = packed(_apart([self.fetch(item.id) for item in held]), "chunk")
            if size + len(chunk) > MOST_BYTES and chunks:
                break
            chunks.append(chunk)
            size, shown = size + len(chunk), shown + len(held)
        return self._draw(shown, index(some[:shown], {"chunk": CHUNK}), Markup("").join(chunks))

    def _draw(self, shown: int, rows: Markup, chunks: Markup, number: int = 0) -> pieces.Piece:
        if not self.items and self.level > 1:
            return pieces.Piece("")  # below other parts of a page it has nothing to say
        compares = any(item.group for item in self.items)
        return pieces.draw(
            "explorer.html.j2", e=self, shown=shown, total=len(self.items), index=rows, chunks=chunks, number=number,
            compares=compares,
        )  # fmt: skip


def index(items: Sequence[Item], told: Mapping[str, object], level: int = 6) -> Markup:
    """All items in columns: what each is found by, of its parts what any of them shows; and each part by itself."""
    columns = Columns(**told)
    for name in ("id", "mark", "line", "group"):
        columns.add("texts", name, [getattr(item, name) for item in items])
    for name in _names(item.facets for item in items):
        columns.add("items", name, [item.facets.get(name, "") for item in items])
    for name in _names(part for item in items for part in item.parts):
        columns.add("parts", name, [part.get(name, "") for item in items for part in item.parts])
        columns.add("items", name, [_any(item.parts, name) for item in items])
    columns.add_starts([0, *itertools.accumulate(len(item.parts) for item in items)])
    return columns.packed("index", level)


def _apart(htmls: Sequence[str]) -> list[str]:
    """HTML of items, and behind all of them the data that each brings along: like packs with like to half the size."""
    parts = [html.partition(DATA) for html in htmls]
    return [*(html for html, _, _ in parts), *(mark + data for _, mark, data in parts)]


def _names(facets: Iterable[Facets]) -> list[str]:
    return list(dict.fromkeys(name for one in facets for name, value in one.items() if value))


def _any(parts: Sequence[Facets], name: str) -> tuple[str, ...]:
    """The values that any of an item's parts has."""
    found = (part.get(name, ()) for part in parts)
    return tuple(dict.fromkeys(text for value in found for text in ((value,) if isinstance(value, str) else value)))


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
