"""A `verifiers` 0.4 environment: a package of one module, which calls into this one, with its tasks as JSON lines."""

from __future__ import annotations

import re
import shutil
import string
from pathlib import Path

from ... import __version__
from ...storage.jsonl import write_whole
from ..columns import to_json
from .play import DOMAIN
from .tasks import Source

TEMPLATE = Path(__file__).parent / "template"
# The prompt and the tools are the domain's, which the package loads: each row would repeat the same kilobytes.
OF_DOMAIN = ("system", "tools")
OWN = "- The domain's own code goes along in `domain/`: whoever installs this runs it."


def write_verifiers(folder: Path, source: Source) -> str:
    """Write the package; what was written, in words. A domain that is a folder goes along as it is."""
    name = package_name(source.domain.name)
    package = folder / name.replace("-", "_")
    (package / "tasks").mkdir(parents=True)
    for split in source.counts:
        bare = ({key: row[key] for key in row if key not in OF_DOMAIN} for row in source.rows(split))
        write_whole(package / "tasks" / f"{split}.jsonl", map(to_json, bare))
    shutil.copyfile(TEMPLATE / "module.py", package / "__init__.py")
    if own := source.own_domain:
        _copy_domain(own, package / DOMAIN / source.domain.name)
    known = {
        "name": name,
        "package": package.name,
        "domain": source.domain.name,
        "version": __version__,
        "fingerprint": source.domain.fingerprint,
        "count": source.count,
        "splits": ", ".join(f"`{split}` {count}" for split, count in source.counts.items()),
        "own": OWN if own else "",
    }
    # a pyproject.toml here would be read by tools that look after this package
    for template, file in (("project.toml", "pyproject.toml"), ("README.md", "README.md")):
        text = string.Template((TEMPLATE / template).read_text("utf-8")).substitute(known)
        write_whole(folder / file, [text.rstrip()])
    return f"the package {name} for verifiers 0.4 with {source.count} tasks; `pip install` it beside apigen-nb"


def package_name(domain: str) -> str:
    """The name of the package, which is also the id of its environment: apigen-tau2-retail."""
    return f"apigen-{re.sub(r'[^a-z0-9]+', '-', domain.lower()).strip('-') or 'domain'}"


def _copy_domain(folder: Path, to: Path) -> None:
    """Copy what a domain is read from."""
    (to / "data").mkdir(parents=True)
    files = [folder / name for name in ("tools.py", "rules.py", "policy.md", "phrases.json")]
    for path in (*files, *sorted(folder.glob("data/*.json"))):
        if path.is_file():
            shutil.copyfile(path, to / path.relative_to(folder))
