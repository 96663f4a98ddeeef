"""Whose a row is, and whether a result shows rows of another user."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

import pytest

from apigen_nb.records import Action, canonical
from apigen_nb.world.candidate_calls import try_call
from apigen_nb.world.domain import Domain, DomainError
from apigen_nb.world.user_records import always_beside, foreign_rows, owners, user_records
from apigen_nb.world.values import facts

DOMAINS = ("retail", "airline", "banking", "tau2:retail", "tau2:airline")


def loaded(name: str) -> Domain:
    try:
        return Domain.load(name)
    except DomainError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", DOMAINS)
def test_own_records_are_never_foreign_and_those_of_others_are(name: str) -> None:
    domain = loaded(name)
    for user, other in itertools.pairwise(domain.subjects[:40]):
        assert foreign_rows(domain, user, user_records(domain, user)) == ()
        theirs = user_records(domain, other)
        seen = foreign_rows(domain, user, json.dumps(theirs))
        assert other in seen
        assert all(owners(domain, key) and user not in owners(domain, key) for key in seen)


@pytest.mark.parametrize("name", DOMAINS)
def test_what_names_no_user_belongs_to_nobody(name: str) -> None:
    domain = loaded(name)
    catalogue = {"products", "airports", "fares", "flights", "routes"} & set(domain.tables)
    assert catalogue or name == "banking"
    for table in catalogue:
        for key, row in domain.tables[table].items():
            assert owners(domain, key) == frozenset()
            assert foreign_rows(domain, domain.subjects[0], {key: domain.dump(row)}) == ()


def test_rows_belong_to_whom_the_rows_belong_that_they_name() -> None:
    retail = Domain.load("retail")
    for key, shipment in list(retail.tables["shipments"].items())[:50]:
        assert owners(retail, key) == {retail.tables["orders"][shipment["order_id"]]["customer_id"]}


def test_a_payment_method_belongs_to_its_customer() -> None:
    retail = Domain.load("retail")
    for customer, row in list(retail.tables["customers"].items())[:50]:
        assert all(owners(retail, method) == {customer} for method in row["payment_methods"])


@pytest.mark.parametrize(
    "shown", ["", "done", "null", "[1, 2]", "{", '{"status": "open", "note": null}', 3, None, True, {"a": [{"b": "c"}]}]
)
def test_results_without_ids_show_no_row(shown: Any) -> None:
    assert foreign_rows(Domain.load("banking"), "C10716", shown) == ()


def test_an_id_that_a_row_of_ones_own_names_is_foreign_only_with_its_row() -> None:
    bank = Domain.load("banking")
    accounts, (key, transfer) = bank.tables["accounts"], next(iter(bank.tables["transfers"].items()))
    sender = transfer["customer_id"]
    account = next(key for key, row in accounts.items() if row["customer_id"] != sender)
    sent = {**transfer, "to_account_id": account}
    bank = dataclasses.replace(bank, tables={**bank.tables, "transfers": {**bank.tables["transfers"], key: sent}})
    assert foreign_rows(bank, sender, sent) == ()
    assert foreign_rows(bank, sender, account) == ()
    assert account in foreign_rows(bank, sender, accounts[account])


@pytest.mark.parametrize("name", DOMAINS)
def test_reads_that_name_a_user_are_foreign_to_everybody_else(name: str) -> None:
    domain = loaded(name)
    mine, other = domain.subjects[:2]
    for tool in domain.tools.values():
        if tool.writes or len(tool.required) != 1:
            continue
        result = try_call(domain.world(), Action(name=tool.name, arguments={tool.required[0]: other}))
        if isinstance(result, dict) and other in json.dumps(result):
            assert other in foreign_rows(domain, mine, result)
            assert foreign_rows(domain, other, result) == ()


def test_what_always_stands_beside_what_is_told() -> None:
    domain = loaded("tau2:retail")
    assert always_beside(domain, "state", "NY", [("city", "New York")])
    assert not always_beside(domain, "state", "TX", [("city", "New York")])
    assert not always_beside(domain, "city", "New York", [("country", "USA")])
    assert not always_beside(domain, "state", "NY", [("city", "Nowhere")])
    assert not always_beside(domain, "state", "NY", [])


@pytest.mark.parametrize("name", DOMAINS)
def test_a_row_too_large_leaves_the_rest_of_the_budget_to_smaller_ones(name: str) -> None:
    domain = loaded(name)
    for user in domain.subjects[:20]:
        whole = user_records(domain, user, 10**9)
        sizes = {(t, k): len(canonical(row)) for t, rows in whole.items() for k, row in rows.items()}
        for budget in (2_000, 6_000, 12_000):
            some = user_records(domain, user, budget)
            shown = {(t, k) for t, rows in some.items() for k in rows}
            spent = sum(sizes[place] for place in shown)
            assert spent <= budget or len(shown) == 1
            named = {f.value for t, k in shown for f in facts({t: {k: whole[t][k]}}) if isinstance(f.value, str)}
            near = [place for place in sizes if place not in shown and place[1] in named]
            assert all(spent + sizes[place] > budget for place in near)
