"""The index of runs as people see it: a table and the yields over time, in a notebook or as a page, `index.html` in the
folder of the runs. The page is one file that asks nobody for anything, as the report's pages are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import plotly.graph_objects as go
from markupsafe import Markup

from ..storage.jsonl import write_whole
from . import glossary, pieces
from .figure_style import canvas, empty, interval_bars, label, subtitle
from .page_frame import Inlined, Page, plotly_script, script, style
from .panels import Component, PanelChooser, panel
from .past_runs import NO_RUNS, Counted, PastRun, counted, read_runs
from .run_comparison import COLOURS, MARKS
from .tables import interval, rates, share

PAGE = "index.html"
COLUMNS = (
    "run, begun (UTC)",
    "state",
    "domain, models",
    "accepted blueprints",
    "verified conversations",
    "rows",
    "cost",
    "set otherwise",
)
NUMBERS = COLUMNS[3:7]
YIELDS = {"accepted blueprints": "blueprints", "verified conversations": "conversations"}
HINT = (
    "The run begun last stands first. Each yield is told with its 95 % interval (Wilson). What was set otherwise is "
    "told against the run of the same domain before it; how fast and for how much a run is made is left out."
)


def runs(outputs: Path | str = "outputs") -> pieces.Piece:
    """The runs in a folder as a table for a notebook, the last begun first: state, domain, models, what was set
    otherwise than in the run of that domain before, yields with 95 % intervals, rows, cost. Folders that hold no run
    are listed with the reason. OSError when `outputs` cannot be read."""
    return runs_table(read_runs(outputs))


def runs_table(found: Sequence[PastRun], base: str = "") -> pieces.Piece:
    """The table of `runs`; with the folder `base` that they lie in as on a page, where runs are opened and chosen."""
    ordered = _last_first(found)
    told = {"runs": ordered, "columns": COLUMNS, "numbers": NUMBERS, "base": base}
    drawn = pieces.draw("runs.html.j2", **told, quote=_quoted, share=share, interval=interval)
    return drawn if base else pieces.Piece(Markup('<div class="apigen">{}</div>').format(Markup(drawn)))


def _quoted(folder: str) -> str:
    return quote(folder.encode("utf-8", "surrogateescape"))


def yields_figure(found: Sequence[PastRun], domain: str) -> go.Figure:
    """Both yields of a domain's runs in the order in which they were begun, each with its 95 % interval."""
    title = f"{label(domain)}: what came through, run by run"
    shown = [run for run in found if run.domain == domain and (run.blueprints or run.conversations)]
    if not shown:
        return empty(title, "runs with counts")
    drawn = canvas(title, 340, margin={"t": 70, "b": 40, "l": 8, "r": 16}, yaxis_title_text="%")
    for number, (name, attribute) in enumerate(YIELDS.items()):
        _add_yields(drawn, [(place, run, getattr(run, attribute)) for place, run in enumerate(shown)], name, number)
    every = -(-len(shown) // 8)  # names that are cut or stand in each other's way tell nothing
    places = list(range(0, len(shown), every))
    names = [label(shown[place].name, 18) for place in places]
    drawn.update_xaxes(tickvals=places, ticktext=names, range=[-0.6, len(shown) - 0.4], tickangle=30, showgrid=False)
    drawn.update_yaxes(range=[-2, 102], nticks=6)
    words = (f"<span style='color:{COLOURS[n]}'>{sign}</span> {name}" for n, (name, sign) in enumerate(SIGNS.items()))
    return drawn.update_layout(title_subtitle=subtitle("   ".join(words) + "   ├┤ 95 %"))


SIGNS = dict(zip(YIELDS, "●◆", strict=True))


def _add_yields(drawn: go.Figure, of: Sequence[tuple[int, PastRun, Counted | None]], name: str, number: int) -> None:
    known = [(place, run, yields) for place, run, yields in of if yields and yields[1]]
    frame = rates([{"attempted": n, "passed": k} for _, _, (k, n) in known], [])
    told = [
        "<br>".join([f"<b>{label(run.name, 60)}</b>, {run.begun[:16]}", f"{name}: {counted(yields)}", *_beside(run)])
        for _, run, yields in known
    ]
    rate, low, high = (100 * frame[column] for column in ("rate", "low", "high"))
    drawn.add_scatter(
        x=[place + 0.16 * (number - 0.5) for place, _, _ in known], y=rate.tolist(), mode="markers", name=name,
        marker={"size": 9, "color": COLOURS[number], "symbol": MARKS[number]}, hovertext=told, hoverinfo="text",
        error_y=interval_bars(rate, low, high, thickness=1.6, width=4, color=COLOURS[number]),
    )  # fmt: skip


def _beside(run: PastRun) -> list[str]:
    return [label(change, 90) for change in run.changes[:6]] if run.before else []


def write_index(outputs: Path, found: Sequence[PastRun]) -> Path:
    """Write the page over these runs of the folder `outputs`; gives its path. OSError when it cannot be written."""
    domains = list(dict.fromkeys(run.domain for run in _last_first(found) if run.blueprints or run.conversations))
    table = Markup('<section class="panel">{}</section>').format(Markup(runs_table(found, outputs.as_posix())))
    head = Markup('<h1>Runs</h1><p class="lead">{}</p><p class="quiet hint">{}</p>').format(_answer(found), HINT)
    trend = PanelChooser(lambda: {"domain": domains}, lambda domain: panel(yields_figure(found, domain)))
    body: list[Component | str] = [head, *((trend,) if domains else ()), table]
    page = Page(PAGE, "Runs", "", lambda: body)
    texts = (plotly_script(), script("start"), (pieces.ASSETS / "js" / "runs.js").read_text(encoding="utf-8"))
    scripts = tuple(Markup(text.replace("</script", "<\\/script").replace("<!--", "<\\!--")) for text in texts)
    css = (pieces.ASSETS / "runs.css").read_text(encoding="utf-8")
    inlined = Inlined(Markup(style() + css), scripts, Markup(""))
    drawn = pieces.draw(
        "page.html.j2", title="Runs", tag="header", popovers=glossary.popovers(), inlined=inlined,
        scripts=inlined.hashes, kind="", body=Markup(page.html),
        plots=True, run=outputs.resolve().name, here=PAGE, scripted=False, pages=[(PAGE, "Runs")], notebooks=[],
    )  # fmt: skip
    write_whole(outputs / PAGE, [drawn])
    return outputs / PAGE


def _answer(found: Sequence[PastRun]) -> str:
    """How many runs there are, and what they came to."""
    held = [run for run in found if run.state not in (*NO_RUNS, "estimated")]
    if not held:
        return "There is no run here yet."
    finished, costs = sum(run.state == "finished" for run in held), [run.cost for run in held if run.cost is not None]
    domains = len({run.domain for run in held})
    spent = f" They have cost ${sum(costs):,.2f} as far as prices are known." if any(costs) else ""
    return f"{len(held):,} runs of {domains} domain{'s' * (domains > 1)}, {finished:,} of them finished.{spent}"


def _last_first(found: Sequence[PastRun]) -> list[PastRun]:
    held = [run for run in found if run.state not in NO_RUNS]
    return [*reversed(held), *found[len(held) :]]
