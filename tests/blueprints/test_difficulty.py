"""Difficulty: what a task's score is made of, its level, and what came out of what was asked for."""

from __future__ import annotations

import re

import pytest

from apigen_nb.blueprints.difficulty import MAX_SCORES, Difficulty, asked_and_measured, difficulty, level_prompt
from apigen_nb.records import KINDS, LEVELS, Action, Attempt, Blueprint, Level, Proposal, Verdict
from apigen_nb.world.domain import Domain
from tests.library import RENEW, RETURN, task


def plain(*actions: Action, says: str, outputs: tuple[str, ...] = (), **more: object) -> Blueprint:
    return Blueprint(
        id="d", domain="library", user="M1", persona="", instruction=says, actions=actions, outputs=outputs, **more
    )  # type: ignore[arg-type]


def test_what_the_instruction_tells_need_not_be_looked_up(library: Domain) -> None:
    action = Action(name="renew_loan", arguments={"loan_id": "L1", "reason": "travel"})
    assert difficulty(plain(action, says="Renew loan L1 for travel."), library) == (1, 0)
    assert difficulty(plain(action, says="Renew the Salt Roads for travel."), library) == (1, 1)
    assert difficulty(plain(action, says="Renew the Salt Roads."), library) == (1, 2)
    assert difficulty(plain(action, says="Renew the Salt Roads.", outputs=("17",)), library) == (1, 3)
    assert difficulty(plain(action, says="Renew the Salt Roads.", outputs=("L1",)), library) == (1, 2)  # one value


def test_what_the_policy_tells_need_not_be_looked_up_where_no_tool_is_needed(library: Domain) -> None:
    asks = {"says": "May one renew what is late?", "outputs": ("not renewed",)}
    assert difficulty(plain(**asks, kind="no tool"), library) == (0, 0)  # type: ignore[arg-type]
    assert difficulty(plain(**asks), library) == (0, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("writes", "lookups", "level"),
    [
        (1, 0, "easy"),
        (1, 1, "easy"),
        (0, 1, "easy"),
        (3, 0, "easy"),
        (1, 2, "medium"),
        (0, 3, "medium"),
        (2, 1, "medium"),
        (2, 2, "hard"),
        (1, 3, "medium"),
        (1, 6, "hard"),
        (2, 3, "hard"),
        (3, 2, "hard"),
    ],
)
def test_the_level_is_that_of_writes_times_lookups(writes: int, lookups: int, level: Level) -> None:
    assert Difficulty(writes, lookups).level == level


def test_there_are_words_and_a_bound_for_every_level() -> None:
    assert tuple(MAX_SCORES) == LEVELS
    assert [level_prompt(level, "plain", 1).partition(":")[0] for level in LEVELS] == list(LEVELS)
    assert list(MAX_SCORES.values()) == sorted(MAX_SCORES.values())
    assert MAX_SCORES["hard"] == float("inf")


@pytest.mark.parametrize("level", LEVELS)
def test_no_level_asks_for_what_a_kind_forbids(level: Level) -> None:
    for count, words in ((1, "one action"), (2, "two actions"), (3, "three actions")):
        assert level_prompt(level, "parallel calls", count).startswith(f"{level}: {words};")
        for kind in ("forbidden", "missing tool"):
            assert level_prompt(level, kind, count).startswith(
                f"{level}: beside the denied wish {words}, or none and a"
            )
        others = [kind for kind in KINDS if kind not in ("no tool", "forbidden", "missing tool")]
        assert len({level_prompt(level, kind, count) for kind in others}) == 1
    assert re.match(rf"{level}: no action, .*question", level_prompt(level, "no tool", 0))
    assert "arguments" not in level_prompt(level, "no tool", 0)
    assert level_prompt(level, "plain", 0) == f"{level}: no action, a question that the records answer"


def proposal(number: int, level: Level, *, accepted: bool = True, parts: tuple[str, ...] = ()) -> Proposal:
    attempt = Attempt(number=0, blueprint=task(RENEW, RETURN), verdicts=(Verdict(gate="format", passed=accepted),))
    return Proposal(
        id=f"p{number}", domain="library", user="M1", walk=(), persona="", examples=(), attempts=(attempt,),
        accepted=accepted, level=level, parts=parts,
    )  # fmt: skip


def test_asked_against_measured_counts_accepted_ones(library: Domain) -> None:
    measured = difficulty(task(RENEW, RETURN), library).level
    counts = asked_and_measured(
        [
            proposal(0, "easy"),
            proposal(1, "hard"),
            proposal(2, "hard"),
            proposal(3, "hard", accepted=False),
            proposal(4, "medium", parts=("p0", "p1")),
        ],
        library,
    )
    assert counts == {("easy", measured): 1, ("hard", measured): 2}
