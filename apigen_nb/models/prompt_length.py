"""Whether a server has counted as many tokens as a prompt must have: one that cuts it says nothing (Ollama, `num_ctx`).

The estimate is a lower bound for all languages and tokenizers in use: no token spans two words, and few are longer
than twelve characters. So a count well below it is a cut prompt, or no count of all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..records import Usage

SHORT = 1000  # tokens; what is shorter is not cut by anybody
SURE = 0.75  # of the bound
CUT = (
    "has counted {counted:,} tokens of a prompt that has at least {least:,}: it seems to cut prompts to its context "
    "length; raise that (Ollama: OLLAMA_CONTEXT_LENGTH or num_ctx in the Modelfile, others: extra_body or an option "
    "of the server), since what is cut off are rules and tools"
)
_WORD = re.compile(r"\w{1,12}")


def tokens_cut(body: Mapping[str, Any], usage: Usage) -> int:
    """How many tokens the prompt in a request's body has at least, when the server has counted far fewer; else 0."""
    counted = usage.prompt if usage.cached <= usage.prompt else usage.prompt + usage.cached
    if not counted:
        return 0
    texts = [str(message.get("content") or "") for message in body["messages"]]
    size = sum(map(len, texts))
    if size < 5 * max(SHORT, counted):  # four characters a token are usual; counting words costs more than all the rest
        return 0
    least = sum(len(_WORD.findall(text)) for text in texts)
    return least if least >= SHORT and counted < SURE * least else 0
