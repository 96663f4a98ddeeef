"""Gate 1e: what a blueprint of each hard behaviour must be, proven in the library world."""

from __future__ import annotations

from typing import Any

import pytest

from apigen_nb.blueprints.gates import fits_kind, well_formed
from apigen_nb.blueprints.gates.kind import identifying_values
from apigen_nb.records import KINDS, Action, Blueprint, Kind
from apigen_nb.world.domain import Domain
from tests.library import GONE, GOOD, OVERDUE, POE, RENAME, RENEW, RETURN, call, of, verdict


def test_every_kind_has_a_good_example() -> None:
    assert {name.partition(" by ")[0] for name in GOOD} == set(KINDS)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_blueprint_of_each_kind_passes(library: Domain, name: str) -> None:
    assert verdict(well_formed, GOOD[name], library).passed
    found = verdict(fits_kind, GOOD[name], library)
    assert found.passed, found.reason


BAD: list[tuple[Blueprint, str]] = [
    (of("plain", RENEW, denied=(RETURN,)), "has no denied wishes"),
    (of("plain", RENEW, withheld=("travel",)), "has no withheld details"),
    (of("missing detail", RENEW), "needs withheld details"),
    (of("missing detail", RENEW, withheld=("next spring",)), "does not stand in the instruction"),
    (of("missing detail", RENEW, withheld=("",)), "does not stand in the instruction"),
    # the loan can be found by reading the member's record
    (of("missing detail", call("return_loan", loan_id="L1"), withheld=("L1",), says="Return L1."), "can look it up"),
    (of("forbidden", RENEW), "needs denied wishes"),
    (of("forbidden", RENEW, denied=(call("burn_book"),)), "denied wish 1: no tool 'burn_book'"),
    (of("forbidden", RENEW, denied=(call("return_loan", loan=1),)), "denied wish 1: wrong arguments"),
    (of("forbidden", RENEW, denied=(RETURN,), says="Renew L1, travel, and return L1."), "is allowed"),
    (of("forbidden", RENEW, denied=(OVERDUE,), says="Renew L1."), "tells no value by which"),
    # allowed at first, and refused only because the actions came before: the order decides, so it is not forbidden
    (of("forbidden", RETURN, denied=(RENEW,), says="Return L1. Renew L1, as you travel."), "is allowed"),
    (of("missing tool", RETURN, denied=(OVERDUE,), says="Return L1, renew L2."), "even with its tool"),
    (of("missing tool", RENAME, denied=(POE,), says="Ada Reed? Ada Poe."), "rename_member, which is taken away"),
    (of("change of mind", denied=(RENAME,), outputs=("0.5",), says="Call me Ada Reed."), "no action that takes"),
    (of("change of mind", RENEW, denied=(OVERDUE,), says="Renew L2, no, L1."), "would not have been allowed"),
    (of("change of mind", RENEW, denied=(RENEW,)), "tells no value by which"),
    (of("tool error", outputs=("0.5",)), "no action whose tool could fail"),
    (of("no tool", RENEW), "yet has the action"),
    (of("no tool", outputs=("1250",)), "does not stand in the policy"),
    (of("parallel calls", RENEW), "two actions at least"),
    (of("parallel calls", RENEW, RETURN, says="Renew L1, travel, then return L1."), "depend on their order"),
    # every order is allowed, but they end differently
    (of("parallel calls", RENAME, POE, says="Call me Ada Reed, or Ada Poe."), "depend on their order"),
]  # fmt: skip


@pytest.mark.parametrize(("blueprint", "says"), BAD, ids=[f"{b.kind}: {s}" for b, s in BAD])
def test_what_is_lacking_is_named(library: Domain, blueprint: Blueprint, says: str) -> None:
    found = verdict(fits_kind, blueprint, library)
    assert not found.passed
    assert says in found.reason
    assert found.kind == f"not {blueprint.kind}"


RETAIL = Domain.load("retail")
CUSTOMER = next(iter(RETAIL.tables["customers"]))
EMAIL = call("change_email", customer_id=CUSTOMER, email="new.one@example.org")
PHONE = call("change_phone", customer_id=CUSTOMER, phone="312-555-0199")
RICH = next(key for key, row in RETAIL.tables["customers"].items() if row["points"] >= 500)


@pytest.mark.parametrize("actions", [(), (PHONE,)])
def test_a_wish_without_its_tool_is_allowed_beside_the_actions(actions: tuple[Action, ...]) -> None:
    """The policy lets the e-mail address or the phone number be changed, not both: without the tool the agent could
    decline by policy as well, and nobody could tell which it did."""
    says = "Your new address is new.one@example.org, your new phone number 312-555-0199."
    about = of("missing tool", *actions, denied=(EMAIL,), outputs=("5",), says=says)
    found = verdict(fits_kind, about.model_copy(update={"domain": "retail", "user": CUSTOMER}), RETAIL)
    assert found.passed == (not actions)
    assert found.passed or "beside the actions" in found.reason


def test_a_wish_without_its_tool_breaks_no_rule_when_it_comes_before_the_actions() -> None:
    redeem = call("redeem_points", customer_id=RICH, points=500)
    email = call("change_email", customer_id=RICH, email="new.one@example.org")
    says = "Your new address is new.one@example.org, and 500 points are redeemed."
    for action, wish in ((redeem, email), (email, redeem)):
        about = of("missing tool", action, denied=(wish,), says=says)
        found = verdict(fits_kind, about.model_copy(update={"domain": "retail", "user": RICH}), RETAIL)
        assert "beside the actions" in found.reason


def test_each_withheld_detail_is_looked_at(library: Domain) -> None:
    both = of("missing detail", RENEW, RETURN, withheld=("next spring", "L1"), says="Return L1 and renew it, travel.")
    reason = verdict(fits_kind, both, library).reason
    assert "'next spring' does not stand in the instruction" in reason
    assert "'L1'" in reason


def test_it_is_silent_where_the_actions_do_not_execute(library: Domain) -> None:
    assert fits_kind(of("tool error", call("burn_book")), library) is None
    assert fits_kind(of("tool error", GONE), library) is None


def bank(kind: Kind, says: str, *actions: Action, **more: Any) -> Blueprint:
    told = {
        "instruction": f"Your email is april.brown78@example.org. {says}",
        "outputs": more.pop("outputs", ()),
        "persona": "calm",
    }
    return Blueprint(id="b1", domain="banking", user="C10078", actions=actions, kind=kind, **told, **more)


FREEZE = call("freeze_card", card_id="K20230-1")


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("Freeze K20230-1.", ["K20230-1"]),
        ("Freeze the Visa ending 7312.", ["K20230-1"]),
        ("Freeze the card that you used at the Tin Kettle Cafe.", ["K20230-1"]),
        ("Freeze a card.", []),
        ("Freeze the Visa ending 6523.", []),
    ],
)
def test_a_wish_is_recognised_by_what_it_is_about(says: str, told: list[str]) -> None:
    wish = bank("missing tool", says, denied=(FREEZE,), outputs=("1",))
    assert identifying_values(FREEZE, wish, wish.instruction, Domain.load("banking")) == told


MOVE = call("transfer_between_accounts", from_account_id="A20230", to_account_id="A11754", amount=5.0)


@pytest.mark.parametrize(
    ("action", "says", "detail", "missing"),
    [
        (MOVE, "Move $5 from the household checking account to home savings.", "household", True),
        (MOVE, "Move $5 from the household checking account to home savings.", "Move", False),
        (FREEZE, "Freeze the Visa ending 7312.", "7312", False),  # the others are blocked already
        (FREEZE, "Freeze the Visa card from the Tin Kettle Cafe, ending 7312.", "7312", False),
        (FREEZE, "Freeze K20230-1.", "K20230-1", False),
    ],
)
def test_which_of_two_things_may_be_withheld(action: Action, says: str, detail: str, missing: bool) -> None:
    found = verdict(fits_kind, bank("missing detail", says, action, withheld=(detail,)), Domain.load("banking"))
    assert found.passed == missing, found.reason
