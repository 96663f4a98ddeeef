"""Gate 2, the review committee (paper §3.1): several judges, a majority per metric, a threshold on their mean.

The authors publish neither the number of judges nor the threshold nor what a tie does: three judges, a parameter, and a
tie fails. The mean alone lets a task pass that its judges call incomplete, so two metrics must hold by themselves. A
judge that answers nonsense is asked once more and then has no vote; that is never a yes.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from ...models import Model, Question, Unparsable, ask_twice
from ...models.jobs import all_of
from ...models.reply_schema import reply_schema
from ...records import METRICS, Blueprint, Change, Metric, Verdict, Vote, canonical
from ...world.aligned_lists import align_items
from ...world.domain import Domain
from .evidence import bearing_records, meanings_of_ids, origins_of_outputs
from .execution import execute
from .grounding import Keyed
from .plain import PLAIN_GATES

# Literal[0, 1] takes true for 1
Score = Annotated[int, Field(ge=0, le=1), WithJsonSchema({"type": "integer", "enum": [0, 1]})]
# One more metric is one more in `records.Metric`, and a paragraph in models/prompts/judge.md.
FIELDS: dict[str, Any] = dict.fromkeys(METRICS, (Score, ...))
Scores: Any = create_model("Scores", __config__=ConfigDict(strict=True), **FIELDS)


class Review(BaseModel):
    """What a judge answers."""

    reflection: str = ""
    scores: Scores
    correction: str = ""


REVIEW = reply_schema(Review)


def changed_fields(change: Change) -> list[dict[str, Any]]:
    """A changed row field by field: path, before, after, None where it is not there; only what differs. An item of a
    list is named by its id or its place; items that stand in another order are one change more, of the order."""
    found = _differing("", change.before, change.after)
    return [{"row": f"{change.table}/{change.id}", "field": f, "before": b, "after": a} for f, b, a in found]


def _differing(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            name = f"{path}.{key}" if path else str(key)
            if key in before and key in after:
                yield from _differing(name, before[key], after[key])
            else:
                yield name, before.get(key), after.get(key)
    elif isinstance(before, list) and isinstance(after, list):
        items, order = align_items(before, after)
        for name, sides in items:
            if len(sides) == 2:
                yield from _differing(f"{path}[{name}]", sides[0], sides[1])
            else:
                yield f"{path}[{name}]", sides.get(0), sides.get(1)
        if order:
            yield f"{path} (order)", order[0], order[1]
    elif canonical(before) != canonical(after):
        yield path, before, after


class Committee:
    """A gate made of judges. A blueprint is accepted when the mean of the four voted metrics reaches `threshold` and
    the `required` ones among them are voted 1."""

    def __init__(
        self,
        judges: Sequence[Model],
        threshold: float = 0.75,
        required: Collection[Metric] = ("correctness", "completeness"),
    ) -> None:
        if len(judges) % 2 == 0:
            raise ValueError(f"a committee of {len(judges)} judges can tie; give it an odd number")
        self.judges, self.threshold, self.required = tuple(judges), threshold, frozenset(required)
        self.majority = len(judges) // 2 + 1

    async def __call__(self, blueprint: Blueprint, domain: Domain) -> Verdict:
        """Ask a majority of the judges, then one more at a time until the result is settled. `scores` are then those of
        the metrics that are settled, too."""
        votes = await all_of(*(self._vote(n, blueprint, domain) for n in range(self.majority)))
        while not self._settled(votes) and len(votes) < len(self.judges):
            votes.append(await self._vote(len(votes), blueprint, domain))
        verdict = functools.partial(Verdict, gate="committee", votes=tuple(votes))
        if self._valid(votes) < self.majority:
            errors = "; ".join(f"{vote.judge}: {vote.error}" for vote in votes if vote.error)
            return verdict(passed=False, kind="not judged", reason=f"too few valid votes: {errors}")
        yes, still = self._voted(votes)
        scores: dict[Metric, Literal[0, 1]] = {m: 1 if m in yes else 0 for m in METRICS if m not in still}
        if self._passes(yes):
            return verdict(passed=True, scores=scores)
        low, mean = [metric for metric in METRICS if metric not in yes | still], len(yes | still) / len(METRICS)
        short = f"mean {mean:.2f} < {self.threshold}" if mean < self.threshold else "which must be 1"
        said = [f"{v.judge}: {v.reflection} {v.correction}".strip() for v in votes if 0 in (v.scores or {}).values()]
        reason = f"{', '.join(low)} voted 0 ({short}). {' | '.join(said)}"
        return verdict(passed=False, kind=low[0], reason=reason, scores=scores)

    @staticmethod
    def _valid(votes: Sequence[Vote]) -> int:
        return sum(vote.scores is not None for vote in votes)

    def _voted(self, votes: Sequence[Vote]) -> tuple[set[Metric], set[Metric]]:
        """The metrics that have a majority, and those that can still get one."""
        count = {metric: sum(vote.scores[metric] for vote in votes if vote.scores) for metric in METRICS}
        yes = {metric for metric in METRICS if count[metric] >= self.majority}
        able = {metric for metric in METRICS if count[metric] + len(self.judges) - len(votes) >= self.majority}
        return yes, able - yes

    def _passes(self, yes: set[Metric]) -> bool:
        return len(yes) / len(METRICS) >= self.threshold and self.required <= yes

    def _settled(self, votes: Sequence[Vote]) -> bool:
        if (valid := self._valid(votes)) < self.majority:
            return valid + len(self.judges) - len(votes) < self.majority
        yes, still = self._voted(votes)
        return self._passes(yes) == self._passes(yes | still)

    async def _vote(self, number: int, blueprint: Blueprint, domain: Domain) -> Vote:
        name = f"judge {number + 1}"
        question = Question(
            id=f"{blueprint.id}/judge{number}",
            role="judge",
            prompt="judge",
            context=_context(blueprint, domain),
            reply=REVIEW,
        )
        try:
            return await ask_twice(self.judges[number], question, Review, lambda r: Vote(judge=name, **r.model_dump()))
        except Unparsable as problem:
            return Vote(judge=name, scores=None, error=str(problem))


def _context(blueprint: Blueprint, domain: Domain) -> dict[str, Any]:
    return dict(_shown(domain, Keyed(blueprint.line(), blueprint)))


@functools.lru_cache(maxsize=128)  # for all judges of a blueprint
def _shown(domain: Domain, keyed: Keyed) -> dict[str, Any]:
    blueprint = keyed.blueprint
    execution = execute(blueprint, domain)
    used = dict.fromkeys(action.name for action in (*blueprint.actions, *blueprint.denied))
    task = {"instruction", "actions", "outputs", "kind", "denied", "withheld", "user"}
    verdicts = {name: gate(blueprint, domain) for name, gate in PLAIN_GATES.items()}
    return {
        "policy": domain.policy,  # whole: its rules were run before, what no rule covers is left to the judges
        "tools": [domain.tools[name].schema for name in used if name in domain.tools],
        **blueprint.model_dump(mode="json", include=task),
        "diff": [row for change in execution.diff for row in changed_fields(change)],
        "checked": ", ".join(name for name, verdict in verdicts.items() if verdict and verdict.passed) or "nothing",
        "ids": [f"{id}: {meaning}" for id, meaning in meanings_of_ids(blueprint, domain).items()],
        "origins": [f"{text}: {where}" for text, where in origins_of_outputs(blueprint, domain, execution).items()],
        "records": bearing_records(blueprint, domain),
    }
