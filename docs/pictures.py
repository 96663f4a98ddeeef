"""Draw the pictures of the README from a run: `python docs/pictures.py outputs/demo` writes, beside this file,
report.png, the index of the report, and trajectory.png, a failed conversation with its first divergence.
Needs chromium."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from apigen_nb.records import Trajectory
from apigen_nb.report.html import write_report
from apigen_nb.store import read_lines

HERE = Path(__file__).resolve().parent
SIZE = {"width": 1280, "height": 800}
MOST = 250_000  # bytes of a picture
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def telling(run: Path) -> Trajectory:
    """The failed conversation that shows most in one screen: a call with other arguments, and few messages."""
    fallen = [t for t in read_lines(run / "trajectories.jsonl", Trajectory) if t.divergence]
    if not fallen:
        sys.exit(f"no conversation in {run} has failed: there is no divergence to show")
    return min(fallen, key=lambda t: (t.divergence.kind != "different arguments", len(t.messages), t.id))


def shoot(page: Page, path: Path) -> None:
    page.wait_for_timeout(1_000)  # figures are drawn after the page is loaded
    page.screenshot(path=path)
    if path.stat().st_size > MOST:
        sys.exit(f"{path.name} has {path.stat().st_size:,} bytes; at most {MOST:,} are wanted")
    print(f"{path} ({path.stat().st_size / 1e3:.0f} kB)")


def main(run: Path) -> None:
    if CHROMIUM is None:
        sys.exit("no chromium on this machine: apt-get install chromium")
    if not json.loads((run / "run.json").read_text()).get("finished"):
        sys.exit(f"{run} is not finished: apigen-nb run params/demo.yaml --out {run}")
    index = write_report(run).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(index.as_uri())
        last = page.locator("main .columns > .panel").nth(3).bounding_box()  # four charts, none cut in two
        page.set_viewport_size({**SIZE, "height": round(last["y"] + last["height"])})
        shoot(page, HERE / "report.png")
        page.set_viewport_size(SIZE)
        page.goto(f"{index.with_name('trajectories.html').as_uri()}#{telling(run).id}")
        page.locator("#item .divergence").wait_for()
        below_bar = page.locator("#item .tags").bounding_box()["y"] - 62
        page.evaluate("(by) => scrollTo(0, by)", below_bar)
        shoot(page, HERE / "trajectory.png")
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "run.json").is_file():
        sys.exit("usage: python docs/pictures.py RUN_FOLDER, for example outputs/demo")
    main(Path(sys.argv[1]))
