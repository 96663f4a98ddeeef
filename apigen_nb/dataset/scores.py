"""How good a row is, by what is known of it: a few parts, each between 0 and 1, and one `score`, their mean.

A part is what somebody found who could have found otherwise: checks of conduct, gates, judges. They weigh the same,
since nothing measured says which of them a trainer should heed more; a part that nobody knows is left out, not guessed.
How hard a row is (`difficulty`, `pass_rate`, `attempts`) is no part: a hard row is not a worse one. Those have filters
of their own (`filters.py`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from ..records import METRICS, Blueprint, Reading, Trajectory, Verdict
from ..trajectories.conduct.calls import NEEDLESS, is_read
from ..trajectories.dialogue import Dialogue
from ..trajectories.meaning import UNCLEAR
from ..world.domain import Domain
from .rows import Scores, marked_turns, trained_on

FORMULA = "the mean of those that are known of: conduct, 1 − wasted_reads, 1 / drafts, agreement"


class Answers(NamedTuple):
    """Answers of judges: how many were asked for, of questions that several judges were asked, and how many of these
    agree with the most frequent answer to their question."""

    given: int = 0
    agreeing: int = 0


def parts(scores: Scores) -> dict[str, float]:
    """The parts of the score that are known, by name. A blueprint that took several drafts counts less: each further
    one was a further chance for gates and judges to err."""
    known = {
        "conduct": scores.conduct,
        "reads used": None if scores.wasted_reads is None else 1 - scores.wasted_reads,
        "drafts": 1 / scores.drafts if scores.drafts else None,
        "agreement": scores.agreement,
    }
    return {name: part for name, part in known.items() if part is not None}


def with_score(scores: Scores) -> Scores:
    """The same with the `score`, the mean of its parts; None where no part is known."""
    known = parts(scores)
    return scores.model_copy(update={"score": fmean(known.values()) if known else None})


def scored(trajectory: Trajectory, common: Scores, task: Blueprint, committee: Answers, domain: Domain) -> Scores:
    """The scores of a conversation: those that all about its task have in `common`, what its checks of conduct found,
    and how far the judges agree that were asked about it or, in the `committee`, about its task."""
    own = {
        "conduct": _conduct(trajectory),
        "wasted_reads": _wasted_reads(trajectory, task, domain),
        "agreement": _agreement((committee, readers_of(trajectory.readings))),
    }
    return with_score(common.model_copy(update=own))


def _conduct(trajectory: Trajectory) -> float | None:
    """The share of the agent's replies that no check of conduct marks, but for needless reads, which are counted by
    themselves."""
    replies = {turn for turn, m in enumerate(trained_on(trajectory.messages)) if m.role == "assistant"}
    marked = replies.intersection(marked_turns(trajectory, but=NEEDLESS))
    return 1 - len(marked) / len(replies) if replies else None


def _wasted_reads(trajectory: Trajectory, task: Blueprint, domain: Domain) -> float | None:
    """The share of the reads that were needless, by the check of conduct of that name: made again with the same result
    and no write between, or nothing of the result stands later in the agent's words or calls. None without reads, and
    where conduct was not checked."""
    conduct = next((verdict for verdict in trajectory.verdicts if verdict.gate == "conduct"), None)
    calls = Dialogue(task, trajectory.messages, domain).calls
    reads = sum(call.done and is_read(call, domain) for call in calls)
    if conduct is None or not reads:
        return None
    return min(1.0, sum(finding.rule == NEEDLESS for finding in conduct.findings) / reads)


def committee_of(verdicts: Iterable[Verdict]) -> Answers:
    """The votes of a committee, metric by metric. A vote without scores agrees with nobody."""
    votes = [verdict.votes for verdict in verdicts if verdict.votes]
    given = ([str(v.scores.get(metric, "")) if v.scores else "" for v in some] for some in votes for metric in METRICS)
    return _counted(given)


def readers_of(readings: Iterable[Reading]) -> Answers:
    """The answers of judges to questions of meaning. Who abstains agrees with nobody."""
    return _counted([_answer(o.answer) for o in reading.opinions] for reading in readings)


def _answer(text: str) -> str:
    return "" if text == UNCLEAR else text


def _counted(questions: Iterable[Sequence[str]]) -> Answers:
    """Of the answers to each question, "" where a judge gave none. What one judge alone was asked says nothing of
    agreement."""
    several = [answers for answers in questions if len(answers) > 1]
    most = (max(Counter(filter(None, answers)).values(), default=0) for answers in several)
    return Answers(sum(map(len, several)), sum(most))


def _agreement(answers: Collection[Answers]) -> float | None:
    given = sum(one.given for one in answers)
    return sum(one.agreeing for one in answers) / given if given else None


def rates(held: Sequence[Trajectory]) -> dict[str, float | None]:
    """Of the conversations about one task: `pass_rate`, the share of the decided ones that were verified, and
    `attempts`, how many decided ones it took until one was. What is undecided or was never answered does not count."""
    decided = [t for t in sorted(held, key=lambda t: t.attempt) if not t.undecided and not t.unanswered]
    verified = (float(number) for number, trajectory in enumerate(decided, 1) if trajectory.success)
    rate = sum(trajectory.success for trajectory in decided) / len(decided) if decided else None
    return {"pass_rate": rate, "attempts": next(verified, None)}
