"""Every rule over tau2's airline: a call on tau2's own rows that breaks it, and a neighbouring call that keeps it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import pytest

from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.blueprints.gates.policy import broken_rules
from apigen_nb.records import Action, Blueprint
from apigen_nb.world.domain import Domain, DomainError, Rule, Step
from apigen_nb.world.world import Refusal
from tests.domains.small_domain import call

try:
    AIRLINE = Domain.load("tau2:airline")
except DomainError as error:
    pytest.skip(str(error), allow_module_level=True)

Changes = dict[str, dict[str, Any]]
DAIKI, MIA, SOPHIA, LUCAS = "daiki_muller_1116", "mia_li_3668", "sophia_davis_8874", "lucas_sanchez_1853"
ETHAN, ISABELLA, AARAV, HARPER = "ethan_martin_2396", "isabella_davis_2143", "aarav_ahmed_6699", "harper_garcia_8677"
CARD, CARD_2 = "credit_card_4421486", "credit_card_1955700"  # of Mia, who is a gold member
DIRECT, BACK, VIA = ("HAT069", "2024-05-20"), ("HAT089", "2024-05-21"), ("HAT121", "2024-05-20")


def legs(*flights: tuple[str, str]) -> list[dict[str, str]]:
    return [{"flight_number": number, "date": date} for number, date in flights]


def book(
    *flights: tuple[str, str],
    user: str = MIA,
    people: int = 1,
    cabin: str = "economy",
    round_trip: bool = False,
    ends: tuple[str, str] = ("JFK", "SEA"),
    bags: tuple[int, int] = (0, 0),
    paid: dict[str, int] | list[tuple[str, int]] | None = None,
    rest: str = CARD,
) -> Action:
    """A booking that adds up: `rest` pays what the methods in `paid` leave."""
    fares = [AIRLINE.tables["flights"][number].dates[date].prices[cabin] for number, date in flights]
    methods = list(paid.items() if isinstance(paid, dict) else paid or [])
    left = sum(fares) * people + 50 * bags[1] - sum(amount for _, amount in methods)
    methods += [(rest, left)] if left else []
    return call(
        "book_reservation",
        user_id=user,
        origin=ends[0],
        destination=ends[1],
        flight_type="round_trip" if round_trip else "one_way",
        cabin=cabin,
        flights=legs(*flights),
        passengers=[{"first_name": f"P{n}", "last_name": "Li", "dob": "1990-04-05"} for n in range(people)],
        payment_methods=[{"payment_id": method, "amount": amount} for method, amount in methods],
        total_baggages=bags[0],
        nonfree_baggages=bags[1],
        insurance="no",
    )


def cancel(reservation_id: str) -> Action:
    return call("cancel_reservation", reservation_id=reservation_id)


def bags(total: Any, paid: Any, reservation_id: str = "59XX6W", payment_id: str = "credit_card_2408938") -> Action:
    arguments = {"total_baggages": total, "nonfree_baggages": paid, "payment_id": payment_id}
    return call("update_reservation_baggages", reservation_id=reservation_id, **arguments)


def fly(cabin: str, *flights: tuple[str, str], key: str = "59XX6W", payment_id: str = "credit_card_2408938") -> Action:
    arguments = {"cabin": cabin, "flights": legs(*flights), "payment_id": payment_id}
    return call("update_reservation_flights", reservation_id=key, **arguments)


def people(reservation_id: str, count: int) -> Action:
    passengers = [{"first_name": f"P{n}", "last_name": "Li", "dob": "1990-04-05"} for n in range(count)]
    return call("update_reservation_passengers", reservation_id=reservation_id, passengers=passengers)


def certificate(user: str, amount: int) -> Action:
    return call("send_certificate", user_id=user, amount=amount)


OUT, HOME = ("HAT007", "2024-05-19"), ("HAT174", "2024-05-29")  # 59XX6W: Daiki, silver; LAS-ATL-LAS, economy, insured
OUT_2, HOME_2 = ("HAT005", "2024-05-20"), ("HAT178", "2024-05-30")  # XEHM4B: Daiki; basic economy, not insured
LATER = ("HAT052", "2024-05-20")  # ATL-LAS
FLOWN = {"key": "NQNU5R", "payment_id": "credit_card_9074831"}  # Aarav; MCO-PHX-SEA, business, landed
FLOWN_AGAIN = (("HAT153", "2024-05-20"), ("HAT045", "2024-05-20"))
INSURED: Changes = {"reservations.521ARH": {"insurance": "yes"}}
SILVER: Changes = {"users.isabella_davis_2143": {"membership": "silver"}}
BUSINESS: Changes = {"reservations.521ARH": {"cabin": "business"}}
GIFTS = {"gift_card_2075462": 10, "gift_card_6874494": 10, "gift_card_5896248": 10}
SOPHIAS = {"user": SOPHIA, "rest": "credit_card_4801844"}
IN_THE_AIR: Changes = {"reservations.M61CQM": {"insurance": "yes"}}
UPGRADE = fly("economy", OUT_2, HOME_2, key="XEHM4B")
MORE_BAGS = bags(2, 0, "M61CQM", "credit_card_5447957")


@dataclass
class Case:
    """`action` breaks `rule` for `user` after the earlier actions, with these changes to rows. `kept`, or the same
    action, keeps every rule for `owner`, or for the same user, in the rows as they are and with nothing before it."""

    rule: str
    action: Action
    user: str = DAIKI
    changes: Changes = field(default_factory=dict)
    earlier: tuple[Action, ...] = ()
    owner: str = ""
    kept: Action | None = None


TRIP = "flights_make_the_trip"
CASES = [
    Case("own_reservation", cancel("59XX6W"), MIA, owner=DAIKI),
    Case("own_reservation", bags(1, 0), MIA, owner=DAIKI),
    Case("own_reservation", people("59XX6W", 2), MIA, owner=DAIKI),
    Case("own_reservation", fly("economy", OUT, LATER), MIA, owner=DAIKI),
    Case("own_account", book(DIRECT), DAIKI, owner=MIA),
    Case("own_account", certificate(LUCAS, 200), DAIKI, owner=LUCAS),
    Case("cancelled_stays", cancel("59XX6W"), earlier=(cancel("59XX6W"),)),
    Case("cancelled_stays", bags(1, 0), earlier=(cancel("59XX6W"),)),
    Case("cancelled_stays", fly("economy", OUT, LATER), earlier=(cancel("59XX6W"),)),
    Case("cancelled_stays", people("59XX6W", 2), earlier=(cancel("59XX6W"),)),
    Case("five_passengers", book(DIRECT, people=6), MIA, kept=book(DIRECT, people=5)),
    Case("five_passengers", book(DIRECT, people=0), MIA, kept=book(DIRECT, people=1)),
    Case(TRIP, book(DIRECT, ends=("JFK", "LAX")), MIA, kept=book(DIRECT)),
    Case(TRIP, book(DIRECT, ends=("EWR", "SEA")), MIA, kept=book(DIRECT)),
    Case(TRIP, book(DIRECT, BACK), MIA, kept=book(DIRECT, BACK, round_trip=True)),
    Case(TRIP, book(DIRECT, round_trip=True), MIA, kept=book(DIRECT)),
    Case(
        TRIP,
        book(("HAT069", "2024-05-21"), ("HAT089", "2024-05-20"), round_trip=True),
        MIA,
        kept=book(DIRECT, BACK, round_trip=True),
    ),
    Case(TRIP, book(DIRECT, ("HAT153", "2024-05-21"), ends=("JFK", "PHX")), MIA, kept=book(DIRECT)),
    Case(TRIP, book(), MIA, kept=book(DIRECT)),
    Case("paying_methods", book(DIRECT, paid={CARD_2: 50}), MIA, kept=book(DIRECT)),
    Case(
        "paying_methods",
        book(DIRECT, paid={"certificate_1654224": 20, "certificate_9507611": 20}, **SOPHIAS),
        SOPHIA,
        kept=book(DIRECT, paid={"certificate_1654224": 20, **GIFTS}, **SOPHIAS),
    ),
    Case(
        "paying_methods",
        book(
            DIRECT,
            user="mei_lopez_9471",
            paid={"gift_card_6579112": 10, "gift_card_7420153": 10, "gift_card_5038281": 10},
            rest="gift_card_1988900",
        ),
        "mei_lopez_9471",
        owner=SOPHIA,
        kept=book(DIRECT, paid=GIFTS, **SOPHIAS),
    ),
    Case("charged_once", book(DIRECT, paid={CARD: 50}), MIA, kept=book(DIRECT)),
    Case("charged_once", book(DIRECT, paid={"certificate_7504069": 0}), MIA, kept=book(DIRECT)),
    Case("charged_once", book(DIRECT, paid={"certificate_7504069": -9}), MIA, kept=book(DIRECT)),
    Case("baggage_allowance", book(DIRECT, bags=(3, 1)), MIA, kept=book(DIRECT, bags=(3, 0))),
    Case("baggage_allowance", book(DIRECT, bags=(4, 0)), MIA, kept=book(DIRECT, bags=(4, 1))),
    Case("baggage_allowance", book(DIRECT, bags=(-1, 0)), MIA, kept=book(DIRECT)),
    Case("baggage_allowance", bags(5, 0), kept=bags(5, 1)),
    Case("baggage_allowance", bags(4, 1), kept=bags(4, 0)),
    Case("bags_are_only_added", bags(1, 0), changes={"reservations.59XX6W": {"total_baggages": 2}}),
    Case("trip_stays", fly("economy", OUT), kept=fly("economy", OUT, LATER)),
    Case("trip_stays", fly("economy", ("HAT005", "2024-05-21"), LATER), kept=fly("economy", OUT, LATER)),
    Case("trip_stays", fly("economy", DIRECT, ("HAT089", "2024-05-21")), kept=fly("business", OUT, LATER)),
    Case("trip_stays", fly("economy"), kept=fly("economy", OUT, LATER)),
    Case(
        "basic_economy_stays",
        fly("basic_economy", OUT_2, LATER, key="XEHM4B"),
        kept=fly("economy", OUT_2, HOME_2, key="XEHM4B"),
    ),
    Case(
        "basic_economy_stays",
        fly("economy", OUT_2, LATER, key="XEHM4B"),
        kept=fly("business", HOME_2, OUT_2, key="XEHM4B"),
    ),
    Case(
        "cabin_before_takeoff",
        fly("economy", *FLOWN_AGAIN, **FLOWN),
        AARAV,
        owner=DAIKI,
        kept=fly("business", OUT, LATER),
    ),
    Case("nothing_flown", cancel("NQNU5R"), AARAV, owner=DAIKI, kept=cancel("59XX6W")),
    Case(
        "nothing_flown", cancel("M61CQM"), ETHAN, {"reservations.M61CQM": {"insurance": "yes"}}, kept=cancel("DQST39")
    ),
    Case("cancellation_is_due", cancel("XEHM4B"), kept=cancel("59XX6W")),
    Case(
        "cancellation_is_due",
        cancel("XEHM4B"),
        earlier=(fly("economy", OUT_2, HOME_2, key="XEHM4B"),),
        kept=cancel("59XX6W"),
    ),
    Case("compensation_fits", certificate(ETHAN, 150), ETHAN, owner=LUCAS, kept=certificate(LUCAS, 200)),
    Case(
        "compensation_fits",
        certificate(ETHAN, 100),
        ETHAN,
        earlier=(MORE_BAGS,),
        owner=LUCAS,
        kept=certificate(LUCAS, 200),
    ),
    Case("compensation_fits", certificate(LUCAS, 100), LUCAS, kept=certificate(LUCAS, 200)),
    Case("compensation_is_for_some", certificate(ISABELLA, 100), ISABELLA, owner=LUCAS, kept=certificate(LUCAS, 200)),
    Case("compensated_once", certificate(LUCAS, 200), LUCAS, earlier=(certificate(LUCAS, 200),)),
    Case(
        "compensated_once",
        certificate(ISABELLA, 100),
        ISABELLA,
        INSURED,
        (certificate(ISABELLA, 100),),
        owner=LUCAS,
        kept=certificate(LUCAS, 200),
    ),
]


def changed(changes: Changes) -> Domain:
    """The airline with some fields of some rows changed, "table.id" → fields."""
    tables = dict(AIRLINE.tables)
    for place, fields in changes.items():
        table, key = place.split(".")
        tables[table] = {**tables[table], key: tables[table][key].model_copy(update=fields)}
    return dataclasses.replace(AIRLINE, tables=tables)


def named(user: str, *actions: Action, changes: Changes | None = None) -> list[tuple[int, str]]:
    """The rules that these actions break, each with the number of the action."""
    domain = changed(changes or {})
    blueprint = Blueprint(
        id="x", domain=domain.name, user=user, persona="x", instruction="x", actions=actions, outputs=()
    )
    execution = execute(blueprint, domain)
    assert execution.refused is None, execution.refused
    return [(number, rule.name) for rule, number, _ in broken_rules(execution, domain)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.action.name}")
def test_a_rule_is_broken_by_its_case_and_nothing_else_is(case: Case) -> None:
    actions = (*case.earlier, case.action)
    assert named(case.user, *actions, changes=case.changes) == [(len(actions), case.rule)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.action.name}")
def test_the_neighbouring_call_keeps_every_rule(case: Case) -> None:
    assert named(case.owner or case.user, case.kept or case.action) == []


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in AIRLINE.rules} == {case.rule for case in CASES}


def test_every_writing_tool_belongs_to_an_owner() -> None:
    owned = {tool for rule in AIRLINE.rules if rule.name.startswith("own_") for tool in rule.tools}
    assert owned == {name for name, tool in AIRLINE.tools.items() if tool.writes}


@pytest.mark.parametrize("member", ["regular", "silver", "gold"])
@pytest.mark.parametrize("cabin", ["basic_economy", "economy", "business"])
@pytest.mark.parametrize("people", [1, 2])
def test_free_bags_are_those_of_the_policys_table(member: str, cabin: str, people: int) -> None:
    free = (
        people
        * {
            ("regular", "basic_economy"): 0,
            ("regular", "economy"): 1,
            ("regular", "business"): 2,
            ("silver", "basic_economy"): 1,
            ("silver", "economy"): 2,
            ("silver", "business"): 3,
            ("gold", "basic_economy"): 2,
            ("gold", "economy"): 3,
            ("gold", "business"): 4,
        }[member, cabin]
    )
    changes: Changes = {f"users.{MIA}": {"membership": member}}
    for total, paid, right in ((free, 0, True), (free + 1, 1, True), (free + 1, 0, False), (free, 1, False)):
        booking = book(DIRECT, cabin=cabin, people=people, bags=(total, paid))
        assert (named(MIA, booking, changes=changes) == []) is right


def test_bags_that_were_paid_stay_paid_when_the_allowance_grows() -> None:
    changes: Changes = {"reservations.59XX6W": {"total_baggages": 3, "nonfree_baggages": 2}}
    assert [named(DAIKI, bags(4, paid), changes=changes) == [] for paid in (0, 1, 2, 3)] == [True, True, True, False]


def test_numbers_of_bags_in_quotation_marks_are_wrong() -> None:
    assert [name for _, name in named(DAIKI, bags("1", 0))] == ["baggage_allowance", "bags_are_only_added"]


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"created_at": "2024-05-14T15:00:00"}, True),
        ({"created_at": "2024-05-14T14:59:59"}, False),
        ({"insurance": "yes"}, True),
        ({"cabin": "business"}, True),
        ({"cabin": "economy"}, False),
    ],
)
def test_each_ground_for_a_cancellation_is_enough(fields: dict[str, str], kept: bool) -> None:
    found = named(DAIKI, cancel("XEHM4B"), changes={"reservations.XEHM4B": fields})
    assert found == ([] if kept else [(1, "cancellation_is_due")])


def test_a_flight_that_the_airline_cancelled_is_a_ground_for_cancellation() -> None:
    assert named(HARPER, cancel("JN75RZ")) == []


def test_what_was_just_booked_can_be_cancelled() -> None:
    assert named(MIA, book(DIRECT, cabin="basic_economy"), cancel("HATHAT")) == []


def test_basic_economy_is_upgraded_first_and_changed_then() -> None:
    assert named(DAIKI, UPGRADE, fly("economy", OUT_2, LATER, key="XEHM4B")) == []


@pytest.mark.parametrize("changes", [INSURED, SILVER, BUSINESS], ids=["insured", "silver", "business"])
def test_each_ground_for_a_compensation_is_enough(changes: Changes) -> None:
    assert named(ISABELLA, certificate(ISABELLA, 100), changes=changes) == []


def test_a_delay_is_compensated_after_a_change_and_two_reservations_twice() -> None:
    assert named(ETHAN, MORE_BAGS, certificate(ETHAN, 150)) == []
    assert named(ISABELLA, certificate(ISABELLA, 100), certificate(ISABELLA, 100), changes=SILVER) == []


def test_a_delay_counts_when_the_delayed_flight_was_changed() -> None:
    later = fly("economy", ("HAT002", "2024-05-20"), key="LWTEDF", payment_id="credit_card_5260935")
    assert named("liam_ito_4473", later, certificate("liam_ito_4473", 50)) == []


@pytest.mark.parametrize("rule", AIRLINE.rules, ids=lambda rule: rule.name)
def test_a_rule_answers_for_ids_that_do_not_exist(rule: Rule) -> None:
    database = AIRLINE.world().database()
    nobody = {"reservation_id": "NOBODY", "user_id": "nobody", "flights": [], "passengers": [], "payment_methods": []}
    for tool in rule.tools:
        for arguments in (
            {},
            {**nobody, "total_baggages": 1, "nonfree_baggages": 0, "amount": 100, "cabin": "economy"},
        ):
            step = Step(Action(name=tool, arguments=arguments), database, database, None, DAIKI)
            assert isinstance(rule.holds(step), bool)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (people("59XX6W", 3), "Number of passengers does not match"),
        (fly("economy", OUT, LATER, payment_id=CARD), "Payment method not found"),
        (fly("economy", OUT, LATER, key="GCZ58I", payment_id="certificate_6221489"), "Certificate cannot be used"),
        (book(DIRECT, rest="credit_card_2408938"), "not found"),
        (book(DIRECT, paid={"certificate_7504069": 260}), "Not enough balance"),
    ],
)
def test_what_has_no_rule_is_refused_by_the_tools(action: Action, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        AIRLINE.world().call(action)
