"""The explorer in a real browser: what a person does on it, at every width, from a server and from disk."""

import json
import re
import urllib.error
import urllib.request

import jax.numpy as jnp
import numpy as np
import pytest

from latchwork.core import spec, storage
from latchwork.core.table import initial_parameters
from latchwork.engines.jax.network import Network
from latchwork.explain.page import web_folder, write_page

CHAPTERS = ("roommate", "belt", "memory", "model")
WIDTHS = (360, 1280, 2560)
BELT = json.loads((web_folder() / "data" / "belt.json").read_text())["cells"]


@pytest.fixture
def small_model(tmp_path):
    network = spec.Sequential([spec.GRU(5), spec.Dense(2)], input_shape=(None, 3))
    tensors = {f"network.{name}": array for name, array in initial_parameters(network, 0).items()}
    path = tmp_path / "small.latch"
    storage.save(path, {"job": "regression", "network": network.to_dict(), "fitted": {}}, tensors)
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_all_chapters_fit_every_width_without_a_complaint(open_page, address, width, theme, chapter):
    page = open_page(f"{address}?theme={theme}", width)
    for name in CHAPTERS:
        chapter(page, name)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        outside = page.evaluate(
            """(name) => [...document.querySelectorAll(`#${name} .stage`)].flatMap((stage) => {
                 const box = stage.getBoundingClientRect();
                 return [...stage.querySelectorAll("button, .matrix, canvas, svg, p")]
                   .filter((part) => part.checkVisibility())
                   .map((part) => part.getBoundingClientRect())
                   .filter((part) => part.width && (part.right > box.right + 1 || part.left < box.left - 1)).length;
               }).reduce((sum, count) => sum + count, 0)""",
            name,
        )
        assert outside == 0, name


def test_the_merged_kitchen_serves_what_its_rule_says(open_page, address, chapter):
    roommate = chapter(open_page(address), "roommate")
    roommate.get_by_text("he cooks the next dish on his list").wait_for()
    roommate.get_by_role("button", name="rainy").click()
    for _ in range(5):
        roommate.get_by_role("button", name="Step", exact=True).click()
    assert "burger is served" in roommate.locator(".kitchen + .speech .caption").inner_text()
    roommate.get_by_role("button", name="Next day").click()
    assert roommate.locator(".week li:not(.empty)").count() == 1
    assert "yesterday’s burger" in roommate.locator(".kitchen + .speech .caption").inner_text()


def test_a_network_learns_the_rule_in_the_page(open_page, address, chapter):
    roommate = chapter(open_page(address), "roommate")
    roommate.get_by_role("button", name="Learn it from a diary").click()
    roommate.get_by_text("it served 1,000 right").wait_for(timeout=90_000)


def test_the_belt_is_stepped_by_button_by_key_and_by_day(open_page, address, chapter):
    page = open_page(address)
    belt = chapter(page, "belt")
    when = belt.locator(".when")
    belt.get_by_role("button", name="Step", exact=True).click()
    assert "step 2 of 15" in when.inner_text()
    page.keyboard.press("ArrowRight")
    assert "step 3 of 15" in when.inner_text()
    page.keyboard.press("ArrowLeft")
    belt.get_by_role("button", name="Day 9").click()
    assert "step 9 of 15" in when.inner_text()
    belt.get_by_role("button", name="GRU", exact=True).click()
    assert "update" in belt.locator(".belt-right .heat").inner_text()
    belt.get_by_role("button", name="Airline passengers").click()
    assert "of 144" in when.inner_text()


def test_the_cells_stand_side_by_side_at_the_same_step(open_page, address, chapter):
    belt = chapter(open_page(address), "belt")
    belt.get_by_role("button", name="Day 5").click()
    together = belt.locator(".together")
    answers = together.locator("output").all_inner_texts()
    assert len(answers) == len(BELT)
    assert all(answer.startswith("burger, ") for answer in answers)  # the first day's dish
    together.get_by_role("button", name="Simple RNN").click()
    assert belt.get_by_role("button", name="Simple RNN").first.get_attribute("aria-pressed") == "true"
    assert belt.locator(".belt-right .heat-row").count() == 1  # it has no gates
    assert together.locator("button[aria-pressed=true]").all_inner_texts() == ["Simple RNN"]
    belt.get_by_role("button", name="Airline passengers").click()
    before = together.locator("output").all_inner_texts()
    belt.get_by_role("slider").first.fill("40")
    after = together.locator("output").all_inner_texts()
    assert all(answer.endswith(" thousand") for answer in before + after)
    assert not set(before) & set(after)


def test_the_belts_arithmetic_adds_up(open_page, address, chapter):
    belt = chapter(open_page(address), "belt")
    belt.get_by_role("button", name="Day 4").click()
    numbers = [float(text.replace("−", "-")) for text in belt.locator(".equation").first.locator("b").all_inner_texts()]
    new, keep, old, let_in, proposal = numbers
    assert new == pytest.approx(keep * old + let_in * proposal, abs=0.06)  # each is shown with two decimals
    belt.locator("button.token").first.click()
    origin = belt.locator(".origin")
    total = sum(
        float(number.replace("−", "-")) for number in re.findall(r"−?\d+\.\d+(?= (?:from|bias))", origin.inner_text())
    )
    assert 1 / (1 + np.exp(-total)) == pytest.approx(keep, abs=0.02)
    origin.get_by_role("button", name="bias").hover()
    belt.page.locator("#tip.shown").get_by_text("always added").wait_for()


def test_the_memory_chapter_tells_how_far_back(open_page, address, chapter):
    memory = chapter(open_page(address), "memory")

    def shares(index):
        memory.get_by_role("slider").fill(str(index))
        said = memory.locator(".caption").inner_text()
        assert said.endswith("A guess is right once in 60.")
        return {cell: int(share) for cell, share in re.findall(r"(Simple RNN|GRU|LSTM) (\d+) %", said)}

    assert min(shares(0).values()) > 90  # 5 days back
    far = shares(4)  # 100
    assert far["LSTM"] > 90 and far["GRU"] > 90 and far["Simple RNN"] < 15


def test_a_drawn_line_is_read_as_a_one(open_page, address, chapter):
    page = open_page(address)
    model = chapter(page, "model")
    model.get_by_role("button", name="Clear").click()
    pad = model.locator("canvas.pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] * 0.8, steps=25)
    page.mouse.up()
    model.get_by_text("It reads a 1").wait_for()


def test_samples_are_read_right(open_page, address, chapter):
    model = chapter(open_page(address, reduced_motion="reduce"), "model")  # whole, and not row by row
    read = []
    for digit in range(10):
        model.get_by_role("button", name=f"Sample {digit + 1}", exact=True).click()
        model.get_by_text("It reads a").wait_for()
        read.append(model.locator(".verdict").inner_text()[-1])
    assert sum(found == str(digit) for digit, found in enumerate(read)) >= 9


@pytest.mark.skipif(not (web_folder() / "data" / "letters.latch").is_file(), reason="no text model is shipped")
def test_typing_shows_what_comes_next(open_page, address, chapter):
    page = open_page(address)
    model = chapter(page, "model")
    model.get_by_role("button", name="Shakespeare").click()
    model.get_by_label("Text", exact=True).fill("the q")
    assert model.locator(".bars li").first.inner_text().startswith("u")
    model.get_by_role("button", name="Go on writing").click()
    assert len(model.get_by_label("Text", exact=True).input_value()) > 100


def test_a_good_file_is_opened_and_a_damaged_one_refused_in_one_line(
    open_page, address, small_model, tmp_path, chapter, drop_file
):
    page = open_page(address)
    model = chapter(page, "model")
    damaged = tmp_path / "damaged.latch"
    content = bytearray(small_model.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    model.locator("#model-file").set_input_files(str(damaged))
    alert = model.locator(".drop + [role=alert]")
    alert.wait_for()
    assert "SHA-256" in alert.inner_text()
    assert "damaged.latch" in alert.inner_text()

    drop_file(page, small_model.name, small_model.read_bytes())
    model.get_by_text("GRU 5 → Dense 2").wait_for()
    assert alert.is_hidden()


def test_the_page_answers_what_python_answers(open_page, address, small_model, chapter, drop_file):
    latch = storage.load(small_model)
    network = spec.Sequential.from_dict(latch.document["network"])
    parameters = {name.removeprefix("network."): array for name, array in latch.tensors.items()}
    sequence = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    expected = np.asarray(Network.from_parameters(network, parameters)(jnp.asarray(sequence[None])))[0]

    page = open_page(address)
    model = chapter(page, "model")
    drop_file(page, small_model.name, small_model.read_bytes())
    model.get_by_label("The sequence").fill("\n".join(" ".join(map(str, row)) for row in sequence))
    shown = [text.split(": ")[1] for text in model.locator(".text-panel .choices button").all_inner_texts()]
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in shown], expected, atol=0.0051)


def test_one_file_works_from_disk_without_any_network(open_page, small_model, tmp_path, chapter):
    digits = web_folder() / "data" / "digits.latch"
    out = tmp_path / "page.html"
    assert write_page(digits, out) == out.stat().st_size < 1_500_000
    page = open_page(out.as_uri(), offline=True)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for name in CHAPTERS:
        chapter(page, name)
    page.locator("#model").get_by_text("digits.latch").wait_for()
    assert not [url for url in requested if not url.startswith(("data:", "blob:"))]


def test_terms_are_explained_by_pointer_and_by_key(open_page, address):
    page = open_page(address)
    page.get_by_role("button", name="recurrent network").hover()
    tip = page.locator("#tip.shown")
    tip.wait_for()
    assert "one step at a time" in tip.inner_text()
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    page.get_by_role("button", name="one-hot").focus()
    assert "single 1" in page.locator("#tip.shown").inner_text()
    unexplained = page.evaluate(
        """async () => {
          const { TERMS } = await import("latchwork/terms.js");
          return [...document.querySelectorAll("[data-term]")].map((e) => e.dataset.term).filter((t) => !TERMS[t]);
        }"""
    )
    assert unexplained == []


def answer(url, host=None):
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def test_the_server_gives_its_own_files_only_and_to_this_machine_only(address):
    status, headers = answer(f"{address}/")
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for path in ("/../pyproject.toml", "/%2e%2e/pyproject.toml", "/package.json/..", "/" + "a" * 5000, "/data"):
        assert answer(address + path)[0] in (404, 400), path
    assert answer(f"{address}/", host="elsewhere.example")[0] == 400


def test_the_first_paint_waits_for_no_model(browser, address):
    page = browser.new_page()
    page.route("**/data/*", lambda route: None)  # never answered
    page.goto(address, wait_until="commit")
    page.get_by_role("heading", name="Watch a network remember").wait_for()
    painted = "performance.getEntriesByName('first-contentful-paint').length"
    while not page.evaluate(painted):  # the test's own time limit ends this
        page.wait_for_timeout(50)
    page.close()
