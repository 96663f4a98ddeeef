"""Lists are compared as what they are: what was taken out is one difference, whatever stood behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.records import canonical
from apigen_nb.world.aligned_lists import align_items

LEAVES = st.sampled_from([0, 1, 1.0, True, None, "", "a", "1"])
OBJECTS = st.fixed_dictionaries({"seat": st.integers(1, 3)}, optional={"free": st.booleans()})
WITH_IDS = st.lists(st.fixed_dictionaries({"n": LEAVES, "item_id": st.sampled_from("abcdef")}), max_size=6)
ITEMS = st.one_of(LEAVES, OBJECTS, st.lists(LEAVES, max_size=3))
LISTS = st.one_of(st.lists(ITEMS, max_size=7), WITH_IDS)


def differences(before: list[Any], after: list[Any]) -> list[tuple[str, Any, Any]]:
    items, order = align_items(before, after)
    found = [
        (name, s.get(0, "-"), s.get(1, "-")) for name, s in items if len({*map(canonical, s.values())}) + 2 - len(s) > 1
    ]
    return [*found, *([("order", *order)] if order else [])]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([1, 2, 3, 4], [1, 3, 4], [("1", 2, "-")]),
        ([1, 3, 4], [1, 2, 3, 4], [("1", "-", 2)]),
        ([1, 2, 3], [1, 5, 3], [("1", 2, 5)]),
        (["a", "b", "a", "b"], ["a", "a", "b"], [("1", "b", "-")]),
        (["a", "a", "a"], ["a"], [("1", "a", "-"), ("2", "a", "-")]),
        ([1, 2, 3], [2, 3, 1], [("order", [1, 2, 3], [2, 3, 1])]),
        ([1, 2, 3], [3, 2, 9, 1], [("2", "-", 9), ("order", [1, 2, 3], [3, 2, 9, 1])]),
        ([[1], [2], [3]], [[1], [3]], [("1", [2], "-")]),
        ([{"x": 1}, {"x": 2}], [{"x": 2}], [("0", {"x": 1}, "-")]),
        ([{"id": "a", "x": 1}, {"id": "b"}], [{"id": "b"}], [("a", {"id": "a", "x": 1}, "-")]),
        ([{"id": "a", "x": 1}, {"id": "b"}], [{"id": "b"}, {"id": "a", "x": 1}], [("order", ["a", "b"], ["b", "a"])]),
        ([1], [True], [("0", 1, True)]),
        ([], [], []),
    ],
)
def test_what_was_taken_out_is_one_difference(before: list[Any], after: list[Any], found: list[Any]) -> None:
    assert canonical(differences(before, after)) == canonical(found)


def test_an_object_is_the_same_by_its_id_wherever_it_stands() -> None:
    items, order = align_items(
        [{"item_id": "a", "n": 1}, {"item_id": "b"}], [{"item_id": "b"}, {"item_id": "a", "n": 2}]
    )
    assert [(name, len(sides)) for name, sides in items] == [("a", 2), ("b", 2)]
    assert order == (["a", "b"], ["b", "a"])
    # an id that stands twice tells nothing apart
    assert [name for name, _ in align_items([{"id": "a"}, {"id": "a"}], [{"id": "a"}]).items] == ["0", "1"]


def test_three_lists_are_compared_at_once() -> None:
    items, order = align_items(["a", "b", "c"], ["a", "c", "N"], ["a", "b", "c", "N"])
    assert order is None
    assert [(sides.get(0), sides.get(1), sides.get(2)) for _, sides in items] == [
        ("a", "a", "a"), ("b", None, "b"), ("c", "c", "c"), (None, "N", "N"),
    ]  # fmt: skip
    assert align_items([2], [3], [2, "N"]).order is None


@given(LISTS, LISTS)
def test_the_changes_lead_from_one_list_to_the_other(before: list[Any], after: list[Any]) -> None:
    items, order = align_items(before, after)
    reached = [sides[1] for _, sides in items if 1 in sides]
    started = [sides[0] for _, sides in items if 0 in sides]
    if order is None:
        assert (canonical(started), canonical(reached)) == (canonical(before), canonical(after))
        return
    assert sorted(map(canonical, started)) == sorted(map(canonical, before))
    assert sorted(map(canonical, reached)) == sorted(map(canonical, after))
    known = [
        next((v for k, v in one.items() if k == "item_id"), one) if isinstance(one, dict) else one for one in reached
    ]
    named = {canonical(name): one for name, one in zip(known, reached, strict=True)}
    assert canonical([named[canonical(name)] for name in order[1]]) == canonical(after)


@given(st.lists(LISTS, max_size=4))
def test_no_item_is_lost_and_the_order_is_told_only_where_it_differs(lists: list[list[Any]]) -> None:
    items, order = align_items(*lists)
    assert all(sides for _, sides in items)
    orders = [[sides[n] for _, sides in items if n in sides] for n in range(len(lists))]
    for one, other in zip(orders, lists, strict=True):
        assert sorted(map(canonical, one)) == sorted(map(canonical, other))
    if order is None:
        assert canonical(orders) == canonical(lists)
    assert align_items(*lists, *lists[-1:]).items == [
        item._replace(sides=item.sides | {len(lists): item.sides[len(lists) - 1]}) if len(lists) - 1 in item.sides
        else item for item in items
    ]  # fmt: skip


@given(st.lists(ITEMS, min_size=1, max_size=7), st.data())
def test_one_item_taken_out_put_in_or_moved_is_one_difference(items: list[Any], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(items) - 1))
    without = items[:place] + items[place + 1 :]
    assert len(differences(items, without)) == len(differences(without, items)) == 1
    where = data.draw(st.integers(0, len(without)))
    moved = json.loads(json.dumps([*without[:where], items[place], *without[where:]]))
    assert len(differences(items, moved)) == (canonical(items) != canonical(moved))
