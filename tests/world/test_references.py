"""Whether what was said leads to a value: as it is, by a description that fits one thing only, or as one of all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.records import canonical
from apigen_nb.world.domain import Domain, DomainError
from apigen_nb.world.references import Reader, _own
from apigen_nb.world.user_records import own_rows
from apigen_nb.world.values import singular


def reader(name: str, user: str) -> Reader:
    try:
        return Reader(Domain.load(name), user)
    except DomainError as error:
        pytest.skip(str(error))


SHARON, VERONICA, APRIL = ("retail", "C10550"), ("airline", "M12519"), ("banking", "C10078")
JEFFREY, JAMES, MIA = ("banking", "C11847"), ("tau2:retail", "james_kim_7213"), ("tau2:airline", "mia_li_3668")
TOLD: list[tuple[tuple[str, str], Any, str]] = [
    (SHARON, "#R79085", "Please cancel order #R79085."),
    (SHARON, "#R79085", "I'd like to cancel the order with the laser measure."),
    (SHARON, "#R79085", "Cancel the order I placed on May 16, please."),
    (SHARON, "#R79085", "Cancel the order from 16th May, please."),
    (SHARON, "#R35157", "It is about my casserole. The order from February."),
    (SHARON, "35157-2", "The podcast microphone crackles, I want to send it back."),
    (SHARON, "79085-2", "Please drop the felt desk mat that is 100 cm long."),
    (SHARON, "visa-10550", "Put the money back on my Visa."),
    (SHARON, "mastercard-10550", "Use the card ending in 2744."),
    (SHARON, "credit-10550", "Refund it as store credit, please."),
    (SHARON, ["35157-1", "35157-2"], "Return the casserole and the microphone."),
    (SHARON, ["#R79085", "#R32292"], "What is the status of all my orders?"),
    (SHARON, "SH-92930", "The shipment with Bluejay Post never came."),
    (VERONICA, "B12519-1", "Cancel my trip from Fernhaven to Marlbrook, the one with Julia Anderson."),
    (VERONICA, "B12519-2", "Can I still change the reservation that is under way?"),
    (VERONICA, "mastercard-12519", "Charge the Mastercard."),
    (VERONICA, "B12519-1", "Upgrade both reservations to business."),
    (VERONICA, "P12519-1-2", "Julia needs an aisle seat."),
    (APRIL, "A20230", "Send 54.85 from the household account to Diane Brown."),
    (APRIL, "A11754", "How much is on my savings account?"),
    (APRIL, "K20230-1", "Freeze the Visa ending 7312."),
    (APRIL, "K20230-1", "I lost the card that I used at the Tin Kettle Cafe."),
    (APRIL, "T20230-4", "I do not recognise the purchase for $65.59 at Pinecone Hardware."),
    (APRIL, "T95957-1", "Which card did I use at Second Story Books?"),
    (APRIL, "P10078-3", "Delete the payee Maple Court Rentals."),
    (APRIL, "S10078-1", "Stop the scheduled payment of 180.21."),
    (APRIL, "D20230-1", "Withdraw the dispute about being charged twice."),
    (APRIL, 126.195, "Move half of the balance of my savings to checking."),
    (JEFFREY, "T37293-3", "The 558.54 to Longhaul Airways was a mistake."),
    (JEFFREY, "K37293-1", "Raise the limit of the card on the household account."),
    (JEFFREY, 2984.42, "Move the whole balance of Home Savings over."),
    (JAMES, "#W3289292", "I want to change the order with the hiking boots."),
    (JAMES, "4107812777", "The running shoes are too small."),
    (JAMES, ["8170914468", "1673859111"], "I'd like to return the patio umbrella as well as the bookshelf."),
    (MIA, "HKEG34", "Cancel the flight from DEN to LAS."),
    (MIA, "AIXC49", "I want to change my trip of May 20."),
    (MIA, "credit_card_4421486", "Pay with the card ending in 7447."),
    (MIA, "certificate_7504069", "Use the certificate of $250."),
]  # fmt: skip
TOLD.append((JAMES, "IL", "Send it to 1234 Elm St, Springfield, IL, 62701."))
NOT_TOLD: list[tuple[tuple[str, str], Any, str]] = [
    (SHARON, "#R79085", "I want to cancel an order."),
    (SHARON, "#R79085", "I'd like to return the casserole."),
    (SHARON, "79085-2", "The felt desk mat is too long."),  # she has two
    (SHARON, "32292-1", "The felt desk mat is too long."),
    (SHARON, "visa-10550", "Put it back on my card."),
    (SHARON, "visa-10550", "Use the card ending in 2744."),
    (SHARON, ["35157-1", "35157-2"], "Return the casserole."),
    (VERONICA, "B12519-1", "Please cancel my reservation."),
    (VERONICA, "B12519-1", "You are Veronica Mckee and want to cancel a reservation."),
    (APRIL, "K20230-1", "Freeze my Visa."),
    (APRIL, "A20230", "Move it to a checking account."),
    (APRIL, "T20230-4", "There is a purchase at Pinecone Hardware that I do not know."),
    (APRIL, 126.19, "Move some of the balance of my savings to checking."),
    (JAMES, "#W9722559", "Change the order with the hiking boots."),
    (MIA, "certificate_7504069", "Use a certificate."),
    (MIA, "credit_card_4421486", "Use my visa card."),
    (MIA, "", "Use my visa card."),
    (MIA, [], "Use my visa card."),
]  # fmt: skip


@pytest.mark.parametrize(("who", "value", "text"), TOLD, ids=[f"{v}: {t}" for _, v, t in TOLD])
def test_told(who: tuple[str, str], value: Any, text: str) -> None:
    assert reader(*who).told(value, text)


@pytest.mark.parametrize(("who", "value", "text"), NOT_TOLD, ids=[f"{v}: {t}" for _, v, t in NOT_TOLD])
def test_not_told(who: tuple[str, str], value: Any, text: str) -> None:
    assert not reader(*who).told(value, text)


def test_a_choice_is_no_thing_that_a_message_could_describe() -> None:
    """The cabins of all flights go by the same two names: that one of them holds a number of the text says nothing."""
    read = reader(*VERONICA)
    assert not read.told("economy", "I want to book the flight HW203-0930 at the fare flex.")
    assert read.told("economy", "In economy, please.")
    assert not any(map(read.is_thing, ("economy", "flex", "nothing")))
    assert all(map(read.is_thing, ("HW203-0930", "B12519-1")))


@pytest.mark.parametrize("who", [SHARON, VERONICA, APRIL, JAMES, MIA], ids=lambda who: who[0])
@given(text=st.text(max_size=60))
def test_any_text_can_be_read(who: tuple[str, str], text: str) -> None:
    read = reader(*who)
    for rows in own_rows(read.domain, read.user).values():
        for key in rows:
            assert read.told(key, text) in (True, False)


@pytest.mark.parametrize("who", [SHARON, VERONICA, APRIL, JEFFREY, JAMES, MIA], ids=lambda who: who[0])
def test_an_id_is_told_by_itself_and_tells_no_sibling(who: tuple[str, str]) -> None:
    read = reader(*who)
    for rows in own_rows(read.domain, read.user).values():
        for key in rows:
            assert read.told(key, f"It is about {key}.")
            assert not any(read.told(other, f"{key}") for other in rows if other != key)


@pytest.mark.parametrize("name", ["retail", "airline", "banking", "tau2:retail", "tau2:airline"])
def test_what_another_customer_has_is_only_told_by_its_id(name: str) -> None:
    read = reader(name, "")
    mine, other = read.domain.subjects[:2]
    for table, rows in own_rows(read.domain, other).items():
        for key, row in rows.items():
            if key not in own_rows(read.domain, mine).get(table, {}):
                assert not Reader(read.domain, mine).told(key, " ".join(str(v) for k, v in row.items() if v != key))


@pytest.mark.parametrize("name", ["retail", "airline", "banking", "tau2:retail", "tau2:airline"])
def test_a_field_that_no_sibling_has_tells_a_row_and_one_that_a_sibling_has_does_not(name: str) -> None:
    domain = reader(name, "").domain
    told = shared = 0
    for user in domain.subjects[:25]:
        read = Reader(domain, user)
        for table, rows in own_rows(domain, user).items():
            for key, row in rows.items() if len(rows) > 1 else ():
                siblings = [other for other in rows.values() if other is not row]
                for value in (v for k, v in row.items() if k in ("status", "kind", "total", "cabin", "merchant")):
                    if value is None or any(w in str(value) for w in ("out", "in")):
                        continue
                    text = f"It is about the {singular(table).replace('_', ' ')}: {str(value).replace('_', ' ')}."
                    if any(str(value) in canonical(other) for other in siblings):
                        same = sum(value in other.values() for other in siblings)
                        shared += bool(same)
                        assert not (same and read.told(key, text)), (key, text)
                    elif f'"{value}"' in canonical(row) or isinstance(value, float):
                        told += 1
                        assert read.told(key, text), (key, text)
    assert told + shared > 10


@pytest.mark.parametrize("name", ["retail", "airline", "banking"])
def test_who_somebody_is_describes_nothing_of_theirs(name: str) -> None:
    domain = Domain.load(name)
    for user in list(domain.subjects)[:40]:
        row = domain.dump(domain.tables[domain.users][user])
        told = [f"My {key.replace('_', ' ')} is {value}." for key, value in row.items() if key in ("phone", "email")]
        own = [thing for of_kind in _own(domain, user).values() for thing in of_kind]
        assert [(text, thing) for text in told for thing in own if Reader(domain, user).told(thing, text)] == []
