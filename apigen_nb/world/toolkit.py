"""What the tools, rules and data of a domain are written with."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from .domain import Step, rule, tool
from .values import singular
from .world import Database, Refusal

__all__ = [  # one import for all that a module of a domain needs
    "Clock", "Database", "Refusal", "Row", "Step", "Table", "cents", "did", "in_form", "in_status", "is_email",
    "is_phone", "lookup", "named", "next_id", "rule", "tool",
]  # fmt: skip

Row = dict[str, Any]
Table = dict[str, Row]


@dataclass(frozen=True)
class Clock:
    """The moment at which the data of a domain stands still. Days and moments are ISO texts, as rows have them."""

    now: datetime

    @property
    def today(self) -> date:
        return self.now.date()

    def day(self, offset: int) -> str:
        """The day so many days after today; before it, for less than none."""
        return (self.today + timedelta(days=offset)).isoformat()

    def days_since(self, day: str) -> int:
        """Days from a day, or from the day of a moment, to today; negative for days to come."""
        return (self.today - date.fromisoformat(day[:10])).days

    def hours_since(self, moment: str) -> float:
        """Hours from a moment to now; negative for moments to come."""
        return (self.now - datetime.fromisoformat(moment)) / timedelta(hours=1)


def cents(amount: float) -> float:
    """An amount of money, rounded to cents."""
    return round(amount, 2) + 0.0


def lookup(table: str, hint: str) -> Callable[[Database, str], Row]:
    """A function that gives a table's row by its id, or a refusal with a hint at where ids are found."""
    what = singular(table).replace("_", " ")

    def find(db: Database, row_id: str) -> Row:
        if row_id not in db[table]:
            raise Refusal(f"no {what} {row_id}; {hint}", kind=f"no such {what}")
        row: Row = db[table][row_id]
        return row

    return find


def in_status(row: Row, what: str, *statuses: str, name: str = "", hint: str = "") -> Row:
    """The row when it is in one of these statuses, or a refusal; `name` is what to call it, "the card" if not told."""
    if row["status"] not in statuses:
        wanted = " or ".join(statuses)
        reason = f"{name or f'the {what}'} is {row['status']}; {hint or f'it has to be {wanted}'}"
        raise Refusal(reason, kind=f"{what} is not {wanted}")
    return row


def in_form(text: str, pattern: str, what: str, hint: str) -> None:
    """A refusal with a hint unless a text has the form of what it should be, such as "a phone number"."""
    if not re.fullmatch(pattern, text):
        raise Refusal(f"{text!r} is not {what}{hint}", kind=f"not {what}")


def is_email(text: str) -> None:
    """A refusal unless a text is an e-mail address."""
    in_form(text, r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address", "; ask the customer to spell it")


def is_phone(text: str) -> None:
    """A refusal unless a text is a phone number."""
    in_form(text, r"[0-9]{3}-[0-9]{3}-[0-9]{4}", "a phone number", "; write it like 312-555-0147")


def next_id(rows: Collection[str], prefix: str) -> str:
    """The next free id under a prefix: TR10432-1, TR10432-2, ..."""
    return f"{prefix}-{1 + sum(key.rpartition('-')[0] == prefix for key in rows)}"


def named(step: Step, table: str, parameter: str) -> Row:
    """The row that an argument of a call names, as it was before the call; {} when there is none."""
    row: Row = step.before[table].get(step.arguments.get(parameter, ""), {})
    return row


def did(step: Step, tools: Collection[str], about: str = "") -> list[Step]:
    """The earlier steps of these tools; with `about`, those that name the same thing in this argument."""
    wanted = step.arguments.get(about)
    return [s for s in step.earlier if s.name in tools and (not about or s.arguments.get(about) == wanted)]
