"""Lists compared as what they are: which item of one is which of another, wherever they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from ..records import canonical


class Item(NamedTuple):
    """One thing in lists that are compared. `name` is its id, or the place where it stands in the first list that has
    it; `sides` is what it is in each list, by the list's number, for those that have it."""

    name: str
    sides: dict[int, Any]


class Aligned(NamedTuple):
    """The items of lists, each in its place. `order` is None where what lists have in common stands in one order in
    all of them, else what stands in each, by its id where it has one."""

    items: list[Item]
    order: tuple[list[Any], ...] | None


@dataclass(eq=False)
class _Slot:
    sides: dict[int, Any] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # what it is known by in each


def align_items(*lists: Sequence[Any]) -> Aligned:
    """The items of lists of JSON values side by side. Objects are the same by an id that is unique in each list, other
    items when they are equal; of what is left, what stands between the same neighbours is one item that has changed.
    So an item that was taken out is one difference, and one that was moved is none, but the order is."""
    named_by, slots = _id_field(lists), list[_Slot]()
    own: list[list[_Slot]] = []
    for side, items in enumerate(lists):
        keys = [str(item[named_by]) if named_by else canonical(item) for item in items]
        found = _in_order([slot.keys[-1] for slot in slots], keys)
        slots, mine = _merged(slots, len(keys), found, _elsewhere(slots, keys, found), changes=not named_by)
        for place, (slot, item, key) in enumerate(zip(mine, items, keys, strict=True)):
            slot.sides[side] = item
            slot.places.append(place)
            slot.keys.append(key)
        own.append(mine)
    in_one = all([s for s in slots if side in s.sides] == mine for side, mine in enumerate(own))
    names = [slot.keys[-1] if named_by else str(slot.places[0]) for slot in slots]
    order = tuple([item[named_by] if named_by else item for item in items] for items in lists)
    return Aligned([Item(name, s.sides) for name, s in zip(names, slots, strict=True)], None if in_one else order)


def _id_field(lists: Sequence[Sequence[Any]]) -> str:
    """The field by which objects are told apart in each of the lists, or ""."""
    items = [item for one in lists for item in one]
    if not items or not all(isinstance(item, dict) for item in items):
        return ""
    for key in (key for key in items[0] if key == "id" or str(key).endswith("_id")):
        is_text = all(isinstance(item.get(key), str) for item in items)
        if is_text and all(len({item[key] for item in one}) == len(one) for one in lists):
            return str(key)
    return ""


def _in_order(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Place in the new list → in the old one, of what stands in both in one order."""
    start, least = 0, min(len(old), len(new))
    while start < least and old[start] == new[start]:
        start += 1
    end = 0  # difflib alone finds three differences between "abab" and "aab"
    while end < least - start and old[-1 - end] == new[-1 - end]:
        end += 1
    found = {n: n for n in range(start)}
    found |= {len(new) - n: len(old) - n for n in range(1, end + 1)}
    middle = SequenceMatcher(None, old[start : len(old) - end], new[start : len(new) - end], autojunk=False)
    for i, j, size in middle.get_matching_blocks():
        found |= {start + j + n: start + i + n for n in range(size)}
    return found


def _elsewhere(slots: Sequence[_Slot], keys: Sequence[str], found: Mapping[int, int]) -> dict[int, int]:
    """Place in another list → slot, of what stands in both, in another order."""
    taken, free = {*found.values()}, dict[str, list[int]]()
    for n in (n for n in reversed(range(len(slots))) if n not in taken):
        for key in dict.fromkeys(slots[n].keys):
            free.setdefault(key, []).append(n)
    moved: dict[int, int] = {}
    for place, key in enumerate(keys):
        left = free.get(key, []) if place not in found else []
        while left and place not in moved:
            if (n := left.pop()) not in taken:
                moved[place] = n
                taken.add(n)
    return moved


def _merged(
    slots: Sequence[_Slot], size: int, found: Mapping[int, int], moved: Mapping[int, int], changes: bool
) -> tuple[list[_Slot], list[_Slot]]:
    """The slots with those of another list of some size among them, and the slots of that list in its order. `changes`
    says whether what is new may be what something else has become."""
    whole, own, next_slot = list[_Slot](), list[_Slot](), 0
    taken = {*found.values(), *moved.values()}
    limits = [len(slots)]
    for place in reversed(range(size)):
        limits.append(found.get(place, limits[-1]))
    for place, limit in zip(range(size), limits[-2::-1], strict=True):
        at = found.get(place, moved.get(place))
        if at is None and changes and next_slot < len(slots) and next_slot not in taken:
            at = next_slot
        if at is None:
            whole.append(_Slot())
        elif place in found or next_slot <= at < limit:
            whole += slots[next_slot : at + 1]
            next_slot = at + 1
        own.append(whole[-1] if at is None else slots[at])
    return [*whole, *slots[next_slot:]], own
