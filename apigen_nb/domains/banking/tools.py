"""The tools of Tarnwell Bank: accounts, payments, cards and disputes; one module per concept."""

from __future__ import annotations

from apigen_nb.domains.banking.bank import NOW
from apigen_nb.domains.banking.cards import activate_card, freeze_card, replace_card, report_card, set_card_limit
from apigen_nb.domains.banking.disputes import dispute_transaction, withdraw_dispute
from apigen_nb.domains.banking.lookups import (
    find_customer_by_email,
    find_customer_by_phone,
    get_account,
    get_card,
    get_customer,
    get_dispute,
    list_payments,
)
from apigen_nb.domains.banking.payments import add_payee, cancel_transfer, send_to_payee, transfer_between_accounts
from apigen_nb.domains.banking.profile import change_email, change_phone, close_account
from apigen_nb.domains.banking.schedules import (
    cancel_scheduled_payment,
    pause_scheduled_payment,
    resume_scheduled_payment,
    schedule_payment,
)
from apigen_nb.world.toolkit import Database, tool

SERVICE = f"the customer service of Tarnwell Bank; it is {NOW:%A, %Y-%m-%d, %H:%M}"


@tool(ends=True)
def transfer_to_human(db: Database, summary: str) -> str:
    """Hand the conversation over to a person, when the policy says so. It ends here.

    Args:
        summary: What the customer wants and what has been done, in one or two sentences.
    """
    return "A person takes over."
