"""Offsets by id: a dictionary that is small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.storage.offset_index import OffsetIndex

ids = st.text(st.characters(), max_size=6)  # lone surrogates, too


@given(st.dictionaries(ids, st.integers(0, 2**60), max_size=40), ids)
def test_it_is_a_dictionary(known: dict[str, int], other: str) -> None:
    found = OffsetIndex()
    numbers = {id: found.number(id) for id in list(known)[::2]}
    for number, (id, place) in enumerate(known.items()):
        assert found.get(id) is None
        assert len(found) == number
        found.put(id, place)
    assert {id: found.get(id) for id in known} == known
    assert found.get(other) == known.get(other)
    numbers |= {id: found.number(id) for id in known if id not in numbers}
    assert len(set(numbers.values())) == len(known)
    assert {id: found.number(id) for id in known} == numbers
    assert {id: found.at(number) for id, number in numbers.items()} == known
    assert found.at(10**9) is None


@given(st.dictionaries(ids, st.integers(0, 2**60), min_size=1, max_size=20))
def test_places_can_be_replaced_by_fewer(known: dict[str, int]) -> None:
    found = OffsetIndex()
    for id, place in known.items():
        found.put(id, place)
    kept = list(known)[::2]
    found.replace((found.number(id), known[id] + 1) for id in kept)
    assert {id: found.get(id) for id in known} == {id: known[id] + 1 if id in kept else None for id in known}
    assert len(found) == len(kept)
