"""Every plain gate, on a library small enough to read; the other tests of the stages use the same library."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from random import Random
from typing import Any

import pytest

from apigen_nb.blueprints.gates import (
    GATE_NAMES,
    GATES,
    Committee,
    UnknownGate,
    choose_gates,
    executes,
    is_grounded,
    obeys_policy,
    well_formed,
)
from apigen_nb.blueprints.gates.causes import asks_why, gives_cause
from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.records import Action, Blueprint, canonical
from apigen_nb.world.domain import Domain, from_folder
from apigen_nb.world.references import is_paraphrased
from apigen_nb.world.tool import allowed_values
from apigen_nb.world.values import is_mentioned, normalize
from tests.library import RENEW, RETURN, call, task, verdict

# --- format


def test_a_good_blueprint_passes_every_plain_gate(library: Domain) -> None:
    good = task(RENEW, outputs=("The Iron Orchard", "17"), says="You want to renew Salt Roads, as you travel.")
    for gate in GATES.values():
        assert verdict(gate, good, library).passed


@pytest.mark.parametrize(
    ("actions", "outputs", "kind", "named"),
    [
        (
            (call("burn_book", book="x"),),
            (),
            "unknown tool",
            "action 1: no tool 'burn_book'; writing tools are renew_loan",
        ),
        ((RETURN, call("renew_loan", loan_id=1, reason="travel")), (), "wrong arguments", "action 2: .*loan_id"),
        ((call("renew_loan", loan_id="L1", reason="boredom"),), (), "wrong arguments", "reason.*boredom"),
        ((call("renew_loan", loan_id="L1"),), (), "wrong arguments", "reason: Field required"),
        ((call("return_loan", loan_id="L1", force=True),), (), "wrong arguments", "force"),
        ((call("set_points", member_id="M1", points="5"),), (), "wrong arguments", "points"),
        ((call("set_points", member_id="M1", points=True),), (), "wrong arguments", "points"),
        ((call("get_loan", loan_id="L1"),), (), "not a writing tool", "get_loan changes nothing"),
        ((call("hand_over", summary="x"),), (), "not a writing tool", "hand_over changes nothing"),
        ((), (), "empty task", "doing nothing would be rewarded"),
        ((RETURN,), ("3", " \n"), "empty output", "output 2 is empty"),
    ],
)
def test_format_names_what_is_wrong(
    library: Domain, actions: tuple[Action, ...], outputs: tuple[str, ...], kind: str, named: str
) -> None:
    found = verdict(well_formed, task(*actions, outputs=outputs), library)
    assert not found.passed
    assert (found.gate, found.kind) == ("format", kind)
    assert re.search(named, found.reason)


def test_format_wants_an_instruction_and_names_all_problems_at_once(library: Domain) -> None:
    bad = task(call("burn_book"), call("get_loan", loan_id=3), outputs=("",)).model_copy(update={"instruction": " \n"})
    found = verdict(well_formed, bad, library)
    assert found.kind == "no instruction"
    for part in ("instruction is empty", "burn_book", "get_loan changes nothing", "loan_id", "output 1 is empty"):
        assert part in found.reason


def test_a_question_alone_is_a_task(library: Domain) -> None:
    asks = task(outputs=("1,250",), says="You want to know your points.")
    assert all(verdict(gate, asks, library).passed for gate in GATES.values())


# --- execution


def test_a_refused_action_fails_with_number_and_words_of_the_refusal(library: Domain) -> None:
    found = verdict(executes, task(RETURN, RENEW), library)
    assert (found.gate, found.kind) == ("execution", "not out")
    assert "action 2, renew_loan" in found.reason
    assert "loan L1 is returned" in found.reason


def test_execution_stops_at_the_refusal_and_keeps_what_held(library: Domain) -> None:
    execution = execute(task(RETURN, RENEW, call("rename_member", member_id="M1", name="Z")), library)
    assert [step.name for step in execution.steps] == ["return_loan"]
    assert [(change.table, change.id) for change in execution.diff] == [("loans", "L1"), ("receipts", "R-772")]


def test_actions_that_change_nothing_in_the_end_fail(library: Domain) -> None:
    there_and_back = [call("rename_member", member_id="M1", name=name) for name in ("Ada", "Ada Moor")]
    found = verdict(executes, task(*there_and_back), library)
    assert (found.kind, found.reason) == ("nothing changed", "the actions change nothing in the end")
    assert verdict(executes, task(there_and_back[0]), library).passed


def test_actions_run_on_a_fresh_world_each_time(library: Domain) -> None:
    assert execute(task(RETURN), library).diff == execute(task(RETURN), library).diff
    assert library.tables["loans"]["L1"]["status"] == "out"


# --- policy


def test_a_broken_rule_is_named_with_its_action(library: Domain) -> None:
    found = verdict(obeys_policy, task(call("return_loan", loan_id="L4")), library)
    assert (found.gate, found.kind) == ("policy", "own_loan")
    assert "action 1, return_loan" in found.reason
    assert "A loan must be the member's own." in found.reason


def test_rules_see_the_steps_before_and_all_broken_ones_are_named(library: Domain) -> None:
    late = call("renew_loan", loan_id="L2", reason="travel")
    found = verdict(obeys_policy, task(RENEW, late), library)
    assert "action 1" not in found.reason
    assert found.reason.count("action 2") == 2
    assert found.kind in ("renewed_once", "overdue_stays")


# --- grounding


def test_an_argument_that_nobody_tells_and_no_read_gives_is_named(library: Domain) -> None:
    found = verdict(is_grounded, task(call("rename_member", member_id="M1", name="Ada Fen")), library)
    assert (found.gate, found.kind) == ("grounding", "argument unknown")
    assert "action 1, rename_member: name='Ada Fen'" in found.reason
    assert "member_id" not in found.reason
    told = task(call("rename_member", member_id="M1", name="Ada Fen"), says="Your new name is ada  FEN.")
    assert verdict(is_grounded, told, library).passed


def test_an_id_of_somebody_else_is_not_reachable(library: Domain) -> None:
    found = verdict(is_grounded, task(call("return_loan", loan_id="L4"), says="You want to return a book."), library)
    assert "loan_id='L4'" in found.reason


def test_who_the_user_is_has_to_be_told(library: Domain) -> None:
    silent = task(RENEW).model_copy(update={"instruction": "You want to renew a loan because you travel."})
    found = verdict(is_grounded, silent, library)
    assert "loan_id='L1'" in found.reason


def test_a_choice_has_to_be_told_even_where_another_row_holds_the_word(library: Domain) -> None:
    rows = {**library.tables, "loans": {k: {**v} for k, v in library.tables["loans"].items()}}
    rows["loans"]["L2"]["reason"] = "illness"
    used = dataclasses.replace(library, tables=rows)
    sick = call("renew_loan", loan_id="L1", reason="illness")
    found = verdict(is_grounded, task(sick, says="You want to renew Salt Roads."), used)
    assert "reason='illness'" in found.reason
    assert verdict(is_grounded, task(sick, says="You want to renew Salt Roads because of illness."), used).passed


def test_an_output_that_no_read_gives_is_named(library: Domain) -> None:
    found = verdict(is_grounded, task(RENEW, outputs=("3", "Moby Dick"), says="As you travel."), library)
    assert (found.kind, found.reason.count("cannot be derived")) == ("output not derivable", 1)
    assert "'Moby Dick'" in found.reason


@pytest.mark.parametrize(
    ("output", "derivable"),
    [
        ("Salt Roads", True),
        ("salt roads", True),
        ("1,250", True),
        ("$2.25", True),
        ("3", True),  # loans, counted
        ("Bone Map", False),
        ("$0.75", False),
        ("99", False),
        ("2.2", False),
        ("returned", True),
        ("return", False),
    ],
)
def test_what_can_be_derived(library: Domain, output: str, derivable: bool) -> None:
    assert verdict(is_grounded, task(outputs=(output,)), library).passed == derivable


def test_an_output_may_hold_only_after_the_actions(library: Domain) -> None:
    renewed = task(RENEW, outputs=("17",), says="As you travel.")
    assert verdict(is_grounded, renewed, library).passed
    assert not verdict(is_grounded, task(RETURN, outputs=("17",)), library).passed


def test_an_output_may_come_from_the_result_of_an_action(library: Domain) -> None:
    assert verdict(is_grounded, task(RETURN, outputs=("R-772",)), library).passed
    assert not verdict(is_grounded, task(RENEW, outputs=("R-772",), says="As you travel."), library).passed


def test_an_argument_may_come_from_the_result_of_an_earlier_action_only(library: Domain) -> None:
    pay = call("pay_receipt", receipt_id="R-772")
    assert verdict(is_grounded, task(RETURN, pay), library).passed
    other = call("pay_receipt", receipt_id="R-1")
    found = verdict(is_grounded, task(other, RETURN), library)
    assert "action 1, pay_receipt: receipt_id='R-1'" in found.reason


@pytest.mark.parametrize(
    "text", ["sNaN", "9e9999999", "[" * 100_000, "[" * 900 + "]" * 900, "\ud800", "١٢", "{}", "$$"]
)
def test_grounding_never_raises_on_what_a_model_wrote(library: Domain, text: str) -> None:
    assert is_grounded(task(call("rename_member", member_id="M1", name=text), says=text), library) is not None
    assert is_grounded(task(outputs=(text,), says=text), library) is not None


def test_a_number_counts_only_where_it_says_something_of_the_user(library: Domain) -> None:
    rows = {
        **library.tables,
        "loans": {**library.tables["loans"], "L4": {**library.tables["loans"]["L4"], "days_left": 77}},
    }
    theirs = dataclasses.replace(library, tables=rows)
    points = call("set_points", member_id="M1", points=77)
    found = verdict(is_grounded, task(points, says="A friend's loan is L4. You want other points."), theirs)
    assert "points=77" in found.reason
    assert verdict(is_grounded, task(points, says="You want 77 points."), theirs).passed


YES_NO = ("yes", "no")
REASONS = ("no longer needed", "ordered by mistake")


@pytest.mark.parametrize(
    ("name", "value", "options", "text", "told"),
    [
        ("insurance", "no", YES_NO, "You don't need any travel insurance.", True),
        ("insurance", "no", YES_NO, "No baggage and insurance.", True),
        ("insurance", "yes", YES_NO, "You want travel insurance.", True),
        ("insurance", "yes", YES_NO, "You do not want insurance.", False),
        ("insurance", "no", YES_NO, "You want insurance. You have no bags.", False),
        ("insurance", "no", YES_NO, "You want insurance. You had no insurance before.", False),
        ("insurance", "no", YES_NO, "You have no bags.", False),
        ("reason", REASONS[0], REASONS, "You no longer need them.", True),
        ("reason", REASONS[1], REASONS, "You ordered a fleece jacket by mistake.", True),
        ("reason", REASONS[1], REASONS, "You want to cancel what you ordered. It was by mistake.", False),
        ("reason", REASONS[0], REASONS, "You lost your tablet and cancel the charger.", False),
        ("reason", "damaged", ("damaged", "wrong item"), "There is a damage.", False),
    ],
)
def test_what_a_text_implies_of_a_choice(
    name: str, value: str, options: tuple[str, ...], text: str, told: bool
) -> None:
    assert is_paraphrased(name, value, options, normalize(text)) == told


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("Cancel the charger, because it goes with the tablet.", True),
        ("You lost your job recently and want to cancel all orders.", True),
        ("You are cancelling the order as you find the wait too long.", True),
        ("You wonder if the agent can cancel it so that you can order again.", True),
        ("You want to cancel the order.", False),
        ("Cancel the order because of this reason, .", False),
        ("Cancel all orders (since they are ) and return the watch.", False),
        ("Forget it, since you just want to cancel the hose and nothing else.", False),
        ("You are sad because it rains all day long. Cancel the order.", False),
        ("You want to book a flight because you want to see your mother.", False),
    ],
)
def test_a_cause_in_words_of_its_own(text: str, gives: bool) -> None:
    assert gives_cause(text, "cancel_order") == gives


def test_only_what_asks_why_takes_a_cause() -> None:
    assert asks_why("cancel_reason", {})
    assert asks_why("loss", {"description": "Why the card is blocked."})
    assert not asks_why("cabin", {"description": "The cabin."})
    assert not asks_why("remedy", {"description": "How it is settled."})


def test_a_choice_with_an_underscore_is_told_with_a_hyphen() -> None:
    assert is_mentioned("one_way", normalize("You want a one-way flight."))
    assert not is_mentioned("one_way", normalize("The one is wayward."))


def test_the_choices_of_a_parameter_are_its_enum_or_what_its_description_quotes() -> None:
    either = "Why, which should be either 'no longer needed' or 'ordered by mistake'."
    assert allowed_values({"enum": ["a", "b"]}) == ("a", "b")
    assert allowed_values({"type": "string", "description": either}) == REASONS
    assert allowed_values({"type": "string", "description": "The city, such as 'SFO'."}) == ()
    assert allowed_values({"type": "array", "description": either}) == allowed_values({}) == ()


# --- computed outputs


SHOP = '''
from apigen_nb.world.domain import tool
from apigen_nb.world.world import Database, Refusal


@tool
def get_member(db: Database, member_id: str) -> dict:
    """Show a member.

    Args:
        member_id: The member's id.
    """
    return db["members"][member_id]


@tool
def get_order(db: Database, order_id: str) -> dict:
    """Show an order.

    Args:
        order_id: The order's id.
    """
    return db["orders"][order_id]


@tool
def list_kinds(db: Database) -> dict:
    """Show all kinds of lamps with the ids of their products."""
    return {row["kind"]: key for key, row in db["products"].items()}


@tool
def get_product(db: Database, product_id: str) -> dict:
    """Show a product.

    Args:
        product_id: The product's id.
    """
    return db["products"][product_id]


@tool(writes=True)
def exchange(db: Database, order_id: str, item_ids: list[str], new_item_ids: list[str]) -> str:
    """Exchange items.

    Args:
        order_id: The order's id.
        item_ids: What goes back.
        new_item_ids: What comes for it.
    """
    db["orders"][order_id]["exchanged"] = [*item_ids, *new_item_ids]
    return "done"


@tool(writes=True)
def pay(db: Database, order_id: str, amount: int) -> str:
    """Pay what is due of an order, 400 dollars.

    Args:
        order_id: The order's id.
        amount: In dollars.
    """
    if amount != 400:
        raise Refusal("the amount does not add up")
    db["orders"][order_id]["refunds"] = [{"method": "card", "amount": -amount}]
    return "paid"
'''


def _item(item_id: str, price: float) -> dict[str, Any]:
    return {"item_id": item_id, "price": price}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    folder = tmp_path_factory.mktemp("domains") / "shop"
    (folder / "data").mkdir(parents=True)
    (folder / "tools.py").write_text(SHOP)
    (folder / "policy.md").write_text("All is allowed.")
    cards = {"g1": ("gift", 198), "g2": ("gift", 129), "c1": ("certificate", 500), "c2": ("certificate", 250)}
    ways = {key: {"source": source, "amount": amount} for key, (source, amount) in cards.items()}
    orders = {
        "O1": [_item("i1", 20.13), _item("i2", 36.48), _item("i3", 112.91)],
        "O2": [_item("i4", 201.07), _item("i5", 58.36)],
    }
    lamps = {"p1": _item("i6", 15.02), "p2": _item("i7", 77.77)}
    data = {
        "members": {"M1": {"member_id": "M1", "email": "ada@example.com", "orders": [*orders], "ways": ways}},
        "orders": {key: {"order_id": key, "member_id": "M1", "items": items} for key, items in orders.items()},
        "products": {key: {"product_id": key, "kind": f"kind {key}", **item} for key, item in lamps.items()},
    }
    for table, rows in data.items():
        (folder / "data" / f"{table}.json").write_text(json.dumps(rows))
    return from_folder(folder)


EXCHANGE = call("exchange", order_id="O1", item_ids=["i1", "i3"], new_item_ids=["i6", "i6"])


def shopping(*actions: Action, outputs: tuple[str, ...] = ()) -> Blueprint:
    says = "You are member M1."
    return Blueprint(
        id="shop-00000", domain="shop", user="M1", persona="", instruction=says, actions=actions, outputs=outputs
    )


@pytest.mark.parametrize(
    ("output", "actions", "derivable"),
    [
        ("327", (), True),  # both gift cards
        ("$750.00", (), True),  # both certificates
        ("1,077", (), True),  # all cards
        ("448", (), False),  # a gift card and a certificate: sums of figures without cents are met by chance
        ("15.02", (), True),  # a product that is listed under its name
        ("133.04", (), True),  # some items of an order
        ("428.95", (), True),  # all items of all orders
        ("56.61", (), True),
        ("237.55", (), True),  # one item of each order
        ("164.59", (), True),  # how much dearer one is
        ("-164.59", (), True),
        ("36.14", (), False),
        ("103.00", (EXCHANGE,), True),  # what the exchange gives back
        ("103.00", (), False),
        ("30.04", (EXCHANGE,), True),  # what the new items cost
        ("30.04", (), False),
        ("62.75", (), False),  # prices of other products: the user has nothing to do with them
        ("400", (call("pay", order_id="O1", amount=400),), True),  # -400 is written
        ("400", (), False),
        ("9e28", (), False),
    ],
)
def test_what_can_be_worked_out(shop: Domain, output: str, actions: tuple[Action, ...], derivable: bool) -> None:
    assert verdict(is_grounded, shopping(*actions, outputs=(output,)), shop).passed == derivable


def test_a_number_that_the_tool_alone_allows_need_not_be_told(shop: Domain) -> None:
    assert verdict(is_grounded, shopping(call("pay", order_id="O1", amount=400)), shop).passed


@pytest.mark.parametrize("points", [-50_000, 77, 10**30])
def test_a_number_that_could_be_another_has_to_be_told(library: Domain, points: int) -> None:
    found = verdict(is_grounded, task(call("set_points", member_id="M1", points=points)), library)
    assert f"points={points}" in found.reason


@pytest.mark.parametrize("name", ["retail", "airline", "banking"])
def test_hardly_any_amount_at_random_can_be_worked_out(name: str) -> None:
    domain, rng = Domain.load(name), Random(name)
    met = 0
    for user in rng.sample(domain.subjects, 10):
        asks = Blueprint(
            id="x",
            domain=name,
            user=user,
            persona="",
            instruction=f"You are {user}. {canonical(domain.tables[domain.users][user])}",
            actions=(),
            outputs=tuple(f"{rng.randrange(1, 2000)}.{rng.randrange(1, 100):02d}" for _ in range(200)),
        )
        met += 200 - verdict(is_grounded, asks, domain).reason.count("cannot be derived")
    assert met <= 0.01 * 10 * 200


# --- all of them


@pytest.mark.parametrize("gate", [executes, obeys_policy, is_grounded])
def test_a_gate_is_silent_where_the_form_is_wrong(library: Domain, gate: Any) -> None:
    assert gate(task(call("burn_book")), library) is None
    assert gate(task(), library) is None


@pytest.mark.parametrize("gate", [obeys_policy, is_grounded])
def test_a_gate_is_silent_where_an_action_is_refused(library: Domain, gate: Any) -> None:
    assert gate(task(RETURN, RETURN), library) is None


async def _yes(question: Any) -> Any:
    raise AssertionError("nobody asks here")


def test_choose_keeps_the_order_and_finds_functions_of_modules() -> None:
    panel = Committee([_yes])
    assert choose_gates(["policy", "committee", "format"], panel) == [obeys_policy, panel, well_formed]
    assert choose_gates(["apigen_nb.blueprints.gates.format:well_formed"]) == [well_formed]
    assert choose_gates([]) == []


@pytest.mark.parametrize(
    "name", ["fromat", "", "no.such.module:gate", "apigen_nb.blueprints.gates:no_such_gate", "json"]
)
def test_an_unknown_gate_is_named(name: str) -> None:
    with pytest.raises(UnknownGate, match=f"gate {name!r}"):
        choose_gates(["format", name])


def test_an_unknown_gate_is_told_which_there_are() -> None:
    with pytest.raises(UnknownGate, match=", ".join(GATE_NAMES)):
        choose_gates(["fromat"])


@pytest.mark.parametrize("name", [":gate", "module:", ":", "apigen_nb.blueprints.gates:GATE_NAMES"])
def test_a_name_that_leads_to_no_function_is_no_gate(name: str) -> None:
    with pytest.raises(UnknownGate):
        choose_gates([name])


def test_a_committee_that_is_asked_for_but_not_given_is_not_left_out_in_silence() -> None:
    with pytest.raises((UnknownGate, ValueError), match="committee"):
        choose_gates(["format", "committee"])


def test_gates_do_not_wait() -> None:
    assert not any(asyncio.iscoroutinefunction(gate) for gate in GATES.values())
