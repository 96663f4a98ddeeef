"""Records: frozen, one line of JSON each that any file can hold, and hashes that tell values apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from apigen_nb.records import Action, Blame, Message, Trajectory, canonical, sha

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_the_order_of_keys_does_not_count_and_letters_stay_readable(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(value) == canonical(turned)
    assert sha(value) == sha(turned)
    assert canonical("Zoë, 東京") == '"Zoë, 東京"'


def test_an_integer_is_no_float_and_no_truth() -> None:
    assert len({canonical(value) for value in (1, 1.0, True, "1")}) == 4


@given(st.text(st.characters(codec=None)) | st.just("\ud83d alone"))
def test_a_record_is_one_line_that_every_file_can_hold(text: str) -> None:
    line = Message(role="user", content=text).line()
    assert line.encode("ascii").count(b"\n") == 0
    assert json.loads(line)["content"] == text


def test_a_record_cannot_be_changed_and_takes_nothing_unknown() -> None:
    action = Action(name="renew", arguments={"note": "für Zoë"})
    with pytest.raises(ValidationError, match="frozen"):
        action.name = "cancel"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Action(name="renew", argument={})  # type: ignore[call-arg]
    assert str(action) == 'renew(note="für Zoë")'


def test_a_blame_is_evidence_unless_a_judge_gave_it() -> None:
    assert not Blame(cause="agent", turn=0, evidence="a call").judged


def test_what_was_said_is_told_apart_whatever_calls_are_numbered() -> None:
    def of(text: str) -> Trajectory:
        messages = (Message(role="user", content=text),)
        return Trajectory(id="t", blueprint="b", attempt=1, messages=messages, ended="stop", verdicts=())

    assert of("a").content == of("a").content != of("b").content
    assert not of("a").success, "without a verdict nothing is right"
