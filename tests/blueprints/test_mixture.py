"""Mixes: shares met at every length of a run, in an order that no other mix goes in step with."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.mixture import BEHAVIOUR_SHARES, KIND_SHARES, LEVEL_SHARES, assign, normalise
from apigen_nb.records import BEHAVIOURS, KINDS, LEVELS

DEFAULTS = {"kinds": KIND_SHARES, "behaviours": BEHAVIOUR_SHARES, "difficulty": LEVEL_SHARES}
shares = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 12), min_size=1).filter(lambda s: any(s.values()))


def furthest(mix: dict[str, float], order: list[str]) -> float:
    """How far the count of a name ever is from its share."""
    wanted, given_out, worst = normalise(mix), Counter[str](), 0.0
    for number, name in enumerate(order, 1):
        given_out[name] += 1
        worst = max(worst, *(abs(share * number - given_out[name]) for name, share in wanted.items()))
    return worst


def test_defaults_name_everything_and_sum_to_one() -> None:
    assert (tuple(KIND_SHARES), tuple(BEHAVIOUR_SHARES), tuple(LEVEL_SHARES)) == (KINDS, BEHAVIOURS, LEVELS)
    for mix in DEFAULTS.values():
        assert sum(mix.values()) == pytest.approx(1)


@given(shares, st.integers(1, 400), st.text(max_size=3))
@settings(max_examples=60, deadline=None)
def test_shares_are_met_within_one_after_any_number_of_seeds(mix: dict[str, float], count: int, key: str) -> None:
    order = [assign(mix, number, key) for number in range(count)]
    assert furthest(mix, order) < 1
    assert {name for name, share in mix.items() if not share} & set(order) == set()


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_the_default_mixes_are_met_within_one_in_a_long_run(name: str) -> None:
    order = [assign(DEFAULTS[name], number, "7") for number in range(2_000)]  # type: ignore[type-var]
    assert furthest(DEFAULTS[name], order) < 1  # type: ignore[arg-type]


def test_shares_that_no_small_number_of_seeds_meets_exactly_are_met_closely() -> None:
    mix = {"a": 0.123456789, "b": 2.0, "c": 0.000001}
    order = [assign(mix, number, "7") for number in range(1_000)]
    assert furthest(mix, order) < 1.2
    assert "c" in [assign(mix, number, "7") for number in range(10_000)]  # never rounded to nothing


def test_the_order_hangs_on_the_key_alone() -> None:
    orders = {key: [assign(KIND_SHARES, number, key) for number in range(120)] for key in ("1", "2")}
    assert orders["1"] != orders["2"]
    # asked for from behind, and one alone: the same
    assert orders["1"] == [assign(KIND_SHARES, number, "1") for number in reversed(range(120))][::-1]
    assert assign(KIND_SHARES, 100_000, "1") == assign(dict(reversed(KIND_SHARES.items())), 100_000, "1")


@pytest.mark.parametrize(("one", "two"), list(combinations(DEFAULTS, 2)))
def test_mixes_do_not_go_in_step(one: str, two: str) -> None:
    """Every pair, such as forbidden wishes of terse users, comes about as often as its shares say."""
    count = 2_000
    pairs = Counter((assign(DEFAULTS[one], n, f"7/{one}"), assign(DEFAULTS[two], n, f"7/{two}")) for n in range(count))  # type: ignore[type-var]
    deviation = 0.0
    for (a, share_a), (b, share_b) in product(DEFAULTS[one].items(), DEFAULTS[two].items()):
        expected = count * share_a * share_b
        assert 0.3 < pairs[a, b] / expected < 2
        deviation += (pairs[a, b] - expected) ** 2 / expected
    freedom = (len(DEFAULTS[one]) - 1) * (len(DEFAULTS[two]) - 1)
    assert deviation < freedom + 5 * (2 * freedom) ** 0.5  # of a chi-square, far out; in step it is ten times that


@pytest.mark.parametrize("mix", [{}, {"a": 0.0}, {"a": -1.0, "b": 3.0}, {"a": float("nan")}, {"a": float("inf")}])
def test_shares_that_are_none_are_refused(mix: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected shares of 0 or more, at least one of them positive"):
        normalise(mix)
    with pytest.raises(ValueError, match="expected shares"):
        assign(mix, 0, "")
