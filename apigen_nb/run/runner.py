"""The runner: one papermill execution per stage notebook, in order, then the report. Its own status decides, not
papermill's: a stage is finished when every cell ran without an error and its artefact is whole.

Started again on the same folder it runs the notebooks again; the stages find what is finished by record id. A folder
made with other parameters is refused, because its results would be taken for those of the new ones. `resume=True` is
for an endpoint that has moved or prompts that were edited: what is there stays, the rest is made with the new ones,
and `run.json` says so under `changes`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from ..dataset.proof import Proof
from ..models import chat_format
from ..models.ledger import LEDGER, add_up, price_table
from ..models.reply_cache import count_requests, forget_errors, read_replies
from ..models.roles import Roles
from ..records import Proposal, Role, Trajectory
from ..storage.journal import forget, forget_unanswered, read_lines
from ..storage.jsonl import write_whole
from ..storage.progress_watch import show_progress
from ..storage.run_folder import ParametersChanged, Run, library_versions, relocate_paths
from ..world.domain import Domain
from . import STAGES, StageFailed, UsageError
from .notebook_execution import declared, execute
from .one_reason import check_reasons, one_reason
from .params import Params, RoleParams

MADE: dict[str, type[Proposal] | type[Trajectory]] = {"2_blueprints": Proposal, "3_trajectories": Trajectory}
UNANSWERED, UNDECIDED = "without an answer", "undecided"  # in the counts of a stage, where there are some


def run_stages(
    params: Params,
    out: Path | str,
    stages: Sequence[str] = tuple(STAGES),
    *,
    resume: bool = False,
    retry_failed: bool = False,
) -> list[str]:
    """Run these stages, in the order of `STAGES`, into the folder `out`; gives the ids of the items there that got no
    answer, which `retry_failed` tries again. UsageError, ParametersChanged or InUse before anything is written;
    StageFailed when one does not finish or lines of an earlier one are missing; OSError when nothing can be written."""
    notebooks = _declared_parameters(notebooks_folder(), params)
    run = Run.open(out)
    with run.locked():
        _begin(run, params, stages, resume)
        for stage in MADE.keys() & set(stages) if retry_failed else ():
            _forget(run, stage, params)
        wanted = [stage for stage in STAGES if stage in stages]
        for number, stage in enumerate(wanted, 1):
            _run_stage(run, stage, params, notebooks, f"[{number}/{len(wanted)}] {stage}")
        done = run.read_manifest()["stages"]
        lost = [stage for stage in MADE if done.get(stage, {}).get(UNANSWERED)]
        return [id for stage in lost for id in _unanswered(read_lines(run.folder / STAGES[stage], MADE[stage]))]


def _forget(run: Run, stage: str, params: Params) -> None:
    """Take what got no answer out of a stage; all of it where all ended for one reason, and the replies that say so."""
    path, kind = run.folder / STAGES[stage], MADE[stage]
    if path.exists() and one_reason(read_lines(path, kind)) is not None and not params.offline:
        forget_errors(run.folder)
        forget(path, kind, lambda _: True)
    forget_unanswered(path, kind)


def _run_stage(run: Run, stage: str, params: Params, notebooks: Mapping[Path, list[str]], label: str) -> None:
    notebook = next(path for path in notebooks if path.stem == stage)
    begin, before = time.monotonic(), count_requests(run.folder)
    try:
        _check_rows_of_earlier(run, stage)
        with show_progress(run.folder, label):
            # Paths reach the notebooks from their own folder: an absolute one would stand in every executed copy.
            values = relocate_paths(params.plain(), Path(), notebook.parent)
            values["out"] = Path(os.path.relpath(run.folder.resolve(), notebook.parent.parent)).as_posix()
            given = {name: values[name] for name in notebooks[notebook] if name in values}
            execute(notebook, given, run.notebooks / notebook.name)
            counts = _check_rows(run, stage, params)
        _record(run, stage, counts)
    except StageFailed as error:
        with contextlib.suppress(OSError):  # a full disk is told by the error itself
            run.write_manifest(run.read_manifest() | {"failed": {"stage": stage, "reason": str(error)}})
        raise
    finally:
        spent = _write_ledger(run, stage, params, before)
    told = "".join(f" {number} {what}," for what, number in counts.items()) + spent
    print(f"{label}:{told} {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)


def notebooks_folder() -> Path:
    """The stage notebooks: beside the package in a checkout, else ./notebooks. UsageError when there are none."""
    for folder in (Path(__file__).resolve().parents[2] / "notebooks", Path("notebooks").resolve()):
        if (folder / "2_blueprints.ipynb").is_file():
            return folder
    raise UsageError("no stage notebooks, neither beside the package nor in ./notebooks; run from a checkout")


def _declared_parameters(folder: Path, params: Params) -> dict[Path, list[str]]:
    """The notebook of each stage and the parameters that it declares."""
    notebooks = {stage: folder / f"{stage}.ipynb" for stage in STAGES}
    if missing := [path.name for path in notebooks.values() if not path.is_file()]:
        raise UsageError(f"no notebook {missing[0]} in {folder.name}/")
    names = {path: list(declared(path)) for path in notebooks.values()}
    if unread := sorted(params.model_dump(exclude_defaults=True).keys() - set().union(*names.values())):
        raise UsageError(f"no notebook declares the parameter {', '.join(unread)}: it would have no effect")
    return names


def _begin(run: Run, params: Params, stages: Sequence[str], resume: bool) -> None:
    domain = Domain.load(params.domain)
    facts = {
        "domain": {"name": domain.name, "fingerprint": domain.fingerprint},
        "models": models_of(params),
        "prompts": chat_format.prompt_shas() | _own_files(params),
    }
    old = run.read_manifest()
    _check_inputs(run, stages)
    makes = {"2_blueprints", "3_trajectories"} & set(stages) and old.get("started")
    changes = list(old.get("changes", [])) + (_changes(run, old, facts, params, resume) if makes else [])
    if not makes and old.get("domain"):
        facts["domain"] = old["domain"]  # what is there was made on that version
    run.claim(resume=resume, **{name: value for name, value in params.plain().items() if name != "offline"})
    kept = {stage: done for stage, done in old.get("stages", {}).items() if stage not in stages}
    fresh = {name: value for name, value in run.read_manifest().items() if name != "failed"}
    run.write_manifest(
        fresh
        | facts
        | {"random_seed": params.random_seed, "versions": library_versions(), "changes": changes, "stages": kept}
        | {"started": old.get("started") or _now(), "finished": None}
    )
    _prepare_kernels(params)


def _prepare_kernels(params: Params) -> None:
    # They start in the notebooks' folder: there neither a checkout that is not installed nor own gates are found.
    home = Path(__file__).resolve().parents[2]
    paths = [str(home)] if (home / "notebooks").is_dir() else []
    paths += [os.getcwd()] if any(":" in gate for gate in params.gates) else []
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # a user's own "python3" kernel is another Python


def _earlier(stage: str) -> list[str]:
    return [name for name in list(STAGES)[: list(STAGES).index(stage)] if STAGES[name]]


def _check_inputs(run: Run, stages: Sequence[str]) -> None:
    for stage in stages:
        for earlier in _earlier(stage):
            if earlier not in stages and not (run.folder / STAGES[earlier]).exists():
                told = f"{stage} needs {STAGES[earlier]}, which is not in {run.folder}; add --stage {earlier}"
                raise UsageError(told)


def _check_rows_of_earlier(run: Run, stage: str) -> None:
    for earlier in _earlier(stage):
        if short := run.lacking(STAGES[earlier]):
            raise StageFailed(f"{stage}: rows are missing: {short}; --stage {earlier} makes them, from kept replies")


def _changes(run: Run, old: dict[str, Any], facts: dict[str, Any], params: Params, resume: bool) -> list[str]:
    if old["domain"] != facts["domain"]:
        name = facts["domain"]["name"]
        raise ParametersChanged(
            f"the domain {name} has changed since {run.folder} was begun; use another folder: --out DIR"
        )
    edited = [name for name, sha in facts["prompts"].items() if old["prompts"].get(name) != sha]
    if edited and not resume:
        told = f"{run.folder} was begun with other prompts ({', '.join(edited)} edited since)"
        raise ParametersChanged(f"{told}; use another folder, --out DIR, or keep what is there and go on with --resume")
    before = old["parameters"].get("base_url")
    moved = [f"base_url: {before} before, {params.base_url} now"] if before != params.base_url else []
    return [f"prompt {name} edited" for name in edited] + moved


def _own_files(params: Params) -> dict[str, str]:
    """SHA-256 of the user's own prompts and personas: an edited one must not continue on what another one made."""
    names = [params.personas] if params.personas else []
    for role, setting in params.roles.items():
        given = [one.prompt for one in (setting if isinstance(setting, list) else [setting]) if one.prompt]
        names += [file for prompt in given for file in chat_format.own_prompts(prompt, role).values()]
    return {Path(name).name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in names}


def models_of(params: Params) -> dict[str, Any]:
    """Role → its model's name, of several judges all."""
    roles = params.plain()["roles"]
    played = Roles(Domain.load(params.domain), params.model, roles=roles, best_of=params.best_of).names

    def name(setting: RoleParams | list[RoleParams] | None) -> Any:
        return list(map(name, setting)) if isinstance(setting, list) else (setting and setting.model) or params.model

    return {role: name(params.roles.get(role)) for role in get_args(Role) if role in played}


def _check_rows(run: Run, stage: str, params: Params) -> dict[str, int]:
    """What a stage has made, counted. StageFailed when it is less than was asked for."""
    artefact = run.folder / STAGES[stage]
    if not artefact.exists():
        raise StageFailed(f"{stage} ended without {artefact.name}")
    counts, missing = dict[str, int](), 0
    if stage == "2_blueprints":
        proposals = read_lines(artefact, Proposal)
        recombined = sum(bool(p.parts) for p in proposals)
        counts = {"seeds": len(proposals) - recombined, "recombined": recombined}
        counts |= {"accepted": sum(p.accepted for p in proposals), UNANSWERED: len(_unanswered(proposals))}
        missing = params.count - counts["seeds"]
    elif stage == "3_trajectories":
        trajectories = read_lines(artefact, Trajectory)
        counts = {"trajectories": len(trajectories), "successful": sum(t.success for t in trajectories)}
        counts |= {UNDECIDED: sum(t.undecided for t in trajectories), UNANSWERED: len(_unanswered(trajectories))}
        accepted = sum(proposal.accepted for proposal in read_lines(run.blueprints, Proposal))
        missing = accepted * params.attempts - len(trajectories)
    elif stage == "4_dataset":
        counts = {"rows": len(read_lines(artefact / "proofs.jsonl", Proof))}
    if missing > 0:
        raise StageFailed(f"{stage}: {missing} rows are missing; the same command makes them")
    if stage in MADE:
        check_reasons(stage, read_lines(artefact, MADE[stage]))
    return {what: number for what, number in counts.items() if number or what not in (UNANSWERED, UNDECIDED)}


def _unanswered(records: Iterable[Proposal | Trajectory]) -> list[str]:
    return [record.id for record in records if record.unanswered]


def _record(run: Run, stage: str, counts: Mapping[str, int]) -> None:
    manifest = run.read_manifest()
    done = manifest["stages"] | {stage: dict(counts)}
    manifest["stages"] = {name: done[name] for name in STAGES if name in done}
    manifest["finished"] = _now() if set(STAGES) <= set(done) else None
    run.write_manifest(manifest)


def _write_ledger(run: Run, stage: str, params: Params, before: int) -> str:
    """Write `ledger.json`, what all requests of this folder have cost so far, `before` of them made by then; the
    stage's part of it for people."""
    done = run.read_manifest().get("stages", {})
    accepted = done.get("2_blueprints", {}).get("accepted", 0)
    verified = done.get("3_trajectories", {}).get("successful", 0)
    ledger = add_up(read_replies(run.folder), price_table(params.prices), accepted, verified)
    if not ledger.total.requests:
        return ""
    write_whole(run.folder / LEDGER, [json.dumps(ledger.model_dump(), indent=2, ensure_ascii=False)])
    if ledger.noticed:
        run.write_manifest(run.read_manifest() | {"noticed": ledger.noticed})
    part = ledger.stages.get(Path(STAGES[stage]).stem)
    if part is None:
        return ""
    cost = "" if part.cost is None else f", ${part.cost:.2f}"
    return f" {ledger.total.requests - before:,} new requests, {part.prompt + part.completion:,} tokens{cost} in all,"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
