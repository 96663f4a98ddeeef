"""Draw the pictures of the README from the run called demo: `python docs/pictures.py outputs/demo` writes, beside this
file, report.png, the index of the report, and trajectory.png, a failed conversation with its first divergence and the
call that was wrong. Needs chromium."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from apigen_nb.records import Trajectory
from apigen_nb.report.write import write_report
from apigen_nb.storage.journal import read_lines

HERE = Path(__file__).resolve().parent
SIZE = {"width": 1280, "height": 800}
HEIGHT = 900  # of the conversation, which ends below the call that was wrong
MOST = 300_000  # bytes of a picture
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def telling(run: Path) -> Trajectory:
    """The failed conversation that shows most in one screen: a call with other arguments, soon, and few messages."""
    failed = [t for t in read_lines(run / "trajectories.jsonl", Trajectory) if t.divergence]
    if not failed:
        sys.exit(f"no conversation in {run} has failed: there is no divergence to show")
    return min(
        failed, key=lambda t: (t.divergence.kind != "different arguments", t.divergence.turn, len(t.messages), t.id)
    )


def shoot(page: Page, path: Path) -> None:
    page.wait_for_timeout(1_000)  # figures are drawn after the page is loaded
    page.screenshot(path=path)
    if path.stat().st_size > MOST:
        sys.exit(f"{path.name} has {path.stat().st_size:,} bytes; at most {MOST:,} are wanted")
    print(f"{path} ({path.stat().st_size / 1e3:.0f} kB)")


def main(run: Path) -> None:
    if run.resolve().name != "demo":
        sys.exit(f"the pictures name their run: expected one called demo, found {run.resolve().name}")
    if CHROMIUM is None:
        sys.exit("no chromium on this machine: apt-get install chromium")
    if not json.loads((run / "run.json").read_text()).get("finished"):
        sys.exit(f"{run} is not finished: apigen-nb run params/demo.yaml --out {run}")
    index = write_report(run).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(index.as_uri())
        page.add_style_tag(content="main .columns .panel:nth-child(n+3) { visibility: hidden }")  # they would be cut
        stacks = page.locator("main .columns > div").all()
        ends = [stack.locator(".panel").nth(1).bounding_box() for stack in stacks]  # four charts
        page.set_viewport_size({**SIZE, "height": round(max(end["y"] + end["height"] for end in ends)) + 12})
        shoot(page, HERE / "report.png")
        page.set_viewport_size(SIZE)
        page.goto(f"{index.with_name('trajectories.html').as_uri()}#{telling(run).id}")
        wrong = page.locator("main .divergence + *:visible, main .call.fell:visible").last
        wrong.wait_for()
        end = wrong.bounding_box()
        page.set_viewport_size({**SIZE, "height": HEIGHT})
        page.evaluate("(by) => scrollTo(0, by)", end["y"] + end["height"] + 30 - HEIGHT)
        shoot(page, HERE / "trajectory.png")
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "run.json").is_file():
        sys.exit("usage: python docs/pictures.py RUN_FOLDER, such as outputs/demo")
    main(Path(sys.argv[1]))
