"""A new domain is sound, runs at once through every stage, and never lands on what is there already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apigen_nb.__main__ import main
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.records import Blueprint, Proposal, Trajectory
from apigen_nb.world.api_graph import Graph
from apigen_nb.world.domain import Domain, DomainError
from apigen_nb.world.scaffold import TEMPLATE, new_domain


def test_the_folder_is_a_domain_of_that_name(tmp_path: Path) -> None:
    folder = new_domain("bike_hire", tmp_path)
    domain = Domain.load(str(folder))
    assert folder == tmp_path / "bike_hire"
    assert (domain.name, domain.users) == ("bike_hire", "members")
    assert {name: tool.kind for name, tool in domain.tools.items()} == {
        "find_member": "read",
        "get_member": "read",
        "renew_loan": "write",
    }
    assert [rule.name for rule in domain.rules] == ["reserved_loan_goes_back"]
    assert Graph.of(domain).entrances == ("find_member",)


def test_only_the_files_of_a_domain_are_written(tmp_path: Path) -> None:
    folder = new_domain("library", tmp_path)
    wanted = ["README.md", "data/loans.json", "data/members.json", "phrases.json", "policy.md", "rules.py", "tools.py"]
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == wanted
    for name in wanted:
        assert (folder / name).read_bytes() == (TEMPLATE / name).read_bytes()


def test_phrases_are_optional(tmp_path: Path) -> None:
    folder = new_domain("library", tmp_path)
    (folder / "phrases.json").unlink()
    assert Domain.load(str(folder)).phrases == {}


@pytest.mark.parametrize(
    "name", ["", "3bikes", "bike-hire", "bike hire", "../bikes", "a/b", "/tmp/x", "class", "vélo", "."]
)
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"cannot name a domain: expected letters, digits and _"):
        new_domain(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="'retail' is a domain that ships with the package"):
        new_domain("retail", tmp_path)


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "broken link"])
def test_nothing_is_overwritten(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "library"
    if kind == "folder":
        new_domain("library", tmp_path)
        (path / "policy.md").write_text("mine", encoding="utf-8")
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("mine", encoding="utf-8")
    else:
        path.symlink_to(tmp_path / "nowhere")
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    with pytest.raises(DomainError, match=r"library exists already and is left as it is; choose another name"):
        new_domain("library", tmp_path)
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before
    if kind == "folder":
        assert (path / "policy.md").read_text(encoding="utf-8") == "mine"


def test_the_command_line_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-domain", "library"]) == 0
    said = capsys.readouterr().out
    assert "wrote library" in said
    assert "apigen-nb check-domain library" in said
    assert "apigen-nb run -p domain=library --out outputs/library" in said
    assert main(["new-domain", "library"]) == 2
    assert "library exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new_domain("library")
    stages = ["2_blueprints", "3_trajectories", "4_dataset"]
    assert main(["run", "-p", "domain=./library", "-p", "count=12", "--out", "out", "--stage", *stages]) == 0
    out = tmp_path / "out"
    proposals = list(map(Proposal.model_validate_json, (out / "blueprints.jsonl").read_bytes().splitlines()))
    trajectories = list(map(Trajectory.model_validate_json, (out / "trajectories.jsonl").read_bytes().splitlines()))
    accepted: list[Blueprint] = [proposal.blueprint for proposal in proposals if proposal.accepted]
    assert len(accepted) >= 6
    assert {action.name for blueprint in accepted for action in blueprint.actions} == {"renew_loan"}
    assert sum(trajectory.success for trajectory in trajectories) >= len(trajectories) / 2
    assert not verify_dataset(out).failures
    assert json.loads((out / "run.json").read_text())["parameters"]["domain"] == "../library"
