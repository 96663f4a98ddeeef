"""The groundtruth audit (ours): replay the gold tasks of a benchmark against execution and rules, before anybody is
scored by them. What a rule rejects is either a wrong gold task or a wrong rule: somebody has to look."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Literal, cast

from ..records import Action, Blueprint, Record
from ..world.domain import Domain, DomainError, GoldTask, adapter_domains, find_adapter
from ..world.world import Refusal
from .gates.execution import run_actions


class Finding(Record):
    """What is to be said against one action of a gold task.

    `by` is "rule" when the action breaks a rule, "refused write" when its tool says no, "refused read" when a tool that
    only looks says no (a user may name a wrong id on purpose: that does not reject the task). `action` counts from 1;
    `name` is the rule's, or the tool's that refuses; `reason` is what it says."""

    task: str
    action: int
    by: Literal["rule", "refused write", "refused read"]
    name: str
    reason: str
    call: str


def audit(name: str) -> tuple[Finding, ...]:
    """All findings on the gold tasks of a domain that an adapter brings, as "tau2:retail", in their order. When what is
    adapted is not installed, a notice is printed and there is nothing to find. DomainError for a domain without gold
    tasks."""
    if name not in adapter_domains():
        raise DomainError(f"no gold tasks of {name!r}; there are those of {', '.join(adapter_domains())}")
    return tuple(finding for task, domain in _gold_tasks(name) for finding in replay(task.id, task.actions, domain))


def count_audited(name: str) -> int:
    """How many gold tasks `audit` looks at; 0 when what is adapted is not installed."""
    return len(_gold_tasks(name, notice=False))


def _gold_tasks(name: str, notice: bool = True) -> list[tuple[GoldTask, Domain]]:
    try:
        domain, tasks = Domain.load(name), cast(ModuleType, find_adapter(name)).gold_tasks(name.partition(":")[2])
    except DomainError as error:
        if notice:
            print(f"Nothing was audited: {error}")
        return []
    return [(task, domain) for task in tasks]


def replay(task: str, actions: Sequence[Action], domain: Domain) -> Iterator[Finding]:
    """Run one task's actions in a fresh world. As in tau2's own replay, an action that is refused is passed over."""
    for number, action, outcome in run_actions(domain.world(), actions, user_of(actions, domain)):
        finding = functools.partial(Finding, task=task, action=number, call=str(action))
        if isinstance(outcome, Refusal):
            looks = action.name in domain.tools and not domain.tools[action.name].writes
            yield finding(by="refused read" if looks else "refused write", name=action.name, reason=str(outcome))
            continue
        for rule in domain.rules_for([action.name]):
            if not rule.holds(outcome):
                yield finding(by="rule", name=rule.name, reason=rule.text)


def user_of(actions: Iterable[Action], domain: Domain) -> str:
    """The user that a task is about, whom most arguments of its actions name: by id, or by a row that says whose it is.
    "" when none does."""
    users, owners = domain.tables[domain.users], Counter[str]()
    for value in (value for action in actions for value in action.arguments.values() if isinstance(value, str)):
        found = next((rows[value] for rows in domain.tables.values() if value in rows), None)
        owner = getattr(found, "user_id", "")
        owners.update([owner] if owner in users else [])
    return max(owners, key=lambda user: owners[user], default="")


def rejected_tasks(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The tasks with an action that breaks a rule or that a writing tool refuses, each once, in their order."""
    return tuple(dict.fromkeys(finding.task for finding in findings if finding.by != "refused read"))


def gold_blueprints(name: str) -> tuple[Blueprint, ...]:
    """The gold tasks that the audit does not reject as blueprints, for the gate bench: no gate or model of ours had a
    hand in them. Left out are those that name no user or ask for nothing that can be checked; domains without gold
    tasks, or without tau2, have none.

    That execution and policy pass them is no news, since the audit asks the same tools and rules: that what it rejects
    is wrong was found by reading (its tests name each). What format, grounding and kind fail here is news."""
    tasks = _gold_tasks(name) if name in adapter_domains() else []
    wrong = rejected_tasks(audit(name)) if tasks else ()
    found = (_blueprint(task, domain) for task, domain in tasks if task.id not in wrong)
    return tuple(one for one in found if one.user and (one.actions or one.outputs))


def _blueprint(task: GoldTask, domain: Domain) -> Blueprint:
    return Blueprint(
        id=f"{domain.name.replace(':', '-')}-gold-{task.id}",
        domain=domain.name,
        user=user_of(task.actions, domain),
        persona="",
        instruction=task.instruction,
        actions=tuple(a for a in task.actions if a.name in domain.tools and domain.tools[a.name].writes),
        outputs=task.outputs,
    )
