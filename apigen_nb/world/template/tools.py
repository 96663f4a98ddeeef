"""What the agent can do. Each function marked @tool is a tool: its name, its types and its docstring are what the agent
reads, so there is no schema to write. The first argument is the database: `db["loans"]` is a table, id → row.

To change: put in your own tools, and keep the three sorts: one finds the user, some read, some write.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from apigen_nb import Database, Refusal, tool

# The table of those whom a conversation serves; only needed when it is not called customers, users or members.
USERS = "members"
# Whom users write to, and when, as they know it.
SERVICE = "the desk of a small library; today is 2026-05-18"

Row = dict[str, Any]


# The entrance: finds out who the user is from what a user knows by heart. It gives the id that the other tools take.
@tool
def find_member(db: Database, email: str) -> Row:
    """Find a member's id by the e-mail address.

    Args:
        email: The e-mail address, in any case.
    """
    for member in db["members"].values():
        if member["email"].lower() == email.strip().lower():
            return {"member_id": member["member_id"]}
    # A refusal is what the agent is told, with the way out. `kind` names the sort of refusal: reports count by it.
    raise Refusal(f"no member has the e-mail address {email}; ask for another one", kind="no such member")


# A reading tool shows rows and never changes one.
@tool
def get_member(db: Database, member_id: str) -> Row:
    """Show a member: name, e-mail address, and all loans with title, status, due date and whether somebody waits.

    Args:
        member_id: The member's id, like M-101.
    """
    if member_id not in db["members"]:
        raise Refusal(f"no member {member_id}; find the id by e-mail address", kind="no such member")
    member = db["members"][member_id]
    return {**member, "loans": [db["loans"][loan_id] for loan_id in member["loan_ids"]]}


# A writing tool changes rows in place. It checks what cannot be done at all; what the library merely does not allow is
# a rule (rules.py), so that the agent has to keep to the policy by itself.
@tool(writes=True)
def renew_loan(db: Database, loan_id: str, weeks: int) -> Row:
    """Renew a loan that is lent: move its due date by some weeks.

    Args:
        loan_id: The loan's id, like L-2001.
        weeks: By how many weeks, 1 to 4.
    """
    if loan_id not in db["loans"]:
        raise Refusal(f"no loan {loan_id}; get_member lists a member's loans", kind="no such loan")
    loan = db["loans"][loan_id]
    if loan["status"] != "lent":
        raise Refusal(f"loan {loan_id} is {loan['status']}; this needs one that is lent", kind="loan is not lent")
    if not 1 <= weeks <= 4:
        raise Refusal(f"a loan is renewed by 1 to 4 weeks, found {weeks}", kind="bad number of weeks")
    loan["due_on"] = (date.fromisoformat(loan["due_on"]) + timedelta(weeks=weeks)).isoformat()
    loan["renewals"] += 1
    return {"loan_id": loan_id, "due_on": loan["due_on"]}
