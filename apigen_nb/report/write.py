"""Static pages of a run: an overview, a page per question, explorers, and the executed notebooks.

No page asks any host for anything, which a Content-Security-Policy enforces: no inline script runs either, figures and
items are JSON blocks that `report.js` draws. All figures share one `plotly.min.js`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..models.ledger import run_prices
from ..storage.jsonl import write_whole
from . import listings, pages
from .notebook_html import body_of
from .overview import overview
from .page_frame import Page, drawn, plotly_script, script, style
from .run_comparison import names
from .run_contents import Contents, contents

__all__ = ["Contents", "Page", "contents", "made", "write_report"]

NOTEBOOKS = {
    "0_tour": ("Tour", "the whole way on a few seeds"),
    "1_domain": ("Domain", "tools, policy, rules and data"),
    "2_blueprints": ("Mix and coverage", "the notebook of the blueprints: mix, difficulty, coverage of the graph"),
    "3_trajectories": ("Attempts and ends", "the notebook of the conversations: attempts, ends, causes"),
    "4_dataset": ("Export", "the notebook of the export: what was selected, in which formats"),
    "5_train": ("Training", "what a model learns from the dataset"),
    "6_evaluate": ("Evaluation", "what benchmarks say"),
}  # 7_report writes these pages, so it is not one of them


def made(held: Contents) -> list[Page]:
    """All pages of a run's report in reading order, the overview first."""
    found = [page for page in _questions(held) if page.body]
    return [Page("index.html", "Overview", "", overview(held, [(p.file, p.name, p.about) for p in found])), *found]


def _questions(held: Contents) -> Iterator[Page]:
    paths = [path for path in held.notebooks if path.stem in NOTEBOOKS]
    notebooks = [Page(f"{p.stem}.html", *NOTEBOOKS[p.stem], body=body_of(p), kind="notebook") for p in paths]
    yield from (page for page in notebooks if not page.in_menu)
    proposals, talks = held.proposals, held.trajectories
    if proposals:
        about = "what each gate let pass, by attempt, tool, level of difficulty, kind and persona; what fell and why"
        yield Page("passing.html", "Pass rates", about, pages.pass_rates(proposals))
        about = "where attempts go, which failures feedback mends, what that costs; every attempt before and after"
        spent = pages.reflections(proposals, run_prices(held.run), held.ledger)
        yield Page("reflection.html", "Reflection", about, spent)
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


def write_report(folder: Path, others: Sequence[Path] = ()) -> Path:
    """Write `report/` of a run's folder from its files and executed notebooks; gives the path of its `index.html`. With
    `others`, folders of further runs, it also has a page that puts them all side by side."""
    held = contents(Path(folder))
    return write_pages(held, [*made(held), *compared(held, others)])


def compared(held: Contents, others: Sequence[Path]) -> list[Page]:
    """The page that puts a run beside others; none without others."""
    if not others:
        return []
    runs = [held, *(contents(Path(other)) for other in others)]
    named = dict(zip(names(runs), runs, strict=True))
    here = (held.folder / "report").resolve()
    hrefs = {
        name: Path(os.path.relpath(run.folder.resolve() / "report" / "index.html", here)).as_posix()
        for name, run in named.items()
    }
    return [Page("compare.html", "Compare", "this run beside others", pages.compared(named, hrefs))]


def write_pages(held: Contents, found: list[Page]) -> Path:
    """Write pages and what they share into `report/` of a run's folder."""
    target = held.folder / "report"
    target.mkdir(parents=True, exist_ok=True)
    shared = {"plotly.min.js": plotly_script, "report.css": style, "report.js": script}
    for file, text in shared.items():
        write_whole(target / file, [text()])
    for page in found:
        write_whole(target / page.file, [drawn(held, found, page)])
    for old in {path.name for path in target.glob("*.html")} - {page.file for page in found}:
        (target / old).unlink()  # a page whose stage is gone must not stay reachable
    return target / "index.html"
