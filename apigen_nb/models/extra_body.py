"""Parameters of a server's own (`num_ctx`, `reasoning_effort`, `top_p` …) that a role is asked with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

OURS = ("model", "messages", "tools", "stream", "stream_options", "n", "response_format", "functions")
OWN = {"temperature": "temperature", "max_tokens": "max_tokens", "max_completion_tokens": "max_tokens"}
MOST = 10_000  # characters; it is written into the run's folder and sent with every question
_SECRET = re.compile(
    r"api.?key|secret|passw|authori[sz]ation|bearer|credential|access.?token|auth.?token", re.IGNORECASE
)


def check_extra_body(value: Any) -> dict[str, Any]:
    """The value, which is a JSON object. ValueError when it is not, is too long, holds what we set ourselves, or a name
    that keys have: it is written down and sent as it is."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"extra_body is a {type(value).__name__}; expected an object like {{num_ctx: 16384}}")
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"extra_body is no JSON: {error}") from None
    if len(text) > MOST:
        raise ValueError(f"extra_body has {len(text):,} characters; expected at most {MOST:,}")
    for name in value:
        if name in OURS:
            raise ValueError(f"extra_body may not hold {name}, which is set for every question; leave it out")
        if name in OWN:
            raise ValueError(f"extra_body may not hold {name}; there is a parameter {OWN[name]}")
    if secret := next((name for name in _names(value) if _SECRET.search(name)), None):
        raise ValueError(f"extra_body may not hold {secret}: keys come from the environment, name it by api_key_env")
    return value


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
