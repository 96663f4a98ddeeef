"""How long a row is, in tokens: of a tokenizer that is on this machine, or estimated."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .columns import to_json
from .configs.messages import as_objects
from .rows import Row, RowMessage, Tokens

ESTIMATE = "characters / 4, an estimate"
FILE = "tokenizer.json"


class TokenizerError(ValueError):
    """There is no such tokenizer; the message says what was looked for."""


@dataclass(frozen=True)
class Tokenizer:
    """What counts tokens: its name for people, where each token of a text ends, and the folder that it came from."""

    name: str
    ends: Callable[[str], list[int]]
    folder: Path | None = None

    def count(self, text: str) -> int:
        """The number of tokens of a text."""
        return len(self.ends(text))


def read_tokenizer(name: str | None = None) -> Tokenizer:
    """The tokenizer in a folder (`tokenizer.json`), in such a file, or of an installed package that ships one; without
    a name the estimate. Nothing is downloaded. TokenizerError where there is none."""
    if not name:
        return Tokenizer(ESTIMATE, lambda text: [*range(4, len(text), 4), *([len(text)] if text else [])])
    file = _find(name)
    try:
        from tokenizers import Tokenizer as Fast  # an extra: whoever names no tokenizer needs none
    except ImportError:
        raise TokenizerError(f"tokenizer {name}: reading it needs a library; pip install tokenizers") from None
    try:
        fast = Fast.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(f"{file} is no tokenizer: {str(error)[:120]}") from None

    def ends(text: str) -> list[int]:
        return [end for _, end in fast.encode(text, add_special_tokens=False).offsets]

    return Tokenizer(Path(name).name, ends, file.parent)


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_file() or (path / FILE).is_file():
        return path if path.is_file() else path / FILE
    if name.isidentifier() and (spec := importlib.util.find_spec(name)) is not None:
        for folder in spec.submodule_search_locations or ():
            if found := sorted(Path(folder).rglob(FILE)):
                return found[0]
    raise TokenizerError(
        f"no tokenizer {name!r}: expected a folder with {FILE}, such a file, or an installed package that ships one; "
        "leave `tokenizer` out to have tokens estimated"
    )


def count_tokens(row: Row, count: Callable[[str], int]) -> Tokens:
    """Tokens of a row's parts, without the marks that a chat template puts between them."""
    system, *spoken = row.messages
    return Tokens(
        system=count(system.content),
        tools=count(to_json(row.tools)),
        conversation=_sum(spoken, count),
        trained=_sum((message for message in spoken if message.train), count),
    )


def _sum(messages: Iterable[RowMessage], count: Callable[[str], int]) -> int:
    return sum(count(message.content) + sum(map(count, _calls(message))) for message in messages)


def _calls(message: RowMessage) -> Iterable[str]:
    return (to_json(call["function"]) for found in as_objects([message]) for call in found.get("tool_calls", ()))
