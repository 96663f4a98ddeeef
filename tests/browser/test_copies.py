"""Executed notebooks where plotly's script and the kernel are not: as nbconvert's HTML without a network, and by the
rules of a site that shows them cleaned (images as they are; HTML without scripts and styles)."""

from __future__ import annotations

import base64
import html as html_texts
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import bleach
import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image

from apigen_nb.report.notebook_html import PLOTLY
from apigen_nb.run.notebook_execution import execute
from tests.browser.watched import CHROMIUM, Watched, sync_api
from tests.report_records import make_run

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
TAGS = ["table", "thead", "tbody", "tr", "th", "td", "p", "div", "span", "ul", "li", "b", "details", "summary", "h3"]
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
OFFLINE = {f"{name}_url": "" for name in ("mathjax", "require_js", "mermaid_js", "jquery")}


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage and the explorers, executed."""
    folder = tmp_path_factory.mktemp("copies")
    execute(NOTEBOOKS / "2_blueprints.ipynb", {"out": str(folder / "run"), "count": 6}, folder / "2_blueprints.ipynb")
    run = make_run(folder / "made")
    execute(NOTEBOOKS / "explorers.ipynb", {"out": str(run)}, folder / "explorers.ipynb")
    return folder


def outputs(path: Path) -> list[dict[str, Any]]:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output.data for cell in cells for output in cell.outputs if "data" in output]


def texts(html: str, tag: str) -> list[str]:
    return [
        html_texts.unescape(re.sub(r"<[^>]*>", "", text))
        for text in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", html, re.DOTALL)
    ]


def test_every_figure_has_a_picture_and_words(copies: Path) -> None:
    figures = [data for data in outputs(copies / "2_blueprints.ipynb") if PLOTLY in data]
    assert len(figures) >= 5
    for data in figures:
        svg = ElementTree.fromstring(data["image/svg+xml"])
        held = svg.find("svg:image", {"svg": "http://www.w3.org/2000/svg"})
        assert held is not None
        png = base64.b64decode(held.attrib["href"].removeprefix("data:image/png;base64,"))
        width, height = Image.open(io.BytesIO(png)).size
        assert width > 1000
        assert height > 200
        assert data["text/plain"].startswith(data[PLOTLY]["layout"]["title"]["text"])


def test_every_table_is_whole_when_it_is_cleaned(copies: Path) -> None:
    pieces = [data for data in outputs(copies / "2_blueprints.ipynb") if "text/html" in data]
    tables = [data for data in pieces if "<table" in data["text/html"]]
    assert len(tables) >= 3
    for data in pieces:
        assert "<script" not in data["text/html"]
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", data["text/html"])
    for data in tables:
        plain = STYLE.sub("", data["text/html"])
        cleaned = bleach.clean(plain, tags=TAGS, attributes={}, strip=True)
        cells = [*texts(plain, "th"), *texts(plain, "td")]
        assert cells == [*texts(cleaned, "th"), *texts(cleaned, "td")] != []
        words = " ".join(data["text/plain"].split())
        assert [text for text in cells if " ".join(text.split()) not in words] == []


def test_the_explorers_have_a_stand_in(copies: Path) -> None:
    (data,) = [data for data in outputs(copies / "explorers.ipynb") if WIDGET in data]
    cleaned = bleach.clean(STYLE.sub("", data["text/html"]), tags=TAGS, attributes={}, strip=True)
    for shown in (cleaned, data["text/plain"]):
        words = ("accepted blueprints", "Pass rates", "Trajectories", "open it in JupyterLab and run it", "make app")
        assert [text for text in words if text not in shown] == []


BOXES = "(boxes) => boxes.map((box) => box.getBoundingClientRect()).map((box) => [box.width, box.height])"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
@pytest.mark.parametrize("name", ["2_blueprints", "explorers"])
def test_as_html_without_a_network(browser: sync_api.Browser, copies: Path, name: str) -> None:
    exporter = HTMLExporter(**OFFLINE)
    path = copies / f"{name}.html"
    path.write_text(exporter.from_filename(str(copies / f"{name}.ipynb"))[0], encoding="utf-8")
    watched = Watched(browser)
    page = watched.open(path)
    watched.shoot(f"copy-{name}")
    pictures = page.locator("img[src^='data:image/svg+xml']").evaluate_all(BOXES)
    assert len(pictures) == sum(PLOTLY in data for data in outputs(copies / f"{name}.ipynb"))
    assert [box for box in pictures if min(box) < 150] == []
    empty = (
        "(cells) => cells.filter((cell) => cell.innerText.trim() === '' && !cell.querySelector('img, image')).length"
    )
    assert page.locator(".jp-OutputArea-output").evaluate_all(empty) == 0
    if name == "explorers":
        assert page.get_by_text("These pages are live where the notebook runs").is_visible()
        assert page.get_by_text("accepted blueprints", exact=True).is_visible()
    assert watched.requests == []
    watched.context.close()
