"""Calls that can be made for a user: what is found holds, and is the same every time."""

from __future__ import annotations

import dataclasses

import pytest

from apigen_nb.world.domain import Domain
from apigen_nb.world.feasible_calls import ENOUGH, TRIES, UserCalls
from tests.library import OVERDUE, RENEW, call


def test_each_end_of_a_call_is_found_where_the_records_have_one(library: Domain) -> None:
    calls = UserCalls(library, "M1")
    allowed, refused, broken = (calls.find("renew_loan", end) for end in ("allowed", "refused", "against a rule"))
    assert allowed is not None
    assert refused is not None
    assert broken is not None
    assert [found.arguments["loan_id"] for found in (allowed, refused, broken)] == ["L1", "L3", "L2"]
    # the other member has nothing that is overdue or returned
    other = UserCalls(library, "M2")
    assert (other.find("renew_loan", "refused"), other.find("renew_loan", "against a rule")) == (None, None)
    assert other.find("renew_loan", "allowed") == UserCalls(library, "M2").find("renew_loan", "allowed")


def test_what_was_done_before_counts(library: Domain) -> None:
    calls = UserCalls(library, "M1")
    assert calls.find("renew_loan", "allowed", (RENEW,)) is None  # one renewal a conversation
    again = calls.find("renew_loan", "against a rule", (RENEW,))
    assert again is not None
    assert calls.ends(again, (RENEW,)) == "against a rule"
    assert calls.ends(OVERDUE) == "against a rule"
    given_back = call("return_loan", loan_id="L1")
    assert calls.find("return_loan", "allowed") is not None
    assert calls.ends(given_back, (given_back,)) == "refused"


def test_what_undoes_an_earlier_call_is_no_end(library: Domain) -> None:
    name = library.tables["members"]["M1"]["name"]
    calls, renamed = UserCalls(library, "M1"), call("rename_member", member_id="M1", name="Ada Reed")
    assert calls.ends(renamed) == "allowed"
    assert calls.ends(call("rename_member", member_id="M1", name=name), (renamed,)) is None
    other = call("rename_member", member_id="M1", name="Ada Read")
    assert calls.ends(other, (renamed,)) == "allowed"
    assert calls.ends(renamed, (renamed, other)) is None


def test_tools_and_rules_that_break_on_what_is_made_up_are_no_end(library: Domain) -> None:
    calls = UserCalls(library, "M1")
    assert calls.ends(call("set_points", member_id="M1", points=13)) is None
    assert calls.ends(call("set_points", member_id="M1", points="many")) is None
    assert calls.ends(call("set_points", member_id="M1", points=1250)) is None  # nothing changes
    broken = dataclasses.replace(library.rules[0], holds=lambda step: step.arguments["nothing"])
    assert UserCalls(dataclasses.replace(library, rules=(broken,)), "M1").ends(RENEW) is None


def test_what_values_a_call_has_of_the_records_and_where_they_stand(library: Domain) -> None:
    calls = UserCalls(library, "M1")
    assert calls.from_records(RENEW) == ["L1"]
    assert calls.rows_of([RENEW]) == [("loans", "L1")]
    assert calls.rows_of([call("rename_member", member_id="M1", name="Ada Reed")]) == [("members", "M1")]


@pytest.mark.parametrize("name", ["renew_loan", "pay_receipt", "set_points"])
def test_no_search_makes_more_calls_than_it_may(library: Domain, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, end = [], UserCalls._end
    monkeypatch.setattr(UserCalls, "_end", lambda self, action, *rest: made.append(action) or end(self, action, *rest))
    calls = UserCalls(library, "M2")
    for _ in range(ENOUGH):
        calls.find(name, "against a rule")
    assert 0 < len(made) <= TRIES
    assert len({str(action) for action in made}) == len(made)
