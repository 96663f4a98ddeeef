"""What judges and the feedback model are shown of the records: what bears on the task, within a budget, never what
belongs to others; and where outputs stand, before and after the actions."""

from __future__ import annotations

import dataclasses
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.gates import is_grounded
from apigen_nb.blueprints.gates.evidence import BUDGET, bearing_records, meanings_of_ids, origins_of_outputs
from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.models.chat_format import FOLDER
from apigen_nb.records import Action, Blueprint, canonical
from apigen_nb.world.contract import guess_arguments
from apigen_nb.world.domain import Domain, builtin_domains
from apigen_nb.world.user_records import own_rows
from tests.library import DATA, GOOD, RENEW, RETURN, call, task


def size(tables: dict[str, dict[str, Any]]) -> int:
    return sum(len(canonical(row)) for rows in tables.values() for row in rows.values())


def origins(blueprint: Blueprint, domain: Domain) -> dict[str, str]:
    return origins_of_outputs(blueprint, domain, execute(blueprint, domain))


def test_the_rows_that_a_task_names_come_before_the_users_others(library: Domain) -> None:
    shown = bearing_records(task(RENEW, says="And L3?"), library)
    assert list(shown) == ["members", "loans", "receipts"]
    assert list(shown["loans"]) == ["L1", "L3", "L2"]
    few = bearing_records(
        task(RENEW, says="And L3?"), library, size(shown) - size({"receipts": shown["receipts"]}) - 10
    )
    assert list(few["loans"]) == ["L1", "L3"]
    assert bearing_records(task(RENEW), library)["loans"]["L1"] == DATA["loans"]["L1"], "as it was before the actions"


@pytest.mark.parametrize("name", builtin_domains())
@given(number=st.integers(0, 10_000), budget=st.sampled_from([300, 2_000, BUDGET]))
@settings(max_examples=25, deadline=None)
def test_whatever_is_called_the_budget_holds_and_rows_are_of_the_records(name: str, number: int, budget: int) -> None:
    domain, rng = Domain.load(name), Random(number)
    user = rng.choice(domain.subjects)
    tools = rng.sample([tool for tool in domain.tools.values() if tool.writes], 2)
    calls = tuple(Action(name=t.name, arguments=guess_arguments(domain, t, rng, user)) for t in tools)
    made = Blueprint(
        id="x", domain=name, user=user, persona="", instruction="You want this.", actions=calls, outputs=("1", "open")
    )
    shown = bearing_records(made, domain, budget)
    assert size(shown) <= budget
    for table, rows in shown.items():
        for key, row in rows.items():
            whole = domain.dump(domain.tables[table][key])
            assert row == whole or (canonical(row) != canonical(whole) and set(row) <= {*whole, "…"})
    if budget == BUDGET:
        assert shown[domain.users][user] == domain.dump(domain.tables[domain.users][user])


def test_a_row_too_large_is_cut_to_what_the_task_names_in_it() -> None:
    domain = Domain.load("retail")
    product = next(iter(domain.tables["products"].values()))
    variant = next(iter(product["variants"]))
    user = domain.subjects[0]
    made = Blueprint(
        id="x", domain="retail", user=user, persona="", instruction="", outputs=(),
        actions=(call("exchange", variant_id=variant),),
    )  # fmt: skip
    budget = len(canonical(domain.dump(domain.tables["customers"][user]))) + 500
    cut = bearing_records(made, domain, budget)["products"][product["product_id"]]
    assert cut["variants"] == {variant: product["variants"][variant], "…": f"{len(product['variants']) - 1} more"}


def test_ids_are_told_by_what_they_are_called(library: Domain) -> None:
    told = meanings_of_ids(task(RENEW, call("return_loan", loan_id="L4")), library)
    assert told["L1"].startswith("loan: title Salt Roads, status out")
    assert "travel" not in told
    assert told["L4"].endswith("; belongs to M2, not to this customer")
    bank = Domain.load("banking")
    user, row = next((key, row) for key, row in bank.tables["customers"].items() if row["accounts"])
    account, name = next((key, part["name"]) for key, part in row["accounts"].items())
    made = task(call("close_account", account_id=account)).model_copy(update={"user": user})
    assert re.match(rf"account: .*name {name}", meanings_of_ids(made, bank)[account])


def test_what_is_everybodys_is_not_told_by_one_booking_of_it(library: Domain) -> None:
    """A loan that says of a book of the catalogue what it was lent for says nothing of another loan of it."""
    loans, made = library.tables["loans"], task(call("renew_loan", loan_id="L1", book_id="K1"))
    for volumes in ([], [{"book_id": "K1", "kind": "book", "due": "2031-01-01", "fee": 77.5}]):
        tables = {"loans": {**loans, "L1": loans["L1"] | {"books": volumes}}, "books": {"K1": {"shelf": "north"}}}
        domain = dataclasses.replace(library, tables={**library.tables, **tables})
        assert meanings_of_ids(made, domain)["K1"] == "book: shelf north"


def test_an_output_is_placed_before_and_after_the_actions(library: Domain) -> None:
    told = origins(task(RENEW, outputs=("3", "17", "0.5")), library)
    assert told["3"].startswith("loans/L1 days_left before the actions, after them 17")
    assert told["17"].startswith("loans/L1 days_left after the actions, before them 3")
    assert told["0.5"].startswith("loans/L1 fee.")
    assert "An agent first comes to it by fee in " in told["0.5"]
    assert origins(task(outputs=("31.4159",)), library) == {"31.4159": "no field of the records has it."}


def test_a_policys_answer_is_quoted(library: Domain) -> None:
    told = origins(GOOD["no tool"], library)
    assert "policy: Members renew and return their own loans. An overdue loan is not renewed" in str(told)


def test_what_belongs_to_somebody_else_stays_out(library: Domain) -> None:
    for blueprint in GOOD.values():
        text = canonical([bearing_records(blueprint, library), origins(blueprint, library)])
        assert not re.search(r"M2|Bo Fen|Bone Map|L4", text)
    assert set(own_rows(library, "M1")["loans"]) >= set(bearing_records(task(RETURN), library)["loans"])


# --- the forms that the generator's prompt names


def forms() -> list[str]:
    text = (FOLDER / "generator.md").read_text(encoding="utf-8")
    section = re.search(r"^outputs\n(.*?)^denied", text, re.MULTILINE | re.DOTALL)
    assert section
    return re.findall(r'"([^"]+)"', section[1])


def test_the_prompt_names_forms_of_all_sorts() -> None:
    assert len(forms()) >= 8


@pytest.mark.parametrize("output", forms())
def test_every_form_that_the_prompt_names_is_accepted(library: Domain, output: str) -> None:
    """Stored as a number, a text or a moment that has it, as the records of a domain have it."""
    stored: Any = float(output) if output.replace(".", "").isdigit() else output
    stored = {"2026-03-12": "2026-03-12T14:05", "14:05": "2026-03-12T14:05"}.get(output, stored)
    loans = {key: {**row, "asked": stored} for key, row in DATA["loans"].items()}
    domain = dataclasses.replace(library, tables={**DATA, "loans": loans})
    asked = task(RENEW, says="You want to renew loan L1, as you travel, and know what was asked.", outputs=(output,))
    verdict = is_grounded(asked, domain)
    assert verdict
    assert verdict.passed, verdict.reason
    assert "loans/L1 asked" in origins(asked, domain)[output]


@pytest.mark.parametrize("output", ["2 loans", "0.5 dollars", "yes", "the fee is 0.5"])
def test_what_the_prompt_warns_of_is_refused(library: Domain, output: str) -> None:
    verdict = is_grounded(task(RENEW, says="You want to renew loan L1, as you travel.", outputs=(output,)), library)
    assert verdict
    assert not verdict.passed


def test_the_evidence_is_the_same_however_often_it_is_asked_for(library: Domain) -> None:
    first = bearing_records(task(RENEW), library)
    first["loans"].clear()
    assert bearing_records(task(RENEW), library)["loans"]
