"""Explorers of a run in a notebook or an app: each is a widget, made from a run's folder by one call.

    pass_rates(run) · reflection(run) · trajectories(run) · committee(run) · dataset(run) · domain_explorer("retail")
    explore(run)      all of them behind one row of buttons, each made when it is first looked at

They wrap the figures and pieces of `report`, so a page shows the same. Every choice can be made with the keyboard."""

from __future__ import annotations

from .committee import committee
from .dataset import dataset
from .domain import domain_explorer
from .explore import explore
from .pass_rates import pass_rates
from .record_index import Shelf
from .reflection import reflection
from .trajectories import trajectories

__all__ = [
    "Shelf",
    "committee",
    "dataset",
    "domain_explorer",
    "explore",
    "pass_rates",
    "reflection",
    "trajectories",
]
