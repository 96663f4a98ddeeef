"""The gates that need no model, by name, in the order in which they speak."""

from __future__ import annotations

from collections.abc import Callable

from ...records import Blueprint, Verdict
from ...world.domain import Domain
from .execution import executes
from .format import well_formed
from .grounding import is_grounded
from .kind import fits_kind
from .policy import obeys_policy

PLAIN_GATES: dict[str, Callable[[Blueprint, Domain], Verdict | None]] = {
    "format": well_formed,
    "execution": executes,
    "policy": obeys_policy,
    "grounding": is_grounded,
    "kind": fits_kind,
}
