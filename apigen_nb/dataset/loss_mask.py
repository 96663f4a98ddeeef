"""Which words of a row a trainer puts loss on: the row is rendered by a chat template whose `{% generation %}` blocks
say so, as TRL's `assistant_only_loss` takes them from its training templates. Nothing of a trainer is imported."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .tokens import Tokenizer

OPEN, CLOSE = "\ufdd0", "\ufdd1"  # no characters of any text
BUILT_IN = Path(__file__).parent / "templates"


class Span(NamedTuple):
    """A stretch of a rendered row: its text, how many tokens, and whether it is `trained`. Where it is, `wanted` says
    whether the row has loss belong there; a template alone cannot leave a single reply out."""

    text: str
    tokens: int
    trained: bool
    wanted: bool


class TemplateFailed(ValueError):
    """A template cannot render a row; the message is the template's."""


class _Generation(Extension):
    """`{% generation %} … {% endgeneration %}`: what a model is trained to say."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Any) -> str:
        return f"{OPEN}{caller()}{CLOSE}"


def templates(tokenizer: Tokenizer | None = None) -> dict[str, Path]:
    """Name → file of the training templates at hand: the package's own, the tokenizer's where it has such blocks, and
    those of TRL where it is installed."""
    found = {path.stem: path for path in sorted(BUILT_IN.glob("*.jinja"))}
    if tokenizer and tokenizer.folder and (own := tokenizer.folder / "chat_template.jinja").is_file():
        found |= {tokenizer.name: own} if "generation" in own.read_text(encoding="utf-8") else {}
    spec = importlib.util.find_spec("trl")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        paths = sorted(Path(folder).glob("chat_templates/*_training.jinja"))
        found |= {f"trl/{path.stem.removesuffix('_training')}": path for path in paths}
    return found


def loss_mask(example: Mapping[str, Any], template: str, tokenizer: Tokenizer) -> list[Span]:
    """An example of the config `trl`, rendered by a template's text: its spans, in order, which together are the whole
    of it. TemplateFailed where the template refuses the row, or leaves tools or calls of it out."""
    parts = list(_parts(_render(example, template)))
    _check_whole(example, parts)
    ends = tokenizer.ends("".join(text for text, _ in parts))
    replies = iter([message["train"] for message in example["messages"] if message["role"] == "assistant"])
    return list(_counted(parts, ends, replies))


def share(spans: Iterable[Span]) -> float:
    """The share of tokens that are trained; 0 of nothing."""
    held = list(spans)
    return sum(span.tokens for span in held if span.trained) / max(sum(span.tokens for span in held), 1)


def _render(example: Mapping[str, Any], template: str) -> str:
    # a template may be somebody's, and what it renders is a model's: neither sees more than this
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _as_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": lambda how: datetime(2000, 1, 1).strftime(how)}
    values = {"messages": example["messages"], "tools": example["tools"], "add_generation_prompt": False}
    try:
        return environment.from_string(template).render(**values, bos_token="", eos_token="")
    except (TemplateError, TypeError, ValueError) as error:
        raise TemplateFailed(str(error)) from None


def _check_whole(example: Mapping[str, Any], parts: list[tuple[str, bool]]) -> None:
    text, said = "".join(text for text, _ in parts), [text for text, trained in parts if trained]
    replies = [message for message in example["messages"] if message["role"] == "assistant"]
    if any(tool["function"]["name"] not in text for tool in example["tools"]):
        raise TemplateFailed("it leaves the tools out")
    if len(said) != len(replies):
        raise TemplateFailed(f"it marks {len(said)} replies of {len(replies)}")
    for words, reply in zip(said, replies, strict=True):
        if any(call["function"]["name"] not in words for call in reply.get("tool_calls", ())):
            raise TemplateFailed("it leaves calls out")


def _as_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The stretches of a marked text, and whether each is trained."""
    for number, part in enumerate(text.split(OPEN)):
        trained, _, rest = part.partition(CLOSE) if number else ("", "", part)
        yield from ((found, on) for found, on in ((trained, True), (rest, False)) if found)


def _counted(parts: Iterable[tuple[str, bool]], ends: list[int], replies: Iterator[bool]) -> Iterator[Span]:
    """Spans with the tokens that end in them."""
    place = token = 0
    for text, trained in parts:
        place, first = place + len(text), token
        while token < len(ends) and ends[token] <= place:
            token += 1
        yield Span(text, token - first, trained, next(replies, True) if trained else False)
