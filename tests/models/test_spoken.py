"""What is said is told from what is thought and from the marks of chat templates, of every family of models."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question, Unparsable, heard, read_json
from apigen_nb.models.spoken import CALL_MARK, MACHINERY, find_mark, may_hold_marks, spoken
from apigen_nb.records import STOP

PAIRS = [
    *(("<think>", "</think>"), ("<thought>", "</thought>"), ("<thinking>", "</thinking>"), ("<THINK>\n", "\n</THINK>")),
    *(("<reasoning>", "</reasoning>"), ("<scratchpad>", "</scratchpad>"), ("<seed:think>", "</seed:think>")),
    *(("<inner_monologue>", "</inner_monologue>"), ("<think type='x'>", "</think>"), ("[THINK]", "[/THINK]")),
    *(("<|START_THINKING|>", "<|END_THINKING|>"), ("<|begin_of_thought|>", "<|end_of_thought|>")),
    *(("◁think▷", "◁/think▷"), ("<|channel>thought\n", "<channel|>"), ("<|think|>", "<|/think|>")),
    *(("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"), ("", "</think>")),
    *(("<|channel|>analysis<|message|>", "<|end|>\n<|start|>assistant<|channel|>final <|message|>"), ("", "[/THINK]")),
]
OPENINGS = [
    "",
    "\n",
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<｜Assistant｜>",
    "<s>",
]
OPENINGS += [
    "<start_of_turn>model\n",
    "<|assistant|>",
    "<|start_of_role|>assistant<|end_of_role|>",
    "<bos>",
    "<|turn>model\n",
]
ENDINGS = [
    "",
    "<|im_end|>",
    "<|eot_id|>",
    "</s>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<|return|>",
    "<eos>",
    "<|eom_id|>",
]
ENDINGS += [
    "<｜end▁of▁sentence｜>",
    "<|END_OF_TURN_TOKEN|>",
    "<|end_of_text|>",
    "<turn|>",
    "<|user|>",
    "[EOS]",
    "[e~[",
    " \n<EOT>",
]
OTHERS = [
    "<|im_start|>user\nAnd now?",
    "\n<start_of_turn>user\nmore",
    "<|start_header_id|>user<|end_header_id|>\nhi",
    "[INST] x",
]
OTHERS += [
    "",
    "\n\nUser: and then? <think>so</think>",
    "<|im_start|>assistant\nAgain.",
    "<tool_response>{}</tool_response>",
]
PLAIN = st.text(max_size=40).filter(lambda text: not MACHINERY.search(text) and not text.startswith("analysis"))
TALK = PLAIN.filter(lambda text: text.strip() and not text.startswith("`"))


@given(TALK, PLAIN.filter(lambda text: not text.endswith("`")), st.sampled_from(PAIRS), st.sampled_from(OPENINGS),
       st.sampled_from(ENDINGS), st.sampled_from(OTHERS), st.integers(1, 2))  # fmt: skip
@example("a < b", f"done {STOP}", PAIRS[0], "", "</s>", "", 1)
@example('{"a": 1}', '{"a": 0}', PAIRS[0], "", "", "", 2)
def test_whatever_is_around_an_answer_it_comes_out_as_it_was(
    said: str, thought: str, pair: tuple[str, str], opening: str, ending: str, other: str, times: int
) -> None:
    around = opening + (pair[0] + thought + pair[1]) * (1 if "channel|>" in pair[0] or not pair[0] else times)
    found = spoken(around + said + ending + (other if ending else ""))
    assert found.said.strip() == said.strip()
    assert not found.cut
    assert set(found.thoughts.split("\n\n")) <= {"", *thought.strip().split("\n\n")}
    assert spoken(found.said) == (found.said, "", False)


@given(st.lists(st.sampled_from([pair[0] for pair in PAIRS if pair[0]]), min_size=1, max_size=3), PLAIN, PLAIN)
def test_who_is_cut_off_in_a_thought_says_nothing(opened: list[str], before: str, thought: str) -> None:
    answer = heard(Answer(text=before + "".join(opened) + thought), Question(id="q", role="agent", prompt="agent"))
    assert answer.text == ""
    assert "cut off inside of its thoughts" in answer.error
    with pytest.raises(Unparsable, match="cut off inside"):
        read_json(Answer(text=f"{opened[0]}{{}}"))


@given(
    st.text(max_size=60) | st.lists(st.sampled_from([*sum(PAIRS, ()), *ENDINGS, *OTHERS, "`", "<", "a"])).map("".join)
)
@example("<th<think>x</think>ink>secret")
@example("<|a<|x|>b|>")
def test_no_mark_is_said_and_none_comes_of_two_halves(text: str) -> None:
    found = spoken(text)
    marks = [mark for mark in MACHINERY.finditer(found.said) if not mark["call"]]
    assert all(found.said[mark.start() - 1] == found.said[mark.end()] == "`" for mark in marks)
    assert spoken(found.said)[0] == found.said


@pytest.mark.parametrize(
    ("text", "said", "thoughts"),
    [
        ("Sure. <think>which?</think> L1 it is.", "Sure.\nL1 it is.", "which?"),
        ("<think>a</think><think>b</think>c", "c", "a\n\nb"),
        ("a</think>b</think>c", "c", "a\n\nb"),
        ("<think>never write `</think>` here</think>c", "c", "never write `</think>` here"),
        ("analysisThe user asks.assistantfinalHello.", "Hello.", "The user asks."),
        ("analysisThe user asks.assistantfinalHello.<|im_end|>", "Hello.", "The user asks."),
        ("<think>a</think>analysisbassistantfinalanalysiscassistantfinalHello.", "Hello.", "a\n\nb\n\nc"),
        ("analysisbassistantfinal1 < 2", "1 < 2", "b"),
        ("<think>a</think>\n<answer>\nb\n</answer>", "b", "a"),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>", "b", "a"),
        ("<|channel|>commentary<|message|>One moment.<|end|>", "One moment.", ""),
        ("Write `<think>` for that, or `</s>`.", "Write `<think>` for that, or `</s>`.", ""),
        ("<|im_start|>user\nI want a refund.<|im_end|>", "", ""),
        ("I am <b>sure</b>, a < b, see [1].", "I am <b>sure</b>, a < b, see [1].", ""),
    ],
)
def test_how_texts_are_taken_apart(text: str, said: str, thoughts: str) -> None:
    assert spoken(text) == (said, thoughts, False)


def test_marks_inside_of_json_that_was_asked_for_are_words() -> None:
    text = '<think>{"why": 1}</think>{"why": "it shows <think> and <|im_end|>"}<|im_end|>'
    assert read_json(Answer(text=text)) == {"why": "it shows <think> and <|im_end|>"}


def test_thoughts_without_an_answer_are_none() -> None:
    question = Question(id="q", role="user", prompt="user")
    answer = heard(Answer(text=f"<think>{STOP}</think>"), question)
    assert (answer.text, answer.thoughts) == ("", STOP)
    assert answer.error == "the reply holds thoughts and nothing that is said"


@given(st.text("<>[]|/~◁TOOLtoolcab_=s\ne`") | st.lists(st.sampled_from([*sum(PAIRS, ()), *ENDINGS, *OTHERS, "`", "["]))
       .map("".join))  # fmt: skip
def test_marks_are_found_where_they_begin(text: str) -> None:
    for kind in (MACHINERY, CALL_MARK):
        found, first = find_mark(kind, text), kind.search(text)
        assert (found and found.span()) == (first and first.span())
        assert first is None or may_hold_marks(text)
