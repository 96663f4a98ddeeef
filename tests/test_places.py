"""Places by id: a dictionary that is small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb import places
from apigen_nb.places import Places, key_of


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "RECENT", 4)
        yield


@given(st.dictionaries(st.text(max_size=6), st.integers(0, 2**60), max_size=40), st.text(max_size=6))
def test_it_is_a_dictionary(known: dict[str, int], other: str) -> None:
    found = Places()
    for number, (id, place) in enumerate(known.items()):
        assert found.get(key_of(id)) is None
        assert len(found) == number
        found.put(key_of(id), place)
    assert {id: found.get(key_of(id)) for id in known} == known
    assert found.get(key_of(other)) == known.get(other)


def test_any_text_has_a_key_of_64_bits() -> None:
    assert key_of("\ud800") != key_of("\ud801")  # a lone surrogate is no UTF-8
    assert 0 <= key_of("") < 2**64
