"""An expected output has the type of what it was taken from, and none where that is in doubt."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from apigen_nb.blueprints.gates.origins import origin_types
from apigen_nb.dataset.proof import Proof
from apigen_nb.records import Blueprint, Kind, Message
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings
from apigen_nb.trajectories.reward import all_told
from apigen_nb.world.domain import Domain, builtin_domains
from tests.library import DATA, RENEW, RETURN, task

POLICY = "A loan ends within 24 hours. A fee is $50, or 12.5 percent. At most 3 loans; 10 days, or 10 hours for films."


@pytest.fixture(scope="module")
def shop(library: Domain) -> Domain:
    """The library, which also lends things with a warranty and knows the card of a member."""
    loans: dict[str, Any] = {key: {**row, "warranty_months": 24} for key, row in DATA["loans"].items()}
    loans["L2"]["value"] = 66
    loans["L1"]["worth"] = "66"
    members: dict[str, Any] = {key: {**row, "last_four": "7312"} for key, row in DATA["members"].items()}
    loans["L4"]["warranty_weeks"] = 77
    return dataclasses.replace(library, policy=POLICY, tables={**DATA, "loans": loans, "members": members})


@pytest.mark.parametrize(
    ("output", "type"),
    [
        ("24", "month"),
        ("0.5", "money"),
        ("1250", "count"),
        ("7312", "identifier"),
        ("Ada Moor", "word"),
        ("3", ""),  # days left, and how many loans there are
        ("66", ""),  # of two types
        ("4.5", ""),  # the sum of what stands nowhere
        ("77", ""),  # somebody else's
        ("nobody", ""),
        ("True", ""),
    ],
)
def test_an_output_is_of_the_type_of_the_facts_it_may_be_taken_from(shop: Domain, output: str, type: str) -> None:
    assert origin_types(task(outputs=("x", output)), shop) == ("", type)


def test_what_an_action_gives_back_has_a_type_too(shop: Domain) -> None:
    assert origin_types(task(RENEW, outputs=("17",)), shop) == ("count",)
    assert origin_types(task(outputs=("17",)), shop) == ("",)
    assert origin_types(task(RETURN, outputs=("R-772", "0.5")), shop) == ("identifier", "money")
    assert origin_types(task(RETURN), shop) == ()


@pytest.mark.parametrize(
    ("output", "type"),
    [("24", "hour"), ("50", "money"), ("12.5", "percentage"), ("3", "count"), ("10", ""), ("7312", ""), ("loan", "")],
)
def test_without_tools_the_policy_says_what_an_amount_is_of(shop: Domain, output: str, type: str) -> None:
    assert origin_types(of_kind("no tool", output), shop) == (type,)


def of_kind(kind: Kind, output: str) -> Blueprint:
    return task(outputs=(output,), says="You have a question.").model_copy(update={"kind": kind})


def outcome(blueprint: Blueprint, domain: Domain, text: str) -> str:
    talk = [Message(role="user", content="hi"), Message(role="assistant", content=text)]
    return all_told(Dialogue(blueprint, talk, domain), Meanings(talk)).outcome


@pytest.mark.parametrize(
    ("kind", "output", "text", "found"),
    [
        ("plain", "24", "It runs for two years.", "held"),
        ("plain", "24", "It runs for 24 months.", "held"),
        ("plain", "24", "The warranty months are 24.", "held"),
        ("plain", "24", "You pay $24.", "undecided"),
        ("plain", "24", "It runs for 24 days.", "undecided"),
        ("plain", "7312", "You owe $7,312.", "undecided"),
        ("plain", "7312", "It is the card ending in 7312.", "held"),
        ("plain", "7312", "It is another card.", "undecided"),  # a type alone decides against nothing
        ("plain", "0.5", "The fee is 50 cents.", "held"),
        ("plain", "0.5", "The fee is 0.5.", "held"),
        ("plain", "1250", "You have 1,250 points.", "held"),
        ("no tool", "24", "It ends within 24 hours.", "held"),
        ("no tool", "24", "It ends within one day.", "held"),
        ("no tool", "24", "It ends within 24 minutes.", "undecided"),
    ],
)
def test_what_tells_an_output_depends_on_its_type(shop: Domain, kind: Kind, output: str, text: str, found: str) -> None:
    assert outcome(of_kind(kind, output), shop, text) == found


def test_a_count_is_told_by_no_time_of_day(shop: Domain) -> None:
    loans = {f"L{n}": {**DATA["loans"]["L1"], "loan_id": f"L{n}"} for n in range(1, 6)}
    five = dataclasses.replace(shop, tables={**shop.tables, "loans": loans})
    assert origin_types(task(outputs=("5",)), five) == ("",)
    assert outcome(task(outputs=("5",)), five, "We close at 5 pm.") == "undecided"
    assert outcome(task(outputs=("5",)), five, "You have five loans.") == "held"


@pytest.mark.parametrize("name", builtin_domains())
def test_a_proof_alone_leads_to_the_same_types(name: str) -> None:
    domain = Domain.load(name)
    user = (
        domain.subjects[0]
        if domain.subjects[0] in domain.tables[domain.users]
        else next(iter(domain.tables[domain.users]))
    )
    row = domain.dump(domain.tables[domain.users][user])
    outputs = tuple(str(value) for value in row.values() if isinstance(value, str | int | float))
    blueprint = task(outputs=outputs).model_copy(update={"domain": name, "user": user})
    read_again = Blueprint.model_validate_json(blueprint.line())
    assert "task" in Proof.model_fields  # all that is asked of it
    assert origin_types(read_again, domain) == origin_types(blueprint, domain)
    assert any(origin_types(blueprint, domain))
