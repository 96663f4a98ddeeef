"""The tools of Heronway Air: reservations, passengers, vouchers and miles; one module per concept."""

from __future__ import annotations

from apigen_nb.domains.airline.air import NOW
from apigen_nb.domains.airline.bookings import book_flight, cancel_reservation, change_flight, rebook_flight
from apigen_nb.domains.airline.extras import add_bags, buy_insurance, change_cabin, upgrade_with_miles
from apigen_nb.domains.airline.lookups import (
    find_member_id_by_email,
    find_member_id_by_name,
    get_airport,
    get_fare_rules,
    get_flight,
    get_member,
    get_reservation,
    list_airports,
    list_flights,
    search_flights,
)
from apigen_nb.domains.airline.passengers import (
    change_last_name,
    choose_seat,
    complete_check_in,
    request_assistance,
    undo_check_in,
)
from apigen_nb.domains.airline.vouchers import claim_compensation, convert_miles, extend_voucher
from apigen_nb.world.toolkit import Database, tool

SERVICE = f"the member service of Heronway Air, an airline; it is {NOW:%A, %Y-%m-%d, %H:%M}"


@tool(ends=True)
def transfer_to_human(db: Database, summary: str) -> str:
    """Hand the conversation over to a person, when the policy says so. It ends here.

    Args:
        summary: What the member wants and what has been done, in one or two sentences.
    """
    return "A person takes over."
