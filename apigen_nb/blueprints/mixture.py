"""Mixes: shares of a run, given to its seeds so that the shares are met at every length of the run.

The order of a mix is that of the chairman assignment problem (Tijdeman, Discrete Mathematics 32, 1980): after any
number of seeds each share is met within one seed. Within that bound the order is shuffled, or else two mixes would go
in step and, say, no forbidden wish would ever come from a terse user.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import TypeVar

from ..records import Behaviour, Kind, Level

# What a run asks for unless it is told otherwise (ours; the paper has neither kinds nor behaviours nor levels).
KIND_SHARES: dict[Kind, float] = {
    "plain": 0.58,
    "missing detail": 0.06,
    "forbidden": 0.06,
    "missing tool": 0.06,
    "change of mind": 0.06,
    "tool error": 0.06,
    "no tool": 0.06,
    "parallel calls": 0.06,
}
BEHAVIOUR_SHARES: dict[Behaviour, float] = {
    "cooperative": 0.4,
    "terse": 0.15,
    "impatient": 0.15,
    "rambling": 0.15,
    "forgetful": 0.15,
}
LEVEL_SHARES: dict[Level, float] = {"easy": 0.3, "medium": 0.4, "hard": 0.3}

T = TypeVar("T", bound=str)
FINEST = 10_000  # shares are kept to a ten-thousandth
BLOCK = 60  # seeds that are shuffled at a time: the first n seeds of a longer run stay the same
SWAPS = 500  # tried a block; enough for two mixes to be independent
FAR = 8  # seeds between two that are swapped, at most: swaps over more are hardly ever possible


def normalise(shares: Mapping[T, float]) -> dict[T, float]:
    """Shares that sum to 1, those of nothing left out. ValueError unless all are ≥ 0 and one is positive."""
    if any(share < 0 or not math.isfinite(share) for share in shares.values()) or not sum(shares.values()):
        raise ValueError("expected shares of 0 or more, at least one of them positive")
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items() if share}


def assign(shares: Mapping[T, float], number: int, key: str) -> T:
    """What the seed of this number gets. After n seeds each name was given out within one of its share of n; `key` is
    what the order is shuffled by."""
    names = sorted(normalise(shares))  # in whatever order they were written down
    weights = _whole(tuple(Fraction(str(shares[name])) for name in names))
    return names[_block(weights, number // BLOCK, key)[number % BLOCK]]


@functools.lru_cache(maxsize=64)
def _whole(shares: tuple[Fraction, ...]) -> tuple[int, ...]:
    """Whole numbers in the proportion of the shares, with a small sum."""
    exact = [share / sum(shares) for share in shares]
    total = math.lcm(*(share.denominator for share in exact))
    if total <= FINEST:
        return tuple(int(share * total) for share in exact)
    near = [max(round(share * FINEST), 1) for share in exact]  # a share is never rounded to nothing
    near[near.index(max(near))] += FINEST - sum(near)
    return tuple(near)


@functools.lru_cache(maxsize=64)
def _cycle(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Tijdeman's order over one period, after which every share is met exactly: of those that have waited long enough
    the one whose turn must come first."""
    total, double = sum(weights), 2 * len(weights) - 2
    given = [0] * len(weights)
    order = []
    for step in range(1, total + 1):
        owed = [weight * step - total * count for weight, count in zip(weights, given, strict=True)]
        able = [i for i, debt in enumerate(owed) if double * debt >= total] or [owed.index(max(owed))]
        first = min(able, key=lambda i: (Fraction((double - 1) * total - double * owed[i], weights[i]), i))
        given[first] += 1
        order.append(first)
    return tuple(order)


@functools.lru_cache(maxsize=256)
def _block(weights: tuple[int, ...], index: int, key: str) -> tuple[int, ...]:
    """A block of the order, shuffled by swaps that leave no share further than one from what it should be."""
    cycle, total, start = _cycle(weights), sum(weights), index * BLOCK
    order = [cycle[number % total] for number in range(start, start + BLOCK)]
    given = [start // total * weight + cycle[: start % total].count(i) for i, weight in enumerate(weights)]
    owed = []  # after each seed of the block, for each share, times `total`
    for step, name in enumerate(order, start + 1):
        given[name] += 1
        owed.append([weight * step - total * count for weight, count in zip(weights, given, strict=True)])
    rng = Random(f"{key}/{index}")
    for _ in range(SWAPS):
        one = rng.randrange(BLOCK - 1)
        two = min(one + rng.randint(1, FAR), BLOCK - 1)
        later, sooner = order[one], order[two]
        if later != sooner and all(owed[p][later] < 0 < owed[p][sooner] for p in range(one, two)):
            order[one], order[two] = sooner, later
            for place in range(one, two):
                owed[place][later] += total
                owed[place][sooner] -= total
    return tuple(order)
