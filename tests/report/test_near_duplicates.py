"""Instructions that nearly repeat an earlier one are found, others are not, and the same ones every time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.records import Proposal
from apigen_nb.report import near_duplicates, pages
from apigen_nb.report.near_duplicates import COLUMNS, MOST, SCRIPTED, THRESHOLD
from apigen_nb.report.plain_text import in_words
from apigen_nb.report.run_contents import RunContents
from apigen_nb.storage.jsonl import read_lines
from tests.report_records import HOSTILE, make_run, proposals

ACCEPTED, REJECTED = next(p for p in proposals() if p.accepted), next(p for p in proposals() if not p.accepted)
# any letters, also of scripts that are written without spaces
TEXTS = st.text(min_size=1, max_size=80)
WORDS = st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=30, max_size=60, unique=True)


def asked(*texts: str) -> list[Proposal]:
    """Accepted proposals with these instructions."""
    last = ACCEPTED.attempts[-1]
    blueprints = (last.blueprint.model_copy(update={"instruction": text}) for text in texts)
    return [
        ACCEPTED.model_copy(update={"id": f"p-{n}", "attempts": (last.model_copy(update={"blueprint": one}),)})
        for n, one in enumerate(blueprints)
    ]


def pairs(*texts: str) -> list[tuple[str, str, float]]:
    frame, accepted = near_duplicates.near_duplicates(asked(*texts))
    assert accepted == len(texts)
    return list(frame[COLUMNS[:3]].itertuples(index=False, name=None))


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_text_and_itself_are_alike_in_any_letters(text: str, other: str) -> None:
    assert ("p-2", "p-0", 1.0) in pairs(text, other, text)


@settings(deadline=None)
@given(WORDS)
def test_texts_that_share_no_words_are_not_alike(words: list[str]) -> None:
    half = len(words) // 2
    assert pairs(" ".join(words[:half]), " ".join(words[half:])) == []


@settings(deadline=None)
@given(WORDS, st.data())
def test_what_is_said_to_be_alike_is(words: list[str], data: st.DataObject) -> None:
    """One word in the middle takes three runs of three from each: n - 2 - 3 of n - 2 + 3 are shared."""
    place = data.draw(st.integers(2, len(words) - 3))
    changed = [*words[:place], "somethingelse", *words[place + 1 :]]
    shared = (len(words) - 5) / (len(words) + 1)
    found = pairs(" ".join(words), " ".join(changed))
    assert all(pair == ("p-1", "p-0", shared) for pair in found)
    assert bool(found) <= (shared >= THRESHOLD)
    assert found or shared < 0.9, "at 0.9 one of 10^6 pairs is missed"


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_the_same_texts_give_the_same_pairs_in_the_same_order(texts: list[str], data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.sampled_from(texts), min_size=2, max_size=12))
    found = pairs(*drawn)
    assert found == pairs(*drawn)
    assert [pair[2] for pair in found] == sorted((pair[2] for pair in found), reverse=True)
    assert len(drawn) - len(found) <= len(set(drawn)), "each but the first of a text repeats one"
    repeating = {id for id, _, _ in found}
    assert all(earlier not in repeating for _, earlier, _ in found)


def test_chinese_is_compared_character_by_character() -> None:
    text = "您想退回上一个订单中的台灯并将款项退到礼品卡上请尽快处理这件事情谢谢您的帮助和耐心"
    assert pairs(text, text.replace("谢谢", "感谢")) != []
    assert pairs(text, "我要把明天从北京飞往上海的机票改到后天早晨并且选择靠窗的座位另外增加一件托运行李") == []


def test_only_accepted_instructions_count() -> None:
    frame, accepted = near_duplicates.near_duplicates([REJECTED, *asked("One wish."), REJECTED])
    assert (len(frame), accepted) == (0, 1)
    assert "0 of 0 accepted instructions (–)" in in_words(near_duplicates.shown([REJECTED]))


def test_the_share_has_its_interval_and_scripted_runs_are_told() -> None:
    found = in_words(near_duplicates.shown(asked("Return the lamp.", "Return the lamp.", "Cancel my flight.")))
    assert "1 of 3 accepted instructions (33.3 % [6.1–79.2]) nearly repeat an earlier one" in found
    assert "p-1 | p-0 | 100.0 %" in found
    assert SCRIPTED not in found
    assert SCRIPTED.strip() in in_words(near_duplicates.shown(asked("Return the lamp."), scripted=True))
    assert f"{MOST} of 29 rows" in in_words(near_duplicates.shown(asked(*["Return it."] * 30)))


def test_what_a_model_wrote_is_text() -> None:
    piece = near_duplicates.shown(asked(HOSTILE, HOSTILE))
    assert "<script" not in piece
    assert "<img" not in piece
    assert "\u202e" not in piece


def test_a_report_says_what_the_records_say(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", count=6)
    run, whole = RunContents(folder), read_lines(folder / "blueprints.jsonl", Proposal)
    expected, accepted = near_duplicates.near_duplicates(whole)
    frame, told = near_duplicates.near_duplicates(run.told)
    pd.testing.assert_frame_equal(frame, expected)
    assert told == accepted == sum(p.accepted for p in whole)
    body = "".join(part() for part in pages.dataset_page(run) if callable(part))
    assert near_duplicates.shown(whole, run.scripted) in body
