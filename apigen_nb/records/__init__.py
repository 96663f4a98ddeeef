"""What the stages say to each other: frozen records, one record is one JSON line.

Everything in `outputs/<run>/` is made of these; this room imports nothing of ours. Rejected work has the same
shape as accepted work and keeps its reasons.
"""

from .base import (
    BEHAVIOURS,
    KINDS,
    LEVELS,
    METRICS,
    NO_ANSWER,
    STOP,
    Action,
    Behaviour,
    Change,
    Kind,
    Level,
    Metric,
    Record,
    Role,
    Usage,
    canonical,
    sha,
)
from .proposal import Attempt, Blueprint, Proposal
from .trajectory import Blame, Candidate, Choice, Divergence, Message, Opaque, ToolCall, Trajectory
from .verdict import Finding, Opinion, Reading, Verdict, Vote

__all__ = [
    "BEHAVIOURS",
    "KINDS",
    "LEVELS",
    "METRICS",
    "NO_ANSWER",
    "STOP",
    "Action",
    "Attempt",
    "Behaviour",
    "Blame",
    "Blueprint",
    "Candidate",
    "Change",
    "Choice",
    "Divergence",
    "Finding",
    "Kind",
    "Level",
    "Message",
    "Metric",
    "Opaque",
    "Opinion",
    "Proposal",
    "Reading",
    "Record",
    "Role",
    "ToolCall",
    "Trajectory",
    "Usage",
    "Verdict",
    "Vote",
    "canonical",
    "sha",
]
