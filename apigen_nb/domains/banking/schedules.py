"""Writing tools for monthly payments to payees: set up, pause, resume, cancel."""

from __future__ import annotations

from datetime import date

from apigen_nb.domains.banking import bank
from apigen_nb.domains.banking.payments import own_payee
from apigen_nb.world.toolkit import Database, Refusal, Row, in_status, next_id, tool

WHAT = "scheduled payment"


@tool(writes=True)
def schedule_payment(
    db: Database, from_account_id: str, payee_id: str, amount: float, day_of_month: int, memorable_word: str
) -> Row:
    """Set up a monthly payment to a saved payee.

    Args:
        from_account_id: The account that the money leaves, like A48213.
        payee_id: The saved payee, like P10432-1.
        amount: Dollars and cents a month, like 120.5.
        day_of_month: The day on which it is paid, from 1 to 28; the first time is the next such day.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    amount = bank.check_amount(amount)
    account = bank.open_account(db, from_account_id)
    customer = own_payee(db, account, payee_id)
    if not 1 <= day_of_month <= 28:
        raise Refusal(f"day {day_of_month} is not in every month; choose 1 to 28", kind="no such day of the month")
    bank.check_word(customer, memorable_word)
    customer_id = customer["customer_id"]
    payment = {
        "scheduled_payment_id": next_id(db["scheduled_payments"], customer_id.replace("C", "S", 1)),
        "customer_id": customer_id,
        "from_account_id": from_account_id,
        "payee_id": payee_id,
        "amount": amount,
        "status": "active",
        "next_on": bank.next_date(day_of_month),
    }
    db["scheduled_payments"][payment["scheduled_payment_id"]] = payment
    return payment


@tool(writes=True)
def pause_scheduled_payment(db: Database, scheduled_payment_id: str) -> Row:
    """Stop an active monthly payment for the time being.

    Args:
        scheduled_payment_id: The scheduled payment's id, like S10432-1.
    """
    payment = in_status(bank.find_scheduled_payment(db, scheduled_payment_id), WHAT, "active")
    payment["status"] = "paused"
    return payment


@tool(writes=True)
def resume_scheduled_payment(db: Database, scheduled_payment_id: str) -> Row:
    """Let a paused monthly payment run again, from the next such day of a month on.

    Args:
        scheduled_payment_id: The scheduled payment's id, like S10432-1.
    """
    payment = in_status(bank.find_scheduled_payment(db, scheduled_payment_id), WHAT, "paused")
    bank.open_account(db, payment["from_account_id"])
    payment.update(status="active", next_on=bank.next_date(date.fromisoformat(payment["next_on"]).day))
    return payment


@tool(writes=True)
def cancel_scheduled_payment(db: Database, scheduled_payment_id: str) -> Row:
    """End an active or paused monthly payment for good.

    Args:
        scheduled_payment_id: The scheduled payment's id, like S10432-1.
    """
    payment = in_status(bank.find_scheduled_payment(db, scheduled_payment_id), WHAT, "active", "paused")
    payment["status"] = "cancelled"
    return payment
