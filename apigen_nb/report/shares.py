"""Counts, shares and their intervals: what passed, what fell, what is undecided, of how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd

from .intervals import interval as interval
from .intervals import share as share
from .intervals import wilson as wilson

OUTCOMES = ("verified", "failed", "undecided")
MARKS = dict(zip(OUTCOMES, "✓✗?", strict=True))
UNASKED = "not asked"  # of a check: the conversation fell elsewhere
OPEN = ("undecided", UNASKED)  # columns of what neither held nor fell, where there can be any


def rates(rows: list[dict[str, Any]], first: list[str], more: tuple[str, ...] = ()) -> pd.DataFrame:
    """Rows with counts `attempted` and `passed` (and `undecided`, where some can be: then `more` names it) as a frame
    with what fell, the share that passed and its interval. What is undecided has neither passed nor fallen."""
    for row in rows:
        row["fell"] = row["attempted"] - row["passed"] - row.get("undecided", 0)
        row["rate"] = row["passed"] / row["attempted"] if row["attempted"] else 0.0
        row["low"], row["high"] = wilson(row["passed"], row["attempted"])
    return pd.DataFrame(rows, columns=[*first, "attempted", "passed", *more, "fell", "rate", "low", "high"])


def tally(pairs: Iterable[tuple[Any, bool]], name: str) -> pd.DataFrame:
    """Pairs of a value and whether it passed, counted by the values, commonest first."""
    named = ((value, OUTCOMES[0] if passed else OUTCOMES[1]) for value, passed in pairs)
    return tally_outcomes(named, name).drop(columns="undecided")


def tally_outcomes(pairs: Iterable[tuple[Any, str]], name: str) -> pd.DataFrame:
    """Pairs of a value and a conversation's outcome, counted by the values, commonest first: attempted, passed,
    undecided, fell."""
    counts: dict[Any, Counter[str]] = {}
    for value, outcome in pairs:
        counts.setdefault(value, Counter())[outcome] += 1
    ranked = sorted(counts, key=lambda value: (-counts[value].total(), str(value)))
    rows = [
        {name: v, "attempted": n.total(), "passed": n["verified"], "undecided": n["undecided"]}
        for v, n in ((value, counts[value]) for value in ranked)
    ]
    return rates(rows, [name], ("undecided",))
