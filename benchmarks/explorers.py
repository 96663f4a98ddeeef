"""How fast the explorers are on 10,000 blueprints and 10,000 trajectories, and how large their report is.

The records are those of a run with the scripted model, repeated under new ids. Opening an explorer is the time from
records in memory to its first figures, reacting the time from a change of view to the new figure; the same in a real
browser on the static pages where chromium and playwright are there. Prints a Markdown table, writes
results/explorers.json, and exits with 1 when opening takes more than 2 s, reacting more than 0.3 s, or the report is
larger than 30 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apigen_nb.report  # noqa: F401  # before the first plotly figure, see there
from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models.roles import Roles
from apigen_nb.records import Proposal, Trajectory
from apigen_nb.report import alignment as align
from apigen_nb.report import charts, pieces, reflection, tables
from apigen_nb.report import diversity as spread
from apigen_nb.report import judge_agreement as agreement
from apigen_nb.report import mixture_tables as mix
from apigen_nb.report import pass_rates as passing
from apigen_nb.report.write import write_report
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain

HERE = Path(__file__).parent
OPEN, REACT, SIZE = 2.0, 0.3, 30.0  # seconds, seconds, MB


async def records(seeds: int) -> tuple[list[Proposal], list[Trajectory]]:
    """A small run of the scripted model."""
    domain = Domain.load("retail")
    models = Roles(domain, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        run = Run.open(folder)
        gates = [*GATES.values(), Committee(models.judges(3))]
        proposals = list(await propose_all(domain, models, gates, run, seeds=seeds, seed=7))
        accepted = [p.blueprint for p in proposals if p.accepted]
        talks = list(await converse_all(domain, models, run, iter(accepted), total=len(accepted)))
    return proposals, talks


def repeated(proposals: list[Proposal], talks: list[Trajectory], count: int) -> tuple[list[Proposal], list[Trajectory]]:
    """The records again and again under new ids until there are `count` of each."""

    def copies(items: list[Any]) -> Iterator[tuple[int, Any]]:
        return ((number, item) for number in itertools.count() for item in items)

    more = [p.model_copy(update={"id": f"{p.id}.{number}"}) for number, p in itertools.islice(copies(proposals), count)]
    held = [
        t.model_copy(update={"id": f"{t.blueprint}.{number}.t{t.attempt}", "blueprint": f"{t.blueprint}.{number}"})
        for number, t in itertools.islice(copies(talks), count)
    ]
    return more, held


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a piece of work gives, and the seconds of the faster of two tries: the machine is shared."""
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - begin)
    return found, min(seconds)


def explorers(proposals: list[Proposal], talks: list[Trajectory]) -> dict[str, tuple[float, float]]:
    """Per explorer the seconds to open it and the slowest reaction."""

    def pass_rates() -> Any:
        frame = passing.judged(proposals)
        return frame, passing.steps_figure(passing.steps(proposals, frame)).to_plotly_json()

    def reflections() -> Any:
        flows = reflection.sankey(reflection.flows(proposals))
        return (
            flows,
            reflection.costs(proposals),
            reflection.repairs_figure(reflection.repairs(proposals)).to_plotly_json(),
        )

    def trajectories() -> Any:
        frame = tables.trajectories(talks)
        return frame, charts.ends(tables.ends(frame)).to_plotly_json()

    def committee() -> Any:
        votes = agreement.votes(proposals)
        agreement.disagreements(proposals), agreement.fleiss(votes)
        return votes, agreement.kappa_figure(agreement.cohen(votes)).to_plotly_json()

    def dataset() -> Any:
        frame = spread.rows(talks, proposals)
        spread.transitions_figure(spread.transitions(talks)).to_plotly_json()
        return frame, spread.figure(frame, "turns").to_plotly_json()

    found: dict[str, tuple[float, float]] = {}
    (judged, _), opening = timed(pass_rates)
    views = [(facet, gate) for facet in passing.FACETS for gate in (None, *passing.gates(judged))]
    slowest = max(timed(lambda v=v: passing.figure(passing.by(judged, *v), v[1]).to_plotly_json())[1] for v in views)
    found["pass rates"] = opening, slowest
    longest = max(proposals, key=lambda p: len(p.attempts))
    _, opening = timed(reflections)
    found["reflection"] = opening, timed(lambda: pieces.step(longest, len(longest.attempts) - 1))[1]
    (frame, _), opening = timed(trajectories)
    known = {p.id: p for p in proposals}
    talk = max(talks, key=lambda t: len(t.messages))
    task = known[talk.blueprint].blueprint if talk.blueprint in known else None
    moves = [
        lambda: pieces.compare(talk, task),
        lambda: align.pair(task.actions if task else (), align.calls_made(talk.messages)),
        lambda: charts.ends(tables.ends(frame[~frame["success"]], "divergence")).to_plotly_json(),
        lambda: charts.successes(mix.successes(proposals, talks, "kind")).to_plotly_json(),
    ]
    found["trajectories"] = opening, max(timed(move)[1] for move in moves)
    (votes, _), opening = timed(committee)
    found["committee"] = opening, timed(lambda: agreement.votes_figure(agreement.judges(votes)).to_plotly_json())[1]
    (rows, _), opening = timed(dataset)
    searched = [lambda: rows[rows["opens with"].str.contains("order", regex=False)].sort_values("turns").head(25)]
    searched += [lambda name=name: spread.figure(rows, name).to_plotly_json() for name in spread.MEASURES]
    found["dataset"] = opening, max(timed(move)[1] for move in searched)
    return found


def widgets(folder: Path) -> dict[str, float]:
    """The widgets as a notebook makes them, files read anew: the seconds until each can be shown."""
    from apigen_nb.report import widgets as made

    names = ("explore", "pass_rates", "reflection", "trajectories", "committee", "dataset")
    (folder / "run.json").write_text(json.dumps({"domain": {"name": "retail"}, "parameters": {"domain": "retail"}}))
    return {f"{name}(run), from its files": timed(lambda n=name: getattr(made, n)(folder))[1] for name in names}


SHOWN = "[...document.querySelectorAll('#item, .view, .datatable tbody')].every((box) => box.childElementCount)"
DRAWN = """[...document.querySelectorAll('.plot')].every(
  (box) => box.getBoundingClientRect().top > innerHeight || box.querySelector('.main-svg'))"""
# Two frames after a change the browser has painted it.
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def in_browser(folder: Path) -> dict[str, tuple[float, float]]:
    """The static pages in a browser: seconds until all in sight is drawn, and of the slowest change. {} without one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print("no chromium or no playwright: the pages are not measured in a browser")
        return {}
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for name in ("passing", "reflection", "blueprints", "trajectories", "committee", "dataset"):

            def opened(name: str = name) -> None:
                page.goto("about:blank")
                page.goto((folder / f"{name}.html").resolve().as_uri())
                page.wait_for_function(f"() => {SHOWN} && {DRAWN}")

            _, opening = timed(opened)
            changes: list[Callable[[], Any]] = []
            if name == "passing":
                gates = itertools.cycle(["policy", "execution"])
                changes += [lambda gates=gates: page.select_option("[data-choice=gate]", next(gates))]
            if name in ("reflection", "blueprints", "trajectories"):
                changes += [lambda: page.keyboard.press("j"), lambda: page.select_option("select[data-facet]", index=1)]
            if name == "dataset":
                changes += [lambda: page.locator(".datatable .after").click()]
                changes += [lambda: page.fill(".datatable input", "order")]
            reacting = [timed(lambda c=c: (c(), page.evaluate(PAINTED)))[1] for c in changes]
            found[f"{name}.html"] = opening, max(reacting, default=0.0)
        browser.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="blueprints, and as many trajectories")
    given = parser.parse_args()
    proposals, talks = repeated(*asyncio.run(records(200)), given.count)
    measured = explorers(proposals, talks)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for name, items in (("blueprints", proposals), ("trajectories", talks)):
            with (out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(item.line() + "\n" for item in items)
        measured |= {name: (opening, 0.0) for name, opening in widgets(out).items()}
        begin = time.perf_counter()
        index = write_report(out)
        writing = time.perf_counter() - begin
        size = sum(path.stat().st_size for path in index.parent.iterdir()) / 1e6
        measured |= in_browser(index.parent)
    print(f"{given.count:,} blueprints and {given.count:,} trajectories\n")
    print("| explorer | opens, s | reacts, s |\n|---|---|---|")
    for name, (opening, reacting) in measured.items():
        print(f"| {name} | {opening:.2f} | {reacting:.3f} |")
    print(f"\nthe report: {size:.1f} MB, written in {writing:.0f} s")
    result = {
        "count": given.count,
        "explorers": {name: {"opens s": round(o, 3), "reacts s": round(r, 3)} for name, (o, r) in measured.items()},
        "report": {"MB": round(size, 1), "written s": round(writing, 1)},
        "load": os.getloadavg()[0],
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "explorers.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    slow = any(opening > OPEN or reacting > REACT for opening, reacting in measured.values())
    return int(slow or size > SIZE)


if __name__ == "__main__":
    sys.exit(main())
