"""Writing tools for vouchers and miles: compensation for delays, longer validity, miles into a voucher."""

from __future__ import annotations

from datetime import date, timedelta

from apigen_nb.domains.airline.air import find_flight, find_member, leg_in, reservation_in
from apigen_nb.domains.airline.money import find_voucher, give_voucher
from apigen_nb.world.toolkit import Database, Refusal, Row, tool

BLOCK_MILES, BLOCK_DOLLARS = 5000, 40.0
SHORT_DELAY, LONG_DELAY = 60.0, 150.0  # a passenger; a long delay is one of 240 minutes or more
EXTENSION_DAYS = 180


@tool(writes=True)
def claim_compensation(db: Database, reservation_id: str, flight_id: str) -> Row:
    """Give a voucher for a flight that landed late, of a flown or under way reservation.

    It is worth $60 a passenger, $150 from 240 minutes of delay on.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        flight_id: The flight that was late, like HW214-0920.
    """
    reservation = reservation_in(db, reservation_id, "flown", "under way")
    leg = leg_in(reservation, flight_id, "flown")
    flight = find_flight(db, flight_id)
    if leg["compensation"]:
        raise Refusal(f"${leg['compensation']:.2f} were given for {flight_id} already", kind="compensated already")
    each = LONG_DELAY if flight["delay_minutes"] >= 240 else SHORT_DELAY
    leg["compensation"] = each * len(leg["seating"])
    voucher = give_voucher(find_member(db, reservation["member_id"]), leg["compensation"])
    return {"reservation_id": reservation_id, "flight_id": flight_id, "voucher": voucher}


@tool(writes=True)
def extend_voucher(db: Database, member_id: str, payment_method_id: str) -> Row:
    """Let a voucher expire 180 days later.

    Args:
        member_id: The member's id, like M48213.
        payment_method_id: The voucher, like voucher-48213-1.
    """
    voucher = find_voucher(find_member(db, member_id), payment_method_id)
    later = date.fromisoformat(voucher["expires_on"]) + timedelta(days=EXTENSION_DAYS)
    voucher.update(expires_on=later.isoformat(), extended=True)
    return voucher


@tool(writes=True)
def convert_miles(db: Database, member_id: str, blocks: int) -> Row:
    """Turn miles into a voucher: each block of 5,000 miles is worth $40.

    Args:
        member_id: The member's id, like M48213.
        blocks: How many blocks of 5,000 miles.
    """
    member = find_member(db, member_id)
    if blocks < 1:
        raise Refusal(f"{blocks} blocks cannot be converted; give one or more", kind="not a number of blocks")
    if member["miles"] < blocks * BLOCK_MILES:
        raise Refusal(
            f"the member has {member['miles']} miles, {blocks * BLOCK_MILES} are needed", kind="not enough miles"
        )
    member["miles"] -= blocks * BLOCK_MILES
    voucher = give_voucher(member, blocks * BLOCK_DOLLARS)
    return {"member_id": member_id, "miles": member["miles"], "voucher": voucher}
