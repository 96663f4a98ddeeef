"""What models are shown, read whole: the questions of a run, their parts, and the same with other prompts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apigen_nb.models import Question
from apigen_nb.models.chat_format import FOLDER, render
from apigen_nb.records import Blueprint, Message
from apigen_nb.run.params import Params
from apigen_nb.run.prompt_study import (
    PER_TOKEN,
    committees,
    difference,
    gate_benches,
    judges_of,
    questions_of,
    rendered,
    sizes,
    tokens,
)
from apigen_nb.run.stage import Stage


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, list[Question], list[Blueprint]]:
    stage = Stage(Params(domain="banking", count=5), tmp_path_factory.mktemp("study"))
    questions, blueprints, _ = asyncio.run(questions_of(stage))
    return stage, questions, blueprints


Asked = tuple[Stage, list[Question], list[Blueprint]]


def test_all_roles_are_asked_and_nothing_is_left_behind(asked: Asked) -> None:
    stage, questions, blueprints = asked
    assert {question.role for question in questions} >= {"generator", "judge", "user", "critic", "agent"}
    assert len({(question.id, question.sample) for question in questions}) == len(questions)
    assert blueprints
    assert not list(stage.run.folder.glob("*.jsonl"))


def test_parts_add_up_to_what_is_shown(asked: Asked) -> None:
    for question in asked[1]:
        shown = "".join(message["content"] for message in render(question)) if not question.messages else ""
        if shown:
            values = {name: size for name, size in sizes(question).items() if name != "schema of the answer"}
            assert abs(sum(values.values()) - len(shown) / PER_TOKEN) <= len(values)


def test_a_question_is_shown_whole(asked: Asked) -> None:
    question = next(question for question in asked[1] if question.role == "agent" and len(question.messages) > 3)
    text = rendered(question)
    assert all(tool["function"]["name"] in text for tool in question.tools)
    assert all(message.content in text for message in question.messages if isinstance(message, Message))
    assert str(question.context["policy"]).strip() in text


def test_another_prompt_shows_in_its_own_questions_only(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "user.md").write_text((FOLDER / "user.md").read_text() + "\nBe brief.")
    of = {name: [q for q in asked[1] if q.prompt == name][:2] for name in ("user", "judge")}
    told = difference(of["user"], None, str(tmp_path))
    assert told.count("+Be brief.") == len(of["user"])
    assert not [line for line in told.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert difference(of["judge"], None, str(tmp_path)) == "no question differs"
    more, less = (tokens(of["user"], folder).iloc[0]["tokens (most)"] for folder in (str(tmp_path), None))
    assert more > less


async def test_the_same_blueprints_are_judged_with_both(asked: Asked, tmp_path: Path) -> None:
    stage, _, blueprints = asked
    (tmp_path / "judge.md").write_text((FOLDER / "judge.md").read_text())
    groups = judges_of(stage, "", str(tmp_path))
    found = await gate_benches(stage, groups, blueprints, 1)
    ids = [[trial.id for trial in trials] for trials in found.values()]
    assert ids[0] == ids[1]
    table = committees(found)
    assert list(table.columns)[:3] == ["defect", "planted", "caught, the package's"]
    assert table["planted"].sum() == len(ids[0])
