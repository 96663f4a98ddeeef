"""Who a user is, is found out by tools that give it for what users can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apigen_nb.records import Action
from apigen_nb.world.candidate_calls import try_call
from apigen_nb.world.domain import Domain
from apigen_nb.world.identification import identifying_tools, profile
from apigen_nb.world.tool import Tool
from apigen_nb.world.user_records import owners
from apigen_nb.world.world import Database

Run = Callable[[Database, dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("name", "tools"),
    [
        ("retail", {"find_customer_by_email", "find_customer_by_name"}),
        ("airline", {"find_member_id_by_email", "find_member_id_by_name"}),
        ("banking", {"find_customer_by_email", "find_customer_by_phone"}),
        ("tau2:retail", {"find_user_id_by_email", "find_user_id_by_name_zip"}),
        ("tau2:airline", set()),
    ],
)
def test_tools_that_give_a_user_for_what_users_can_tell_identify(name: str, tools: set[str]) -> None:
    if name.startswith("tau2"):
        pytest.importorskip("tau2")
    assert identifying_tools(Domain.load(name)) == tools


def domain_with(run: Run, *required: str, properties: tuple[str, ...] = ("mail", "phone")) -> Domain:
    """Two people, and one tool that is called in no telling way."""
    people = {
        "u1": {"id": "u1", "mail_address": "ada@example.org", "phone": "312-555-0101", "orders": ["o1"]},
        "u2": {"id": "u2", "mail_address": "ben@example.org", "phone": "312-555-0102", "orders": ["o2"]},
    }
    orders = {"o1": {"id": "o1", "user": "u1", "status": "open"}, "o2": {"id": "o2", "user": "u2", "status": "open"}}
    schema = {
        "type": "object",
        "properties": {p: {"type": "string"} for p in properties},
        "required": list(required),
    }
    tool = Tool("peek", "Look.", schema, "read", False, lambda arguments: arguments, run)
    return Domain("two", "", {"peek": tool}, (), {"people": people, "orders": orders}, "people", ("u1", "u2"))


def by_mail(db: Database, arguments: dict[str, Any]) -> Any:
    return next((key for key, row in db["people"].items() if row["mail_address"] == arguments.get("mail")), None)


def test_neither_the_name_of_a_tool_nor_of_its_parameters_counts() -> None:
    assert identifying_tools(domain_with(by_mail, "mail")) == {"peek"}


def test_a_tool_all_of_whose_parameters_can_be_left_out_identifies_by_one() -> None:
    assert identifying_tools(domain_with(by_mail)) == {"peek"}


def test_the_row_without_a_secret_and_a_list_of_one_identify() -> None:
    def run(db: Database, arguments: dict[str, Any]) -> Any:
        found = by_mail(db, arguments)
        return [{key: value for key, value in db["people"][found].items() if key != "orders"}] if found else []

    assert identifying_tools(domain_with(run, "mail")) == {"peek"}


@pytest.mark.parametrize(
    ("run", "parameter"),
    [
        (lambda db, arguments: db["people"].get(arguments["id"]), "id"),  # for the id itself
        (lambda db, arguments: db["orders"].get(arguments["order_id"]), "order_id"),  # a row that names the user
        (lambda db, arguments: {"phone": arguments["phone"]}, "phone"),  # nobody in particular
        (lambda db, arguments: list(db["people"]), "phone"),  # everybody
    ],
)
def test_what_takes_the_id_or_gives_more_or_less_than_the_user_identifies_nobody(run: Run, parameter: str) -> None:
    assert identifying_tools(domain_with(run, parameter, properties=(parameter,))) == frozenset()


def test_a_tool_that_breaks_identifies_nobody() -> None:
    assert identifying_tools(domain_with(lambda db, arguments: 1 / 0, "phone")) == frozenset()


# --- what users know of themselves

KNOWN = {
    "retail": {"first_name", "last_name", "email", "phone", "street", "city", "state", "postal_code", "country"},
    "airline": {"first_name", "last_name", "email", "phone", "postal_code"},
    "banking": {"first_name", "last_name", "email", "phone"},
    "tau2:retail": {"first_name", "last_name", "email", "address1", "address2", "city", "state", "country", "zip"},
    "tau2:airline": {"first_name", "last_name", "email", "address1", "address2", "city", "state", "country", "zip"},
}


@pytest.mark.parametrize("name", KNOWN)
def test_users_know_who_they_are_and_no_id(name: str) -> None:
    if name.startswith("tau2"):
        pytest.importorskip("tau2")
    domain = Domain.load(name)
    for user in domain.subjects[:60]:
        known = profile(domain, user)
        assert dict(known).keys() == KNOWN[name]
        assert not [text for _, text in known if owners(domain, text) or text in domain.tables]


@pytest.mark.parametrize("name", ["retail", "airline", "banking"])
def test_what_users_know_is_enough_to_find_them(name: str) -> None:
    domain = Domain.load(name)
    world = domain.world()
    for user in domain.subjects[:20]:
        known = dict(profile(domain, user))
        for tool in identifying_tools(domain):
            arguments = {parameter: known[parameter] for parameter in domain.tools[tool].required}
            found = try_call(world, Action(name=tool, arguments=arguments))
            assert user in (found, *(found.values() if isinstance(found, dict) else ()))


def test_what_only_records_know_is_left_out() -> None:
    row = {
        "id": "u1",
        "name": "Ada",
        "born_on": "1990-05-04",
        "points": 7,
        "club": "gold",
        "home": {"street": "Mill Lane 1", "floor": 2},
        "card": {"card": "k1", "last_four": "1234"},
        "words": ["tulip"],
        "orders": {"o1": {"name": "the lamp"}},
        "note": "",
    }
    people = {
        f"u{n}": row
        | {"id": f"u{n}", "name": f"Ada {n}", "card": {"card": f"k{n}"}, "club": "gold" if n % 2 else "blue"}
        for n in range(9)
    }
    cards = {f"k{n}": {"id": f"k{n}", "user": f"u{n}"} for n in range(9)}
    tables = {"people": people, "cards": cards}
    domain = Domain("d", "p", {}, (), tables, "people", tuple(people))
    assert profile(domain, "u3") == (("name", "Ada 3"), ("street", "Mill Lane 1"))
    assert profile(domain, "nobody") == ()
