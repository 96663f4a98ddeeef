"""A new domain to start from: a small library that runs as it is, copied into a folder of the user's own."""

from __future__ import annotations

import keyword
import shutil
from pathlib import Path

from .domain import DomainError, builtin_domains

TEMPLATE = Path(__file__).parent / "template"


def new_domain(name: str, parent: Path | str = ".") -> Path:
    """Write a domain folder `parent`/`name` with tools, policy, one rule, data and phrases; returns it.

    DomainError when the name cannot be one or when something stands there already: nothing is ever overwritten."""
    folder = Path(parent) / name
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise DomainError(
            f"{name!r} cannot name a domain: expected letters, digits and _, no digit first, as in bike_hire"
        )
    if name in builtin_domains():
        raise DomainError(f"{name!r} is a domain that ships with the package; choose another name")
    if folder.is_symlink() or folder.exists():
        raise DomainError(f"{folder} exists already and is left as it is; choose another name, or remove it first")
    shutil.copytree(
        TEMPLATE, folder, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    )
    return folder
