"""What a server wants back, or does not."""

from .playing import BACK, BLOCKS, DETAILS, DROPPED, SIGNATURE, Quirk, error, pydantic, wants, within

KEPT = (
    Quirk(
        "Gemini",
        "wants the signature of its thought with its call",
        BACK,
        wants(
            "extra_content",
            SIGNATURE,
            400,
            [
                error(
                    "Function call is missing a thought_signature in functionCall parts.",
                    code=400,
                    status="INVALID_ARGUMENT",
                )
            ],
            calls=True,
        ),
        kinds=("agent",),
        call={"extra_content": SIGNATURE},
    ),
    Quirk(
        "DeepSeek",
        "wants its thoughts with its calls",
        BACK,
        wants(
            "reasoning_content",
            "I look it up.",
            400,
            error(
                "Missing `reasoning_content` field in the assistant message at message index 2.",
                type="invalid_request_error",
            ),
        ),
        kinds=("agent",),
        message={"reasoning_content": "I look it up."},
    ),
    Quirk(
        "Kimi",
        "wants thoughts with calls, be they empty",
        "an empty text is sent where there is none",
        wants(
            "reasoning_content",
            "",
            400,
            error(
                ("thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"),
                type="invalid_request_error",
            ),
        ),
        kinds=("agent",),
    ),
    Quirk(
        "OpenRouter",
        "wants its reasoning_details",
        BACK,
        wants("reasoning_details", DETAILS, 400, error("reasoning_details were changed")),
        kinds=("agent",),
        message={"reasoning_details": DETAILS},
    ),
    Quirk(
        "LiteLLM",
        "wants Anthropic's thinking_blocks",
        BACK,
        wants(
            "thinking_blocks",
            BLOCKS,
            400,
            error("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."),
        ),
        kinds=("agent",),
        message={"thinking_blocks": BLOCKS},
    ),
    Quirk(
        "Mistral",
        "forbids thoughts in messages",
        DROPPED,
        within(
            "reasoning_content",
            422,
            {
                "object": "error",
                "message": {"detail": pydantic("body", "messages", 2, "assistant", "reasoning_content")},
                "type": "invalid_request_error",
            },
        ),
        kinds=("agent",),
        message={"reasoning_content": "hm"},
    ),
    Quirk(
        "Groq",
        "does not support thoughts in messages",
        DROPPED,
        within(
            "reasoning_content",
            400,
            error(
                (
                    "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : "
                    "property 'reasoning_content' is unsupported)]"
                ),
                type="invalid_request_error",
            ),
        ),
        kinds=("agent",),
        message={"reasoning_content": "hm"},
    ),
    Quirk(
        "Groq",
        "takes no reasoning back with some models",
        DROPPED,
        within("reasoning", 400, error("messages[2].reasoning: reasoning is not supported with this model")),
        kinds=("agent",),
        message={"reasoning": "hm"},
    ),
    Quirk(
        "Any",
        "adds fields that nobody wants back",
        "not sent back",
        within("annotations", 400, error("what is that?")),
        kinds=("agent",),
        message={"annotations": [1], "audio": {"id": 1}, "refusal": None},
    ),
)
