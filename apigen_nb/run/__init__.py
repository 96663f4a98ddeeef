"""The stages of a run, and how a run ends. Imports nothing: the command line starts with it."""

STAGES = {  # stage → what it leaves for later stages
    "1_domain": "",
    "2_blueprints": "blueprints.jsonl",
    "3_trajectories": "trajectories.jsonl",
    "4_dataset": "dataset",
    "7_report": "",
}
EXIT_CODES = {  # by the name of what was raised: a stage's kernel tells no more of it; 1 is for all else that is told
    **dict.fromkeys(("Damaged", "Incomplete"), 1),
    **dict.fromkeys(
        (
            "UsageError",
            "ParamsError",
            "DomainError",
            "ParametersChanged",
            "InUse",
            "NoRun",
            "WithoutKey",
            "TokenizerError",
            "SplitError",
            "NotExported",
        ),
        2,
    ),
    **dict.fromkeys(("EndpointDown", "NotRecorded"), 3),
    "BudgetSpent": 4,
}


class UsageError(ValueError):
    """The run cannot start as it was asked for."""


class StageFailed(Exception):
    """A stage did not finish; `code` is the exit code. The message is what to show last."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def exit_code(error: Exception) -> int | None:
    """The code of the command line for what a user can mend; None for a bug of ours."""
    return error.code if isinstance(error, StageFailed) else EXIT_CODES.get(type(error).__name__)
