"""Pass rates by every facet, and the funnel with the committee's metrics."""

from __future__ import annotations

import pytest

from apigen_nb.records import METRICS
from apigen_nb.report import pass_rates
from tests.report_records import proposals

MADE = proposals(6)
FRAME = pass_rates.judged(MADE)


def counts(facet: pass_rates.Facet, gate: str | None = None) -> dict[str, tuple[int, int]]:
    frame = pass_rates.count_by(FRAME, facet, gate)
    return {row[facet]: (row["passed"], row["attempted"]) for row in frame.to_dict("records")}


def test_a_row_for_each_gate_that_judged_an_attempt() -> None:
    assert len(FRAME) == sum(len(a.verdicts) for p in MADE for a in p.attempts)
    assert pass_rates.gates(FRAME) == ["format", "execution", "policy", "grounding", "committee"]


@pytest.mark.parametrize("facet", pass_rates.FACETS)
def test_every_facet_counts_each_attempt_that_a_gate_judged(facet: pass_rates.Facet) -> None:
    at_gate = FRAME[FRAME["gate"] == "execution"]
    found = counts(facet, "execution")
    expected = (~at_gate["passed"]).sum() if facet == "failure" else len(at_gate)
    if facet in ("tool", "persona"):  # an attempt with two tools counts for both
        assert all(n <= expected for _, n in found.values())
    else:
        assert sum(n for _, n in found.values()) == expected
    assert (
        pass_rates.figure(pass_rates.count_by(FRAME, facet, "execution"), "execution").layout.meta["page"]
        == "blueprints"
    )


def test_by_attempt_the_first_try_comes_first_and_all_gates_together_count_an_attempt_once() -> None:
    frame = pass_rates.count_by(FRAME, "attempt")
    assert frame["attempt"].tolist() == ["first try", "reflection 1", "reflection 2", "reflection 3"]
    assert frame["attempted"].tolist() == [6, 4, 2, 1]
    assert frame["passed"].tolist() == [2, 2, 1, 0]


def test_failures_say_how_many_were_accepted_later() -> None:
    assert counts("failure", "execution") == {"order is not pending": (1, 4)}
    assert counts("failure")["execution: order is not pending"] == (1, 4)


def test_kinds_and_levels_keep_their_own_order() -> None:
    made = [
        p.model_copy(update={"level": level}) for p, level in zip(MADE, ["hard", "easy", "medium"] * 2, strict=True)
    ]
    assert pass_rates.count_by(pass_rates.judged(made), "level")["level"].tolist() == ["easy", "medium", "hard"]


def test_the_funnel_goes_on_into_the_metrics() -> None:
    steps = pass_rates.funnel_steps(MADE, FRAME)
    assert steps["step"].tolist()[-len(METRICS) :] == [f"– {metric}" for metric in METRICS]
    figure = pass_rates.steps_figure(steps)
    assert figure.layout.meta["rows"][-1][0] == "– creativity"
    assert figure.layout.meta["leads"][1][-1] == {"metric not met": "creativity"}
    assert sum(figure.data[0].x) == steps["passed"].sum()


def test_a_persona_falls_into_its_traits() -> None:
    composed = "a retired teacher who waits without complaint and writes plainly and directly, with emoji"
    assert pass_rates.traits(composed) == (
        "a retired teacher",
        "waits without complaint",
        "plainly and directly",
        "with emoji",
    )
    assert pass_rates.traits("Someone else") == ("Someone else",)


def test_a_bar_asks_for_its_value_and_its_gate() -> None:
    meta = pass_rates.figure(pass_rates.count_by(FRAME, "tool", "policy"), "policy").layout.meta
    assert meta["page"] == "blueprints"
    assert [side[0] for side in meta["leads"]] == [
        {"tool": "return_items", "passed at": "policy"},
        {"tool": "return_items", "fell at": "policy"},
    ]
    figure = pass_rates.figure(pass_rates.count_by(FRAME, "failure", "policy"), "policy")
    assert [one["failure"] for one in figure.layout.meta["leads"][0]] == ["policy: one_change_per_order"]


def test_nothing_judged_draws_nothing() -> None:
    frame = pass_rates.judged([])
    assert pass_rates.gates(frame) == []
    for facet in pass_rates.FACETS:
        assert "nothing to show" in pass_rates.figure(pass_rates.count_by(frame, facet)).to_json()
