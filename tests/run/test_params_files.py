"""The runs in `params/` with the scripted model: every hard behaviour and recombined tasks among what is verified."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from apigen_nb.blueprints.propose import propose_all
from apigen_nb.dataset.export import build_dataset
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.records import KINDS
from apigen_nb.run.params_file import load_params
from apigen_nb.run.stage import Stage
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain, DomainError, builtin_domains

PARAMS = Path(__file__).parents[2] / "params"
RUNS = {"retail": "demo", "airline": "airline", "banking": "banking", "tau2:retail": "tau2-retail"}


def test_every_builtin_domain_has_a_run() -> None:
    assert set(RUNS) == {*builtin_domains(), "tau2:retail"}
    for domain, name in RUNS.items():
        assert yaml.safe_load((PARAMS / f"{name}.yaml").read_text())["domain"] == domain


@pytest.mark.parametrize("name", RUNS)
async def test_every_kind_and_recombined_tasks_are_verified(name: str, tmp_path: Path) -> None:
    try:
        Domain.load(name)
    except DomainError as error:
        pytest.skip(str(error))
    params = load_params(PARAMS / f"{RUNS[name]}.yaml").model_copy(update={"attempts": 2})
    stage = Stage(params, tmp_path)
    parts = stage.domain, stage.models
    proposals = await propose_all(*parts, stage.gates, stage.run, **stage.options_of(propose_all))
    accepted = [proposal.blueprint for proposal in proposals if proposal.accepted]
    trajectories = await converse_all(*parts, stage.run, accepted, **stage.options_of(converse_all))
    build_dataset(stage.run, stage.domain, stage.models.names)
    held = verify_dataset(tmp_path)
    assert held.rows
    assert not held.failures
    verified = {trajectory.blueprint for trajectory in trajectories if trajectory.success}
    assert {blueprint.kind for blueprint in accepted if blueprint.id in verified} == set(KINDS)
    assert sum(blueprint.id in verified for blueprint in accepted if blueprint.parts) >= 3
    assert len(verified) >= 100
