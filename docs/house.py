"""Draw the house: `python docs/house.py` writes house.svg beside this file, a floor for each room, and from which
rooms it has imports. Both are read off the files, by the rules of `tests/test_layers.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from markupsafe import Markup

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.test_layers import FLOOR, MODULES, imported, room  # noqa: E402  # the path is set above

TARGET = ROOT / "docs" / "house.svg"
WIDE, HIGH, CELL = 400, 40, 34  # pixels of a floor, and of a column of the table beside it
EDGE, TOP = 20, 90  # the margin, and where the first floor stands
ABOUT = {
    "run": "parameters, papermill stages, command line",
    "report": "tables, figures, pages, explorers",
    "dataset": "formats, card, proof",
    "trajectories": "phase 2: user and agent, checks, blame",
    "blueprints": "phase 1: sample, draft, gates, committee, reflection",
    "models": "from a question to an answer: endpoint, cache, scripted",
    "domains": "retail, airline, banking; tau2 by an adapter",
    "world": "tools, rules and data of a domain; one executable copy of them",
    "storage": "JSON lines, the run's folder and manifest, progress",
    "records": "what is written to a line of JSON: Blueprint, Verdict, Trajectory …",
}


def imports() -> set[tuple[str, str]]:
    """Pairs of a room and another one that it imports from."""
    return {(room(module), room(other)) for module in MODULES for other in imported(module)}


def draw() -> str:
    """The picture as SVG, the highest floor on top."""
    rooms, found = sorted(ABOUT, key=lambda name: -FLOOR[name]), imports()
    style = "text{font:13px system-ui,sans-serif;fill:#1f2933}.quiet{font-size:11px;fill:#52606d}"
    parts = [Markup("<style>{}</style>").format(Markup(style))]
    text = Markup('<text x="{}" y="{}" class="{}">{}</text>')
    parts.append(text.format(EDGE, TOP - 8, "quiet", "imports go downwards only; a dot: has imports from"))
    for row, name in enumerate(rooms):
        y, right = TOP + HIGH * row, EDGE + WIDE + 10
        box = Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="4" fill="#f5f7fa" stroke="#9fb3c8"/>')
        parts.append(box.format(EDGE, y + 3, WIDE, HIGH - 6))
        parts.append(text.format(EDGE + 10, y + 18, "room", name))
        parts.append(text.format(EDGE + 10, y + 32, "quiet", ABOUT[name]))
        turned = Markup('<g transform="translate({},{}) rotate(-40)">{}</g>')
        parts.append(turned.format(right + CELL * row + 12, TOP - 4, text.format(0, 0, "quiet", name)) if row else "")
        for column, other in enumerate(rooms):
            if (name, other) in found and name != other:
                dot = Markup('<circle cx="{}" cy="{}" r="5" fill="#486581"/>')
                parts.append(dot.format(right + CELL * column + CELL // 2, y + HIGH // 2))
    wide, high = EDGE + WIDE + 70 + CELL * len(rooms), TOP + EDGE + HIGH * len(rooms)
    head = Markup('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}">')
    paper = Markup('<rect width="100%" height="100%" fill="#fff"/>')
    return head.format(w=wide, h=high) + paper + Markup("\n").join(parts) + Markup("</svg>\n")


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
    print(TARGET)
