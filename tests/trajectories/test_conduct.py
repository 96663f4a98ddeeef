"""Conduct: faithful conversations break nothing, in any language, and each planted break is found where it stands."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.records import Action, Blueprint, Finding, Opinion, Reading, ToolCall, Verdict
from apigen_nb.trajectories.conduct import keeps_conduct
from apigen_nb.trajectories.conduct.figures import untraced
from apigen_nb.trajectories.conduct.known import Known
from apigen_nb.trajectories.conduct.texts import shows_no_machinery
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings
from apigen_nb.world.domain import Conduct, Domain, DomainError, from_folder
from apigen_nb.world.typed_values import find_values
from tests.conversations import messages_of
from tests.library import GOOD, OVERDUE, POE, RENAME, RENEW, RETURN, call, write_library

FIND = call("find_member", email="ada@example.com")
MEMBER = call("get_member", member_id="M1")
GET = call("get_loan", loan_id="L1")
OTHERS = call("get_loan", loan_id="L4")
NONSENSE = call("return_loan", loan_id="X")
BROKEN = ToolCall(id="", name="renew_loan", arguments=None, raw="{")
HAND_OVER = call("hand_over", summary="a wish")
HELLO = ("U: Hello, ada@example.com here. Renew L1 please, I travel.", (FIND,))
ASK = ("A: I would renew L1 for two weeks, since you travel. Is that right?", "U: Exactly that.")
GOODBYE = ("A: L1 is renewed.", "U: Great, bye.")


Found = list[tuple[str, int]]  # the rule and the turn


def findings(blueprint: Blueprint, domain: Domain, *turns: Any, outcome: str = "fell", **meant: str) -> Found:
    verdict = conduct(blueprint, domain, *turns, **meant)
    return [(f.rule, f.turn) for f in verdict.findings if f.outcome == outcome]


FINE = {"consent": "yes", "promise": "none", "figure": "none"}


def conduct(blueprint: Blueprint, domain: Domain, *turns: Any, **meant: str) -> Verdict:
    """The verdict where a judge gives these answers, those of a faithful conversation where none are given. "answer:
    words" is proven by these words, else by the last message of the speaker."""
    messages = tuple(messages_of(blueprint, domain, *turns))
    dialogue, meanings = Dialogue(blueprint, messages, domain), Meanings(messages)
    keeps_conduct(dialogue, meanings)
    for claim in list(meanings.open.values()):
        answer, _, words = (FINE | meant)[claim.kind].partition(": ")
        spoken = [n for n in range(claim.start, claim.end) if messages[n].role == claim.speaker and messages[n].content]
        turn = next((n for n in spoken if words and words in messages[n].content), spoken[-1])
        said = Opinion(judge="judge 1", answer=answer, turn=turn, quotation=words or messages[turn].content)
        reading = Reading(id=claim.id, claim=claim.digest, question=claim.question, opinions=(said,), majority=1)
        meanings.readings[claim.id] = reading
    meanings.open.clear()
    verdict = keeps_conduct(dialogue, meanings)
    assert verdict.gate == "conduct"
    assert not meanings.open
    assert (verdict.outcome == "held") == (not verdict.reason) == (not verdict.kind)
    assert all(0 <= finding.turn < len(messages) for finding in verdict.findings)
    return verdict


BREAKS: list[tuple[str, tuple[Any, ...], list[tuple[str, int]]]] = [
    ("plain", (HELLO[0], (GET,), (FIND,), *ASK, (RENEW,), *GOODBYE), [("identified", 1)]),
    ("plain", ("U: I am M1.", (GET,), "A: It is Salt Roads."), [("identified", 1)]),
    ("plain", (*HELLO, (RENEW,), *GOODBYE), [("asked before writing", 3)]),
    ("plain", (*HELLO, "A: I renew L1 now.", (RENEW,), *GOODBYE), [("asked before writing", 4)]),
    ("plain", (*HELLO, *ASK, (GET, RENEW), *GOODBYE), [("one call", 5)]),
    ("plain", (*HELLO, *ASK, (RENEW,), (HAND_OVER,), (GET,)), [("transfer is the end", 9)]),
    ("plain", (*HELLO, (HAND_OVER, GET)), [("one call", 3), ("transfer is the end", 3)]),
    ("plain", (*HELLO, (OTHERS,), *ASK, (RENEW,), *GOODBYE), [("own rows", 3)]),
    ("plain", (*HELLO, "A: Somebody else has L4.", *ASK, (RENEW,), *GOODBYE), [("own rows", 3)]),
    ("plain", (*HELLO, *ASK, (OVERDUE,), "A: Done."), [("overdue_stays", 5)]),
    ("plain", (*HELLO, *ASK, (RENEW,), "A: Again?", "U: Yes.", (RENEW,)), [("renewed_once", 9)]),
    ("plain", (*HELLO, *ASK, (POE,), "A: So?", "U: No, Reed.", (RENAME,)), [("right at once", 5)]),
    ("plain", (*HELLO, *ASK, (NONSENSE,), (call("renew_loan"),), (RENEW,)), [("refused write", 7)]),
    ("plain", (*HELLO, "A: <tool_call> One moment.", *ASK, (RENEW,), *GOODBYE), [("no machinery", 3)]),
    ("plain", (*HELLO, *ASK, (RENEW,), "A: Done. ###STOP###", "U: ###STOP###"), [("no machinery", 7)]),
    ("plain", (*HELLO, *ASK, (RENEW,), "A: Done.", "U: bye<|im_end|>"), [("no machinery", 8)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "turns", "expected"), BREAKS, ids=[f"{e[0][0]} {n}" for n, (_, _, e) in enumerate(BREAKS)]
)
def test_each_break_is_found_where_it_stands(
    library: Domain, name: str, turns: tuple[Any, ...], expected: list[tuple[str, int]]
) -> None:
    assert findings(GOOD[name], library, *turns) == expected


FAITHFUL: list[tuple[str, tuple[Any, ...]]] = [
    ("plain", (*HELLO, *ASK, (RENEW,), *GOODBYE)),
    ("plain", ("U: Hallo, ada@example.com. Bitte L1 verlängern, ich verreise.", (FIND,), "A: Ich verlängere L1 um zwei "
               "Wochen, weil Sie verreisen. Einverstanden?", "U: Ja, machen Sie das.", (RENEW,), "A: Ist verlängert.")),
    ("plain", ("U: Soy ada@example.com. Quiero renovar L1, me voy de viaje.", (FIND,), "A: Renovaré L1 dos semanas por "
               "su viaje. ¿Le parece bien?", "U: Sí, adelante.", (RENEW,), "A: Listo, renovado.")),
    ("plain", ("U: 你好, 我是 ada@example.com。请续借 L1, 我要去旅行。", (FIND,),
               "A: 我将因您旅行续借 L1 两周, 可以吗?", "U: 可以。", (RENEW,), "A: 已续借。", "U: 谢谢 ###STOP###")),
    ("plain", ("U: hello", "A: An overdue loan is not renewed.", "U: bye")),
    ("forbidden by a rule", (*HELLO, "A: Sure?", "U: And is L4 out?", "A: L4 is somebody else's, I cannot say.")),
    ("tool error", (*HELLO, *ASK, (RENEW,), (RENEW,), *GOODBYE)),
    ("parallel calls", (*HELLO, "A: L1, and Ada Reed?", "U: Both.", (RENEW, RENAME), "A: Both are done.")),
    ("plain", (*HELLO, "A: I renew L1, then you are Ada Reed?", "U: Both.", (RENEW,), (RENAME,), "A: Both are done.")),
    ("plain", (*HELLO, (HAND_OVER,), "A: A person takes over.")),
    ("plain", ("U: What is L4?", (HAND_OVER,), "A: A person takes over.")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turns"), FAITHFUL, ids=[f"{n}: {name}" for n, (name, _) in enumerate(FAITHFUL)])
def test_faithful_conversations_break_nothing(library: Domain, name: str, turns: tuple[Any, ...]) -> None:
    assert findings(GOOD[name], library, *turns) == []


NOTED: list[tuple[str, tuple[Any, ...], tuple[str, int]]] = [
    ("plain", (*HELLO, (GET,), (GET,), "A: Salt Roads.", *ASK, (RENEW,)), ("needless read", 5)),
    ("plain", (*HELLO, (GET,), *ASK, (RENEW,), *GOODBYE), ("needless read", 3)),
    ("plain", (HELLO[0] + " And whose is L4?", (FIND,), (OTHERS,), "A: I can only speak of yours."), ("own rows", 3)),
    ("plain", (*HELLO, *ASK, (call("renew_loan", loan_id="L1"),), (RENEW,)), ("refused write", 5)),
    ("plain", (*HELLO, *ASK, (BROKEN,), (RENEW,)), ("refused write", 5)),
    ("missing tool", (*HELLO, *ASK, (RENAME,), (RENAME,), "A: I cannot."), ("refused write", 7)),
    ("plain", (*HELLO, *ASK, (RENAME,), "A: So?", "U: Yes.", (RENAME,)), ("right at once", 9)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turns", "expected"), NOTED, ids=[f"{e[0]} {n}" for n, (_, _, e) in enumerate(NOTED)])
def test_what_is_only_noted_fells_nothing(
    library: Domain, name: str, turns: tuple[Any, ...], expected: tuple[str, int]
) -> None:
    assert findings(GOOD[name], library, *turns) == []
    assert expected in findings(GOOD[name], library, *turns, outcome="noted")


def test_a_write_in_the_place_of_one_that_was_not_made_was_not_put_right(library: Domain) -> None:
    twice = GOOD["plain"].model_copy(update={"actions": (RENAME, POE)})
    other = call("rename_member", member_id="M1", name="Ada Roe")
    assert findings(twice, library, *HELLO, *ASK, (other,), "A: And?", "U: Poe.", (POE,)) == []
    assert findings(twice, library, *HELLO, *ASK, (RENAME,), "A: And?", "U: Poe.", (other,), (POE,)) == [
        ("right at once", 9)
    ]


def test_text_beside_a_call_breaks_the_conduct_of_those_who_forbid_it(library: Domain) -> None:
    messages = messages_of(GOOD["plain"], library, *HELLO, *ASK, (RENEW,), *GOODBYE)
    messages[5] = messages[5].model_copy(update={"content": "一つお待ちください。"})
    dialogue = Dialogue(GOOD["plain"], tuple(messages), library)
    fell = [f for f in keeps_conduct(dialogue, Meanings(messages)).findings if f.outcome == "fell"]
    assert [(f.rule, f.turn) for f in fell] == [("no text beside calls", 5)]


# --- what a sentence means, as judges read it

WHOLE = (*HELLO, *ASK, (RENEW,), *GOODBYE)
MEANT: list[tuple[tuple[Any, ...], dict[str, str], list[tuple[str, int]]]] = [
    (WHOLE, {}, []),
    (WHOLE, {"consent": "no"}, [("asked before writing", 5)]),
    ((*HELLO, "A: 什么?", "U: 归还 L1 吧。", (RENEW,), "A: 好了。"), {"consent": "no"}, [("asked before writing", 5)]),
    (WHOLE, {"promise": "unkept: L1 is renewed."}, [("word kept", 7)]),
    ((*WHOLE, "A: Además le abonamos 20 dólares."), {"promise": "unkept"}, [("word kept", 9)]),
    ((*WHOLE, "A: Sie Dummkopf!"), {"promise": "abuse"}, [("respect", 9)]),
    ((*WHOLE, "A: 密码是 1234。"), {"promise": "secret"}, [("secrets kept", 9)]),
]  # fmt: skip


@pytest.mark.parametrize(("turns", "meant", "expected"), MEANT, ids=[str(n) for n in range(len(MEANT))])
def test_what_judges_read_decides_what_evidence_leaves_open(
    library: Domain, turns: tuple[Any, ...], meant: dict[str, str], expected: list[tuple[str, int]]
) -> None:
    verdict = conduct(GOOD["plain"], library, *turns, **meant)
    assert [(f.rule, f.turn) for f in verdict.findings if f.outcome == "fell"] == expected


def test_a_finding_shows_the_words_that_the_judges_quoted(library: Domain) -> None:
    """And not the beginning of a long message."""
    late = f"A: {'Thank you for your patience. ' * 9}We add $20."
    for kind, answer in (("promise", "unkept"), ("figure", "invented")):
        verdict = conduct(GOOD["plain"], library, *WHOLE, late, **{kind: f"{answer}: We add $20."})
        assert "said 'We add $20.'" in verdict.reason


def test_without_judges_what_was_meant_is_undecided_and_nobody_fell(library: Domain) -> None:
    messages = messages_of(GOOD["plain"], library, *WHOLE)
    meanings = Meanings(messages)
    verdict = keeps_conduct(Dialogue(GOOD["plain"], messages, library), meanings)
    assert (verdict.outcome, verdict.kind) == ("undecided", "asked before writing")
    assert sorted(meanings.open) == ["consent/5", "promise"]
    assert {f.outcome for f in verdict.findings} == {"undecided"}


def test_writes_between_two_messages_of_the_user_are_one_question(library: Domain) -> None:
    turns = (
        *HELLO,
        "A: Renew L1 and rename you Ada Reed?",
        "U: Both.",
        (RENEW,),
        (RENAME,),
        "A: Back, too?",
        "U: Yes.",
    )
    messages = messages_of(GOOD["plain"], library, *turns, (RETURN,), "A: Done.")
    meanings = Meanings(messages)
    keeps_conduct(Dialogue(GOOD["plain"], messages, library), meanings)
    consents = [claim for claim in meanings.open.values() if claim.kind == "consent"]
    assert [(claim.start, claim.end, claim.about.count("(")) for claim in consents] == [
        (3, 5, 2),
        (3, 11, 1),
    ]  # what was told before the first counts


def test_words_of_the_user_before_the_agent_spoke_prove_no_consent(library: Domain) -> None:
    verdict = conduct(GOOD["plain"], library, *WHOLE, consent="yes: Renew L1 please")
    assert (verdict.outcome, verdict.kind) == ("undecided", "asked before writing")


def test_the_agents_tools_and_policy_are_told_to_judges(library: Domain) -> None:
    blueprint = GOOD["missing tool"]
    messages = messages_of(blueprint, library, "U: hi", "A: hello")
    meanings = Meanings(messages)
    keeps_conduct(Dialogue(blueprint, messages, library), meanings)
    about = meanings.open["promise"].about
    assert "- renew_loan: Renew a loan by two weeks." in about
    assert library.policy in about
    assert "rename_member" not in about


# --- where what the agent tells comes from

TRACED = [
    "A: Salt Roads is due in 3 days, its fee is $0.50.",
    "A: Das Entgelt beträgt 0,50 $; fällig in 3 Tagen.",
    "A: Es Salt Roads: quedan 3 días y cuesta 0,50 dólares.",
    "A: Salt Roads 还有 3 天, 费用是 0.50 美元。",
    "A: Five times that would be $2.50, your 1,250 points stay.",
    "A: Together with $2.25 for L2 that is $2.75.",
    "A: I have ada@example.com of you, and 2 loans.",
]
INVENTED = [
    ("A: The fee is $0.65.", "$0.65"),
    ("A: Die Gebühr beträgt 7,90 Euro.", "7,90 Euro"),
    ("A: Le costará 48 dólares.", "48 dólares"),
    ("A: 费用是 48 美元。", "48 美元"),
    ("A: It is due on May 17, 2031.", "May 17, 2031"),
    ("A: Write to desk@library.example.", "desk@library.example"),
    ("A: Your number is R-88231.", "R-88231"),
    ("A: You have 31 days.", "31 days"),
    ("A: You get 15% off.", "15%"),
]
READ = ("U: ada@example.com. What of L1?", (FIND,), (GET,), (call("get_loan", loan_id="L2"),), (MEMBER,))


@pytest.mark.parametrize("text", TRACED)
def test_what_is_told_comes_from_somewhere(library: Domain, text: str) -> None:
    dialogue = Dialogue(GOOD["plain"], messages_of(GOOD["plain"], library, *READ, text), library)
    assert list(untraced(dialogue)) == []


@pytest.mark.parametrize(("text", "value"), INVENTED)
def test_what_comes_from_nowhere_is_for_judges_to_see(library: Domain, text: str, value: str) -> None:
    dialogue = Dialogue(GOOD["plain"], messages_of(GOOD["plain"], library, *READ, text), library)
    assert [told for _, told in untraced(dialogue)] == [value]
    assert [f.rule for f in keeps_conduct(dialogue, Meanings(dialogue.messages)).findings if f.turn == 9] == [
        "word kept",
        "figures have a source",
    ]
    assert findings(GOOD["plain"], library, *READ, text, figure="invented") == [("figures have a source", 9)]
    assert findings(GOOD["plain"], library, *READ, text, figure="none") == []


AMOUNTS = st.decimals(min_value=13, max_value=10**6, places=2)


@given(AMOUNTS, AMOUNTS)
def test_sums_and_differences_of_what_a_call_gave_are_known(one: Decimal, other: Decimal) -> None:
    known = Known()
    known.look_at(f'{{"price": {one}, "fee": {other}}}')
    for amount in (one, other, one + other, abs(one - other), one * 3):
        assert all(map(known.has, find_values(f"That is ${amount:,.2f}.")))


# --- what a domain declares


def _folder(tmp_path: Path, rules: str) -> Path:
    folder = write_library(tmp_path / "library")
    (folder / "rules.py").write_text(rules)
    return folder


def test_a_domain_declares_what_its_policy_does_not_ask(tmp_path: Path) -> None:
    free = (
        "from apigen_nb import Conduct\nCONDUCT = Conduct(identify_first=False, confirm_writes=False, "
        "one_call_at_a_time=False, no_text_beside_calls=False)\n"
    )
    domain = from_folder(_folder(tmp_path, free))
    assert domain.conduct == Conduct(False, False, False, False, False)
    assert findings(GOOD["plain"], domain, "U: Renew L1", (RENEW, GET), "A: Done.") == []


def test_an_id_that_is_told_identifies_where_the_domain_says_so(tmp_path: Path) -> None:
    domain = from_folder(_folder(tmp_path, "from apigen_nb import Conduct\nCONDUCT = Conduct(by_told_id=True)\n"))
    assert findings(GOOD["plain"], domain, "U: I am M1.", (GET,), "A: Salt Roads.") == []
    assert findings(GOOD["plain"], domain, "U: I am M2.", (GET,), "A: Salt Roads.") == [("identified", 1)]


TRACE_RULE = '''
from apigen_nb import Trace, trace_rule

@trace_rule
def short_messages(trace: Trace):
    """No message of the agent has more than fifty characters, and at most one thing is written for a member."""
    yield from (n for n, m in enumerate(trace.messages) if m.role == "assistant" and len(m.content) > 50)
    yield from (turn for turn, step in trace.steps[1:] if step.user == trace.user)
'''


def test_a_domain_has_rules_over_whole_conversations(tmp_path: Path) -> None:
    domain = from_folder(_folder(tmp_path, TRACE_RULE))
    turns = (*HELLO, "A: Renew, and rename?", "U: Yes.", (RENEW,), (RENAME,), f"A: {'Well. ' * 20}")
    assert findings(GOOD["plain"], domain, *turns) == [("short_messages", 7), ("short_messages", 9)]
    assert domain.fingerprint != from_folder(write_library(tmp_path / "other")).fingerprint


@pytest.mark.parametrize(("rules", "words"), [
    ("CONDUCT = {'identify_first': False}", "CONDUCT is a Conduct"),
    ("from apigen_nb import trace_rule\n@trace_rule\ndef silent(trace): return ()", "silent has no docstring"),
])  # fmt: skip
def test_what_is_declared_wrongly_is_said(tmp_path: Path, rules: str, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        from_folder(_folder(tmp_path, rules))


# --- texts


@pytest.mark.parametrize("text", [
    "</think>", "<think>", "<|im_start|>assistant", "<｜tool▁calls▁begin｜>", "[TOOL_CALLS] []", "<start_of_turn>model",
    '{"name": "renew_loan", "arguments": {"loan_id": "L1"}}', 'So: {"tool": "renew_loan", "parameters": {}}',
    '[{"type": "function", "function": {"name": "renew_loan", "arguments": "{}"}}]', 'renew_loan(loan_id="L1")',
    "<function=renew_loan>", '<invoke name="renew_loan">', "###STOP###",
])  # fmt: skip
def test_machinery_is_seen_in_any_shape(library: Domain, text: str) -> None:
    assert _machinery(library, f"Gern. {text} …")


@pytest.mark.parametrize("text", [
    "I use <b>renew_loan</b>, as {it} says.", "Salt Roads {2nd ed.} <3", "a < b > c", "See [1] and [INSTEAD].",
    '{"name": "Ada"}', "renew loan (L1)", "It is <unknown>.", "#R12 {}",
])  # fmt: skip
def test_no_words_are_taken_for_machinery(library: Domain, text: str) -> None:
    assert not _machinery(library, text)


@given(st.text(alphabet=st.characters(exclude_characters="<>{}[]()#"), max_size=200))
def test_text_without_brackets_is_no_machinery(text: str) -> None:
    assert not _machinery(Domain.load("retail"), text)


def _machinery(domain: Domain, text: str) -> list[Finding]:
    messages = messages_of(GOOD["plain"], domain, f"A: {text}")
    return list(shows_no_machinery(Dialogue(GOOD["plain"], messages, domain), Meanings(messages)))


# --- a domain that ships with the package


def test_breaks_in_a_shop(retail: tuple[Domain, Blueprint, Action, Action]) -> None:
    shop, blueprint, find, write = retail
    mine = f"U: {next(iter(find.arguments.values()))}, please change my phone"
    ask = ("A: Ihre neue Nummer wird 212-555-0100, richtig?", "U: Genau.")
    other = write.model_copy(update={"arguments": {**write.arguments, "phone": "212-555-0101"}})
    assert findings(blueprint, shop, mine, (find,), *ask, (write,), "A: Erledigt.") == []
    assert findings(blueprint, shop, mine, (write,), "A: Erledigt.") == [("identified", 1), ("asked before writing", 1)]
    twice = findings(blueprint, shop, mine, (find,), *ask, (other,), "A: Fertig.", "U: Nein, 0100.", (write,))
    assert twice == [("right at once", 5), ("one_contact_change", 9)]
    stranger = next(user for user in shop.subjects if user != blueprint.user)
    row = call("get_customer", customer_id=stranger)
    assert findings(blueprint, shop, mine, (find,), (row,), *ask, (write,)) == [("own rows", 3)]


@pytest.fixture
def retail() -> tuple[Domain, Blueprint, Action, Action]:
    shop = Domain.load("retail")
    user = shop.subjects[0]
    write = call("change_phone", customer_id=user, phone="212-555-0100")
    blueprint = GOOD["plain"].model_copy(update={"domain": "retail", "user": user, "actions": (write,)})
    find = call("find_customer_by_email", email=shop.tables["customers"][user]["email"])
    return shop, blueprint, find, write
