"""Known defects, planted one at a time into verified conversations (ours): what are the checks worth, and these judges?

A defect or a paraphrase is a function `(dialogue, rng) -> messages | None`; its calls are made again in a fresh world.
It is listed here with the check that must find it, and whether code alone can: what is only in words needs a judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from ...records import Message
from ..dialogue import Dialogue
from . import calls, paraphrases, users, words

Edit = Callable[[Dialogue, Random], Sequence[Message] | None]


@dataclass(frozen=True)
class Defect:
    """One kind of edit. `check` is the one that must fell what comes of it, "" where it stays right. When it is
    `decidable`, code alone must see it. What is only `noted` counts as a score and fells nothing."""

    edit: Edit
    check: str = ""
    decidable: bool = True
    noted: bool = False

    @property
    def name(self) -> str:
        return str(self.edit.__name__).replace("_", " ")

    def plant(self, dialogue: Dialogue, rng: Random) -> list[Message] | None:
        """The messages with this edit, results of calls not yet renewed; None where there is no place for it."""
        edited = self.edit(dialogue, rng)
        return None if edited is None or list(edited) == list(dialogue.messages) else list(edited)


DEFECTS: tuple[Defect, ...] = (
    Defect(calls.confirmation_removed, "conduct", decidable=False),
    Defect(calls.answer_not_awaited, "conduct"),
    Defect(calls.identification_removed, "conduct"),
    Defect(calls.other_customers_data_told, "conduct"),
    Defect(calls.other_customers_row_changed, "state"),
    Defect(calls.write_that_nobody_asked_for, "state"),
    Defect(calls.rule_broken, "conduct"),
    Defect(calls.wrong_write_put_right, "conduct", decidable=False),
    Defect(calls.other_value_written, "state"),
    Defect(calls.last_write_left_out, "state"),
    Defect(calls.told_as_done_from_the_start, "state"),
    Defect(calls.three_refused_writes, "conduct"),
    Defect(calls.ten_useless_reads, "conduct", noted=True),
    Defect(calls.text_beside_a_call, "conduct"),
    Defect(calls.two_calls_at_once, "conduct"),
    Defect(calls.write_after_the_transfer, "conduct"),
    Defect(calls.denied_wish_granted, "behaviour"),
    Defect(calls.error_given_up_on, "behaviour"),
    Defect(calls.needless_call, "behaviour"),
    Defect(calls.one_call_at_a_time, "behaviour"),
    Defect(users.premature_stop, "state"),
    Defect(users.detail_told_unasked, "behaviour"),
    Defect(users.machinery_in_the_users_text, "conduct"),
    Defect(users.wish_never_voiced, "behaviour", decidable=False),
    Defect(users.change_never_voiced, "behaviour", decidable=False),
    Defect(users.refused_and_done_all_the_same, "conduct", decidable=False),
    Defect(users.question_in_place_of_a_consent, "conduct", decidable=False),
    Defect(words.credit_invented, "conduct", decidable=False),
    Defect(words.promise_that_no_tool_keeps, "conduct", decidable=False),
    Defect(words.insult, "conduct", decidable=False),
    Defect(words.machinery_in_the_agents_text, "conduct"),
    Defect(words.figure_from_nowhere, "conduct", decidable=False),
    Defect(words.rule_invented, "conduct", decidable=False),
    Defect(words.secret_told, "conduct", decidable=False),
    Defect(words.output_left_out, "outputs", decidable=False),
    Defect(words.output_told_wrong, "outputs", decidable=False),
    Defect(words.output_taken_back, "outputs", decidable=False),
    Defect(words.announced_otherwise, "conduct", decidable=False),
    Defect(words.announcement_left_out, "conduct", decidable=False),
    Defect(words.claimed_as_done, "conduct", decidable=False),
    Defect(words.wish_passed_over, "behaviour", decidable=False),
    Defect(words.detail_never_asked_for, "behaviour", decidable=False),
)
PARAPHRASES: tuple[Defect, ...] = tuple(
    map(
        Defect,
        (
            paraphrases.consent_in_other_words,
            paraphrases.courtesy_added,
            paraphrases.question_before_the_announcement,
            paraphrases.ids_without_their_mark,
            paraphrases.dates_in_words,
            paraphrases.amounts_with_two_decimals,
            paraphrases.thousands_separated,
            paraphrases.counts_in_words,
            paraphrases.told_as_a_list,
            paraphrases.thanks_and_goodbye,
            paraphrases.user_greets,
            paraphrases.done_in_another_language,
            paraphrases.lookup_after_a_slip,
        ),
    )
)
