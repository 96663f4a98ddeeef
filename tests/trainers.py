"""What trainers do to rows, by their own code: `make trainers` lays their packages into `.venv/trainers`, less what it
would take to train (gigabytes). A module of theirs is loaded below hollow packages, so that it imports no more than it
needs; what it logs counts as a warning."""

from __future__ import annotations

import importlib
import json
import logging
import sys
import types
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(sys.prefix) / "trainers"
DATASETS_4 = Path(sys.prefix) / "datasets4"
needed = pytest.mark.skipif(not (FOLDER / "trl").is_dir(), reason="trainers are not installed: make trainers")


class Warnings(logging.Logger):
    """A logger of any library's flavour (`warning_rank0_once` …) that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("trainers")
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *words, **_: self.told.append(str(words))


def available() -> None:
    """Let the packages be imported; what the project itself has comes first."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))


def hollow(name: str, **held: Any) -> None:
    """A package whose modules can be imported, and which itself holds nothing but what is given."""
    if name not in sys.modules:
        module = types.ModuleType(name)
        module.__path__ = [str(FOLDER / name.replace(".", "/"))]
        module.__dict__.update(held)
        sys.modules[name] = module


def llama_factory() -> tuple[Any, Any, Warnings]:
    """LLaMA-Factory's converters, its formatters, and what they warn of."""
    available()
    warnings = Warnings()
    for name in ("llamafactory", "llamafactory.data", "llamafactory.extras"):
        hollow(name)
    hollow("llamafactory.extras.logging", get_logger=lambda *_: warnings)
    hollow("llamafactory.extras.constants", DATA_CONFIG="dataset_info.json")
    hollow("llamafactory.extras.misc", use_modelscope=None, use_openmind=None)
    converter = importlib.import_module("llamafactory.data.converter")
    converter.logger = warnings
    return converter, importlib.import_module("llamafactory.data.formatter"), warnings


def ms_swift() -> Any:
    """The preprocessor of messages that ms-swift puts every row through."""
    available()
    for name in (
        "modelscope",
        "modelscope.hub",
        "modelscope.hub.utils",
        "swift",
        "swift.dataset",
        "swift.dataset.preprocessor",
    ):
        hollow(name)
    hollow("modelscope.hub.utils.utils", get_cache_dir=None)
    hollow("swift.utils.base")
    utils = {"get_logger": Warnings, "is_dist": None, "is_master": None, "safe_ddp_context": None}
    hollow("swift.utils", TOOL_KEYS=("tools",), remove_arrow_padding=lambda tool: tool, **utils)
    hollow("swift.template", history_to_messages=None)
    hollow("swift.template.utils", Messages=list, Tool=dict, get_last_user_round=None, messages_to_history=None)
    return importlib.import_module("swift.dataset.preprocessor.core").MessagesPreprocessor


def axolotl() -> Any:
    """Axolotl's strategy for chat templates."""
    available()
    for name in ("axolotl", "axolotl.utils", "axolotl.utils.schemas", "axolotl.prompt_strategies"):
        hollow(name)
    hollow("axolotl.utils.schemas.datasets", DatasetConfig=None)
    hollow("axolotl.utils.logging", get_logger=lambda *_: Warnings())
    return importlib.import_module("axolotl.prompt_strategies.chat_template")


def tokenizer(template: str) -> Any:
    """A tokenizer with one token a byte, and this chat template."""
    available()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(alphabet)}, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    plain.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<|im_end|>", bos_token="<s>")
    made.chat_template = template
    return made


def template(name: str) -> str:
    """A chat template that ships with TRL."""
    return (FOLDER / "trl" / "chat_templates" / f"{name}.jinja").read_text("utf-8")


def arguments(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The calls of messages, with their arguments as objects."""
    calls = (call["function"] for message in messages for call in message.get("tool_calls") or ())
    return [
        (c["name"], c["arguments"] if isinstance(c["arguments"], dict) else json.loads(c["arguments"])) for c in calls
    ]
