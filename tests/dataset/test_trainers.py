"""What trainers make of the dataset, by their own code: chat templates give arguments back as they were, TRL puts loss
on the agent's words and on nothing else, and no loader drops a row."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apigen_nb.dataset.export import Summary
from tests import trainers
from tests.dataset_runs import Rows, rows
from tests.trainers import needed

Made = tuple[Path, Summary]
pytestmark = needed
OBJECTS = (
    "qwen2_5", "qwen3", "qwen3_instruct_2507", "qwen3_5_think", "qwen3_6", "qwen3_8", "glm4moe", "nemotron_3_nano",
    "lfm2_v2", "gemma4_v5", "llama3_1", "gptoss",
)  # fmt: skip
ONE_CALL = ("llama3_1", "gptoss")  # templates that refuse, or drop, what is called beside the first
MARK = re.compile(r"<\|\w+\|>|<think>\s*</think>")  # of templates
TRAINED = ("qwen2_5", "qwen3", "qwen3_5_think", "qwen3_6", "glm4moe", "nemotron_3_nano", "lfm2_v2")


def one_of_each_call(folder: Path) -> Rows:
    """An example for each tool that is called, and for several calls in a message."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for example in rows(folder, "per_reply"):
        calls = example["completion"][0].get("tool_calls", [])
        if calls:
            found.setdefault((calls[0]["function"]["name"], len(calls)), example)
    assert max(count for _, count in found) > 1
    assert len(found) > 8
    return list(found.values())


@pytest.mark.parametrize("name", OBJECTS)
def test_a_template_gives_arguments_back_as_they_were(made: Made, name: str) -> None:
    tokenizer = trainers.tokenizer(trainers.template(name))
    from trl.chat_template_utils import add_response_schema, parse_response

    add_response_schema(tokenizer)
    for example in one_of_each_call(made[0]):
        calls = [call["function"] for call in example["completion"][0]["tool_calls"]]
        if name in ONE_CALL and len(calls) > 1:
            continue
        tools, prompt = example["tools"], example["prompt"]
        before = tokenizer.apply_chat_template(prompt, tools=tools, add_generation_prompt=True)["input_ids"]
        whole = tokenizer.apply_chat_template(prompt + example["completion"], tools=tools)["input_ids"]
        start = next((n for n, (a, b) in enumerate(zip(before, whole, strict=False)) if a != b), len(before))
        read = parse_response(tokenizer, whole[start:], prefix=whole[:start], tools=tools)
        assert [call["function"] for call in read["tool_calls"]] == calls


@pytest.mark.parametrize("name", OBJECTS)
def test_every_row_can_be_rendered(made: Made, name: str) -> None:
    tokenizer = trainers.tokenizer(trainers.template(name))
    for row in rows(made[0], "trl"):
        if name in ONE_CALL and any(len(m.get("tool_calls", ())) > 1 for m in row["messages"]):
            continue
        text = tokenizer.apply_chat_template(row["messages"], tools=row["tools"], tokenize=False)
        assert all(m["content"] in text for m in row["messages"] if m["role"] in ("user", "assistant"))
        assert '\\"' not in "".join(line for line in text.splitlines() if line.startswith('{"name"'))


def test_a_template_that_wants_text_has_the_config_of_text(made: Made) -> None:
    tokenizer = trainers.tokenizer(trainers.template("deepseekv3"))
    for row in rows(made[0], "openai"):
        text = tokenizer.apply_chat_template(row["messages"], tools=row["tools"], tokenize=False)
        for message in row["messages"]:
            assert all(call["function"]["arguments"] in text for call in message.get("tool_calls", ()))


def runs(mask: list[int]) -> list[tuple[int, int]]:
    """Where the tokens begin and end that loss is on."""
    edges = [n for n, (a, b) in enumerate(zip([0, *mask], [*mask, 0], strict=True)) if a != b]
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("name", TRAINED)
def test_trls_loss_is_on_the_agents_words_and_on_nothing_else(made: Made, name: str) -> None:
    """By the template that TRL trains with: a run of trained tokens for each reply, which reads as that reply."""
    training, reading = (trainers.tokenizer(trainers.template(one)) for one in (f"{name}_training", name))
    from trl.chat_template_utils import add_response_schema, parse_response

    add_response_schema(reading)
    for row in rows(made[0], "trl")[::6]:
        replies = [message for message in row["messages"] if message["role"] == "assistant"]
        encoded = training.apply_chat_template(
            row["messages"], tools=row["tools"], return_dict=True, return_assistant_tokens_mask=True
        )
        ids, found = encoded["input_ids"], runs(encoded["assistant_masks"])
        assert len(found) == len(replies)
        for (start, end), reply in zip(found, replies, strict=True):
            head = start + training.decode(ids[start:end]).startswith("\n")  # which ends the line before the words
            read = parse_response(reading, ids[head:end], prefix=ids[:head], tools=row["tools"])
            assert trainers.arguments([read]) == trainers.arguments([reply])
            if not reply.get("tool_calls"):
                assert MARK.sub("", training.decode(ids[start:end])).strip() == reply["content"].strip()


def test_no_malformed_call_carries_loss(made: Made) -> None:
    """None is in any config: each call's arguments are an object that the tool's schema knows the names of."""
    for row in rows(made[0], "trl"):
        known = {tool["function"]["name"]: tool["function"]["parameters"]["properties"] for tool in row["tools"]}
        for called, given in trainers.arguments([m for m in row["messages"] if m["train"]]):
            assert given.keys() <= known[called].keys()


# --- loaders


def test_llama_factory_drops_no_row(made: Made) -> None:
    converter, formatter, warnings = trainers.llama_factory()
    from llamafactory.data.parser import DatasetAttr

    (info,) = json.loads((made[0] / "dataset" / "dataset_info.json").read_text()).values()
    attributes = DatasetAttr("file", dataset_name=info["file_name"])
    attributes.join(info)
    assert info["file_name"] == "sharegpt/train.jsonl"
    convert = converter.get_dataset_converter("sharegpt", attributes, None)
    slots = formatter.FunctionFormatter(slots=["{{content}}"], tool_format="qwen")
    marks = {"thought_words": ("<think>", "</think>"), "tool_call_words": ("<tool_call>", "</tool_call>")}
    for row, trl in zip(rows(made[0], "sharegpt"), rows(made[0], "trl"), strict=True):
        found = convert(row)
        turns = found["_prompt"] + found["_response"]
        assert len(turns) == len(row["conversations"]) > 0
        assert found["_system"] == row["system"]
        assert found["_tools"] == row["tools"]
        calls = [turn["content"] for turn in turns if turn["role"] == "function"]
        told = [
            json.loads("".join(slots.apply(content=c, **marks)).split("<tool_call>\n")[1].split("\n<")[0])
            for c in calls
        ]
        assert [(call["name"], call["arguments"]) for call in told] == trainers.arguments(trl["messages"])
    assert warnings.told == []


@pytest.mark.parametrize("name", ["trl", "openai", "sharegpt"])
def test_ms_swift_drops_no_row(made: Made, name: str) -> None:
    preprocessor = trainers.ms_swift()()
    for row, trl in zip(rows(made[0], name), rows(made[0], "trl"), strict=True):
        given = (
            {"messages": row["conversations"], "system": row["system"]} if name == "sharegpt" else copy.deepcopy(row)
        )
        found = preprocessor.preprocess(given)
        preprocessor._check_messages(found)
        calls = [m["content"] for m in found["messages"] if m["role"] == "tool_call"]
        made_of = [json.loads(call) if isinstance(call, str) else call for call in calls]
        assert [(call["name"], call["arguments"]) for call in made_of] == trainers.arguments(trl["messages"])
        spoken = [m for m in trl["messages"] if m["role"] == "assistant" and not m.get("tool_calls")]
        assert [m["content"] for m in found["messages"] if m["role"] == "assistant"] == [m["content"] for m in spoken]


@pytest.mark.parametrize("name", ["trl", "openai"])
def test_axolotl_reads_every_row_and_which_replies_to_train_on(made: Made, name: str) -> None:
    strategy = trainers.axolotl()
    tokenizer = trainers.tokenizer(trainers.template("qwen2_5"))
    prompter = strategy.ChatTemplatePrompter(
        tokenizer, chat_template=tokenizer.chat_template, message_field_training="train", max_length=1_000_000
    )
    prompts = strategy.ChatTemplateStrategy(prompter, tokenizer, False, 1_000_000, train_on_eos="turn")
    for row, trl in list(zip(rows(made[0], name), rows(made[0], "trl"), strict=True))[::8]:
        given = row if name == "trl" else row | {"tools": json.dumps(row["tools"])}
        turns = prompts.get_conversation_thread(copy.deepcopy(given))
        assert trainers.arguments(turns) == trainers.arguments(trl["messages"])
        assert len(turns) == len(row["messages"])
        if name == "trl":
            assert [turn.get("training", False) for turn in turns] == [m["train"] for m in row["messages"]]


def test_verl_reads_the_parquet_of_the_openai_config(made: Made) -> None:
    """verl's rule (`MultiTurnSFTDataset`): pandas reads Parquet as Arrow, `messages` is a list of objects with role and
    content, one conversation a line; what is null is not there."""
    frame = pq.read_table(made[0] / "dataset" / "openai" / "train.parquet").to_pandas(types_mapper=None)
    lines = rows(made[0], "openai")
    assert len(frame) == len(lines) > 0
    for held, line in zip(frame["messages"], lines, strict=True):
        messages = list(held)
        assert [(m["role"], m["content"]) for m in messages] == [(m["role"], m["content"]) for m in line["messages"]]
        assert all(isinstance(message, dict) for message in messages)
