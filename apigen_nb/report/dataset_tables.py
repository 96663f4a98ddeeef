"""The dataset in rows: how many examples each config has, how they were split, and which verified conversations are no
rows, for which reason, and which row stands for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from ..dataset.configs import CONFIGS
from ..dataset.contamination import Hit
from ..dataset.diversity import Diversity, lines
from ..dataset.origin import read_origin
from ..dataset.selection import LeftOut
from ..storage.jsonl import scan_lines
from ..storage.safe_text import clean, truncate
from . import pieces

FOUND = 300  # characters of what a reason goes by


def configs(examples: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Of `Summary.examples`: config, what it is for, and how many examples each split has."""
    rows = [
        {"config": name, "for": CONFIGS[name].purpose.replace("`", ""), "split": split, "examples": count}
        for name, splits in examples.items()
        for split, count in splits.items()
    ]
    return pd.DataFrame(rows, columns=["config", "for", "split", "examples"])


def reasons(left_out: Mapping[str, int]) -> pd.DataFrame:
    """Reason → conversations: why verified ones are no rows, the most frequent first."""
    rows = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0]))
    return pd.DataFrame(rows, columns=["reason", "conversations"])


def splits(dataset: Path) -> pd.DataFrame:
    """Split → rows and their share, as asked for and as it came out; empty of a dataset of an earlier version."""
    origin = read_origin(dataset)
    found = origin.splits if origin else {}
    asked: Mapping[str, float] = {str(name): share for name, share in origin.options.splits.items()} if origin else {}
    rows = [
        {"split": name, "rows": count, "share": count / sum(found.values()), "asked for": asked.get(name, 0.0)}
        for name, count in found.items()
    ]
    return pd.DataFrame(rows, columns=["split", "rows", "share", "asked for"])


def left_out(dataset: Path) -> pd.DataFrame:
    """Every verified conversation that is no row: the reason, what that goes by, and the row that stands for it, where
    one does."""
    path = dataset / "left_out.jsonl"
    records = (one for _, _, one in scan_lines(path, LeftOut)) if path.is_file() else ()
    rows = [(one.id, one.reason, clean(truncate(one.found, FOUND)), one.twin) for one in records]
    return pd.DataFrame(rows, columns=["trajectory", "reason", "found", "twin"])


def reason_of(dataset: Path) -> dict[str, str]:
    """Verified conversation that is no row → the reason."""
    gone = left_out(dataset)
    return dict(zip(gone["trajectory"], gone["reason"], strict=True))


def diversity(dataset: Path) -> pd.DataFrame:
    """How diverse the rows are: measure and value; empty of a dataset of an earlier version."""
    path = dataset / "diversity.json"
    told = lines(Diversity.model_validate_json(path.read_bytes())) if path.is_file() else ()
    return pd.DataFrame(told, columns=["measure", "value"])


def benchmarks(dataset: Path) -> pd.DataFrame:
    """Public benchmark → how many rows share with it, or why nobody looked."""
    origin = read_origin(dataset)
    return pd.DataFrame(origin.benchmarks.items() if origin else (), columns=["benchmark", "looked at"])


def contamination(dataset: Path) -> pd.DataFrame:
    """What rows share with tasks of public benchmarks that were installed."""
    path = dataset / "contamination.jsonl"
    hits = (hit for _, _, hit in scan_lines(path, Hit)) if path.is_file() else ()
    rows = [(h.id, h.benchmark, clean(h.task), h.overlap, clean(truncate(h.found, FOUND))) for h in hits]
    return pd.DataFrame(rows, columns=["trajectory", "benchmark", "task", "overlap", "found"])


def section(dataset: Path) -> pieces.Piece:
    """What the page of the dataset shows: the splits, diversity in numbers, what was left out, each with its twin, and
    what is shared with benchmarks; "" where nothing was exported."""
    parts, gone = splits(dataset), left_out(dataset)
    if not len(parts):
        return pieces.Piece("")
    links = {"trajectory": "trajectories", "twin": "trajectories"}
    shared = contamination(dataset)
    html = Markup(
        '<section class="panel" id="splits"><h2>Splits</h2>{}</section>'
        '<section class="panel" id="diversity"><h2>Diversity</h2>{}</section>'
        '<section class="panel" id="left-out"><h2>Left out: {:,} verified conversations</h2>{}{}</section>'
        '<section class="panel" id="contamination"><h2>Shared with public benchmarks</h2>{}{}</section>'
    ).format(
        Markup(pieces.table(parts, percent=("share", "asked for"), links={})),
        Markup(pieces.table(diversity(dataset), most=60, links={})),
        len(gone),
        Markup(pieces.table(reasons(gone["reason"].value_counts().to_dict()), links={})),
        Markup(pieces.table(gone, most=100, links=links, fold="Each with its twin, or what was found")),
        Markup(pieces.table(benchmarks(dataset), links={})),
        Markup(pieces.table(shared, most=100, links=links)) if len(shared) else "",
    )
    return pieces.Piece(html)
