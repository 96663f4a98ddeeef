"""Records as pandas frames: one row a verdict, a gate, a reflection round, a trajectory. Nothing here draws."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Any

import pandas as pd

from ..domain import Domain
from ..graph import Graph
from ..records import METRICS, Proposal, Role, Trajectory, Usage, Verdict, canonical
from .text import clean, cut, short

VERDICTS = ["proposal", "attempt", "gate", "passed", "kind", "reason", "repaired"]
TRAJECTORIES = [
    "trajectory", "blueprint", "attempt", "success", "ended", "turns", "calls", "divergence", "outputs told",
    "state reached",
]  # fmt: skip


ENDED = {
    "stop": "by the user, content",
    "transfer": "handed to a person",
    "max_steps": "step limit reached",
    "agent_error": "no answer for the agent",
    "user_error": "no answer for the user",
}


def wilson(passed: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a proportion; (0, 1) when nothing was counted.

    Written out because the libraries that have it (scipy, statsmodels) are larger than everything else here."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, scale = passed / total, 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5 / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def share(passed: int, total: int) -> str:
    """A percentage for people, "65.5 %"; "–" when nothing was counted."""
    return f"{100 * passed / total:.1f} %" if total else "–"


def interval(passed: int, total: int) -> str:
    """The 95 % interval of a percentage for people, "[58.7–71.8]"."""
    low, high = wilson(passed, total)
    return f"[{100 * low:.1f}–{100 * high:.1f}]" if total else ""


def verdicts(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """One row for each attempt × gate that judged it. `attempt` counts from 0, which is the first try; `repaired` says
    that the gate failed it and a later attempt of the same proposal was accepted."""
    rows = []
    for proposal in proposals:
        last = len(proposal.attempts) - 1
        for number, attempt in enumerate(proposal.attempts):
            for v in attempt.verdicts:
                repaired = not v.passed and proposal.accepted and number < last
                # pandas keeps texts in Arrow, which takes no lone surrogates; a model's text may hold some
                rows.append((proposal.id, number, v.gate, v.passed, short(v.kind), clean(cut(v.reason)), repaired))
    return pd.DataFrame(rows, columns=VERDICTS).astype({"passed": bool, "repaired": bool})


def gate_order(frame: pd.DataFrame) -> list[str]:
    """Of `verdicts`: the gates in the order in which they stand."""
    # The attempt that came furthest shows the gates in the order in which they stand.
    if frame.empty:
        return []
    sizes = frame.groupby(["proposal", "attempt"], sort=False).size().sort_values(ascending=False, kind="stable")
    longest = frame.set_index(["proposal", "attempt"]).loc[[sizes.index[0]], "gate"]
    return list(dict.fromkeys([*longest, *frame["gate"]]))


def rates(rows: list[dict[str, Any]], first: list[str]) -> pd.DataFrame:
    """Rows with counts `attempted` and `passed` as a frame with what fell, the share that passed and its interval."""
    for row in rows:
        row["fell"] = row["attempted"] - row["passed"]
        row["rate"] = row["passed"] / row["attempted"] if row["attempted"] else 0.0
        row["low"], row["high"] = wilson(row["passed"], row["attempted"])
    return pd.DataFrame(rows, columns=[*first, "attempted", "passed", "fell", "rate", "low", "high"])


def funnel(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `verdicts`: per gate how many attempts it judged and how many it let pass, in the order of the gates."""
    counts = frame.groupby("gate")["passed"].agg(["size", "sum"])
    rows = [
        {"gate": gate, "attempted": int(counts.loc[gate, "size"]), "passed": int(counts.loc[gate, "sum"])}
        for gate in gate_order(frame)
    ]
    return rates(rows, ["gate"])


def metrics(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """Per judge metric: how many committee verdicts scored it, and how many found it met by majority."""
    scored: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for proposal in proposals:
        for attempt in proposal.attempts:
            for verdict in attempt.verdicts:
                scored.update(verdict.scores.keys())
                met.update(name for name, score in verdict.scores.items() if score)
    rows = [{"metric": name, "attempted": scored[name], "passed": met[name]} for name in METRICS if scored[name]]
    return rates(rows, ["metric"])


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `verdicts`: per gate and kind how often it failed an attempt, and how many of those were accepted later."""
    fallen = frame[~frame["passed"]]
    counts = fallen.groupby(["gate", "kind"], sort=False)["repaired"].agg(["size", "sum"]).reset_index()
    counts.columns = ["gate", "kind", "count", "repaired"]
    counts = counts.astype({"count": int, "repaired": int})
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def rounds(proposals: Sequence[Proposal]) -> pd.DataFrame:
    """Per reflection round (0 is the first try): proposals tried, accepted in it, accepted so far, and the yield so far
    over all proposals with its 95 % interval."""
    total = len(proposals)
    tried = Counter(number for p in proposals for number in range(len(p.attempts)))
    accepted = Counter(len(p.attempts) - 1 for p in proposals if p.accepted)
    rows, so_far = [], 0
    for number in range(max(tried, default=-1) + 1):
        so_far += accepted[number]
        low, high = wilson(so_far, total)
        rows.append((number, tried[number], accepted[number], so_far, total, so_far / total, low, high))
    return pd.DataFrame(rows, columns=["round", "tried", "accepted", "so far", "proposals", "yield", "low", "high"])


def check(trajectory: Trajectory, about: str) -> Verdict | None:
    """The verdict of a trajectory whose gate is about "state" or "output"; None when it was not judged."""
    return next((v for v in trajectory.verdicts if about in v.gate), None)


def trajectories(records: Iterable[Trajectory]) -> pd.DataFrame:
    """One row a trajectory: how it ended and was judged. `turns` are messages of the user, `calls` are tool calls;
    checks that were not made are None (only conversations that ended are scored)."""
    rows = []
    for t in records:
        told, reached = check(t, "output"), check(t, "state")
        turns = sum(message.role == "user" for message in t.messages)
        kind = t.divergence.kind if t.divergence else ""
        checks = (told.passed if told else None, reached.passed if reached else None)
        rows.append((t.id, t.blueprint, t.attempt, t.success, t.ended, turns, len(t.calls), kind, *checks))
    return pd.DataFrame(rows, columns=TRAJECTORIES).astype({"success": bool})


def attempts(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `trajectories`: per attempt number how many conversations were held and how many were verified."""
    counts = frame.groupby("attempt")["success"].agg(["size", "sum"])
    rows = [{"attempt": n, "attempted": int(c["size"]), "passed": int(c["sum"])} for n, c in counts.iterrows()]
    return rates(rows, ["attempt"])


def ends(frame: pd.DataFrame, column: str = "ended") -> pd.DataFrame:
    """Of `trajectories`: per way to end (or per divergence, where there was one) the number verified and not."""
    kept = frame[frame[column] != ""]
    counts = kept.groupby(column)["success"].agg(["size", "sum"]).sort_values("size", ascending=False)
    rows = [{column: name, "attempted": int(c["size"]), "passed": int(c["sum"])} for name, c in counts.iterrows()]
    return rates(rows, [column])


def tool_use(records: Iterable[Trajectory]) -> pd.DataFrame:
    """Per tool in how many conversations it is called, and how many of those were verified; commonest first."""
    called: Counter[str] = Counter()
    verified: Counter[str] = Counter()
    for t in records:
        names = {short(call.name) for call in t.calls}
        called.update(names)
        verified.update(names if t.success else ())
    ranked = sorted(called.items(), key=lambda item: (-item[1], item[0]))
    return rates([{"tool": name, "attempted": n, "passed": verified[name]} for name, n in ranked], ["tool"])


def selection(records: Sequence[Trajectory], rows: int) -> pd.DataFrame:
    """What remains of all conversations: the verified ones, and of these the distinct ones, which are the rows."""
    verified = sum(t.success for t in records)
    steps = [("verified", len(records), verified), ("distinct", verified, rows)]
    shown = [{"step": name, "attempted": before, "passed": after} for name, before, after in steps if before]
    return rates(shown, ["step"])


def total_usage(records: Iterable[Proposal | Trajectory]) -> dict[Role, Usage]:
    """Tokens per role, summed."""
    totals: dict[Role, Usage] = {}
    for record in records:
        for role, used in record.usage.items():
            totals[role] = totals.get(role, Usage()) + used
    return totals


def usage(records: Iterable[Proposal | Trajectory]) -> pd.DataFrame:
    """`total_usage` as a frame: one row a role. Where no tokens were counted (scripted model) there are only calls."""
    rows = [(role, *used.model_dump().values()) for role, used in total_usage(records).items()]
    frame = pd.DataFrame(rows, columns=["role", "model calls", "prompt tokens", "of these cached", "answer tokens"])
    counted = bool(frame[["prompt tokens", "answer tokens"]].to_numpy().sum())
    return frame if counted else frame[["role", "model calls"]]


def tried(proposals: Sequence[Proposal]) -> str:
    """How many tasks were tried, in words: "200 seeds and 20 recombined tasks"."""
    mixed = sum(bool(p.parts) for p in proposals)
    seeds = f"{len(proposals) - mixed:,} seeds"
    return f"{seeds} and {mixed:,} recombined tasks" if mixed else seeds


def key_figures(
    proposals: Sequence[Proposal], records: Sequence[Trajectory], rows: int | None = None
) -> dict[str, tuple[str, str]]:
    """What a report opens with: label → (figure, what stands beside it). `rows` is the size of the dataset."""
    seeds, accepted = len(proposals), sum(p.accepted for p in proposals)
    mixed, domain = sum(bool(p.parts) for p in proposals), proposals[0].domain if proposals else "no domain"
    first = sum(p.accepted and len(p.attempts) == 1 for p in proposals)
    repaired, verified = accepted - first, sum(t.success for t in records)
    spent = [*total_usage(proposals).values(), *total_usage(records).values()]
    tokens = sum(u.prompt + u.completion for u in spent)
    reached = len({t.blueprint for t in records if t.success})
    figures = {
        "seeds": (f"{seeds - mixed:,}", f"{domain}, and {mixed:,} recombined" if mixed else domain),
        "accepted blueprints": (f"{accepted:,}", f"{share(accepted, seeds)} {interval(accepted, seeds)}"),
        "accepted at the first try": (
            f"{first:,}",
            f"{share(first, seeds)} of {seeds:,} {'tried' if mixed else 'seeds'}",
        ),
        "repaired by reflection": (
            f"{repaired:,}",
            f"{share(repaired, seeds - first)} of {seeds - first:,} that fell first",
        ),
    }
    if records:
        held = f"{share(verified, len(records))} of {len(records):,} conversations"
        figures["verified trajectories"] = (f"{verified:,}", held)
        figures["blueprints with a verified one"] = (
            f"{reached:,}",
            f"{share(reached, accepted)} of {accepted:,} accepted",
        )
    if rows is not None:
        figures["rows in the dataset"] = (f"{rows:,}", "distinct verified trajectories")
    if tokens:
        each = f"{tokens / verified:,.0f} a verified trajectory" if verified else "no verified trajectory"
        figures["tokens"] = (f"{tokens / 1e6:,.2f} M" if tokens >= 1e6 else f"{tokens:,}", each)
    return figures


def tools(domain: Domain) -> pd.DataFrame:
    """A domain's tools: what they do, what they take, how many rules bind them."""
    rows = [
        (tool.name, tool.kind, tool.description.split("\n\n")[0], ", ".join(tool.parameters.get("properties", {})),
         len(domain.rules_for([tool.name])))
        for tool in domain.tools.values()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["tool", "kind", "what it does", "arguments", "rules"])


def writing(domain: Domain) -> frozenset[str]:
    """The names of a domain's writing tools."""
    return frozenset(name for name, tool in domain.tools.items() if tool.writes)


def rules(domain: Domain) -> pd.DataFrame:
    """A domain's rules that code can check, and the tools they bind."""
    rows = [(rule.name, rule.text, ", ".join(rule.tools)) for rule in domain.rules]
    return pd.DataFrame(rows, columns=["rule", "what it says", "tools"])


def sizes(domain: Domain) -> pd.DataFrame:
    """A domain's tables: how many rows, and which fields a row has."""
    rows = []
    for name, table in domain.tables.items():
        row = domain.dump(next(iter(table.values()))) if table else {}
        rows.append((name, len(table), ", ".join(row) if isinstance(row, dict) else type(row).__name__))
    return pd.DataFrame(rows, columns=["table", "rows", "fields"])


def sample(domain: Domain, table: str, most: int = 3) -> pd.DataFrame:
    """The first rows of a domain's table, field by field; of an object in a field, part by part."""
    rows = []
    for key, row in itertools.islice(domain.tables[table].items(), most):
        dumped = domain.dump(row)
        fields = dumped if isinstance(dumped, dict) else {"": dumped}
        for name, item in fields.items():
            parts = {f"{name}.{part}": v for part, v in item.items()} if isinstance(item, dict) else {name: item}
            rows += [(key, path, v if isinstance(v, str) else canonical(v)) for path, v in parts.items()]
    frame = pd.DataFrame(rows, columns=["id", "field", "value"])
    return frame.assign(id=frame["id"].where(~frame["id"].duplicated(), ""))


def links(graph: Graph) -> pd.DataFrame:
    """The API graph, a row a pair of tools: which arguments of the one the results of the other can fill."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for edge in graph.edges:
        found.setdefault((edge.consumer, edge.producer), {})[edge.parameter] = None
    rows = [(consumer, producer, ", ".join(names)) for (consumer, producer), names in found.items()]
    return pd.DataFrame(rows, columns=["tool", "result of", "arguments"])
