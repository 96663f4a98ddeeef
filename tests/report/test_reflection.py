"""What reflection is worth: flows, repairs, costs, and texts compared word by word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models.ledger import Price
from apigen_nb.report import pieces, reflection, text_diff
from tests.report_records import HOSTILE, proposals

MADE = proposals(6)


def test_what_flows_into_an_attempt_flows_out_of_it() -> None:
    frame = reflection.flows(MADE)
    first = frame[frame["attempt"] == 0]
    assert set(first["source"]) == {"seeds"}
    assert first["count"].sum() == len(MADE)
    for attempt in range(int(frame["attempt"].max())):
        here = frame[frame["attempt"] == attempt]
        arrived = here[~here["target"].isin([reflection.ACCEPTED, reflection.REJECTED])]
        left = frame[frame["attempt"] == attempt + 1]
        assert arrived.groupby("target")["count"].sum().to_dict() == left.groupby("source")["count"].sum().to_dict()
    ended = frame[frame["target"].isin([reflection.ACCEPTED, reflection.REJECTED])]
    assert ended["count"].sum() == len(MADE)


def test_the_sankey_keeps_the_counts_and_places_everything_on_the_canvas() -> None:
    frame = reflection.flows(MADE)
    drawn = reflection.sankey(frame, ["format", "execution"]).data[0]
    assert sum(drawn.link.value) == frame["count"].sum()
    assert all(0 < place < 1 for place in (*drawn.node.x, *drawn.node.y))
    assert len(drawn.link.source) == len(frame)
    assert max(drawn.link.target) == len(drawn.node.label) - 1


def test_a_failure_is_mended_only_when_its_gate_looked_again() -> None:
    frame = reflection.repairs(MADE).set_index(["gate", "failure"])
    grounding = frame.loc[("grounding", "not derivable")]
    assert (grounding["attempted"], grounding["passed"], grounding["accepted at once"]) == (1, 1, 1)
    execution = frame.loc[("execution", "order is not pending")]
    # once mended, twice still there; the last attempt of all had none after it
    assert (execution["attempted"], execution["passed"], execution["unanswered"]) == (3, 1, 1)
    # the committee's failure was followed by one at the policy: the committee did not look again
    committee = frame.loc[("committee", "completeness")]
    assert (committee["attempted"], committee["passed"], committee["accepted later"]) == (1, 0, 1)
    assert "not derivable" in reflection.repairs_figure(reflection.repairs(MADE)).to_json()


def test_costs_add_up_and_are_divided_by_the_repaired() -> None:
    frame = reflection.costs(MADE).set_index("outcome")
    whole = frame.drop(index="all that fell first, per repaired one")
    assert whole["blueprints"].sum() == len(MADE)
    assert whole["model calls"].sum() == sum(u.calls for p in MADE for u in p.usage.values())
    fell = frame.loc["all that fell first, per repaired one"]
    assert fell["calls each"] == pytest.approx(fell["model calls"] / 3)
    assert fell["tokens each"] == pytest.approx(4 * 1110 / 3)
    prices = {role: Price(prompt=1.0, completion=1.0) for p in MADE for role in p.usage}
    priced = reflection.costs(MADE, prices).set_index("outcome")
    assert priced["dollars"].tolist() == pytest.approx((priced["tokens"] / 1e6).tolist())
    assert priced["dollars each"].tolist() == pytest.approx((priced["tokens each"] / 1e6).tolist())
    assert "dollars" not in frame.columns
    prices.popitem()
    assert "dollars" not in reflection.costs(MADE, prices).columns, "a role without a price is never guessed"
    free = [p.model_copy(update={"usage": {}}) for p in MADE]
    assert "tokens" not in reflection.costs(free).columns


def test_the_answer_names_the_gain() -> None:
    assert "repaired 3 (75.0 %" in reflection.headline(MADE)
    assert "from 33.3 % to 83.3 %" in reflection.headline(MADE)
    assert "nothing was left" in reflection.headline(proposals(1))


def test_words_that_changed_stand_side_by_side() -> None:
    parts = text_diff.compare("You want to cancel order W1 now.", "You want to return order W2 please now.")
    assert [text for kind, text in parts if kind == "gone"] == ["cancel", "W1"]
    assert [text for kind, text in parts if kind == "new"] == ["return", "W2 please"]


def test_a_phrase_replaced_is_one_change() -> None:
    old, new = "send the blue lamp to Oslo, at my cost", "send two chairs of oak to Rome and pay at my cost"
    parts = text_diff.compare(old, new)
    assert [kind for kind, _ in parts] == ["same", "gone", "new", "same"]


@given(st.text("ab \n", max_size=60), st.text("ab \n", max_size=60))
def test_both_texts_can_be_read_from_the_difference(old: str, new: str) -> None:
    parts = text_diff.compare(old, new)
    assert "".join(text for kind, text in parts if kind != "new") == old
    assert "".join(text for kind, text in parts if kind != "gone") == new


def test_a_step_shows_feedback_beside_the_change_and_nothing_runs() -> None:
    piece = pieces.reflection(proposals(6)[4], 1)
    assert "The feedback it was given" in piece
    assert "fell at grounding" in re.sub("<[^>]*>", "", piece)
    hostile = pieces.reflection(proposals(6, HOSTILE)[4], 1)
    assert "<script>" not in hostile
    assert "<img" not in hostile
