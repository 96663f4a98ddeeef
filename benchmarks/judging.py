"""What early stopping and gates before judges save: tokens per accepted blueprint, against judging everything.

Both arms run phase 1 on the same seeds with the scripted model, whose calls have no tokens of their own: a call counts
as a quarter of the characters of the prompt that a language model would be sent, plus those of its reply. Prints a
Markdown table, writes results/judging.json, and exits with 1 when the ratio is above 0.6.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from apigen_nb.blueprints.gates import GATES, Committee, Gate
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models import Answer, Model, Question
from apigen_nb.models.chat_format import render
from apigen_nb.models.roles import Roles
from apigen_nb.records import Vote
from apigen_nb.storage.journal import Run
from apigen_nb.world.domain import Domain

HERE = Path(__file__).parent
ALLOWED = 0.6


class Everyone(Committee):
    """A committee that always asks all its judges."""

    def _settled(self, votes: list[Vote]) -> bool:
        return False


class Counted:
    """A model that counts the characters of its prompts and replies."""

    def __init__(self, model: Model) -> None:
        self.model, self.calls, self.characters = model, 0, 0

    async def __call__(self, question: Question) -> Answer:
        answer = await self.model(question)
        self.calls += 1
        self.characters += sum(len(str(message["content"])) for message in render(question)) + len(answer.text)
        return answer


class Players:
    """The models of one arm, counted role by role."""

    def __init__(self, domain: Domain) -> None:
        models = Roles(domain, random_seed=7)
        self.generator, self.feedback = Counted(models.generator), Counted(models.feedback)
        self.judge = Counted(models.judges(1)[0])


async def _arm(domain: Domain, seeds: int, everything: bool) -> dict[str, float]:
    models = Players(domain)
    judges = [models.judge] * 3
    # A committee that stands first is asked whatever the plain gates would have said.
    gates: list[Gate] = [Everyone(judges), *GATES.values()] if everything else [*GATES.values(), Committee(judges)]
    with tempfile.TemporaryDirectory() as folder:
        proposals = await propose_all(domain, models, gates, Run.open(folder), count=seeds, random_seed=7)  # type: ignore[arg-type]
        accepted = sum(proposal.accepted for proposal in proposals)
    spent = sum(model.characters for model in (models.generator, models.feedback, models.judge)) / 4
    return {
        "accepted": accepted,
        "judge calls": models.judge.calls,
        "judge tokens": round(models.judge.characters / 4),
        "all tokens": round(spent),
        "judge tokens per accepted": round(models.judge.characters / 4 / accepted),
        "all tokens per accepted": round(spent / accepted),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--domain", default="retail")
    given = parser.parse_args()
    domain = Domain.load(given.domain)
    arms = {
        name: asyncio.run(_arm(domain, given.seeds, everything))
        for name, everything in (("gates first, early stop", False), ("judging everything", True))
    }
    ours, theirs = arms.values()
    name = "judge tokens per accepted"
    ratio = round(ours[name] / theirs[name], 3)
    print(f"| | {' | '.join(ours)} |")
    print(f"|{'---|' * (len(ours) + 1)}")
    for arm, figures in arms.items():
        print(f"| {arm} | {' | '.join(f'{figure:,}' for figure in figures.values())} |")
    print(f"\nratio of {name}: {ratio} (aim: at most {ALLOWED}); of all tokens: "
          f"{ours['all tokens per accepted'] / theirs['all tokens per accepted']:.3f}")  # fmt: skip
    (HERE / "results").mkdir(exist_ok=True)
    result = {"domain": given.domain, "seeds": given.seeds, "arms": arms, "ratio": ratio, "allowed": ALLOWED}
    (HERE / "results" / "judging.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(ratio > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
