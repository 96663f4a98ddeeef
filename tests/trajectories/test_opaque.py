"""What the agent's server wants back with its messages reaches its next question, and nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from apigen_nb.blueprints.gates import choose_gates
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.dataset.proof import prove, row_of
from apigen_nb.dataset.rows import About
from apigen_nb.models import Answer, Model, Question
from apigen_nb.models.roles import Roles
from apigen_nb.records import Opaque, Trajectory
from apigen_nb.report import pieces
from apigen_nb.report.slim_records import SlimTrajectory
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.converse import converse
from apigen_nb.world.domain import Domain

MARK = "EqQBCgIYAhIM"
retail = Domain.load("retail")


def test_it_goes_back_to_the_agent_alone(tmp_path: Path) -> None:
    models, seen = Roles(retail, random_seed=3), list[Question]()

    def watched(model: Model, marked: bool = False) -> Model:
        async def asked(question: Question) -> Answer:
            if not marked:
                assert MARK not in question.model_dump_json()
                return await model(question)
            seen.append(question)
            kept = Opaque(origin="here", message={"signature": f"{MARK}{len(seen)}"})
            return (await model(question)).model_copy(update={"opaque": kept})

        return asked

    async def played() -> list[tuple[Trajectory, str]]:
        made = await propose_all(retail, models, choose_gates(["format"]), Run.open(tmp_path), count=4, random_seed=3)
        others = {"user": watched(models.user), "judges": [watched(judge) for judge in models.judges()]}
        agent, told = watched(models.agent, marked=True), []
        for blueprint in (proposal.blueprint for proposal in made if proposal.accepted):
            trajectory = await converse(blueprint, retail, agent=agent, **others)  # type: ignore[arg-type]
            known = {name: getattr(blueprint, name) for name in ("user", "domain", "kind", "behaviour")}
            ids = {"id": trajectory.id, "task_id": blueprint.id, "group_id": blueprint.id}
            proof = prove(trajectory, About(**ids, **known, level="easy", models={}), blueprint, retail)
            exported = proof.line() + row_of(proof, retail).line()
            told.append((trajectory, exported + str(pieces.compare(trajectory, blueprint))))
        return told

    found = asyncio.run(played())
    assert len(seen) > len(found) > 0
    for question in seen:
        own = [message for message in question.messages if message.role == "assistant"]
        assert all(message.opaque is not None and MARK in str(message.opaque.message) for message in own)
    for trajectory, told in found:
        assert MARK in trajectory.line()
        assert Trajectory.model_validate_json(trajectory.line()) == trajectory
        assert MARK not in told
        assert MARK not in SlimTrajectory.model_validate_json(trajectory.line()).line()
