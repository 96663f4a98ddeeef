"""The dataset: distinct verified conversations in several configs, and beside them the proofs that `verify` needs.

    dataset/README.md               the card: how to load it, what is in it, what made it
    dataset/<config>/<split>.*      its examples, as JSONL and as Parquet (`configs/`)
    dataset/dataset_info.json       where LLaMA-Factory finds the ShareGPT rows
    dataset/proofs.jsonl            a line a row: task, groundtruth, conversation, end state
    dataset/rejected.jsonl          the same of failed conversations that are held against rows
    dataset/left_out.jsonl          verified conversations that are no rows, and why

A pure function of `blueprints.jsonl` and `trajectories.jsonl`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..records import Record, Trajectory
from ..storage.jsonl import write_whole
from ..storage.run_folder import Run
from ..world.domain import Domain, DomainError
from .card import CardFacts, card
from .configs import CONFIGS
from .files import ExampleFiles
from .proof import Proof, prove, row_of
from .rows import About, Row, TaskRows
from .selection import Selection, by_task, select
from .tokens import count_tokens, read_tokenizer


class Summary(Record):
    """What the dataset holds: its number of `rows`, as `counts` what they were made of, as `left_out` the reasons for
    which verified conversations are no rows, as `examples` how many each config has, by split."""

    rows: int
    counts: dict[str, int]
    left_out: dict[str, int] = {}
    examples: dict[str, dict[str, int]] = {}


def build_dataset(
    run: Run, domain: Domain, models: Mapping[str, str], license: str = "unknown", tokenizer: str | None = None
) -> Summary:
    """Write `dataset/` of a run from its two files: every config of `CONFIGS`, a proof a row, a card. A row is a
    verified conversation that says what no earlier one says. `models` is role → model name, `license` what the rows are
    under, as the Hub names it, `tokenizer` what counts their tokens (`read_tokenizer`). The folder is replaced whole.
    DomainError where the run was made on another version of the domain, TokenizerError where there is no such
    tokenizer, InUse while another process writes the run's folder."""
    counter = read_tokenizer(tokenizer)
    _check_version(run, domain)
    with run.writing():
        selection = select(run, domain, models, license)
        draft = run.folder / "dataset.part"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            facts = CardFacts(domain, models, dict(selection.counts), selection.reasons, license, counter)
            _write(draft, run, selection, facts)
            _replace(draft, run.dataset)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    counts = dict(selection.counts) | {"left out": len(selection.left_out)}
    return Summary(rows=len(selection.rows), counts=counts, left_out=selection.reasons, examples=facts.examples)


def _check_version(run: Run, domain: Domain) -> None:
    made = run.read_manifest().get("domain", {}).get("fingerprint", domain.fingerprint)
    if made != domain.fingerprint:
        raise DomainError(
            f"{run.folder} was made on another version of {domain.name} ({made}, here {domain.fingerprint}); rows are "
            "proven on the version that they were made on: make the run again, or take that version"
        )


def _replace(draft: Path, folder: Path) -> None:
    """Put a finished folder in the place of an earlier one."""
    earlier = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(earlier, ignore_errors=True)
    if folder.exists():
        os.replace(folder, earlier)
    os.replace(draft, folder)
    shutil.rmtree(earlier, ignore_errors=True)


def _write(folder: Path, run: Run, selection: Selection, facts: CardFacts) -> None:
    with contextlib.ExitStack() as opened:
        files = {name: opened.enter_context(ExampleFiles(folder / name, c.columns)) for name, c in CONFIGS.items()}
        proofs, rejected = (
            opened.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            for name in ("proofs.jsonl", "rejected.jsonl")
        )
        for _, held in by_task(run.trajectories):
            verified = [_proven(t, selection, facts) for t in held if t.id in selection.rows]
            failed = [_proven(t, selection, facts) for t in held if t.id in selection.failed]
            proofs.writelines(proof.line() + "\n" for proof, _ in verified)
            rejected.writelines(proof.line() + "\n" for proof, _ in failed)
            rows = TaskRows(tuple(row for _, row in verified), tuple(row for _, row in failed))
            facts.add(rows, sum(bool(proof.readings) for proof, _ in verified))
            for name, config in CONFIGS.items():
                for example in config.examples(rows):
                    files[name].add(example)
    facts.examples = {name: file.counts for name, file in files.items()}
    _write_small(folder, selection, facts)


def _proven(trajectory: Trajectory, selection: Selection, facts: CardFacts) -> tuple[Proof, Row]:
    """Proof and row of a trajectory, with its tokens counted."""
    about: About = selection.rows.get(trajectory.id) or selection.failed[trajectory.id]
    proof = prove(trajectory, about, selection.tasks[trajectory.blueprint].blueprint, facts.domain)
    row = row_of(proof, facts.domain)
    counted = {"tokens": count_tokens(row, facts.tokenizer.count)}
    return proof.model_copy(update={"about": about.model_copy(update=counted)}), row.model_copy(update=counted)


def _write_small(folder: Path, selection: Selection, facts: CardFacts) -> None:
    write_whole(folder / "left_out.jsonl", [one.line() for one in selection.left_out])
    write_whole(folder / "dataset_info.json", [json.dumps(_llama_factory(facts), indent=2)])
    write_whole(folder / "README.md", [card(facts)])


def _llama_factory(facts: CardFacts) -> dict[str, object]:
    """What LLaMA-Factory's `dataset_dir` wants: an entry for each split of the ShareGPT rows."""
    return {
        f"sharegpt_{split}": {
            "file_name": f"sharegpt/{split}.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
        }
        for split in facts.examples["sharegpt"]
    }
