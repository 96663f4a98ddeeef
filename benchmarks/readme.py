"""The README's table of measurements, from what the benchmarks left in results/: `python benchmarks/readme.py`.

Nothing is measured here. `--check` writes nothing and exits with 1 when the README says something else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- measured: written by benchmarks/readme.py -->\n", "<!-- /measured -->\n"
Line = tuple[str, str, str]


def result(name: str) -> Any:
    """What a benchmark left; FileNotFoundError when it never ran."""
    return json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))


def runs() -> Iterator[Line]:
    """The runs of params/: time, memory, yields."""
    for name, words in (
        ("demo", "`make run` after installation: 200 seeds of `retail`"),
        ("airline", "the same on `airline`"),
        ("banking", "the same on `banking`"),
        ("tau2-retail", "the same on tau2's public retail data"),
    ):
        found = result(name)
        made = {key: value for stage in found["stages"].values() for key, value in stage.items()}
        proven = "all verified again" if found["proven"] else "NOT all verified again"
        same = "the same bytes twice" if found["same"] else "DIFFERENT bytes"
        text = (
            f"{max(found['seconds']):.0f} s, {max(found['megabytes']):.0f} MB; {made['accepted']} of "
            f"{made['seeds'] + made['recombined']} blueprints accepted ({made['recombined']} of them recombined), "
            f"{made['successful']} of {made['trajectories']} conversations verified, {made['rows']} distinct rows, "
            f"{proven}; {same}"
        )
        yield words, text, "demo.py" if name == "demo" else f"demo.py params/{name}.yaml"


def worlds() -> Iterator[Line]:
    """The world, against tau2's environment."""
    rows = {(row["domain"], row["operation"]): row["to_tau2"] for row in result("world")["rows"]}
    for operation, words, note in (
        ("fork", "fork of a world, against constructing tau2's environment", ""),
        ("replay a task, digest", "replay of a gold task with its verdict, against tau2's environment", ""),
        ("one write", "one write, against tau2's environment", ": a row is copied, and a refused call leaves no trace"),
    ):
        ratios = [rows[domain, operation] for domain in ("tau2:retail", "tau2:airline")]
        retail, airline = (f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2f}×" for ratio in ratios)
        yield words, f"{retail} (retail), {airline} (airline){note}", "world.py"


def boundary() -> Iterator[Line]:
    """The model boundary, against its limits."""
    for row in result("boundary")["rows"]:
        best = min(row["runs"], key=lambda run: run["seconds"])
        text = f"{row['ratio']:.2f}× the limit of {row['limit']:.2f} s; {best['done']:,} answered"
        if best["refused"]:
            text += f", {best['refused']:.0f} refused on the way"
        yield f"model boundary: {row['work']}", f"{text}; CPU {best['cpu s']:.1f} s", "boundary.py"


def others() -> Iterator[Line]:
    """Growth, tokens, start and explorers."""
    scale = result("scale")
    few, many = scale["runs"][0], scale["runs"][-1]
    seeds = " ".join(str(run["seeds"]) for run in scale["runs"])
    yield (
        f"phases 1 and 2, {many['seeds']:,} seeds against {few['seeds']:,}",
        f"{scale['ratios']['ms per seed']:.2f}× the time per seed ({many['ms per seed']:.0f} ms of CPU), "
        f"{scale['ratios']['peak MB']:.2f}× the memory ({many['peak MB']:.0f} MB)",
        f"scale.py --seeds {seeds}",
    )
    few, many = (made := result("dataset"))["runs"][0], made["runs"][-1]
    yield (
        f"a dataset of {many['conversations']:,} conversations against {few['conversations']:,}",
        f"{made['ratios']['ms per row']:.2f}× the time per row ({many['ms a row']:.0f} ms of CPU), "
        f"{made['ratios']['kB per further row']:.0f} kB of memory for each further row ({many['peak MB']:.0f} MB)",
        f"dataset.py --rows {few['conversations']} {many['conversations']}",
    )
    checks = result("checks")
    rows, sides = checks["rows"].values(), checks.get("before", {}).values()
    ratio = max((side["ratio"] for side in sides), default=0.0)
    then = f"; without it {ratio:.1f}× what they took before values had types" if sides else ""
    totals = [sum(row[check] for check in ("state", "outputs", "behaviour")) for row in rows]
    yield (
        "checks of a conversation, against the plain reward (state and outputs to the letter)",
        f"{max(total / row['plain reward'] for total, row in zip(totals, rows, strict=True)):.1f}× without conduct, "
        f"{max(row['ratio'] for row in rows):.1f}× with it: {max(row['all'] for row in rows):.1f} ms of CPU at most"
        + then,
        "checks.py",
    )
    judging = result("judging")
    ours, all_ = judging["arms"].values()
    name = "all tokens per accepted"
    yield (
        "tokens per accepted blueprint, against judging every draft with every judge",
        f"{judging['ratio']:.2f}× of the committee's, {ours[name] / all_[name]:.2f}× of all of phase 1",
        "judging.py",
    )
    starts = result("startup")["starts"]
    stage = max(start["seconds"] for name, start in starts.items() if "kernel" in name)
    text = f"{starts['import of phase 1']['seconds']:.2f} s; {stage:.2f} s at most beyond the kernel's start"
    yield "import of phase 1; a stage notebook up to its work", text, "startup.py"
    explorers = result("explorers")
    opens = max(one["opens s"] for one in explorers["explorers"].values())
    reacts = max(one["reacts s"] for one in explorers["explorers"].values())
    yield (
        f"explorers, each with {explorers['count']:,} blueprints and conversations",
        f"open in {opens:.2f} s, react in {reacts:.2f} s at most; the report has {explorers['report']['MB']:.0f} MB",
        "explorers.py",
    )


def table() -> str:
    """The table in Markdown."""
    lines = [*runs(), *worlds(), *boundary(), *others()]
    rows = [f"| {what} | {found} | `{command}` |" for what, found, command in lines]
    return "\n".join(["| what | measured | `python benchmarks/…` |", "|---|---|---|", *rows]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{README.name} has no table between {BEGIN.strip()} and {END.strip()}")
    new = before + BEGIN + table() + END + after
    if not check:
        README.write_text(new, encoding="utf-8")
    elif new != text:
        print("the README's table is not that of benchmarks/results: python benchmarks/readme.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
