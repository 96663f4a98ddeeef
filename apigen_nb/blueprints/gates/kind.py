"""Gate 1e, kind (ours): a blueprint has what its hard behaviour needs, and the world proves that it is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...records import Action, Blueprint, Verdict, canonical
from ...world.domain import Domain
from ...world.values import mentions, normalize
from ...world.world import digest
from .derivation import argument_values
from .execution import Execution, execute, executed
from .format import wrong_calls
from .grounding import is_grounded, is_mentioned
from .policy import broken_rules
from .verdict import verdict_on

DENYING = ("forbidden", "missing tool", "change of mind")


def fits_kind(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Name what a blueprint lacks to be of its kind. None when its actions do not execute."""
    if executed(blueprint, domain) is None:
        return None
    return verdict_on("kind", [(f"not {blueprint.kind}", problem) for problem in _problems(blueprint, domain)])


def _problems(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    kind = blueprint.kind
    if bool(blueprint.denied) != (kind in DENYING):
        yield f"a {kind} task {'needs' if kind in DENYING else 'has no'} denied wishes, found {len(blueprint.denied)}"
        return
    if bool(blueprint.withheld) != (kind == "missing detail"):
        yield f"a {kind} task {'needs' if kind == 'missing detail' else 'has no'} withheld details"
        return
    wrong = [text for _, text in wrong_calls(blueprint.denied, domain, what="denied wish")]
    yield from wrong
    if wrong:
        return
    yield from _unvoiced(blueprint)
    if kind == "missing detail":
        yield from _not_missing(blueprint, domain)
    elif kind == "forbidden":
        for action in blueprint.denied:
            for earlier in ((), blueprint.actions):
                if is_allowed(blueprint, (*earlier, action), domain):
                    yield f"denied wish {action} is allowed: neither a tool refuses it nor does it break a rule"
                    break
    elif kind == "missing tool":
        for action in blueprint.denied:
            if not is_allowed(blueprint, (action,), domain):
                yield f"denied wish {action} would not be allowed even with its tool"
        if used := {a.name for a in blueprint.actions} & {a.name for a in blueprint.denied}:
            yield f"the actions use {', '.join(sorted(used))}, which is taken away"
    elif kind == "change of mind":
        if not blueprint.actions:
            yield "there is no action that takes the place of the dropped wish"
        for action in blueprint.denied:
            if not is_allowed(blueprint, (action,), domain):
                yield f"the dropped wish {action} would not have been allowed"
            if any(same_call(action, other) for other in blueprint.actions):
                yield f"the dropped wish {action} is carried out after all"
    elif kind == "tool error" and not blueprint.actions:
        yield "there is no action whose tool could fail"
    elif kind == "no tool":
        if blueprint.actions:
            yield f"it needs no tool, yet has the action {blueprint.actions[0]}"
        for output in blueprint.outputs:
            if not mentions(domain.policy, output):
                yield f"output {output!r} does not stand in the policy, so it needs a tool"
    elif kind == "parallel calls":
        yield from _not_independent(blueprint, domain)


def same_call(one: Action, other: Action) -> bool:
    """Whether two calls are equal; `1` and `1.0` are not."""
    return one.name == other.name and canonical(one.arguments) == canonical(other.arguments)


def is_allowed(blueprint: Blueprint, actions: Sequence[Action], domain: Domain) -> bool:
    """Whether these actions execute in order in a fresh world, change something and break no rule."""
    run = _run(blueprint, actions, domain)
    return not run.refused and bool(run.diff) and not broken_rules(run, domain)


def _run(blueprint: Blueprint, actions: Sequence[Action], domain: Domain) -> Execution:
    return execute(blueprint.model_copy(update={"actions": tuple(actions)}), domain)


def _unvoiced(blueprint: Blueprint) -> Iterator[str]:
    """A denied wish must be recognisable in the conversation, by a value in the instruction."""
    told = normalize(blueprint.instruction)
    for action in blueprint.denied:
        if not identifying_values(action, blueprint, told):
            yield f"the instruction tells no value by which the denied wish {action} can be recognised"


def identifying_values(action: Action, blueprint: Blueprint, told: str) -> list[str]:
    """The values of a denied wish, as text, that this (folded) text tells; those that no action has too come first."""
    of_actions = {str(value) for a in blueprint.actions for _, value in argument_values(a.arguments)}
    found = [str(value) for _, value in argument_values(action.arguments) if is_mentioned(value, told)]
    return [value for value in found if value not in of_actions] or (
        [] if blueprint.kind == "change of mind" else found
    )


def _not_missing(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    """Without a withheld detail the agent must be unable to know what it needs."""
    for detail in blueprint.withheld:
        words = r"\s+".join(map(re.escape, detail.split()))
        without = re.sub(rf"(?<!\w){words}(?!\w)", "", blueprint.instruction, flags=re.IGNORECASE) if words else ""
        if without in ("", blueprint.instruction):
            yield f"withheld detail {detail!r} does not stand in the instruction"
            continue
        silent = is_grounded(blueprint.model_copy(update={"instruction": without}), domain)
        if silent is None or silent.passed:
            yield f"withheld detail {detail!r} is not needed: the agent can look it up"


def _not_independent(blueprint: Blueprint, domain: Domain) -> Iterator[str]:
    if len(blueprint.actions) < 2:
        yield f"calls in one message need two actions at least, found {len(blueprint.actions)}"
        return
    there, back = execute(blueprint, domain), _run(blueprint, blueprint.actions[::-1], domain)
    if back.refused or broken_rules(back, domain) or digest(there.diff) != digest(back.diff):
        yield "the actions depend on their order, so they cannot be made in one message"
