"""What surrounds the content of every page: head, policy, navigation; and the style and scripts that pages share."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markupsafe import Markup

from . import glossary, pieces
from .kept import Kept
from .notebook_html import has_figures, inert
from .panels import Body, live, static
from .run_contents import RunContents

GLOSSARY = "glossary.html"
BESIDE = ("1_domain",)  # of the notebooks, stands among the pages; the others in a menu of their own

_LEAVES = re.compile(r'<a href="(?:\.\./|files/)[^"]*">([^<]*)</a>')  # links to files beside the pages


@dataclass(frozen=True)
class Page:
    """A page of a report: its file, its name in the navigation, what it is about, and what makes its body when it is
    first asked for; `kind` is a CSS class. What a widget gets of a large run is `kept`."""

    file: str
    name: str
    about: str
    make: Callable[[], Body]
    kind: str = ""
    kept: Kept | None = None

    @cached_property
    def body(self) -> Body:
        return self.make()

    @cached_property
    def html(self) -> str:
        """With everything inside that it may show, for a place in `report/`."""
        return inert(self._with_words(static(self.body)))

    @property
    def live(self) -> str:
        """For a widget, which asks for more; it stands beside no files of the run."""

        def made() -> str:
            return without_files(inert(self._with_words(live(self.body))))

        return self.kept.get(f"page {self.file}", made) if self.kept else made()

    def _with_words(self, html: str) -> str:
        """A body and, but on the page that has them all, what its words mean."""
        return html if self.file == GLOSSARY else html + str(glossary.fold(html))

    @property
    def in_menu(self) -> bool:
        """Whether it stands in the menu of notebooks."""
        return self.kind == "notebook" and Path(self.file).stem not in BESIDE


@dataclass(frozen=True)
class Inlined:
    """What a page holds itself instead of loading it: style, scripts, further pages."""

    style: Markup
    scripts: tuple[Markup, ...]
    pages: Markup

    @property
    def hashes(self) -> str:
        """The only scripts that may run, as a Content-Security-Policy names them."""
        digests = (hashlib.sha256(text.encode()).digest() for text in self.scripts)
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def without_files(html: str) -> str:
    """HTML that does not stand in the folder of a report: of links to its files the words remain."""
    return _LEAVES.sub(r"\1", html)


def page_html(run: RunContents, pages: Sequence[Page], page: Page, inlined: Inlined | None = None) -> str:
    """One page with its frame: head, navigation, content."""
    return pieces.draw(
        "page.html.j2", title=page.name, tag="header", inlined=inlined,
        scripts=inlined.hashes if inlined else "'self' file:",
        kind=page.kind, body=Markup(page.html), plots=has_figures(page.html) or 'class="views"' in page.html,
        **_bar(run.name, pages, page.file, run.scripted),
    )  # fmt: skip


def bar_html(title: str, pages: Sequence[Page], scripted: bool) -> str:
    """The navigation alone, as a widget shows it."""
    return pieces.draw("bar.html.j2", tag="div", **_bar(title, pages, "", scripted))


def _bar(title: str, pages: Sequence[Page], here: str, scripted: bool) -> dict[str, object]:
    beside = [(p.file, p.name) for p in pages if not p.in_menu]
    notebooks = [(p.file, p.name) for p in pages if p.in_menu]
    return {
        "run": title,
        "here": here,
        "scripted": scripted,
        "pages": beside,
        "notebooks": notebooks,
        "popovers": glossary.popovers(),
    }


def style() -> str:
    """The style sheet of all pages."""
    return "".join((pieces.ASSETS / name).read_text(encoding="utf-8") for name in ("pieces.css", "page.css"))


def script(start: str) -> str:
    """The script of all pages, which the file `start` starts in its place."""
    names = (
        "hyparquet-writer", "site", "figures", "columns", "exports", "grid", "finding", "align", "trajectory_diff",
        "diff_view", "diff_panels", "explorer", "datatable", start,
    )  # fmt: skip
    return "".join((pieces.ASSETS / "js" / f"{name}.js").read_text(encoding="utf-8") for name in names)


def plotly_script() -> str:
    """Plotly's own script, as its Python package brings it."""
    return (importlib.resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
