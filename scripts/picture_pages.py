"""Photograph the explorer: every chapter in its states, at every width, light and dark, for a person to look at.

    python scripts/picture_pages.py FOLDER [--only belt] [--widths 360,1280] [--themes light] [--models M.latch,N.latch]

Needs Chromium and Playwright, as the tests of the pages do. Anything on the console is told at the end, with exit 1.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from chromium import chromium, served
from playwright.sync_api import Browser, Locator, Page

WIDTHS = (360, 1280, 2560)
THEMES = ("light", "dark")
HEIGHT = 900
SETTLED = 900  # milliseconds, after which no transition or pulse is on its way
LESSON = 120_000  # milliseconds at most, beside other work

Act = Callable[[Page, Locator], None]


def press(*names: str, times: int = 1) -> Act:
    def act(_: Page, chapter: Locator) -> None:
        for name in names:
            for _ in range(times):
                chapter.get_by_role("button", name=name, exact=True).first.click()

    return act


def learn(_: Page, chapter: Locator) -> None:
    chapter.get_by_role("button", name="Learn it from a diary").click()
    chapter.get_by_text("days it had never seen").wait_for(timeout=LESSON)


def inspect(_: Page, chapter: Locator) -> None:
    chapter.get_by_role("button", name="Day 6").click()
    chapter.locator("button.token").first.click()


def to_month(_: Page, chapter: Locator) -> None:
    chapter.get_by_role("button", name="Airline passengers").click()
    chapter.get_by_role("slider").first.fill("100")


def slide(to: int) -> Act:
    return lambda _, chapter: chapter.get_by_role("slider").first.fill(str(to))


def draw(page: Page, chapter: Locator) -> None:
    """A seven, by the mouse."""
    chapter.get_by_role("button", name="Clear").click()
    pad = chapter.locator("canvas.pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    at = [(0.28, 0.25), (0.7, 0.25), (0.45, 0.8)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in at]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=12)
    page.mouse.up()
    chapter.get_by_text("It reads a").wait_for()


def ask_letter(_: Page, chapter: Locator) -> None:
    chapter.get_by_role("button", name="Shakespeare").click()
    chapter.get_by_role("button", name="By influence").click()
    chapter.locator(".letters span").nth(15).click()


def give(path: Path) -> Act:
    return lambda _, chapter: chapter.locator("#model-file").set_input_files(str(path))


def term(page: Page, chapter: Locator) -> None:
    chapter.locator("[data-term]").first.focus()


STATES: dict[str, dict[str, Act | None]] = {
    "roommate": {
        "opened": None,
        "served": press("rainy", "Step", "Step", "Step", "Step", "Step"),
        "plain": press("By the weather", "Step"),
        "recurrent": press("By yesterday", "Step"),
        "term": term,
        "learned": learn,
    },
    "belt": {
        "opened": None,
        "inspected": inspect,
        "gru": press("GRU", "Step"),
        "simple": press("Simple RNN", "Step"),
        "slstm": press("sLSTM", "Step", "Step", "Step"),
        "airline": to_month,
    },
    "memory": {"opened": None, "near": slide(1), "far": slide(5)},
    "model": {
        "opened": None,
        "drawn": draw,
        "series": press("Airline passengers"),
        "forecast": press("A saved forecast"),
        "text": ask_letter,
    },
}


def photograph(browser: Browser, address: str, out: Path, theme: str, width: int, states: dict[str, dict]) -> list[str]:
    """Write the pictures of one width and theme; gives what was on the console."""
    said: list[str] = []
    for name, acts in states.items():
        for state, act in acts.items():
            page = browser.new_page(viewport={"width": width, "height": HEIGHT})
            page.on("console", lambda message: said.append(message.text) if message.type != "log" else None)
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(f"{address}?theme={theme}#{name}")
            page.evaluate("document.querySelector('.bar').style.position = 'static'")  # else it lies across the picture
            chapter = page.locator(f"#{name}")
            chapter.scroll_into_view_if_needed()
            page.locator(f'#{name} [data-ready="true"]').wait_for()
            if act is not None:
                act(page, chapter)
            page.wait_for_timeout(SETTLED)
            chapter.screenshot(path=out / f"{name}-{state}-{width}-{theme}.png")
            page.close()
    page = browser.new_page(viewport={"width": width, "height": HEIGHT})
    page.goto(f"{address}?theme={theme}")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=out / f"opening-{width}-{theme}.png")
    page.close()
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="chapters, or states such as belt-gru, with commas between them")
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--themes", default=",".join(THEMES))
    parser.add_argument("--models", default="", help=".latch files to open in chapter 4, with commas between them")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    states = {name: dict(acts) for name, acts in STATES.items()}
    for path in filter(None, given.models.split(",")):
        states["model"][Path(path).stem] = give(Path(path))
    if given.only:
        wanted = given.only.split(",")
        states = {
            name: {state: act for state, act in acts.items() if name in wanted or f"{name}-{state}" in wanted}
            for name, acts in states.items()
        }
    said: list[str] = []
    with served() as address, chromium() as browser:
        for theme in given.themes.split(","):
            for width in map(int, given.widths.split(",")):
                said += photograph(browser, address, given.folder, theme, width, states)
    print(f"{len(list(given.folder.glob('*.png')))} pictures in {given.folder}")
    for line in dict.fromkeys(said):
        print(f"on the console: {line}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
