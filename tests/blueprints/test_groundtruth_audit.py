"""The groundtruth audit: the gold tasks of tau2 that it rejects were looked at one by one, and no others are."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from apigen_nb.blueprints.gates import GATES
from apigen_nb.blueprints.groundtruth_audit import (
    Finding,
    audit,
    gold_blueprints,
    rejected_tasks,
    replay,
    user_of,
)
from apigen_nb.domains.tau2 import adapter as tau2
from apigen_nb.records import Action
from apigen_nb.world.domain import Domain, DomainError

try:
    tau2.gold_tasks("retail")
except DomainError as error:
    pytest.skip(str(error), allow_module_level=True)

RETAIL = {
    # The refund is asked for to PayPal, the order was paid by card: it may go back there or to a gift card only.
    ("12", "return_delivered_order_items"),
    ("13", "return_delivered_order_items"),
    # Exchanges are for an item with a different option; here it is for the very same item. The tool for pending orders
    # refuses that, the one for delivered orders does not look.
    ("18", "another_option"),
    ("91", "another_option"),
    ("107", "another_option"),
    # Only delivered orders are exchanged; this one is pending (and is modified, rightly, in the next action).
    ("64", "exchange_delivered_order_items"),
    # The price difference is paid by a gift card that must cover it, and does not ($21.10 of $17.00): nothing happens,
    # though the task asks for an exchange.
    ("105", "exchange_delivered_order_items"),
}
AIRLINE = {
    # A delay is compensated only when the user wants to change or cancel the reservation, and after that was done:
    # in these tasks nobody changes or cancels anything.
    ("2", "compensation_fits"),
    ("27", "compensation_fits"),
    ("38", "compensation_fits"),
    # Booked two weeks ago, economy by then, no insurance, no flight cancelled: there is no ground to cancel.
    ("7", "cancellation_is_due"),
    # Both flights landed on May 13 and 14: what has been flown is not cancelled, the user is transferred.
    ("9", "nothing_flown"),
    ("37", "nothing_flown"),
    # From DTW–LGA to DTW–JFK: a change keeps origin and destination.
    ("29", "trip_stays"),
    # A gold member in economy has three free bags; the task charges for both of two.
    ("33", "baggage_allowance"),
}


@pytest.mark.parametrize(("name", "expected"), [("tau2:retail", RETAIL), ("tau2:airline", AIRLINE)])
def test_exactly_the_gold_tasks_against_the_policy_are_rejected(name: str, expected: set[tuple[str, str]]) -> None:
    findings = audit(name)
    assert {(f.task, f.name) for f in findings if f.by != "refused read"} == expected
    assert sorted(rejected_tasks(findings), key=int) == sorted({task for task, _ in expected}, key=int)


def test_refused_reads_are_listed_but_reject_nothing() -> None:
    findings = audit("tau2:retail")
    reads = {f.task for f in findings if f.by == "refused read"}
    assert {"2", "3", "4", "21"} < reads  # product ids that do not exist, or that are an item's
    assert not reads & set(rejected_tasks(findings))
    assert len({f.task for f in findings if f.by != "rule"}) == 114 - 96  # what tau2's own replay gives


def test_a_finding_names_action_rule_and_reason() -> None:
    [finding] = [f for f in audit("tau2:airline") if f.task == "33"]
    assert (finding.action, finding.by, finding.name) == (5, "rule", "baggage_allowance")
    assert finding.call.startswith('update_reservation_baggages(reservation_id="HXDUBJ"')
    assert finding.reason in {rule.text for rule in Domain.load("tau2:airline").rules}


def test_without_rules_only_refusals_are_left() -> None:
    airline = dataclasses.replace(Domain.load("tau2:airline"), rules=())
    tasks = tau2.gold_tasks("airline")
    assert [f for task, actions, *_ in tasks for f in replay(task, actions, airline)] == []


def test_every_task_that_names_somebody_has_the_user_it_names() -> None:
    for name in tau2.NAMES:
        domain = Domain.load(f"tau2:{name}")
        for (_, actions, *_), task in zip(tau2.gold_tasks(name), tau2._module(name).get_tasks(), strict=True):
            user = user_of(actions, domain)
            assert not user or user in tau2._users([task], domain.tables)
            assert user or not any("user_id" in action.arguments for action in actions)


def test_an_action_for_somebody_else_is_found_and_later_actions_are_examined() -> None:
    domain = Domain.load("tau2:retail")
    address = {"address1": "1 Elm Street", "address2": "", "city": "Austin", "state": "TX", "country": "USA"}
    actions = (
        Action(name="get_user_details", arguments={"user_id": "mei_patel_7272"}),
        Action(name="get_order_details", arguments={"order_id": "#W9583042"}),
        Action(name="get_order_details", arguments={"order_id": "#W0"}),
        Action(name="no_such_tool"),
        Action(name="modify_user_address", arguments={"user_id": "mia_garcia_4516", "zip": "78701", **address}),
    )
    found = [(f.action, f.by, f.name) for f in replay("x", actions, domain)]
    assert found == [
        (3, "refused read", "get_order_details"),
        (4, "refused write", "no_such_tool"),
        (5, "rule", "own_account"),
    ]


def test_nobody_is_concerned_where_nobody_is_named() -> None:
    domain = Domain.load("tau2:retail")
    assert user_of((), domain) == ""
    assert user_of([Action(name="calculate", arguments={"expression": "1+1"})], domain) == ""


def test_each_rejected_task_is_named_once_in_order() -> None:
    found = [
        Finding(task=task, action=1, by=by, name="x", reason="x", call="x()")
        for task, by in (("9", "rule"), ("2", "refused read"), ("1", "refused write"), ("9", "rule"))
    ]
    assert rejected_tasks(found) == ("9", "1")


def test_other_domains_have_no_gold_tasks() -> None:
    with pytest.raises(DomainError, match="no gold tasks of 'retail'; there are those of tau2:retail, tau2:airline"):
        audit("retail")


def test_without_tau2_a_notice_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "tau2.domains.retail.environment", None)
    assert audit("tau2:retail") == ()
    assert "Nothing was audited: tau2:retail needs the tau2 extra" in capsys.readouterr().out


# What grounding fails of the gold tasks that the audit does not reject.
ALARMS = {
    # 19: what could be saved by an exchange that is not made; 66, 69: the story suggests why, nobody says it
    "tau2:retail": {"19", "66", "69"},
    # 35: a one-way trip that is not called so
    "tau2:airline": {"35"},
}


@pytest.mark.parametrize(("name", "tasks"), [("tau2:retail", 101), ("tau2:airline", 23)])
def test_gold_tasks_that_are_not_rejected_pass_the_gates_but_for_what_nobody_tells(name: str, tasks: int) -> None:
    domain, gold = Domain.load(name), gold_blueprints(name)
    assert len(gold) == tasks
    assert not {b.id.rpartition("-")[2] for b in gold} & set(rejected_tasks(audit(name)))
    fell = {
        (b.id.rpartition("-")[2], v.gate) for b in gold for g in GATES.values() if (v := g(b, domain)) and not v.passed
    }
    assert fell == {(task, "grounding") for task in ALARMS[name]}


def test_other_domains_have_no_hand_written_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gold_blueprints("retail") == ()
    monkeypatch.setitem(sys.modules, "tau2.domains.airline.environment", None)
    assert gold_blueprints("tau2:airline") == ()
