"""The command line. Exit codes: 0 all is well, 1 a stage failed, rows are missing or items got no answer, 2 bad input
or a folder in use, 3 no endpoint answers or, offline, a reply is not recorded, 4 the budget is spent, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.types import ExistingDirectory

from . import __version__
from .run import STAGES, UsageError, exit_code
from .run.signals import ending_as_by_ctrl_c
from .storage.safe_text import clean

# Nothing larger is imported up here: --help and a mistyped option must not wait for pydantic and papermill.
app = App(
    "apigen-nb",
    help="Verified multi-turn tool-use data, from notebooks.",
    version=__version__,
    help_format="plaintext",  # Markdown's parser would take a quarter of the time that --help does
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    default_parameter=Parameter(negative=(), show_default=False),
)
app.register_install_completion_command()
Overrides = Annotated[tuple[str, ...], Parameter("-p", help="name=value: change a parameter")]
Out = Annotated[Path | None, Parameter(help="folder of the run (default: outputs/<name of the file>)")]
Formats = Annotated[tuple[Literal["verifiers", "tau2", "nemo-gym"], ...], Parameter("--format", consume_multiple=True)]
Stages = Annotated[tuple[Literal[*STAGES], ...], Parameter("--stage", consume_multiple=True)]  # type: ignore[valid-type]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        with ending_as_by_ctrl_c():
            return int(app(arguments, exit_on_error=False, print_error=False) or 0)
    except KeyboardInterrupt as kept:
        exec("")  # one that passed through exec(text), as libraries do, has CPython die of SIGINT until the next exec
        told = str(kept).partition(";")[0] or "what is finished is kept"
        return _say(f"interrupted; {told}, the same command continues", 130)
    except CycloptsError as error:
        return _say(f"{error} See --help", 2)
    except OSError as error:
        return _say(f"cannot read or write: {error}; what is finished is kept", 1)
    except Exception as error:
        if (code := exit_code(error)) is None:
            raise
        return _say(error, code)


@app.command
def run(
    params: Path | None = None,
    /,
    *,
    overrides: Overrides = (),
    stages: Stages = (),
    out: Out = None,
    resume: bool = False,
    retry_failed: bool = False,
    offline: bool = False,
) -> int:
    """Run the stage notebooks of one run, then write its report.

    Args:
        params: YAML file; without one: the parameters of the folder --out, or the defaults
        stages: only these stages (default: all)
        resume: continue though base_url or prompts have changed (an unfinished run continues by itself)
        retry_failed: try again what got no answer; what was made meanwhile without it stays as it is
        offline: make no request: play the replies that are in the run's folder
    """
    from .run.params_file import load_params
    from .run.runner import run_stages
    from .storage.run_folder import Run

    out = _folder(params, out)
    base = Run(out).parameters() if params is None else {}
    loaded = load_params(params, [*overrides, *(["offline=true"] if offline else [])], base)
    lost = run_stages(loaded, out, stages or tuple(STAGES), resume=resume, retry_failed=retry_failed)
    print(f"done: {out}" if stages and "7_report" not in stages else _write_report(out), flush=True)
    few = ", ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
    where = f"reasons are in the report and in {out}/blueprints.jsonl and trajectories.jsonl"
    again = f"`apigen-nb run --out {out} --retry-failed` tries them again"
    told = f"{len(lost)} items got no answer and count as failed: {few}; {where}; {again}"
    return _say(told, 1) if lost else 0


@app.command
def estimate(
    params: Path,
    /,
    *,
    overrides: Overrides = (),
    seeds: int = 8,
    earlier: Annotated[Path | None, Parameter("--from")] = None,
    out: Out = None,
) -> None:
    """Predict requests, tokens, dollars and minutes of a run, from its first seeds or an earlier run.

    Where the key is not set, a rough figure: the scripted model plays those seeds, and the price table does the rest.

    Args:
        params: YAML file
        seeds: try so many (default: 8; a quarter of the run's at most), one conversation each; replies are kept
        earlier: ask nothing, read this run's folder
    """
    from .run.estimate_command import estimate_lines

    _tell(estimate_lines(params, overrides, _folder(params, out), seeds, earlier))


@app.command
def params() -> None:
    """List all parameters, what each takes and its default, as a file of parameters to begin with."""
    from .run.parameter_list import lines

    _tell(lines())


@app.command
def verify(folder: ExistingDirectory, /) -> int:
    """Prove a run's dataset again from its files: replay every row in a fresh world."""
    from .dataset.verify import verify_dataset
    from .storage.run_folder import Run
    from .world.domain import DomainError

    try:
        found = verify_dataset(folder)
    except DomainError as error:
        return _say(error, 1)
    _tell(found.lines())
    promised = Run(folder).read_manifest().get("stages", {}).get("3_trajectories", {}).get("successful", 0)
    if promised and not found.rows:
        return _say(f"no row was exported, though {promised} trajectories succeeded", 1)
    return 1 if found.failures else 0


@app.command
def dataset(
    folder: ExistingDirectory,
    /,
    *others: ExistingDirectory,
    overrides: Overrides = (),
    out: Annotated[Path | None, Parameter(help="folder to write (default, of one run: its own dataset/)")] = None,
) -> None:
    """Make the dataset of a run anew, or one of several runs: merged, deduplicated, split and proven together.

    Takes the parameters dataset, license and tokenizer: -p 'dataset={splits: {train: 0.9, test: 0.1}}'
    """
    from .run.dataset_command import dataset_lines

    _tell(dataset_lines([folder, *others], overrides, out))


@app.command
def export_env(
    folder: ExistingDirectory,
    /,
    *,
    formats: Formats = (),
    out: Annotated[Path | None, Parameter(help="folder to write (default: environments/ of the run's)")] = None,
) -> None:
    """Write the tasks of a run's dataset as environments for reinforcement learning, a folder for each format.

    Args:
        formats: only these (default: verifiers and nemo-gym, and tau2 where the domain is one of tau2's)
    """
    from .dataset.environments.export import export_environments

    _tell(export_environments(folder, out, formats))


@app.command
def judge(
    cases: Path,
    /,
    *,
    params: Path | None = None,
    overrides: Overrides = (),
    readings: Path | None = None,
    out: Annotated[Path | None, Parameter(help="folder of the replies (default: <CASES' stem>-judged)")] = None,
) -> int:
    """Judge conversations that were written down: one line of JSON for each, held, fell or undecided per check.

    Args:
        cases: a JSON line per conversation: id, domain, blueprint, turns with calls
        params: YAML file that names the judges; without one nobody is asked, and what is open stays undecided
        readings: recorded answers in place of judges, a JSON line for each: case, reading
    """
    from .run.judging import judge_file
    from .run.params_file import load_params

    if readings and (params or overrides):
        raise UsageError("judges are those of --params or recorded ones, --readings; give one of the two")
    loaded = load_params(params, overrides) if params or overrides else None
    return judge_file(cases, loaded, out or cases.with_name(f"{cases.stem}-judged"), readings)


@app.command
def report(folder: ExistingDirectory, /, *others: ExistingDirectory, single_file: bool = False) -> None:
    """Write the HTML report of each run's folder again; with several, the first gets a page that compares them.

    Args:
        single_file: one file to send, report.html in the (first) folder, and nothing else
    """
    from .storage.run_folder import Run

    for one in (folder, *others):
        Run(one).check()
    if single_file:
        from .report.write import write_single_file
        from .storage.progress_watch import show_progress

        with show_progress(folder, f"report of {folder.name}"):
            print(f"report: {write_single_file(folder, others)}")
    else:
        print(*map(_write_report, others), _write_report(folder, *others), sep="\n")


@app.command
def runs(outputs: ExistingDirectory = Path("outputs"), /, *, html: bool = False) -> None:
    """List the runs in a folder: when, state, domain, models, yields with intervals, cost, and what was set otherwise.

    Args:
        outputs: the folder that holds them (default: outputs)
        html: also write index.html there, a page to open reports from, to compare runs and to see yields over time
    """
    from .report.past_runs import lines, read_runs
    from .storage.run_folder import Run

    if not outputs.is_dir():
        raise UsageError(f"there is no folder {outputs} here; name the one that holds runs, or make a run first")
    if Run(outputs).begun:
        raise UsageError(f"{outputs} is a run itself; give the folder that holds runs, such as {outputs.parent}")
    found = read_runs(outputs)
    _tell(lines(found) if found else [f"no runs in {outputs} yet"])
    if html:
        from .report.past_runs_page import write_index

        print(f"index: {write_index(outputs, found)}")


@app.command
def new_domain(name: str, /) -> None:
    """Write a small domain of your own, ready to run, into a folder of this name."""
    from .world.scaffold import new_domain

    folder = new_domain(name)
    print(f"wrote {folder}: it runs as it is; make it yours, {folder / 'README.md'} says how")
    print(f"  check it: apigen-nb check-domain {folder}")
    print(f"  run it:   apigen-nb run -p domain={folder} --out outputs/{folder.name}")


@app.command
def check_domain(name: str, /) -> int:
    """Hold a domain (a folder, or a name: tau2:retail) to the contract of all domains: what is missing, in words."""
    from .world.contract import check, errors, summary
    from .world.domain import Domain, DomainError

    try:
        domain = Domain.load(name)
    except DomainError as error:
        return _say(error, 1 if (Path(name) / "tools.py").is_file() else 2)
    findings = check(domain)
    _tell(f"{finding}\n" for finding in findings)
    _tell([summary(domain, findings)])
    return 1 if errors(findings) else 0


def _folder(params: Path | None, out: Path | None) -> Path:
    if params is None and out is None:
        raise UsageError("which run? give a file, params/demo.yaml, or a folder, --out outputs/demo")
    return out or Path("outputs") / Path(str(params)).stem


def _write_report(folder: Path, *others: Path) -> str:
    from .report.write import write_report  # after the stages: pandas and plotly are large
    from .storage.progress_watch import show_progress

    with show_progress(folder, f"report of {folder.name}"):
        return f"report: {write_report(folder, others)}"


def _say(problem: object, code: int) -> int:
    print(f"apigen-nb: {clean(str(problem))}", file=sys.stderr)
    return code


def _tell(lines: Iterable[object]) -> None:
    # What servers, models and files of others said must not steer the terminal.
    print("\n".join(clean(str(line)) for line in lines))


if __name__ == "__main__":
    sys.exit(main())
