"""Schemas of replies, and replies that are none."""

from .playing import PLAIN, Quirk, at_first, error, refuses, strict_format

FORMATS = (
    Quirk(
        "DeepSeek",
        "has no json_schema",
        PLAIN,
        refuses(
            "response_format",
            400,
            error(
                "This response_format type is unavailable now",
                type="invalid_request_error",
                param=None,
                code="invalid_request_error",
            ),
        ),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "LM Studio",
        "takes other types of response_format (body `error` is text)",
        PLAIN,
        refuses("response_format", 400, {"error": "'response_format.type' must be 'json_object' or 'text'"}),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "llama.cpp",
        "cannot make a grammar of the schema (400)",
        PLAIN,
        refuses(
            "response_format",
            400,
            error("Failed to initialize samplers: failed to parse grammar", code=400, type="invalid_request_error"),
        ),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "Ollama",
        "cannot use the schema (500)",
        PLAIN,
        refuses(
            "response_format",
            500,
            error("failed to load model vocabulary required for format", type="api_error", param=None, code=None),
        ),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "Ollama",
        "cannot read the schema (500)",
        PLAIN,
        refuses("response_format", 500, {"error": "invalid JSON schema in format"}),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "vLLM",
        "has no backend for the schema",
        PLAIN,
        refuses(
            "response_format",
            400,
            {
                "object": "error",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
                "message": "The provided JSON schema contains features not supported by xgrammar.",
            },
        ),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "Cerebras",
        "does not know parts of the schema",
        PLAIN,
        refuses(
            "response_format",
            400,
            {
                "message": "Unsupported JSON schema fields: {'minItems', 'items'}",
                "type": "invalid_request_error",
                "param": "response_format",
                "code": "wrong_api_format",
            },
        ),
        kinds=("json",),
        lacks=("response_format",),
    ),
    Quirk(
        "OpenAI",
        "takes strict schemas of some shapes only",
        "the schema is sent without `strict`",
        strict_format(
            400,
            error(
                (
                    "Invalid schema for response_format 'judge': In context=(), 'required' is required to be "
                    "supplied and to be an array including every key in properties."
                ),
                type="invalid_request_error",
                param="response_format",
                code=None,
            ),
        ),
        kinds=("json",),
        has=("response_format",),
    ),
    Quirk(
        "Cohere",
        "does not know strict",
        "no `strict` is sent from then on",
        strict_format(
            422,
            {
                "message": (
                    "unknown field: parameter 'strict' is not a valid field. For proper usage, please refer "
                    "to the reference"
                )
            },
        ),
        kinds=("json",),
        has=("response_format",),
    ),
    Quirk(
        "Groq",
        "finds that the model's JSON is none",
        "tried again",
        lambda sent, before: (
            (
                400,
                error(
                    ("Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details."),
                    type="invalid_request_error",
                    code="json_validate_failed",
                    failed_generation="{",
                ),
            )
            if before == 0
            else None
        ),
        kinds=("json",),
        has=("response_format",),
    ),
    Quirk(
        "Groq",
        "finds that the model's call is none",
        "tried again",
        at_first(
            400,
            error(
                (
                    "tool call validation failed: parameters for tool look did not match schema: errors: "
                    "[`/id`: expected string]"
                ),
                type="invalid_request_error",
                code="tool_use_failed",
            ),
        ),
        kinds=("agent",),
        has=("tools",),
    ),
)
