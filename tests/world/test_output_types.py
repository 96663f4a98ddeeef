"""Of which type an expected output is, by the fact that it was taken from."""

from __future__ import annotations

from typing import Any

import pytest

from apigen_nb.world.output_types import output_type
from apigen_nb.world.telling import telling, tells
from apigen_nb.world.values import Fact


@pytest.mark.parametrize(
    ("output", "key", "value", "holder", "type"),
    [
        ("2026-05-24", "due", "2026-05-24", {}, "date"),
        ("10:00", "opens", "10:00", {}, "time"),
        ("24", "warranty_months", 24, {}, "month"),
        ("24", "warranty_month", 24, {}, "month"),  # keys of lists come singular
        ("3.5", "weight_kg", 3.5, {}, "kilogram"),
        ("266.3", "unit_price", 266.3, {}, "money"),
        ("266.3", "total", 266.3, {"total": 266.3, "currency": "USD"}, "money"),
        ("$490", "note", "$490", {}, "money"),
        ("12.5", "discount_percent", 12.5, {}, "percentage"),
        ("3", "open_orders", 3, {}, "count"),
        ("0.5", "score", 0.5, {}, "number"),
        ("7312", "last_four", "7312", {}, "identifier"),
        ("52001", "zip", "52001", {}, "identifier"),
        ("#R12030", "order_id", "#R12030", {}, "identifier"),
        ("pending", "status", "pending", {}, "word"),
        ("True", "active", True, {}, "word"),
        ("5", "note", "5", {}, ""),
    ],
)
def test_the_field_of_a_fact_says_of_which_type_an_output_is(
    output: str, key: str, value: Any, holder: dict[str, Any], type: str
) -> None:
    assert output_type(output, Fact(key, value, holder)) == type


def test_a_known_type_tells_apart_what_a_mere_number_does_not() -> None:
    assert tells("It runs for two years.", "24", "month")
    assert not tells("It runs for 24 days.", "24", "month")
    assert tells("It is $7,312.", "7312")
    assert not tells("It is $7,312.", "7312", "identifier")
    assert tells("It is the one ending in 7312.", "7312", "identifier")
    assert telling(["It is another one."], "7312", "identifier") == "not told"
    assert not tells("You have 266 points.", "266", "money")
    assert tells("You saved 12.5 percent.", "12.5", "percentage")
    assert tells("It weighs 3.5 kilograms.", "3.5", "kilogram")
