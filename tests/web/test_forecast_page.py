"""report.html of a forecast: drawn without an error at every width, round dates below, a tip that stays on the page."""

import numpy as np
import pytest

from latchwork.cli.main import run


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    steps = np.arange(120)
    frames = [
        f"shop {name},{np.datetime64('2020-01-01') + int(t)},{100 + 20 * (t % 7 < 5) + 5 * np.sin(t * (1 + len(name)))}"
        for name in ("a", "bb")
        for t in steps
    ]
    (folder / "shops.csv").write_text("shop,day,sales\n" + "\n".join(frames))
    arguments = ["--no-train", "--quiet", "--continue", "30", "--out", str(folder)]
    assert run(["forecast", str(folder / "shops.csv"), *arguments]) == 0
    return folder / "report.html"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_drawn_and_answers_the_pointer(browser, report, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("fan", "origins", "horizon", "residuals", "paths"):
        chart = page.locator(f"#{name} svg")
        assert chart.locator("path").count() > 0, name
        box = chart.bounding_box()
        chart.hover(position={"x": 0.95 * box["width"], "y": box["height"] / 2})
        tip = page.locator(f"#{name} .tip").bounding_box()
        assert tip is not None, name
        assert tip["x"] >= 0, name
        assert tip["x"] + tip["width"] <= width, name
    dates = page.locator("#fan svg text").all_text_contents()
    assert sum(text.startswith("2020-") for text in dates) >= 2
    page.locator("#choose").select_option("1")
    assert page.locator("#overview tbody tr").count() == 2
    page.locator("#search").fill("bb")
    assert page.locator("#overview tbody tr").count() == 1
    assert not said
    page.close()
