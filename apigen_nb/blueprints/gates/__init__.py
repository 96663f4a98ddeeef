"""Gates: functions `(blueprint, domain) -> Verdict`, or None where an earlier failure leaves nothing to judge.

Plain gates cost nothing, so all of them speak; a gate that waits for models (`async`) is asked only about blueprints
that passed everything before it. Write a function and put it into the list, or name it "module:function".
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ...records import Blueprint, Verdict
from ...world.domain import Domain
from .committee import Committee as Committee
from .execution import executes as executes
from .format import well_formed as well_formed
from .grounding import is_grounded as is_grounded
from .kind import fits_kind as fits_kind
from .plain import PLAIN_GATES
from .policy import obeys_policy as obeys_policy

Gate = Callable[[Blueprint, Domain], Verdict | Awaitable[Verdict | None] | None]
GATES: dict[str, Gate] = dict(PLAIN_GATES)
GATE_NAMES = (*GATES, "committee")


class UnknownGate(ValueError):
    """A gate's name is neither built in nor `module:function`."""


def choose_gates(names: Iterable[str], committee: Committee | None = None) -> list[Gate]:
    """The gates of these names in this order. UnknownGate says which names there are."""
    known = GATES | ({"committee": committee} if committee else {})
    return [known[name] if name in known else _imported(name) for name in names]


def _imported(name: str) -> Gate:
    if ":" not in name:
        raise UnknownGate(f"no gate {name!r}; gates are {', '.join(GATE_NAMES)}, or name yours 'module:function'")
    try:
        gate: Gate = pkgutil.resolve_name(name)
        if not callable(gate):
            raise TypeError("it is no function")
    except Exception as error:  # whatever an own module raises while it is imported
        raise UnknownGate(f"gate {name!r} cannot be imported: {error}") from None
    return gate


def asks_model(gate: Gate) -> bool:
    """Whether a gate waits for a model."""
    return any(map(inspect.iscoroutinefunction, (gate, type(gate).__call__)))


async def run_gate(gate: Gate, blueprint: Blueprint, domain: Domain) -> list[Verdict]:
    """The verdict of one gate, if it has something to say."""
    verdict = gate(blueprint, domain)
    verdict = await verdict if inspect.isawaitable(verdict) else verdict
    return [verdict] if verdict else []


async def run_gates(blueprint: Blueprint, domain: Domain, gates: Sequence[Gate]) -> tuple[Verdict, ...]:
    """The verdicts of all gates that have something to say. Plain gates are free and all speak; gates that wait for a
    model are asked only while nothing has failed. No verdict at all is a failure: nothing passes unjudged."""
    verdicts: list[Verdict] = []
    for gate in gates:
        if not asks_model(gate) or all(verdict.passed for verdict in verdicts):
            verdicts += await run_gate(gate, blueprint, domain)
    return tuple(verdicts) or (Verdict(gate="none", passed=False, kind="not judged", reason="no gate gave a verdict"),)
