"""Which worker does which tests: those that share something on one, and what takes longest first, so that none ends
long after the others. pytest-xdist's own order begins with the modules of most tests; those are quick, and the last is
long."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Modules that take a minute or more of a core, the longest first.
LONG = (
    "tests/run/test_end_to_end.py",
    "tests/test_notebooks.py",
    "tests/trajectories/test_conversation_bench.py",
    "tests/blueprints/test_gate_bench.py",
    "tests/run/test_params_files.py",
    "tests/run/test_interruption.py",
)
APART = ("tests/run/test_params_files.py",)  # whose tests share nothing and take long each


def module_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class LongestFirst(LoadScopeScheduling):
    """Work by module, in the order in which it was collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if module_of(nodeid) in APART else module_of(nodeid)


def order(items: list[pytest.Item]) -> None:
    """Put the tests of long modules first."""
    place = {module: number for number, module in enumerate(LONG)}
    items.sort(key=lambda item: place.get(module_of(item.nodeid), len(LONG)))
