"""Why a server says that a reply ended. The list is open: whole is only what ended as models end by themselves."""

from __future__ import annotations

import re
from typing import Any

# Of OpenAI, vLLM, SGLang, llama.cpp, Ollama, TGI, Anthropic, Gemini, Cohere, Together, xAI and watsonx.
_WHOLE = {
    *("", "stop", "stopped", "end_turn", "eos", "eos_token", "stop_sequence", "stop_token", "complete", "completed"),
    *("tool_calls", "tool_call", "tool_use", "function_call"),
}
_USUAL = ("stop", "tool_calls")  # of OpenAI; these need no reading
_CUT = re.compile(
    r"length|max_?(?:new_|output_|completion_)*tokens?|token_limit|context_window|context_length|^limit$|_limit$"
)
_FILTERED = re.compile(
    r"filter|safety|recitation|blocklist|prohibited|spii|sensitive|moderat|guardrail|toxic|armor|blocked|policy|refus"
)
_SERVERS = re.compile(
    r"^error$|network|insufficient_system|overload|unavailable|abort|cancel|time_?(?:out|limit)|^(?:un)?load$|server"
)
_CALLS = re.compile(r"malformed|unexpected_tool|(?:tool|function)_call")


class ServersFault(ValueError):
    """A reply ended by something that went wrong with the server: worth another try."""


def unfinished(choice: dict[str, Any], tokens: int) -> str:
    """Why the reply in a choice of a chat completion is not whole; "" when it is. ServersFault when the server is to
    blame. `native_finish_reason`, which routers add, counts where its meaning is known."""
    if fault := choice.get("error"):
        told = fault.get("message") or fault if isinstance(fault, dict) else fault
        raise ServersFault(f"the server reports an error in its reply: {str(told)[:300]}")
    why = _why(choice.get("finish_reason"), tokens)
    native = choice.get("native_finish_reason")
    if not why and native and _known(_plain(native)):
        return _why(native, tokens)
    return why


def _plain(reason: Any) -> str:
    if isinstance(reason, dict):  # SGLang's own
        reason = reason.get("type")
    if reason is None:
        return ""
    text = re.sub(r"[\s-]+", "_", str(reason).strip().rpartition(".")[2])
    text = text if text.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    return text.lower().removeprefix("finish_reason_")


def _known(reason: str) -> bool:
    return reason not in _WHOLE and any(kind.search(reason) for kind in (_CUT, _FILTERED, _SERVERS, _CALLS))


def _why(reason: Any, tokens: int) -> str:
    if reason in _USUAL or (plain := _plain(reason)) in _WHOLE:
        return ""
    told = f"finish_reason {str(reason if not isinstance(reason, dict) else plain)[:60]}"
    if _SERVERS.search(plain):
        raise ServersFault(f"the server did not finish its reply ({told})")
    if _CUT.search(plain):
        more = "ask a model with a longer context" if "context" in plain else "allow more by max_tokens"
        return f"reply cut off after {tokens} tokens ({told}); {more}"
    if _FILTERED.search(plain):
        return f"reply stopped by the server's content filter ({told})"
    if _CALLS.search(plain):
        return f"the model wrote a tool call that its server cannot read ({told})"
    return f"the reply is not known to be whole ({told})"
