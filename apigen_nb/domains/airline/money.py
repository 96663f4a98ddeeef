"""Prices, fees, charging and paying back, and vouchers."""

from __future__ import annotations

from apigen_nb.domains.airline.air import CLOCK, find_member, hours_until
from apigen_nb.world.toolkit import Database, Refusal, Row, cents, next_id

BAG_FEE = 35.0
INSURANCE = 14.0  # a passenger and leg
TIER_BAGS = {"blue": 0, "silver": 1, "gold": 2}
VOUCHER_DAYS = 365


def price(db: Database, flight: Row, cabin: str, fare: str) -> float:
    """What one passenger pays for a flight in a cabin and fare."""
    return cents(flight["cabins"][cabin]["price"] * db["fares"][fare]["price_percent"] / 100)


def paid_cabin(reservation: Row) -> str:
    """The cabin whose prices a reservation pays: economy, too, for what was upgraded with miles."""
    return "economy" if reservation["upgraded_with_miles"] else str(reservation["cabin"])


def free_bags(db: Database, reservation: Row, member: Row) -> int:
    """The bags that go without a fee in a reservation."""
    of_cabin = 1 if reservation["cabin"] == "business" else 0
    each = db["fares"][reservation["fare"]]["free_bags"] + TIER_BAGS[member["tier"]] + of_cabin
    return int(each * len(reservation["passengers"]))


def is_fresh(reservation: Row) -> bool:
    """Whether a reservation was made within the last 24 hours."""
    return hours_until(reservation["booked_at"]) >= -24


def _find_method(member: Row, payment_method_id: str) -> Row:
    """A member's payment method, or a refusal."""
    methods = member["payment_methods"]
    if payment_method_id not in methods:
        raise Refusal(
            f"no payment method {payment_method_id}; the member has {', '.join(methods)}", kind="no such payment method"
        )
    row: Row = methods[payment_method_id]
    return row


def find_voucher(member: Row, payment_method_id: str) -> Row:
    """A member's voucher, or a refusal."""
    method = _find_method(member, payment_method_id)
    if method["type"] != "voucher":
        raise Refusal(f"{payment_method_id} is a {method['type']}; this needs a voucher", kind="not a voucher")
    return method


def charge(db: Database, reservation: Row, payment_method_id: str, amount: float) -> float:
    """Charge an amount for a reservation; a voucher must hold it. Nothing is booked for nothing."""
    method, amount = _find_method(find_member(db, reservation["member_id"]), payment_method_id), cents(amount)
    if amount and method["type"] == "voucher":
        if method["balance"] < amount:
            raise Refusal(
                f"{payment_method_id} holds ${method['balance']:.2f}, ${amount:.2f} is needed", kind="voucher too small"
            )
        method["balance"] = cents(method["balance"] - amount)
    _book(reservation, payment_method_id, "charge", amount)
    return amount


def pay_back(db: Database, reservation: Row, amount: float) -> float:
    """Give an amount back to what paid for a reservation, the last payment first."""
    left = cents(amount)
    net: dict[str, float] = {}
    for payment in reservation["payments"]:
        sign = {"charge": 1, "refund": -1, "credit": 0}[payment["kind"]]
        net[payment["payment_method_id"]] = net.get(payment["payment_method_id"], 0.0) + sign * payment["amount"]
    for payment_method_id, paid in reversed(net.items()):
        part = min(left, cents(paid))
        if part <= 0:
            continue
        method = find_member(db, reservation["member_id"])["payment_methods"].get(payment_method_id, {})
        if method.get("type") == "voucher":
            method["balance"] = cents(method["balance"] + part)
        _book(reservation, payment_method_id, "refund", part)
        left = cents(left - part)
    return cents(amount - left)


def _book(reservation: Row, payment_method_id: str, kind: str, amount: float) -> None:
    if amount:
        reservation["payments"].append({"payment_method_id": payment_method_id, "kind": kind, "amount": amount})
        reservation["total"] = cents(reservation["total"] + (amount if kind == "charge" else -amount))


def give_voucher(member: Row, amount: float) -> Row:
    """A new voucher of the member, good for a year."""
    voucher = {
        "payment_method_id": next_id(member["payment_methods"], member["member_id"].replace("M", "voucher-", 1)),
        "type": "voucher",
        "balance": cents(amount),
        "expires_on": CLOCK.day(VOUCHER_DAYS),
        "extended": False,
    }
    member["payment_methods"][voucher["payment_method_id"]] = voucher
    return voucher


def credit(db: Database, reservation: Row, amount: float) -> Row:
    """A new voucher for money that was paid for a reservation, which is booked as given back on it."""
    voucher = give_voucher(find_member(db, reservation["member_id"]), amount)
    _book(reservation, voucher["payment_method_id"], "credit", cents(amount))
    return voucher


def whole_refund(reservation: Row, cancel_reason: str) -> bool:
    """Whether a cancelled reservation is paid back in full to what paid for it."""
    return (
        is_fresh(reservation)
        or reservation["fare"] == "flex"
        or (reservation["insured"] and cancel_reason == "illness")
        or (cancel_reason == "flight disrupted" and any(leg["status"] == "disrupted" for leg in reservation["legs"]))
    )


def refund(db: Database, reservation: Row, cancel_reason: str) -> tuple[float, str]:
    """What a cancelled reservation gives back, and as what: to the payment method, or as a voucher."""
    if whole_refund(reservation, cancel_reason):
        return reservation["total"], "payment method"
    rules = db["fares"][reservation["fare"]]
    if not rules["refundable"]:
        return 0.0, "nothing"
    fee = rules["cancel_fee"] * len(reservation["passengers"])
    return cents(max(0.0, reservation["total"] - fee)), "voucher"
