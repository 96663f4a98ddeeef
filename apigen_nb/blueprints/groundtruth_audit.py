"""The groundtruth audit (ours): replay the gold tasks of a benchmark against execution and rules, before anybody is
scored by them. What a rule rejects is either a wrong gold task or a wrong rule: somebody has to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, cast

from ..records import Action, Blueprint, Record
from ..world.domain import Domain, DomainError, GoldTask, Step, adapter_domains, find_adapter
from ..world.world import Refusal

COLUMNS = ("task", "action", "by", "name", "reason", "call")


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
    try:
        domain, tasks = Domain.load(name), _gold_tasks(name)
    except DomainError as error:
        print(f"Nothing was audited: {error}")
        return ()
    return tuple(finding for task in tasks for finding in replay(task.id, task.actions, domain))


def _gold_tasks(name: str) -> list[GoldTask]:
    module = find_adapter(name)
    return cast(list[GoldTask], module.gold_tasks(name.partition(":")[2])) if module else []


def replay(task: str, actions: Sequence[Action], domain: Domain) -> Iterator[Finding]:
    """Run one task's actions in a fresh world. As in tau2's own replay, an action that is refused is passed over."""
    world, user = domain.world(), user_of(actions, domain)
    steps: tuple[Step, ...] = ()
    for number, action in enumerate(actions, 1):
        before = world.fork()
        try:
            result = world.call(action)
        except Refusal as refusal:
            tool = domain.tools.get(action.name)
            looks = tool is not None and not tool.writes
            yield Finding(
                task=task,
                action=number,
                by="refused read" if looks else "refused write",
                name=action.name,
                reason=str(refusal),
                call=str(action),
            )
            continue
        step = Step(action, before.database(), world.fork().database(), result, user, steps)
        steps = (*steps, step)
        for rule in domain.rules_for([action.name]):
            if not rule.holds(step):
                yield Finding(task=task, action=number, by="rule", name=rule.name, reason=rule.text, call=str(action))


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
    if name not in adapter_domains():
        return ()
    wrong = set(rejected_tasks(audit(name)))
    try:
        domain, tasks = Domain.load(name), _gold_tasks(name)
    except DomainError:  # `audit` has said so
        return ()
    found = (_blueprint(task, domain) for task in tasks if task.id not in wrong)
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


def finding_rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as rows for a table, with the columns of `COLUMNS`."""
    return [{column: getattr(finding, column) for column in COLUMNS} for finding in findings]
