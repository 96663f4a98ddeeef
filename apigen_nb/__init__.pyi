# The public names: what notebooks and domain folders import. docs/api.md is made from them.
from .blueprints.gates import Committee, choose_gates, executes, fits_kind, is_grounded, obeys_policy, well_formed
from .blueprints.propose import propose, propose_all
from .dataset.export import build_dataset
from .dataset.verify import verify_dataset
from .models import Answer, Question
from .models.roles import Roles
from .records import Action, Attempt, Blueprint, Message, Proposal, Trajectory, Verdict
from .report.widgets import domain_explorer, explore
from .report.write import write_report
from .run.stage import Stage, open_stage
from .storage.jsonl import read_lines
from .storage.run_folder import Run
from .trajectories.converse import converse, converse_all
from .world.domain import Conduct, Domain, Step, Trace, rule, tool, trace_rule
from .world.world import Database, Refusal, World

__version__: str
__all__ = [
    "Action",
    "Answer",
    "Attempt",
    "Blueprint",
    "Committee",
    "Conduct",
    "Database",
    "Domain",
    "Message",
    "Proposal",
    "Question",
    "Refusal",
    "Roles",
    "Run",
    "Stage",
    "Step",
    "Trace",
    "Trajectory",
    "Verdict",
    "World",
    "build_dataset",
    "choose_gates",
    "converse",
    "converse_all",
    "domain_explorer",
    "executes",
    "explore",
    "fits_kind",
    "is_grounded",
    "obeys_policy",
    "open_stage",
    "propose",
    "propose_all",
    "read_lines",
    "rule",
    "tool",
    "trace_rule",
    "verify_dataset",
    "well_formed",
    "write_report",
]
