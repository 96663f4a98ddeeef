"""Static pages of a run: an overview, a page per question, explorers, and the executed notebooks.

No page asks any host for anything, which a Content-Security-Policy enforces: no inline script runs either, figures and
items are JSON blocks that `report.js` draws. All figures share one `plotly.min.js`."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from ..storage.jsonl import write_whole
from ..storage.progress import Progress
from . import glossary, listings, pages
from .notebook_html import body_of
from .overview import COPY, copied, overview
from .page_frame import GLOSSARY, Inlined, Page, page_html, plotly_script, script, style, without_files
from .panels import PanelChooser
from .run_comparison import named_runs
from .run_contents import RunContents

__all__ = ["Page", "RunContents", "pages_of", "question_pages", "write_report", "write_single_file"]

NOTEBOOKS = {
    "0_tour": ("Tour", "the whole way on a few seeds"),
    "1_domain": ("Domain", "tools, policy, rules and data"),
    "2_blueprints": ("Mix and coverage", "the notebook of the blueprints: mix, difficulty, coverage of the graph"),
    "3_trajectories": ("Attempts and ends", "the notebook of the conversations: attempts, ends, causes"),
    "4_dataset": ("Export", "the notebook of the export: what was selected, in which formats"),
    "5_train": ("Training", "what a model learns from the dataset"),
    "6_evaluate": ("Evaluation", "what benchmarks say"),
}  # 7_report writes these pages, so it is not one of them
QUESTIONS = (
    ("pass_rates", "Pass rates", pages.pass_rates_page,
     "what each gate let pass, by attempt, tool, level of difficulty, kind and persona; what fell and why"),
    ("reflection", "Reflection", pages.reflection_page,
     "where attempts go, which failures feedback mends, what that costs; every attempt before and after"),
    ("blueprints", "Blueprints", lambda run: [listings.blueprints(run)],
     "every blueprint whole: attempts, verdicts, votes, feedback; accepted and rejected"),
    ("trajectories", "Trajectories", lambda run: [listings.trajectories(run)],
     "every conversation beside its groundtruth, the end state and what the user was told"),
    ("committee", "Committee", pages.committee_page,
     "how the judges voted, how far they agree, which disagreements to read first"),
    ("dataset", "Dataset", pages.dataset_page,
     "how long conversations are, which tool follows which, duplicates and near ones, a table to search"),
)  # fmt: skip


def question_pages(run: RunContents) -> list[Page]:
    """The overview and the pages that answer a question about a run, each made when its body is first asked for."""
    held = {"trajectories": run.held_conversations, "dataset": run.held_conversations}
    voted = run.held_blueprints and run.kept.get("voted", lambda: pages.voted(run.proposals))
    found = [
        Page(f"{name}.html", title, about, functools.partial(make, run), kept=run.kept)
        for name, title, make, about in QUESTIONS
        if held.get(name, run.held_blueprints) and (name != "committee" or voted)
    ]
    found.append(Page(GLOSSARY, "Glossary", "what the words of these pages mean", glossary.page))
    return [_overview(run, found), *found]


def _overview(run: RunContents, found: Sequence[Page]) -> Page:
    links = [(page.file, page.name, page.about) for page in found]
    return Page("index.html", "Overview", "", lambda: [lambda: overview(run, links)], kept=run.kept)


def pages_of(run: RunContents) -> list[Page]:
    """All pages of a run's report in reading order, the overview first."""
    paths = [path for path in run.notebooks if path.stem in NOTEBOOKS]
    notebooks = [
        Page(f"{path.stem}.html", *NOTEBOOKS[path.stem], lambda path=path: [body_of(path)], "notebook")  # type: ignore[misc]
        for path in paths
    ]
    beside, in_menu = ([p for p in notebooks if p.in_menu is menu and p.html] for menu in (False, True))
    found = [*beside, *question_pages(run)[1:], *in_menu]
    return [_overview(run, found), *found]


def write_report(folder: Path, others: Sequence[Path] = ()) -> Path:
    """Write `report/` of a run's folder from its files and executed notebooks; gives the path of its `index.html`. With
    `others`, folders of further runs, it also has a page that puts them all side by side."""
    run = RunContents(folder)
    found = [*pages_of(run), *_compared(run, others)]
    target = run.folder / "report"
    target.mkdir(parents=True, exist_ok=True)
    shared = {"plotly.min.js": plotly_script(), "report.css": style(), "report.js": script("start")}
    for file, text in shared.items():
        write_whole(target / file, [text])
    for page in _counted(run, found):
        write_whole(target / page.file, [page_html(run, found, page)])
    _copy_files(run, target)
    if run.kept.on:
        keep(run)
    for old in {path.name for path in target.glob("*.html")} - {page.file for page in found}:
        (target / old).unlink()  # a page whose stage is gone must not stay reachable
    return target / "index.html"


def _counted(run: RunContents, pages: Sequence[Page]) -> Iterator[Page]:
    """The pages, and to whoever watches how many are written."""
    shown = Progress(run.folder, "pages", len(pages), judged=False)
    try:
        shown.show()
        for page in pages:
            yield page
            shown.count(page)
    finally:
        shown.close()


def _copy_files(run: RunContents, target: Path) -> None:
    """Put what the pages link beside them, and nothing that is no longer there."""
    shutil.rmtree(target / COPY.format(""), ignore_errors=True)
    for name in copied(run.folder):
        place = target / COPY.format(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.folder / name, place)


def keep(run: RunContents) -> None:
    """Make all that explorers need of a large run, so that they open at once."""
    for page in question_pages(run):
        for part in page.body:
            if isinstance(part, PanelChooser):
                part.static()
        page.live  # noqa: B018  # kept as it is made
    run.keep()


def _compared(run: RunContents, others: Sequence[Path]) -> list[Page]:
    """The page that puts a run beside others; none without others."""
    if not others:
        return []
    named = named_runs([run, *map(RunContents, others)])
    here = (run.folder / "report").resolve()
    hrefs = {
        name: Path(os.path.relpath(other.folder.resolve() / "report" / "index.html", here)).as_posix()
        for name, other in named.items()
    }
    return [comparison(named, hrefs)]


def comparison(runs: Mapping[str, RunContents], hrefs: Mapping[str, str]) -> Page:
    """The page that puts runs side by side; `hrefs` is run → its report, where there are any to lead to."""
    return Page("compare.html", "Compare", "this run beside others", lambda: pages.comparison_page(runs, hrefs))


def write_single_file(folder: Path, others: Sequence[Path] = ()) -> Path:
    """Write the whole report into one file, `report.html` in the run's folder, which can be sent: style, scripts and
    pages are inside it. Links to the run's files are left out, for they would lead nowhere."""
    run = RunContents(folder)
    found = [*pages_of(run), *_compared(run, others)]
    template = Markup('<template data-page="{}" data-kind="{}">{}</template>')
    bodies = [template.format(p.file, p.kind, Markup(without_files(p.html))) for p in _counted(run, found)]
    # "</script" and "<!--" would end or change a script element; inside a script's texts "<\/" means the same
    texts = (plotly_script(), script("start"))
    scripts = tuple(Markup(text.replace("</script", "<\\/script").replace("<!--", "<\\!--")) for text in texts)
    inlined = Inlined(Markup(style()), scripts, Markup("").join(bodies))
    target = run.folder / "report.html"
    frame = Page(found[0].file, "Report", "", lambda: [])
    write_whole(target, [page_html(run, found, frame, inlined)])
    return target
