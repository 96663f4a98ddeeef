"""The one contract, and every domain that keeps it: the built-in ones, and tau2's when it is installed."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import pytest

from apigen_nb.world.contract import Finding, check, errors, reads_that_write
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain, builtin_domains

ABSENT = pytest.mark.skipif(importlib.util.find_spec("tau2") is None, reason="install the tau2 extra: make tau2")
TAU2 = ("tau2:retail", "tau2:airline")
DOMAINS = [*builtin_domains(), *(pytest.param(name, marks=ABSENT) for name in TAU2)]
every_domain = pytest.mark.parametrize("name", DOMAINS)


@functools.cache
def findings(name: str) -> tuple[Finding, ...]:
    return check(Domain.load(name))


@every_domain
def test_the_contract_is_kept(name: str) -> None:
    """Schemas, reads that never write, references, writes that can be made, typed refusals, a graph without gaps."""
    assert [str(finding) for finding in errors(findings(name))] == []


@pytest.mark.parametrize("name", builtin_domains())
def test_rules_forbid_something_and_leave_something(name: str) -> None:
    idle = [finding for finding in findings(name) if finding.check == "rules bind"]
    # the search may miss a rare case, and then says so
    assert len(idle) <= len(Domain.load(name).rules) / 8, "\n".join(map(str, idle))
    assert [str(finding) for finding in findings(name) if finding not in idle] == []


@pytest.mark.parametrize("name", builtin_domains())
def test_the_generator_writes_the_committed_bytes(name: str, tmp_path: Path) -> None:
    faker = pytest.importorskip("faker", reason="install faker to make the data again")
    generation = importlib.import_module("apigen_nb.domains.generation")
    if faker.VERSION != generation.FAKER:
        pytest.skip(f"the data was made with faker {generation.FAKER}, here is {faker.VERSION}")
    generation.write(importlib.import_module(f"apigen_nb.domains.{name}.generate").tables(), tmp_path)
    committed = DOMAINS_FOLDER / name / "data"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in committed.iterdir()}
    for path in sorted(tmp_path.iterdir()):
        assert path.read_bytes() == (committed / path.name).read_bytes(), path.name


def tiny(folder: Path, body: str) -> Domain:
    """A domain of one table and one tool with this body."""
    (folder / "data").mkdir()
    (folder / "data" / "users.json").write_text('{"u1": {"user_id": "u1", "seen": 0}}', encoding="utf-8")
    (folder / "policy.md").write_text("Be kind.", encoding="utf-8")
    head = "from apigen_nb.world.domain import tool\nfrom apigen_nb.world.world import Database, Refusal\n\n@tool\n"
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
