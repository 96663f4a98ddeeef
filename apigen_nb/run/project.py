"""Where a notebook's run lies: `out` is seen from the project's folder, wherever the kernel was started."""

from __future__ import annotations

import os
from pathlib import Path

from .params import ParamsError

MARK = Path("notebooks", "2_blueprints.ipynb")


def project() -> Path | None:
    """The folder of the project: the nearest above the working directory that has the stage notebooks, else the
    checkout that this package stands in. A kernel is told no more: papermill starts it where the command was given,
    JupyterLab beside the notebook."""
    here = Path.cwd()
    package = Path(__file__).resolve().parents[2]
    return next((folder for folder in (here, *here.parents, package) if _is_project(folder)), None)


def _is_project(folder: Path) -> bool:
    # A run's folder keeps executed copies under the same names.
    return (folder / MARK).is_file() and not (folder / "run.json").exists()


def run_folder(out: object) -> Path:
    """The folder that `out` names, as seen from the working directory: an absolute one, or one within the project.
    ParamsError where there is no project, or where it would be made outside: there nobody would look for it."""
    if not isinstance(out, str) or not out:
        raise ParamsError(f"out: expected the name of a folder, found {out!r}")
    if Path(out).is_absolute():
        return Path(out)
    if (root := project()) is None:
        raise ParamsError(
            f"out: {out!r} is seen from the project, and there is none: neither {Path.cwd()} nor a folder above it has "
            f"{MARK.as_posix()}, and apigen_nb is not installed from a checkout; give an absolute folder, or start in "
            "the project (papermill: --cwd)"
        )
    folder = Path(os.path.normpath(root / out))
    if root not in (folder, *folder.parents) and not folder.exists():
        raise ParamsError(
            f"out: {out!r} is seen from the project, {root}, and leads out of it to {folder}, which is not there; "
            "give a folder within, like outputs/mine, or an absolute one"
        )
    return Path(os.path.relpath(folder))
