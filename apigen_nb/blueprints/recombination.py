"""Reverse task recombination (paper §3.1): two to four accepted blueprints of one user become one longer task.

The paper concatenates actions and outputs and has the model word one instruction. Ours also runs the actions together
from a fresh world and holds the joint trace against the policy: what is allowed alone may not be allowed after the
other (return and cancel the same order), or be undone by it (move to one address, then to another). Such a conflict
ends the matter, because no wording can mend it. That check is free, so most combinations are drawn among those that
hold; the others are drawn blindly, or nobody would see what the gate catches.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel

from ..models.reply_schema import reply_schema
from ..records import Blueprint, Verdict
from ..world.domain import Domain
from ..world.world import digest
from .gates.evidence import Row, place_asked_for
from .gates.execution import execute, executed
from .gates.policy import broken_rules
from .gates.verdict import verdict_on
from .mixture import assign
from .reflection import Assignment
from .sampling import seed_id

SIZE_SHARES: dict[str, float] = {"2": 0.4, "3": 0.35, "4": 0.25}  # shares of the combinations, by the parts wanted
CHECKED_SHARES: dict[str, float] = {"checked": 0.8, "blindly": 0.2}
TRIES = 8  # users that a size is looked for at, and blueprints of each: every look runs some actions
UNMENDABLE = frozenset({"execution", "policy", "kind", "recombination"})  # gates whose verdict no other wording changes


class _Reply(BaseModel):
    """The JSON a generator is asked for: the calls and outputs are given."""

    thought: str
    instruction: str


REPLY = reply_schema(_Reply)


@dataclass(frozen=True, slots=True)
class Combination:
    """The ids of blueprints of one user that are to become one task, in the order in which their actions run."""

    id: str
    user: str
    parts: tuple[str, ...]


def draw_combinations(
    domain: str,
    owned: Mapping[str, Sequence[int]],
    count: int,
    random_seed: int,
    holds: Callable[[Sequence[str]], bool],
) -> list[Combination]:
    """At most `count` different combinations; fewer when there are not so many. `owned` is user → numbers of the seeds
    whose plain blueprint was accepted, `holds` says whether blueprints of these ids make one task. Each has as many
    parts as `PARTS` wants, or fewer where none so large is found; users take turns."""
    rng = Random(f"{domain}/{random_seed}/recombine")
    users = sorted(user for user, numbers in owned.items() if len(numbers) > 1)
    rng.shuffle(users)
    made: dict[tuple[str, ...], str] = {}

    def found(most: int, blindly: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
        for size in range(most, 1, -1):
            able = [user for user in users if len(owned[user]) >= size]
            for user in itertools.islice(itertools.cycle(able), TRIES):
                tried = rng.sample(sorted(owned[user]), min(TRIES, len(owned[user])))
                parts = _grown([seed_id(domain, number) for number in tried], size, None if blindly else holds)
                if len(parts) == size and parts not in made:
                    yield user, parts

    for number in range(count):
        wanted = int(assign(SIZE_SHARES, number, f"{random_seed}/parts"))
        blindly = assign(CHECKED_SHARES, number, f"{random_seed}/drawn") == "blindly"
        for user, parts in itertools.islice(found(wanted, blindly), 1):
            made[parts] = user
            users.remove(user)
            users.append(user)
    prefix = domain.replace(":", "-")
    return [Combination(f"{prefix}-r{number:05d}", user, parts) for number, (parts, user) in enumerate(made.items())]


def _grown(ids: Iterable[str], size: int, holds: Callable[[Sequence[str]], bool] | None) -> tuple[str, ...]:
    """Ids put together one after the other as long as they hold, at most `size`."""
    parts: tuple[str, ...] = ()
    for id in ids:
        longer = tuple(sorted((*parts, id)))
        if len(parts) < size and (holds is None or not parts or holds(longer)):
            parts = longer
    return parts


def join_parts(id: str, parts: Sequence[Blueprint], domain: Domain) -> Blueprint:
    """The task that these parts come to, not worded yet: their actions and outputs in order. Two questions with one
    answer stay two; one that two parts ask, of one field of one row, becomes one."""
    return parts[0].model_copy(
        update={
            "id": id,
            "actions": tuple(action for part in parts for action in part.actions),
            "outputs": tuple(_outputs(parts, domain)),
            "parts": tuple(part.id for part in parts),
        }
    )


def _outputs(parts: Sequence[Blueprint], domain: Domain) -> Iterator[str]:
    asked = set[tuple[str, Row, str]]()
    for part in parts:
        places = [(output, place_asked_for(output, part, domain)) for output in part.outputs]
        questions = [(output, (output, place.row, place.path) if place else None) for output, place in places]
        yield from (output for output, question in questions if question not in asked)
        asked |= {question for _, question in questions if question}


def every_action_counts(task: Blueprint, domain: Domain) -> Verdict | None:
    """No action is undone by later ones: without it the end state is another. None when they break the policy."""
    if (execution := executed(task, domain)) is None or broken_rules(execution, domain):
        return None
    end = digest(execution.diff)
    for place, action in enumerate(task.actions):
        without = execute(task, domain, task.actions[:place] + task.actions[place + 1 :])
        if not without.refused and digest(without.diff) == end:
            reason = f"action {place + 1}, {action}, leaves no trace: the actions after it undo it"
            return verdict_on("recombination", [("action undone", reason)])
    return verdict_on("recombination", [])


def are_compatible(parts: Sequence[Blueprint], domain: Domain) -> bool:
    """Whether the actions of all parts execute together, break no rule and undo nothing of each other."""
    verdict = every_action_counts(join_parts("", parts, domain), domain)
    return verdict is not None and verdict.passed


def combination_assignment(combination: Combination, parts: Sequence[Blueprint], domain: Domain) -> Assignment:
    """What a combination asks of the generator: one instruction; actions and outputs are settled, those of the parts in
    order. ValueError unless there are two parts at least, all plain and of one user."""
    if len(parts) < 2 or len({part.user for part in parts}) > 1 or any(part.kind != "plain" for part in parts):
        raise ValueError(f"{combination.id}: expected two or more plain blueprints of one user, found {parts!r:.200}")
    task = join_parts(combination.id, parts, domain)
    known = task.model_dump(mode="json", include={"actions", "outputs", "persona", "behaviour", "user"})
    return Assignment(
        blueprint=task,
        walk=tuple(dict.fromkeys(action.name for action in task.actions)),
        level="hard",
        prompt="recombine",
        context=known | {"instructions": [part.instruction for part in parts]},
        reply=REPLY,
        settled={"actions": task.actions, "outputs": task.outputs, "denied": (), "withheld": ()},
        gates=(every_action_counts,),
        final=UNMENDABLE,
    )
