"""The review committee: majority per metric, threshold, who is asked when; and it never fails open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.gates import Committee
from apigen_nb.blueprints.gates.committee import changed_fields
from apigen_nb.models import Answer, Model, NoAnswer, Question
from apigen_nb.models.chat_format import render
from apigen_nb.records import METRICS, Change, Verdict
from apigen_nb.world.domain import Domain
from tests.library import RENEW, RETURN, call, task
from tests.players import Role

ALL, NONE = (1, 1, 1, 1), (0, 0, 0, 0)
GOOD = task(RENEW, says="You want to renew Salt Roads, as you travel.")


def review(scores: Any, reflection: str = "seen") -> str:
    """A judge's reply; four numbers are the metrics in order."""
    scores = dict(zip(METRICS, scores, strict=True)) if isinstance(scores, tuple) else scores
    return json.dumps({"scores": scores, "reflection": reflection, "correction": f"mend {reflection}"})


def judge(*replies: Any) -> Role:
    """Four numbers are the metrics in order; other replies are as they are."""
    return Role(*(review(reply) if isinstance(reply, tuple) else reply for reply in replies))


async def meet(domain: Domain, *judges: Model, threshold: float = 0.75) -> Verdict:
    return await Committee(judges, threshold)(GOOD, domain)


# --- majority and threshold


@pytest.mark.parametrize(
    ("votes", "voted"),
    [
        ((ALL, ALL, NONE), ALL),
        ((ALL, NONE, ALL), ALL),
        ((NONE, ALL, NONE), NONE),
        (((1, 0, 1, 0), (0, 1, 1, 0), (1, 1, 0, 0)), (1, 1, 1, 0)),
        (((1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1)), (0, 0, 0, 1)),
    ],
)
async def test_each_metric_goes_with_the_majority(library: Domain, votes: Any, voted: tuple[int, ...]) -> None:
    verdict = await meet(library, *map(judge, votes))
    assert verdict.gate == "committee"
    assert tuple(verdict.scores[metric] for metric in METRICS) == voted
    assert verdict.passed == (sum(voted) >= 3)


@given(st.lists(st.tuples(*[st.integers(0, 1)] * 4), min_size=1, max_size=5).filter(lambda votes: len(votes) % 2))
@settings(max_examples=60)
async def test_asking_fewer_gives_the_same_as_asking_all(library: Domain, votes: list[tuple[int, ...]]) -> None:
    verdict = await meet(library, *map(judge, votes))
    voted = {
        metric: sum(column) > len(votes) / 2 for metric, column in zip(METRICS, zip(*votes, strict=True), strict=True)
    }
    assert verdict.passed == (sum(voted.values()) >= 3 and voted["correctness"] and voted["completeness"])
    assert verdict.scores.items() <= voted.items()
    assert set(verdict.scores) == set(METRICS) or len(verdict.votes) < len(votes)


@pytest.mark.parametrize(
    ("threshold", "passes"), [(1.0, (4,)), (0.75, (3, 4)), (0.76, (4,)), (0.5, (2, 3, 4)), (0.25, (2, 3, 4))]
)
async def test_the_mean_of_the_voted_metrics_has_to_reach_the_threshold(
    library: Domain, threshold: float, passes: tuple[int, ...]
) -> None:
    for ones in range(5):
        scores = tuple(int(n < ones) for n in range(4))
        verdict = await meet(library, judge(scores), judge(scores), judge(scores), threshold=threshold)
        assert verdict.passed == (ones in passes)
        assert bool(verdict.reason) == bool(verdict.kind) == (not verdict.passed)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
async def test_what_is_incorrect_or_incomplete_is_not_outvoted_by_the_other_metrics(
    library: Domain, place: int
) -> None:
    scores = tuple(int(n != place) for n in range(4))
    verdict = await meet(library, judge(scores), judge(ALL), judge(scores))
    assert verdict.passed == (METRICS[place] in ("satisfaction", "creativity"))
    if not verdict.passed:
        assert verdict.kind == METRICS[place]
        assert f"{METRICS[place]} voted 0 (which must be 1)" in verdict.reason
    mean_alone = Committee([judge(scores)] * 3, required=())
    assert (await mean_alone(GOOD, library)).passed


async def test_a_rejection_says_which_metric_and_what_the_judges_said(library: Domain) -> None:
    no = review((1, 0, 0, 1), "the reason is missing")
    verdict = await meet(library, judge(no), judge(review(ALL, "all fine")), judge(no))
    assert verdict.kind == "completeness"
    for part in ("completeness, satisfaction voted 0", "0.50 < 0.75", "the reason is missing", "mend the reason"):
        assert part in verdict.reason
    assert "all fine" not in verdict.reason
    assert [vote.judge for vote in verdict.votes] == ["judge 1", "judge 2", "judge 3"]


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_number_of_judges_that_can_tie_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} judges"):
        Committee([judge(ALL)] * count)


# --- who is asked


@pytest.mark.parametrize(
    ("first", "second", "third_is_asked"),
    [
        (ALL, ALL, False),
        (NONE, NONE, False),
        ((1, 0, 1, 0), (1, 0, 1, 0), False),
        ((1, 1, 1, 1), (1, 1, 1, 0), False),  # the open metric changes nothing any more
        ((1, 0, 0, 0), (0, 0, 0, 0), False),
        ((1, 1, 1, 1), (0, 1, 1, 1), True),
        ((1, 1, 1, 0), (1, 1, 0, 0), True),
    ],
)
async def test_nobody_is_asked_when_all_is_settled(
    library: Domain, first: Any, second: Any, third_is_asked: bool
) -> None:
    third = judge(ALL)
    verdict = await meet(library, judge(first), judge(second), third)
    assert len(third.asked) == len(verdict.votes) - 2 == third_is_asked


async def test_five_judges_are_asked_one_by_one_after_the_first_three(library: Domain) -> None:
    judges = [judge(v) for v in (ALL, ALL, (1, 0, 1, 1), ALL, ALL)]
    verdict = await meet(library, *judges)
    assert [len(judge.asked) for judge in judges] == [1, 1, 1, 1, 0]
    assert verdict.passed


# --- nonsense

NONSENSE: dict[str, Any] = {
    "empty": "",
    "words": "Looks good to me!",
    "HTML": "<html><body>502 Bad Gateway</body></html>",
    "truncated": review(ALL)[:-9],
    "an error": Answer(text=review(ALL), error="cut off at the token limit"),
    "a list": "[1, 1, 1, 1]",
    "no scores": json.dumps({"reflection": "fine"}),
    "scores are words": review(dict.fromkeys(METRICS, "yes")),
    "scores are strings": review(dict.fromkeys(METRICS, "1")),
    "scores are true": review(dict.fromkeys(METRICS, True)),
    "a score of 2": review((1, 1, 1, 2)),
    "a score of -1": review((1, 1, 1, -1)),
    "a score of null": review((1, 1, 1, None)),
    "a score of 0.9": review((1, 1, 1, 0.9)),
    "a score is missing": review(dict.fromkeys(METRICS[:-1], 1)),
    "scores are a list": review([1, 1, 1, 1]),
    "scores are one number": review(1),
    "1 MB": "yes " * 250_000,
    "nested without end": '{"scores":' * 3_000,
}
SOME = dict.fromkeys(METRICS, 1)


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
async def test_a_committee_that_answers_nonsense_never_accepts(library: Domain, reply: Any) -> None:
    verdict = await meet(library, judge(reply), judge(reply), judge(reply))
    assert not verdict.passed
    assert (verdict.kind, verdict.scores) == ("not judged", {})
    assert all(vote.scores is None and vote.error for vote in verdict.votes)
    assert "too few valid votes" in verdict.reason
    assert len(verdict.reason) < 5_000


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
async def test_a_judge_that_answers_nonsense_is_asked_once_more(library: Domain, reply: Any) -> None:
    once, always = judge(reply, ALL), judge(reply)
    verdict = await meet(library, once, always, judge(ALL))
    assert [question.sample for question in once.asked] == [question.sample for question in always.asked] == [0, 1]
    assert verdict.passed
    assert [vote.scores is not None for vote in verdict.votes] == [True, False, True]


async def test_one_yes_and_nonsense_is_not_enough(library: Domain) -> None:
    for replies in (("?", ALL, "?"), (ALL, "?", "?"), ("?", "?", ALL)):
        verdict = await meet(library, *map(judge, replies))
        assert not verdict.passed
        assert "too few valid votes" in verdict.reason


async def test_a_nonsense_vote_is_not_a_yes_in_a_tie(library: Domain) -> None:
    verdict = await meet(library, judge(ALL), judge("?"), judge((0, 1, 1, 0)))
    assert tuple(verdict.scores.values()) == (0, 1, 1, 0)
    assert not verdict.passed


async def test_a_judge_is_left_so_one_no_and_one_nonsense_is_not_the_end(library: Domain) -> None:
    """Otherwise the blueprint counts as not judged and the feedback never hears what the judge had to say."""
    no, third = review(NONE, "the title is wrong"), judge(NONE)
    verdict = await meet(library, judge("?"), judge(no), third)
    assert len(third.asked) == 1
    assert verdict.kind == "correctness"
    assert "the title is wrong" in verdict.reason


async def test_a_judge_may_leave_out_the_words_and_add_some(library: Domain) -> None:
    bare, chatty = json.dumps({"scores": SOME}), f"Here it is:\n```json\n{review(ALL)}\n```\nHope it helps."
    more = json.dumps({"scores": {**SOME, "politeness": 5}, "verdict": "accept"})
    assert (await meet(library, judge(bare), judge(chatty), judge("?"))).passed
    assert (await meet(library, judge(bare), judge(more), judge("?"))).passed


async def test_no_answer_at_all_is_not_a_vote_but_a_failed_job(library: Domain) -> None:
    async def down(question: Question) -> Answer:
        raise NoAnswer("503")

    with pytest.raises(NoAnswer):
        await meet(library, judge(ALL), down, judge(ALL))


# --- what judges see


async def questions(domain: Domain, *actions: Any, **more: Any) -> Question:
    judges = [judge(ALL), judge(ALL), judge(ALL)]
    await Committee(judges)(task(*actions, **more), domain)
    first, second = judges[0].asked[0], judges[1].asked[0]
    assert first.context == second.context
    assert first.id != second.id
    return first


async def test_judges_see_the_diff_and_the_users_records_only(library: Domain) -> None:
    question = await questions(library, RENEW, RETURN, outputs=("marked output",), says="marked instruction")
    seen = question.context
    assert seen["diff"] == [
        {"row": "loans/L1", "field": "status", "before": "out", "after": "returned"},
        {"row": "loans/L1", "field": "days_left", "before": 3, "after": 17},
        {"row": "loans/L1", "field": "reason", "before": None, "after": "travel"},
        {
            "row": "receipts/R-772",
            "field": "",
            "before": None,
            "after": {"receipt_id": "R-772", "loan_id": "L1", "paid": False},
        },
    ]
    assert "marked instruction" in seen["instruction"]
    assert seen["outputs"] == ["marked output"]
    assert [action["name"] for action in seen["actions"]] == ["renew_loan", "return_loan"]
    assert [tool["function"]["name"] for tool in seen["tools"]] == ["renew_loan", "return_loan"]
    text = question.line()
    for hidden in ("Bone Map", "bo@example.com", "M2", "L4"):
        assert hidden not in text
    assert seen["records"]["loans"]["L1"]["status"] == "out"
    assert seen["checked"] == "format, execution, policy, kind", "not grounding: nothing shows the output"
    assert seen["origins"] == ["marked output: no field of the records has it."]
    assert seen["ids"][0].startswith("L1: loan: title Salt Roads")
    assert question.role == "judge"
    assert question.reply is not None


async def test_judges_see_the_whole_policy_and_all_questions_begin_alike(library: Domain) -> None:
    """Rules have been run before; the judges are there for what no rule covers. What begins alike is cached."""
    asked = [await questions(library, *actions) for actions in ((RENEW,), (RETURN,), ())]
    assert {question.context["policy"] for question in asked} == {library.policy}
    (begin,) = {render(question)[0]["content"] for question in asked}
    assert begin.endswith(library.policy.strip())


async def test_a_committee_that_stands_alone_judges_blueprints_of_any_form(library: Domain) -> None:
    verdict = await Committee([judge(NONE)])(task(call("burn_book", book="x"), RENEW), library)
    assert not verdict.passed


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        ({"a": 1, "b": {"c": [1, 2]}}, {"a": 1, "b": {"c": [1, 3]}}, [("b.c[1]", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a[1]", None, 2)]),
        ({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 1}]}, [("a[1]", {"x": 2}, None)]),
        ({"a": 1}, {"b": 1}, [("a", 1, None), ("b", None, 1)]),
        (None, {"a": 1}, [("", None, {"a": 1})]),
        ({"a": 1}, None, [("", {"a": 1}, None)]),
        ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": {}}, {"a": []}, [("a", {}, [])]),
        ({"a": [3, 1, 2]}, {"a": [1, 2]}, [("a[0]", 3, None)]),
        ({"a": [3, 1, 2]}, {"a": [1, 2, 3]}, [("a (order)", [3, 1, 2], [1, 2, 3])]),
        ({"a": [[1, 2], [3]]}, {"a": [[1, 2], [4, 3]]}, [("a[1][0]", None, 4)]),
        (
            {"a": [{"id": "x", "n": 1}]},
            {"a": [{"id": "y"}, {"id": "x", "n": 2}]},
            [("a[y]", None, {"id": "y"}), ("a[x].n", 1, 2)],
        ),
        ({"a": [None]}, {"a": []}, [("a[0]", None, None)]),
    ],
)
def test_a_change_field_by_field(before: Any, after: Any, rows: list[tuple[str, Any, Any]]) -> None:
    found = changed_fields(Change(table="t", id="1", before=before, after=after))
    assert [(row["field"], row["before"], row["after"]) for row in found] == rows
    assert {row["row"] for row in found} == {"t/1"}
