"""How replies come: where thoughts stand, how they end, how calls are written."""

from __future__ import annotations

import json
from typing import Any

from .playing import THOUGHT, Quirk, replies

BESIDE = "kept beside the message as `thoughts`, said to nobody"
GONE = "left out of what is said"
READ = "read as calls"
TWICE = "tried again"
NO_USE = "no answer: its item fails with the reason"


def thinks(**fields: Any) -> Any:
    return replies(lambda message: message | fields)


def text(before: str, after: str = "") -> Any:
    """What is said stands between these."""
    return replies(lambda message: message | {"content": before + message["content"] + after})


def parts(message: dict[str, Any]) -> dict[str, Any]:
    said = [{"type": "text", "text": message["content"]}] if message["content"] else []
    return message | {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}, *said]}


def channels(message: dict[str, Any]) -> dict[str, Any]:
    head = f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
    if "tool_calls" in message:
        call = "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{}<|call|>"
        return {"content": head + call}
    return {"content": f"{head}<|channel|>final<|message|>{message['content']}<|return|>"}


def written(call: str) -> Any:
    """A call that stands in the text."""
    return replies(lambda message: {"content": call} if "tool_calls" in message else message)


def calls(*made: Any, **fields: Any) -> Any:
    """A message with these calls where there is one."""
    new = {"content": None, "tool_calls": list(made), **fields}
    return replies(lambda message: new if "tool_calls" in message else message)


def call(arguments: Any = "{}", **fields: Any) -> dict[str, Any]:
    return {"id": "a", "type": "function", "function": {"name": "look", "arguments": arguments}, **fields}


BY_FIELD = {
    "reasoning_content": ("DeepSeek", "Kimi", "vLLM", "SGLang", "llama.cpp", "DashScope"),
    "reasoning": ("Ollama", "Groq", "LM Studio", "Together"),
}
WHOLE = {
    "Gemini": "FinishReason.STOP",
    "Anthropic": "end_turn",
    "TGI": "eos_token",
    "Together": "eos",
    "Cohere": "COMPLETE",
    "SGLang": {"type": "stop", "matched": 2},
}
CUT = {
    "OpenAI": "length",
    "Gemini": "MAX_TOKENS",
    "Mistral": "model_length",
    "Anthropic": "model_context_window_exceeded",
}
FILTERED = {"Azure": "content_filter", "Gemini": "SAFETY", "Anthropic": "refusal"}
ABORTED = {"DeepSeek": "insufficient_system_resource", "vLLM": "abort", "OpenRouter": "error"}
ENDS = {"vLLM": "<|im_end|>", "TGI": "</s>", "Ollama": "<end_of_turn>", "llama.cpp": "<|eot_id|>",
        "SGLang": "<|im_end|>\n<|im_start|>user\nAnd now?", "LM Studio": "<|endoftext|>"}  # fmt: skip
WRITTEN = {
    "Hermes and Qwen": '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>',
    "Llama": '<|python_tag|>{"name": "look", "parameters": {}}<|eom_id|>',
    "Llama 4": "[look()]",
    "Mistral": '[TOOL_CALLS][{"name": "look", "arguments": {}}]',
    "Qwen-Coder": "<tool_call>\n<function=look>\n</function>\n</tool_call>",
    "GLM": "<tool_call>look\n</tool_call>",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{}"
    "<|tool_call_end|><|tool_calls_section_end|>",
    "small models": '```json\n{"name": "look", "parameters": {}}\n```',
}

THOUGHTS = (
    *(
        Quirk(server, f"gives thoughts as `{name}`", BESIDE, thinks(**{name: THOUGHT}), thinks=THOUGHT)
        for name, servers in BY_FIELD.items()
        for server in servers
    ),
    Quirk("OpenRouter", "gives thoughts twice, as `reasoning` and `reasoning_details`", BESIDE,
          thinks(reasoning=THOUGHT, reasoning_details=[{"type": "reasoning.text", "text": THOUGHT}]), thinks=THOUGHT),
    Quirk("Mistral", "gives thoughts as parts of the content", BESIDE, replies(parts), thinks=THOUGHT),
    Quirk("vLLM", "leaves `<think>` in the text, without a reasoning parser", BESIDE,
          text(f"<think>\n{THOUGHT}\n</think>\n\n"), kinds=("json", "text"), thinks=THOUGHT),
    Quirk("llama.cpp", "leaves a lone `</think>`, whose beginning stood in the template", BESIDE,
          text(f"{THOUGHT}\n</think>\n\n"), kinds=("json", "text"), thinks=THOUGHT),
    Quirk("LM Studio", "leaves the channels of gpt-oss in the text", BESIDE, replies(channels), thinks=THOUGHT),
    Quirk("Gemini", "gives summaries of thoughts as `<thought>`", BESIDE, text(f"<thought>{THOUGHT}</thought>"),
          kinds=("json", "text"), thinks=THOUGHT),
    Quirk("Ollama", "gives thoughts that are empty", "nothing is kept", text("<think>\n\n</think>\n\n"),
          kinds=("json", "text")),
    Quirk("DeepSeek", "gives thoughts and no answer", NO_USE,
          replies(lambda _: {"content": "", "reasoning_content": THOUGHT}), "no use",
          words="the reply holds thoughts and nothing that is said"),
    Quirk("vLLM", "ends inside of a thought", NO_USE, replies(lambda _: {"content": f"<think>{THOUGHT}"}), "no use",
          words="cut off inside of its thoughts"),
    *(Quirk(server, f"leaves `{mark.split(chr(10))[0]}`" + (" and goes on as the user" if "\n" in mark else ""), GONE,
            text("", mark), kinds=("json", "text")) for server, mark in ENDS.items()),
)  # fmt: skip
FINISHED = (
    *(Quirk(server, f"ends with `{json.dumps(why) if isinstance(why, dict) else why}`", "the reply is whole",
            replies(lambda message: message, finish_reason=why)) for server, why in WHOLE.items()),
    *(Quirk(server, f"cuts replies off with `{why}`", NO_USE, replies(lambda message: message, finish_reason=why),
            "no use", words="reply cut off") for server, why in CUT.items()),
    *(Quirk(server, f"filters replies with `{why}`", NO_USE, replies(lambda message: message, finish_reason=why),
            "no use", words="content filter") for server, why in FILTERED.items()),
    *(Quirk(server, f"ends with `{why}` when it is its own fault", TWICE,
            replies(lambda message: message, times=1, finish_reason=why)) for server, why in ABORTED.items()),
    Quirk("Gemini", "ends with `MALFORMED_FUNCTION_CALL`", NO_USE,
          replies(lambda message: message, finish_reason="MALFORMED_FUNCTION_CALL"), "no use", kinds=("agent",),
          words="a tool call that its server cannot read"),
    Quirk("OpenRouter", "says of a provider that it was cut off, by `native_finish_reason` alone", NO_USE,
          replies(lambda message: message, native_finish_reason="max_output_tokens"), "no use", words="reply cut off"),
)  # fmt: skip
CALLS = (
    *(Quirk("Any", f"leaves calls of {family} in the text, without a tool parser", READ, written(form),
            kinds=("agent",))
      for family, form in WRITTEN.items()),
    Quirk("Any", "leaves half a call in the text", NO_USE, written('<tool_call>{"name": "look", '), "no use",
          kinds=("agent",), words="switch on the server's tool parser"),
    Quirk("vLLM", "leaves a copy of its calls in the text", "read once",
          calls(call(), content='<tool_call>{"name": "look", "arguments": {}}</tool_call>'), kinds=("agent",)),
    Quirk("Ollama", "gives arguments as an object", READ, calls(call({})), kinds=("agent",)),
    Quirk("LiteLLM", "gives arguments as a text of a text", READ, calls(call(json.dumps("{}"))), kinds=("agent",)),
    Quirk("TGI", "gives one call without a list", READ, replies(
        lambda message: message | ({"tool_calls": call()} if "tool_calls" in message else {})), kinds=("agent",)),
    Quirk("vLLM", "gives `tool_calls: {}` where there are none", "no calls", replies(
        lambda message: {"tool_calls": {}} | message)),
    Quirk("LM Studio", "gives `tool_calls: null` where there are none", "no calls", replies(
        lambda message: {"tool_calls": None, "function_call": None} | message)),
    Quirk("Azure", "gives the older `function_call`", READ, replies(
        lambda message: {"function_call": call()["function"]} if "tool_calls" in message else message,
        finish_reason="function_call"), kinds=("agent",)),
    Quirk("Gemini", "gives calls without ids", "each gets one of its own", calls(call(id=""), call(id="")),
          kinds=("agent",)),
    Quirk("SGLang", "gives two calls one id", "the second gets one of its own", calls(call(), call()),
          kinds=("agent",)),
    Quirk("Any", "gives JSON in a fence, after a sentence", "the object is read",
          text("Here it is:\n\n```json\n", "\n```"), kinds=("json",)),
    Quirk("Any", "gives JSON that differs, twice", NO_USE, text("", '\n{"a": 2}'), "no use", kinds=("json",),
          words="several that differ"),
    Quirk("Any", "gives the same JSON twice", "read once", text("", '\n{"a": 1}'), kinds=("json",)),
)  # fmt: skip
HEARD = (*THOUGHTS, *FINISHED, *CALLS)
