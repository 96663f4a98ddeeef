"""What can be seen without calling a tool: schemas, texts, names, phrases, rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from string import Formatter

import jsonschema

from ...records import Action
from ..domain import Domain
from ..values import singular
from ..world import Refusal, ToolBug
from .finding import Finding

SHORTEST_POLICY = 200  # characters: an agent that is told less knows nothing that it must obey
SHORTEST_DESCRIPTION = 10


def policy(domain: Domain) -> Iterator[Finding]:
    """The agent is told what it must obey, and code checks some of it."""
    if len(domain.policy.strip()) < SHORTEST_POLICY:
        found = f"{len(domain.policy.strip())} characters"
        todo = "write into policy.md what the agent may do, what not, and when it hands over"
        yield Finding("error", "policy", "policy.md", found, f"at least {SHORTEST_POLICY}", todo)
    if not domain.rules:
        todo = "write the sentences of the policy that forbid something into rules.py, one function each"
        yield Finding("warning", "policy", "rules.py", "no rule", "at least one", todo)
    names = [rule.name for rule in domain.rules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding("error", "policy", f"rule {name}", f"{names.count(name)} of this name", "one", "rename them")


def schemas(domain: Domain) -> Iterator[Finding]:
    """Each tool says what it does, its schema is one, and takes nothing that the schema does not name."""
    for kind, todo in (
        ("read", "write a function marked @tool that shows rows"),
        ("write", "write a function marked @tool(writes=True); conversations are about writes"),
    ):
        if not any(tool.kind == kind for tool in domain.tools.values()):
            yield Finding("error", "tools", "tools.py", f"no tool that {kind}s", "at least one", todo)
    for name, tool in domain.tools.items():
        where = f"tool {name}"
        if len(tool.description.strip()) < SHORTEST_DESCRIPTION:
            todo = "say in the docstring what it shows or changes; agents choose tools by it"
            yield Finding("error", "schemas", where, repr(tool.description), "a sentence that says what it does", todo)
        try:
            jsonschema.Draft202012Validator.check_schema(tool.parameters)
            json.dumps(tool.schema, allow_nan=False)
        except (jsonschema.SchemaError, TypeError, ValueError) as error:
            found = " ".join(str(error).split())[:200]
            todo = "give the parameter a type that JSON has: str, int, float, bool, Literal, list, a BaseModel"
            yield Finding("error", "schemas", where, found, "a JSON schema of draft 2020-12", todo)
        if tool.parameters.get("type") != "object" or tool.parameters.get("additionalProperties") is not False:
            todo = "derive the schema from a typed function, as @tool does"
            expected = "an object without additional properties, so that made-up arguments are refused"
            yield Finding("error", "schemas", where, f"{tool.parameters!s:.120}", expected, todo)
        yield from _takes_anything(domain, name)


def _takes_anything(domain: Domain, name: str) -> Iterator[Finding]:
    try:
        domain.world().call(Action(name=name, arguments={"no_such_argument": 1}))
        found = "the call succeeds"
    except Refusal as refusal:
        if refusal.kind == "wrong arguments":
            return
        found = f"refused as {refusal.kind!r}"
    except ToolBug as bug:
        found = str(bug)
    todo = "check the arguments against the schema first, as @tool does"
    expected = "an unknown argument is refused as 'wrong arguments'"
    yield Finding("error", "schemas", f"tool {name}", found, expected, todo)


def phrases(domain: Domain) -> Iterator[Finding]:
    """Phrases are about tools that exist, in words that name their parameters."""
    user = f"{singular(domain.users)}_id"
    for name, phrase in domain.phrases.items():
        where = f"phrases.json, {name}"
        if name not in domain.tools:
            expected = f"one of the writing tools: {', '.join(t for t, tool in domain.tools.items() if tool.writes)}"
            yield Finding("error", "phrases", where, "no such tool", expected, "rename it, or take it out")
            continue
        tool = domain.tools[name]
        try:
            slots = {slot for _, slot, _, _ in Formatter().parse(phrase) if slot is not None}
        except ValueError as error:
            yield Finding("error", "phrases", where, str(error), "words with {parameter}", "close each brace")
            continue
        if unknown := sorted(slots - set(tool.properties)):
            expected = f"parameters of the tool: {', '.join(tool.properties) or 'it takes none'}"
            yield Finding("error", "phrases", where, f"{{{unknown[0]}}} in {phrase!r}", expected, "name a parameter")
        if missing := [p for p in tool.required if p not in {*slots, user}]:
            expected = "a place for each required parameter, so that a user can say it"
            todo = f"add a part such as: | with {{{missing[0]}}}"
            yield Finding("warning", "phrases", where, f"no {', '.join(missing)} in {phrase!r}", expected, todo)
