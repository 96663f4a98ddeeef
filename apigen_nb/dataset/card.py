"""The dataset card: YAML that the Hub and `load_dataset` read, and for people what is in it, how it was made, what made
it, what was checked and what was not."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from ..models.scripted import LABEL
from .choosing import Chosen
from .columns import as_features, has_json
from .configs import CONFIGS
from .diversity import DiversityCounter, lines
from .options import DatasetOptions
from .rows import Row, Scores, TaskRows, Tokens
from .scores import FORMULA
from .sources import Source
from .splits import SPLITS, told
from .tokens import Tokenizer

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
DEFAULT = "trl"


@dataclass
class CardFacts:
    """What a card tells; `add` counts rows in, one task after the other. `examples` is config → split → how many."""

    sources: Sequence[Source]
    chosen: Chosen
    options: DatasetOptions
    tokenizer: Tokenizer
    examples: dict[str, dict[str, int]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    user_turns: array[int] = field(default_factory=lambda: array("l"))
    tokens: dict[str, array[int]] = field(
        default_factory=lambda: {name: array("l") for name in (*Tokens.model_fields, "in all")}
    )
    scores: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in Scores.model_fields})
    diversity: DiversityCounter = field(default_factory=DiversityCounter)
    judged: int = 0
    replies: Counter[str] = field(default_factory=Counter)

    def add(self, rows: TaskRows, judged: int) -> None:
        """Count the verified rows of a task, `judged` of which hold by what judges read in them, too."""
        self.judged += judged
        for row in rows.verified:
            self._add(row)

    def _add(self, row: Row) -> None:
        self.calls.update(call.name for message in row.messages for call in message.tool_calls)
        replies = [message for message in row.messages if message.role == "assistant"]
        self.replies["in all"] += len(replies)
        self.replies["without loss"] += sum(not message.train for message in replies)
        self.replies["of several calls"] += any(len(message.tool_calls) > 1 for message in replies)
        self.user_turns.append(sum(message.role == "user" for message in row.messages))
        for name, value in row.scores:
            self.scores[name].extend([] if value is None else [value])
        counted = row.tokens.model_dump()
        counted["in all"] = counted["system"] + counted["tools"] + counted["conversation"]
        for part, number in counted.items():
            self.tokens[part].append(number)

    @property
    def scripted(self) -> bool:
        """Whether the scripted stand-in played any role: then nothing of it is for training."""
        return any(LABEL in ", ".join(source.models.values()) for source in self.sources)

    @property
    def domains(self) -> dict[str, str]:
        """Domain → its version."""
        return {source.domain.name: source.domain.fingerprint for source in self.sources}

    @property
    def name(self) -> str:
        """The dataset's name for people."""
        return f"Verified conversations of {', '.join(self.domains)}"


def card(facts: CardFacts) -> str:
    """The card in Markdown, with its YAML head."""
    head = yaml.safe_dump(_metadata(facts), sort_keys=False, allow_unicode=True, width=120)
    return "\n".join(["---", head.rstrip("\n"), "---", "", *_body(facts)])


def _metadata(facts: CardFacts) -> dict[str, object]:
    rows = facts.chosen.selection.counts["rows"]
    licenses = list(dict.fromkeys(source.license for source in facts.sources))
    tags = ["tool-use", "function-calling", "multi-turn", "synthetic", "apigen-mt"]
    return {
        "license": licenses if len(licenses) > 1 else licenses[0],
        "language": ["en"],
        "pretty_name": facts.name,
        "task_categories": ["text-generation"],
        "size_categories": [next((name for most, name in SIZES if rows < most), "n>1M")],
        "tags": tags + (["not-for-training"] if facts.scripted else []),
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": split, "path": f"{name}/{split}.parquet"} for split in facts.examples[name]],
            }
            | ({"default": True} if name == DEFAULT else {})
            for name in CONFIGS
        ],
        "dataset_info": [
            {"config_name": name, "features": as_features(config.columns)}
            for name, config in CONFIGS.items()
            if not has_json(config.columns)
        ],
    }


PROVEN = (
    "Every row was proven by executing it: the end state of the database equals the state after the groundtruth\n"
    "actions, and the agent told every expected output. `apigen-nb verify` proves it again from these files alone."
)
LOADING = (
    "`load_dataset(folder, config)`; JSONL beside the Parquet holds the same. Where arguments are objects (`trl`,\n"
    "`per_reply`, `preference`) `datasets` 4.7 or newer is needed, as TRL and Axolotl ask; older ones read the rest."
)


def _body(facts: CardFacts) -> Iterator[str]:
    yield f"# {facts.name}\n"
    if facts.scripted:
        yield f"> **Made by the {LABEL}: not for training.** It shows the pipeline at work; its texts are templates.\n"
    yield f"{PROVEN}\n"
    yield from _table(("", ""), _counts(facts))
    if len(facts.sources) > 1:
        yield "\n## Runs\n"
        yield from _table(("run", "domain", "license", "role", "model"), _runs(facts))
    yield "\n## Configs\n"
    told = [(f"`{name}`", config.purpose, _splits(facts.examples[name])) for name, config in CONFIGS.items()]
    yield from _table(("config", "for", "examples"), told)
    yield f"\n{LOADING}\n\n## Splits\n"
    yield from _split_lines(facts)
    yield f"\n## Tokens\n\nBy {facts.tokenizer.name}, without the marks of a chat template.\n"
    lengths = [(part, *(_quantile(found, at) for at in (0.5, 0.95, 1.0))) for part, found in facts.tokens.items()]
    yield from _table(("part of a row", "median", "95 %", "longest"), lengths)
    yield "\n## Diversity\n"
    yield from _table(("measure", "value"), list(lines(facts.diversity.found)))
    yield "\n## Checks\n"
    yield from _table(("check", "run on"), _checks(facts))
    yield f"\n## Scores\n\n`score` is {FORMULA}.\n"
    yield from _table(("score", "rows that have it", "5 %", "median", "95 %"), list(_scores(facts)))
    yield "\n## Known limits\n"
    yield from (f"- {limit}" for limit in _limits(facts))
    yield "\n## Tools\n"
    calls = sorted(facts.calls.items(), key=lambda called: (-called[1], called[0]))
    yield from _table(("tool", "calls"), [(f"`{name}`", count) for name, count in calls])
    yield "\nMethod: APIGen-MT, arXiv 2504.03601."


def _counts(facts: CardFacts) -> list[tuple[object, ...]]:
    return [
        *facts.chosen.selection.counts.items(),
        *((f"left out: {reason}", count) for reason, count in facts.chosen.selection.reasons.items()),
        ("user turns a row, median", _quantile(facts.user_turns, 0.5)),
        *(
            (f"version of {name}" if len(facts.domains) > 1 else "domain version", f"`{version}`")
            for name, version in facts.domains.items()
        ),
        *(facts.sources[0].models.items() if len(facts.sources) == 1 else ()),
    ]


def _runs(facts: CardFacts) -> list[tuple[object, ...]]:
    """Of several runs: who played which role."""
    return [
        (source.name, source.domain.name, source.license, role, model)
        for source in facts.sources
        for role, model in source.models.items()
    ]


def _split_lines(facts: CardFacts) -> Iterator[str]:
    """How the rows were split, beside what was asked for."""
    found = facts.chosen.splits
    shares = [(name, found.asked.get(name, 0), found.shares.get(name, 0)) for name in SPLITS]
    rows = [
        (name, f"{asked:.1%}", f"{share:.1%}", found.rows[name], found.groups[name], found.users[name])
        for name, asked, share in shares
        if asked or share
    ]
    yield from _table(("split", "asked for", "came out", "rows", "groups", "users"), rows)
    yield "\nA group is what shares a task, a part of one, a user, or nearly all words; none is in two splits."
    yield from told(found, facts.options)


def _checks(facts: CardFacts) -> list[tuple[object, ...]]:
    """What was checked, and what was not."""
    return [
        ("end state, outputs, behaviour, conduct", "every row"),
        ("what was meant, read by judges", f"{facts.judged} rows, whose evidence left it open"),
        ("the same words and calls twice", "every row of a task"),
        ("read by people", str(facts.chosen.people) or "not run: nobody left a word"),
        ("filters", _filters(facts.options) or "not run: none was asked for"),
        ("near duplicates, values masked", _near(facts)),
        *(_contamination(facts)),
        ("groups kept in one split", f"every row, of {facts.chosen.splits.groups.total()} groups"),
    ]


def _scores(facts: CardFacts) -> Iterator[tuple[object, ...]]:
    """How good the rows are, and how hard."""
    for name, found in facts.scores.items():
        some = (f"{_quantile(found, at):.2f}" for at in (0.05, 0.5, 0.95))
        yield f"`{name}`", len(found), *(some if found else ("–",) * 3)


def _filters(options: DatasetOptions) -> str:
    """What rows had to be, in words; what a person kept need not."""
    asked = {
        "score at least": options.min_score,
        "kind": ", ".join(options.kinds) or None,
        "pass rate of the task": options.pass_rate and " to ".join(f"{end:g}" for end in options.pass_rate),
    }
    told = "; ".join(f"{what} {value}" for what, value in asked.items() if value is not None)
    return told and f"every row: {told}"


def _contamination(facts: CardFacts) -> Iterator[tuple[object, ...]]:
    """Benchmark by benchmark: what rows share with its tasks and what became of those, or why nobody looked."""
    came = "kept" if facts.options.contaminated == "keep" else "left out"
    for name, looked in facts.chosen.contamination.told().items():
        yield f"contamination with {name}", looked if looked.startswith("not") else f"{looked}, {came}"


def _near(facts: CardFacts) -> str:
    alike = facts.chosen.alike
    gone = alike.found - len(alike.stayed)
    told = f"{alike.found} share {alike.threshold:.0%} of their runs of words with a better one"
    return f"every row: {told}; {gone} left out, {len(alike.stayed)} kept"


def _limits(facts: CardFacts) -> Iterator[str]:
    longest, replies = _quantile(facts.tokens["in all"], 1.0), facts.replies
    yield f"The longest row has {longest} tokens; TRL cuts at 1,024 unless `max_length` says otherwise."
    yield (
        f"No loss belongs on {replies['without loss']} of {replies['in all']} replies: a tool refused a call of "
        "theirs,\n  or a check of conduct marks them. `per_reply` leaves them out, `openai` gives them the weight 0,\n"
        "  messages of `trl` say it by `train`; `sharegpt` cannot say it, and TRL trains on every reply of `trl`."
    )
    yield (
        f"{replies['of several calls']} rows make several calls in a message, which some chat templates refuse\n"
        "  (Llama 3.1) or cut (gpt-oss)."
    )
    yield "What models thought stays in the run's `trajectories.jsonl`. Users are simulated, their data is invented."


def _splits(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in counts.items())


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)


def _quantile(values: array[int] | array[float], at: float) -> float | str:
    """The value that a share of them does not exceed."""
    return sorted(values)[max(0, -(-int(at * 1000 * len(values)) // 1000) - 1)] if values else "–"
