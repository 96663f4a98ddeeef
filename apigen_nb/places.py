"""Where lines stand in their files, by id. A run of 100,000 seeds leaves 400,000 ids: a dictionary of them would be
larger than everything else in memory, so all but the newest are two arrays of numbers."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left

RECENT = 4_096  # ids that are kept in a dictionary before they are sorted into the arrays


def key_of(id: str) -> int:
    """A 64-bit number for an id. Two ids share one with a probability of 5e-9 among 400,000; `store` then says so."""
    return int.from_bytes(hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Places:
    """Key (see `key_of`) → place, a number; about 16 bytes each."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._keys, self._values = array("Q"), array("q")

    def __len__(self) -> int:
        return len(self._recent) + len(self._keys)

    def get(self, key: int) -> int | None:
        """The place of a key, or None."""
        if (place := self._recent.get(key)) is not None:
            return place
        at = bisect_left(self._keys, key)
        return self._values[at] if at < len(self._keys) and self._keys[at] == key else None

    def rank(self, key: int) -> int | None:
        """How many of the keys are smaller than this one; None for one that is not known."""
        if self._recent:
            self._sort_in()
        at = bisect_left(self._keys, key)
        return at if at < len(self._keys) and self._keys[at] == key else None

    def put(self, key: int, place: int) -> None:
        """Remember a key that is not known yet."""
        self._recent[key] = place
        if len(self._recent) >= RECENT:
            self._sort_in()

    def _sort_in(self) -> None:
        # From the last to the first, so that all moves within the arrays and no second copy is needed.
        new = sorted(self._recent.items())
        end = len(self._keys)
        self._keys.extend(key for key, _ in new)
        self._values.extend(place for _, place in new)
        for shift, (key, place) in zip(range(len(new), 0, -1), reversed(new), strict=True):
            at = bisect_left(self._keys, key, 0, end)
            for column, item in ((self._keys, key), (self._values, place)):
                column[at + shift : end + shift] = column[at:end]
                column[at + shift - 1] = item
            end = at
        self._recent = {}
