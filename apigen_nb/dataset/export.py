"""The dataset: chosen verified conversations in several configs, and beside them the proofs that `verify` needs.

    dataset/README.md               the card: how to load it, what is in it, what made it
    dataset/<config>/<split>.*      its examples, as JSONL and as Parquet (`configs/`)
    dataset/dataset_info.json       where LLaMA-Factory finds the ShareGPT rows
    dataset/proofs.jsonl            a line a row: task, groundtruth, conversation, end state
    dataset/rejected.jsonl          the same of failed conversations that are held against rows
    dataset/left_out.jsonl          verified conversations that are no rows, and why
    dataset/contamination.jsonl     what rows share with public benchmarks
    dataset/diversity.json          how diverse the rows are, in numbers
    dataset/dataset.json            what was asked for, of which runs, and how the rows were split

A pure function of `blueprints.jsonl`, `trajectories.jsonl`, what people say of them (`notes.jsonl`) and parameters.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..records import Record, Trajectory
from ..storage.jsonl import write_whole
from ..storage.run_folder import Run
from ..world.domain import Domain
from .card import CardFacts, card
from .choosing import Chosen, choose_rows
from .configs import CONFIGS
from .files import ExampleFiles
from .options import DatasetOptions
from .origin import write_origin
from .proof import Proof, prove, row_of
from .rows import About, Row, TaskRows
from .sources import Source, check_versions
from .splits import SPLITS, Guard, SplitLeak
from .tokens import Tokenizer, count_tokens, read_tokenizer


class Summary(Record):
    """What the dataset holds: its number of `rows`, as `counts` what they were made of, as `left_out` the reasons for
    which verified conversations are no rows, as `examples` how many each config has, by split."""

    rows: int
    counts: dict[str, int]
    left_out: dict[str, int] = {}
    examples: dict[str, dict[str, int]] = {}


def build_dataset(
    run: Run,
    domain: Domain,
    models: Mapping[str, str],
    license: str = "unknown",
    tokenizer: str | None = None,
    options: DatasetOptions | None = None,
) -> Summary:
    """Write `dataset/` of a run from its two files: every config of `CONFIGS`, a proof a row, a card. A row is a
    verified conversation that says what no earlier one says. `models` is role → model name, `license` what the rows are
    under, as the Hub names it, `tokenizer` what counts their tokens (`read_tokenizer`), `options` the parameter
    `dataset`. The folder is replaced whole. DomainError where the run was made on another version of the domain,
    TokenizerError where there is no such tokenizer, SplitError where rows cannot be split as asked, InUse while another
    process writes the run's folder."""
    with run.writing():
        found = write_dataset([Source(run, domain, models, license)], run.dataset, tokenizer, options)
        manifest = run.read_manifest()
        if "rows" in manifest.get("stages", {}).get("4_dataset", {}):  # what `verify` holds the files to
            manifest["stages"]["4_dataset"]["rows"] = found.rows
            run.write_manifest(manifest)
        return found


def write_dataset(
    sources: Sequence[Source], folder: Path, tokenizer: str | None = None, options: DatasetOptions | None = None
) -> Summary:
    """Write the dataset of these runs into a folder, which is replaced whole. Errors are those of `build_dataset`; the
    folder is then as it was."""
    counter, options = read_tokenizer(tokenizer), options or DatasetOptions()
    check_versions(sources)
    chosen = choose_rows(sources, options)
    selection, draft = chosen.selection, folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        facts = CardFacts(sources, chosen, options, counter)
        _write(draft, sources, chosen, facts)
        _replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    counts = dict(selection.counts) | {"left out": len(selection.left_out)}
    return Summary(rows=len(selection.rows), counts=counts, left_out=selection.reasons, examples=facts.examples)


def _replace(draft: Path, folder: Path) -> None:
    """Put a finished folder in the place of an earlier one."""
    earlier = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(earlier, ignore_errors=True)
    if folder.exists():
        os.replace(folder, earlier)
    os.replace(draft, folder)
    shutil.rmtree(earlier, ignore_errors=True)


def _write(folder: Path, sources: Sequence[Source], chosen: Chosen, facts: CardFacts) -> None:
    guard = Guard()
    with contextlib.ExitStack() as opened:
        files = {name: opened.enter_context(ExampleFiles(folder / name, c.columns)) for name, c in CONFIGS.items()}
        proofs, rejected = (
            opened.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            for name in ("proofs.jsonl", "rejected.jsonl")
        )
        for domain, held in _conversations(sources):
            verified, failed = (
                [_proven(t, known[t.id], chosen, domain, facts.tokenizer) for t in held if t.id in known]
                for known in (chosen.selection.rows, chosen.selection.failed)
            )
            for proof, _ in (*verified, *failed):
                if leak := guard.crossing(proof.about, proof.task):
                    raise SplitLeak(f"{proof.id}: {leak}")
            proofs.writelines(proof.line() + "\n" for proof, _ in verified)
            rejected.writelines(proof.line() + "\n" for proof, _ in failed)
            rows = TaskRows(tuple(row for _, row in verified), tuple(row for _, row in failed))
            facts.add(rows, sum(bool(proof.readings) for proof, _ in verified))
            for proof, row in verified:
                facts.diversity.add(proof, row, domain)
            for name, config in CONFIGS.items():
                for example in config.examples(rows):
                    files[name].add(example)
    facts.examples = {name: {s: file.counts[s] for s in SPLITS if s in file.counts} for name, file in files.items()}
    _write_small(folder, chosen, facts)


def _conversations(sources: Sequence[Source]) -> Iterator[tuple[Domain, list[Trajectory]]]:
    """The conversations of each task, with its domain, one run after the other."""
    for source in sources:
        yield from ((source.domain, held) for _, held in source.conversations())


def _proven(
    trajectory: Trajectory, about: About, chosen: Chosen, domain: Domain, tokenizer: Tokenizer
) -> tuple[Proof, Row]:
    """Proof and row of a trajectory, with its tokens counted."""
    proof = prove(trajectory, about, chosen.selection.tasks[about.task_id].blueprint, domain)
    row = row_of(proof, domain)
    counted = {"tokens": count_tokens(row, tokenizer.count)}
    return proof.model_copy(update={"about": about.model_copy(update=counted)}), row.model_copy(update=counted)


def _write_small(folder: Path, chosen: Chosen, facts: CardFacts) -> None:
    write_whole(folder / "left_out.jsonl", [one.line() for one in chosen.selection.left_out])
    write_whole(folder / "contamination.jsonl", [hit.line() for hit in chosen.contamination.hits])
    write_whole(folder / "diversity.json", [facts.diversity.found.model_dump_json(indent=2)])
    write_origin(folder, facts.sources, chosen, facts.options)
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
