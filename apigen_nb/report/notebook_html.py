"""An executed notebook as the body of a page: no code, figures as data, nothing that runs or loads."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .markdown import prose
from .pieces import linked

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

PLOTLY = "application/vnd.plotly.v1+json"
# What a page can show without running anything; widgets and scripts are left to the notebook.
SHOWN = (PLOTLY, "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain")

_CODE = re.compile(r"## (Parameters|Load|Run|Next)\b")  # sections about code, which a page does not show
_SUBSECTION = re.compile(r"^###(?=#* )", re.MULTILINE)
_STYLE = re.compile(r"<style>\.apigen \{.*?</style>", re.DOTALL)  # of pieces, also older ones: the page links it once
_SCRIPT = re.compile(r"<script(?![^>]*application/json).*?</script\s*>", re.IGNORECASE | re.DOTALL)


def figure_html(figure: dict[str, Any]) -> str:
    """A plotly figure as a box and its data, which `report.js` draws when the page opens."""
    from plotly.utils import PlotlyJSONEncoder

    layout = figure.get("layout") or {}
    title = layout.get("title") or {}
    name = (title.get("text") or "figure") if isinstance(title, dict) else str(title)
    data = json.dumps({"data": figure.get("data", []), "layout": layout}, cls=PlotlyJSONEncoder)
    data = data.replace("<", "\\u003c")  # no "</script>" and no "<!--" can stand in it
    height = int(layout.get("height") or 360)
    box = f'<div class="plot" role="img" aria-label="{html.escape(name)}" style="height:{height}px"></div>'
    return f'{box}<script type="application/json">{data}</script>'


def has_figures(body: str) -> bool:
    """Whether a page with this body needs plotly."""
    return ' class="plot" role="img"' in body


def inert(body: str) -> str:
    """A body for a page in `report/`: links to other pages of the report stay inside it."""
    return str(body).replace('href="../report/', 'href="')  # Markup.replace would escape the new text


def body_of(path: Path) -> str:
    """The HTML of an executed notebook: its text and results. Errors stay, warnings and progress on stderr go."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in map(_shown, notebook.cells) if cell.source.strip() and _tells(cell)]
    notebook.metadata.pop("widgets", None)
    body, _ = _exporter().from_notebook_node(notebook)
    return linked(_SCRIPT.sub("", _STYLE.sub("", body)))


@cache
def _exporter() -> HTMLExporter:
    from nbconvert import HTMLExporter  # 0.8 s, and only who writes a report needs it

    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    exporter.mathjax_url = exporter.require_js_url = exporter.mermaid_js_url = exporter.jquery_url = ""
    return exporter


def _shown(cell: NotebookNode) -> NotebookNode:
    if cell.cell_type != "code":
        # the sections of a notebook do not show, so that what stands in them moves up
        cell.source = _SUBSECTION.sub("##", cell.source.removeprefix("## Look").lstrip())
        return cell
    outputs = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        if "data" in output:
            kind = next((name for name in SHOWN if name in output.data), None)
            if kind is None:
                continue
            data = output.data[kind]
            if kind == PLOTLY:
                kind, data = "text/html", f'<div class="figure-box">{figure_html(data)}</div>'
            if kind == "text/markdown":  # such as a policy: its headings must not outrank those of the page
                kind, data = "text/html", prose("".join(data), "Read it", below=2)
            if kind == "text/plain" and not "".join(data).strip():  # what a progress line leaves behind
                continue
            output.data = type(output)({kind: data})
        outputs.append(output)
    cell.outputs = outputs
    return cell


def _tells(cell: NotebookNode) -> bool:
    return bool(cell.get("outputs")) if cell.cell_type == "code" else not _CODE.match(cell.source)
