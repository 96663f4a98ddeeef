"""Every figure as a static picture: the same colours, nothing cut, the same bytes; and in words."""

from __future__ import annotations

import base64
import inspect
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from apigen_nb.report import (
    api_graph_figure,
    attempt_flow,
    charts,
    conversation_tables,
    diversity,
    judge_agreement,
    mixture_tables,
    run_comparison,
    study_figures,
    tables,
)
from apigen_nb.report.figure_style import FELL, HELD, INK, canvas, held_and_fell, in_rows
from apigen_nb.report.notebook_html import PLOTLY
from apigen_nb.report.picture.drawing import NoPicture, in_svg, in_words, static_picture
from apigen_nb.report.run_contents import RunContents
from apigen_nb.world.api_graph import Graph
from apigen_nb.world.domain import Domain
from tests.report_records import make_run

MODULES = (api_graph_figure, attempt_flow, charts, diversity, judge_agreement, run_comparison, study_figures)
MOST = 60_000  # bytes
BENCH = [("unknown id", False, 6, 6, 5), ("vague wish", False, 6, 1, 4), ("intact", True, 20, 0, 0)]


def drawn_by_us() -> set[str]:
    """The functions that make a figure out of records or frames; those that finish one of another are helpers."""
    found = set()
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and function.__annotations__.get("return") == "go.Figure":
                found.add(f"{module.__name__.rpartition('.')[2]}.{name}")
    return found


def bench() -> Any:
    columns = ["defect", "right", "planted", "gates", "committee"]
    return mixture_tables.pd.DataFrame(BENCH, columns=columns).assign(decidable=[True, False, False])


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, go.Figure]:
    run = RunContents(make_run(tmp_path_factory.mktemp("pictures") / "run"))
    shop = Domain.load("retail")
    p, t, frame = run.proposals, run.trajectories, run.conversations[0]
    verdicts, outcomes, votes = tables.verdicts(p), tables.trajectories(t), judge_agreement.votes(p)
    found = [{"name": "own_loan", "by": by, "task": str(n)} for n, by in enumerate(["rule", "rule", "refused write"])]
    runs = {"one": run, "other": run}
    return {
        "api_graph_figure.figure": api_graph_figure.figure(shop),
        "attempt_flow.sankey": attempt_flow.sankey(attempt_flow.flows(p), tables.gates_of(p)),
        "study_figures.arms": study_figures.arms(mixture_tables.arms({"feedback": list(p)})),
        "charts.attempts": charts.attempts(tables.attempts(outcomes)),
        "charts.blames": charts.blames(tables.rates([{"cause": "agent", "attempted": 3, "passed": 0}], ["cause"])),
        "charts.checks": charts.checks(tables.checks(t)),
        "charts.ends": charts.ends(conversation_tables.ends(outcomes)),
        "charts.failures": charts.failures(tables.failures(verdicts)),
        "charts.funnel": charts.funnel(tables.funnel(verdicts)),
        "charts.graph": charts.graph(tables.links(Graph.of(shop))),
        "charts.histogram": charts.histogram(frame, "words"),
        "charts.metrics": charts.metrics(tables.metrics(p)),
        "study_figures.recall": study_figures.recall(bench()),
        "study_figures.rejections": study_figures.rejections(mixture_tables.pd.DataFrame(found), 114),
        "charts.rounds": charts.rounds(tables.rounds(p)),
        "charts.selection": charts.selection(tables.selection(t, 3)),
        "charts.successes": charts.successes(mixture_tables.successes(p, t, "kind")),
        "charts.tool_use": charts.tool_use(tables.tool_use(t)),
        "charts.yields": charts.yields(mixture_tables.yields(p, "behaviour")),
        "diversity.composition_figure": diversity.composition_figure(frame),
        "diversity.transitions_figure": diversity.transitions_figure(run.conversations[1]),
        "judge_agreement.kappa_figure": judge_agreement.kappa_figure(judge_agreement.cohen(votes)),
        "judge_agreement.votes_figure": judge_agreement.votes_figure(judge_agreement.judges(votes)),
        "run_comparison.lengths_figure": run_comparison.lengths_figure(runs, "turns"),
        "run_comparison.shares_figure": run_comparison.shares_figure(run_comparison.shares(runs), "Shares"),
    }


def pixels(figure: go.Figure) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(static_picture(figure.to_dict()))).convert("RGB")).astype(int)


def holds(image: np.ndarray, colour: str) -> int:
    """How many pixels have a colour to the letter."""
    return int((image == [int(colour[n : n + 2], 16) for n in (1, 3, 5)]).all(axis=2).sum())


def test_no_figure_is_forgotten(figures: dict[str, go.Figure]) -> None:
    assert drawn_by_us() == set(figures)


@pytest.mark.parametrize("name", sorted(drawn_by_us()))
def test_every_figure_has_its_picture(figures: dict[str, go.Figure], name: str) -> None:
    figure = figures[name]
    assert figure.data, "an empty one shows nothing of its kind"
    png = static_picture(figure.to_dict())
    image = pixels(figure)
    assert len(png) < MOST
    assert png == static_picture(figure.to_dict())
    assert image.shape[1] in (1350, 1160)
    assert image.shape[0] >= figure.layout.height
    edge = np.concatenate([image[:2].reshape(-1, 3), image[-2:].reshape(-1, 3), image[:, :2].reshape(-1, 3),
                           image[:, -2:].reshape(-1, 3)])  # fmt: skip
    assert (edge == 255).all(), "something is cut"
    assert holds(image, INK) > 50, "its words are to be read"
    colours = {mark.get("color") for mark in (trace.to_plotly_json().get("marker", {}) for trace in figure.data)}
    sizes = {HELD: "passed", FELL: "fell"}
    for colour in colours & set(sizes):
        if any(any(trace.x or ()) for trace in figure.data if trace.marker.color == colour):
            assert holds(image, colour) > 100, sizes[colour]


@pytest.mark.parametrize("part", ["annotations", "data"])
def test_what_a_figure_lacks_its_picture_lacks(figures: dict[str, go.Figure], part: str) -> None:
    """Texts beside bars and the bars themselves are in the picture, and traces that are hidden are not."""
    whole = figures["charts.funnel"].to_dict()
    less = go.Figure(whole).to_dict()
    if part == "data":
        less["data"][1]["visible"] = False
        hidden = static_picture(less)
        assert holds(pixels(go.Figure(less)), FELL) < holds(pixels(go.Figure(whole)), FELL) / 10
        del less["data"][1]
        assert static_picture(less) == hidden
    else:
        del less["layout"]["annotations"]
        assert static_picture(less) != static_picture(whole)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_intervals_are_drawn(axis: str) -> None:
    figure = canvas("points", 200).add_scatter(x=[1, 2], y=[1, 2], mode="markers", marker={"color": QUIET_BLUE})
    bare = holds(pixels(figure), FELL)
    figure.update_traces({f"error_{axis}": {"type": "data", "array": [0.5, 0.5], "color": FELL, "thickness": 2}})
    assert bare == 0
    assert holds(pixels(figure), FELL) > 50


QUIET_BLUE = "#102030"


def test_stacked_bars_are_as_long_as_their_counts() -> None:
    counted = tables.rates([{"gate": "one", "attempted": 100, "passed": 75}], ["gate"])
    image = pixels(held_and_fell(counted, ["one"], "Gates", "attempts"))
    held = (image == [int(HELD[n : n + 2], 16) for n in (1, 3, 5)]).all(axis=2)
    longest = held.sum(axis=1).max()
    fell = (np.abs(image - [int(FELL[n : n + 2], 16) for n in (1, 3, 5)]).max(axis=2) < 8)[held.sum(axis=1) == longest]
    reach = [np.flatnonzero(row).max() - np.flatnonzero(row).min() for row in fell if row.any()]
    assert max(reach) == pytest.approx(longest / 3, abs=12)


UNKNOWN: dict[str, Callable[[], go.Figure]] = {
    "a trace 'pie'": lambda: go.Figure(go.Pie(values=[1, 2])),
    "bars that are not stacked": lambda: go.Figure(go.Bar(y=[1, 2]), {"barmode": "group"}),
    "a note with an arrow": lambda: go.Figure(go.Scatter(y=[1, 2])).add_annotation(x=0, y=1, text="here"),
    "a shape 'rect'": lambda: go.Figure(go.Scatter(y=[1, 2], x=[1, 2])).add_vrect(x0=0, x1=1),
    "something unforeseen": lambda: go.Figure(go.Scatter(y=["a", 1], yaxis="y", x=[1, 2])),
}


@pytest.mark.parametrize("words", UNKNOWN)
def test_what_is_not_drawn_is_said(words: str) -> None:
    """The live figure is shown all the same."""
    figure = UNKNOWN[words]()
    with pytest.raises(NoPicture, match=words.replace("(", r"\(")):
        static_picture(figure.to_dict())
    bundle = plotly.io.renderers["plotly_mimetype"].to_mimebundle(figure.to_dict())
    assert set(bundle) == {PLOTLY, "text/plain"}
    assert words in bundle["text/plain"]


def test_a_notebook_gets_the_live_figure_the_picture_and_its_words(figures: dict[str, go.Figure]) -> None:
    figure = figures["charts.funnel"]
    bundle = plotly.io.renderers["plotly_mimetype"].to_mimebundle(figure.to_dict())
    assert set(bundle) == {PLOTLY, "image/svg+xml", "text/plain"}
    png = static_picture(figure.to_dict())
    assert bundle["image/svg+xml"] == in_svg(png, bundle["text/plain"])
    assert base64.b64encode(png).decode() in bundle["image/svg+xml"]
    assert len(bundle[PLOTLY]["data"]) == len(figure.data)
    rows = figure.layout.meta["rows"]
    assert bundle["text/plain"].splitlines()[1:] == [f"{name}: {beside}" for name, beside in rows]


def test_an_empty_figure_says_why() -> None:
    nothing = study_figures.rejections(mixture_tables.pd.DataFrame(columns=["name", "by", "task"]), 114)
    assert "nothing to show: no gold task that is rejected" in in_words(nothing.to_dict())
    only_right = bench().query("right")
    assert "nothing to show: no blueprints with the defect" in in_words(study_figures.recall(only_right).to_dict())
    assert nothing.layout.xaxis.visible is nothing.layout.yaxis.visible is False
    assert holds(pixels(nothing), INK) > 50


def test_right_tasks_are_not_among_the_planted_defects(figures: dict[str, go.Figure]) -> None:
    figure = figures["study_figures.recall"]
    assert [name for name, _ in figure.layout.meta["rows"]] == ["unknown id", "vague wish"]
    assert figure.layout.xaxis.range[1] < 7


@settings(max_examples=12, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=3))
def test_any_text_is_a_label(names: list[str]) -> None:
    figure = canvas("any", 200).add_bar(x=[1] * len(names), y=list(range(len(names))), orientation="h")
    png = static_picture(in_rows(figure, names, names).to_dict())
    assert Image.open(io.BytesIO(png)).size[0] == 1350
