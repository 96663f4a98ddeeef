"""The non-LLM verifier learns what can be learned, nothing of the group it is asked about, and gives no figure where
there is none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from apigen_nb.dataset import verifier
from apigen_nb.dataset.verifier import BETWEEN, FEATURES, LEAST, Seen, looked_at, see, study
from apigen_nb.records import Message, Opinion, Reading, ToolCall, Trajectory, Verdict

READING = Reading(id="r", claim="c", question="?", opinions=(Opinion(judge="j", answer="yes"),), majority=1)


def talk(
    id: str, *calls: tuple[str, dict[str, object]], said: str = "Done.", held: bool = True, refused: int = 0,
    verdicts: Sequence[Verdict] = (), readings: tuple[Reading, ...] = (),
) -> Trajectory:  # fmt: skip
    messages = [Message(role="user", content="Renew it please.")]
    for number, (name, arguments) in enumerate(calls):
        called = ToolCall(id=f"c{number}", name=name, arguments=arguments)
        messages.append(Message(role="assistant", tool_calls=(called,)))
        messages.append(Message(role="tool", content="ok", tool_call_id=called.id, error=number < refused))
    messages.append(Message(role="assistant", content=said))
    state = Verdict(gate="state", passed=held)
    return Trajectory(
        id=id, blueprint=id.partition(".")[0], attempt=1, messages=tuple(messages), ended="stop",
        verdicts=(state, *verdicts), readings=readings,
    )  # fmt: skip


GET, RENEW = ("get_loan", {"loan_id": "L1"}), ("renew_loan", {"loan_id": "L1", "reason": "travel"})


def features(*held: Trajectory) -> dict[str, float]:
    first = next(see(held, "g"))
    return {name: first.features[name] for name in BETWEEN}


def test_conversations_that_do_the_same_are_alike_in_everything() -> None:
    assert features(talk("b.t1", GET, RENEW), talk("b.t2", GET, RENEW)) == dict.fromkeys(BETWEEN, 1) | {
        "calls": 2,
        "refused": 0,
    }


def test_what_differs_is_measured_by_calls_arguments_words_and_length() -> None:
    other = ("renew_loan", {"loan_id": "L2", "reason": "travel"})
    found = features(talk("b.t1", GET, RENEW, said="It costs $5.", refused=1), talk("b.t2", other, said="It costs $6."))
    assert found == {
        "same calls": 0,
        "order of tools": pytest.approx(2 / 3),  # one of two tools and of one is the same, in order
        "tools": 1 / 2,
        "arguments": 1 / 4,  # of get_loan's one, and of renew_loan's two and two, the reason is the same
        "values told": 0,
        "length": 4 / 6,
        "calls": 2,
        "refused": 1 / 2,
    }


def test_it_is_the_mean_over_the_others_and_one_alone_has_none() -> None:
    three = talk("b.t1", GET, RENEW), talk("b.t2", GET, RENEW), talk("b.t3", RENEW)
    assert features(*three)["same calls"] == features(*three)["tools"] * 2 / 3 == 1 / 2
    assert features(talk("b.t1", RENEW))["same calls"] == 1


def test_it_sees_words_and_tools_but_no_result_and_no_value_of_an_argument() -> None:
    [seen] = see([talk("b.t1", GET, said="Salt Roads, Ärger!", refused=1)], "g")
    assert seen.features["text"] == "renew it please get_loan() get_loan(loan_id) refused() salt roads ärger"


def test_labels_are_those_of_the_state_check_and_of_judges_where_they_decided() -> None:
    fell = Verdict(gate="conduct", passed=False)
    open_ = Verdict(gate="conduct", passed=False, undecided=True)
    held = [
        talk("b.t1"),
        talk("b.t2", held=False),
        talk("b.t3", readings=(READING,)),
        talk("b.t4", verdicts=[fell], readings=(READING,)),
        talk("b.t5", verdicts=[open_], readings=(READING,)),
        talk("b.t6", verdicts=[Verdict(gate="ended", passed=False, kind="no answer")]),
        talk("b.t7").model_copy(update={"verdicts": (fell,)}),
    ]
    assert [(one.id, one.state, one.judged) for one in see(held, "g")] == [
        ("b.t1", True, None),
        ("b.t2", False, None),
        ("b.t3", True, True),
        ("b.t4", True, False),
        ("b.t5", True, None),
    ]


def seen(group: int, number: int, text: str, state: bool, judged: bool | None = None) -> Seen:
    return Seen(f"g{group}.t{number}", f"g{group}", state, judged, dict.fromkeys(BETWEEN, 1.0) | {"text": text})


def areas(found: verifier.Study) -> dict[tuple[str, str], tuple[float, float, float]]:
    return {(one.features, one.labels): (one.auroc, one.low, one.high) for one in found.figures}


def test_what_can_be_learned_is_learned_and_what_says_nothing_is_chance() -> None:
    many = [seen(g, n, "renew() done" if (g + n) % 3 else "cancel() done", bool((g + n) % 3)) for g in range(20)
            for n in range(3)]  # fmt: skip
    found = study(many)
    assert areas(found) == {
        ("between conversations", "the state check"): (0.5, 0.5, 0.5),
        ("words and calls (TF-IDF)", "the state check"): (1, 1, 1),
        ("both", "the state check"): (1, 1, 1),
    }
    assert {(one.held, one.fell) for one in found.figures} == {(40, 20)}
    assert found.disagreements == []
    assert len(found.lacking) == 1
    assert "no figure against the verdicts of judges" in found.lacking[0]


def test_nothing_of_a_group_is_learned_before_it_is_guessed() -> None:
    draw = random.Random(5)
    labels = [draw.random() < 0.5 for _ in range(60)]
    many = [seen(g, n, f"only{g} said here", labels[g]) for g in range(60) for n in range(3)]
    for auroc, low, high in areas(study(many)).values():
        assert auroc < 0.65, "who had seen another of the group would be right always"
        assert low <= auroc <= high


def test_intervals_are_wider_where_conversations_of_a_group_are_one_and_the_same() -> None:
    draw = random.Random(7)
    told = [(draw.random() < 0.5, draw.random() < 0.8) for _ in range(40)]

    def width(times: int, apart: bool) -> float:
        many = [
            seen(g * times + n if apart else g, n, "good" if right == state else "bad", state)
            for g, (state, right) in enumerate(told)
            for n in range(times)
        ]
        low, high = areas(study(many))["both", "the state check"][1:]
        return high - low

    assert width(6, apart=False) > 1.8 * width(6, apart=True)


def test_judges_are_another_label_of_the_same_guesses() -> None:
    many = [
        seen(g, n, "bad" if n == 0 else "poor" if n == 1 else "good", n != 0, judged=None if n == 0 else n == 2)
        for g in range(20)
        for n in range(3)
    ]
    found = areas(study(many))
    assert found["both", "the state check"][0] == 1
    assert ("both", "judges") in found


def test_the_same_conversations_give_the_same_figures() -> None:
    draw = random.Random(3)
    many = [seen(g, n, draw.choice(("good", "bad")), draw.random() < 0.6) for g in range(20) for n in range(3)]
    assert study(many) == study(many)


def test_it_names_first_what_it_is_surest_of_against_the_check() -> None:
    many = [seen(g, n, "good" if n else "bad", bool(n)) for g in range(30) for n in range(2)]
    many[1] = seen(0, 1, "bad", True)
    many[20] = seen(10, 0, "good", False)
    found = study(many)
    assert {*found.disagreements} == {"g0.t1", "g10.t0"}
    off = [abs(found.guesses[id] - found.states[id]) for id in found.disagreements]
    assert off == sorted(off, reverse=True)


@pytest.mark.parametrize(
    ("held", "fell", "groups", "why"),
    [
        (40, 0, 40, "of 40 conversations 0, in 0 groups, are “state fell”; it takes 10 in 5"),
        (40, LEAST - 1, 49, "of 49 conversations 9, in 9 groups, are “state fell”; it takes 10 in 5"),
        (40, 12, 4, "of 52 conversations 40, in 4 groups, are “state held”; it takes 10 in 5"),
        (0, 0, 1, "of 0 conversations 0, in 0 groups, are “state held”; it takes 10 in 5"),
    ],
)
def test_with_too_little_there_is_no_figure(
    held: int, fell: int, groups: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "_guesses", lambda *_: pytest.fail("nothing is to be learned"))
    many = [seen(n % groups, n, "word", n < held) for n in range(held + fell)]
    found = study(many)
    assert found.lacking == [f"The verifier has no figure: {why}."]
    assert found.figures == found.disagreements == []


def test_of_very_many_whole_blueprints_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MOST", 6)
    ids = [f"b{n}" for n in range(9)]
    assert looked_at(ids, 18) == ["b0", "b3", "b6"]
    assert looked_at(ids, 19) == ["b0", "b4", "b8"]
    assert looked_at(ids, 6) == ids
    assert {*FEATURES["both"]} == {*BETWEEN, "text"}
