"""Writing tools for money on the move: between own accounts, to saved payees, and who is a payee."""

from __future__ import annotations

from apigen_nb.domains.banking import bank
from apigen_nb.world.toolkit import Database, Refusal, Row, in_form, in_status, next_id, tool


@tool(writes=True)
def transfer_between_accounts(db: Database, from_account_id: str, to_account_id: str, amount: float) -> Row:
    """Move money between two accounts of the same customer. It arrives at once.

    Args:
        from_account_id: The account that the money leaves, like A48213.
        to_account_id: The account that gets it.
        amount: Dollars and cents, like 120.5.
    """
    amount = bank.check_amount(amount)
    source, target = bank.open_account(db, from_account_id), bank.open_account(db, to_account_id)
    if from_account_id == to_account_id:
        raise Refusal("the money would stay where it is; name two different accounts", kind="same account")
    if source["customer_id"] != target["customer_id"]:
        raise Refusal(
            f"{to_account_id} is an account of somebody else; it has to be saved as a payee",
            kind="not one's own account",
        )
    bank.take(source, "transfer out", amount)
    bank.book(target, "transfer in", amount)
    if source["kind"] == "savings":
        source["withdrawals_this_month"] += 1
    kind = {"kind": "internal", "from_account_id": from_account_id, "to_account_id": to_account_id}
    return _record(db, source["customer_id"], kind, amount, "settled")


@tool(writes=True)
def send_to_payee(db: Database, from_account_id: str, payee_id: str, amount: float, memorable_word: str) -> Row:
    """Send money to a saved payee. It leaves the account at once and arrives on the next day.

    Args:
        from_account_id: The account that the money leaves, like A48213.
        payee_id: The saved payee, like P10432-1.
        amount: Dollars and cents, like 120.5.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    amount = bank.check_amount(amount)
    account = bank.open_account(db, from_account_id)
    customer = own_payee(db, account, payee_id)
    bank.check_word(customer, memorable_word)
    bank.take(account, "transfer out", amount)
    kind = {"kind": "external", "from_account_id": from_account_id, "payee_id": payee_id}
    return _record(db, customer["customer_id"], kind, amount, "pending")


@tool(writes=True)
def cancel_transfer(db: Database, transfer_id: str) -> Row:
    """Call back a pending transfer; the money returns to the account that it left.

    Args:
        transfer_id: The transfer's id, like TR10432-1.
    """
    transfer = in_status(bank.find_transfer(db, transfer_id), "transfer", "pending")
    account = bank.open_account(db, transfer["from_account_id"])
    bank.book(account, "transfer returned", transfer["amount"])
    transfer["status"] = "cancelled"
    return {"transfer_id": transfer_id, "status": "cancelled", "balance": account["balance"]}


@tool(writes=True)
def add_payee(
    db: Database, customer_id: str, payee_name: str, routing_number: str, account_number: str, memorable_word: str
) -> Row:
    """Save a new payee, whom the customer can send money to later.

    Args:
        customer_id: The customer's id, like C10432.
        payee_name: The payee's name, as it stands on the bill.
        routing_number: The nine digits of the payee's bank.
        account_number: The eight to twelve digits of the payee's account.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    customer = bank.find_customer(db, customer_id)
    in_form(routing_number, r"[0-9]{9}", "a routing number", ", which has 9 digits")
    in_form(account_number, r"[0-9]{8,12}", "an account number", ", which has 8 to 12 digits")
    masked = f"ends in {account_number[-4:]}"
    for payee in customer["payees"].values():
        if (payee["payee_name"].casefold(), payee["masked_number"]) == (payee_name.casefold(), masked):
            raise Refusal(f"{payee_name} is saved as {payee['payee_id']} already", kind="payee is saved already")
    bank.check_word(customer, memorable_word)
    payee_id = f"{customer_id.replace('C', 'P', 1)}-{len(customer['payees']) + 1}"
    payee = {
        "payee_id": payee_id,
        "payee_name": payee_name,
        "masked_number": masked,
        "added_at": bank.NOW.isoformat(timespec="minutes"),
    }
    customer["payees"][payee_id] = payee
    return payee


def own_payee(db: Database, account: Row, payee_id: str) -> Row:
    """The customer who holds the account and has saved the payee, or a refusal."""
    customer, _ = bank.find_payee(db, payee_id)
    if customer["customer_id"] != account["customer_id"]:
        raise Refusal(f"payee {payee_id} is not saved by the holder of {account['account_id']}", kind="not one's payee")
    return customer


def _record(db: Database, customer_id: str, kind: Row, amount: float, status: str) -> Row:
    transfer = {
        "transfer_id": next_id(db["transfers"], customer_id.replace("C", "TR", 1)),
        "customer_id": customer_id,
        **kind,
        "amount": amount,
        "status": status,
        "made_at": bank.NOW.isoformat(timespec="minutes"),
    }
    db["transfers"][transfer["transfer_id"]] = transfer
    return transfer
