"""A figure as a picture and in words."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Mapping
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .axes import draw_axes
from .labels import annotate, draw_title, plain
from .plot import NoPicture, Plot
from .traces import draw_trace

__all__ = ["NoPicture", "in_svg", "in_words", "static_picture"]

WIDTH, WIDE = 900, 1160  # pixels of a figure, as a page shows it
COLOURS, APART = 32, 16  # of a picture, and how far they are from each other (of 255)


def static_picture(figure: Mapping[str, Any]) -> bytes:
    """A figure (`Figure.to_dict()`) as PNG: 900 pixels wide and half as many again, to be sharp; wide ones 1160. It is
    as high as the figure. The same figure gives the same bytes. NoPicture, which says what, when it holds what is not
    drawn here."""
    with matplotlib.rc_context({"font.family": "DejaVu Sans"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a letter of a script that the type lacks is a box
        try:
            return _png(_drawn(figure))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise NoPicture(f"something unforeseen ({type(error).__name__}: {error})") from error


def _drawn(figure: Mapping[str, Any]) -> FigureCanvasAgg:
    layout: Mapping[str, Any] = figure.get("layout", {})
    wide = bool((layout.get("meta") or {}).get("wide"))
    width, height = layout.get("width") or (WIDE if wide else WIDTH), layout.get("height") or 450
    paper = Figure(figsize=(width / 72, height / 72), dpi=72)  # at which a point is a pixel
    canvas = FigureCanvasAgg(paper)
    margin = {"l": 80, "r": 80, "t": 100, "b": 80, **layout.get("margin", {})}
    box = [margin["l"], margin["b"], width - margin["l"] - margin["r"], height - margin["t"] - margin["b"]]
    plot = Plot(paper, figure, (max(box[2], 1), max(box[3], 1)))
    _place(plot, box, width, height)
    for trace in figure.get("data", ()):
        draw_trace(plot, trace)
    draw_axes(plot)
    for note in layout.get("annotations", ()):
        annotate(plot, note)
    _make_room(plot, box, width, height)
    draw_title(plot, layout.get("title") or {})
    paper.set_dpi(72 * (1.0 if wide else 1.5))
    canvas.draw()
    return canvas


def _place(plot: Plot, box: list[float], width: float, height: float) -> None:
    plot.ax.set_position((box[0] / width, box[1] / height, max(box[2], 1) / width, max(box[3], 1) / height))


def _make_room(plot: Plot, box: list[float], width: float, height: float) -> None:
    """Give what stands outside of the plot, such as the names of its rows, the room that it needs."""
    figure = plot.paper
    reach = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    left, below = max(0.0, 4 - reach.x0), max(0.0, 4 - reach.y0)
    right, above = max(0.0, reach.x1 - width + 4), max(0.0, reach.y1 - height + 4)
    height += below + above
    figure.set_size_inches(width / 72, height / 72)
    _place(plot, [box[0] + left, box[1] + below, box[2] - left - right, box[3]], width, height)


def _png(canvas: FigureCanvasAgg) -> bytes:
    """In the commonest of its colours, which stay exact; what lies between them (edges of letters) gets the nearest."""
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
    image = Image.fromarray(pixels)
    counted = sorted(image.getcolors(image.width * image.height) or (), key=lambda found: (-found[0], found[1]))
    shades = np.array([shade for _, shade in counted], dtype=np.int16)
    palette = _commonest(shades)
    nearest = np.abs(shades[:, None] - palette[None]).sum(axis=2).argmin(axis=1)
    table = np.zeros(1 << 15, dtype=np.uint8)  # by the upper five bits of red, green and blue
    table[_bits(shades[::-1])] = nearest[::-1]
    few = Image.fromarray(table[_bits(pixels)])
    few.putpalette(palette.astype(np.uint8).tobytes())
    written = io.BytesIO()
    few.save(written, "PNG")
    return written.getvalue()


def _commonest(shades: Any) -> Any:
    """Of colours, the commonest first: those to keep, each apart from those before it."""
    kept: list[Any] = []
    while len(shades) and len(kept) < COLOURS:
        kept.append(shades[0])
        shades = shades[np.abs(shades - shades[0]).max(axis=1) >= APART]
    return np.array(kept)


def _bits(shades: Any) -> Any:
    red, green, blue = (shades[..., part].astype(np.uint16) >> 3 for part in range(3))
    return red << 10 | green << 5 | blue


def in_svg(png: bytes, words: str) -> str:
    """A picture as an SVG that holds it, with its words for who cannot see it. JupyterLab's renderer of live figures
    shows an `image/png` beside one in its place, an `image/svg+xml` not."""
    drawn = Image.open(io.BytesIO(png))
    width, height = WIDTH, round(WIDTH * drawn.height / drawn.width)
    data = base64.b64encode(png).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" style="max-width:100%;height:auto"><title>{escape(words)}</title>'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/></svg>'
    )


def in_words(figure: Mapping[str, Any]) -> str:
    """A figure for whoever sees texts alone: its title, and what stands beside each of its rows."""
    layout: Mapping[str, Any] = figure.get("layout", {})
    title = plain((layout.get("title") or {}).get("text") or "figure")
    notes = [] if figure.get("data") else [plain(note["text"]) for note in layout.get("annotations", ())]
    rows = [f"{plain(name)}: {plain(text)}" for name, text in (layout.get("meta") or {}).get("rows", ())]
    return "\n".join([title, *notes, *rows])
