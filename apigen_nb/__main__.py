"""The command line: `run`, `estimate`, `verify` and `report` for runs, `new-domain` and `check-domain` for domains.

Exit codes: 0 all is well, 1 a stage failed, rows are missing or items got no answer, 2 bad input or a folder in use,
3 no endpoint answers or, offline, a reply is not recorded, 4 the budget is spent, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .run import STAGES, StageFailed, UsageError
from .storage.safe_text import clean

# Nothing larger is imported up here: --help and a mistyped option must not wait for pydantic and papermill.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        with _ending_as_by_ctrl_c():
            return int(options.command(options))
    except KeyboardInterrupt as kept:
        told = str(kept).partition(";")[0] or "what is finished is kept"
        print(f"apigen-nb: interrupted; {told}, the same command continues", file=sys.stderr)
        return 130


@contextlib.contextmanager
def _ending_as_by_ctrl_c() -> Iterator[None]:
    """Whoever ends this process, SIGTERM or a terminal that is gone, ends it as Ctrl-C does: all is kept."""
    before = {}
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            with contextlib.suppress(ValueError):  # not in the main thread, which alone hears signals
                before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("apigen-nb", description="Verified multi-turn tool-use data, from notebooks.")
    commands = parser.add_subparsers(
        required=True, metavar="run | estimate | verify | report | new-domain | check-domain"
    )

    run = commands.add_parser("run", help="run the stage notebooks", description="Run the stage notebooks of one run.")
    run.add_argument("params", nargs="?", help="YAML file; without one: those of the folder --out, or the defaults")
    run.add_argument(
        "-p", dest="overrides", metavar="name=value", action="append", default=[], help="change a parameter"
    )
    run.add_argument("--stage", nargs="+", action="extend", choices=STAGES, help="only these stages (default: all)")
    run.add_argument("--out", type=Path, help="folder of the run (default: outputs/<name of the file>)")
    run.add_argument(
        "--resume",
        action="store_true",
        help="continue although base_url or prompts have changed; what is there stays (an unfinished run with the same "
        "parameters continues by itself)",
    )
    run.add_argument(
        "--retry-failed",
        action="store_true",
        help="try again what got no answer; what was made meanwhile without it, such as later rounds, stays as it is",
    )
    run.add_argument(
        "--offline", action="store_true", help="make no request: play the replies that are in the run's folder"
    )
    run.set_defaults(command=_run)

    estimate = commands.add_parser(
        "estimate",
        help="say what a run will cost before it is paid for",
        description="Predict requests, tokens, dollars and minutes of a run, from its first seeds or an earlier run.",
    )
    estimate.add_argument("params", help="YAML file")
    estimate.add_argument(
        "-p", dest="overrides", metavar="name=value", action="append", default=[], help="change a parameter"
    )
    estimate.add_argument(
        "--seeds", type=int, help="try so many seeds (default: 8); their replies are kept for the run"
    )
    estimate.add_argument("--from", dest="earlier", type=Path, help="ask nothing, read this run's folder")
    estimate.add_argument("--out", type=Path, help="folder of the run (default: outputs/<name of the file>)")
    estimate.set_defaults(command=_estimate)

    verify = commands.add_parser("verify", help="prove a dataset again from its files", description="Replay every row.")
    verify.add_argument("folder", type=Path)
    verify.set_defaults(command=_verify)

    report = commands.add_parser(
        "report",
        help="write the HTML report again; of several runs, side by side",
        description="Write the HTML report of each folder; with several, the first gets a page that compares them.",
    )
    report.add_argument("folders", type=Path, nargs="+", metavar="folder")
    report.add_argument(
        "--single-file",
        action="store_true",
        help="one file to send, report.html in the (first) folder, and nothing else",
    )
    report.set_defaults(command=_report)

    new = commands.add_parser(
        "new-domain", help="write a small domain to start from", description="Write a domain of your own, ready to run."
    )
    new.add_argument("name", help="its name, and the name of the folder that is written here")
    new.set_defaults(command=_new_domain)

    check = commands.add_parser(
        "check-domain",
        help="say what a domain is missing",
        description="Hold a domain to the contract of all domains, and say in words what is missing.",
    )
    check.add_argument("name", help="a folder (my_domain, ./my_domain) or a domain's name (retail, tau2:retail)")
    check.set_defaults(command=_check_domain)
    return parser


def _run(options: argparse.Namespace) -> int:
    from .run.params import ParamsError
    from .run.params_file import load_params
    from .run.runner import run_stages
    from .storage.journal import Damaged
    from .storage.run_folder import InUse, ParametersChanged, Run
    from .world.domain import DomainError

    try:
        if options.params is None and options.out is None:
            raise UsageError("which run? give a file, params/demo.yaml, or a folder, --out outputs/demo")
        out = options.out or Path("outputs") / Path(options.params).stem
        base = Run(out).parameters() if options.params is None else {}
        overrides = [*options.overrides, *(["offline=true"] if options.offline else [])]
        params = load_params(options.params, overrides, base)
        stages = options.stage or list(STAGES)
        lost = run_stages(params, out, stages, resume=options.resume, retry_failed=options.retry_failed)
        if "7_report" in stages:
            if code := _write_report(out):
                return code
        else:
            print(f"done: {out}")
    except (ParamsError, DomainError, UsageError, ParametersChanged, InUse) as error:
        return _say(error, 2)
    except StageFailed as error:
        return _say(error, error.code)
    except Damaged as error:
        return _say(error, 1)
    except OSError as error:
        return _say(f"cannot read or write: {error}; what is finished is kept", 1)
    if lost:
        few = ", ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
        where = f"reasons are in the report and in {out}/blueprints.jsonl and trajectories.jsonl"
        again = f"apigen-nb run --out {out} --retry-failed"
        return _say(
            f"{len(lost)} items got no answer and count as failed: {few}; {where}; `{again}` tries them again", 1
        )
    return 0


def _estimate(options: argparse.Namespace) -> int:
    import asyncio

    from .models import BudgetSpent, EndpointDown
    from .run.estimate import TRIAL, read_off, try_out
    from .run.params import ParamsError
    from .run.params_file import load_params
    from .storage.journal import Damaged, Incomplete
    from .storage.run_folder import InUse, Run

    out = options.out or Path("outputs") / Path(options.params).stem
    try:
        params = load_params(options.params, options.overrides)
        if options.earlier:
            found, source = read_off(params, options.earlier), f"read from {options.earlier}"
        else:
            run = Run.open(out)
            with run.locked(), run.writing():
                found = asyncio.run(try_out(params, out, options.seeds or TRIAL))
            source = f"tried out; the replies are kept in {out} and not paid for again"
    except (ParamsError, InUse, ValueError) as error:
        return _say(error, 2)
    except (Incomplete, Damaged, OSError) as error:
        return _say(error, 1)
    except (EndpointDown, BudgetSpent) as error:
        return _say(error, 4 if isinstance(error, BudgetSpent) else 3)
    print(f"{params.seeds} seeds, {found.tasks} tasks, {params.attempts} conversations each; {found.measured} {source}")
    _tell(found.lines())
    return 0


def _verify(options: argparse.Namespace) -> int:
    from .dataset.verify import verify
    from .storage.journal import Damaged
    from .storage.run_folder import Run
    from .world.domain import DomainError

    if not options.folder.is_dir():
        return _say(f"no folder {options.folder}", 2)
    try:
        report = verify(options.folder)
    except (OSError, Damaged, DomainError) as error:
        return _say(error, 1)
    _tell(report.lines())
    promised = Run(options.folder).read_manifest().get("stages", {}).get("3_trajectories", {}).get("successful", 0)
    if promised and not report.rows:
        return _say(f"no row was exported, though {promised} trajectories succeeded", 1)
    return 1 if report.failures else 0


def _report(options: argparse.Namespace) -> int:
    for folder in options.folders:
        if not folder.is_dir():
            return _say(f"no folder {folder}", 2)
    from .storage.journal import Damaged

    first, *others = options.folders
    try:
        if options.single_file:
            from .report.single_file import write_single

            print(f"report: {write_single(first, others)}")
            return 0
        for folder in others:
            if code := _write_report(folder):
                return code
        return _write_report(first, others)
    except (OSError, Damaged) as error:
        return _say(error, 1)


def _write_report(folder: Path, others: Sequence[Path] = ()) -> int:
    from .report.write import write_report

    write_report(folder, others) if others else write_report(folder)
    index = folder / "report" / "index.html"
    if not index.is_file():
        return _say(f"no report was written to {index}", 1)
    print(f"report: {index}")
    return 0


def _new_domain(options: argparse.Namespace) -> int:
    from .world.domain import DomainError
    from .world.scaffold import new_domain

    try:
        folder = new_domain(options.name)
    except (DomainError, OSError) as error:
        return _say(error, 2)
    print(f"wrote {folder}: it runs as it is; make it yours, {folder / 'README.md'} says how")
    print(f"  check it: apigen-nb check-domain {folder}")
    print(f"  run it:   apigen-nb run -p domain={folder} --out outputs/{folder.name}")
    return 0


def _check_domain(options: argparse.Namespace) -> int:
    from .world.contract import check, errors, summary
    from .world.domain import Domain, DomainError

    try:
        domain = Domain.load(options.name)
    except DomainError as error:
        return _say(error, 1)
    findings = check(domain)
    _tell(f"{finding}\n" for finding in findings)
    _tell([summary(domain, findings)])
    return 1 if errors(findings) else 0


def _say(problem: object, code: int) -> int:
    print(f"apigen-nb: {clean(str(problem))}", file=sys.stderr)
    return code


def _tell(lines: Iterable[object]) -> None:
    # What servers, models and files of others said must not steer the terminal.
    print("\n".join(clean(str(line)) for line in lines))


if __name__ == "__main__":
    sys.exit(main())
