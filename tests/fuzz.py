"""What a fuzzer finds, fed to the readers of replies: `python tests/fuzz.py -max_total_time=600`; in `make nightly`."""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["apigen_nb"]):
    from tests.models.test_reply_reading import PIECES, read


WORDS = [*PIECES, "<tool_call>", "]", "}", ",", ":", "NaN", "1e999", '"parameters"', "null", " ", "x" * 5000, "{" * 500]


def once(data: bytes) -> None:
    """One body as the bytes are, one completion put together by them; any exception but ValueError is a find."""
    read(data)
    given = atheris.FuzzedDataProvider(data)

    def text() -> str | None:
        if not given.ConsumeIntInRange(0, 9):
            return None
        picked = [given.PickValueInList(WORDS) for _ in range(given.ConsumeIntInRange(0, 8))]
        return "".join([*picked, given.ConsumeUnicode(8)])

    def call() -> dict[str, object]:
        return {"id": text(), "function": {"name": "look", "arguments": text()}}

    calls = [call() for _ in range(given.ConsumeIntInRange(0, 2))]
    message = {
        "content": text(),
        "reasoning": text(),
        "tool_calls": calls,
        "refusal": text() if given.ConsumeBool() else None,
    }
    reason = given.PickValueInList(["stop", "length", "SAFETY", "tool_calls", "error", "new", None])
    usage = {"prompt_tokens": given.ConsumeInt(9), "prompt_tokens_details": text()}
    read(json.dumps({"choices": [{"message": message, "finish_reason": reason}], "usage": usage}).encode())


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
