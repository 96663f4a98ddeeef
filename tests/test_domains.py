"""The one contract, and every domain that keeps it: the built-in ones, and tau2's when it is installed."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from random import Random

import jsonschema
import pytest

from apigen_nb.contract import guess, reads_that_write
from apigen_nb.domain import Domain, builtin
from apigen_nb.records import Action
from apigen_nb.world import Refusal

ABSENT = pytest.mark.skipif(importlib.util.find_spec("tau2") is None, reason="install the tau2 extra: make tau2")
TAU2 = ("tau2:retail", "tau2:airline")
DOMAINS = [*builtin(), *(pytest.param(name, marks=ABSENT) for name in TAU2)]
every_domain = pytest.mark.parametrize("name", DOMAINS)


@every_domain
def test_schemas_are_json_schemas_and_tools_say_what_they_do(name: str) -> None:
    domain = Domain.load(name)
    assert len({schema["function"]["name"] for schema in domain.schemas}) == len(domain.tools)
    for key, tool in domain.tools.items():
        jsonschema.Draft202012Validator.check_schema(tool.parameters)
        assert tool.schema["type"] == "function"
        assert tool.schema["function"]["name"] == key == tool.name
        assert len(tool.description) > 10, f"{key} says too little"
        assert tool.parameters["type"] == "object"
        assert tool.parameters["additionalProperties"] is False
        assert json.loads(json.dumps(tool.schema)) == tool.schema


@every_domain
def test_there_is_something_to_talk_about(name: str) -> None:
    domain = Domain.load(name)
    assert len(domain.policy) > 200
    assert domain.subjects
    assert set(domain.subjects) <= set(domain.tables[domain.users])
    assert {"read", "write"} <= {tool.kind for tool in domain.tools.values()}
    assert set(domain.phrases) <= set(domain.tools)


@every_domain
def test_rules_bind_tools_that_exist(name: str) -> None:
    domain = Domain.load(name)
    assert len({rule.name for rule in domain.rules}) == len(domain.rules)
    for rule in domain.rules:
        assert rule.text, rule.name
        assert set(rule.tools) <= set(domain.tools), rule.name


@every_domain
def test_unknown_arguments_are_refused(name: str) -> None:
    world = Domain.load(name).world()
    for tool in Domain.load(name).tools:
        with pytest.raises(Refusal) as refusal:
            world.call(Action(name=tool, arguments={"no_such_argument": 1}))
        assert refusal.value.kind == "wrong arguments"


@every_domain
def test_reads_never_write(name: str) -> None:
    assert reads_that_write(Domain.load(name)) == []


@every_domain
def test_every_write_succeeds_for_some_arguments(name: str) -> None:
    domain = Domain.load(name)
    assert [tool for tool, found in successes(name).items() if found is None and domain.tools[tool].writes] == []


@every_domain
def test_rows_results_and_deltas_are_plain_json(name: str) -> None:
    domain = Domain.load(name)
    for table, rows in domain.tables.items():
        for key in Random(0).sample(list(rows), min(20, len(rows))):
            row = domain.dump(rows[key])
            assert json.loads(json.dumps(row)) == row, f"{table} {key}"
            assert domain.dump(domain.copy(rows[key])) == row
    for action in filter(None, successes(name).values()):
        world = domain.world()
        result = world.call(action)
        assert json.loads(json.dumps(result)) == result, action
        for change in world.delta():
            assert json.loads(change.line()) == change.model_dump()
        again = domain.world()
        again.call(action)
        assert again.delta() == world.delta(), f"{action} does not do the same twice"


@functools.cache
def successes(name: str) -> dict[str, Action | None]:
    """A call of each tool that is not refused: with arguments found in the data, or from tau2's own tasks."""
    domain, random = Domain.load(name), Random(7)
    found: dict[str, Action | None] = dict.fromkeys(domain.tools)
    if name.startswith("tau2:"):
        from apigen_nb.domains.tau2 import gold_tasks

        for _, actions in gold_tasks(name.removeprefix("tau2:")):
            world = domain.world()
            for action in actions:
                try:
                    fresh = found.get(action.name) is None
                    domain.world().call(action)
                    found[action.name] = action if fresh else found[action.name]
                    world.call(action)
                except Refusal:
                    continue
    for key, tool in domain.tools.items():
        for _ in range(3000 if found[key] is None else 0):
            action = Action(name=key, arguments=guess(domain, tool, random))
            try:
                domain.world().call(action)
            except Refusal:
                continue
            found[key] = action
            break
        if not tool.writes and found[key] is None:
            del found[key]  # `calculate` wants an expression, which no row holds
    return found


def tiny(folder: Path, body: str) -> Domain:
    """A domain of one table and one tool with this body."""
    (folder / "data").mkdir()
    (folder / "data" / "users.json").write_text('{"u1": {"user_id": "u1", "seen": 0}}', encoding="utf-8")
    (folder / "policy.md").write_text("Be kind.", encoding="utf-8")
    head = "from apigen_nb.domain import tool\nfrom apigen_nb.world import Database, Refusal\n\n@tool\n"
    doc = '    """Show a user.\n\n    Args:\n        user_id: The user.\n    """\n'
    code = f"{head}def show(db: Database, user_id: str) -> dict:\n{doc}{body}\n"
    (folder / "tools.py").write_text(code, encoding="utf-8")
    return Domain.load(str(folder))


@pytest.mark.parametrize(
    "body",
    [
        "    db.users[user_id]['seen'] += 1\n    return db.users[user_id]",
        "    db.users[user_id]['seen'] += 1\n    raise Refusal('no')",
        "    db.users['u2'] = {'user_id': 'u2'}\n    return {}",
        "    del db.users[user_id]\n    return {}",
    ],
    ids=["in place", "in place, then refuses", "adds a row", "deletes a row"],
)
def test_a_read_that_writes_is_named_and_does_no_harm(body: str, tmp_path: Path) -> None:
    domain = tiny(tmp_path, body)
    assert reads_that_write(domain) == ["show"]
    assert domain.tables["users"] == {"u1": {"user_id": "u1", "seen": 0}}


def test_a_read_that_only_reads_is_not_named(tmp_path: Path) -> None:
    assert reads_that_write(tiny(tmp_path, "    return db.users[user_id]")) == []
