"""Each thing that can be wrong with a domain is found, and said in words; a sound domain is left alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apigen_nb.__main__ import main
from apigen_nb.world.contract import Finding, check, errors, reads_that_write, summary
from apigen_nb.world.contract.call_search import search_calls
from apigen_nb.world.domain import Domain
from apigen_nb.world.scaffold import new_domain

Edit = Callable[[str], str]
Edits = list[tuple[str, Edit]]

READ = '''

@tool
def {name}(db: Database, {parameter}: str) -> Row:
    """Show something of the library.

    Args:
        {parameter}: What it is about.
    """
    {body}
'''
WRITE = READ.replace("@tool", "@tool(writes=True)").replace("Show", "Change")


def sub(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new)

    return edit


def add(pattern: str, name: str, parameter: str, body: str) -> Edit:
    return lambda text: text + pattern.format(name=name, parameter=parameter, body=body)


def rule_is(body: str) -> Edit:
    return sub('return not loan["reserved"]', body)


def row(table: str, key: str, **fields: object) -> tuple[str, Edit]:
    def edit(text: str) -> str:
        rows = json.loads(text)
        rows[key] = {**rows.get(key, {}), **fields}
        return json.dumps(rows)

    return f"data/{table}.json", edit


def every_row(table: str, **fields: object) -> tuple[str, Edit]:
    return f"data/{table}.json", lambda t: json.dumps({k: {**r, **fields} for k, r in json.loads(t).items()})


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Edits], Domain]:
    """The new domain with some files edited, loaded."""

    def change(edits: Edits) -> Domain:
        folder = new_domain("library", tmp_path)
        for name, edit in edits:
            path = folder / name
            path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
        return Domain.load(str(folder))

    return change


def test_nothing_is_wrong_with_the_new_domain(changed: Callable[[Edits], Domain]) -> None:
    domain = changed([])
    assert check(domain) == ()
    assert summary(domain, ()) == (
        "library: 3 tools (1 write), 1 rules, 48 rows: 0 errors, 0 warnings; the contract is kept"
    )


# what is edited → check, where and a part of what is found
ERRORS: dict[str, tuple[Edits, tuple[str, str, str]]] = {
    "short policy": ([("policy.md", lambda _: "Be kind.")], ("policy", "policy.md", "8 characters")),
    "no writing tool": (
        [("tools.py", sub("@tool(writes=True)", "@tool")), ("rules.py", lambda _: "")],
        ("tools", "tools.py", "no tool that writes"),
    ),
    "says too little": (
        [("tools.py", sub("Find a member's id by the e-mail address.", "Find."))],
        ("schemas", "tool find_member", "'Find.'"),
    ),
    "phrase of no tool": (
        [("phrases.json", sub('"renew_loan"', '"extend_loan"'))],
        ("phrases", "phrases.json, extend_loan", "no such tool"),
    ),
    "phrase with an unknown parameter": (
        [("phrases.json", sub("{weeks}", "{days}"))],
        ("phrases", "phrases.json, renew_loan", "{days}"),
    ),
    "phrase with an open brace": (
        [("phrases.json", sub("{weeks}", "{weeks"))],
        ("phrases", "phrases.json, renew_loan", "expected '}'"),
    ),
    "row with another id": (
        [row("loans", "L-2001", loan_id="L-9")],
        ("data", "loans L-2001", "loan_id is 'L-9'"),
    ),
    "reference to nothing": (
        [row("members", "M-101", loan_ids=["L-2001", "L-404"])],
        ("references", "members, field loan_id", "'L-404' in M-101"),
    ),
    "read that writes": (
        [("tools.py", sub('member = db["members"][member_id]', 'member = db["members"][member_id]; member["n"] = 1'))],
        ("reads never write", "tool get_member", "it changed the data"),
    ),
    "bug on an unknown id": (
        [("tools.py", sub('if loan_id not in db["loans"]:', "if not loan_id:"))],
        ("typed errors", "tool renew_loan", "KeyError"),
    ),
    "bug behind a check": (
        [("tools.py", sub("if not 1 <= weeks <= 4:", "if weeks > 4:\n        1 / 0\n    if weeks < 1:"))],
        ("typed errors", "tool renew_loan", "ZeroDivisionError"),
    ),
    "write that never succeeds": (
        [every_row("loans", status="returned")],
        ("satisfiable", "tool renew_loan", "refused as 'loan is not lent'"),
    ),
    "write that changes nothing": (
        [("tools.py", add(WRITE, "touch_loan", "loan_id", "return {}"))],
        ("satisfiable", "tool touch_loan", "none changed anything"),
    ),
    "not the same twice": (
        [("tools.py", add(READ, "roll_dice", "member_id", "import random; return {'dice': random.random()}"))],
        ("repeatable", "tool roll_dice", "does not give the same twice"),
    ),
    "result is no JSON": (
        [("tools.py", add(READ, "list_years", "member_id", "return {2026: 1}"))],
        ("repeatable", "tool list_years", "it leaves no plain JSON"),
    ),
    "rule that looks at nothing": (
        [("rules.py", rule_is("return True")), ("rules.py", sub("    loan = step", "    # loan = step"))],
        ("rules bind", "rule reserved_loan_goes_back", "looks at nothing"),
    ),
    "rule that breaks": (
        [("rules.py", rule_is('return not loan["borrowed"]'))],
        ("rules bind", "rule reserved_loan_goes_back", "KeyError: 'borrowed'"),
    ),
    "id without a producer": (
        [("tools.py", add(WRITE, "return_copy", "copy_id", "raise Refusal('no', kind='no')"))],
        ("graph", "tool return_copy", "nothing gives copy_id"),
    ),
    "no entrance": (
        [("tools.py", sub('USERS = "members"', 'USERS = "loans"'))],
        ("graph", "tools.py", "no tool finds out who the user is"),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_found(name: str, changed: Callable[[Edits], Domain]) -> None:
    edits, (kind, where, part) = ERRORS[name]
    found = [f for f in errors(check(changed(edits))) if (f.check, f.where) == (kind, where)]
    assert found, f"nothing says {kind}: {where}"
    assert part in found[0].found
    assert found[0].expected
    assert found[0].todo


WARNINGS: dict[str, tuple[Edits, tuple[str, str, str]]] = {
    "no rule": ([("rules.py", lambda _: "")], ("policy", "rules.py", "no rule")),
    "phrase that cannot say all": (
        [("phrases.json", sub(" | by {weeks} weeks", ""))],
        ("phrases", "phrases.json, renew_loan", "no weeks"),
    ),
    "rule that allows all": (
        [("rules.py", rule_is('return loan["status"] == "lent"'))],
        ("rules bind", "rule reserved_loan_goes_back", "breaks it"),
    ),
    "rule that allows nothing": (
        [("rules.py", rule_is('return loan["status"] != "lent"'))],
        ("satisfiable", "tool renew_loan", "each broke a rule (reserved_loan_goes_back)"),
    ),
    "refusal without a sort": (
        [("tools.py", sub(', kind="no such loan"', ""))],
        ("typed errors", "tool renew_loan", "has no kind"),
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_is_no_error(name: str, changed: Callable[[Edits], Domain]) -> None:
    edits, (kind, where, part) = WARNINGS[name]
    findings = check(changed(edits))
    found = [f for f in findings if (f.check, f.where) == (kind, where)]
    assert found, f"nothing says {kind}: {where}"
    assert part in found[0].found
    assert errors(findings) == ()


def test_a_tool_out_of_reach_is_found(changed: Callable[[Edits], Domain]) -> None:
    """Each id has a producer, and yet nobody who starts at the entrance gets there: two reads wait for each other."""
    shows = READ.replace("something of the library", "the {name} id").replace("def {name}", "def get_{name}")
    ring = add(shows, "shelf", "room_id", "return {'shelf_id': 'S1'}")
    other = add(shows, "room", "shelf_id", "return {'room_id': 'R1'}")
    sweep = add(WRITE, "sweep_shelf", "shelf_id", "db['loans']['L-2001']['renewals'] += 1; return {}")
    found = errors(check(changed([("tools.py", ring), ("tools.py", other), ("tools.py", sweep)])))
    assert [(f.check, f.where, f.found) for f in found] == [
        ("graph", "tool sweep_shelf", "out of reach: shelf_id (from get_shelf)")
    ]


def test_a_finding_says_what_to_do() -> None:
    text = str(Finding("error", "data", "loans L-1", "loan_id is 'L-2'", "loan_id is 'L-1'", "make them equal"))
    assert text.splitlines() == [
        "error · data · loans L-1",
        "  found: loan_id is 'L-2'",
        "  expected: loan_id is 'L-1'",
        "  do: make them equal",
    ]


def test_the_check_changes_no_row_and_finds_the_same_again(changed: Callable[[Edits], Domain]) -> None:
    domain = changed([("rules.py", rule_is('return loan["status"] == "lent"'))])
    before = domain.fingerprint
    assert check(domain) == check(domain) != ()
    assert dataclasses.replace(domain).fingerprint == before


def test_the_search_finds_sums_pairs_and_calls_in_a_row(changed: Callable[[Edits], Domain]) -> None:
    """A refusal that names the amount due, two lists of one length, and a rule about what was done before."""
    pay = """

@tool(writes=True)
def pay_fees(db: Database, member_id: str, loan_ids: list[str], amounts: list[int]) -> Row:
    \"\"\"Pay the fees of loans.

    Args:
        member_id: The member's id.
        loan_ids: The loans.
        amounts: What is paid for each of them.
    \"\"\"
    if member_id not in db["members"] or not set(loan_ids) <= set(db["members"][member_id]["loan_ids"]):
        raise Refusal("no such loan of this member", kind="no such loan")
    if len(loan_ids) != len(amounts) or len(set(loan_ids)) < 2:
        raise Refusal("two loans at least, and one amount for each", kind="no pairs")
    due = 7 * sum(int(loan_id[2:]) for loan_id in loan_ids)
    if sum(amounts) != due:
        raise Refusal(f"{due} is due, found {sum(amounts)}", kind="wrong sum")
    db["members"][member_id]["paid"] = due
    return {"paid": due}
"""
    once = """

@rule("pay_fees")
def paid_after_renewal(step: Step) -> bool:
    \"\"\"Fees are not paid in a conversation that has renewed two loans.\"\"\"
    return sum(earlier.name == "renew_loan" for earlier in step.earlier) < 2
"""
    tools, rules = search_calls(changed([("tools.py", lambda t: t + pay), ("rules.py", lambda t: t + once)]))
    assert tools["pay_fees"].obeying
    assert rules["paid_after_renewal"].broken
    assert [action.name for action in rules["paid_after_renewal"].broken.earlier].count("renew_loan") >= 2


def test_reads_that_write_are_named(changed: Callable[[Edits], Domain]) -> None:
    assert reads_that_write(
        changed([("tools.py", sub("@tool(writes=True)", "@tool")), ("rules.py", lambda _: "")])
    ) == ["renew_loan"]


def test_the_command_line_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    new_domain("library")
    assert main(["check-domain", "library"]) == 0
    assert "the contract is kept" in capsys.readouterr().out
    new_domain("broken")
    (tmp_path / "broken" / "policy.md").write_text("Be kind.", encoding="utf-8")
    assert main(["check-domain", "./broken"]) == 1
    said = capsys.readouterr().out
    assert "error · policy · policy.md" in said
    assert "1 errors, 0 warnings; the contract is broken" in said
    new_domain("empty")
    (tmp_path / "empty" / "tools.py").write_text("x = 1\n", encoding="utf-8")
    assert main(["check-domain", "empty"]) == 1
    assert "@tool" in capsys.readouterr().err
    assert main(["check-domain", "nowhere"]) == 2
    assert "no domain 'nowhere'" in capsys.readouterr().err
