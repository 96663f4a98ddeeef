"""What a value says: which facts stand in it, which parameter a fact fits, whether a text tells an output."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.gates.derivation import KnownValues
from apigen_nb.world.values import facts, fits, has_type, mentions, normalize, parse_number, produced_key, singular

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
amounts = st.decimals(min_value=0, max_value=10**9, places=2)


def pairs(value: Any, key: str = "") -> list[tuple[str, Any]]:
    return [(fact.key, fact.value) for fact in facts(value, key)]


# --- singular, fits


@pytest.mark.parametrize(
    ("word", "single"),
    [
        ("item_ids", "item_id"),
        ("orders", "order"),
        ("cities", "city"),
        ("addresses", "address"),
        ("address", "address"),
        ("status", "status"),
        ("class", "class"),
        ("points", "point"),
        ("id", "id"),
        ("", ""),
    ],
)
def test_singular(word: str, single: str) -> None:
    assert singular(word) == single


@given(st.text(max_size=20))
def test_singular_only_shortens_and_never_raises(word: str) -> None:
    assert singular(word)[:-1] == word[: max(len(singular(word)) - 1, 0)]
    assert bool(singular(word)) == bool(word)


@pytest.mark.parametrize(
    ("parameter", "key"),
    [
        ("order_id", "order_id"),
        ("order_id", "order"),
        ("order_id", "orders"),
        ("item_ids", "item_id"),
        ("new_item_ids", "item_id"),
        ("refund_to_payment_method_id", "payment_method_id"),
        ("from_account_id", "account_id"),
        ("new_old_item_id", "item_id"),
    ],
)
def test_fits(parameter: str, key: str) -> None:
    assert fits(parameter, key)


@pytest.mark.parametrize(
    ("parameter", "key"),
    [
        ("order_id", "item_id"),
        ("order_id", ""),
        ("id", "order_id"),
        ("item_id", "new_item_id"),
        ("renewal_id", "al_id"),
    ],
)
def test_does_not_fit(parameter: str, key: str) -> None:
    assert not fits(parameter, key)


@pytest.mark.parametrize(
    ("tool", "key"),
    [("find_user_id_by_email", "user_id"), ("lookup_order_id", "order_id"), ("get_order", ""), ("find_member", "")],
)
def test_the_name_of_a_tool_says_what_a_bare_result_is(tool: str, key: str) -> None:
    assert produced_key(tool) == key


# --- facts


def test_facts_come_with_key_and_holder_in_order() -> None:
    row = {"order_id": "#R1", "item_ids": ["a", "b"], "total": 9.5, "open": True, "note": None}
    found = list(facts(row))
    assert [(f.key, f.value) for f in found] == [
        ("order_id", "#R1"),
        ("item_id", "a"),
        ("item_id", "b"),
        ("total", 9.5),
        ("open", True),
    ]
    assert all(fact.holder is row for fact in found)


def test_a_dict_keyed_by_ids_gives_the_ids_as_facts_about_their_rows() -> None:
    gift = {"kind": "gift_card", "balance": 5}
    found = list(facts({"payment_methods": {"g-1": gift, "V2": {"kind": "card"}}}))
    assert [(f.key, f.value) for f in found if f.key == "payment_method_id"] == [
        ("payment_method_id", "g-1"),
        ("payment_method_id", "V2"),
    ]
    assert found[0].holder is gift


def test_a_dict_of_fields_is_not_taken_for_one_keyed_by_ids() -> None:
    assert pairs({"order": {"address": {"city": "Lyon"}, "ship_to": {"city": "Metz"}}}) == [
        ("city", "Lyon"),
        ("city", "Metz"),
    ]


def test_objects_in_strings_are_read() -> None:
    inner = json.dumps({"order_id": "#R1", "items": [{"item_id": "1-1"}]})
    assert pairs({"result": inner}) == [("order_id", "#R1"), ("item_id", "1-1")]
    assert pairs({"note": "{not json"}) == [("note", "{not json")]
    assert pairs({"note": ""}) == [("note", "")]
    assert pairs("U1", key="user_ids") == [("user_id", "U1")]


@given(values)
@settings(max_examples=200)
def test_facts_of_any_value_are_scalars_and_come_back_the_same(value: Any) -> None:
    found = list(facts(value))
    assert repr(found) == repr(list(facts(value)))
    assert all(isinstance(fact.value, str | int | float) for fact in found)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 2_000 + "]" * 2_000, '{"a":' * 5_000, "[" + "9" * 5_000 + "]"])
def test_no_text_of_a_model_breaks_the_search_for_facts(text: str) -> None:
    assert pairs({"note": text})  # it is a text like any other


@pytest.mark.parametrize(
    ("value", "fitting"),
    [("3", {"string", None}), (3, {"integer", "number"}), (3.5, {"number"}), (True, {"boolean"}), (None, set())],
)
def test_a_value_has_the_types_that_a_schema_calls_so(value: Any, fitting: set[str | None]) -> None:
    kinds: tuple[str | None, ...] = ("string", "integer", "number", "boolean", None)
    assert {kind for kind in kinds if has_type(value, {"type": kind} if kind else {})} == fitting


# --- mentions


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("It costs $1,234.50.", "1234.5"),
        ("It costs 1234.50 dollars", "1,234.50"),
        ("It costs $1,234.50.", "$1,234.5"),
        ("You have 1,234 points", "1,234"),
        ("You have 1234 points", "1,234"),
        ("12,345,678 in all", "12345678"),
        ("the price is 12.5", "12.50"),
        ("the price is 12.50", "12.5"),
        ("you get 15% off", "15%"),
        ("you get 15 % off", "15%"),
        ("pay it every month on the 12th, please", "12"),
        ("every 1st of the month", "1"),
        ("the balance is 0", "0.00"),
        ("the difference is -6.50", "-6.5"),
        ("The status is DELIVERED.", "delivered"),
        ("it is  Salt\nRoads", "salt roads"),
        ("(#R1)", "#R1"),
        ("Your order #R1.", "#r1"),
        ("Straße", "STRASSE"),
        ("it is NaN", "nan"),
        ("it is infinity", "Infinity"),
    ],
)
def test_tells(text: str, output: str) -> None:
    assert mentions(text, output)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("it costs 100", "10"),
        ("it costs 10", "100"),
        ("it costs 10.5", "10"),
        ("it costs 110", "10"),
        ("it costs 1,000", "1"),
        ("order #R10", "#R1"),
        ("it was undelivered", "delivered"),
        ("it was delivered_late", "delivered"),
        ("A1", "1"),
        ("-5", "5"),
        ("12.5kg", "12"),
        ("on the 12th of the month", "2"),
        ("on the 12th of June", "12"),
        ("", "x"),
        ("anything", ""),
        ("anything", "  "),
    ],
)
def test_does_not_tell(text: str, output: str) -> None:
    assert not mentions(text, output)


def test_a_negative_amount_of_money_is_told_as_people_write_it() -> None:
    assert mentions("The difference is -$6.50, which you get back.", "-6.5")


@pytest.mark.parametrize(
    "text", ["It was delivered on 2026-05-03.", "It is item 48213-3.", "It is variant sku-210-03."]
)
def test_the_digits_of_an_id_or_a_date_do_not_tell_a_number(text: str) -> None:
    assert not mentions(text, "3")


@given(amounts, st.booleans(), st.booleans(), st.sampled_from(["", "$", "€"]))
def test_an_amount_is_told_however_it_is_written(amount: Decimal, commas: bool, expected: bool, sign: str) -> None:
    text, wanted = (f"{amount:,}" if way else str(amount) for way in (commas, expected))
    assert mentions(f"That is {sign}{text}.", wanted)
    assert mentions(f"That is {sign}{text}.", str(amount.normalize()))
    assert not mentions(f"That is {sign}{text}.", str(amount + 1))


@given(st.text(alphabet="ab1 ,.$", min_size=1), st.text(alphabet="ab1 ,.$"))
def test_a_text_tells_its_own_words(output: str, rest: str) -> None:
    assert (
        mentions(f"{rest} {output} {rest}", output) or parse_number(normalize(output)) is not None or not output.strip()
    )


awkward = st.sampled_from(
    ["sNaN", "-Infinity", "1e999999999", "١٢", "²", "1_000", "\ud800", "[[", "9" * 5_000, "$", "%"]
)


@given(st.text() | awkward, st.text() | awkward)
@settings(max_examples=300)
def test_no_text_makes_the_comparison_raise(text: str, output: str) -> None:
    assert mentions(text, output) in (True, False)
    parse_number(output)
    normalize(text)


@given(st.lists(st.text() | awkward, max_size=4), st.text() | awkward)
@settings(max_examples=200)
def test_no_text_makes_the_findings_raise(texts: list[str], output: str) -> None:
    found = KnownValues(facts({"notes": texts}))
    assert found.derives(output) in (True, False)
    assert all(found.holds(text) for text in texts)


@pytest.mark.parametrize("text", ["sNaN", "nan", "Infinity", "9e9999999"])
def test_a_word_that_only_looks_like_a_number_is_derived_as_a_word(text: str) -> None:
    assert KnownValues(facts({"city": text, "note": text})).derives(text)
