"""Gates: functions `(blueprint, domain) -> Verdict`, or None where an earlier failure leaves nothing to judge.

Plain gates cost nothing, so all of them speak; a gate that waits for models (`async`) is asked only about blueprints
that passed everything before it. Write a function and put it into the list, or name it "module:function".
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable

from ...records import Blueprint, Verdict
from ...world.domain import Domain
from .committee import Committee
from .execution import executes
from .format import well_formed
from .grounding import is_grounded
from .kind import fits_kind
from .policy import obeys_policy

Gate = Callable[[Blueprint, Domain], Verdict | Awaitable[Verdict | None] | None]
GATES: dict[str, Gate] = {
    "format": well_formed,
    "execution": executes,
    "policy": obeys_policy,
    "grounding": is_grounded,
    "kind": fits_kind,
}
GATE_NAMES = (*GATES, "committee")


class UnknownGate(ValueError):
    """A gate's name is neither built in nor `module:function`."""


def choose_gates(names: Iterable[str], committee: Committee | None = None) -> list[Gate]:
    """The gates of these names in this order. UnknownGate says which names there are."""
    chosen: list[Gate] = []
    for name in names:
        if name == "committee" and committee is not None:
            chosen.append(committee)
        elif name in GATES:
            chosen.append(GATES[name])
        elif ":" in name:
            module, _, function = name.partition(":")
            try:
                gate = getattr(importlib.import_module(module), function)
                if not callable(gate):
                    raise TypeError(f"{function} is no function")
                chosen.append(gate)
            except (ImportError, AttributeError, ValueError, TypeError) as error:
                raise UnknownGate(f"gate {name!r} cannot be imported: {error}") from None
        else:
            raise UnknownGate(f"no gate {name!r}; gates are {', '.join(GATE_NAMES)}, or name yours 'module:function'")
    return chosen


__all__ = [
    "GATES",
    "GATE_NAMES",
    "Committee",
    "Gate",
    "UnknownGate",
    "choose_gates",
    "executes",
    "fits_kind",
    "is_grounded",
    "obeys_policy",
    "well_formed",
]
