"""How fast the explorers are on 10,000 blueprints and 10,000 trajectories, and how large their report is.

The records are those of a run with the scripted model, repeated under new ids. Measured are the widget's answers from
the run's files, and where chromium and playwright are there the widget in the app and the static pages in a browser:
opening is the time until all in sight is drawn, reacting that of the slowest change of a filter, an item or a view.
Prints a Markdown table, writes results/explorers.json, and exits with 1 when opening takes more than 2 s, reacting more
than 0.3 s, or the report is larger than 30 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
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
from apigen_nb.report import widgets
from apigen_nb.report.item_explorer import ItemExplorer
from apigen_nb.report.panels import PanelChooser
from apigen_nb.report.write import write_report
from apigen_nb.run.app import command
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain

HERE = Path(__file__).parent
OPEN, REACT, SIZE = 2.0, 0.3, 30.0  # seconds, seconds, MB
PAGES = ("pass_rates", "reflection", "blueprints", "trajectories", "committee", "dataset")


async def records(seeds: int) -> tuple[list[Proposal], list[Trajectory]]:
    """A small run of the scripted model."""
    domain = Domain.load("retail")
    models = Roles(domain, random_seed=7)
    with tempfile.TemporaryDirectory() as folder:
        run = Run.open(folder)
        gates = [*GATES.values(), Committee(models.judges(3))]
        proposals = list(await propose_all(domain, models, gates, run, count=seeds, random_seed=7))
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


def answers(folder: Path) -> dict[str, tuple[float, float]]:
    """The widget as a notebook makes it, files read anew: the seconds until a page is made, and of the slowest answer
    to what is asked on it: an item, a panel, a search."""

    def opened(name: str) -> Any:
        shown = getattr(widgets, name)(folder)
        shown.ask(f"{name}.html")
        for question in itertools.islice(questions(shown, f"{name}.html"), 1):
            shown.ask(**question)  # what is seen first
        return shown

    found = {}
    for name in PAGES:
        shown, opening = timed(lambda n=name: opened(n))
        seconds = [timed(lambda q=question, s=shown: s.ask(**q))[1] for question in questions(shown, f"{name}.html")]
        found[f"{name}(run), asked of Python"] = opening, max(seconds, default=0.0)
    return found


def questions(shown: widgets.ReportPages, page: str) -> Iterator[dict[str, Any]]:
    """What may be asked on a page."""
    for number, part in enumerate(shown.pages[page].body):
        if isinstance(part, ItemExplorer):
            ids, _ = part.find("retail", 0)
            yield from ({"page": page, "number": number, **q} for q in ({"key": max(ids)}, {"text": "refunded"}))
        if isinstance(part, PanelChooser):
            menus = re.findall(r'data-choice="\w+">(.*?)</select>', str(shown.ask(page)), re.DOTALL)
            options = [list(map(html.unescape, re.findall(r"<option>([^<]*)", menu))) for menu in menus]
            keys = map("\n".join, itertools.product(*options))
            yield from ({"page": page, "number": number, "key": key} for key in keys)


BOXES = ".explorer:not(.as-table) .shown-item, .as-table .grid tbody, .view, .datatable tbody"
SHOWN = f"""[...document.querySelectorAll('{BOXES}')].every((box) => box.childElementCount)
  && !document.querySelector('[aria-busy]')"""
DRAWN = """[...document.querySelectorAll('.plot')].every(
  (box) => box.getBoundingClientRect().top > innerHeight || box.querySelector('.main-svg'))"""
READY = f"() => {SHOWN} && {DRAWN}"
# Two frames after a change the browser has painted it.
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@contextlib.contextmanager
def browser_page() -> Iterator[Any]:
    """A page of a browser; None without chromium or playwright."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print("no chromium or no playwright: nothing is measured in a browser")
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def changes_of(page: Any, name: str) -> list[Callable[[], Any]]:
    """What somebody may change on a page."""
    gates = itertools.cycle(["policy", "execution"])
    if name == "pass_rates":
        return [lambda: page.select_option("[data-choice=gate]", next(gates))]
    if name == "dataset":
        return [lambda: page.locator(".datatable .rows-after").click(), lambda: page.fill(".datatable input", "order")]
    if name in ("reflection", "blueprints", "trajectories"):
        return [lambda: page.keyboard.press("j"), lambda: page.select_option("select[data-facet]", index=1)]
    return []


def reactions(page: Any, name: str) -> float:
    """The seconds of the slowest change."""

    def made(change: Callable[[], Any]) -> None:
        change()
        page.evaluate(PAINTED)
        page.wait_for_function(READY)

    return max((timed(lambda c=change: made(c))[1] for change in changes_of(page, name)), default=0.0)


def static_pages(page: Any, folder: Path) -> dict[str, tuple[float, float]]:
    """The static pages: seconds until all in sight is drawn, and of the slowest change."""
    found = {}
    for name in PAGES:

        def opened(name: str = name) -> None:
            page.goto("about:blank")
            page.goto((folder / f"{name}.html").resolve().as_uri())
            page.wait_for_function(READY)

        _, opening = timed(opened)
        found[f"{name}.html"] = opening, reactions(page, name)
    return found


def app_pages(page: Any, run: Path) -> dict[str, tuple[float, float]]:
    """The widget in the app: seconds from the click on a page's name until all in sight is drawn, after the overview in
    a fresh kernel, and of the slowest change."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line, needed = command(run, ["--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"])
    server = subprocess.Popen(line, env={**os.environ, **needed}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = {}
    try:
        for name in PAGES:
            opened = []
            for _ in range(2):  # each time in a new kernel
                until_it_answers(page, f"http://127.0.0.1:{port}/")
                link = page.locator(f".top-bar a[href='{name}.html']")
                link.wait_for()
                page.wait_for_function(READY)
                begin = time.perf_counter()
                link.click()
                page.wait_for_function(
                    f"() => document.querySelector(\".top-bar a[href='{name}.html'][aria-current]\")"
                )
                page.wait_for_function(READY)
                opened.append(time.perf_counter() - begin)
            found[f"{name} in the app"] = min(opened), reactions(page, name)
    finally:
        server.terminate()
        server.wait(20)
    return found


def until_it_answers(page: Any, address: str) -> None:
    """Go to an address of a server that is just starting."""
    for _ in range(100):
        try:
            page.goto(address)
        except Exception:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"no answer at {address}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="blueprints, and as many trajectories")
    given = parser.parse_args()
    proposals, talks = repeated(*asyncio.run(records(200)), given.count)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for name, items in (("blueprints", proposals), ("trajectories", talks)):
            with (out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(item.line() + "\n" for item in items)
        (out / "run.json").write_text(json.dumps({"parameters": {"domain": "retail"}}))
        measured = answers(out)
        begin = time.perf_counter()
        index = write_report(out)
        writing = time.perf_counter() - begin
        size = sum(path.stat().st_size for path in index.parent.iterdir()) / 1e6
        with browser_page() as page:
            if page:
                measured |= static_pages(page, index.parent) | app_pages(page, out)
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
