"""The dataset card: what is in it, how it was made, what made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..models.scripted import LABEL
from ..records import Trajectory
from ..world.domain import Domain


def card(counts: Mapping[str, int], domain: Domain, models: Mapping[str, str], rows: Sequence[Trajectory]) -> str:
    """A short card in Markdown with the counts and the provenance of a dataset."""
    scripted = LABEL in ", ".join(models.values())
    tools = Counter(call.name for row in rows for call in row.calls)
    turns = sorted(sum(message.role == "user" for message in row.messages) for row in rows)
    lines = [
        f"# Verified conversations of {domain.name}",
        "",
        *([f"> **Made by the {LABEL}.** It shows the pipeline at work; its texts are templates.", ""] * scripted),
        "Every row was proven by executing it: the end state of the database equals the state after the groundtruth",
        "actions, and the agent told every expected output. `apigen-nb verify` proves it again from these files alone.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in counts.items()),
        f"| user turns a row, median | {turns[len(turns) // 2] if turns else '–'} |",
        f"| domain version | `{domain.fingerprint}` |",
        *(f"| {role} | {name} |" for role, name in models.items()),
        "",
        "| tool | calls |",
        "|---|---|",
        *(f"| `{name}` | {count} |" for name, count in sorted(tools.items(), key=lambda item: (-item[1], item[0]))),
        "",
        "Files: `chat.jsonl` (OpenAI chat), `sharegpt.jsonl` (as APIGen-MT-5k), `proofs.jsonl` (line by line beside",
        "them: blueprint, groundtruth, end state). Method: APIGen-MT, arXiv 2504.03601.",
    ]
    return "\n".join(lines)
