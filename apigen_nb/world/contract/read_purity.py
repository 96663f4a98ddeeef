"""Reads never write: `reads_that_write(Domain.load("./my_domain"))` is empty."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from random import Random

from ...records import Action, canonical
from ..domain import Domain
from ..world import Refusal, ToolBug
from .argument_sampling import ArgumentSampler, UserRows
from .finding import Finding


def reads(domain: Domain) -> Iterator[Finding]:
    """Reads never write."""
    for name in reads_that_write(domain):
        expected = "a tool that only reads changes nothing: all conversations share these rows"
        todo = "declare it with @tool(writes=True), or change a copy of the row"
        yield Finding("error", "reads never write", f"tool {name}", "it changed the data", expected, todo)


def reads_that_write(domain: Domain, samples: int = 25, seed: int = 0) -> list[str]:
    """The names of tools that change data although they are not declared with @tool(writes=True).

    Each is called `samples` times with arguments found in the data, on a copy of the domain's rows, which are compared
    as canonical JSON before and after. A tool that breaks in another way is passed over."""
    tables = {table: {key: domain.copy(row) for key, row in rows.items()} for table, rows in domain.tables.items()}
    private, random = dataclasses.replace(domain, tables=tables), Random(seed)
    users = [random.choice(domain.subjects) for _ in range(samples if domain.subjects else 0)]
    around = [UserRows(private, user, random) for user in users]
    named, before = [], canonical(domain.dump(tables))
    for tool in (tool for tool in domain.tools.values() if not tool.writes):
        guarded = False
        for rows in around:
            with contextlib.suppress(Refusal):
                try:
                    private.world().call(Action(name=tool.name, arguments=ArgumentSampler(tool, random, rows).fresh()))
                except ToolBug as bug:
                    # only the guard of a table against writing has no other error behind it
                    guarded |= bug.__cause__ is None
        after = canonical(domain.dump(tables))
        named += [tool.name] if guarded or after != before else []
        before = after
    return named
