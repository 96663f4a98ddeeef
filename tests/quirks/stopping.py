"""What makes all further questions useless."""

from .playing import STOPS, Quirk, always, error, with_tools

STOPPING = (
    Quirk(
        "OpenAI",
        "refuses the key",
        STOPS,
        always(401, error("Incorrect API key provided", type="invalid_request_error", code="invalid_api_key")),
        "stops",
        words="check the key",
    ),
    Quirk(
        "Groq",
        "refuses who holds the key (403)",
        STOPS,
        always(403, error("Access denied. Please check your network settings.")),
        "stops",
        words="check the key",
    ),
    Quirk(
        "Gemini",
        "refuses the key with 400",
        "stops the stage after a hello was refused, too",
        always(400, [error("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT")]),
        "stops",
        words="not even a hello",
    ),
    Quirk(
        "Ollama",
        "has not pulled the model",
        "stops the stage, says to pull it",
        always(404, error('model "tiny" not found, try pulling it first', type="api_error")),
        "stops",
        words="pull the model where it is served",
    ),
    Quirk(
        "watsonx",
        "does not have the model",
        STOPS,
        always(
            404,
            {
                "errors": [{"code": "model_not_supported", "message": "Model 'tiny' is not supported"}],
                "trace": "5d5d",
                "status_code": 404,
            },
        ),
        "stops",
        words="Model 'tiny' is not supported; check base_url and model",
    ),
    Quirk(
        "DeepSeek",
        "has no balance left",
        STOPS,
        always(402, error("Insufficient Balance", type="unknown_error", code="invalid_request_error")),
        "stops",
        words="402: Insufficient Balance",
    ),
    Quirk(
        "Ollama",
        "serves a model without tools",
        "stops the stage, says to switch tool calling on",
        with_tools(400, error("registry.ollama.ai/library/tiny does not support tools", type="api_error")),
        "stops",
        kinds=("agent",),
        words="serve it with tool calling switched on",
    ),
    Quirk(
        "vLLM",
        "was started without a tool parser",
        "stops the stage, says to switch tool calling on",
        with_tools(
            400,
            {
                "object": "error",
                "type": "BadRequestError",
                "code": 400,
                "message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            },
        ),
        "stops",
        kinds=("agent",),
        words="serve it with tool calling switched on",
    ),
    Quirk(
        "OpenRouter",
        "has no provider with tools",
        "stops the stage, says to switch tool calling on",
        with_tools(
            404,
            error(
                (
                    "No endpoints found that support tool use. To learn more about provider routing, visit "
                    "the documentation"
                ),
                code=404,
            ),
        ),
        "stops",
        kinds=("agent",),
        words="serve it with tool calling switched on",
    ),
    Quirk(
        "watsonx",
        "has models without tools",
        "stops the stage, says to switch tool calling on",
        with_tools(
            400,
            {
                "errors": [
                    {
                        "code": "model_no_support_for_function",
                        "message": "Model 'tiny' does not support function 'function_calling'",
                    }
                ]
            },
        ),
        "stops",
        kinds=("agent",),
        words="serve it with tool calling switched on",
    ),
)
