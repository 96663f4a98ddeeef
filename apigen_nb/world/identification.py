"""Which tools find out who a user is: seen in what they give, not in what they are called."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

from ..records import Action, canonical
from .candidate_calls import try_call
from .domain import Domain
from .tool import Tool
from .values import facts, fits
from .world import ToolBug, World

USERS = 6  # rows of users that the tools are tried on
CALLS = 60  # calls of one tool for one user


@functools.lru_cache(maxsize=8)
def identifying_tools(domain: Domain) -> frozenset[str]:
    """The reading tools that give the id of a user, or the user's own row and no more, for what else the user can tell:
    an e-mail address, a phone number, a name and a postal code. A tool that takes the user's id is none of them."""
    world = domain.world()
    users = Random("identification").sample(domain.subjects, min(USERS, len(domain.subjects)))
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    return frozenset(tool.name for tool in reads if any(_finds(tool, user, domain, world) for user in users))


def _finds(tool: Tool, user: str, domain: Domain, world: World) -> bool:
    """Whether a call with what a user's row says of the user gives that user."""
    row = domain.dump(domain.tables[domain.users][user])
    for action in itertools.islice(_calls(tool, user, row), CALLS):
        try:
            result = try_call(world, action)
        except ToolBug:
            continue  # made-up arguments broke it; the contract of domains looks for that
        if _is_user(result, user, row):
            return True
    return False


def _calls(tool: Tool, user: str, row: Any) -> Iterator[Action]:
    """Calls with values of the row: of fields that fit a parameter by name, of any field where none does. Of a tool
    that requires nothing, with each parameter alone and with all."""
    known = defaultdict[str, dict[Any, None]](dict)
    for fact in facts(row):
        if fact.value not in (user, None, ""):
            known[fact.key].setdefault(fact.value)
    texts = [value for found in known.values() for value in found if isinstance(value, str)]

    def values(parameter: str) -> list[Any]:
        return [value for key, found in known.items() if fits(parameter, key) for value in found] or texts

    ways = [tool.required] if tool.required else [*((name,) for name in tool.properties), tuple(tool.properties)]
    for names in filter(None, ways):
        for combination in itertools.product(*map(values, names)):
            yield Action(name=tool.name, arguments=dict(zip(names, combination, strict=True)))


def _is_user(result: Any, user: str, row: Any) -> bool:
    """Whether a result is the id, the row, or an object with the id and nothing that the row has not."""
    if isinstance(result, list) and len(result) == 1:
        result = result[0]
    if not (isinstance(result, dict) and isinstance(row, dict)):
        return bool(result == user)
    own = all(
        value == user or (name in row and canonical(row[name]) == canonical(value)) for name, value in result.items()
    )
    return own and (user in result.values() or canonical(result) == canonical(row))
