"""Draw the pictures of the README from the run called demo: `python docs/pictures.py outputs/demo` writes, beside this
file, report.png, the index of the report; trajectory.png, a failed conversation with its first divergence and the call
that was wrong; and tour.webp, the way from a bar to what it counts and on, picture by picture. Needs chromium."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from apigen_nb.records import Trajectory
from apigen_nb.report.write import write_report
from apigen_nb.storage.journal import read_lines

HERE = Path(__file__).resolve().parent
SIZE = {"width": 1280, "height": 800}
HEIGHT = 900  # of the conversation, which ends below the call that was wrong
MOST, MOST_TOUR = 300_000, 1_000_000  # bytes of a picture, and of the tour
TOUR_WIDTH, STAY = 960, 3_500  # pixels, and milliseconds that each picture of the tour stays
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def telling(run: Path) -> Trajectory:
    """The failed conversation that shows most in one screen: a call with other arguments, soon, and few messages."""
    failed = [t for t in read_lines(run / "trajectories.jsonl", Trajectory) if t.divergence]
    if not failed:
        sys.exit(f"no conversation in {run} has failed: there is no divergence to show")
    return min(
        failed, key=lambda t: (t.divergence.kind != "different arguments", t.divergence.turn, len(t.messages), t.id)
    )


def small(path: Path, most: int) -> None:
    if path.stat().st_size > most:
        sys.exit(f"{path.name} has {path.stat().st_size:,} bytes; at most {most:,} are wanted")
    print(f"{path} ({path.stat().st_size / 1e3:.0f} kB)")


def shoot(page: Page, path: Path) -> None:
    page.wait_for_timeout(1_000)  # figures are drawn after the page is loaded
    page.screenshot(path=path)
    small(path, MOST)


def frame(page: Page) -> Image.Image:
    """What is in sight, as a picture of the tour."""
    page.wait_for_timeout(1_000)
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return shown.resize((TOUR_WIDTH, round(shown.height * TOUR_WIDTH / shown.width)), Image.Resampling.LANCZOS)


def tour(page: Page, index: Path, told: Trajectory) -> list[Image.Image]:
    """From the index to the blueprints that fell at a gate, to what feedback changed in one, to the conversation that
    failed, and to what a word of it means."""
    page.set_viewport_size(SIZE)
    page.goto(index.as_uri())
    frames = [frame(page)]
    for address in (
        "blueprints.html#?fell+at=policy&outcome=repaired+by+reflection",
        "reflection.html#?came+of+it=accepted",
    ):
        page.goto(f"{index.parent.as_uri()}/{address}")
        page.locator(".shown-item .panel").first.wait_for()
        if address.startswith("reflection"):
            page.locator(".explorer").evaluate("(box) => box.scrollIntoView()")
        frames.append(frame(page))
    page.goto(f"{index.with_name('trajectories.html').as_uri()}#{told.id}")
    page.locator(".shown-item .bubble").first.wait_for()
    frames.append(frame(page))
    show_wrong(page, SIZE["height"])
    frames.append(frame(page))
    page.evaluate("scrollTo(0, 0)")
    page.locator(".shown-item .tags .term").first.click()
    return [*frames, frame(page)]


def show_wrong(page: Page, height: int) -> None:
    """Scroll so that the call that was wrong stands at the foot of the window."""
    wrong = page.locator("main .divergence + *:visible, main .call.fell:visible").last
    wrong.wait_for()
    page.evaluate("scrollTo(0, 0)")
    end = wrong.bounding_box()
    page.evaluate("(by) => scrollTo(0, by)", end["y"] + end["height"] + 30 - height)


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
        told = telling(run)
        page.set_viewport_size({**SIZE, "height": HEIGHT})
        page.goto(f"{index.with_name('trajectories.html').as_uri()}#{told.id}")
        show_wrong(page, HEIGHT)
        shoot(page, HERE / "trajectory.png")
        first, *others = tour(page, index, told)
        first.save(HERE / "tour.webp", save_all=True, append_images=others, duration=STAY, loop=0, quality=80, method=6)
        small(HERE / "tour.webp", MOST_TOUR)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "run.json").is_file():
        sys.exit("usage: python docs/pictures.py RUN_FOLDER, such as outputs/demo")
    main(Path(sys.argv[1]))
