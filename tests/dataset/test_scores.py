"""What is known of how good a row is: its parts by hand, and the score as their mean."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.export import Summary
from apigen_nb.dataset.rows import Scores
from apigen_nb.dataset.scores import Answers, committee_of, parts, rates, readers_of, scored, with_score
from apigen_nb.records import METRICS, Opinion, Reading, Trajectory, Verdict, Vote
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.trajectories.conduct import keeps_conduct
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings, settle
from apigen_nb.world.domain import Domain
from tests.conversations import messages_of
from tests.dataset_runs import rows
from tests.library import GOOD, RENEW, call
from tests.players import Reader

FIND, GET = call("find_member", email="ada@example.com"), call("get_loan", loan_id="L1")
HELLO = ("U: Hello, ada@example.com here. Renew L1 please, I travel.", (FIND,))
ASK = ("A: I would renew L1 for two weeks, since you travel. Is that right?", "U: Exactly that.", (RENEW,), "A: Done.")


def held(library: Domain, *turns: Any, readings: tuple[Reading, ...] = ()) -> Trajectory:
    messages = tuple(messages_of(GOOD["plain"], library, *turns))
    check = functools.partial(keeps_conduct, Dialogue(GOOD["plain"], messages, library))
    judge = Reader({"consent": ("yes", "Exactly that.")})
    conduct = asyncio.run(settle(check, Meanings(messages), [judge], "b"))
    return Trajectory(
        id="b.t1", blueprint="b", attempt=1, messages=messages, ended="stop", verdicts=(conduct,), readings=readings
    )


def known(library: Domain, *turns: Any, committee: Answers = Answers(), readings: tuple[Reading, ...] = ()) -> Scores:
    trajectory = held(library, *turns, readings=readings)
    return scored(trajectory, Scores(drafts=2), GOOD["plain"], committee, library)


@pytest.mark.parametrize(
    ("turns", "wasted"),
    [
        ((*HELLO, *ASK), 0),
        ((*HELLO, (GET,), "A: It is Salt Roads.", *ASK[1:]), 0),
        ((*HELLO, (GET,), *ASK), 1 / 2),  # of two reads the loan's is used nowhere
        ((*HELLO, (GET,), (GET,), (GET,), "A: It is Salt Roads.", "U: Yes.", *ASK), 2 / 4),  # read again for nothing
    ],
)
def test_reads_that_nothing_uses_or_that_are_repeated_are_wasted(
    library: Domain, turns: tuple[Any, ...], wasted: float
) -> None:
    found = known(library, *turns)
    assert found.wasted_reads == wasted
    assert found.conduct == 1, "what was wasted counts once"
    assert found.score == pytest.approx((1 + (1 - wasted) + 1 / 2) / 3)


def test_without_reads_nothing_was_wasted_and_nobody_knows(library: Domain) -> None:
    found = known(library, "U: hello", "A: An overdue loan is not renewed.", "U: bye")
    assert found.wasted_reads is None
    assert parts(found) == {"conduct": 1, "drafts": 1 / 2}
    assert found.score == 3 / 4


def test_a_marked_reply_costs_its_share_of_the_conduct(library: Domain) -> None:
    found = known(library, *HELLO, "A: <tool_call> One moment.", *ASK)
    assert found.conduct == pytest.approx(1 - 1 / 5)


def reading(*answers: str) -> Reading:
    opinions = tuple(Opinion(judge=f"judge {n}", answer=answer) for n, answer in enumerate(answers))
    return Reading(id="r", claim="c", question="?", opinions=opinions, majority=2)


def test_agreement_counts_answers_and_whoever_abstains_agrees_with_nobody() -> None:
    assert readers_of([reading("yes", "yes"), reading("no", "yes", "no")]) == (5, 4)
    assert readers_of([reading("yes", "unclear", "")]) == (3, 1)
    assert readers_of([reading("", "unclear")]) == (2, 0)
    assert readers_of([reading("yes")]) == (0, 0), "one judge agrees with nobody else"
    all_yes = dict.fromkeys(METRICS, 1)
    votes = (Vote(judge="a", scores=all_yes), Vote(judge="b", scores=all_yes | {"creativity": 0}))
    committee = Verdict(gate="committee", passed=True, votes=votes)
    assert committee_of([Verdict(gate="format", passed=True), committee]) == (8, 7)
    silent = committee.model_copy(update={"votes": (*votes, Vote(judge="c", scores=None, error="nonsense"))})
    assert committee_of([silent]) == (12, 7)


def test_judges_of_task_and_conversation_count_alike(library: Domain) -> None:
    assert known(library, *HELLO, *ASK).agreement is None
    found = known(library, *HELLO, *ASK, committee=Answers(8, 7), readings=(reading("yes", "no"),))
    assert found.agreement == (7 + 1) / (8 + 2)
    assert set(parts(found)) == {"conduct", "reads used", "drafts", "agreement"}


def attempted(attempt: int, *verdicts: Verdict) -> Trajectory:
    return Trajectory(id=f"b.t{attempt}", blueprint="b", attempt=attempt, messages=(), ended="stop", verdicts=verdicts)


def test_the_undecided_and_the_unanswered_count_in_no_rate() -> None:
    passed, fell = Verdict(gate="state", passed=True), Verdict(gate="state", passed=False)
    undecided = attempted(1, passed, Verdict(gate="conduct", passed=False, undecided=True))
    unanswered = attempted(2, Verdict(gate="ended", passed=False, kind="no answer"))
    found = rates([attempted(4, passed), undecided, unanswered, attempted(3, fell)])
    assert found == {"pass_rate": 1 / 2, "attempts": 2}
    assert rates([undecided, unanswered]) == {"pass_rate": None, "attempts": None}


def test_what_nobody_knows_is_no_part_and_how_hard_a_row_is_neither() -> None:
    assert with_score(Scores(difficulty=9, pass_rate=0.1, attempts=3)).score is None
    assert with_score(Scores(drafts=1, difficulty=9, pass_rate=0.1)).score == 1


def test_rows_of_a_run_show_all_of_it(made: tuple[Path, Summary]) -> None:
    folder, _ = made
    trajectories = {t.id: t for t in read_lines(Run(folder).trajectories, Trajectory)}
    wasted = set[float]()
    for row in rows(folder, "trl"):
        scores = Scores(**row["scores"])
        assert scores == with_score(scores)
        assert 0 < scores.score <= 1
        found = trajectories[row["id"]].verdicts[-1].findings
        assert bool(scores.wasted_reads) == any(finding.rule == "needless read" for finding in found)
        wasted.add(scores.wasted_reads or 0)
        assert 1 <= scores.attempts <= 3
        assert scores.pass_rate * 3 >= 1
        assert 1 / 2 < scores.agreement <= 1
    assert len(wasted) > 1
