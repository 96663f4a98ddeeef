"""Gate 1e, kind (ours): a blueprint has what its hard behaviour needs, and the world proves that it is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...records import Action, Blueprint, Verdict, canonical
from ...world.domain import Domain
from ...world.end_states import same_delta
from ...world.references import Reader
from ...world.values import argument_values, mentions
from .execution import execute, executed
from .format import wrong_calls
from .grounding import is_grounded, with_value
from .policy import broken_rules
from .verdict import verdict_on

DENYING_KINDS = ("forbidden", "missing tool", "change of mind")


def fits_kind(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Name what a blueprint lacks to be of its kind. None when its actions do not execute."""
    if executed(blueprint, domain) is None:
        return None
    return verdict_on("kind", [(f"not {blueprint.kind}", problem) for problem in _problems(blueprint, domain)])


def _problems(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    kind, denied = blueprint.kind, blueprint.denied
    if bool(denied) != (kind in DENYING_KINDS):
        yield f"a {kind} task {'needs' if kind in DENYING_KINDS else 'has no'} denied wishes, found {len(denied)}"
    elif bool(blueprint.withheld) != (kind == "missing detail"):
        yield f"a {kind} task {'needs' if kind == 'missing detail' else 'has no'} withheld details"
    elif wrong := list(wrong_calls(denied, domain, what="denied wish")):
        yield from (reason for _, reason in wrong)
    else:
        text = blueprint.instruction
        unvoiced = (wish for wish in denied if not identifying_values(wish, blueprint, text, domain))
        how = "neither a value of its own nor, in one sentence, a description that fits nothing else"
        yield from (
            f"the instruction tells no value by which the denied wish {w} is recognised: {how}" for w in unvoiced
        )
        yield from _unproven(blueprint, domain)


def _unproven(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    """What the world does not bear out of a kind."""
    kind, actions, denied = blueprint.kind, blueprint.actions, blueprint.denied
    allowed = [wish for wish in denied if is_allowed(blueprint, (wish,), domain)]
    if kind == "missing detail":
        yield from _not_missing(blueprint, domain)
    elif kind == "forbidden":
        for wish in denied:
            if wish in allowed or is_allowed(blueprint, (*actions, wish), domain):
                yield f"denied wish {wish} is allowed: neither a tool refuses it nor does it break a rule"
    elif kind == "missing tool":
        yield from _not_for_want_of_a_tool(blueprint, allowed, domain)
    elif kind == "change of mind":
        if not actions:
            yield "there is no action that takes the place of the dropped wish"
        for wish in denied:
            if wish not in allowed:
                yield f"the dropped wish {wish} would not have been allowed"
            if any(same_call(wish, action) for action in actions):
                yield f"the dropped wish {wish} is carried out after all"
    elif kind == "tool error" and not actions:
        yield "there is no action whose tool could fail"
    elif kind == "no tool":
        if actions:
            yield f"it needs no tool, yet has the action {actions[0]}"
        needing = (output for output in blueprint.outputs if not mentions(domain.policy, output))
        yield from (f"output {output!r} does not stand in the policy, so it needs a tool" for output in needing)
    elif kind == "parallel calls":
        yield from not_independent(blueprint, domain)


def same_call(one: Action, other: Action) -> bool:
    """Whether two calls are equal; `1` and `1.0` are not."""
    return one.name == other.name and canonical(one.arguments) == canonical(other.arguments)


def is_allowed(blueprint: Blueprint, actions: Sequence[Action], domain: Domain) -> bool:
    """Whether these actions execute in order in a fresh world, change something and break no rule."""
    execution = execute(blueprint, domain, actions)
    return not execution.refused and bool(execution.diff) and not broken_rules(execution, domain)


def _not_for_want_of_a_tool(blueprint: Blueprint, allowed: Sequence[Action], domain: Domain) -> Iterator[str]:
    """Nothing but the missing tool may keep the agent from granting a wish; `allowed` are those allowed alone."""
    for wish in blueprint.denied:
        if wish not in allowed:
            yield f"denied wish {wish} would not be allowed even with its tool"
        elif not is_allowed_beside(blueprint, wish, domain):
            yield f"denied wish {wish} would not be allowed beside the actions even with its tool"
    if used := {action.name for action in blueprint.actions} & {wish.name for wish in blueprint.denied}:
        yield f"the actions use {', '.join(sorted(used))}, which is taken away"


def is_allowed_beside(blueprint: Blueprint, wish: Action, domain: Domain) -> bool:
    """Whether a wish is allowed after any number of the actions, and breaks no rule together with those after it. That
    those may then be refused tells nothing: without its tool the wish is never carried out before them."""
    actions = blueprint.actions
    after = [(*actions[:count], wish) for count in range(1, len(actions) + 1)]
    before = execute(blueprint, domain, (wish, *actions))
    return all(is_allowed(blueprint, calls, domain) for calls in after) and not broken_rules(before, domain)


def identifying_values(action: Action, blueprint: Blueprint, text: str, domain: Domain) -> list[str]:
    """The values of a denied wish that this text tells, as they are or by a description of what they are, as text; of
    none but the wish, if there are such."""
    read, of_actions = Reader(domain, blueprint.user), {str(value) for _, value in argument_values(*blueprint.actions)}
    found = [str(value) for name, value in argument_values(action) if read.told(value, text, name)]
    own = [value for value in found if value not in of_actions]
    return own or ([] if blueprint.kind == "change of mind" else found)


def _not_missing(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    """Without a withheld detail the agent must be unable to know what it needs, or which of several things is meant."""
    for detail in blueprint.withheld:
        words = r"\s+".join(map(re.escape, detail.split()))
        without = (
            re.sub(rf"(?<!\w){words}(?!\w|[.-]?\w*@|[.-]\w)", "", blueprint.instruction, flags=re.I) if words else ""
        )
        if without in ("", blueprint.instruction):
            yield f"withheld detail {detail!r} does not stand in the instruction"
            continue
        silent = is_grounded(blueprint.model_copy(update={"instruction": without}), domain)
        if (silent is None or silent.passed) and not _tells_apart(detail, without, blueprint, domain):
            yield f"withheld detail {detail!r} is not needed: the agent can look it up"


def _tells_apart(detail: str, without: str, blueprint: Blueprint, domain: Domain) -> bool:
    """Whether a detail says which of the user's things is meant, where the agent could do the same with another one. An
    id is no such detail: who names a thing by it does not describe it."""
    read = Reader(domain, blueprint.user)
    for name, value in argument_values(*blueprint.actions):
        if not isinstance(value, str) or mentions(detail, value) or not read.told(value, blueprint.instruction, name):
            continue
        for rival in () if read.told(value, without, name) else read.rivals(value, without):
            others = (
                a.model_copy(update={"arguments": with_value(a.arguments, value, rival)}) for a in blueprint.actions
            )
            if is_allowed(blueprint, tuple(others), domain):
                return True
    return False


def not_independent(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    """Why the actions cannot be made in one message, if they cannot."""
    if len(blueprint.actions) < 2:
        yield f"calls in one message need two actions at least, found {len(blueprint.actions)}"
        return
    chosen = {value for _, value in argument_values(*blueprint.actions) if isinstance(value, str)}
    there, back = execute(blueprint, domain), execute(blueprint, domain, blueprint.actions[::-1])
    if back.refused or broken_rules(back, domain) or not same_delta(there.diff, back.diff, chosen):
        yield "the actions depend on their order, so they cannot be made in one message"
