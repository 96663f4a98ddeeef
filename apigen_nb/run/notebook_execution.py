"""One notebook: which parameters it declares, and its execution with a status of our own."""

from __future__ import annotations

import ast
import contextlib
import json
import keyword
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..storage.jsonl import write_whole
from . import EXIT_CODES, StageFailed, UsageError
from .given import assignments


def declared(notebook: Path) -> dict[str, ast.expr]:
    """The names that a notebook declares in its cell tagged `parameters`, with their defaults as code."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if "parameters" in cell["metadata"].get("tags", []):
            return assignments("".join(cell["source"]))
    raise UsageError(f"{notebook.name} has no cell tagged 'parameters'")


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """UsageError unless each is declared by the notebook and its value would stand in the injected cell as a literal
    that is read back as the same value: papermill writes code, and nothing but literals may get into it."""
    from papermill.translators import PythonTranslator

    known = declared(notebook)
    for name, value in parameters.items():
        if not name.isidentifier() or keyword.iskeyword(name) or name not in known:
            raise UsageError(f"{notebook.name} declares no parameter {name!r}; it declares {', '.join(known)}")
        try:
            written = ast.literal_eval(PythonTranslator.translate(value))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            written = None
        if written != value:
            raise UsageError(f"{notebook.name}: {name} holds what cannot be written into a notebook: {value!r:.80}")


def execute(notebook: Path, parameters: Mapping[str, Any], copy: Path) -> None:
    """Run a notebook with these parameters and save the executed copy, also of one that fails (with the cells so far).
    UsageError as in `check_parameters`, StageFailed unless every code cell ran to its end without an error; when this
    process is interrupted or terminated so is the kernel, and KeyboardInterrupt says what it kept."""
    check_parameters(notebook, parameters)
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    from .kernel import Kernel

    node = load_notebook_node(str(notebook))
    node = parameterize_notebook(node, dict(parameters), kernel_name="python3", language="python")
    Kernel.last = None
    try:
        died = _run_cells(node, notebook.parent)
    finally:
        kernel: Kernel | None = Kernel.last
        if kernel is not None:
            kernel.leave()
        _save(node, copy)
    if kernel is not None and kernel.interrupted:
        raise KeyboardInterrupt(_kept(node))
    _judge(node, notebook.stem, copy, died)


ENGINE: dict[str, Any] = {
    "kernel_name": "python3",
    "progress_bar": False,
    "autosave_cell_every": 0,
    "start_timeout": 120,
    "execution_timeout": None,
    "record_timing": False,
    "store_widget_state": False,
    "shutdown_kernel": "immediate",  # a graceful one interrupts first; kernels call that an error
}


def _run_cells(node: Any, folder: Path) -> str:
    """Run all cells in a kernel that starts in this folder; says why the kernel is gone, if it is."""
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import papermill_engines
    from traitlets.config import Config

    from .kernel import Kernel

    try:
        # Not papermill.execute_notebook: that one loses the cells of a dead kernel, counts sys.exit(0) as success,
        # changes the directory of this process and writes absolute paths into the copy.
        papermill_engines.execute_notebook_with_engine(
            None,
            node,
            kernel_manager_class=Kernel,
            on_cell_start=Kernel.begin,
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            **ENGINE,
        )
    except DeadKernelError:
        return "the kernel died; was it killed, or out of memory?"
    except RuntimeError as error:  # of nbclient, when a kernel does not come up
        return f"the kernel did not start: {error}"
    return ""


def _kept(notebook: Any) -> str:
    """What an interrupted stage said that it keeps, '' when it said nothing."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return next((str(o.evalue) for o in outputs if o.output_type == "error" and o.ename == "Interrupted"), "")


def _save(notebook: Any, copy: Path) -> None:
    # Executed copies are for reading: no times and paths of papermill, no emptied progress lines, no 5 MB of widgets.
    import nbformat

    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = f"injected-{number}"
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if "data" not in o or any(o.data.values())]
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_whole(copy, [text := nbformat.writes(notebook).rstrip("\n")])
    sign_notebook(text)


def sign_notebook(text: str) -> None:
    """Make JupyterLab on this machine show an executed notebook as it was made; without that it drops its styles."""
    import nbformat
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary

    with contextlib.suppress(OSError, sqlite3.Error):  # a home that is read-only
        home = Path(jupyter_data_dir())
        home.mkdir(parents=True, exist_ok=True)
        with NotebookNotary(data_dir=str(home)) as notary:
            notary.sign(nbformat.reads(text, as_version=4))


def _judge(notebook: Any, stage: str, copy: Path, died: str) -> None:
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        for output in cell.outputs:
            if output.output_type == "error":
                said = " ".join(str(output.evalue).split())
                where = f"{stage}, cell {number} (see {copy})"
                raise StageFailed(f"{where}: {output.ename}: {said}", EXIT_CODES.get(output.ename, 1))
        if cell.source.strip() and cell.execution_count is None and not died:
            raise StageFailed(f"{stage}, cell {number} (see {copy}) did not run")
    if died:
        raise StageFailed(f"{stage} (see {copy}): {died}")
