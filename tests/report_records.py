"""Synthetic records for the tests of the report: a small shop whose models write hostile texts."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from apigen_nb.records import (
    METRICS,
    Action,
    Attempt,
    Blueprint,
    Change,
    Divergence,
    Finding,
    Message,
    Opinion,
    Proposal,
    Reading,
    ToolCall,
    Trajectory,
    Usage,
    Verdict,
    Vote,
)
from apigen_nb.report import charts, embedded_data, pieces, tables

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>"
    "[click](javascript:window.hacked=3) ![x](http://evil.example/x.png) <!--<script>"
    "\u202egnirts\u202c \x1b[31mred\x1b[0m $\\alpha$ ```mermaid\ngraph TD\n``` \ud800 {{ 7*7 }} " + "w" * 3_000
)


def order(status: str, lamp: str = "delivered", keyboard: str = "delivered", total: float = 112.4) -> dict:
    items = [{"item_id": "lamp_18", "status": lamp}, {"item_id": "kbd_77", "status": keyboard}]
    return {"status": status, "total": total, "items": items, "address": {"city": "Lyon", "zip": "69001"}}


EXPECTED = (Change(table="orders", id="W4781", before=order("delivered"), after=order("return requested", "returned")),)
REACHED = (
    Change(
        table="orders",
        id="W4781",
        before=order("delivered"),
        after=order("return requested", "returned", "returned", 154.9),
    ),
)
RETURN = Action(
    name="return_items", arguments={"order_id": "W4781", "item_ids": ["lamp_18"], "refund_to": "gift_card_55"}
)


def blueprint(id: str, text: str = "") -> Blueprint:
    wish = "You are Noor Haddad, 94110. You want to return the desk lamp of your last order, refunded to the gift card."
    return Blueprint(
        id=id, domain="retail", user="noor_haddad_2087", persona=f"in a hurry, short sentences {text}",
        instruction=f"{wish} {text}", outputs=("22.40", text) if text else ("22.40",),
        actions=(RETURN, Action(name=text, arguments={text: [text]})) if text else (RETURN,),
    )  # fmt: skip


def votes(*scores: int, text: str = "") -> tuple[Vote, ...]:
    named = dict(zip(METRICS, scores, strict=True))
    return (
        Vote(judge=f"judge-1{text}", scores=named, reflection=f"The refund is asked for. {text}", correction=text),
        Vote(judge="judge-2", scores=named, reflection="Fine."),
        Vote(judge="judge-3", scores=None, error="the reply is not JSON"),
    )


def attempt(number: int, fell: str = "", text: str = "") -> Attempt:
    verdicts = []
    for gate in ("format", "execution", "policy", "grounding", "committee"):
        passed = gate != fell
        kinds = {"execution": "order is not pending", "policy": "one_change_per_order", "committee": "completeness"}
        committee = gate == "committee"
        scores = (1, int(passed), 1, int(passed))
        verdicts.append(
            Verdict(
                gate=gate, passed=passed, kind="" if passed else kinds.get(gate, "not derivable") + text[:400],
                reason="" if passed else f"action 1, {RETURN}: the order W4781 is delivered {text}",
                votes=votes(*scores, text=text) if committee else (),
                scores=dict(zip(METRICS, scores, strict=True)) if committee else {},
            )
        )  # fmt: skip
        if not passed:
            break
    feedback = f"Return only what was delivered; say which card the refund goes to. {text}" if number else ""
    return Attempt(
        number=number, feedback=feedback, thought=f"The lamp can be returned. {text}", verdicts=tuple(verdicts),
        blueprint=blueprint(f"retail-{number:05}", text), diff=EXPECTED,
    )  # fmt: skip


def proposals(count: int = 24, text: str = "") -> list[Proposal]:
    falls: list[list[str]] = [
        [""],
        ["execution", ""],
        ["committee", "policy", ""],
        ["execution"] * 4,
        ["grounding", ""],
        [""],
    ]
    records = []
    for number in range(count):
        tries = falls[number % len(falls)]
        attempts = [attempt(n, fell, text) for n, fell in enumerate(tries)]
        id = f"retail-{number:05}"
        attempts = [a.model_copy(update={"blueprint": blueprint(id, text)}) for a in attempts]
        if number == 3:  # a reply that held no blueprint at all
            unread = Verdict(
                gate="format", passed=False, kind="reply unreadable", reason=f"the reply is no blueprint {text}"
            )
            attempts[0] = Attempt(number=0, verdicts=(unread,))
        records.append(
            Proposal(
                id=id, domain="retail", user="noor_haddad_2087", walk=("find_customer", "get_order", "return_items"),
                persona=f"in a hurry {text}", examples=("retail-00000",) if number > 5 else (),
                attempts=tuple(attempts), accepted=attempts[-1].accepted,
                usage={"generator": Usage(calls=len(tries), prompt=900, completion=210)},
            )
        )  # fmt: skip
    return records


def said(role: str, content: str = "", *calls: ToolCall, answers: str = "", error: bool = False) -> Message:
    return Message(role=role, content=content, tool_calls=calls, tool_call_id=answers, error=error)


def trajectory(id: str, number: int, success: bool, text: str = "") -> Trajectory:
    items = ["lamp_18"] if success else ["lamp_18", "kbd_77"]
    made = {"order_id": "W4781", "item_ids": items, "refund_to": "gift_card_55"}
    messages = (
        said(
            "user",
            f"Hi, I'd like to send back the lamp and the keyboard of my last order. I'm Noor Haddad, 94110. {text}",
        ),
        said(
            "assistant", "", ToolCall(id="c1", name="find_customer", arguments={"name": "Noor Haddad", "zip": "94110"})
        ),
        said("tool", '{"customer_id": "noor_haddad_2087", "orders": ["W4781"]}', answers="c1"),
        said("assistant", "", ToolCall(id="c2", name="return_items", arguments=None, raw='{"order_id": "W47')),
        said("tool", "Error: the arguments of return_items are not a JSON object", answers="c2", error=True),
        said(
            "assistant",
            f"I found order W4781. You'd like to return the lamp, refunded to the gift card. Shall I go ahead? {text}",
        ),
        said("user", "Yes. Actually keep the keyboard, just the lamp."),
        said("assistant", "", ToolCall(id="c3", name="return_items", arguments=made)),
        said("tool", '{"status": "return requested", "refund": 22.4}', answers="c3"),
        said(
            "assistant",
            "Done! You will get 22.40 back on your gift card." if success else "Done! You will get 64.90 back.",
        ),
        said("user", "Thanks. ###STOP###"),
    )
    if text:
        messages += (
            said("assistant", text, ToolCall(id=text, name=text, arguments={text: text})),
            said("tool", text, answers=text),
        )
    verdicts = (
        Verdict(gate="ended", passed=True),
        Verdict(
            gate="state",
            passed=success,
            kind="" if success else "state differs",
            reason="" if success else f"1 rows differ: orders/W4781 {text}",
        ),
        Verdict(
            gate="outputs",
            passed=success,
            kind="" if success else "output not told",
            reason="" if success else "told 0 of 1; not told: '22.40'",
        ),
    )
    first = Divergence(
        turn=7, kind="different arguments", expected=str(RETURN), found=str(Action(name="return_items", arguments=made))
    )
    return Trajectory(
        id=f"{id}.t{number}", blueprint=id, attempt=number, messages=messages, ended="stop",
        verdicts=verdicts, diff=EXPECTED if success else REACHED, divergence=None if success else first,
        usage={"agent": Usage(calls=4, prompt=9_000, cached=6_000, completion=400)},
    )  # fmt: skip


def trajectories(records: list[Proposal], text: str = "") -> list[Trajectory]:
    accepted = [p.id for p in records if p.accepted]
    return [trajectory(id, n, (number + n) % 3 != 0, text) for number, id in enumerate(accepted) for n in (1, 2, 3)]


QUESTION = "Did the customer agree to the return of the lamp before it was made?"


def reading(id: str, *answers: str, text: str = "") -> Reading:
    """A question that judges answered so, quoting the customer's agreement; "" abstained."""
    quotation = "Actually keep the  keyboard, just the lamp."
    opinions = tuple(
        Opinion(judge=f"judge {n}", answer=a, turn=6, quotation=f"{quotation}{text}")
        if a
        else Opinion(judge=f"judge {n}", error=f"abstained (unclear) {text}")
        for n, a in enumerate(answers, 1)
    )
    return Reading(id=id, claim="0a1b", question=f"{QUESTION} {text}".strip(), opinions=opinions, majority=2)


def marked_trajectories(id: str, text: str = "") -> list[Trajectory]:
    """One conversation that broke rules, one that is undecided, and one verified with notes."""
    rule = f"The agent must list the details and obtain explicit confirmation before it changes an order. {text}"
    noted = [
        Finding(turn=n, rule="repeated read", text="", found=f"get_order again {text}", outcome="noted") for n in (1, 3)
    ]
    unused = Finding(turn=1, rule="unused read", text="its result was never used", outcome="noted")
    broke = Finding(
        turn=7, rule=f"confirm_first{text}", text=rule, found=f"return_items was called before a yes {text}"
    )
    apart = Finding(turn=-1, rule="greeting", text="Say goodbye.", found=f"no goodbye {text}")
    doubt = Finding(
        turn=7, rule="confirm_first", text=rule, found=reading("yes", text=text).question, outcome="undecided"
    )

    def conduct(*findings: Finding, outcome: str = "held") -> Verdict:
        kind = {"held": "", "fell": "rule broken", "undecided": "no majority"}[outcome]
        return Verdict(
            gate="conduct", passed=outcome == "held", undecided=outcome == "undecided", kind=kind,
            reason=f"message 8: {rule}" if kind else "", findings=findings,
        )  # fmt: skip

    plain = [trajectory(id, n, True, text) for n in (4, 5, 6)]
    parts = (
        (conduct(broke, apart, noted[0], outcome="fell"), (reading("said", "yes", "yes", text=text),)),
        (conduct(doubt, noted[0], outcome="undecided"), (reading("yes", "yes", "no", "", text=text),)),
        (conduct(*noted, unused), ()),
    )
    return [
        t.model_copy(update={"verdicts": (*t.verdicts, verdict), "readings": readings})
        for t, (verdict, readings) in zip(plain, parts, strict=True)
    ]


def executed_notebook(path: Path, records: list[Proposal], talks: list[Trajectory], text: str = "") -> None:
    """A notebook as papermill leaves it: a figure, a table and a piece, code, and a warning on stderr."""
    frame = tables.verdicts(records)
    figure = charts.failures(tables.failures(frame)).to_plotly_json()
    bundle = {"application/vnd.plotly.v1+json": figure, "text/plain": "Figure"}
    last = talks[0]
    piece = pieces.compare(last, records[0].blueprint, EXPECTED)
    outputs = [
        new_output("stream", name="stderr", text="WARNING: not for the page"),
        new_output("display_data", bundle),
        new_output("display_data", {"text/html": pieces.table(frame)._repr_html_(), "text/plain": "t"}),
        new_output("display_data", {"text/html": piece._repr_html_(), "text/plain": "p"}),
    ]
    if text:
        outputs += [
            new_output("display_data", {"application/javascript": "window.hacked=9"}),
            new_output(
                "display_data", {"text/html": "<script>window.hacked=10</script><img src=x onerror=window.hacked=11>"}
            ),
        ]
    cells = [
        new_markdown_cell("# Pass rates\n\nWhat each gate let pass."),
        new_markdown_cell("## Parameters"),
        new_code_cell("secret_code = 1"),
        new_markdown_cell("## Look\n\n### A conversation that holds"),
        new_code_cell("look()", outputs=outputs),
        new_markdown_cell("## Next\n\nOpen the next notebook."),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


def make_run(folder: Path, text: str = "", count: int = 24, marked: bool = False) -> Path:
    """A run's folder as the stages leave it; `marked`, or with a hostile text, with findings, readings and undecided
    conversations."""
    records = proposals(count, text)
    talks = trajectories(records, text) + (marked_trajectories(records[0].id, text) if marked or text else [])
    if text:  # once is enough: a word of a million letters, everywhere
        word = "\u202eW" * 500_000
        records.append(proposals(2, word)[1].model_copy(update={"id": "retail-long"}))
        talks.append(trajectory("retail-long", 1, False, word))
    (folder / "dataset").mkdir(parents=True)
    (folder / "blueprints.jsonl").write_text("".join(r.line() + "\n" for r in records))
    (folder / "trajectories.jsonl").write_text("".join(r.line() + "\n" for r in talks))
    (folder / "dataset" / "proofs.jsonl").write_text("{}\n" * sum(t.success for t in talks))
    manifest = {
        "parameters": {"domain": "retail", "count": count, "random_seed": 7, "model": "scripted"},
        "models": {"agent": "scripted"},
        "prompts": {"generator": "0a1b2c"},
        "started": "2026-11-22T15:00:00",
        "finished": None,
    }
    (folder / "run.json").write_text(json.dumps(manifest))
    executed_notebook(folder / "notebooks" / "2_blueprints.ipynb", records, talks, text)
    return folder


def blocks(markup: str) -> list[tuple[str, Any]]:
    """The packed blocks of a page: their names, and what they hold; of columns the tables, each a list of rows."""
    found = re.findall(r'<script type="application/gzip" data-name="(\w+)">([^<]*)</script>', markup)
    opened = [(name, gzip.decompress(base64.b64decode(block))) for name, block in found]
    return [(name, rows_of(data) if name in ("index", "rows") else json.loads(data)) for name, data in opened]


def rows_of(data: bytes) -> dict[str, Any]:
    """A block of columns, read as a browser reads it: table → its rows, name → value (several values: a list)."""
    at = 4 + int.from_bytes(data[:4], "little")
    told = json.loads(data[4:at])
    tables: dict[str, Any] = {}
    for column in told.pop("columns"):
        size = column["bytes"]
        codes = [int.from_bytes(data[at + n : at + n + size], "little") for n in range(0, column["rows"] * size, size)]
        at += column["rows"] * size
        rows = tables.setdefault(column["table"], [{} for _ in codes])
        for row, code in zip(rows, codes, strict=True):
            chosen = column["sets"][code] if "sets" in column else [code]
            texts = [column["values"][n] for n in chosen] if column["table"] != "starts" else [code]
            row[column["name"]] = texts[0] if len(texts) == 1 else texts
    assert at == len(data)
    return {**told, **tables}


def items_of(index: dict[str, Any]) -> list[dict[str, Any]]:
    """The items of an explorer's index: texts, the facets that are their own, and those of each part."""

    def filled(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if value != []}

    starts = [row["starts"] for row in index["starts"]]
    parts = index.get("parts", [])
    of_parts = set(parts[0]) if parts else set()
    found = []
    for n, texts in enumerate(index["texts"]):
        own = filled(index["items"][n]) if "items" in index else {}
        facets = {name: value for name, value in own.items() if name not in of_parts}
        found.append({**texts, "facets": facets, "parts": list(map(filled, parts[starts[n] : starts[n + 1]]))})
    return found


def whole(page: Path) -> str:
    """A page and, behind it, what its packed blocks hold: items and panels as HTML, rows and indexes as JSON."""
    markup = page.read_text(encoding="utf-8")
    found = [markup]
    for _, data in blocks(markup):
        if isinstance(data, dict) and ("rows" in data or "items" in data):
            found.append(f'<script type="application/json">{embedded_data.as_json(data)}</script>')
        else:
            found += data.values() if isinstance(data, dict) else data
    return "\n".join(found)


class Tags(HTMLParser):
    """All tags of a page with their attributes; the content of scripts is data, so a parser sees none in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(markup: str) -> None:
    """No element or attribute that runs or loads anything, except our own scripts and JSON blocks."""
    for tag, attributes in Tags(markup).found:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form"), (tag, attributes)
        if tag == "script":
            ours = attributes.get("src") in ("report.js", "plotly.min.js")
            assert ours or attributes.get("type") in ("application/json", "application/gzip"), attributes
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("href", "src", "action", "srcset", "data"):
            assert not re.match(r"\s*(https?:|//|javascript:)", attributes.get(name) or "", re.IGNORECASE), attributes
