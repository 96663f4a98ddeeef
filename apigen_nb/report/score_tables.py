"""How good the rows of a dataset are: each score over all rows, and the rows to read first, with their parts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from ..dataset.rows import Scores
from ..dataset.scores import FORMULA, parts
from . import pieces

WORDS = {
    "score": FORMULA,
    "conduct": "share of the agent's replies that no check of conduct marks, needless reads aside",
    "wasted_reads": "share of the reads that were repeated, or of which nothing was used",
    "drafts": "attempts that the blueprint took until it was accepted",
    "agreement": "share of the judges' answers, on task and conversation, that most judges gave",
    "difficulty": "writes × facts to look up",
    "attempts": "decided conversations about the blueprint until one was verified",
    "pass_rate": "share of the decided conversations about the blueprint that were verified",
}
FEW = 10  # rows to read first
SHARES = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}


def read_scores(dataset: Path) -> dict[str, Scores]:
    """Row → its scores; none where nothing was exported, nor of a dataset of an earlier version, which has no score."""
    files = sorted((dataset / "openai").glob("*.parquet"))
    held = [pd.read_parquet(file, columns=["id", "scores"]) for file in files]
    found = {id: scores for frame in held for id, scores in zip(frame["id"], frame["scores"], strict=True)}
    return {id: Scores(**found[id]) for id in sorted(found) if "score" in found[id]}


def spread(scores: dict[str, Scores]) -> pd.DataFrame:
    """A row a score: what it is, how many rows have it, and what is low, usual and high."""
    rows = []
    for name, word in WORDS.items():
        known = pd.Series([value for one in scores.values() if (value := getattr(one, name)) is not None], dtype=float)
        rows.append((name, word, len(known), *(known.quantile(at) for at in SHARES.values())))
    return pd.DataFrame(rows, columns=["score", "what it is", "rows", *SHARES])


def lowest(scores: dict[str, Scores]) -> pd.DataFrame:
    """The rows with the lowest score, and its parts, of which it is the mean."""
    known = sorted((one.score, id) for id, one in scores.items() if one.score is not None)
    rows = [{"trajectory": id, "score": score, **parts(scores[id])} for score, id in known[:FEW]]
    return pd.DataFrame(rows, columns=["trajectory", "score", "conduct", "reads used", "drafts", "agreement"])


def section(dataset: Path) -> pieces.Piece:
    """Both, as a part of a page; "" where there are no scores."""
    scores = read_scores(dataset)
    if not scores:
        return pieces.Piece("")
    html = Markup('<section class="panel" id="scores"><h2>How good the rows are</h2>{}<h3>{}</h3>{}</section>')
    first = f"The {min(FEW, len(scores))} rows with the lowest score, and its parts"
    tables = Markup(pieces.table(spread(scores), links={})), Markup(pieces.table(lowest(scores)))
    return pieces.Piece(html.format(tables[0], first, tables[1]))
