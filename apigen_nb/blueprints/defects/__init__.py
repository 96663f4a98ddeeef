"""Known defects, planted one at a time into accepted blueprints (ours): what is a gate or a committee worth?

Each public function of `decidable` and of `semantic` is a kind of defect, called as it is. Given a blueprint it yields
those that have the defect, everything else unchanged, and none where there is no place for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from ...records import Blueprint
from ...world.domain import Domain
from . import decidable, semantic


@dataclass(frozen=True)
class Defect:
    """One kind of defect. When it is `decidable`, executing the tools is enough to see it, and the plain gates must
    catch every one; the others only a reader of the instruction can see, though execution may notice some of them."""

    variants: Callable[[Blueprint, Domain, Random], Iterator[Blueprint]]
    decidable: bool

    @property
    def name(self) -> str:
        return self.variants.__name__.replace("_", " ")

    def plant(self, blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
        """The blueprint with this defect in one of the places for it, or None."""
        variants = [variant for variant in self.variants(blueprint, domain, rng) if variant != blueprint]
        return rng.choice(variants) if variants else None


DEFECTS: tuple[Defect, ...] = tuple(
    Defect(function, module is decidable)
    for module in (decidable, semantic)
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
)
