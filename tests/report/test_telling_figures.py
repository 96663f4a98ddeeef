"""What a hurried reader takes from a figure, a sentence or a card is what is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from apigen_nb.records import STOP, Candidate, Choice, Message, Opinion, Reading, Trajectory
from apigen_nb.report import (
    attempt_flow,
    charts,
    diversity,
    judge_agreement,
    marks,
    mixture_tables,
    pass_rates,
    pieces,
    reflection,
    run_comparison,
    study_figures,
    tables,
    write,
)
from apigen_nb.report.figure_style import counted
from apigen_nb.report.run_contents import RunContents
from tests.report_records import make_run, proposals, trajectory, whole


@pytest.mark.parametrize("most", [0, 1, 3, 6, 7, 66, 545, 100_000])
def test_an_axis_of_counts_has_whole_ticks_and_none_beyond_the_largest(most: int) -> None:
    axis = counted(most, above=1.36)
    ticks = axis["tickvals"]
    assert ticks[0] == 0
    assert max(most, 1) / 2 < ticks[-1] <= max(most, 1)
    assert 2 <= len(ticks) <= 6
    assert all(isinstance(tick, int) for tick in ticks)
    assert axis["range"] == [0, max(most, 1) * 1.36]


def drawn_from_nothing() -> list[go.Figure]:
    verdicts, talks, judged = tables.verdicts([]), tables.trajectories([]), pass_rates.judged([])
    votes, rows = judge_agreement.votes([]), diversity.rows([])
    nothing = RunContents(Path("nowhere"), proposals=[], trajectories=[], conversations=(rows, None), manifest={})
    audit = pd.DataFrame(columns=["name", "by", "task"])
    return [
        attempt_flow.sankey(attempt_flow.flows([])),
        study_figures.arms(mixture_tables.arms({})),
        charts.attempts(tables.attempts(talks)),
        charts.blames(mixture_tables.blames([])),
        charts.checks(tables.checks([])),
        charts.ends(tables.ends(talks)),
        charts.ends(tables.ends(talks, "divergence")),
        charts.failures(tables.failures(verdicts)),
        charts.funnel(tables.funnel(verdicts)),
        charts.graph(pd.DataFrame(columns=["tool", "result of", "arguments"])),
        charts.histogram(rows, "words"),
        charts.metrics(tables.metrics([])),
        study_figures.recall(mixture_tables.bench([])),
        study_figures.rejections(audit, 0),
        study_figures.rejections(audit, 114),
        charts.rounds(tables.rounds([])),
        charts.selection(tables.selection([], 0)),
        charts.successes(mixture_tables.successes([], [], "kind")),
        charts.tool_use(tables.tool_use([])),
        charts.yields(mixture_tables.yields([], "kind")),
        diversity.composition_figure(rows),
        diversity.transitions_figure(diversity.transitions([])),
        judge_agreement.kappa_figure(judge_agreement.cohen(votes)),
        judge_agreement.votes_figure(judge_agreement.judges(votes)),
        pass_rates.figure(pass_rates.count_by(judged, "failure")),
        pass_rates.steps_figure(pass_rates.funnel_steps([], judged)),
        reflection.repairs_figure(reflection.repairs([])),
        run_comparison.lengths_figure({"one": nothing}, "words"),
        run_comparison.shares_figure(run_comparison.shares({"one": nothing}), "Shares"),
    ]


@pytest.mark.parametrize("figure", drawn_from_nothing(), ids=lambda figure: figure.layout.title.text)
def test_a_figure_of_nothing_has_no_axes_and_says_what_is_missing(figure: go.Figure) -> None:
    (told,) = figure.layout.annotations
    assert re.match(r"nothing to show: no [a-z]", told.text)
    assert not figure.data
    assert figure.layout.xaxis.visible is figure.layout.yaxis.visible is False


def test_nothing_audited_is_not_nothing_rejected() -> None:
    audit = pd.DataFrame(columns=["name", "by", "task"])
    unseen, clean = (study_figures.rejections(audit, audited).layout.annotations[0].text for audited in (0, 114))
    assert "nothing was audited" in unseen
    assert "all 114 hold" in clean


def test_the_bench_parts_what_execution_can_decide_from_what_a_reader_must() -> None:
    rows = [("vague wish", False, False, 8, 0), ("unknown id", False, True, 8, 8), ("intact", True, False, 8, 0)]
    frame = pd.DataFrame(rows, columns=["defect", "right", "decidable", "planted", "gates"])
    figure = study_figures.recall(frame)
    assert [name for name, _ in figure.layout.meta["rows"]] == ["unknown id", "vague wish"]
    assert [line.y0 for line in figure.layout.shapes] == [0.5]
    assert figure.layout.xaxis.range[1] < 8.5


def test_runs_on_other_domains_are_not_ranked() -> None:
    def run(domain: str, accepted: int) -> RunContents:
        held = [p.model_copy(update={"domain": domain, "accepted": n < accepted}) for n, p in enumerate(proposals(24))]
        return RunContents(Path(domain), proposals=held, trajectories=[], manifest={})

    told = run_comparison.sentence({"one": run("retail", 24), "other": run("banking", 2)})
    assert "one of retail, other of banking" in told
    assert "says nothing about its models" in told
    assert not re.search(r"highest|ahead|chance", told)
    assert "ahead" in run_comparison.sentence({"one": run("retail", 24), "other": run("retail", 2)})


def test_every_kappa_has_two_digits(tmp_path: Path) -> None:
    page = whole(write.write_report(make_run(tmp_path / "run")).parent / "committee.html")
    heads = re.findall(r'data-name="([^"]*κ[^"]*)">([^<]*)<', page)
    assert len(heads) >= 5
    assert [pair for pair in heads if not re.fullmatch(r"-?\d\.\d\d|–", pair[1])] == []


def test_no_interval_of_a_kappa_leaves_its_range() -> None:
    scores = [(f"b{n}", 0, judge, "correctness", n % 2) for n in range(3) for judge in ("a", "b")]
    frame = judge_agreement.cohen(pd.DataFrame(scores, columns=judge_agreement.VOTES))
    assert frame[["low", "high"]].to_numpy().min() >= -1
    assert frame[["low", "high"]].to_numpy().max() <= 1


def ended(text: str) -> Trajectory:
    talk = trajectory("retail-00001", 1, True)
    quoted = Opinion(judge="a", answer="yes", turn=len(talk.messages), quotation=text)
    reading = Reading(id="r", claim="content", question="Was the user content?", majority=1, opinions=(quoted,))
    choice = Choice(turn=0, chosen=0, candidates=(Candidate(text=text, score=7),))
    messages = (*talk.messages, Message(role="user", content=text))
    return talk.model_copy(update={"messages": messages, "readings": (reading,), "choices": (choice,)})


def test_the_mark_that_ends_a_conversation_is_not_shown_as_said() -> None:
    talk = ended(f"Thanks. {STOP}")
    shown = str(pieces.compare(talk, proposals(2)[1].blueprint))
    assert STOP not in shown
    assert shown.count(f'<i class="ends">{marks.ENDS}</i>') == 4  # said twice, quoted and a candidate
    assert "Thanks." in shown
    assert STOP in talk.line(), "the record keeps what was written"


def test_what_an_agent_writes_is_shown_as_it_is() -> None:
    talk = trajectory("retail-00001", 1, True)
    odd = Message(role="assistant", content=f"I end this. {STOP}")
    assert STOP in pieces.conversation(talk.model_copy(update={"messages": (*talk.messages[:-1], odd)}))


def test_the_mark_is_no_word_of_the_user() -> None:
    def words(text: str) -> Any:
        return diversity.rows([ended(text)])["words"].iloc[0]

    assert words(f"Thanks. {STOP}") == words("Thanks.")


def test_what_is_not_known_of_an_arm_has_no_column() -> None:
    frame = mixture_tables.arm_costs(mixture_tables.arms({"single shot": proposals(6)}))
    assert list(frame.columns) == [
        "arm",
        "tries",
        "model calls",
        "accepted",
        "calls per accepted",
        "tokens per accepted",
    ]
    assert frame["accepted"].iloc[0].startswith("5 of 6 · 83.3 % [")
