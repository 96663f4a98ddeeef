"""Known defects, planted one at a time into accepted blueprints (ours): what is a gate or a committee worth?

A defect is `decidable` when executing the tools is enough to see it; the plain gates must then catch every one. The
others only a reader of the instruction can see, though execution may notice some of them. A planter gives None where a
blueprint has no place for its defect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ...records import Blueprint
from ...world.domain import Domain
from . import executed
from . import schemas as form
from . import semantic as read

Planter = Callable[[Blueprint, Domain, Random], Blueprint | None]


@dataclass(frozen=True)
class Defect:
    """One kind of defect. `plant(blueprint, domain, rng)` gives a blueprint that has it, everything else unchanged."""

    name: str
    decidable: bool
    plant: Planter


DEFECTS: tuple[Defect, ...] = (
    Defect("unknown tool", True, form.unknown_tool),
    Defect("reading tool as an action", True, form.reading_tool),
    Defect("argument missing", True, form.argument_missing),
    Defect("unknown argument", True, form.unknown_argument),
    Defect("wrong type", True, form.wrong_type),
    Defect("value outside its choices", True, form.outside_choices),
    Defect("empty task", True, form.empty_task),
    Defect("no instruction", True, form.no_instruction),
    Defect("empty output", True, form.empty_output),
    Defect("unknown id", True, executed.unknown_id),
    Defect("row of another user", True, executed.other_users_row),
    Defect("dependent actions swapped", True, executed.swapped_actions),
    Defect("rule broken", True, executed.rule_broken),
    Defect("output not derivable", True, executed.output_not_derivable),
    Defect("needed detail left out of the instruction", True, executed.detail_left_out),
    Defect("denied wish that is allowed", True, executed.denied_is_allowed),
    Defect("withheld detail that can be looked up", True, executed.withheld_is_known),
    Defect("action missing", False, read.action_missing),
    Defect("action that nobody asked for", False, read.action_extra),
    Defect("other choice than asked for", False, read.other_choice),
    Defect("two arguments swapped", False, read.swapped_arguments),
    Defect("another row than asked for", False, read.other_row),
    Defect("wrong output", False, read.wrong_output),
    Defect("output missing", False, read.output_missing),
    Defect("a wish that no action grants", False, read.unmet_wish),
)
