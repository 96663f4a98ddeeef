"""A person reads a conversation in the app and drops it: the note is in the run's file, the dataset goes by it, and
whatever was typed is text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apigen_nb.dataset.export import build_dataset
from apigen_nb.dataset.notes import read_notes
from apigen_nb.dataset.people import DROPPED
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.report.write import write_report
from apigen_nb.storage.run_folder import Run
from apigen_nb.world.domain import Domain
from tests.browser.test_app import ARTIFACTS, App, pytestmark, serve, sync_api
from tests.browser.watched import Watched, problems
from tests.dataset_runs import rows, small_run

__all__ = ["pytestmark"]
TYPED = "<img src=x onerror=window.hacked=2><script>window.hacked=1</script> [x](javascript:window.hacked=3) \u202egnp"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("noted") / "run"
    with ThreadPoolExecutor() as beside:  # the browser's loop runs in this thread
        beside.submit(asyncio.run, small_run(made, Domain.load("retail"), count=12)).result()
    return made


@pytest.fixture(scope="module")
def shown(browser: sync_api.Browser, folder: Path) -> Iterator[App]:
    process, base = serve(folder, folder.parent / "voila.log")
    try:
        yield App(browser.new_page(viewport={"width": 1280, "height": 900}), base)
    finally:
        process.terminate()
        process.wait(20)


def test_a_note_made_in_the_app_is_in_the_file_and_in_the_dataset(shown: App, folder: Path, watched: Watched) -> None:
    page = shown.page
    shown.go("Trajectories")
    page.select_option("[data-facet=outcome]", "verified")
    page.wait_for_function("document.querySelector('[data-facet=outcome]').value === 'verified'")
    page.wait_for_function(
        "document.querySelector('.apigen-note b').innerText.endsWith(document.querySelector('.shown-id').innerText)"
    )
    chosen = shown.chosen
    assert chosen in [row["id"] for row in rows(folder, "trl")]
    page.get_by_label("note", exact=True).select_option("drop it")
    page.get_by_label("why", exact=True).fill(TYPED)
    page.get_by_label("who", exact=True).fill("Reader <b>1</b>")
    page.get_by_label("who", exact=True).press("Tab")
    page.get_by_role("button", name="Save note").click()
    page.get_by_text("Saved: drop it.").wait_for()
    page.screenshot(path=ARTIFACTS / "app-note.png")
    box = page.locator(".apigen-note").bounding_box()
    assert box is not None
    assert 600 < box["y"] < box["y"] + box["height"] <= 900, "it stays in sight"
    page.screenshot(path=ARTIFACTS / "app-note.png")
    [note] = read_notes(Run(folder).notes)
    assert (note.id, note.verdict, note.why, note.who) == (chosen, "drop", TYPED, "Reader <b>1</b>")
    assert page.locator(".apigen-note :is(script, img, a)").count() == 0
    assert problems(page) == []

    seen = shown.until_changed(".shown-id", page.locator(".next").click)
    page.wait_for_function("(id) => document.querySelector('.apigen-note b').innerText.endsWith(id)", arg=seen)
    assert page.get_by_label("why", exact=True).input_value() == ""
    shown.until_changed(".shown-id", page.locator(".previous").click)
    page.locator(".shown-item:not([aria-busy]) .why", has_text="A person: drop it").wait_for()
    assert "onerror=window.hacked=2" in shown.item
    shown.clean()

    summary = build_dataset(Run(folder), Domain.load("retail"), {"agent": "by hand"})
    assert summary.left_out[DROPPED] == 1
    assert chosen not in [row["id"] for row in rows(folder, "trl")]
    [told] = [one for one in rows(folder, "left_out") if one["reason"] == DROPPED]
    assert (told["id"], told["found"]) == (chosen, TYPED)
    assert verify_dataset(folder).holds

    report = write_report(folder)
    watched.page.goto(f"{report.parent.as_uri()}/dataset.html")
    said = watched.page.locator(".panel", has=watched.page.get_by_text("What people say"))
    assert TYPED.partition(" \u202e")[0] in said.inner_text()
    assert said.locator("script, img").count() == 0
    said.get_by_role("link", name=chosen).first.click()
    watched.page.locator(".shown-item .why", has_text="A person: drop it").wait_for()
    assert watched.page.evaluate("window.hacked") is None
