"""The configs of the dataset: one form of the same rows for each way of training. Each is a pure function from the rows
of one task to examples, which are JSON objects; Parquet and JSONL hold the same ones.

To add one: a file with the function, an entry in `CONFIGS`, whose key names its folder, and the types of its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from ..columns import ABOUT, JSON_LIST, TEXT, Columns, Example
from ..rows import TaskRows
from .openai import openai_examples
from .per_reply import per_reply_examples
from .preference import preference_examples
from .rl import rl_examples
from .sharegpt import sharegpt_examples
from .trl import trl_examples
from .xlam import xlam_examples


@dataclass(frozen=True)
class Config:
    """What a config is for, in a sentence; the function that makes its examples; the columns that are its own."""

    purpose: str
    examples: Callable[[TaskRows], Iterator[Example]]
    own: Columns

    @property
    def columns(self) -> Columns:
        """All columns, in their order."""
        return {**ABOUT, **self.own}


_CALL = pa.struct([("id", TEXT), ("type", TEXT), ("function", pa.struct([("name", TEXT), ("arguments", TEXT)]))])
_OPENAI = pa.struct(
    [("role", TEXT), ("content", TEXT), ("tool_calls", pa.list_(_CALL)), ("tool_call_id", TEXT), ("weight", pa.int64())]
)
_TURN = pa.struct([("from", TEXT), ("value", TEXT)])

CONFIGS: dict[str, Config] = {
    "trl": Config(
        "whole conversations, arguments as objects: what chat templates, TRL and Axolotl read",
        trl_examples,
        {"messages": JSON_LIST, "tools": JSON_LIST},
    ),
    "openai": Config(
        "whole conversations as OpenAI has them, arguments as JSON text, `weight` 0 where no loss belongs: ms-swift",
        openai_examples,
        {"messages": pa.list_(_OPENAI), "tools": TEXT},
    ),
    "sharegpt": Config(
        "whole conversations as APIGen-MT-5k, alternating: LLaMA-Factory, which finds them in `dataset_info.json`",
        sharegpt_examples,
        {"conversations": pa.list_(_TURN), "tools": TEXT, "system": TEXT},
    ),
    "per_reply": Config(
        "one example for each reply that loss belongs on, prompt and completion, as the paper trains",
        per_reply_examples,
        {"prompt": JSON_LIST, "completion": JSON_LIST, "tools": JSON_LIST},
    ),
    "preference": Config(
        "a verified conversation against a failed one about the same task, from where they part, and why: DPO",
        preference_examples,
        {"prompt": JSON_LIST, "chosen": JSON_LIST, "rejected": JSON_LIST, "cause": TEXT, "tools": JSON_LIST},
    ),
    "xlam": Config(
        "single-turn, as xLAM-60k: the first message of the user and the calls that answer it",
        xlam_examples,
        {"query": TEXT, "tools": TEXT, "answers": TEXT},
    ),
    "rl": Config(
        "tasks to be played: instruction, groundtruth actions, outputs, initial state, and how to score",
        rl_examples,
        {
            **dict.fromkeys(("system", "instruction", "persona"), TEXT),
            "actions": TEXT,
            "outputs": pa.list_(TEXT),
            **dict.fromkeys(("denied", "withheld", "initial_state", "end_state", "scoring", "tools"), TEXT),
        },
    ),
}
