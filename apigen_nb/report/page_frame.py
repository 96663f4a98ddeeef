"""What surrounds the content of every page: head, policy, navigation; and the style and scripts that pages share."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from . import pieces
from .notebook_html import has_figures, inert
from .run_contents import Contents

FIRST = ("1_domain",)  # of the notebooks, stands among the pages; the others in a menu of their own


@dataclass(frozen=True)
class Page:
    """A page of a report: its file, its name in the navigation, what it is about, its HTML; `kind` is a CSS class."""

    file: str
    name: str
    about: str
    body: str
    kind: str = ""

    @property
    def in_menu(self) -> bool:
        """Whether it stands in the menu of notebooks."""
        return self.kind == "notebook" and Path(self.file).stem not in FIRST


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


def drawn(held: Contents, found: Sequence[Page], page: Page, inlined: Inlined | None = None) -> str:
    """One page with its frame: head, navigation, content."""
    return pieces.draw(
        "page.html.j2", title=page.name, run=held.name, here=page.file, kind=page.kind, inlined=inlined,
        scripts=inlined.hashes if inlined else "'self' file:", pages=[(p.file, p.name) for p in found if not p.in_menu],
        notebooks=[(p.file, p.name) for p in found if p.in_menu], body=Markup(inert(page.body)),
        plots=has_figures(page.body) or 'class="views"' in page.body, scripted=held.scripted,
    )  # fmt: skip


def style() -> str:
    """The style sheet of all pages."""
    return "".join((pieces.ASSETS / name).read_text(encoding="utf-8") for name in ("pieces.css", "page.css"))


def script() -> str:
    """The script of all pages."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted((pieces.ASSETS / "js").glob("*.js")))


def plotly_script() -> str:
    """Plotly's own script, as its Python package brings it."""
    return (importlib.resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
