"""Which words loss is on, by our own reading of a chat template: the same as TRL's; and what counts their tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.dataset.export import Summary, build_dataset
from apigen_nb.dataset.loss_mask import TemplateFailed, loss_mask, share, templates
from apigen_nb.dataset.tokens import ESTIMATE, Tokenizer, TokenizerError, read_tokenizer
from apigen_nb.models.scripted import LABEL
from apigen_nb.report import loss
from apigen_nb.storage.journal import Run
from apigen_nb.world.domain import Domain, DomainError
from tests import trainers
from tests.dataset_runs import rows
from tests.trainers import needed

Made = tuple[Path, Summary]
CHATML = templates()["chatml"].read_text("utf-8")
LETTERS = Tokenizer("letters", lambda text: list(range(1, len(text) + 1)))


def example(**changes: Any) -> dict[str, Any]:
    function = {"name": "renew", "arguments": {"loan": "L1 <b>"}}
    messages = [
        {"role": "system", "content": "Be kind.", "train": False},
        {"role": "user", "content": "Renew it.", "train": False},
        {"role": "assistant", "content": "", "tool_calls": [{"function": function}], "train": False},
        {"role": "tool", "content": "Error", "name": "renew", "train": False},
        {"role": "assistant", "content": "It </pre> failed.", "train": True},
    ]
    return {"id": "b.t1", "messages": messages, "tools": [{"function": {"name": "renew"}}]} | changes


def test_a_row_is_rendered_whole_and_loss_is_on_the_replies() -> None:
    spans = loss_mask(example(), CHATML, LETTERS)
    assert [(span.text, span.wanted) for span in spans if span.trained] == [
        ('<tool_call>\n{"name": "renew", "arguments": {"loan": "L1 <b>"}}\n</tool_call><|im_end|>', False),
        ("It </pre> failed.<|im_end|>", True),
    ]
    text = "".join(span.text for span in spans)
    assert text.startswith("<|im_start|>system\nBe kind.\n\n# Tools")
    assert text.endswith("<|im_start|>assistant\nIt </pre> failed.<|im_end|>\n")
    assert sum(span.tokens for span in spans) == len(text)
    assert share(spans) == sum(len(span.text) for span in spans if span.trained) / len(text)


def test_tokens_are_counted_where_they_end() -> None:
    spans = loss_mask(example(), CHATML, read_tokenizer())
    length = sum(len(span.text) for span in spans)
    assert sum(span.tokens for span in spans) == -(-length // 4)
    assert share([]) == 0


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ raise_exception('no tools here') }}", "no tools here"),
        ("{{ messages[0].content", "unexpected end of template"),
        ("{{ messages[0].nothing.more }}", "no attribute 'nothing'"),
        ("{{ messages[0] }}", "it leaves the tools out"),
        ("{{ tools }}", "it marks 0 replies of 2"),
        ("{{ tools }}{% for m in [1, 2] %}{% generation %}x{% endgeneration %}{% endfor %}", "it leaves calls out"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_cannot_render_a_row_says_why(template: str, told: str) -> None:
    with pytest.raises(TemplateFailed, match=told):
        loss_mask(example(), template, LETTERS)


@needed
@pytest.mark.parametrize("name", ["qwen2_5", "qwen3", "qwen3_6", "glm4moe", "nemotron_3_nano", "lfm2_v2", "gptoss"])
def test_it_is_trls_own_mask(made: Made, name: str) -> None:
    template = trainers.template(f"{name}_training")
    tokenizer = trainers.tokenizer(template)
    for row in rows(made[0], "trl")[::8]:
        if any(len(m.get("tool_calls", ())) > 1 for m in row["messages"]):
            continue
        encoded = tokenizer.apply_chat_template(
            row["messages"], tools=row["tools"], return_dict=True, return_assistant_tokens_mask=True
        )
        pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        theirs = tokenizer.decode([id for id, on in pairs if on])
        assert "".join(span.text for span in loss_mask(row, template, LETTERS) if span.trained) == theirs


def test_a_row_is_shown_in_two_colours_and_as_text() -> None:
    piece = str(loss.coloured(example()))
    assert piece.count('class="loss on" title') == piece.count('class="loss off" title') == 1
    assert "It &lt;/pre&gt; failed." in piece
    assert "L1 &lt;b&gt;" in piece
    assert "</pre> failed" not in piece
    refused = loss.coloured(example(messages=[{"role": "system", "content": "x", "train": False}] * 2))
    assert "refuses this row" not in refused
    with pytest.raises(ValueError, match="no template 'nothing'; there are chatml"):
        loss.coloured(example(), "nothing")


def test_shares_are_those_of_the_rows(made: Made) -> None:
    found = loss.shares(loss.first_rows(made[0] / "dataset", 5)).set_index("template").loc["chatml"]
    assert found["rows"] == 5
    assert found["refused"] == 0
    assert 0.01 < found["share"] < 0.2
    assert found["trained, though the row says no"] <= found["trained"] < found["tokens a row"]


# --- tokenizers


def words(folder: Path) -> Path:
    """A tokenizer of whole words, as its library writes one."""
    trainers.available()
    tokenizers = pytest.importorskip("tokenizers")
    from tokenizers import models, pre_tokenizers

    made = tokenizers.Tokenizer(models.WordLevel({"[?]": 0}, unk_token="[?]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_without_a_tokenizer_tokens_are_estimated() -> None:
    none = read_tokenizer()
    assert none.name == ESTIMATE
    assert [none.count("x" * n) for n in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]


def test_a_tokenizer_is_a_folder_or_a_file(tmp_path: Path, run: Path) -> None:
    folder = words(tmp_path / "words")
    for name in (folder, folder / "tokenizer.json"):
        assert read_tokenizer(str(name)).count("one two, three") == 4
    build_dataset(Run(run), Domain.load("retail"), {"agent": LABEL}, tokenizer=str(folder))
    text = (run / "dataset" / "README.md").read_text()
    assert "By words, without the marks of a chat template." in text
    for row in rows(run, "trl")[:3]:
        counted = read_tokenizer(str(folder)).count(row["messages"][0]["content"])
        assert row["tokens"]["system"] == counted


@pytest.mark.parametrize("name", ["nowhere", "no/such/folder", "json"])
def test_a_tokenizer_that_is_not_there_is_said_in_a_line(name: str) -> None:
    with pytest.raises(TokenizerError, match=r"no tokenizer .* expected a folder with tokenizer.json") as told:
        read_tokenizer(name)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_tokenizer_is_said_in_a_line(tmp_path: Path) -> None:
    trainers.available()
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is no tokenizer"):
        read_tokenizer(str(tmp_path))


def test_bad_input_leaves_the_dataset_as_it_was(run: Path) -> None:
    before = (run / "dataset" / "README.md").read_bytes()
    with pytest.raises(TokenizerError):
        build_dataset(Run(run), Domain.load("retail"), {"agent": "x"}, tokenizer="nowhere")
    (run / "run.json").write_text(json.dumps({"domain": {"name": "retail", "fingerprint": "0" * 16}}))
    with pytest.raises(DomainError, match="made on another version of retail \\(0000000000000000, here "):
        build_dataset(Run(run), Domain.load("retail"), {"agent": "x"})
    assert (run / "dataset" / "README.md").read_bytes() == before
    assert not (run / "dataset.part").exists()


def test_the_command_line_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-p", "license=Apache 2.0", "--out", str(tmp_path / "x")]) == 2
    assert "license" in capsys.readouterr().err
