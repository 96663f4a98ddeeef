"""Which words of a row a trainer puts loss on: a row in two colours, and the share by chat template."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ..dataset.loss_mask import Span, TemplateFailed, loss_mask, share, templates
from ..dataset.tokens import Tokenizer, TokenizerError, read_tokenizer
from ..storage.safe_text import truncate_with_note
from . import pieces
from .run_contents import RunContents

ROWS = 20  # of which the shares are
LONG = 400  # characters of a stretch that no loss is on, above which it is cut
COLUMNS = ["template", "rows", "tokens a row", "trained", "share", "trained, though the row says no", "refused"]


def first_rows(folder: Path, most: int = ROWS) -> list[dict[str, Any]]:
    """The first examples of a dataset's config `trl`; none where there is no such file."""
    path = folder / "trl" / "train.jsonl"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in itertools.islice(lines, most)]


def shares(examples: Sequence[Mapping[str, Any]], tokenizer: str | None = None) -> pd.DataFrame:
    """By chat template that renders any of them whole: how many rows it rendered, their mean tokens, how many of those
    are trained, and their share; how many are trained though a tool refused the call or a check marked the reply; how
    many rows it refused."""
    counter = read_tokenizer(tokenizer)
    rows = [
        _share(name, path.read_text(encoding="utf-8"), examples, counter) for name, path in templates(counter).items()
    ]
    return pd.DataFrame([row for row in rows if row[1]], columns=COLUMNS)


def _share(name: str, template: str, examples: Sequence[Mapping[str, Any]], counter: Tokenizer) -> tuple[Any, ...]:
    masks = list[list[Span]]()
    for example in examples:
        try:
            masks.append(loss_mask(example, template, counter))
        except TemplateFailed:
            continue
    spans = [span for mask in masks for span in mask]
    count, trained = max(len(masks), 1), sum(span.tokens for span in spans if span.trained)
    unwanted = sum(span.tokens for span in spans if span.trained and not span.wanted)
    tokens = sum(span.tokens for span in spans)
    mean = (round(number / count) for number in (tokens, trained))
    return (name, len(masks), *mean, share(spans), round(unwanted / count), len(examples) - len(masks))


def coloured(example: Mapping[str, Any], template: str = "chatml", tokenizer: str | None = None) -> pieces.Piece:
    """One example of the config `trl` as this template renders it, with what is trained in colour and its share of the
    tokens. ValueError for a template that is not at hand."""
    counter = read_tokenizer(tokenizer)
    known = templates(counter)
    if template not in known:
        raise ValueError(f"no template {template!r}; there are {', '.join(known)}")
    names = {"id": example["id"], "by": template, "tokenizer": counter.name}
    try:
        spans = loss_mask(example, known[template].read_text(encoding="utf-8"), counter)
    except TemplateFailed as error:
        return pieces.draw("loss.html.j2", **names, refused=str(error))
    shown = [span if span.trained else span._replace(text=truncate_with_note(span.text, LONG)) for span in spans]
    counts = {"tokens": sum(s.tokens for s in spans), "trained": sum(s.tokens for s in spans if s.trained)}
    return pieces.draw("loss.html.j2", **names, spans=shown, share=share(spans), **counts, refused="")


def section(run: RunContents) -> Markup:
    """What the page of the dataset shows: the shares, and the first row in colour; "" where nothing was exported."""
    examples = first_rows(run.folder / "dataset")
    if not examples:
        return Markup("")
    tokenizer = (run.manifest.get("parameters") or {}).get("tokenizer")
    try:
        read_tokenizer(tokenizer)
    except TokenizerError:
        tokenizer = None  # it was there when the dataset was made
    table = pieces.table(shares(examples, tokenizer), percent=("share",), links={})
    told = next((one for one in examples if any(m["train"] is False for m in _replies(one))), examples[0])
    return Markup('<section class="panel" id="loss"><h2>What loss is on</h2>{}{}</section>').format(
        Markup(table), Markup(coloured(told, tokenizer=tokenizer))
    )


def _replies(example: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [message for message in example["messages"] if message["role"] == "assistant"]
