"""Every stage notebook in a real JupyterLab: opened, run by command, and looked at. Screenshots in artifacts/."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from apigen_nb.report import pieces, tables
from apigen_nb.run import app
from apigen_nb.run.notebook_execution import execute
from tests.browser.explored import HARMFUL, NAMES, Explored, by_keyboard, walk_through
from tests.browser.watched import problems
from tests.report_records import HOSTILE, make_run, proposals, trajectories

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
STAGES = ["0_tour", "1_domain", "2_blueprints", "3_trajectories", "4_dataset", "7_report", "explorers"]
CUT = """[...document.querySelectorAll('.apigen .scroll')].filter((box) => box.scrollWidth > box.clientWidth + 1)
  .map((box) => box.innerText.slice(0, 80))"""  # tables that must be moved sideways to be read
WIDE = """from IPython.display import display

from apigen_nb.report import mixture_tables, pieces, reflection
from apigen_nb.report.run_contents import RunContents

held = list(RunContents({!r}).proposals)
arms = mixture_tables.arms(dict.fromkeys(("single shot", "retry without feedback", "retry with feedback"), held))
display(pieces.table(mixture_tables.arm_costs(arms)), pieces.table(reflection.costs(held)))"""
FIGURES = {
    "0_tour": 1,
    "1_domain": 2,
    "2_blueprints": 5,
    "3_trajectories": 8,
    "4_dataset": 2,
    "7_report": 2,
    "explorers": 0,
}
KEY = ["accepted blueprints", "scripted model"]
TALK = ["CONVERSATION", "GROUNDTRUTH ACTIONS AGAINST CALLS MADE", "END STATE, ROW BY ROW", "first divergence"]
WORDS = {
    "0_tour": [*KEY, *TALK, "rows in the dataset", "FIRST TRY"],
    "1_domain": ["cancel_order", "Larkmoor customer service"],
    "2_blueprints": [*KEY, "FIRST TRY", "The feedback it was given"],
    "3_trajectories": [*KEY, *TALK, "verified trajectories", "state reached", "failed"],
    "4_dataset": [*KEY, "rows in the dataset", "TRAIN.JSONL, FIRST ROW"],
    "7_report": [*KEY, "../outputs/tour/report/index.html"],
    "explorers": [*KEY, "Pass rates", "Trajectories"],
}
PLOTLY = "application/vnd.plotly.v1+json"
TOKEN = "only-for-this-test"

# Lab as a newcomer has it, without the questions it asks at its first start; all cells are rendered, for the picture.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "@jupyterlab/notebook-extension/tracker": '{"windowingMode": "none"}',
}
OPEN = """async () => {
  const panel = () => window.jupyterapp?.shell.currentWidget;
  while (!panel()?.sessionContext) await new Promise((wait) => setTimeout(wait, 100));
  await panel().context.ready;
  await panel().sessionContext.ready;
  await panel().sessionContext.session.kernel.info;
}"""
RUN = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
# The widgets' models, not the page: a prompt shows a number before the output is there.
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.filter((cell) => cell.model.type === 'code').map(
  (cell) => ({
    count: cell.model.executionCount, outputs: cell.model.outputs.toJSON(), text: cell.outputArea.node.innerText,
    figures: [...cell.node.querySelectorAll('.js-plotly-plot:not(.apigen-report *)')].map((box) => [
      box.offsetWidth, box.offsetHeight,
      box.querySelectorAll('.main-svg :is(.point path, path.point, .hm image)').length]),
  }))"""
DONE = f"""() => {{
  const cells = ({CELLS})();
  const failed = cells.some((cell) => cell.outputs.some((output) => output.output_type === 'error'));
  return failed || (cells.every((cell) => cell.count) &&
    window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle');
}}"""
# It scrolls to the last cell by itself; a picture begins at the top.
HEIGHT = """() => {
  const panel = document.querySelector('.jp-WindowedPanel-outer');
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
  panel.scrollTop = 0;
  return panel.scrollHeight;
}"""
TRUSTED = """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(
  (cell) => cell.model.type === 'code').map((cell) => cell.model.trusted)"""
DARK = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"


class Lab:
    """A JupyterLab server over copies of the notebooks, and one browser page that visits them in turn."""

    def __init__(self, base: str, page: sync_api.Page, folder: Path) -> None:
        self.base, self.page, self.folder = base, page, folder
        self.errors: list[str] = []
        self.foreign: list[str] = []
        ours = (base, base.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(ours) else self.foreign.append(r.url))
        page.on("dialog", self._answer)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(f"{m.text} {m.location}") if m.type == "error" else None)

    def _answer(self, dialog: sync_api.Dialog) -> None:
        if dialog.type != "beforeunload":  # of a notebook that was changed and not saved
            self.errors.append(f"dialog: {dialog.message}")
        dialog.accept()

    def run(self, stage: str) -> None:
        """Run all cells of a notebook and wait for the last; then save it, outputs and all."""
        self.visit(stage)
        self.page.evaluate(RUN)
        self.page.wait_for_function(DONE, timeout=60_000)
        self.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")

    def visit(self, stage: str) -> None:
        """Open a notebook alone."""
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.goto(f"{self.base}/doc/tree/notebooks/{stage}.ipynb?token={TOKEN}")
        self.page.evaluate(OPEN)

    def write(self, stage: str, *sources: str, outputs: Sequence[str] = ()) -> Path:
        """A notebook of these cells, and of one more that shows outputs as they were left in it."""
        cells = [new_code_cell(source) for source in sources]
        if outputs:
            shown = [new_output("display_data", {"text/html": text, "text/plain": "a piece"}) for text in outputs]
            cells.append(new_code_cell("shown", outputs=shown))
        path = self.folder / "work" / "notebooks" / f"{stage}.ipynb"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    def trusted(self) -> bool:
        """Whether Lab shows what stands in the code cells as it was made."""
        return all(self.page.evaluate(TRUSTED))

    def cells(self) -> list[dict[str, Any]]:
        """The code cells: count, outputs, what their outputs show, the figures in them as width, height and marks."""
        return list(self.page.evaluate(CELLS))

    def shoot(self, name: str) -> None:
        """The whole notebook: it scrolls inside the page, so the page is made as high as it is long."""
        self.page.set_viewport_size({"width": 1280, "height": min(12_000, self.page.evaluate(HEIGHT) + 120)})
        self.page.wait_for_timeout(600)
        self.page.evaluate(HEIGHT)
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")


def server(folder: Path, port: int) -> subprocess.Popen[bytes]:
    for name, text in SETTINGS.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    own = ("CONFIG_DIR", "RUNTIME_DIR", "DATA_DIR", "LAB_SETTINGS_DIR", "LAB_WORKSPACES_DIR")
    places = {f"JUPYTER_{name}".replace("JUPYTER_LAB", "JUPYTERLAB"): str(folder / name.lower()) for name in own}
    places["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = [
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
    ]
    options += [f"--ServerApp.root_dir={folder / 'work'}", f"--IdentityProvider.token={TOKEN}"]
    options += ["--LabApp.expose_app_in_browser=True"]
    chosen = {app.RUN: str(make_run(folder / "run"))}  # what the explorers open: a run that has something of everything
    return subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **places, **chosen, "PYTHONPATH": paths, "PATH": python, "JUPYTER_PREFER_ENV_PATH": "1"},
        cwd=folder, stdout=(folder / "lab.log").open("wb"), stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "work" / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    process = server(folder, port)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{base}/api", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, (folder / "lab.log").read_text()[-3000:]
                time.sleep(0.1)
        with sync_api.sync_playwright() as playwright:
            options = ["--no-sandbox", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
            yield Lab(base, browser.new_page(), folder)
            browser.close()
    finally:
        process.terminate()  # asks its kernels to end, too
        process.wait(20)


@pytest.mark.parametrize("stage", STAGES)
def test_runs_top_to_bottom_and_shows(lab: Lab, stage: str) -> None:
    lab.errors.clear()
    lab.run(stage)
    lab.shoot(f"lab-{stage}")
    cells = lab.cells()  # looked at after the page has changed its size, which figures must survive
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
    figures = [figure for cell in cells for figure in cell["figures"]]
    assert len(figures) == sum(PLOTLY in output.get("data", {}) for output in outputs) >= FIGURES[stage]
    assert [figure for figure in figures if figure[0] < 600 or figure[1] < 100 or not figure[2]] == []
    shown = "\n".join(cell["text"] for cell in cells).lower()
    assert [words for words in WORDS[stage] if words.lower() not in shown] == []
    assert lab.page.locator(".jp-OutputArea a[href*='/report/']").count() == 0, "those pages are not beside a notebook"
    assert lab.page.evaluate(HARMFUL) == []
    assert lab.errors == []


@pytest.fixture(scope="module")
def seen(lab: Lab) -> Explored:
    """The explorers' notebook, run."""
    lab.run("explorers")
    lab.page.set_viewport_size({"width": 1440, "height": 1600})
    lab.page.wait_for_selector(".apigen-report h1")
    return Explored(lab.page)


@pytest.mark.parametrize("name", NAMES)
def test_every_explorer_opens_in_a_notebook(lab: Lab, seen: Explored, name: str) -> None:
    lab.errors.clear()
    seen.go(name)
    lab.page.locator(".apigen-report").first.scroll_into_view_if_needed()
    lab.page.wait_for_timeout(400)
    lab.page.screenshot(path=ARTIFACTS / f"lab-explorers-{name.lower().replace(' ', '-')}.png")
    assert lab.page.evaluate(CUT) == []
    assert problems(lab.page, ".apigen-report") == []
    assert lab.errors == []


def test_from_a_bar_to_a_conversation(lab: Lab, seen: Explored) -> None:
    lab.errors.clear()
    walk_through(seen)
    assert lab.errors == []


def test_without_a_mouse(lab: Lab, seen: Explored) -> None:
    """Lab's own shortcuts, such as j and k in command mode, stay out of the explorers."""
    lab.errors.clear()
    seen.go("Overview")  # by a click, which makes its cell the active one
    before = lab.page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex")
    by_keyboard(seen)
    assert lab.page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex") == before
    assert lab.errors == []


def test_no_table_is_cut_in_a_window_of_a_laptop(lab: Lab) -> None:
    """The widest tables of stages and studies, beside Lab's own side bar."""
    held = make_run(lab.folder / "wide", count=24)
    lab.write("wide", WIDE.format(str(held)))
    lab.errors.clear()
    lab.run("wide")
    lab.page.set_viewport_size({"width": 1440, "height": 900})
    lab.page.wait_for_timeout(600)
    assert lab.page.locator(".jp-OutputArea .apigen table").count() == 2
    assert lab.page.evaluate(CUT) == []
    assert problems(lab.page, ".jp-OutputArea .apigen") == []
    assert lab.errors == []


def test_dark(lab: Lab) -> None:
    """The pieces follow Lab's theme. The notebook was run and saved by the test above, unless this one runs alone."""
    lab.visit("3_trajectories")
    if not all(cell["count"] for cell in lab.cells()):
        lab.run("3_trajectories")
    ground = "getComputedStyle(document.querySelector('.apigen .panel')).backgroundColor"
    light = lab.page.evaluate(ground)
    lab.page.evaluate(DARK, "JupyterLab Dark")
    lab.page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    lab.shoot("lab-3_trajectories-dark")
    assert light == "rgb(255, 255, 255)"
    assert lab.page.evaluate(ground) == "rgb(22, 28, 35)"
    lab.page.evaluate(DARK, "JupyterLab Light")
    assert lab.errors == []


def test_a_copy_from_elsewhere_is_readable(lab: Lab) -> None:
    """Lab drops styles, scripts and links of what was not made or signed on this machine."""
    lab.errors.clear()
    made = proposals(4)
    figures = pieces.key_figures(tables.key_figures(made, ()))
    shown = [figures, pieces.example_proposal(made, "repaired"), pieces.example(trajectories(made), made, False)]
    lab.write("copy", outputs=[piece._repr_html_() for piece in shown])
    lab.visit("copy")
    lab.page.wait_for_selector(".apigen .cards")
    lab.shoot("lab-copy")
    assert not lab.trusted()
    assert lab.page.locator(".jp-OutputArea style").count() == 0
    one, two = (lab.page.locator(".apigen .card").nth(n).bounding_box() for n in (0, 1))
    assert one["y"] == two["y"]
    assert one["x"] + one["width"] < two["x"]
    text = lab.page.locator(".jp-OutputArea").inner_text()
    said = [
        "user: Hi, I'd like",
        "agent: I found order",
        "first divergence: different arguments",
        "✓ format ✓ execution",
    ]
    assert [words for words in said if words not in " ".join(text.split())] == []
    assert lab.errors == []


def test_a_copy_executed_here_looks_as_it_was_made(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.errors.clear()
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(lab.folder / "data_dir"))
    source = lab.write(
        "small", "", "from apigen_nb.report import pieces; pieces.key_figures({'seeds': ('7', 'retail')}, True)"
    )
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, source)
    execute(source, {}, source.with_name("small-executed.ipynb"))
    lab.visit("small-executed")
    lab.page.wait_for_selector(".apigen .cards")
    assert lab.trusted()
    assert lab.page.locator(".jp-OutputArea style").count() == 1
    assert lab.errors == []


HOSTILE_CELLS = (
    """from apigen_nb.records import Proposal, Trajectory
from apigen_nb.report import charts, pieces, tables, widgets
from apigen_nb.storage.journal import read_lines
proposals = read_lines(run / "blueprints.jsonl", Proposal)
talks = read_lines(run / "trajectories.jsonl", Trajectory)
verdicts = tables.verdicts(proposals)""",
    'pieces.example_proposal(proposals, "repaired")',
    "pieces.example(talks, proposals, False)",
    "pieces.proposal(proposals[-1])",
    "pieces.compare(talks[-1], proposals[-1].blueprint)",
    "pieces.table(verdicts)",
    "charts.failures(tables.failures(verdicts))",
    "widgets.explore(run)",
)
HARM = """[window.hacked === undefined,
  [...document.querySelectorAll('.jp-OutputArea :is(script, iframe, object, img, form, mjx-container, a[href])')]
    .filter((part) => !part.matches('.plot-img, .modebar-btn, .apigen-report *'))
    .map((part) => part.outerHTML.slice(0, 200)),
  [...document.querySelectorAll('.jp-OutputArea-output, .apigen-report')].filter(
    (box) => box.offsetParent && box.getBoundingClientRect().right > innerWidth).map((box) => box.className),
  document.documentElement.scrollWidth <= innerWidth]"""


def test_hostile_texts_are_texts(lab: Lab) -> None:
    """In pieces, figures and explorers of a notebook, and in a copy of it that came from elsewhere."""
    lab.errors.clear()
    lab.foreign.clear()
    run = make_run(lab.folder / "hostile", HOSTILE, count=6)
    path = lab.write("hostile", f"from pathlib import Path; run = Path({str(run)!r})", *HOSTILE_CELLS)
    lab.run("hostile")
    lab.page.wait_for_selector(".apigen-report h1")
    seen = Explored(lab.page)
    lab.page.set_viewport_size({"width": 1280, "height": 1600})
    for name in NAMES:
        seen.go(name)
        if lab.page.locator(".list a").count() > 1:
            seen.until_changed(".shown-id", lab.page.locator(".list a").last.click)
            lab.page.wait_for_function("document.querySelector('.shown-item').innerText.length > 200")
        lab.page.locator(".apigen-report").first.screenshot(
            path=ARTIFACTS / f"lab-hostile-{name.lower().replace(' ', '-')}.png"
        )
        assert lab.page.evaluate(HARM) == [True, [], [], True], name
        assert lab.page.evaluate(HARMFUL) == [], name
    seen.go("Trajectories")
    seen.until_changed(".shown-id", lab.page.locator(".list a").first.click)
    assert "window.hacked" in seen.item, "it is there to read"
    lab.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")

    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "  # changed since"
    nbformat.write(notebook, path.with_name("hostile-copy.ipynb"))
    lab.visit("hostile-copy")
    lab.page.wait_for_selector(".apigen .chat")
    lab.page.wait_for_timeout(600)
    lab.shoot("lab-hostile-copy")
    assert not lab.trusted()
    assert lab.page.evaluate(HARM) == [True, [], [], True]
    assert lab.errors == []
    assert lab.foreign == []
