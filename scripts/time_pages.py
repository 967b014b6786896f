"""How fast the explorer is in Chromium: first paint, a step of LSTM(128) with all that is drawn, and large models.

    python scripts/time_pages.py [--runs 7] [--frames 200] [--json]

First paint is the browser's own first-contentful-paint, in fresh contexts, of the served page and of the self-contained
file. A step is one letter appended to a text that an LSTM of 128 units reads: the network's step, the bars, every
letter's colour and six pictures of 128 units. It is measured twice: the script's time with the layout that it causes,
from the event until a forced layout returns; and the time between frames when a letter comes with every frame. Large
models are opened from one file on disk. Weights are random: no time depends on their values.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from chromium import chromium, served
from playwright.sync_api import Browser, Page

from latchwork.core import spec, storage
from latchwork.explain.page import web_folder, write_page

LETTERS = "\ufffd" + "".join(map(chr, range(32, 97)))
LARGE = (1100, 2000)  # units: models of 20 and 64 MB
TEXT = "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer " * 3

# One letter more: milliseconds of script and layout for each, from 100 letters on.
STEP = """async ([text, from, steps]) => {
  const area = document.querySelector("#model textarea");
  const times = [];
  for (let at = from; at < from + steps; at++) {
    area.value = text.slice(0, at);
    const start = performance.now();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    document.querySelector("#model").getBoundingClientRect();
    times.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  return times;
}"""
FRAMES = """async ([text, from, steps]) => {
  const area = document.querySelector("#model textarea");
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let at = from; at < from + steps; at++) {
    area.value = text.slice(0, at);
    area.dispatchEvent(new Event("input", { bubbles: true }));
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def letters_model(path: Path, hidden: int) -> None:
    layers = [spec.Embedding(len(LETTERS), 24), spec.LSTM(hidden, return_sequences=True), spec.Dense(len(LETTERS))]
    network = spec.Sequential(layers, input_shape=(None,))
    drawn = np.random.default_rng(0)
    tensors = {
        f"network.{name}": drawn.normal(0, 0.5 / np.sqrt(shape[-1]), shape).astype(np.float32)
        for name, shape in network.parameter_shapes().items()
    }
    fitted = {"vocabulary": {"units": "char", "tokens": list(LETTERS)}, "tied": False}
    storage.save(path, {"job": "text", "network": network.to_dict(), "fitted": fitted}, tensors)


def first_paints(browser: Browser, url: str, runs: int) -> list[float]:
    found: list[float] = []
    for _ in range(runs):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.wait_for_timeout(500)  # the entry comes a little after the paint
        found.append(page.evaluate(PAINT))
        page.close()
    return found


def open_model(browser: Browser, url: str) -> tuple[Page, float]:
    """The page with its fourth chapter shown, and the seconds from the address to there."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    began = time.perf_counter()
    page.goto(url)
    page.locator("#model").scroll_into_view_if_needed()
    page.locator("#model [data-opened]").wait_for()
    return page, time.perf_counter() - began


def middle_and_high(times: list[float]) -> dict[str, float]:
    return {"median": round(median(times), 2), "p95": round(float(np.quantile(times, 0.95)), 2)}


def measure(runs: int, frames: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp())
    found: dict[str, Any] = {}
    with chromium() as browser, served() as address:
        page_file = folder / "digits.html"
        found["page of the article's MNIST model, MB"] = round(
            write_page(web_folder() / "data" / "digits.latch", page_file) / 1e6, 3
        )
        found["first paint, ms: served"] = middle_and_high(first_paints(browser, address, runs))
        found["first paint, ms: from disk"] = middle_and_high(first_paints(browser, page_file.as_uri(), runs))

        letters_model(folder / "m128.latch", 128)
        write_page(folder / "m128.latch", folder / "m128.html")
        page, _ = open_model(browser, (folder / "m128.html").as_uri())
        found["step of LSTM(128), ms of script and layout"] = middle_and_high(page.evaluate(STEP, [TEXT, 40, frames]))
        found["step of LSTM(128), ms between frames"] = middle_and_high(page.evaluate(FRAMES, [TEXT, 40, frames]))
        page.close()

        for hidden in LARGE:
            path = folder / f"m{hidden}.latch"
            letters_model(path, hidden)
            size = write_page(path, path.with_suffix(".html"))
            page, seconds = open_model(browser, path.with_suffix(".html").as_uri())
            what = f"model of {path.stat().st_size / 1e6:.0f} MB: page MB, seconds until it is shown"
            found[what] = [round(size / 1e6, 1), round(seconds, 1)]
            page.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.runs, arguments.frames)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
