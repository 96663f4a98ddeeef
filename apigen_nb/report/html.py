"""Static pages of a run: an overview, a page per question, explorers, and the executed notebooks.

No page asks any host for anything, which a Content-Security-Policy enforces: no inline script runs either, figures and
items are JSON blocks that `report.js` draws. All figures share one `plotly.min.js`."""

from __future__ import annotations

import importlib.resources
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from . import listings, pages, pieces
from .contents import Contents, contents
from .notebooks import body_of, has_figures, inert
from .overview import overview

__all__ = ["Contents", "Page", "contents", "made", "write_report"]

NOTEBOOKS = {
    "0_tour": ("Tour", "the whole way on a few seeds"),
    "1_domain": ("Domain", "tools, policy, rules and data"),
    "2_blueprints": ("Blueprints", "the notebook of the blueprints: mix, difficulty, coverage of the graph"),
    "3_trajectories": ("Conversations", "the notebook of the conversations: attempts, ends, causes"),
    "4_dataset": ("Export", "the notebook of the export: what was selected, in which formats"),
    "5_train": ("Training", "what a model learns from the dataset"),
    "6_evaluate": ("Evaluation", "what benchmarks say"),
}  # 7_report writes these pages, so it is not one of them
FIRST = ("1_domain",)  # stands among the pages; the other notebooks in a menu of their own


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


def made(held: Contents) -> list[Page]:
    """All pages of a run's report in reading order, the overview first."""
    found = [page for page in _questions(held) if page.body]
    return [Page("index.html", "Overview", "", overview(held, [(p.file, p.name, p.about) for p in found])), *found]


def _questions(held: Contents) -> Iterator[Page]:
    paths = [path for path in sorted((held.folder / "notebooks").glob("*.ipynb")) if path.stem in NOTEBOOKS]
    notebooks = [Page(f"{p.stem}.html", *NOTEBOOKS[p.stem], body=body_of(p), kind="notebook") for p in paths]
    yield from (page for page in notebooks if not page.in_menu)
    proposals, talks = held.proposals, held.trajectories
    if proposals:
        about = "what each gate let pass, by attempt, tool, level, kind and persona; what fell and why"
        yield Page("passing.html", "Pass rates", about, pages.pass_rates(proposals))
        about = "where attempts go, which failures feedback mends, what that costs; every attempt before and after"
        yield Page("reflection.html", "Reflection", about, pages.reflections(proposals))
        about = "every blueprint whole: attempts, verdicts, votes, feedback; accepted and rejected"
        yield Page("blueprints.html", "Blueprints", about, listings.blueprints(proposals))
    if talks:
        about = "every conversation beside its groundtruth, the end state and what the user was told"
        yield Page("trajectories.html", "Trajectories", about, listings.trajectories(talks, proposals))
    if proposals:
        about = "how the judges voted, how far they agree, which disagreements to read first"
        yield Page("committee.html", "Committee", about, pages.committee(proposals))
    if talks:
        about = "how long conversations are, which tool follows which, duplicates, a table to search"
        yield Page("dataset.html", "Dataset", about, pages.dataset(talks, proposals, held.rows))
    yield from (page for page in notebooks if page.in_menu)


def write_report(folder: Path) -> Path:
    """Write `report/` of a run's folder from its files and executed notebooks; gives the path of its `index.html`."""
    held = contents(Path(folder))
    return write_pages(held, made(held))


def write_pages(held: Contents, found: list[Page]) -> Path:
    """Write pages and what they share into `report/` of a run's folder."""
    target = held.folder / "report"
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.html"):  # a page whose stage is gone must not stay reachable
        old.unlink()
    for page in found:
        text = pieces.draw(
            "page.html.j2", title=page.name, run=held.name, here=page.file, kind=page.kind, scripts="'self' file:",
            pages=[(p.file, p.name) for p in found if not p.in_menu], inlined=None, scripted=held.scripted,
            notebooks=[(p.file, p.name) for p in found if p.in_menu], body=Markup(inert(page.body)),
            plots=has_figures(page.body) or 'class="views"' in page.body,
        )  # fmt: skip
        (target / page.file).write_text(text, encoding="utf-8")
    (target / "report.css").write_text(style(), encoding="utf-8")
    (target / "report.js").write_text(script(), encoding="utf-8")
    with importlib.resources.as_file(plotly_script()) as path:
        shutil.copyfile(path, target / "plotly.min.js")
    return target / "index.html"


def style() -> str:
    """The style sheet of all pages."""
    return "".join((pieces.ASSETS / name).read_text(encoding="utf-8") for name in ("pieces.css", "page.css"))


def script() -> str:
    """The script of all pages."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted((pieces.ASSETS / "js").glob("*.js")))


def plotly_script() -> importlib.resources.abc.Traversable:
    """Where plotly keeps its script."""
    return importlib.resources.files("plotly") / "package_data" / "plotly.min.js"
