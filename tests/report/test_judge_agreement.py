"""Agreement of judges: known kappas, votes that are missing, disagreements in order."""

from __future__ import annotations

import math

import pytest

from apigen_nb.records import METRICS, Attempt, Proposal, Verdict, Vote
from apigen_nb.report import judge_agreement


def judged(id: str, *votes: tuple[int, ...] | None, passed: bool = True) -> Proposal:
    """A proposal whose committee gave these scores (correctness … creativity), judge by judge; None is no vote."""
    given = tuple(
        Vote(judge=f"judge {n}", scores=dict(zip(METRICS, scores, strict=True)) if scores else None, reflection=f"r{n}")
        for n, scores in enumerate(votes, 1)
    )
    verdict = Verdict(gate="committee", passed=passed, votes=given)
    attempt = Attempt(number=0, verdicts=(verdict,))
    return Proposal(id=id, domain="d", user="u", walk=(), persona="", examples=(), attempts=(attempt,), accepted=passed)


def table(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> list[Proposal]:
    """Two judges who agree and differ so often, on all metrics alike."""
    pairs = [(1, 1)] * yes_yes + [(1, 0)] * yes_no + [(0, 1)] * no_yes + [(0, 0)] * no_no
    return [judged(f"p{n}", (a,) * 4, (b,) * 4) for n, (a, b) in enumerate(pairs)]


def test_cohen_of_a_textbook_table() -> None:
    frame = judge_agreement.cohen(judge_agreement.votes(table(20, 5, 10, 15)))
    assert frame["Cohen's κ"].iloc[0] == pytest.approx(0.4)
    assert frame["agree"].iloc[0] == pytest.approx(0.7)
    assert frame["both voted"].iloc[0] == 200
    assert frame["low"].iloc[0] < 0.4 < frame["high"].iloc[0]


def test_fleiss_counts_only_what_all_judged() -> None:
    made = [judged("a", (1,) * 4, (1,) * 4, (0,) * 4), judged("b", (0,) * 4, (0,) * 4, (0,) * 4)]
    made += [judged("c", (1,) * 4, (1,) * 4), judged("d", (1,) * 4, None, (1,) * 4)]
    frame = judge_agreement.fleiss(judge_agreement.votes(made)).set_index("metric")
    assert frame.loc[judge_agreement.ALL, "votes of all"] == 8
    assert frame.loc["correctness", "unanimous"] == 1
    # two of six votes say yes: by chance 5/9 agree, 2/3 do
    assert frame.loc["correctness", "Fleiss' κ"] == pytest.approx((2 / 3 - 5 / 9) / (1 - 5 / 9))


def test_without_variation_there_is_no_kappa() -> None:
    votes = judge_agreement.votes(table(5, 0, 0, 0))
    assert math.isnan(judge_agreement.fleiss(votes)["Fleiss' κ"].iloc[0])
    assert math.isnan(judge_agreement.cohen(votes)["Cohen's κ"].iloc[0])
    assert "nothing to show" in judge_agreement.kappa_figure(judge_agreement.cohen(votes)).to_json()


def test_votes_that_could_not_be_read_are_no_votes() -> None:
    counts = judge_agreement.judges(judge_agreement.votes([judged("a", (1, 0, 1, 1), None)]))
    assert counts["judge"].unique().tolist() == ["judge 1"]
    assert counts["passed"].sum() == 3


def test_disagreements_that_cost_the_blueprint_come_first() -> None:
    made = [
        judged("agree", (1,) * 4, (1,) * 4),
        judged("one", (1, 1, 1, 0), (1, 1, 1, 1)),
        judged("three", (0, 0, 0, 1), (1, 1, 1, 1)),
        judged("fell", (1, 1, 0, 0), (1, 1, 1, 0), passed=False),
    ]
    frame = judge_agreement.disagreements(made)
    assert frame["proposal"].tolist() == ["fell", "three", "one"]
    assert frame["yes:no"].iloc[2] == "creativity 1:1"
    assert frame["a judge against"].iloc[2] == "r1"


def test_no_votes_at_all() -> None:
    votes = judge_agreement.votes([])
    assert judge_agreement.fleiss(votes).empty
    assert judge_agreement.cohen(votes).empty
    assert "nothing to show" in judge_agreement.votes_figure(judge_agreement.judges(votes)).to_json()
