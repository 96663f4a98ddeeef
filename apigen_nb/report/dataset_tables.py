"""The dataset in rows: how many examples each config has, and why verified conversations are none."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..dataset.configs import CONFIGS


def configs(examples: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Of `Summary.examples`: config, what it is for, and how many examples each split has."""
    rows = [
        {"config": name, "for": CONFIGS[name].purpose.replace("`", ""), "split": split, "examples": count}
        for name, splits in examples.items()
        for split, count in splits.items()
    ]
    return pd.DataFrame(rows, columns=["config", "for", "split", "examples"])


def reasons(left_out: Mapping[str, int]) -> pd.DataFrame:
    """Of `Summary.left_out`: why verified conversations are no rows, the most frequent first."""
    rows = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0]))
    return pd.DataFrame(rows, columns=["reason", "conversations"])
