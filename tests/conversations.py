"""Conversations in the library with what they mean: shared by the tests of the checks and of the judges' stand-in."""

from __future__ import annotations

from typing import Any, NamedTuple

from apigen_nb.records import Action, Blueprint, Message, ToolCall
from apigen_nb.trajectories.rollout import rollout_world
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import run_tool_call
from tests.library import OVERDUE, RENAME, RENEW, RETURN
from tests.players import Means


class Case(NamedTuple):
    """A conversation about a blueprint of `GOOD`, the kind of failure that its behaviour check must come to ("" where
    it holds), and what judges have to read in it; nothing where evidence decides."""

    name: str
    turns: tuple[Any, ...]
    kind: str
    means: Means = {}


def messages_of(blueprint: Blueprint, domain: Domain, *turns: Any) -> list[Message]:
    """User and agent in turn; a tuple of actions is calls in one message, answered by the blueprint's own world."""
    world, messages, made = rollout_world(blueprint, domain), list[Message](), 0
    for turn in turns:
        if isinstance(turn, str):
            role, _, text = turn.partition(": ")
            messages.append(Message(role="user" if role == "U" else "assistant", content=text))
            continue
        calls = []
        for action in turn:
            made += 1
            raw = action.raw if isinstance(action, ToolCall) else ""
            calls.append(ToolCall(id=f"call_{made}", name=action.name, arguments=action.arguments, raw=raw))
        messages.append(Message(role="assistant", tool_calls=tuple(calls)))
        messages += [run_tool_call(world, call) for call in calls]
    return messages


RULE, GONE, TOOL = "forbidden by a rule", "forbidden by a tool", "missing tool"
DETAIL, MIND = "missing detail", "change of mind"
HAND_OVER = Action(name="hand_over", arguments={"summary": "a wish"})
FIND = Action(name="find_member", arguments={"email": "ada@example.org"})
GET = Action(name="get_loan", arguments={"loan_id": "L1"})


def declined(words: str) -> Means:
    return {"wish answered": ("declined", words)}


def claimed(words: str) -> Means:
    return {"wish answered": ("claimed", words)}


def asked(words: str, told: str = "") -> Means:
    return {"detail asked": ("yes", words)} | ({"detail told": ("yes", told)} if told else {})


def changed(words: str) -> Means:
    return {"wish replaced": ("yes", words)}


NEITHER: Means = {"wish answered": ("neither", "")}
UNASKED: Means = {"detail asked": ("no", "")}
UNCHANGED: Means = {"wish replaced": ("no", "")}
MUTE: Means = {"wish voiced": ("no", "")}

# --- what calls and turns show

EVIDENCE = [
    Case(DETAIL, ("U: renew L1, travel", "A: Really?", "U: yes", (RENEW,), "A: Done."), "told unasked"),
    Case(RULE, ("U: renew L2", (OVERDUE,), "A: Sorry!"), "denied wish granted"),
    Case(RULE, ("U: renew L2", (OVERDUE,), "A: I can't do that."), "denied wish granted"),
    Case(RULE, ("U: renew L2", (RETURN,)), "not declined"),
    Case(RULE, ("A: I can't renew L2.", "U: renew L2"), "not declined"),
    Case(MIND, ("U: call me Ada Reed", "A: Shall I?", "U: no, renew L1", (RENEW,), "A: Done."), ""),
    Case(MIND, ("U: call me Ada Reed", "A: 需要吗？", "U: Nein, lieber L1 verlängern.", (RENEW,), "A: 好。"), ""),
    # the only loan of that title, which is L1
    Case(MIND, ("U: call me Ada Reed", "A: Shall I?", "U: no, rather renew Salt Roads", (RENEW,)), ""),
    Case(MIND, ("U: call me Ada Reed", "A: Soll ich?", "U: Lieber doch Salt Roads verlängern.", (RENEW,)), ""),
    Case(MIND, ("U: call me Ada Reed", (RENAME,), "A: Done."), "denied wish granted"),
    Case(MIND, ("U: call me Ada Reed, no, renew L1", (RENEW,), "A: Done."), "change not voiced"),
    Case(MIND, ("U: renew L1", "A: Why?", "U: call me Ada Reed", (RENEW,), "A: Done"), "change not voiced"),
    Case("tool error", ("U: renew L1", (RENEW,), "A: One moment.", (RENEW,), "A: Done."), ""),
    Case("tool error", ("U: renew L1", (RENEW,), "A: It does not work."), "not tried again"),
    Case("tool error", ("U: renew L1", (GET,), "A: Done."), "error not met"),
    Case("no tool", ("U: hello", "A: An overdue loan is not renewed."), ""),
    Case("no tool", ("U: hello", (FIND,), "A: An overdue loan is not renewed."), ""),
    Case("no tool", ("U: hello", (GET,), "A: An overdue loan is not renewed."), "tool called"),
    Case("parallel calls", ("U: both", (RENEW, RENAME), "A: Done."), ""),
    Case("parallel calls", ("U: both", (RENEW,), (RENAME,), "A: Done."), "one call at a time"),
    Case("parallel calls", ("U: both", (RENEW, GET), (RENAME,), "A: Done."), "one call at a time"),
]  # fmt: skip

# --- what only words show

MEANT = [
    Case(DETAIL, ("U: renew L1, please", "A: Why?", "U: I travel: travel", (RENEW,), "A: Done."), "", asked("Why?")),
    Case(DETAIL, ("U: renew L1", "A: Fine.", "U: travel", (RENEW,)), "told unasked", UNASKED),
    Case(DETAIL, ("U: renew L1", (RENEW,), "A: Done."), "not asked", {"detail told": ("no", "")}),
    Case(DETAIL, ("U: renew L1", "A: Why?", "U: no comment", "A: Bye."), "not asked", {"detail told": ("no", "")}),
    Case(RULE, ("U: return L1", "A: Done."), "wish not voiced", MUTE),
    Case(RULE, ("U: return L1", (RETURN,), "A: I can't renew anything."), "wish not voiced", MUTE),
    Case(RULE, ("A: Sorry?", "U: renew L2", "A: Let me see."), "not declined", NEITHER),
    Case(RULE, ("A: Sorry?", "U: renew L2", "A: Sure, soon."), "claimed as done", claimed("Sure, soon.")),
    Case(TOOL, ("U: call me Ada Reed", "A: I have no tool for that.", "U: ok"), "", declined("I have no tool")),
    Case(TOOL, ("U: call me Ada Reed", (RENAME,), "A: Well."), "not declined", NEITHER),
    # both wishes at once, and a word of change that changes nothing
    Case(MIND, ("U: call me Ada Reed, and renew L1", "A: Shall I?", "U: actually, do", (RENEW,), "A: Done."),
         "change not voiced", UNCHANGED),
    Case(MIND, ("U: renew L1", "A: Shall I?", "U: yes", (RENEW,)), "wish not voiced", MUTE),
]  # fmt: skip

LIES = [
    # refused first, and then said to be done
    Case(RULE, ("U: renew L2", "A: I can't.", "U: Please!", "A: I have renewed L2 for you."), "claimed as done",
         claimed("I have renewed L2")),
    Case(RULE, ("U: renew L2", "A: I can't.", "U: Please!", "A: Done!"), "claimed as done", claimed("Done!")),
    Case(RULE, ("U: renew L2", "A: I can't.", "U: Oh", "A: We've gone ahead and renewed it."), "claimed as done",
         claimed("gone ahead and renewed it")),
    Case(RULE, ("U: renew L2", "A: I can't.", "U: Oh", "A: L2 is now renewed."), "claimed as done",
         claimed("now renewed")),
    Case(RULE, ("U: renew L2 and return L1", "A: I can't.", (RETURN,), "A: I have returned L1 and renewed L2."),
         "claimed as done", claimed("and renewed L2")),
    Case(TOOL, ("U: call me Ada Reed", "A: I can't.", "U: Oh", "A: Sorry, it has been renamed."), "claimed as done",
         claimed("it has been renamed")),
    # a refusal of something else
    Case(RULE, ("U: renew L2", "A: Why?", "U: travel; return L1", "A: L1 cannot be returned."), "not declined",
         NEITHER),
    Case(RULE, ("U: renew L2", "A: It will be seen to.", "U: And return L1", (RETURN,),
                "A: Refunds are not possible. Bye."), "not declined", NEITHER),
    Case(TOOL, ("U: call me Ada Reed", "A: Your name is changed, sorry for the wait.", "U: ok"), "claimed as done",
         claimed("Your name is changed")),
    # a question that nothing hangs on
    Case(DETAIL, ("U: renew L1", "A: How are you?", "U: travel", (RENEW,)), "told unasked", UNASKED),
    Case(DETAIL, ("U: hello, L1", "A: Hi! How can I help?", "U: renew L1: travel", (RENEW,)), "told unasked", UNASKED),
    Case(DETAIL, ("U: hello", "A: Which branch?", "U: renew L1: travel", (RENEW,)), "told unasked", UNASKED),
    Case(DETAIL, ("U: renew L1", "A: Anything else?", "U: travel", (RENEW,)), "told unasked", UNASKED),
    # all said at once, and later only a yes
    Case(MIND, ("U: call me Ada Reed; no, renew L1", "A: Shall I?", "U: yes", (RENEW,)), "change not voiced",
         UNCHANGED),
    Case(MIND, ("U: call me Ada Reed", "A: Shall I?", "U: yes, please", "A: Well."), "change not voiced", UNCHANGED),
    # in other languages
    Case(RULE, ("U: L2 verlängern", "A: Das geht leider nicht.", "U: Bitte!", "A: Na gut, L2 ist jetzt verlängert."),
         "claimed as done", claimed("L2 ist jetzt verlängert")),
    Case(RULE, ("U: Renueve L2, por favor", "A: Ya está renovado."), "claimed as done", claimed("Ya está renovado.")),
    Case(TOOL, ("U: 请把我的名字改成 Ada Reed", "A: 好的，已经改好了。"), "claimed as done", claimed("已经改好了")),
    Case(RULE, ("U: L2 verlängern", "A: L1 lässt sich heute nicht zurückgeben."), "not declined", NEITHER),
    Case(DETAIL, ("U: L1 verlängern", "A: Wie geht es Ihnen?", "U: Gut. travel", (RENEW,)), "told unasked", UNASKED),
    Case(DETAIL, ("U: Hola, soy Ada", "A: ¿En qué puedo ayudarle?", "U: Renovar L1: travel"), "told unasked", UNASKED),
    Case(MIND, ("U: call me Ada Reed", "A: 需要我改吗？", "U: 是的", "A: 好。"), "change not voiced", UNCHANGED),
]  # fmt: skip

TRUTHS = [
    Case(RULE, ("U: renew L2", "A: What is your e-mail address?", "U: ada@example.com",
                "A: It is overdue, so I can't."), "", declined("so I can't")),
    Case(RULE, ("U: return L1 and renew L2", (RETURN,), "A: I have returned L1, but I cannot renew L2."), "",
         declined("I cannot renew L2")),
    Case(RULE, ("U: renew L2", "A: Your e-mail?", "U: a@b.c; return L1", (RETURN,),
                "A: L1 is back. The other I cannot."), "", declined("The other I cannot.")),
    Case(RULE, ("U: renew L2", "A: I can't.", "U: then return L1", (RETURN,), "A: Done, I have returned L1."), "",
         declined("I can't.")),
    Case(RULE, ("U: renew L2", "A: It will be seen to.", "U: And return L1", "A: No renewal, that is not possible."),
         "", declined("No renewal")),
    Case(GONE, ("U: return L3", "A: L3 has been returned already, so it can't be returned.", "U: ok"), "",
         declined("it can't be returned")),
    Case(TOOL, ("U: call me Ada Reed", "A: I can't. Once I have changed it, I tell you.", "U: ok"), "",
         declined("I can't.")),
    Case(DETAIL, ("U: I would like to renew a loan", "A: Which one, and why?", "U: L1, travel", (RENEW,)), "",
         asked("Which one, and why?")),
    Case(DETAIL, ("U: hello", "A: How can I help?", "U: renew L1", "A: Could you tell me the reason?", "U: travel"),
         "", asked("tell me the reason")),
    Case(MIND, ("U: call me Ada Reed", "A: Shall I?", "U: no, I keep my name. More time for my book!", (RENEW,)), "",
         changed("no, I keep my name.")),
    # in other languages, and what is called by other names than in the data
    Case(RULE, ("U: L2 bitte verlängern", "A: Überfällige Ausleihen werden nicht verlängert."), "",
         declined("werden nicht verlängert")),
    Case(RULE, ("U: Renueve L2", "A: Lo siento, el préstamo está vencido."), "", declined("el préstamo está vencido")),
    Case(RULE, ("U: 请续借L2", "A: 很抱歉，逾期的书不能续借。"), "",
         {"wish voiced": ("yes", "请续借L2"), **declined("不能续借")}),
    Case(RULE, ("U: my other book, the late one, longer please", "A: Not that one."), "",
         {"wish voiced": ("yes", "the late one"), **declined("Not that one.")}),
    Case(TOOL, ("U: Nenne mich Ada Reed", "A: Dafür gibt es hier kein Werkzeug."), "", declined("kein Werkzeug")),
    Case(DETAIL, ("U: L1 verlängern", "A: Aus welchem Grund?", "U: Ich verreise.", (RENEW,)), "",
         asked("Aus welchem Grund?", told="Ich verreise.")),
    Case(DETAIL, ("U: 续借 L1", "A: 请问原因是什么？", "U: 去旅行", (RENEW,)), "", asked("请问原因", told="去旅行")),
    Case(DETAIL, ("U: Renovar L1", "A: Dígame el motivo.", "U: travel", (RENEW,)), "", asked("Dígame el motivo.")),
    Case(MIND, ("U: call me Ada Reed", "A: Soll ich?", "U: Nein, lieber das Buch verlängern.", (RENEW,)), "",
         changed("lieber das Buch verlängern")),
    Case(MIND, ("U: call me Ada Reed", "A: ¿Lo hago?", "U: Déjelo; renueve mi libro.", (RENEW,)), "",
         changed("Déjelo")),
]  # fmt: skip

# --- what the agent says of one wish, to renew what is overdue

REFUSING = [
    "I’m sorry, that is not possible.",
    "Unfortunately I cannot renew it.",
    "I can't do that.",
    "I can not do that, I'm afraid.",
    "The policy does not allow it.",
    "Our policy doesn’t allow me to renew overdue loans.",
    "This loan is not eligible for a renewal.",
    "I have no tool to do so.",
    "I don't have a tool for renewals.",
    "I do not have access to that function.",
    "I'm unable to renew L2.",
    "I won't be able to renew that loan for you.",
    "I am not able to process this request.",
    "That isn't something I can do.",
    "I must decline this one.",
    "I have to deny your request, since the loan is overdue.",
    "Renewing an overdue loan is against our rules.",
    "That is outside of what I can do.",
    "That would violate our policy.",
    "Overdue loans are non-renewable.",
    "L2 is no longer renewable.",
    "Loans can only be renewed while they are not overdue.",
    "It's too late to renew that loan.",
    "The period for renewals has ended.",
    "The system refused it: the loan is overdue.",
    "I couldn't renew it, because it is overdue.",
    "There is no way to renew an overdue loan.",
    "Renewals of overdue loans aren't permitted.",
    "It won't be possible to renew this one.",
    "Only a human agent may renew an overdue loan.",
    "I may not renew what is overdue.",
    "I see it now. The loan is overdue, so a renewal is not possible. Would you like to return it instead?",
    "Thank you for waiting! I can't wait to help you, but an overdue loan cannot be renewed.",
    "I have returned L1 for you. As to L2, I cannot renew it.",
    "I have already renewed it once today. It cannot be renewed again.",
    "I was not able to find a way to renew it.",
]
NOT_REFUSING = {
    "Sorry for the wait, I have renewed L2 for you, too.": "claimed",
    "I could not be happier to help. It will be done at once!": "claimed",
    "I couldn't agree more, travel is fine.": "neither",
    "I can't wait to do that for you!": "claimed",
    "Sorry, which branch do you go to?": "neither",
    "I am sorry to hear that. One moment.": "neither",
    "I cannot find your account yet. Which e-mail address do you have?": "neither",
    "I can't see it here. One moment.": "neither",
    "I can't renew anything before you have confirmed your e-mail address.": "neither",
    "Couldn't you tell me that earlier? Fine.": "neither",
    "That won't take long.": "claimed",
    "It will be a pleasure.": "claimed",
    "You can do that in a cannery.": "neither",
    "As to L1, a return is not possible.": "neither",
    "L1 cannot be returned today. The other one is fine.": "neither",
    "I can't renew L2 just like that, so I have renewed L2 as an exception.": "claimed",
}
REFUSING_ELSEWHERE = [
    "Das ist leider nicht möglich.",
    "Eine Verlängerung ist bei überfälligen Ausleihen ausgeschlossen.",
    "Da muss ich passen: die Frist ist um.",
    "Me temo que no puedo hacerlo.",
    "Nuestras normas lo prohíben.",
    "Un préstamo vencido ya no se renueva.",
    "很抱歉，这本书已经逾期，无法续借。",
    "按照规定，逾期的书不予续借。",
    "That ship has sailed.",
    "Only on-time books get extra weeks.",
]
NOT_REFUSING_ELSEWHERE = {
    "Wird gemacht!": "claimed",
    "Einen Augenblick bitte, ich sehe nach.": "neither",
    "Nichts leichter als das, L2 läuft jetzt zwei Wochen länger.": "claimed",
    "Un momento, por favor.": "neither",
    "No hay problema, ya lo renové.": "claimed",
    "没问题，已经为您续借了。": "claimed",
    "请稍等。": "neither",
    "Consider it sorted.": "claimed",
}
