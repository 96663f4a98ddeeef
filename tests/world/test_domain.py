"""A folder that is not a domain yet says what is missing and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from apigen_nb.world.domain import Domain, DomainError

HEAD = "from apigen_nb.world.domain import tool\nfrom apigen_nb.world.world import Database\n\n@tool\n"
DOC = '    """Show a user.\n\n    Args:\n        user_id: The user.\n    """\n'
SHOW = f"{HEAD}def show(db: Database, user_id: str) -> dict:\n{DOC}    return db.users[user_id]\n"
RULE = "from apigen_nb.world.domain import rule\n\n@rule({})\ndef kind(step):\n    {}\n    return True\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete domain, to take something away from."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "users.json").write_text('{"u1": {"user_id": "u1"}}', encoding="utf-8")
    (tmp_path / "policy.md").write_text("Be kind.", encoding="utf-8")
    (tmp_path / "tools.py").write_text(SHOW, encoding="utf-8")
    (tmp_path / "rules.py").write_text(RULE.format("'show'", '"""Be kind."""'), encoding="utf-8")
    return tmp_path


def test_the_complete_folder_is_a_domain(folder: Path) -> None:
    domain = Domain.load(str(folder))
    assert (list(domain.tools), [rule.text for rule in domain.rules], domain.users) == (["show"], ["Be kind."], "users")
    assert domain.schemas[0]["function"]["parameters"]["properties"] == {
        "user_id": {"description": "The user.", "type": "string"}
    }


BROKEN = {
    "tool without docstring": ("tools.py", SHOW.replace(DOC, ""), ["show", "tools.py:4", "docstring"]),
    "parameter without type": ("tools.py", SHOW.replace("user_id: str", "user_id"), ["show", "'user_id' has no type"]),
    "parameter not described": ("tools.py", SHOW.replace("user_id: The", "user: The"), ["'user_id'", "'Args:'"]),
    "no tool": ("tools.py", "x = 1\n", ["tools.py", "@tool"]),
    "tools that do not compile": ("tools.py", "def (", ["tools.py", "SyntaxError"]),
    "tools that do not import": ("tools.py", "import no_such_module\n", ["tools.py", "no_such_module"]),
    "rule without docstring": ("rules.py", RULE.format("'show'", "pass"), ["rule kind", "docstring"]),
    "rule on nothing": ("rules.py", RULE.format("", '"""Be kind."""'), ["rule kind", "binds no tool"]),
    "rule on an unknown tool": ("rules.py", RULE.format("'shwo'", '"""Be kind."""'), ["shwo", "tools are show"]),
    "data that is not JSON": ("data/users.json", '{"u1": ', ["users.json", "JSON"]),
    "data that is a list": ("data/users.json", "[]", ["users.json", "id → row"]),
    "a row that is no object": ("data/users.json", '{"u1": 3}', ["users.json", "u1"]),
}


@pytest.mark.parametrize(("file", "text", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_said(file: str, text: str, said: list[str], folder: Path) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(DomainError) as error:
        Domain.load(str(folder))
    assert [words for words in said if words not in str(error.value)] == []


@pytest.mark.parametrize(("file", "said"), [("policy.md", "policy.md"), ("data/users.json", "USERS")])
def test_what_is_missing_is_said(file: str, said: str, folder: Path) -> None:
    (folder / file).unlink()
    with pytest.raises(DomainError, match=said):
        Domain.load(str(folder))


def test_an_unknown_domain_lists_the_known_ones() -> None:
    with pytest.raises(DomainError, match=r"no domain 'retial'; built in are .*retail"):
        Domain.load("retial")


def test_a_folder_without_tools_is_not_a_domain(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"tools\.py"):
        Domain.load(str(tmp_path))


def test_a_domain_that_is_edited_is_read_again(folder: Path) -> None:
    first = Domain.load(str(folder))
    assert Domain.load(str(folder)) is first
    (folder / "policy.md").write_text("Another policy, and longer than it was.", encoding="utf-8")
    assert Domain.load(str(folder)).policy == "Another policy, and longer than it was."
