"""Reading a text for its values: what is seen at a glance is what reading it whole finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.world.typed_values import find_values, has_no_figure, read

PARTS = st.sampled_from(
    (
        *("the parcel", "a week", "an hour", "half a day", "one", "two", "a dozen", "a hundred", "United States", "CA"),
        *("May", "the 24th", "24", "$", "$5", "%", "5%", "5pm", "noon", "dollars", "twenty-fourth", "Q3", "#R12", "_"),
        *("a@b.example", "a.", "m.", "-", "'s", "ein", "media", "mil", "half", "o'clock", "percent", "elf", "五", "٣"),
    )
)
TEXTS = st.lists(PARTS, max_size=8).flatmap(
    lambda parts: st.sampled_from(["", " ", ". "]).map(lambda gap: gap.join(parts))
)
FIGURES = {"number", "count", "money", "percentage", "date"}


@given(TEXTS)
def test_a_text_that_has_no_figure_at_a_glance_has_none(text: str) -> None:
    if has_no_figure(text):
        assert not [value for value in read(text) if value.type in FIGURES]


@given(TEXTS)
def test_values_are_what_is_no_mere_word(text: str) -> None:
    assert find_values(text) == tuple(value for value in read(text) if value.type != "word")


@pytest.mark.parametrize("text", ["A week in the United States.", "I am sorry, there is no such order."])
def test_an_article_counts_nothing_by_itself(text: str) -> None:
    assert has_no_figure(text)


@pytest.mark.parametrize("text", ["May it be.", "Two of them.", "5", "ten", "Half of it.", "五", "In dollars."])
def test_what_may_count_is_read(text: str) -> None:
    assert not has_no_figure(text)


@pytest.mark.parametrize("text", ["999999999999月24日", "999999999999年5月24日", "5月999999999999日"])
def test_a_date_of_too_many_figures_is_none(text: str) -> None:
    """It raised: no calendar has such a year, and no machine such a number."""
    assert "999999999999" in "".join(value.text for value in read(text) if value.type != "date")
