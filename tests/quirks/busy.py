"""Servers that are busy, or that wrap what they say."""

import json

from .playing import CUT, Quirk, at_first, bytes_once, error, stream, whole

BUSY = (
    Quirk(
        "llama.cpp",
        "loads the model (503)",
        "waits, up to an hour",
        at_first(503, error("Loading model", code=503, type="unavailable_error")),
    ),
    Quirk(
        "OpenRouter",
        "gives the status of a provider in a 200 (429)",
        "waits as for that status",
        at_first(200, error("Rate limit exceeded", code=429)),
    ),
    Quirk(
        "OpenRouter",
        "gives the status of a provider in a 200 (502)",
        "tried again",
        at_first(200, error("Provider returned error", code=502)),
    ),
    Quirk(
        "TGI",
        "gives an error in a 200",
        "tried again",
        at_first(200, {"error": "Request failed during generation: Server error", "error_type": "generation"}),
    ),
    Quirk("Together", "gives no choices", "tried again", at_first(200, {"id": "x", "choices": [], "usage": None})),
    Quirk(
        "OpenRouter",
        "sends comments while it waits",
        "they are passed over",
        bytes_once(b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + json.dumps(whole("hello")).encode()),
        kinds=("text",),
    ),
    Quirk(
        "OpenRouter",
        "sends blank lines while it waits",
        "they are passed over",
        bytes_once(b"\n         \n\n" + json.dumps(whole("hello")).encode()),
        kinds=("text",),
    ),
    Quirk(
        "Azure",
        "begins with a byte order mark",
        "it is passed over",
        bytes_once(b"\xef\xbb\xbf" + json.dumps(whole("hello")).encode()),
        kinds=("text",),
    ),
    Quirk(
        "LiteLLM",
        "streams though nobody asked",
        "a whole stream is put together",
        bytes_once(stream("hel", "lo")),
        kinds=("text",),
    ),
    Quirk(
        "SGLang",
        "breaks a stream off that nobody asked for",
        "tried again",
        at_first(200, stream("hel", end=False)),
        kinds=("text",),
    ),
    Quirk(
        "Ollama",
        "cuts prompts to num_ctx in silence",
        "a warning with both numbers, once",
        lambda _, __: None,
        kinds=("json", "text"),
        long=True,
        usage={"prompt_tokens": CUT, "completion_tokens": 5},
        words="has counted 2,050 tokens of a prompt that has at least",
    ),
)
