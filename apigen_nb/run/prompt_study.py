"""What models are really shown (ours): the questions of some seeds, asked as a run asks them, rendered whole, counted
by part, and the same questions with other prompts. Tokens are estimated at four characters each, as the limits do."""

from __future__ import annotations

import difflib
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from ..blueprints.gate_bench import Trial, run_gate_bench
from ..blueprints.gates import Committee, choose_gates
from ..blueprints.propose import propose_all
from ..models import Answer, Model, Question
from ..models.chat_format import own_prompts, render, templates
from ..models.prompt_values import as_text
from ..models.roles import Roles
from ..records import Blueprint, Trajectory
from ..report.tables import interval, share
from ..storage.run_folder import Run
from ..trajectories.converse import converse_all
from .stage import Stage

if TYPE_CHECKING:
    import pandas as pd

PER_TOKEN = 4  # characters
CANDIDATES = 2  # of the user: so few that there is something for a critic


class Recording(Roles):
    """Models that keep what they are asked."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.questions = dict[tuple[str, int], Question]()

    def _model(self, role: str, number: int = 0) -> Model:
        model = super()._model(role, number)

        async def kept(question: Question) -> Answer:
            self.questions[question.id, question.sample] = question
            return await model(question)

        return kept


async def questions_of(stage: Stage) -> tuple[list[Question], list[Blueprint], Sequence[Trajectory]]:
    """All questions that phase 1 and 2 ask about the seeds of a stage, in the order of their ids, with the accepted
    blueprints and the conversations. Nothing but replies is kept in the stage's folder."""
    options = stage.options_of(Roles) | {"best_of": stage.params.best_of or CANDIDATES}
    models = Recording(stage.domain, **options, folder=stage.folder)
    gates = choose_gates(stage.params.gates, Committee(models.judges(stage.params.judges), stage.params.threshold))
    with tempfile.TemporaryDirectory(prefix="prompts-") as folder:
        parts, run = (stage.domain, models), Run.open(folder)
        try:
            proposals = await propose_all(*parts, gates, run, **stage.options_of(propose_all))
            accepted = [proposal.blueprint for proposal in proposals if proposal.accepted]
            held = list(await converse_all(*parts, run, accepted, **stage.options_of(converse_all) | {"attempts": 1}))
        finally:
            await models.aclose()
    return [models.questions[key] for key in sorted(models.questions)], accepted, held


def rendered(question: Question, folder: str | None = None) -> str:
    """All that a model is shown of a question, with the prompts of a folder where it has them: messages, calls and
    tools."""
    own = own_prompts(folder) if folder else {}
    asked = question.model_copy(update={"prompt": own.get(question.prompt, question.prompt)})
    parts = [f"[{message['role']}]\n{_said(message)}" for message in render(asked)]
    tools = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in question.tools)
    return "\n\n".join([*parts, f"[tools]\n{tools}"] if tools else parts)


def _said(message: Mapping[str, Any]) -> str:
    calls = [f"{call['function']['name']}({call['function']['arguments']})" for call in message.get("tool_calls") or ()]
    return "\n".join(filter(None, [message.get("content"), *calls]))


def difference(questions: Sequence[Question], before: str | None, after: str | None) -> str:
    """What models are shown of these questions with the prompts of one folder and of another, line by line."""
    told = list[str]()
    for question in questions:
        old, new = (rendered(question, folder).splitlines() for folder in (before, after))
        told += difflib.unified_diff(old, new, f"{question.id}, before", f"{question.id}, after", lineterm="")
    return "\n".join(told) or "no question differs"


def sizes(question: Question, folder: str | None = None) -> dict[str, int]:
    """The parts of a question and their tokens: the prompt's own words, each value that it shows, the conversation, the
    tools and the schema of the answer."""
    own = own_prompts(folder) if folder else {}
    used = templates(own.get(question.prompt, question.prompt))
    shown = [name for part in used for name in part.get_identifiers()]
    found = {"the prompt's words": sum(len(part.template) for part in used) - sum(len(name) + 1 for name in shown)}
    found |= {f"${name}": len(as_text(question.context[name])) for name in shown}
    found["conversation"] = sum(len(message.line()) for message in question.messages)
    found["tools"] = len(json.dumps(question.tools)) if question.tools else 0
    found["schema of the answer"] = len(json.dumps(question.reply)) if question.reply else 0
    return {name: round(length / PER_TOKEN) for name, length in found.items() if length}


def tokens(questions: Sequence[Question], folder: str | None = None) -> pd.DataFrame:
    """Per prompt and part: how many questions there were, and the part's tokens, the median and the most; in the first
    line of each prompt all of it."""
    import pandas as pd  # only who looks waits for it

    found: dict[str, list[dict[str, int]]] = defaultdict(list)
    for question in questions:
        counted = sizes(question, folder)
        found[question.prompt].append({"all": sum(counted.values())} | counted)
    rows = [
        (prompt, part, len(of_prompt), round(median(held)), max(held))
        for prompt, of_prompt in sorted(found.items())
        for part in dict.fromkeys(name for sizes in of_prompt for name in sizes)
        for held in [[sizes.get(part, 0) for sizes in of_prompt]]
    ]
    return pd.DataFrame(rows, columns=["prompt", "part", "questions", "tokens (median)", "tokens (most)"])


def judges_of(stage: Stage, *folders: str | None) -> dict[str, list[Model]]:
    """The judges of a stage with the prompts of each folder, by the folder's name; none is the package."""
    number, given = stage.params.judges, stage.options_of(Roles)
    listed = given["roles"].get("judge") or {}
    groups = {}
    for folder in folders:
        own = {"prompt": folder} if folder and {"judge", "reading"} & own_prompts(folder).keys() else {}
        judge = [one | own for one in listed] if isinstance(listed, list) else listed | own
        models = Roles(stage.domain, **given | {"roles": given["roles"] | {"judge": judge}}, folder=stage.folder)
        groups[folder or "the package's"] = models.judges(number)
    return groups


async def gate_benches(
    stage: Stage, groups: Mapping[str, Sequence[Model]], blueprints: Sequence[Blueprint], most: int
) -> dict[str, Sequence[Trial]]:
    """The gate bench with each group of judges as the committee, nothing else."""
    found = dict[str, Sequence[Trial]]()
    for name, judges in groups.items():
        committee = Committee(list(judges), stage.params.threshold)
        with tempfile.TemporaryDirectory(prefix="prompts-") as folder:
            options: dict[str, Any] = {
                "random_seed": stage.params.random_seed,
                "concurrency": stage.params.concurrency,
                "most": most,
            }
            found[name] = list(await run_gate_bench(blueprints, stage.domain, [committee], Run.open(folder), **options))
    return found


def committees(found: Mapping[str, Sequence[Trial]]) -> pd.DataFrame:
    """What each committee made of the same blueprints, side by side, with 95 % intervals: of defects what was caught,
    of intact ones false alarms, and what it could not judge."""
    import pandas as pd

    rows: dict[str, dict[str, Any]] = {}
    for name, trials in found.items():
        for defect in dict.fromkeys(trial.defect for trial in trials):
            same = [trial for trial in trials if trial.defect == defect]
            caught = sum(bool(trial.caught_by) for trial in same)
            unjudged = sum(any(v.kind == "not judged" for v in trial.verdicts) for trial in same)
            row = rows.setdefault(defect, {"defect": defect, "planted": len(same)})
            row[f"caught, {name}"] = f"{share(caught, len(same))} {interval(caught, len(same))}"
            row[f"undecided, {name}"] = f"{share(unjudged, len(same))} {interval(unjudged, len(same))}"
    return pd.DataFrame(rows.values())


def side_by_side(checks: pd.DataFrame) -> pd.DataFrame:
    """`conversation_bench_tables.by_check` with a column for each group of judges."""
    same = ["check", "can be decided by", "planted"]
    table = checks.pivot_table(index=same, columns="judge", values=["caught", "undecided"], aggfunc="first", sort=False)
    table.columns = [", ".join(pair) for pair in table.columns]
    return table.reset_index()
