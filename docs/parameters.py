"""Write the page of the parameters: `python docs/parameters.py` makes parameters.md beside this file from `Params`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from apigen_nb.run.parameter_list import params_table  # noqa: E402  # the path is set above
from apigen_nb.run.params import Params  # noqa: E402
from apigen_nb.storage.run_folder import CHANGEABLE, RENAMED  # noqa: E402

TARGET = ROOT / "docs" / "parameters.md"
HEAD = """# The parameters of a run

Written by `python docs/parameters.py`; `apigen-nb params` prints the same as a file to begin with. They stand in a flat
YAML file (`params/`), in `apigen-nb run -p name=value`, in papermill's `-p name value`, `-f FILE` and `-y`, and in the
first cell of the notebooks, each of which declares those that it reads. A name that there is not is refused, with the
nearest one.

| name | takes | default | what it is |
|---|---|---|---|
"""
TAIL = """
`dataset: {{splits: {{train: 0.9, test: 0.1}}}}` sets one part and leaves the others as they are.

A role (`roles.ROLE.…`: generator, judge, feedback, user, critic, agent) takes from the run what it does not give
itself; `roles: {{judge: […]}}` may list several.

A folder keeps the parameters that it was begun with, and a notebook that is given none takes those. Other values are
refused, but for those that change nothing of the results:
{changeable}.

Notebooks have `out` besides: the folder of the run, seen from the project's folder, or an absolute one.

Old names that this version still takes, with a line that says so: {renamed}.
"""


def page() -> str:
    """The whole page."""
    cells = [[f"`{one.name}`", one.takes, f"`{one.default}`", one.meaning] for one in params_table()]
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in cells]
    changeable = ", ".join(f"`{name}`" for name in Params.model_fields if name in CHANGEABLE)
    renamed = ", ".join(f"`{old}` is `{new}`" for old, new in RENAMED.items())
    return HEAD + "".join(rows) + TAIL.format(changeable=changeable, renamed=renamed)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    print(TARGET)
