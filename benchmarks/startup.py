"""What starting costs: importing the package, and a stage notebook beyond the start of its kernel.

    python benchmarks/startup.py [--repeat 5]

An import runs in a process of its own with compiled files at hand; its cost is what it adds to an empty interpreter.
The start of a stage is the time of its cells before "## Run" (parameters, imports, domain, models) in a kernel that has
just answered. Prints a Markdown table of medians, writes results/startup.json, and exits with 1 when an import takes
more than 0.3 s or a stage more than 2 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

HERE = Path(__file__).parent
ROOT = HERE.parent
IMPORTS = {
    "apigen_nb": "import apigen_nb",
    "phase 1": "import apigen_nb.blueprints.propose, apigen_nb.models.roles",
    "the command line": "import apigen_nb.__main__",
}
IMPORT, STARTUP = 0.3, 2.0
PARTS = {"1_domain", "2_blueprints", "3_trajectories", "4_dataset", "7_report"}
SETTINGS = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def process(code: str) -> float:
    """Seconds of an interpreter that runs this."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=SETTINGS)
    return time.perf_counter() - begin


def before_the_work(stage: str) -> list[str]:
    """The code cells of a notebook that stand before its heading Run."""
    cells = []
    for cell in nbformat.read(ROOT / "notebooks" / f"{stage}.ipynb", 4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## Run"):
            return cells
        if cell.cell_type == "code":
            cells.append(cell.source)
    raise ValueError(f"{stage} has no heading Run")


def kernel(stage: str, out: Path) -> float:
    """Seconds of a stage's cells before its work, in a kernel of their own."""
    manager, client = start_new_kernel(cwd=str(ROOT / "notebooks"), env=SETTINGS, stderr=subprocess.DEVNULL)
    try:
        client.execute_interactive("pass", timeout=60)
        spent = 0.0
        for number, source in enumerate(before_the_work(stage)):
            # The folder is given as papermill gives it: by an assignment after the parameters.
            code = f"{source}\nout = {str(out)!r}" if number == 0 else source
            begin = time.perf_counter()
            reply = client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
            spent += time.perf_counter() - begin
            if reply["content"]["status"] != "ok":
                sys.exit(f"{stage}: {reply['content']['evalue']}")
        return spent
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    median: dict[str, tuple[float, float]] = {}
    process("pass")
    for name, code in IMPORTS.items():
        process(code)  # compiles
        costs = [process(code) - process("pass") for _ in range(repeat)]
        median[f"import of {name}"] = statistics.median(costs), IMPORT
    with tempfile.TemporaryDirectory() as spot:
        out = Path(spot) / "run"
        made = [sys.executable, "-m", "apigen_nb", "run", "--out", str(out)]
        subprocess.run(made, check=True, env=SETTINGS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for stage in sorted(PARTS):
            median[f"{stage}, beyond its kernel"] = (
                statistics.median(kernel(stage, out) for _ in range(repeat)),
                STARTUP,
            )
    print("| start of | s | at most |\n|---|--:|--:|")
    for name, (seconds, most) in median.items():
        print(f"| {name} | {seconds:.2f} | {most:g} |")
    told = {name: {"seconds": round(seconds, 3), "limit": most} for name, (seconds, most) in median.items()}
    (HERE / "results").mkdir(exist_ok=True)
    result = {"starts": told, "repeat": repeat, "load": os.getloadavg()[0]}
    (HERE / "results" / "startup.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(any(seconds > most for seconds, most in median.values()))


if __name__ == "__main__":
    sys.exit(main())
