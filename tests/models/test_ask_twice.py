"""A reply that nothing can be done with is asked for once more, and no more often."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from apigen_nb.models import Answer, Question, Unparsable, ask_twice

GOOD, OTHER, NONE = '{"word": "yes"}', '{"word": "perhaps"}', "I would rather not say."


class Said(BaseModel):
    word: str


def certain(reply: Said) -> str:
    if reply.word == "perhaps":
        raise Unparsable("perhaps is no answer")
    return reply.word


@pytest.mark.parametrize(
    ("replies", "said", "asked"),
    [
        ((GOOD, NONE), "yes", [0]),
        ((NONE, GOOD), "yes", [0, 1]),
        ((OTHER, GOOD), "yes", [0, 1]),
        ((GOOD.replace("yes", "no"), GOOD), "no", [0]),
        ((GOOD.replace("word", "text"), OTHER, GOOD), None, [0, 1]),
        ((NONE, NONE, GOOD), None, [0, 1]),
    ],
)
async def test_what_cannot_be_used_is_asked_for_once_more(
    replies: tuple[str, ...], said: str | None, asked: list[int]
) -> None:
    questions: list[Question] = []

    async def model(question: Question) -> Answer:
        questions.append(question)
        return Answer(text=replies[len(questions) - 1])

    first = Question(id="q", role="judge", prompt="reading")
    if said is None:
        with pytest.raises(Unparsable, match="perhaps is no answer" if OTHER in replies else "expected a JSON object"):
            await ask_twice(model, first, Said, certain)
    else:
        assert await ask_twice(model, first, Said, certain) == said
    assert [question.sample for question in questions] == asked
    assert all(question.model_copy(update={"sample": 0}) == first for question in questions)
