"""Conversations written by hand: what is right is not thrown away, what is wrong is not kept."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from apigen_nb.__main__ import main
from apigen_nb.trajectories.cases import CHECKS, Case
from tests.trajectories.open_questions import FILES, READINGS, cases, readings, show, unread

ABSENT = pytest.mark.skipif(importlib.util.find_spec("tau2") is None, reason="install the tau2 extra: make tau2")
EVERY = [pytest.param(path, marks=ABSENT if path.stem == "tau2" else (), id=path.stem) for path in FILES]
Outcomes = dict[tuple[str, str], str]


def judged(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Outcomes:
    """(case, check) → outcome, as the command line tells it."""
    assert main(["judge", str(path), *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return {(line["id"], check): line[check] for line in map(json.loads, out.splitlines()) for check in CHECKS}


def expected(path: Path) -> Outcomes:
    return {(case.id, check): outcome for case in cases(path) for check, outcome in case.expect.items()}


def wrong(found: Outcomes, path: Path, what: str, instead: str) -> set[tuple[str, str]]:
    return {of for of, outcome in expected(path).items() if outcome == what and found[of] == instead}


@pytest.mark.parametrize("path", EVERY)
def test_code_alone_decides_nothing_wrongly(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(path, capsys)
    assert wrong(found, path, "held", "fell") == set()
    assert wrong(found, path, "fell", "held") == set()


@pytest.mark.parametrize("path", EVERY)
def test_with_readings_every_check_says_what_is_expected(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(path, capsys, "--readings", str(READINGS))
    assert wrong(found, path, "held", "fell") == set()
    assert wrong(found, path, "fell", "held") == set()
    assert [of for of, outcome in expected(path).items() if found[of] == "undecided" != outcome] == []


@ABSENT
def test_every_open_question_has_been_read() -> None:
    assert [show(case, claim) for case, claim in unread()] == []


def test_readings_say_who_read_and_belong_to_a_case() -> None:
    known = {case.id for path in FILES for case in cases(path)}
    assert readings().keys() <= known
    judges = {opinion.judge for found in readings().values() for reading in found for opinion in reading.opinions}
    assert judges == {"a language model, by hand"}


def test_cases_are_many_right_and_wrong_in_four_languages() -> None:
    ours = [case for path in FILES if path.stem != "language" for case in cases(path)]
    assert len(ours) >= 60
    assert len({case.id for case in ours}) == len(ours)
    assert all(set(case.expect) <= set(CHECKS) and case.why for case in ours)
    for language in ("-en-", "-de-", "-es-", "-zh-"):
        outcomes = {outcome for case in ours if language in case.id for outcome in case.expect.values()}
        assert outcomes == {"held", "fell"}
    assert {case.domain for case in ours} == {"retail", "banking", "airline", "tau2:retail", "tau2:airline"}


def test_what_is_expected_may_be_said_as_yes_or_no() -> None:
    case = cases(FILES[0])[0].model_dump() | {"expect": {"state": True, "outputs": False, "conduct": "undecided"}}
    read = Case.model_validate_json(json.dumps(case))
    assert read.expect == {"state": "held", "outputs": "fell", "conduct": "undecided"}
