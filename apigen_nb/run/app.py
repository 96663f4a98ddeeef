"""The app: the explorers' notebook as a page of its own, without code, over a run, also beside others.

python -m apigen_nb.run.app outputs/demo [further runs] [options of voila, such as --port=8866 --no-browser]"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import UsageError
from .runner import notebooks_folder

RUN = "APIGEN_NB_RUN"  # the run that the notebook opens; without it the one that it names itself
BESIDE = "APIGEN_NB_BESIDE"  # further runs that it stands beside
TEMPLATES = Path(__file__).parent / "assets"


def chosen(default: str) -> str:
    """The run's folder that an explorers' notebook opens: the app's where it is the app, else `default`."""
    return os.environ.get(RUN) or default


def beside() -> list[str]:
    """The folders of the runs that the app's run stands beside."""
    return list(filter(None, os.environ.get(BESIDE, "").split(os.pathsep)))


def command(
    folder: Path | str, options: Sequence[str] = (), others: Sequence[Path | str] = ()
) -> tuple[list[str], dict[str, str]]:
    """What starts the app over a run's folder, with `others` beside it: the command line, and what it needs in its
    environment. UsageError when voila is not installed or a folder holds no run."""
    home, *further = (_of_a_run(one) for one in (folder, *others))
    if importlib.util.find_spec("voila") is None:
        raise UsageError("voila is not installed; install the extra: pip install 'apigen-nb[app]'")
    notebook = notebooks_folder() / "explorers.ipynb"
    name = json.dumps({"metadata": {"name": f"apigen-nb · {home.name}"}})  # title and head of the page
    told = f"--VoilaConfiguration.resources={name}"
    line = [sys.executable, "-m", "voila", str(notebook), "--template=apigen", told, *options]
    known = {RUN: str(home), BESIDE: os.pathsep.join(map(str, further))}
    return line, known | _paths(os.environ, str(notebook.parent.parent))


def _of_a_run(folder: Path | str) -> Path:
    home = Path(folder).resolve()
    if not any((home / name).is_file() for name in ("blueprints.jsonl", "blueprints.jsonl.part")):
        raise UsageError(f"no run in {folder}: it has no blueprints.jsonl; make one (apigen-nb run) or name another")
    return home


def _paths(environment: Mapping[str, str], checkout: str) -> dict[str, str]:
    def before(name: str, path: str) -> str:
        return os.pathsep.join([path, *filter(None, [environment.get(name)])])

    # A user's own "python3" kernel is another Python.
    paths = {"JUPYTER_PATH": before("JUPYTER_PATH", str(TEMPLATES)), "JUPYTER_PREFER_ENV_PATH": "1"}
    return paths | {"PYTHONPATH": before("PYTHONPATH", checkout)}


def main(arguments: Sequence[str]) -> None:
    if not arguments or arguments[0].startswith("-"):
        raise SystemExit("usage: python -m apigen_nb.run.app RUN_FOLDER [RUN_FOLDER ...] [options of voila]")
    folders = list(itertools.takewhile(lambda one: not one.startswith("-"), arguments))
    try:
        line, needed = command(folders[0], arguments[len(folders) :], folders[1:])
    except UsageError as error:
        raise SystemExit(f"error: {error}") from None
    os.execve(line[0], line, {**os.environ, **needed})


if __name__ == "__main__":
    main(sys.argv[1:])
