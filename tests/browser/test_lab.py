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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.widgets import app
from tests.browser.explored import NAMES, Explored, by_keyboard, walk_through
from tests.report_records import make_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
STAGES = ["0_tour", "1_domain", "2_blueprints", "3_trajectories", "4_dataset", "7_report", "explorers"]
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
    "4_dataset": [*KEY, "rows in the dataset", "CHAT.JSONL, FIRST ROW"],
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
    figures: [...cell.node.querySelectorAll('.js-plotly-plot')].map((box) => [box.offsetWidth, box.offsetHeight,
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
DARK = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"


class Lab:
    """A JupyterLab server over copies of the notebooks, and one browser page that visits them in turn."""

    def __init__(self, base: str, page: sync_api.Page) -> None:
        self.base, self.page = base, page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(f"{m.text} {m.location}") if m.type == "error" else None)

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
            yield Lab(base, browser.new_page())
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
    shown = "\n".join(cell["text"] for cell in cells)
    assert [words for words in WORDS[stage] if words not in shown] == []
    assert lab.errors == []


@pytest.fixture(scope="module")
def seen(lab: Lab) -> Explored:
    """The explorers' notebook, run."""
    lab.run("explorers")
    lab.page.set_viewport_size({"width": 1400, "height": 1600})
    lab.page.wait_for_selector(".apigen-explorer")
    return Explored(lab.page)


@pytest.mark.parametrize("name", NAMES)
def test_every_explorer_opens_in_a_notebook(lab: Lab, seen: Explored, name: str) -> None:
    lab.errors.clear()
    seen.go(name)
    lab.page.locator(".apigen-explorer").first.scroll_into_view_if_needed()
    lab.page.wait_for_timeout(400)
    lab.page.screenshot(path=ARTIFACTS / f"lab-explorers-{name.lower().replace(' ', '-')}.png")
    assert lab.errors == []


def test_from_a_bar_to_a_conversation(lab: Lab, seen: Explored) -> None:
    lab.errors.clear()
    walk_through(seen)
    assert lab.errors == []


def test_without_a_mouse(lab: Lab, seen: Explored) -> None:
    """Lab's own shortcuts, such as j and k in command mode, stay out of the explorers."""
    lab.errors.clear()
    before = lab.page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex")
    by_keyboard(seen)
    assert lab.page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex") == before
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
