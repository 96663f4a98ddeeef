"""The stages of a run, and how a run ends. Imports nothing: the command line starts with it."""

STAGES = {  # stage → what it leaves for later stages
    "1_domain": "",
    "2_blueprints": "blueprints.jsonl",
    "3_trajectories": "trajectories.jsonl",
    "4_dataset": "dataset",
    "7_report": "",
}
EXIT_CODES = {  # by the name of what was raised: a stage's kernel tells no more of it
    "UsageError": 2,
    "ParamsError": 2,
    "DomainError": 2,
    "ParametersChanged": 2,
    "InUse": 2,
    "EndpointDown": 3,
    "NotRecorded": 3,
    "BudgetSpent": 4,
    "Damaged": 1,
    "Incomplete": 1,
    "OSError": 1,
}


class UsageError(ValueError):
    """The run cannot start as it was asked for."""


class StageFailed(Exception):
    """A stage did not finish; `code` is the exit code. The message is what to show last."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
