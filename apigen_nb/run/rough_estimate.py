"""A rough figure of what a run will cost, for whoever has no key yet: the scripted model plays the trial in the place
of the run's models, what is asked and said is counted at four characters a token, and the price table does the rest.

What is asked is the run's own: its domain, its prompts, its gates and number of candidates. What is answered is not:
the scripted model's replies are short templates, and the yields are its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ..models import Answer, Question
from ..models.reply_cache import guess_usage
from ..models.roles import Roles
from ..models.scripted import WRITERS, Scripted
from .estimate import TRIAL, Estimate, estimate_by_trial
from .params import Params
from .stage import Stage

UNKNOWN = ("cached tokens", "minutes")  # they are the server's
HOW = (
    "rough: no model was asked. Questions are this run's own, at four characters a token; replies are the scripted "
    "model's, templates that are shorter than what a model writes and much shorter than what one thinks; yields are "
    "its own, too. With a key the same command tries some seeds out"
)


class StandIn:
    """The scripted model in the place of an endpoint: its answers say how many tokens they come to."""

    def __init__(self, scripted: Scripted) -> None:
        self._scripted = scripted

    async def __call__(self, question: Question) -> Answer:
        own = Path(question.prompt).stem if question.prompt.endswith(".md") else question.prompt
        prompt = own if own in WRITERS else question.role
        answer = await self._scripted(question.model_copy(update={"prompt": prompt}))
        return answer.model_copy(update={"usage": guess_usage(question, answer) or answer.usage})


class StandIns(Roles):
    """The models of a run, each of them a stand-in under the name of the one that will be asked."""

    def _endpoint(self, settings: Mapping[str, Any]) -> StandIn:  # type: ignore[override]  # asked as an endpoint is
        return StandIn(self._scripted)


class _Rehearsal(Stage):
    @cached_property
    def models(self) -> Roles:
        return StandIns(self.domain, **self.options_of(Roles), folder=self.folder)


async def estimate_roughly(params: Params, seeds: int = TRIAL) -> Estimate:
    """The estimate of these parameters with no model asked and nothing kept. UsageError: see `trial_seeds`."""
    free = params.model_copy(update={"offline": False, "max_cost": None, "max_total_tokens": None})
    with tempfile.TemporaryDirectory(prefix="estimate-") as folder:
        found = await estimate_by_trial(free, Path(folder), seeds, _Rehearsal)
    ranges = {name: value for name, value in found.ranges.items() if name not in UNKNOWN}
    return found.model_copy(update={"ranges": ranges, "trial": None, "rough": True})
