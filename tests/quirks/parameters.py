"""Parameters that a server does not take."""

import json

from .playing import ASK, DROPPED, Quirk, error, pydantic, refuses

PARAMETERS = (
    Quirk(
        "OpenAI",
        "takes no temperature with reasoning models",
        DROPPED,
        refuses(
            "temperature",
            400,
            error(
                (
                    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default "
                    "(1) value is supported."
                ),
                type="invalid_request_error",
                param="temperature",
                code="unsupported_value",
            ),
        ),
        options=ASK,
        lacks=("temperature",),
        has=("max_tokens",),
        words="without temperature",
    ),
    Quirk(
        "OpenAI",
        "wants max_completion_tokens",
        "renamed, asked once more",
        refuses(
            "max_tokens",
            400,
            error(
                (
                    "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                    "'max_completion_tokens' instead."
                ),
                type="invalid_request_error",
                param="max_tokens",
                code="unsupported_parameter",
            ),
        ),
        options=ASK,
        lacks=("max_tokens",),
        has=("max_completion_tokens", "temperature"),
    ),
    Quirk(
        "Kimi",
        "takes one temperature only",
        DROPPED,
        refuses(
            "temperature",
            400,
            error("invalid temperature: only 1 is allowed for this model", type="invalid_request_error"),
        ),
        options=ASK,
        lacks=("temperature",),
    ),
    Quirk(
        "Azure",
        "does not know parallel_tool_calls",
        DROPPED,
        refuses(
            "parallel_tool_calls",
            400,
            error(
                "Unrecognized request argument supplied: parallel_tool_calls",
                type="invalid_request_error",
                param=None,
                code=None,
            ),
        ),
        options={"extra_body": {"parallel_tool_calls": False, "top_p": 0.9}},
        lacks=("parallel_tool_calls",),
        has=("top_p",),
    ),
    Quirk(
        "Azure",
        "does not know reasoning_effort",
        DROPPED,
        refuses(
            "reasoning_effort",
            400,
            error(
                "Unknown parameter: 'reasoning_effort'.",
                type="invalid_request_error",
                param="reasoning_effort",
                code="unknown_parameter",
            ),
        ),
        options={"extra_body": {"reasoning_effort": "low"}},
        lacks=("reasoning_effort",),
    ),
    Quirk(
        "Mistral",
        "forbids extra inputs (pydantic in `message.detail`)",
        DROPPED,
        refuses(
            "seed",
            422,
            {
                "object": "error",
                "message": {"detail": pydantic("body", "seed")},
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        ),
        options={"extra_body": {"seed": 7, "random_seed": 7}},
        lacks=("seed",),
        has=("random_seed",),
    ),
    Quirk(
        "vLLM",
        "forbids extra inputs (pydantic in `detail`)",
        DROPPED,
        refuses("num_ctx", 400, {"detail": pydantic("body", "num_ctx")}),
        options={"extra_body": {"num_ctx": 8192, "top_k": 5}},
        lacks=("num_ctx",),
        has=("top_k",),
    ),
    Quirk(
        "Fireworks",
        "forbids extra inputs (field in the text)",
        DROPPED,
        refuses(
            "top_k",
            400,
            error("Extra inputs are not permitted, field: 'top_k', value: 5", type="invalid_request_error"),
        ),
        options={"extra_body": {"top_k": 5}},
        lacks=("top_k",),
    ),
    Quirk(
        "Gemini",
        "cannot find fields (body is a list)",
        "all that it names is left out, asked once more",
        refuses(
            "seed",
            400,
            [
                error(
                    (
                        'Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find '
                        'field.\nInvalid JSON payload received. Unknown name "seed": Cannot find field.'
                    ),
                    code=400,
                    status="INVALID_ARGUMENT",
                )
            ],
        ),
        options={"extra_body": {"seed": 7, "frequency_penalty": 0.1, "top_p": 1}},
        lacks=("seed", "frequency_penalty"),
        has=("top_p",),
    ),
    Quirk(
        "Anthropic",
        "takes temperature or top_p, not both",
        "the one from `extra_body` is left out",
        lambda sent, _: (
            (
                400,
                error(
                    "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
                    type="invalid_request_error",
                ),
            )
            if {"temperature", "top_p"} <= sent.keys()
            else None
        ),
        options={**ASK, "extra_body": {"top_p": 0.9}},
        lacks=("top_p",),
        has=("temperature",),
    ),
    Quirk(
        "xAI",
        "names parameters in its own spelling",
        DROPPED,
        refuses(
            "frequency_penalty",
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Argument not supported on this model: frequencyPenalty",
            },
        ),
        options={"extra_body": {"frequency_penalty": 0.1}},
        lacks=("frequency_penalty",),
    ),
    Quirk(
        "LiteLLM",
        "passes errors of providers on as text",
        DROPPED,
        refuses(
            "temperature",
            400,
            error(
                (
                    "litellm.UnsupportedParamsError: gpt-5-nano doesn't support temperature=0.7 while "
                    "reasoning is active. Only temperature=1 is supported unless reasoning_effort resolves "
                    "to 'none'."
                ),
                type="invalid_request_error",
                param=None,
                code="400",
            ),
        ),
        options=ASK,
        lacks=("temperature",),
    ),
    Quirk(
        "OpenRouter",
        "wraps what a provider says in `metadata.raw`",
        DROPPED,
        refuses(
            "temperature",
            400,
            error(
                "Provider returned error",
                code=400,
                metadata={
                    "raw": json.dumps(error("invalid temperature: only 0.6 is allowed for this model")),
                    "provider_name": "Moonshot",
                },
            ),
        ),
        options=ASK,
        lacks=("temperature",),
    ),
    Quirk(
        "DashScope",
        "thinks in streams only",
        DROPPED,
        refuses(
            "enable_thinking",
            400,
            error(
                "parameter.enable_thinking must be set to false for non-streaming calls",
                code="invalid_parameter_error",
                type="invalid_request_error",
            ),
        ),
        options={"extra_body": {"enable_thinking": True}},
        lacks=("enable_thinking",),
    ),
)
