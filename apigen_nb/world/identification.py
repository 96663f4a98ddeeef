"""Which tools find out who a user is, and what users know of themselves: seen in what is there, not in names."""

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
from .typed_values import find_values
from .user_records import owners
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


@functools.lru_cache(maxsize=1024)
def profile(domain: Domain, user: str) -> tuple[tuple[str, str], ...]:
    """What a user knows by heart of the own row, as field and value: name, e-mail address, phone number, address. The
    row's own texts and those of flat objects in it. Not what only the records know: ids, and objects that have one;
    figures, dates and lists; categories, of which many users share each (a tier)."""
    row = domain.dump(domain.tables[domain.users].get(user))
    parts = [part for part in row.values() if _is_flat(part)] if isinstance(row, dict) else []
    kept = [part for part in parts if not any(owners(domain, text) for text in _texts(part).values())]
    own = {name: text for name, text in _texts(row).items() if name not in _categories(domain)}
    told = [*own.items(), *(item for part in kept for item in _texts(part).items())]
    return tuple((name, text) for name, text in told if not (owners(domain, text) or _is_date(text)))


def _texts(row: Any) -> dict[str, str]:
    return {name: text for name, text in row.items() if text and isinstance(text, str)} if isinstance(row, dict) else {}


def _is_flat(part: Any) -> bool:
    return isinstance(part, dict) and not any(isinstance(value, dict | list) for value in part.values())


@functools.lru_cache(maxsize=8)
def _categories(domain: Domain) -> frozenset[str]:
    """The fields of the users' rows with so few texts that more users share each than there are texts."""
    held = defaultdict[str, list[str]](list)
    for row in domain.tables[domain.users].values():
        for name, text in _texts(domain.dump(row)).items():
            held[name].append(text)
    return frozenset(name for name, texts in held.items() if len(set(texts)) ** 2 < len(texts))


def _is_date(text: str) -> bool:
    return any(value.type == "date" and value.text == text for value in find_values(text))


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
