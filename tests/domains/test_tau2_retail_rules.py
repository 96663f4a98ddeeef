"""Every rule over tau2's shop: a call on tau2's own rows that breaks it, and a neighbouring call that keeps it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.blueprints.gates.policy import broken_rules
from apigen_nb.records import Action, Blueprint
from apigen_nb.world.domain import Domain, DomainError, Rule, Step
from apigen_nb.world.world import Refusal
from tests.domains.small_domain import call

try:
    RETAIL = Domain.load("tau2:retail")
except DomainError as error:
    pytest.skip(str(error), allow_module_level=True)

OWNER, OTHER = "mei_patel_7272", "mia_garcia_4516"
HOME = {"address1": "445 Maple Drive", "address2": "", "city": "Fort Worth", "state": "TX", "country": "USA"}


def exchange(new_item_id: str) -> Action:
    arguments = {"item_ids": ["8069050545"], "new_item_ids": [new_item_id], "payment_method_id": "credit_card_1061405"}
    return call("exchange_delivered_order_items", order_id="#W2890441", **arguments)


ADDRESS = call("modify_pending_order_address", order_id="#W4082615", zip="76165", **HOME)
ACCOUNT = call("modify_user_address", user_id=OWNER, zip="76165", **HOME)
ITEMS = call(
    "modify_pending_order_items",
    order_id="#W4082615",
    item_ids=["9779102705"],
    new_item_ids=["1096508426"],
    payment_method_id="paypal_4768213",
)
NO_ITEMS = call(
    "modify_pending_order_items",
    order_id="#W4082615",
    item_ids=[],
    new_item_ids=[],
    payment_method_id="paypal_4768213",
)
CANCEL = call("cancel_pending_order", order_id="#W4082615", reason="no longer needed")
RETURN = call(
    "return_delivered_order_items",
    order_id="#W5490111",
    item_ids=["4579334072"],
    payment_method_id="credit_card_3124723",
)
NO_RETURN = call(
    "return_delivered_order_items", order_id="#W5490111", item_ids=[], payment_method_id="credit_card_3124723"
)
CHAIR = "mei_davis_8935"
PAID_OTHERWISE = call("modify_pending_order_payment", order_id="#W4923227", payment_method_id="credit_card_8897086")
PAYER = RETAIL.tables["orders"]["#W4923227"].user_id
CANCEL_PAID = call("cancel_pending_order", order_id="#W4923227", reason="no longer needed")


@dataclass
class Case:
    """`action` breaks `rule` for `user` after the earlier actions; `kept`, or the same alone, keeps it for `owner`."""

    rule: str
    action: Action
    user: str
    owner: str
    earlier: tuple[Action, ...] = ()
    kept: Action | None = None


CASES = [
    Case("own_order", ADDRESS, OTHER, OWNER),
    Case("own_order", ITEMS, OTHER, OWNER),
    Case("own_order", CANCEL, OTHER, OWNER),
    Case("own_order", PAID_OTHERWISE, OTHER, PAYER),
    Case("own_order", RETURN, OWNER, OTHER),
    Case("own_order", exchange("4274709903"), OWNER, CHAIR),
    Case("own_account", ACCOUNT, OTHER, OWNER),
    Case("modified_order_stands", ADDRESS, OWNER, OWNER, (ITEMS,)),
    Case("another_option", exchange("8069050545"), CHAIR, CHAIR, kept=exchange("4274709903")),
    Case("items_are_named", NO_ITEMS, OWNER, OWNER, kept=ITEMS),
    Case("items_are_named", NO_RETURN, OTHER, OTHER, kept=RETURN),
    Case("total_is_refunded", CANCEL_PAID, PAYER, PAYER, (PAID_OTHERWISE,)),
]


def named(domain: Domain, user: str, *actions: Action) -> list[tuple[int, str]]:
    """The rules that these actions break, each with the number of the action."""
    blueprint = Blueprint(
        id="x", domain=domain.name, user=user, persona="x", instruction="x", actions=actions, outputs=()
    )
    execution = execute(blueprint, domain)
    assert execution.refused is None, execution.refused
    return [(number, rule.name) for rule, number, _ in broken_rules(execution, domain)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.action.name}")
def test_a_rule_is_broken_by_its_case_and_nothing_else_is(case: Case) -> None:
    actions = (*case.earlier, case.action)
    assert named(RETAIL, case.user, *actions) == [(len(actions), case.rule)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.action.name}")
def test_the_neighbouring_call_keeps_every_rule(case: Case) -> None:
    assert named(RETAIL, case.owner, case.kept or case.action) == []


def test_an_address_may_be_changed_before_the_items() -> None:
    assert named(RETAIL, OWNER, ADDRESS, ACCOUNT, ITEMS) == []


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in RETAIL.rules} == {case.rule for case in CASES}


def test_every_writing_tool_belongs_to_an_owner() -> None:
    owned = {tool for rule in RETAIL.rules if rule.name.startswith("own_") for tool in rule.tools}
    assert owned == {name for name, tool in RETAIL.tools.items() if tool.writes}


@pytest.mark.parametrize("rule", RETAIL.rules, ids=lambda rule: rule.name)
def test_a_rule_answers_for_ids_that_do_not_exist(rule: Rule) -> None:
    database = RETAIL.world().database()
    nobody = {"order_id": "#W0", "user_id": "nobody", "item_ids": ["0"], "new_item_ids": ["1"]}
    for tool in rule.tools:
        for arguments in ({}, nobody):
            step = Step(Action(name=tool, arguments=arguments), database, database, None, OWNER)
            assert isinstance(rule.holds(step), bool)


def but(action: Action, **arguments: str) -> Action:
    return call(action.name, **{**action.arguments, **arguments})


REFUSED = [
    ((ITEMS, ITEMS), "Non-pending order cannot be modified"),
    ((ITEMS, CANCEL), "Non-pending order cannot be cancelled"),
    (
        (ITEMS, but(PAID_OTHERWISE, order_id="#W4082615", payment_method_id="credit_card_9503061")),
        "exactly one payment",
    ),
    ((RETURN, RETURN), "Non-delivered order cannot be returned"),
    ((exchange("4274709903"), exchange("4274709903")), "Non-delivered order cannot be exchanged"),
    ((but(CANCEL, reason="too expensive"),), "Invalid reason"),
    ((but(RETURN, payment_method_id="paypal_9497703"),), "should be the original payment method"),
    ((exchange("9647292434"),), "Variant not found"),
]


@pytest.mark.parametrize(("actions", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_has_no_rule_is_refused_by_the_tools(actions: tuple[Action, ...], reason: str) -> None:
    world = RETAIL.world()
    for action in actions[:-1]:
        world.call(action)
    with pytest.raises(Refusal, match=reason):
        world.call(actions[-1])
