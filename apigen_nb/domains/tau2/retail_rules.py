"""tau2's retail policy where its tools leave it to the agent; a docstring is what is shown when a rule is broken.

Its tools themselves check the status of an order, the reason of a cancellation, the product and stock of new items, the
payment method of a return, balances, and that items are changed, exchanged or returned once: no rule repeats that. Who
asked, and who confirmed what, is not in a trace.
"""

from __future__ import annotations

from typing import Any

from ...world.domain import Step, rule

_ON_ITEMS = ("modify_pending_order_items", "exchange_delivered_order_items", "return_delivered_order_items")
_CENT = 0.01
_ON_ORDERS = (*_ON_ITEMS, "cancel_pending_order", "modify_pending_order_address", "modify_pending_order_payment")


@rule(*_ON_ORDERS)
def own_order(step: Step) -> bool:
    """One conversation serves one user: the order must be that user's own."""
    order = _order(step)
    return order is not None and bool(order.user_id == step.user)


@rule("modify_user_address")
def own_account(step: Step) -> bool:
    """One conversation serves one user: only that user's default address is changed."""
    return step.arguments.get("user_id") == step.user


@rule("modify_pending_order_address")
def modified_order_stands(step: Step) -> bool:
    """A pending order whose items have been modified is not modified any more: change its address before its items."""
    order = _order(step)
    return order is None or bool(order.status == "pending")


@rule("exchange_delivered_order_items")
def another_option(step: Step) -> bool:
    """An item is exchanged for another item of the same product, with a different option, never for the same item."""
    wanted = zip(step.arguments.get("item_ids", ()), step.arguments.get("new_item_ids", ()), strict=False)
    return all(old != new for old, new in wanted)


@rule(*_ON_ITEMS)
def items_are_named(step: Step) -> bool:
    """A modification, exchange or return names the items it is for, one at least."""
    return bool(step.arguments.get("item_ids"))


@rule("cancel_pending_order")
def total_is_refunded(step: Step) -> bool:
    """A cancelled order refunds its total, no more and no less: one whose payment method was changed is not cancelled,
    because the cancellation would refund every entry of its payment history."""
    order = step.after["orders"].get(step.arguments.get("order_id", ""))
    left = (
        [e.amount if e.transaction_type == "payment" else -e.amount for e in order.payment_history] if order else [0.0]
    )
    return bool(abs(sum(left)) < _CENT)


def _order(step: Step) -> Any:
    """The order a call is about, as it was before; None when there is none."""
    return step.before["orders"].get(step.arguments.get("order_id", ""))
