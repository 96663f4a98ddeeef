"""A library small enough to read: the domain that the tests of the stages share, and blueprints in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apigen_nb.records import Action, Blueprint, Kind, Verdict
from apigen_nb.world.domain import Conduct, Domain

TOOLS = '''
from typing import Literal

from apigen_nb.world.domain import tool
from apigen_nb.world.world import Database, Refusal


@tool
def find_member(db: Database, email: str) -> dict:
    """Find a member's id by e-mail.

    Args:
        email: The e-mail address.
    """
    for member in db["members"].values():
        if member["email"] == email:
            return {"member_id": member["member_id"]}
    raise Refusal(f"nobody has the e-mail address {email}", kind="no such member")


@tool
def get_member(db: Database, member_id: str) -> dict:
    """Show a member: name, e-mail, points and loan ids.

    Args:
        member_id: The member's id.
    """
    if member_id not in db["members"]:
        raise Refusal(f"no member {member_id}", kind="no such member")
    return db["members"][member_id]


@tool
def get_loan(db: Database, loan_id: str) -> dict:
    """Show a loan: title, status, days left and fee.

    Args:
        loan_id: The loan's id.
    """
    if loan_id not in db["loans"]:
        raise Refusal(f"no loan {loan_id}", kind="no such loan")
    return db["loans"][loan_id]


@tool(writes=True)
def renew_loan(db: Database, loan_id: str, reason: Literal["travel", "illness", "not finished"]) -> dict:
    """Renew a loan by two weeks.

    Args:
        loan_id: The loan's id.
        reason: Why it is renewed.
    """
    if loan_id not in db["loans"]:
        raise Refusal(f"no loan {loan_id}", kind="no such loan")
    loan = db["loans"][loan_id]
    if loan["status"] != "out":
        raise Refusal(f"loan {loan_id} is {loan['status']}", kind="not out")
    loan.update(days_left=loan["days_left"] + 14, reason=reason)
    return {"loan_id": loan_id, "days_left": loan["days_left"]}


@tool(writes=True)
def return_loan(db: Database, loan_id: str) -> dict:
    """Take back a loan; its fee is put on a receipt.

    Args:
        loan_id: The loan's id.
    """
    if loan_id not in db["loans"]:
        raise Refusal(f"no loan {loan_id}", kind="no such loan")
    loan = db["loans"][loan_id]
    if loan["status"] != "out":
        raise Refusal(f"loan {loan_id} is {loan['status']}", kind="not out")
    loan["status"] = "returned"
    receipt_id = f"R-{len(db['receipts']) + 771}"
    db["receipts"][receipt_id] = {"receipt_id": receipt_id, "loan_id": loan_id, "paid": False}
    return {"receipt_id": receipt_id, "fee_due": loan["fee"]}


@tool(writes=True)
def pay_receipt(db: Database, receipt_id: str) -> str:
    """Pay a receipt.

    Args:
        receipt_id: The receipt's id.
    """
    if receipt_id not in db["receipts"]:
        raise Refusal(f"no receipt {receipt_id}", kind="no such receipt")
    db["receipts"][receipt_id]["paid"] = True
    return "paid"


@tool(writes=True)
def set_points(db: Database, member_id: str, points: int) -> str:
    """Set the points of a member.

    Args:
        member_id: The member's id.
        points: How many.
    """
    if points == 13:
        raise ZeroDivisionError("a bug in the tool")
    db["members"][member_id]["points"] = points
    return "done"


@tool(writes=True)
def rename_member(db: Database, member_id: str, name: str) -> dict:
    """Change the name of a member.

    Args:
        member_id: The member's id.
        name: The new name.
    """
    db["members"][member_id]["name"] = name
    return {"member_id": member_id, "name": name}


@tool(ends=True)
def hand_over(db: Database, summary: str) -> str:
    """Hand the conversation over to a person.

    Args:
        summary: What it is about.
    """
    return "A person takes over."
'''
RULES = '''
from apigen_nb.world.domain import Step, rule


@rule("renew_loan", "return_loan")
def own_loan(step: Step) -> bool:
    """A loan must be the member's own."""
    return step.before["loans"][step.arguments["loan_id"]]["member_id"] == step.user


@rule("renew_loan")
def renewed_once(step: Step) -> bool:
    """In one conversation one loan is renewed."""
    return not any(earlier.name == "renew_loan" for earlier in step.earlier)


@rule("renew_loan")
def overdue_stays(step: Step) -> bool:
    """An overdue loan is not renewed."""
    return step.before["loans"][step.arguments["loan_id"]]["days_left"] >= 0
'''


def _member(number: int, name: str, loan_ids: list[str]) -> dict[str, Any]:
    email = f"{name.split()[0].lower()}@example.com"
    return {"member_id": f"M{number}", "name": name, "email": email, "points": 1250, "loan_ids": loan_ids}


def _loan(number: int, member_id: str, title: str, days_left: int, fee: float, status: str = "out") -> dict[str, Any]:
    row = {"loan_id": f"L{number}", "member_id": member_id, "title": title, "status": status}
    return {**row, "days_left": days_left, "fee": fee}


DATA = {
    "members": {"M1": _member(1, "Ada Moor", ["L1", "L2", "L3"]), "M2": _member(2, "Bo Fen", ["L4"])},
    "loans": {
        "L1": _loan(1, "M1", "Salt Roads", 3, 0.5),
        "L2": _loan(2, "M1", "The Iron Orchard", -4, 2.25),
        "L3": _loan(3, "M1", "Night Ferry", 0, 1.75, status="returned"),
        "L4": _loan(4, "M2", "Bone Map", 9, 0.75),
    },
    "receipts": {"R-1": {"receipt_id": "R-1", "loan_id": "L3", "paid": False}},
}

# A policy that asks nothing of how it is done: for conversations that are about something else, and short.
EASY = Conduct(identify_first=False, confirm_writes=False, one_call_at_a_time=False, no_text_beside_calls=False)
EASY_RULES = """
from apigen_nb.world.domain import Conduct

CONDUCT = Conduct(
    identify_first=False, confirm_writes=False, one_call_at_a_time=False, no_text_beside_calls=False
)
"""


def write_library(folder: Path, *, easy: bool = False) -> Path:
    """The library as a domain folder: no phrases, so all wording comes from docstrings. `easy` is with `EASY`."""
    (folder / "data").mkdir(parents=True)
    (folder / "tools.py").write_text(TOOLS)
    (folder / "rules.py").write_text(RULES + EASY_RULES * easy)
    (folder / "policy.md").write_text("Members renew and return their own loans. An overdue loan is not renewed.")
    for table, rows in DATA.items():
        (folder / "data" / f"{table}.json").write_text(json.dumps(rows))
    return folder


def call(name: str, /, **arguments: Any) -> Action:
    return Action(name=name, arguments=arguments)


def task(
    *actions: Action, outputs: tuple[str, ...] = (), says: str = "", user: str = "M1", id: str = "library-00000"
) -> Blueprint:
    """A blueprint of the library whose user gives an e-mail address and then says `says`."""
    email = DATA["members"][user]["email"]
    says = f"Your email is {email}. {says}"
    return Blueprint(
        id=id, domain="library", user=user, persona="calm", instruction=says, actions=actions, outputs=outputs
    )


RENEW = call("renew_loan", loan_id="L1", reason="travel")
RETURN = call("return_loan", loan_id="L1")


def verdict(gate: Any, blueprint: Blueprint, domain: Domain) -> Verdict:
    found = gate(blueprint, domain)
    assert isinstance(found, Verdict)
    assert found.passed == (not found.reason) == (not found.kind)
    return found


OVERDUE = call("renew_loan", loan_id="L2", reason="travel")
GONE = call("return_loan", loan_id="L3")
POE = call("rename_member", member_id="M1", name="Ada Poe")
RENAME = call("rename_member", member_id="M1", name="Ada Reed")


def of(kind: Kind, *actions: Action, **parts: object) -> Blueprint:
    says = parts.pop("says", "You want to renew loan L1, as you travel.")
    outputs = parts.pop("outputs", ())
    return task(*actions, says=str(says), outputs=tuple(outputs)).model_copy(update={"kind": kind, **parts})  # type: ignore[call-overload]


GOOD: dict[str, Blueprint] = {
    "plain": of("plain", RENEW),
    "missing detail": of("missing detail", RENEW, withheld=("travel",)),
    "forbidden by a rule": of("forbidden", RETURN, denied=(OVERDUE,), says="You want to return L1 and to renew L2."),
    "forbidden by a tool": of("forbidden", denied=(GONE,), outputs=("0.5",), says="You want to return L3. Fee of L1?"),
    "missing tool": of("missing tool", RETURN, denied=(RENAME,), says="Return L1; you want to be called Ada Reed."),
    "change of mind": of("change of mind", RENEW, denied=(RENAME,), says="Call me Ada Reed; no, renew L1, travel."),
    "tool error": of("tool error", RENEW),
    "no tool": of("no tool", outputs=("An overdue loan is not renewed",), says="You ask about overdue loans."),
    "parallel calls": of("parallel calls", RENEW, RENAME, says="Renew L1, travel; call me Ada Reed."),
}
