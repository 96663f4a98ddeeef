"""The policy of Tarnwell Bank that code can check; a docstring is what is shown when it is broken."""

from __future__ import annotations

from contextlib import suppress

from apigen_nb.domains.banking.bank import TODAY, days_since, find_payee, find_transaction, hours_since
from apigen_nb.world.toolkit import Refusal, Row, Step, cents, did, named, rule

CONTACT = ("change_email", "change_phone")
MONEY_OUT = ("send_to_payee", "schedule_payment", "add_payee")
SENSITIVE = (*CONTACT, *MONEY_OUT, "activate_card", "set_card_limit", "close_account")
TOP_LIMIT = {"standard": 1000, "plus": 2000, "premium": 5000}
TABLES = {
    "card_id": "cards",
    "transfer_id": "transfers",
    "scheduled_payment_id": "scheduled_payments",
    "dispute_id": "disputes",
}


@rule(*CONTACT, "add_payee")
def own_profile(step: Step) -> bool:
    """One conversation serves one customer: only that customer's contact data and payees are changed."""
    return _owners(step) == {step.user}


@rule("transfer_between_accounts", "send_to_payee", "schedule_payment", "close_account")
def own_account(step: Step) -> bool:
    """One conversation serves one customer: the accounts must be that customer's own."""
    return _owners(step) == {step.user}


@rule("cancel_transfer", "pause_scheduled_payment", "resume_scheduled_payment", "cancel_scheduled_payment")
def own_payment(step: Step) -> bool:
    """One conversation serves one customer: the transfer or scheduled payment must be that customer's own."""
    return _owners(step) == {step.user}


@rule("freeze_card", "activate_card", "report_card", "replace_card", "set_card_limit")
def own_card(step: Step) -> bool:
    """One conversation serves one customer: the card must be that customer's own."""
    return _owners(step) == {step.user}


@rule("dispute_transaction", "withdraw_dispute")
def own_dispute(step: Step) -> bool:
    """One conversation serves one customer: the disputed transaction must be that customer's own."""
    return _owners(step) == {step.user}


@rule(*SENSITIVE)
def word_counts_once(step: Step) -> bool:
    """Each memorable word counts once in a conversation: a further sensitive change needs another of the words."""
    word = str(step.arguments.get("memorable_word", "")).strip().casefold()
    return not any(str(s.arguments.get("memorable_word", "")).strip().casefold() == word for s in did(step, SENSITIVE))


@rule("send_to_payee", "schedule_payment")
def payee_has_waited(step: Step) -> bool:
    """A payee can receive money, once or every month, only 24 hours after it was saved."""
    payee = _payee(step)
    return bool(payee) and hours_since(payee["added_at"]) >= 24


@rule("send_to_payee", "schedule_payment")
def payees_from_checking(step: Step) -> bool:
    """Payees are paid from checking accounts, never from savings."""
    return named(step, "accounts", "from_account_id").get("kind") == "checking"


@rule("send_to_payee")
def daily_send_limit(step: Step) -> bool:
    """All that a customer sends to payees in a day, cancelled transfers left out, is within the customer's daily send
    limit."""
    own = [row for row in step.after["transfers"].values() if row["customer_id"] == step.user]
    sent = [row for row in own if row["kind"] == "external" and row["status"] != "cancelled"]
    today = [row["amount"] for row in sent if row["made_at"].startswith(TODAY.isoformat())]
    return bool(cents(sum(today)) <= step.before["customers"].get(step.user, {}).get("daily_send_limit", 0))


@rule("transfer_between_accounts")
def savings_withdrawals(step: Step) -> bool:
    """Money leaves a savings account at most 3 times in a calendar month."""
    return int(named(step, "accounts", "from_account_id").get("withdrawals_this_month", 0)) < 3


@rule(*CONTACT, *MONEY_OUT)
def contact_or_money(step: Step) -> bool:
    """A conversation that changes e-mail address or phone neither sends money to payees, nor schedules payments, nor
    saves payees, in any order."""
    return not did(step, MONEY_OUT if step.name in CONTACT else CONTACT)


@rule(*CONTACT)
def one_contact_change(step: Step) -> bool:
    """E-mail address and phone number are not both changed, nor one of them twice, in one conversation."""
    return not did(step, CONTACT)


@rule("change_email")
def email_is_free(step: Step) -> bool:
    """An e-mail address belongs to one customer: it must not be in use by another."""
    wanted, own = str(step.arguments.get("email", "")).lower(), step.arguments.get("customer_id")
    return not any(c["email"].lower() == wanted for c in step.before["customers"].values() if c["customer_id"] != own)


@rule("add_payee")
def one_new_payee(step: Step) -> bool:
    """One new payee is saved in a conversation."""
    return not did(step, ("add_payee",))


@rule("cancel_transfer")
def called_back_in_time(step: Step) -> bool:
    """A pending transfer is called back within 24 hours after it was made."""
    transfer = named(step, "transfers", "transfer_id")
    return bool(transfer) and hours_since(transfer["made_at"]) <= 24


@rule("pause_scheduled_payment", "cancel_scheduled_payment")
def not_just_before_it_is_due(step: Step) -> bool:
    """An active scheduled payment that is due within the next 2 days is neither paused nor cancelled."""
    payment = named(step, "scheduled_payments", "scheduled_payment_id")
    return bool(payment and (payment["status"] != "active" or -days_since(payment["next_on"]) > 2))


@rule("resume_scheduled_payment")
def paused_payment_rests(step: Step) -> bool:
    """A scheduled payment is not resumed in the conversation that paused it."""
    return not did(step, ("pause_scheduled_payment",), "scheduled_payment_id")


@rule("schedule_payment", "resume_scheduled_payment")
def four_active_payments(step: Step) -> bool:
    """A customer has at most 4 active scheduled payments."""
    rows = step.after["scheduled_payments"].values()
    return len([row for row in rows if row["customer_id"] == step.user and row["status"] == "active"]) <= 4


@rule("activate_card")
def new_card_travels(step: Step) -> bool:
    """An inactive card is put to use 3 days after it was issued at the earliest, since it comes by post."""
    card = named(step, "cards", "card_id")
    return bool(card and (card["status"] != "inactive" or days_since(card["issued_on"]) >= 3))


@rule("activate_card")
def frozen_card_rests(step: Step) -> bool:
    """A card is not put to use again in the conversation that froze it."""
    return not did(step, ("freeze_card",), "card_id")


@rule("set_card_limit")
def limit_fits_tier(step: Step) -> bool:
    """A card's daily limit is at most $1,000 for standard customers, $2,000 for plus and $5,000 for premium ones."""
    card = named(step, "cards", "card_id")
    tier = step.before["customers"].get(card.get("customer_id", ""), {}).get("tier")
    return bool(step.arguments.get("daily_limit", 0) <= TOP_LIMIT.get(tier, 0))


@rule("set_card_limit")
def raise_needs_full_identity(step: Step) -> bool:
    """A limit above $500 is set only for customers whose identity level is full."""
    card = named(step, "cards", "card_id")
    level = step.before["customers"].get(card.get("customer_id", ""), {}).get("identity_level")
    return bool(level == "full" or step.arguments.get("daily_limit", 0) <= 500)


@rule("set_card_limit")
def one_raise(step: Step) -> bool:
    """Limits of cards are raised once in a conversation; they are lowered as often as the customer wishes."""
    return not _raises(step) or not any(_raises(earlier) for earlier in did(step, ("set_card_limit",)))


@rule("dispute_transaction")
def dispute_window(step: Step) -> bool:
    """A transaction is disputed within 60 days after it was posted."""
    transaction = _transaction(step)
    return bool(transaction) and days_since(transaction["posted_on"]) <= 60


@rule("dispute_transaction")
def refunded_stays(step: Step) -> bool:
    """A transaction that the merchant has refunded is not disputed."""
    return not _transaction(step).get("refunded")


@rule("dispute_transaction")
def disputed_once(step: Step) -> bool:
    """A transaction is disputed once; when the dispute was withdrawn or decided there is no second one."""
    return not _transaction(step).get("dispute_id")


@rule("dispute_transaction")
def dispute_amount(step: Step) -> bool:
    """Disputes are about $5 to $1,000: less is not disputed, more is taken up by a person (transfer_to_human)."""
    return bool(5 <= _transaction(step).get("amount", 0) <= 1000)


@rule("close_account")
def checking_needs_person(step: Step) -> bool:
    """Only savings accounts are closed here; a checking account is closed by a person (transfer_to_human)."""
    return named(step, "accounts", "account_id").get("kind") == "savings"


@rule("close_account")
def young_account_stays(step: Step) -> bool:
    """An account is closed 30 days after it was opened at the earliest."""
    account = named(step, "accounts", "account_id")
    return bool(account) and days_since(account["opened_on"]) >= 30


def _payee(step: Step) -> Row:
    with suppress(Refusal):
        return find_payee(step.before, step.arguments.get("payee_id", ""))[1]
    return {}


def _transaction(step: Step) -> Row:
    with suppress(Refusal):
        return find_transaction(step.before, step.arguments.get("transaction_id", ""))[1]
    return {}


def _owners(step: Step) -> set[str | None]:
    """The customers to whom the things belong that a call names; None for what does not exist."""
    owners: set[str | None] = set()
    for name, value in step.arguments.items():
        if name == "customer_id":
            owners.add(value)
        elif name == "payee_id":
            owners.add("C" + value.rpartition("-")[0].removeprefix("P") if _payee(step) else None)
        elif name == "transaction_id":
            account_id = "A" + value.rpartition("-")[0].removeprefix("T")
            owners.add(step.before["accounts"].get(account_id, {}).get("customer_id"))
        elif name.endswith("account_id"):
            owners.add(named(step, "accounts", name).get("customer_id"))
        elif name in TABLES:
            owners.add(named(step, TABLES[name], name).get("customer_id"))
    return owners


def _raises(step: Step) -> bool:
    before = named(step, "cards", "card_id").get("daily_limit", 0)
    return bool(step.arguments.get("daily_limit", 0) > before)
