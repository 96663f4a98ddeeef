"""Questions that a server refuses, in many words."""

from .playing import ASK, REFUSED, Quirk, error, poison

REFUSALS = (
    Quirk(
        "Azure",
        "filters a prompt (400, code content_filter)",
        REFUSED,
        poison(
            400,
            error(
                ("The response was filtered due to the prompt triggering Azure OpenAI's content management policy."),
                type=None,
                param="prompt",
                code="content_filter",
                status=400,
                innererror={
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {"violence": {"filtered": True}},
                },
            ),
        ),
        "refused",
    ),
    Quirk(
        "OpenRouter",
        "moderates (403 with metadata.reasons)",
        REFUSED,
        poison(
            403,
            error(
                "Forbidden",
                code=403,
                metadata={
                    "reasons": ["violence"],
                    "flagged_input": "temperature is not supported",
                    "provider_name": "OpenAI",
                },
            ),
        ),
        "refused",
        options=ASK,
        has=("temperature",),
    ),
    Quirk(
        "xAI",
        "moderates (403, with words of keys in it)",
        REFUSED,
        poison(
            403,
            {
                "code": "The caller does not have permission to execute the specified operation",
                "error": (
                    "Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4, Failed check: "
                    "SAFETY_CHECK_TYPE_BIO"
                ),
            },
        ),
        "refused",
    ),
    Quirk(
        "DashScope",
        "inspects data",
        REFUSED,
        poison(
            400,
            error(
                ("<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content."),
                code="data_inspection_failed",
                type="data_inspection_failed",
            ),
        ),
        "refused",
    ),
    Quirk(
        "Any",
        "refuses a question in words of its own (403)",
        REFUSED,
        poison(403, error("I will not talk about this.")),
        "refused",
    ),
    Quirk(
        "OpenAI",
        "has a shorter context",
        REFUSED,
        poison(
            400,
            error(
                (
                    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
                    "(8936 in the messages, 64 in the completion)."
                ),
                type="invalid_request_error",
                param="messages",
                code="context_length_exceeded",
            ),
        ),
        "refused",
        options=ASK,
        has=("max_tokens",),
    ),
    Quirk(
        "vLLM",
        "has a shorter context and names max_tokens",
        REFUSED,
        poison(
            400,
            error(
                (
                    "'max_tokens' or 'max_completion_tokens' is too large: 64. This model's maximum context "
                    "length is 2048 tokens and your request has 2040 input tokens"
                ),
                type="BadRequestError",
                param=None,
                code=400,
            ),
        ),
        "refused",
        options=ASK,
        has=("max_tokens",),
    ),
    Quirk(
        "llama.cpp",
        "has a shorter context (500)",
        REFUSED,
        poison(500, error("Context size has been exceeded.", code=500, type="server_error")),
        "refused",
    ),
    Quirk(
        "llama.cpp",
        "has a shorter context (400)",
        REFUSED,
        poison(
            400,
            error(
                "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it",
                code=400,
                type="exceed_context_size_error",
                n_prompt_tokens=4390,
                n_ctx=4096,
            ),
        ),
        "refused",
    ),
    Quirk(
        "SGLang",
        "has a shorter context",
        REFUSED,
        poison(
            400,
            {
                "object": "error",
                "message": "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
        ),
        "refused",
    ),
    Quirk(
        "TGI",
        "has a shorter context (422)",
        REFUSED,
        poison(
            422,
            {
                "error": (
                    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2019 "
                    "`inputs` tokens and 30 `max_new_tokens`"
                ),
                "error_type": "validation",
            },
        ),
        "refused",
    ),
    Quirk(
        "LM Studio",
        "has a shorter context (200 with an error)",
        REFUSED,
        poison(
            200,
            {
                "error": (
                    "Trying to keep the first 15857 tokens when context the overflows. However, the model is "
                    "loaded with context length of only 4096 tokens"
                )
            },
        ),
        "refused",
    ),
    Quirk(
        "Groq",
        "has a lower limit of tokens (413)",
        REFUSED,
        poison(
            413,
            error(
                "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 7000",
                type="tokens",
                code="rate_limit_exceeded",
            ),
        ),
        "refused",
    ),
)
