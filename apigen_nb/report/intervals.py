"""Shares of a count and their intervals, in numbers and in words. Loads nothing."""

from __future__ import annotations

from statistics import NormalDist


def wilson(passed: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a proportion; (0, 1) when nothing was counted.

    Written out because the libraries that have it (scipy, statsmodels) are larger than everything else here."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, scale = passed / total, 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5 / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def share(passed: int, total: int) -> str:
    """A percentage for people, "65.5 %"; "–" when nothing was counted."""
    return f"{100 * passed / total:.1f} %" if total else "–"


def interval(passed: int, total: int, digits: int = 1) -> str:
    """The 95 % interval of a percentage for people, "[58.7–71.8]"."""
    low, high = wilson(passed, total)
    return f"[{100 * low:.{digits}f}–{100 * high:.{digits}f}]" if total else ""
