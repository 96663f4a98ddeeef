"""The diff of any two trajectories: what its script finds is held to properties, and to what Python finds of the same
values; what a person sees of it, in a real browser."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from apigen_nb.records import Change, Finding, Message, Proposal, ToolCall, Trajectory, Verdict
from apigen_nb.report import alignment, pieces, text_diff
from apigen_nb.report.comparable import comparable, plain
from apigen_nb.report.embedded_data import as_json
from apigen_nb.report.write import write_report, write_single_file
from tests.browser.watched import CHROMIUM, LOOKS, Watched, sync_api
from tests.report_records import EXPECTED, HOSTILE, REACHED, make_run, proposals, said, trajectory

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

SCRIPTS = ("site", "align", "trajectory_diff", "diff_view", "diff_panels")
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Find = Callable[..., Any]


@pytest.fixture(scope="module")
def find(browser: sync_api.Browser) -> Iterator[Find]:
    """Evaluates JavaScript in a page that has the diff's functions; its arguments go the way of a page's data."""
    page = browser.new_page()
    for name in SCRIPTS:
        page.add_script_tag(content=(pieces.ASSETS / "js" / f"{name}.js").read_text("utf-8"))

    def found(function: str, *arguments: Any) -> Any:
        read = f"(texts) => JSON.stringify(({function})(...texts.map((text) => JSON.parse(text))))"
        return json.loads(page.evaluate(read, [as_json(one) for one in arguments]))

    yield found
    page.close()


# --- what Python finds of the same values

TEXT = st.text(alphabet="ab .,\n1é", max_size=60)
LEAF = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"])
KEYED = st.lists(st.fixed_dictionaries({"item_id": st.sampled_from("pqrs"), "n": LEAF}), max_size=4)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3) | KEYED,
    max_leaves=12,
)
ROW = st.dictionaries(st.sampled_from(["status", "items", "total"]), VALUE, max_size=3)


@SLOW
@given(TEXT, TEXT)
def test_words_are_those_of_text_diff(find: Find, one: str, other: str) -> None:
    one, other = sorted((one, other), key=lambda text: [ord(letter) for letter in text])
    parts = text_diff.compare(one, other)
    left, right = find("(a, b) => words(a, b)", one, other)
    assert [text for text, differs in left if differs] == [text for kind, text in parts if kind == "gone"]
    assert [text for text, differs in right if differs] == [text for kind, text in parts if kind == "new"]
    assert "".join(text for text, _ in left) == one
    assert "".join(text for text, _ in right) == other


@SLOW
@given(ROW, ROW | st.none(), ROW | st.none())
def test_fields_are_those_of_the_groundtruths_table(find: Find, before: Any, expected: Any, reached: Any) -> None:
    rows = [[Change(table="t", id="1", before=before, after=after)] for after in (expected, reached)]
    fields = alignment.changed_fields(*rows)
    sides = [before, expected, reached]
    code = "(sides) => differing('', sides.map((s) => s ?? undefined)).map(([p, v]) => [p, v.map((x) => x ?? null)])"
    absent = [[None if v is alignment.ABSENT else v for v in (f.before, f.expected, f.reached)] for f in fields]
    assert sorted(find(code, sides), key=str) == sorted(
        ([f.path, v] for f, v in zip(fields, absent, strict=True)), key=str
    )


# --- properties

NAMES = st.sampled_from(["get_order", "return_items", "cancel"])
ARGUMENTS = st.dictionaries(st.sampled_from(["order_id", "item_ids", "__proto__"]), VALUE, max_size=3) | st.none()
SAID = st.lists(st.sampled_from(["yes", "the", "lamp", "return", "###STOP###", "please"]), max_size=8).map(" ".join)
IDS = st.sampled_from(["c1", "c2", "c3"])
MESSAGE = st.one_of(
    st.builds(Message, role=st.just("user"), content=SAID),
    st.builds(
        Message,
        role=st.just("assistant"),
        content=SAID,
        tool_calls=st.lists(st.builds(ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS, raw=SAID), max_size=2).map(
            tuple
        ),
    ),
    st.builds(Message, role=st.just("tool"), content=SAID, tool_call_id=IDS, error=st.booleans()),
)
BASE = {f"orders/{n}": {"status": "open", "items": [{"item_id": "p", "n": 1}, {"item_id": "q", "n": 2}]} for n in "123"}
DELTA = st.dictionaries(st.sampled_from(sorted(BASE)), ROW | st.none(), max_size=3).map(
    lambda rows: tuple(Change(table="orders", id=key[7:], before=BASE[key], after=after) for key, after in rows.items())
)
VERDICTS = st.lists(
    st.builds(Verdict, gate=st.sampled_from(["state", "conduct"]), passed=st.booleans()), max_size=2
).map(tuple)
TRAJECTORY = st.builds(
    Trajectory,
    id=st.just("x.t1"),
    blueprint=st.just("x"),
    attempt=st.just(1),
    messages=st.lists(MESSAGE, max_size=12).map(tuple),
    ended=st.sampled_from(["stop", "max_steps"]),
    verdicts=VERDICTS,
    diff=DELTA,
)
WRITES = ("return_items", "cancel")
DIFF = "(a, b) => diffOf(a, b)"


def known(record: Proposal | None, *tried: Trajectory) -> list[dict[str, Any]]:
    return [comparable(one, record, WRITES) for one in tried]


RECORDS = st.sampled_from([None, proposals(1)[0]])


@SLOW
@given(TRAJECTORY, RECORDS)
def test_nothing_differs_from_itself(find: Find, one: Trajectory, record: Proposal | None) -> None:
    diff = find(DIFF, *known(record, one, one))
    assert {row["status"] for row in diff["rows"]} <= {"same"}
    assert all(part["same"] for part in (*diff["state"], *diff["checks"]))
    assert (diff["any"], diff["call"], diff["write"]) == (-1, -1, -1)


@SLOW
@given(TRAJECTORY, TRAJECTORY, RECORDS)
def test_every_turn_once_and_mirrored_from_the_other_side(
    find: Find, one: Trajectory, other: Trajectory, record: Proposal | None
) -> None:
    sides = known(record, one, other)
    diff = find(DIFF, *sides)
    for name, side in zip(("one", "other"), sides, strict=True):
        assert [row[name] for row in diff["rows"] if row[name]] == json.loads(as_json(side["turns"]))
    mirrored = find("(a, b) => { const d = diffOf(b, a); const turn = ({ one, other, ...rest }) => "
                    "({ ...rest, one: other, other: one }); for (const n of ['rows', 'state', 'checks', 'outputs']) "
                    "d[n] = d[n].map(turn); return d; }", *sides)  # fmt: skip
    assert mirrored == diff
    drawn = "(a, b) => drawDiff(a, b, { href: () => '#', open() {}, swap() {} }).querySelectorAll('.turn').length"
    common = sum(row["status"] == "same" for row in diff["rows"])
    assert find(drawn, *sides) == sum(len(side["turns"]) for side in sides)
    assert all(row["status"] != "same" or (row["one"] and row["other"]) for row in diff["rows"])
    assert common <= min(len(side["turns"]) for side in sides)


@SLOW
@given(TRAJECTORY)
def test_every_message_is_in_a_turn(one: Trajectory) -> None:
    """Nothing that was said, called or answered is left out."""
    turns = comparable(one, None)["turns"]
    made = alignment.calls_made(one.messages)
    assert sum(turn["who"] == "call" for turn in turns) == len(one.calls)
    spoken = {n + 1 for n, m in enumerate(one.messages) if m.role != "tool" and m.content}
    assert {turn["n"] for turn in turns if turn["who"] in ("user", "agent")} >= spoken
    results = {n + 1 for n, m in enumerate(one.messages) if m.role == "tool"}
    assert {t["n"] for t in turns if t["who"] == "result"} | {c.answer + 1 for c in made if c.answer >= 0} == results


# --- by example


def talk(*messages: Message, diff: tuple[Change, ...] = (), **more: Any) -> Trajectory:
    whole = trajectory("retail-00000", 1, True)
    return whole.model_copy(update={"messages": messages, "diff": diff, **more})


def call(name: str, result: str = "ok", error: bool = False, **arguments: Any) -> tuple[Message, Message]:
    id = f"c{name}{len(arguments)}"
    return said("assistant", "", ToolCall(id=id, name=name, arguments=arguments)), said(
        "tool", result, answers=id, error=error
    )


def statuses(diff: dict[str, Any]) -> list[str]:
    return [row["status"] for row in diff["rows"]]


def test_turns_are_aligned_by_what_was_called_and_words_by_likeness(find: Find) -> None:
    one = talk(said("user", "I want to return the lamp please"), *call("get_order", order_id="1"),
               *call("return_items", order_id="1", item_ids=["lamp"]), said("assistant", "Done."))  # fmt: skip
    other = talk(said("user", "I want to return the old lamp please"), said("assistant", "What is your name?"),
                 *call("get_order", order_id="1"), *call("return_items", order_id="1", item_ids=["lamp", "desk"]),
                 said("assistant", "Done."))  # fmt: skip
    diff = find(DIFF, *known(None, one, other))
    assert statuses(diff) == ["words", "only", "same", "arguments", "same"]
    assert (diff["any"], diff["call"], diff["write"]) == (0, 3, 3)


def test_what_is_called_elsewhere_has_moved(find: Find) -> None:
    reads = [call("get_order", order_id=n) for n in "12"]
    diff = find(DIFF, *known(None, talk(*reads[0], *reads[1]), talk(*reads[1], *reads[0])))
    assert sorted(statuses(diff)) == ["moved", "moved", "same"]
    moved = [row for row in diff["rows"] if row["status"] == "moved"]
    for row in moved:
        (own,) = filter(None, (row["one"], row["other"]))
        assert (own["name"], own["arguments"]) == (row["moved"]["name"], row["moved"]["arguments"])
    assert diff["write"] == -1


def test_another_result_and_another_call_instead(find: Find) -> None:
    one = talk(*call("get_order", order_id="1"), *call("cancel", order_id="1", result="no such order", error=True))
    other = talk(*call("get_order", order_id="1", result="gone"), *call("return_items", order_id="1"))
    assert statuses(find(DIFF, *known(None, one, other))) == ["result", "instead"]


def test_end_states_row_by_row_beside_what_was_expected(find: Find) -> None:
    verified, failed = (trajectory("retail-00000", n, n == 1) for n in (1, 2))
    assert (verified.diff, failed.diff) == (EXPECTED, REACHED)
    diff = find(DIFF, *known(proposals(1)[0], verified, failed))
    apart = [(f["row"], f["path"], f["expected"], f["one"], f["other"]) for f in diff["state"] if not f["same"]]
    assert apart == [
        ("orders/W4781", "total", 112.4, 112.4, 154.9),
        ("orders/W4781", "items.kbd_77.status", "delivered", "delivered", "returned"),
    ]
    assert diff["isOneTask"]
    common = [f["path"] for f in diff["state"] if f["same"]]
    assert common == ["status", "items.lamp_18.status"]
    assert [check["name"] for check in diff["checks"] if not check["same"]] == ["outputs", "state"]
    other = proposals(2)[1].model_copy(update={"accepted": False})
    assert not find(DIFF, *known(other, verified, failed))["isOneTask"], "of an unknown task nothing is expected"


def test_numbers_and_long_texts_stay_what_they_are() -> None:
    assert plain([1, 1.0, 2.5, True, None, 2**60, float("nan")]) == [1, "1.0", 2.5, True, None, str(2**60), "nan"]
    one, other = (plain("a" * 9_000 + end) for end in "xy")
    assert one != other
    assert len(one) < 5_200


# --- what a person sees


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    other = make_run(folder / "other", marked=True, count=12)
    first = make_run(folder / "demo", marked=True, count=12)
    lines = (other / "trajectories.jsonl").read_text().splitlines()
    exchanged = [Trajectory.model_validate_json(line) for line in lines]
    turned = {t.id: t.model_copy(update={"verdicts": (Verdict(gate="ended", passed=False),)}) for t in exchanged[:2]}
    (other / "trajectories.jsonl").write_text("".join(turned.get(t.id, t).line() + "\n" for t in exchanged))
    (first / "dataset" / "preference").mkdir()
    pairs = pd.DataFrame({"id": ["retail-00000.t1/retail-00000.t3"], "cause": ["state differs"]})
    pairs.to_parquet(first / "dataset" / "preference" / "train.parquet")
    return write_report(first, [other]).parent


@pytest.fixture
def watched(browser: sync_api.Browser) -> Iterator[Watched]:
    found = Watched(browser)
    yield found
    found.context.close()


PAIR = "#retail-00000.t1?with=retail-00000.t3"


def ids(page: sync_api.Page) -> list[str]:
    """A and B of the diff that is shown."""
    page.locator(".shown-item:not([aria-busy]) .diff").wait_for()
    return page.locator(".diff .heads a").all_inner_texts()


def test_the_answer_stands_first_and_the_address_keeps_both(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "trajectories.html", "#retail-00000.t1")
    page.select_option(".with", "retail-00000.t3")
    assert ids(page) == ["retail-00000.t1", "retail-00000.t3"]
    assert page.evaluate("location.hash") == PAIR
    answer = page.locator(".diff .answer").inner_text()
    assert "verified" in answer
    assert "failed" in answer
    assert "return_items with item_ids" in answer.replace("\n", " ")
    assert "2 of 4 fields differ" in answer
    box = page.locator(".diff .answer").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 500, "it is in sight at once"
    shown = page.locator(".shown-item").inner_text()
    assert ids(watched.open(demo / "trajectories.html", PAIR)) == ["retail-00000.t1", "retail-00000.t3"]
    assert page.locator(".shown-item").inner_text() == shown
    page.locator(".swap").click()
    sync_api.expect(page.locator(".diff .heads a").first).to_have_text("retail-00000.t3")
    assert page.evaluate("location.hash") == "#retail-00000.t3?with=retail-00000.t1"
    page.locator(".diff .heads a").nth(1).click()
    sync_api.expect(page.locator(".shown-item .chat")).to_have_count(1)
    assert page.evaluate("location.hash") == "#retail-00000.t1"
    assert watched.errors == []


def test_equal_turns_are_folded_and_keys_go_from_difference_to_difference(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "trajectories.html", PAIR)
    ids(page)
    assert page.locator(".diff .same-run[open]").count() == 0
    assert page.locator(".diff .same-run").count() > 1
    marked = page.locator(".diff .turns mark.differs").all_inner_texts()
    assert "kbd_77" in marked
    page.keyboard.press("n")
    first = page.evaluate("document.activeElement.className")
    assert first == "pair is-arguments"
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.className") == "pair is-words"
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.className") == first
    page.get_by_role("button", name="first write that differs").click()
    assert page.evaluate("document.activeElement.previousSibling.textContent") == "here they part"
    page.locator(".diff .same-run summary").first.focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator(".diff .same-run[open]")).to_have_count(1)
    page.keyboard.press("j")
    sync_api.expect(page.locator(".shown-item .diff")).to_have_count(0)


def test_any_other_conversation_can_be_named(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "trajectories.html", "#retail-00000.t1")
    page.select_option(".with", "…")
    assert page.evaluate("document.activeElement.className") == "any"
    page.keyboard.type("00002")
    offered = page.locator("datalist option").evaluate_all("(all) => all.map((one) => one.value)")
    assert offered == [f"retail-00002.t{n}" for n in (1, 2, 3)]
    page.keyboard.type(".t2")
    assert page.locator("datalist option").count() == 1
    page.fill(".any", "retail-00002.t2")
    assert ids(page) == ["retail-00000.t1", "retail-00002.t2"]
    assert page.locator(".with").input_value() == "retail-00002.t2"
    page.select_option(".with", "")
    sync_api.expect(page.locator(".shown-item .diff")).to_have_count(0)
    page = watched.open(demo / "trajectories.html", "#retail-00000.t1?with=retail-99999.t1")
    sync_api.expect(page.locator(".position")).to_contain_text("retail-99999.t1 is not on this page")


def test_a_message_of_either_side_has_an_address(watched: Watched, demo: Path) -> None:
    for side, message in (("retail-00000.t4", 8), ("retail-00000.t4", 2)):
        page = watched.open(demo / "trajectories.html", f"#{side}?with=retail-00000.t5&message={message}")
        focused = "document.activeElement.dataset.turn === '%d' && document.activeElement.checkVisibility()"
        page.wait_for_function(f"() => {focused % message}")
    assert page.locator(".diff .finding.is-fell").count() == 1
    assert page.locator(".diff .finding.is-undecided").count() == 1
    page.locator(".diff .is-judged .finding.is-fell").wait_for()
    assert "nowhere: both say and do the same" in page.locator(".diff .answer").inner_text()


def test_the_ways_there(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "blueprints.html", "#retail-00000")
    page.get_by_role("link", name="compare t1 with t3").click()
    assert ids(page) == ["retail-00000.t1", "retail-00000.t3"]
    page = watched.open(demo / "dataset.html")
    page.get_by_role("link", name="compare retail-00000.t1 with retail-00000.t3").click()
    assert ids(page) == ["retail-00000.t1", "retail-00000.t3"]
    page = watched.open(demo / "compare.html")
    turned = page.locator("section", has_text="Conversations that came out otherwise").locator("tbody a")
    assert turned.count() == 2
    turned.first.click()
    assert ids(page) == ["demo/retail-00000.t1", "other/retail-00000.t1"]
    assert "nowhere: both say and do the same" in page.locator(".diff .answer").inner_text()
    page.locator(".diff .heads a").nth(1).click()
    page.get_by_role("link", name="in its own report").wait_for()
    href = page.get_by_role("link", name="in its own report").get_attribute("href")
    assert href == "../../other/report/trajectories.html#retail-00000.t1"
    assert watched.errors == []


def test_in_the_single_file(watched: Watched, demo: Path) -> None:
    page = watched.open(write_single_file(demo.parent), f"#/trajectories.html/{PAIR[1:]}")
    assert ids(page) == ["retail-00000.t1", "retail-00000.t3"]
    page.locator(".swap").click()
    sync_api.expect(page.locator(".diff .heads a").first).to_have_text("retail-00000.t3")
    assert page.evaluate("location.hash") == "#/trajectories.html/retail-00000.t3?with=retail-00000.t1"
    page = watched.open(demo.parent / "report.html", "#/blueprints.html/retail-00000")
    page.get_by_role("link", name="compare t2 with t3").click()
    assert ids(page) == ["retail-00000.t2", "retail-00000.t3"]
    assert watched.errors == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_it_can_be_read_everywhere(browser: sync_api.Browser, demo: Path, scheme: str, width: int) -> None:
    from axe_playwright_python import sync_playwright as axe

    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    for name, fragment in (("attempts", PAIR), ("tasks", "#retail-00000.t4?with=retail-00002.t2")):
        page = watched.open(demo / "trajectories.html", fragment)
        ids(page)
        watched.shoot(f"diff-{name}-{scheme}-{width}")
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        problems = axe.Axe().run(page).response["violations"]
        assert [f"{p['id']}: {p['nodes'][0]['html']}" for p in problems] == []
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".diff .answer").is_visible()
    watched.context.close()


def test_hostile_texts_are_texts(watched: Watched, tmp_path: Path) -> None:
    report = write_report(make_run(tmp_path / "hostile", HOSTILE, count=6)).parent
    for pair in (
        "#retail-00000.t1?with=retail-00000.t3",
        "#retail-00000.t4?with=retail-00002.t2",
        "#retail-long.t1?with=retail-00000.t5",
    ):
        page = watched.open(report / "trajectories.html", pair)
        assert ids(page) == [part.split("=")[-1].lstrip("#") for part in pair.split("?")]
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        page.wait_for_timeout(200)
        assert "window.hacked" in page.locator(".diff .turns").inner_text(), "it is there to read"
        assert page.evaluate("window.hacked") is None
        assert page.locator(".diff :is(img, script, iframe, object, form)").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.requests == []
    assert watched.errors == []


def test_findings_of_one_call_stand_at_it() -> None:
    found = Finding(turn=2, rule="r", text="why")
    one = talk(
        said("user", "hi"),
        *call("cancel", order_id="1"),
        verdicts=(Verdict(gate="conduct", passed=False, findings=(found,)),),
    )
    (turn,) = [turn for turn in comparable(one, None)["turns"] if turn["findings"]]
    assert (turn["who"], turn["n"]) == ("call", 2), "what is found at a result is found at its call"
