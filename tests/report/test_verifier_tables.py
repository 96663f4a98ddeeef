"""What the verifier without a language model says on a page: figures, what is to be read, or why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from apigen_nb.dataset.verifier import Figure, Study
from apigen_nb.report import verifier_tables
from apigen_nb.report.run_contents import RunContents
from tests.report_records import assert_harmless, make_run


def test_a_run_has_its_figures_and_leads_to_what_is_to_be_read(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", count=40)
    lines = (folder / "blueprints.jsonl").read_text().splitlines()
    apart = (line.replace("noor_haddad_2087", f"user {number}") for number, line in enumerate(lines))
    (folder / "blueprints.jsonl").write_text("".join(f"{line}\n" for line in apart))
    run = RunContents(folder)
    found = verifier_tables.study_of(run)
    assert len(found.states) == len(run.trajectories)
    assert found.states == {t.id: t.success for t in run.trajectories}
    assert verifier_tables.figures(found)["held against"].unique().tolist() == ["the state check"]
    shown = verifier_tables.section(run)
    assert verifier_tables.SCRIPTED in shown
    assert "There is no figure against the verdicts of judges" in shown
    for one in found.disagreements[: verifier_tables.READ]:
        assert f"trajectories.html#{one}" in shown


@pytest.mark.parametrize("text", ["", "<script>window.hacked=1</script>"])
def test_too_little_is_said_in_a_line(tmp_path: Path, text: str) -> None:
    run = RunContents(make_run(tmp_path / "run", text, count=4))
    shown = verifier_tables.section(run)
    assert "The verifier has no figure: of" in shown
    assert "AUROC" not in shown
    assert_harmless(shown)


def test_the_surest_come_first_and_no_more_than_can_be_read() -> None:
    states = {f"b.t{n}": n % 2 == 0 for n in range(60)}
    guesses = {id: 0.1 + n / 1_000 if state else 0.9 - n / 1_000 for n, (id, state) in enumerate(states.items())}
    found = Study([Figure("both", "judges", 30, 30, 0.8, 0.7, 0.9)], guesses, states)
    shown = verifier_tables.to_read(found)
    assert len(shown) == verifier_tables.READ < len(found.disagreements) == 60
    assert shown["trajectory"].tolist()[:2] == ["b.t0", "b.t1"]
    assert shown["state check"].tolist()[:2] == ["held", "fell"]
    assert verifier_tables.figures(found).iloc[0].tolist() == ["both", "judges", 30, 30, 0.8, "0.70–0.90"]
