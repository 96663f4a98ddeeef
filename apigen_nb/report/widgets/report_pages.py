"""The pages of a report in a widget: bodies, style and script are those of its static pages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import ipywidgets as W
import traitlets as T
from markupsafe import Markup

from ...storage.safe_text import clean
from .. import pieces
from ..page_frame import Page, bar_html, plotly_script, script
from ..panels import Component
from ..plain_text import in_words


class Plotly(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is untyped for mypy here
    """The one model of a kernel that holds plotly.js: 4.9 MB for each widget would be slow."""

    _esm = "export default {};"
    source = T.Unicode().tag(sync=True)


@functools.cache
def plotly() -> Plotly:
    return Plotly(source=plotly_script())


def _style() -> str:
    parts, page, own = ((pieces.ASSETS / f"{name}.css").read_text("utf-8") for name in ("pieces", "page", "widget"))
    return f"{parts}\n.apigen-report {{\n{page}\n}}\n{own}"  # a page's style is for a document of its own


class StandIn:
    """A widget with words for whoever shows a notebook without its kernel: `stand_in` makes HTML that runs nothing."""

    stand_in: Callable[[], pieces.Piece]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)  # type: ignore[misc]  # of the widget beside it
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        piece = self.stand_in()
        data |= {"text/html": piece._repr_html_(), "text/plain": in_words(piece)}
        return bundle


def in_place_of(title: str, pages: Sequence[Page], figures: Callable[[], str] | None) -> pieces.Piece:
    """What stands for pages where they cannot be shown: what there is to see and where; `figures` makes a run's key
    figures."""
    listed = Markup("").join(
        Markup("<li><b>{}</b>{}</li>").format(page.name, f": {page.about}" if page.about else "") for page in pages
    )
    html = Markup('<div class="apigen mathjax_ignore tex2jax_ignore"><p><b>{}</b></p>{}<ul>{}</ul><p>{}</p></div>')
    return pieces.Piece(
        html.format(clean(title), Markup(figures() if figures else ""), listed, LIVE + (ALSO if figures else ""))
    )


LIVE = "These pages are live where the notebook runs: open it in JupyterLab and run it."
ALSO = " “make app RUN=…” shows them without a notebook; the report in the run's folder has them for any browser."


class ReportPages(StandIn, anywidget.AnyWidget):  # type: ignore[misc]
    """Pages of which one is open, the one of `address` ("page.html#fragment"). Each is made when it is first looked at;
    its items, panels and what is searched for in it are asked of Python. Without `menu` the navigation shows only when
    a link has led to another page."""

    _esm = script("widget")
    _css = _style()
    bar = T.Unicode().tag(sync=True)
    address = T.Unicode().tag(sync=True)
    menu = T.Bool(True).tag(sync=True)
    library = T.Instance(W.Widget).tag(sync=True, **W.widget_serialization)

    def __init__(
        self, title: str, pages: Sequence[Page], scripted: bool, file: str = "", item: str = "", menu: bool = True,
        figures: Callable[[], str] | None = None,
    ) -> None:  # fmt: skip
        self.pages = {page.file: page for page in pages}
        if file and file not in self.pages:
            raise LookupError(f"this run has no page {file}: it has {', '.join(self.pages)}")
        address = f"{file or pages[0].file}#{item}"
        bar = bar_html(clean(title), pages, scripted)
        super().__init__(bar=bar, address=address, menu=menu, library=plotly())
        self.stand_in = functools.partial(in_place_of, title, pages, figures)
        self.on_msg(lambda _, question, __: self._hear(question))

    def _hear(self, question: Mapping[str, Any]) -> None:
        told = {name: question[name] for name in ("page", "number", "key", "text", "start") if name in question}
        try:
            self.send({"to": question["from"], "answer": self.ask(**told)})
        except Exception as error:
            self.send({"to": question["from"], "error": clean(f"{type(error).__name__}: {error}")})
            raise

    def ask(self, page: str, number: int = -1, key: str = "", text: str = "", start: int = 0) -> str | dict[str, Any]:
        """The HTML of a page; of its component with a number what a key stands for, or of the items that hold a text
        those of the slice that begins at `start`: {"ids": …, "next": where to look on, -1 after the last one}."""
        found = self.pages[page]
        if number < 0:
            return found.live
        component = found.body[number]
        if not isinstance(component, Component):
            raise LookupError(f"part {number} of {page} is plain text")
        if not text:
            return component.fetch(key)
        ids, on = component.find(text, start)
        return {"ids": sorted(ids), "next": on}
