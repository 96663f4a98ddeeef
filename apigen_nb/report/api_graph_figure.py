"""The API graph as a figure and as tables: what leads to what, how that is known, and what a run walked over."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ..records import Proposal
from ..world.api_graph import Edge, Graph, is_id_parameter
from ..world.api_graph import coverage as covered
from ..world.domain import Domain
from ..world.values import PARAMETER_PREFIXES, singular
from .figure_style import HELD, INK, PLATE, QUIET, canvas, empty, label, subtitle
from .tables import share

FURTHER, DETAILS, BACK = "ids, from further on", "details: names, dates, amounts", "leading back"
LATER = (FURTHER, DETAILS, BACK)  # not drawn until they are asked for
ROW = 34  # pixels between the writing tools
KINDS = {"read": ("circle-open", "○ reads"), "write": ("square", "■ writes"), "other": ("diamond-open", "◇ neither")}
EVERY, NOTHING = "every line", "no line"

Place = dict[str, tuple[float, float]]


def figure(domain: Domain) -> go.Figure:
    """The API graph from left to right: tools that find the user, reads by how many come before them, writes. A line
    runs from a tool to one whose argument its result can fill; how that is known shows on hover. A menu says of which
    id the lines stand out. Drawn is where an id can be had first; the rest only when it is chosen: the same id from
    reads further on, what is no id, and lines that lead back."""
    graph = Graph.of(domain)
    title = "API graph: what has to be found out first"
    if not graph.edges:
        return empty(title, "argument that another tool's result can fill")
    columns = layers(domain, graph)
    place = _places(columns, graph)
    most = max(map(len, columns))
    margin = {"t": 92, "b": 16, "l": 12, "r": 12}
    drawn = canvas(title, 110 + ROW * max(most, 6), margin=margin, hovermode="closest", meta={"wide": True})
    grouped = _grouped(graph, place)
    for number, (name, edges) in enumerate(grouped.items()):
        _lines(drawn, name, edges, place, number)
    _tools(drawn, domain, graph, place)
    room = 0.045 * max(len(name) for name in columns[-1])  # columns' widths, for the names beside the writing tools
    drawn.update_xaxes(visible=False, range=[-0.5, len(columns) - 1 + max(room, 0.5)])
    drawn.update_yaxes(visible=False, range=[-0.9, max(most, 6) - 0.1])
    told = f"{'   '.join(mark for _, mark in KINDS.values())}   <span style='color:{HELD}'>━</span> the lines chosen"
    return drawn.update_layout(title_subtitle=subtitle(told), updatemenus=[_menu(grouped)], showlegend=False)


def _tools(drawn: go.Figure, domain: Domain, graph: Graph, place: Place) -> None:
    """Draw the tools, a mark for each kind, with their names: above them, in the last column beside them."""
    for kind, (symbol, _) in KINDS.items():
        names = [name for name in place if domain.tools[name].kind == kind]
        drawn.add_scatter(
            x=[place[name][0] for name in names],
            y=[place[name][1] for name in names],
            mode="markers",
            marker={"symbol": symbol, "size": 12, "color": INK, "line": {"width": 2, "color": INK}},
            hovertext=[_about(domain, graph, name) for name in names],
            hoverinfo="text",
        )
    last = max(x for x, _ in place.values())
    for name, (x, y) in place.items():
        side = {"xanchor": "left", "xshift": 12} if x == last else {"yanchor": "bottom", "yshift": 7}
        look = {"font": {"size": 11, "color": INK}, "bgcolor": PLATE, "borderpad": 0}
        drawn.add_annotation(x=x, y=y, text=label(name, 40), showarrow=False, **look, **side)


def _menu(grouped: Mapping[str, Mapping[tuple[str, str], list[Edge]]]) -> dict[str, Any]:
    """Which lines stand out, one id at a time; the commonest first."""
    names, buttons = list(grouped), []
    for chosen in (*names, EVERY, NOTHING):
        looks = [_look(name, chosen in (name, EVERY)) for name in names]
        args = {
            "line.color": [look["color"] for look in looks], "line.width": [look["width"] for look in looks],
            "visible": [chosen == EVERY or name == chosen or name not in LATER for name in names],
        }  # fmt: skip
        # of each group two traces, its lines and what they tell
        both = {key: [value for value in values for _ in "ab"] for key, values in args.items()}
        count = f" ({len(grouped[chosen])})" if chosen in grouped else ""
        where = list(range(2 * len(names)))
        buttons.append({"label": label(chosen + count), "method": "restyle", "args": [both, where]})
    # plotly draws what is chosen on a light ground of its own, so the whole menu is light
    look = {"bgcolor": "#eef2f6", "bordercolor": QUIET, "font": {"color": "#1b2734", "size": 11}}
    place = {"x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom", "pad": {"b": 14}}
    return {"buttons": buttons, "direction": "down", "showactive": True, **look, **place}


def _look(name: str, chosen: bool) -> dict[str, Any]:
    return {"color": HELD if chosen else QUIET, "width": 2.2 if chosen else 1.0}


def layers(domain: Domain, graph: Graph) -> list[list[str]]:
    """The columns of the figure: the reading tools by how many reads come before them, then the writing tools; what has
    no edge stands where it would be called."""
    depths = graph.depths
    reads = [tool.name for tool in domain.tools.values() if tool.kind == "read"]
    deepest = max(depths.values(), default=0)
    columns = [[name for name in reads if depths.get(name, deepest) == depth] for depth in range(deepest + 1)]
    columns.append([tool.name for tool in domain.tools.values() if tool.writes])
    linked = {name for edge in graph.edges for name in (edge.producer, edge.consumer)}
    columns[-1] += [tool.name for tool in domain.tools.values() if tool.kind == "other" and tool.name in linked]
    return [column for column in columns if column]


def _places(columns: list[list[str]], graph: Graph) -> Place:
    """Coordinates: a column's tools are ordered by where their neighbours stand, so that fewer lines cross, and evenly
    spread; every other column is shifted, so that names beside each other do not touch."""
    beside = _neighbours(graph)
    most = max(6, *map(len, columns))
    place: Place = {}

    def spread(number: int) -> None:
        column = columns[number]
        step = most / len(column)
        shift = 0.25 * (-1) ** number if len(columns) > number + 1 else 0.0
        place.update(
            (name, (float(number), most - 0.5 - step * (row + 0.5) + shift)) for row, name in enumerate(column)
        )

    for number in range(len(columns)):
        spread(number)
    for number in [*range(len(columns) - 1, -1, -1), *range(len(columns))]:
        middle = {}
        for name in columns[number]:
            heights = [place[other][1] for other in sorted(beside.get(name, ())) if place[other][0] != number]
            middle[name] = sum(heights) / len(heights) if heights else place[name][1]
        columns[number].sort(key=lambda name: (-middle[name], name))
        spread(number)
    return place


def _neighbours(graph: Graph) -> dict[str, set[str]]:
    """Tool → tools that hand it an id, or take one from it."""
    beside: dict[str, set[str]] = {}
    for edge in graph.edges:
        if is_id_parameter(edge.parameter):
            beside.setdefault(edge.producer, set()).add(edge.consumer)
            beside.setdefault(edge.consumer, set()).add(edge.producer)
    return beside


def _group(edge: Edge, graph: Graph, place: Place) -> str:
    if place[edge.producer][0] >= place[edge.consumer][0]:
        return BACK
    if not is_id_parameter(edge.parameter):
        return DETAILS
    surest = graph.sources(edge.consumer, edge.parameter)
    if edge.producer not in surest or place[edge.producer][0] > min(place[p][0] for p in surest if p in place):
        return FURTHER
    return PARAMETER_PREFIXES.sub("", singular(edge.parameter.split(".")[-1]))


def _grouped(graph: Graph, place: Place) -> dict[str, dict[tuple[str, str], list[Edge]]]:
    """What flows → pair of tools → edges; the commonest first, what is hidden at first last."""
    found: dict[str, dict[tuple[str, str], list[Edge]]] = {}
    for edge in graph.edges:
        if edge.producer in place and edge.consumer in place:
            found.setdefault(_group(edge, graph, place), {}).setdefault(edge[:2], []).append(edge)
    last = ("", *LATER)
    order = {name: (last.index(name) if name in last else 0, -len(pairs), name) for name, pairs in found.items()}
    return dict(sorted(found.items(), key=lambda item: order[item[0]]))


def _lines(drawn: go.Figure, name: str, pairs: dict[tuple[str, str], list[Edge]], place: Place, number: int) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    joints: list[tuple[float, float, str]] = []
    for (producer, consumer), edges in pairs.items():
        curve = _curve(place[producer], place[consumer], number)
        x += [*(px for px, _ in curve), None]
        y += [*(py for _, py in curve), None]
        joints += [(*curve[step], _evidence(edges)) for step in HOVERED]
    line = _look(name, number == 0) | {"dash": "dot" if name in LATER else "solid"}
    visible = name not in LATER
    drawn.add_scatter(
        x=x, y=y, mode="lines", name=label(name), legendgroup=name, visible=visible, line=line, opacity=0.8,
        hoverinfo="skip",
    )  # fmt: skip
    # points of their own: a line is hovered at its joints only, also at those that have nothing to say
    drawn.add_scatter(
        x=[joint[0] for joint in joints], y=[joint[1] for joint in joints], mode="markers", name=label(name),
        legendgroup=name, visible=visible, marker={"size": 9, "color": QUIET, "opacity": 0},
        hovertext=[joint[2] for joint in joints], hoverinfo="text",
    )  # fmt: skip


STEPS = 14  # straight pieces of a curve
HOVERED = (3, 5, 7, 9, 11)  # the joints that tell the evidence: each repeats it, and at the ends many lines meet


def _curve(start: tuple[float, float], end: tuple[float, float], number: int) -> list[tuple[float, float]]:
    """From one tool to the next, level at both ends; several lines between the same two lie beside each other, and one
    that leads back or stays in its column bows out."""
    (x1, y1), (x2, y2) = start, end
    apart = 0.07 * ((number + 1) // 2) * (-1) ** number
    bow = 0.35 if x1 == x2 else 0.0
    points = []
    for step in range(STEPS + 1):
        t = step / STEPS
        s = t * t * (3 - 2 * t)
        points.append((x1 + (x2 - x1) * t + bow * 4 * t * (1 - t), y1 + (y2 - y1) * s + apart * 4 * t * (1 - t)))
    return points


def _evidence(edges: list[Edge]) -> str:
    lines = [f"<b>{label(edges[0].producer)} → {label(edges[0].consumer)}</b>"]
    for edge in edges[:4]:
        lines.append(f"<b>{label(edge.parameter)}</b> from {label(edge.key)}; known by {' and '.join(edge.evidence)}")
        lines += [f"<i>{label(part, 100)}</i>" for part in textwrap.wrap(edge.example.replace('"', "'"), 84)[:3]]
    more = len(edges) - 4  # plotly shows an escaped double quote as it is written, hence the single ones above
    return "<br>".join(lines) + (f"<br>and {more} more" if more > 0 else "")


def _about(domain: Domain, graph: Graph, name: str) -> str:
    tool = domain.tools[name]
    needs = ", ".join(graph.needs(tool)) or "nothing that must be looked up"
    lines = textwrap.wrap(tool.description.split("\n")[0], 70)[:3]
    said = "<br>".join(label(line, 100) for line in lines)
    return f"<b>{label(name)}</b>, {KINDS[tool.kind][1][2:]}<br>{said}<br>needs: {label(needs, 90)}"


def producers(domain: Domain) -> pd.DataFrame:
    """A row for each id that some tool takes: which tools take it, which give it, and how that is known."""
    graph = Graph.of(domain)
    rows: dict[str, tuple[dict[str, None], dict[str, set[str]]]] = {}
    for tool in domain.tools.values():
        taken = {e.parameter for e in graph.edges if e.consumer == tool.name}
        taken |= {
            name for name in tool.parameters.get("properties", {}) if name not in {p.split(".")[0] for p in taken}
        }
        for parameter in sorted(filter(is_id_parameter, taken)):
            takers, givers = rows.setdefault(parameter, ({}, {}))
            takers[tool.name] = None
            for edge in graph.edges:
                if (edge.consumer, edge.parameter) == (tool.name, parameter):
                    givers.setdefault(edge.producer, set()).update(edge.evidence)
    named = [
        (
            parameter,
            ", ".join(takers),
            ", ".join(givers) or "nothing: the user has to tell it",
            ", ".join(f"{kind} {sum(kind in found for found in givers.values())}" for kind in ("name", "value", "hand")
                      if any(kind in found for found in givers.values())),
        )
        for parameter, (takers, givers) in rows.items()
    ]  # fmt: skip
    return pd.DataFrame(named, columns=["id argument", "taken by", "given by", "known by"])


def coverage(domain: Domain, proposals: Iterable[Proposal]) -> pd.DataFrame:
    """What a run walked over, a row each for reading tools, writing tools and edges: how many there are, how many were
    in a walk, how many in an accepted blueprint, and which writing tools in none."""
    cover = covered(Graph.of(domain), proposals)
    kinds = {
        row.name: f"{domain.tools[row.name].kind}ing tools".replace("eing", "ing")
        for row in cover
        if row.what == "tool"
    }
    rows = []
    for what in dict.fromkeys([*kinds.values(), "edges"]):
        of = [row for row in cover if kinds.get(row.name, "edges") == what]
        walked, used = sum(row.sampled > 0 for row in of), sum(row.accepted > 0 for row in of)
        never = [row.name for row in of if what == "writing tools" and not row.accepted]
        shares = [f"{count:,} · {share(count, len(of))}" for count in (walked, used)]
        rows.append((what, len(of), *shares, ", ".join(never) or "–"))
    columns = ["what", "in the domain", "in a walk", "in an accepted blueprint", "writing tools never accepted"]
    return pd.DataFrame(rows, columns=columns)
