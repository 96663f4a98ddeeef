"""Texts of a figure: plotly's pseudo-HTML as runs of one look each, titles, and notes at their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from matplotlib.colors import to_rgba
from matplotlib.offsetbox import AnchoredOffsetbox, AnnotationBbox, HPacker, OffsetBox, TextArea, VPacker

from .plot import NoPicture, Plot

NARROW = 0.92  # DejaVu is that much wider than what browsers write with
INK = "#45505c"  # of a figure that names no colour
SIDES = {0.0: ("left", "bottom"), 0.5: ("center", "center"), 1.0: ("right", "top")}

Colour = tuple[float, float, float, float]
_RGB = re.compile(r"rgba?\(([^)]*)\)")
_SPAN = re.compile(r"color:\s*([^;]+)")


def colour(text: str | None, opacity: float = 1.0) -> Colour:
    """A colour as plotly writes it."""
    found = _RGB.fullmatch((text or INK).replace(" ", ""))
    if found:
        red, green, blue, *alpha = map(float, found[1].split(","))
        return red / 255, green / 255, blue / 255, (alpha[0] if alpha else 1.0) * opacity
    red, green, blue, own = to_rgba(text or INK)
    return red, green, blue, own * opacity


class _Runs(HTMLParser):
    """Lines of runs: a text with its look. Of tags it knows those that plotly knows; others it drops."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[tuple[str, dict[str, Any]]]] = [[]]
        self._open: list[dict[str, Any]] = [{}]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.lines.append([])
            return
        look = dict(self._open[-1])
        if tag in ("b", "i"):
            look |= {"weight": "bold"} if tag == "b" else {"style": "italic"}
        if found := _SPAN.search(dict(attrs).get("style") or ""):
            look["color"] = colour(found[1])
        self._open.append(look)

    def handle_endtag(self, tag: str) -> None:
        if tag != "br" and len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.lines[-1].append((data, self._open[-1]))


def _runs(text: str) -> list[list[tuple[str, dict[str, Any]]]]:
    parser = _Runs()
    parser.feed(str(text))
    parser.close()
    return parser.lines


def plain(text: object) -> str:
    """A text without its marks."""
    return "\n".join("".join(run for run, _ in line) for line in _runs(str(text)))


def font(*given: Mapping[str, Any] | None) -> dict[str, Any]:
    """How a text is written: plotly's fonts, the later one over the earlier."""
    merged: dict[str, Any] = {"size": 12}
    for one in given:
        merged |= {key: value for key, value in (one or {}).items() if value is not None}
    return {"size": NARROW * merged["size"], "color": colour(merged.get("color")), "parse_math": False}


def block(text: str, look: Mapping[str, Any], align: Any = "left") -> OffsetBox:
    """A text of several lines and looks as a box."""
    lines: list[Any] = []
    for line in _runs(text):
        runs: list[Any] = [TextArea(run, textprops={**look, **own}) for run, own in line or [(" ", {})]] or [
            TextArea(" ", textprops=dict(look))
        ]
        lines.append(HPacker(children=runs, pad=0, sep=0, align="baseline"))
    return VPacker(children=lines, pad=0, sep=3, align=align)


def annotate(plot: Plot, note: Mapping[str, Any]) -> None:
    """Write a note at its place. NoPicture when an arrow leads from it."""
    if note.get("visible") is False:
        return
    if note.get("showarrow", True):
        raise NoPicture("a note with an arrow")
    across, up = _side(note, "x", plot), _side(note, "y", plot)
    look, ground = font(plot.layout.get("font"), note.get("font")), note.get("bgcolor")
    places: dict[str, Any] = {"xycoords": (across[1], up[1]), "annotation_clip": False}
    shift = note.get("xshift", 0), note.get("yshift", 0)
    lines = _runs(note["text"])
    if len(lines) == len(lines[0]) == 1 and not ground:  # most are; a box for each would take three times as long
        ((text, own),) = lines[0]
        sides: dict[str, Any] = {"ha": SIDES[across[2]][0], "va": SIDES[up[2]][1]}
        plot.ax.annotate(
            text, (across[0], up[0]), xytext=shift, textcoords="offset points", **places, **sides, **look | own
        )
        return
    box = AnnotationBbox(
        block(note["text"], look, SIDES[across[2]][0]), (across[0], up[0]), xybox=shift, boxcoords="offset points",
        box_alignment=(across[2], up[2]), pad=note.get("borderpad", 1) / 10 if ground else 0, fontsize=10,
        frameon=bool(ground), bboxprops={"facecolor": colour(ground), "linewidth": 0}, **places,
    )  # fmt: skip
    plot.ax.add_artist(box)


def _side(note: Mapping[str, Any], axis: str, plot: Plot) -> tuple[float, str, float]:
    """On one axis: where a note stands, in which coordinates, and which part of it stands there."""
    value, anchor = note[axis], note.get(f"{axis}anchor", "auto")
    paper = note.get(f"{axis}ref") == "paper"
    names = {"left": 0.0, "center": 0.5, "right": 1.0, "bottom": 0.0, "middle": 0.5, "top": 1.0}
    nearest = min((0.0, 0.5, 1.0), key=lambda part: abs(part - value)) if paper else 0.5
    place = value if paper else plot.places(axis, [value])[0]
    return place, "axes fraction" if paper else "data", names.get(anchor, nearest)


def draw_title(plot: Plot, title: Mapping[str, Any]) -> None:
    """Write the title and what stands below it into the upper left corner."""
    under = title.get("subtitle") or {}
    parts = [part for part in (title, under) if part.get("text")]
    boxes: list[Any] = [block(part["text"], font(plot.layout.get("font"), part.get("font"))) for part in parts]
    packed = VPacker(children=boxes, pad=0, sep=5, align="left")
    place = 4 / (72 * plot.paper.get_figwidth()), 1 - 12 / (72 * plot.paper.get_figheight())
    corner: dict[str, Any] = {"bbox_to_anchor": place, "bbox_transform": plot.paper.transFigure}
    box = AnchoredOffsetbox("upper left", child=packed, pad=0, borderpad=0, frameon=False, **corner)
    plot.paper.add_artist(box)
