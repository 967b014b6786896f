"""What people drop on the fourth chapter: good files of every job, and damaged ones by the hundred."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_models import ARCHITECTURES, FEATURES

import latchwork as lw
from latchwork import datasets
from latchwork.core import spec, storage
from latchwork.core.table import initial_parameters
from latchwork.explain.page import web_folder, write_page

DATA = web_folder() / "data"
JUNK: list[Any] = [None, -1, 0, 1e9, 2**40, "x", "", [], {}, [None], True, 0.5, ["a", "b"], {"kind": "x"}]


@pytest.fixture(scope="module")
def forecaster():
    """A fitted forecaster without a network, as most are saved."""
    return lw.Forecaster(horizon=6, train=False, progress="none").fit(np.asarray(datasets.airline()[1], float))


@pytest.fixture
def model_page(open_page, address, chapter):
    """A page scrolled to the fourth chapter, and the chapter."""
    page = open_page(address)
    return page, chapter(page, "model")


def open_file(page, drop_file, path):
    drop_file(page, path.name, path.read_bytes())
    page.locator(f'#model [data-opened="{path.name}"]').wait_for()


def test_a_saved_forecast_shows_itself_with_its_interval_and_what_it_leaned_on(
    model_page, drop_file, forecaster, tmp_path
):
    page, model = model_page
    forecaster.save(tmp_path / "airline.latch")
    open_file(page, drop_file, tmp_path / "airline.latch")
    forecast = forecaster.predict()
    model.get_by_role("slider").first.fill("2")
    said = model.locator(".verdict").inner_text()
    assert f"{forecast.mean[0, 2]:.1f}" in said
    for level in (80, 95):
        assert f"{level} % within {forecast.low[level][0, 2]:.1f} to {forecast.high[level][0, 2]:.1f}" in said
    assert model.locator(".interval").count() == 2
    assert model.locator(".leaned-above, .leaned-below").count() == 36
    assert "had that past value been 1 higher" in model.locator(".leaning").inner_text()
    shares = [float(text) for text in model.locator(".bars.named output").all_inner_texts()]
    assert shares == sorted(shares, reverse=True) and 0.5 < sum(shares) <= 1.05
    assert model.locator(".inside").is_hidden()  # no network, hence no gates
    model.get_by_text("The forecast in numbers").click()
    assert model.locator("tbody tr").count() == 6


def test_a_forecaster_with_a_network_shows_its_gates(model_page, drop_file, forecaster, tmp_path):
    from latchwork.forecasting.methods.corrector import TENSORS, Corrector
    from latchwork.forecasting.report.shown import network_inputs

    page, model = model_page
    document, tensors = forecaster.to_latch()
    inputs = network_inputs(forecaster.result_.end, 1)
    past, future = (inputs[f"fitted.shown.{name}"] for name in ("past", "future"))
    tensors |= inputs | Corrector.build(past.shape[2], future.shape[2], 24, range(2)).tensors()
    tensors[TENSORS + "output_weight"] += np.float32(0.1)  # as training would have moved it
    storage.save(tmp_path / "net.latch", document | {"job": "forecasting"}, tensors)
    open_file(page, drop_file, tmp_path / "net.latch")
    assert "Network 1 of 2: LSTM, 24 units" in model.get_by_label("Layer").inner_text()
    assert "forget" in model.locator(".inside").inner_text()
    model.get_by_role("button", name="The network’s correction").click()
    assert "gradient times input" in model.locator(".leaning").inner_text()


def test_every_cell_and_layer_is_shown(model_page, tmp_path):
    page, model = model_page
    files: dict[str, bytes] = {}
    for number, layers in enumerate(ARCHITECTURES):
        shape = (None,) if isinstance(layers[0], spec.Embedding) else (None, FEATURES)
        network = spec.Sequential(layers, input_shape=shape)
        tensors = {f"network.{name}": array for name, array in initial_parameters(network, 0).items()}
        path = tmp_path / f"{number}.latch"
        storage.save(path, {"job": "example", "network": network.to_dict(), "fitted": {}}, tensors)
        files[path.name] = path.read_bytes()
    assert not any(drop_all(page, files).values())
    assert model.locator(".inside canvas").count() == 1  # the last one's: a simple RNN has its hidden state alone


def test_a_model_of_words_reads_words(model_page, drop_file, tmp_path):
    page, model = model_page
    from latchwork.transforms.vocabulary import fit_vocabulary

    vocabulary = fit_vocabulary("word", ["the cat sat on the mat. the cat sat."], 40)
    size = len(vocabulary)
    network = spec.Sequential(
        [spec.Embedding(size, 4), spec.GRU(5, return_sequences=True), spec.Dense(size)], input_shape=(None,)
    )
    tensors = {f"network.{name}": array for name, array in initial_parameters(network, 0).items()}
    fitted = {"vocabulary": vocabulary.to_dict(), "tied": False}
    storage.save(tmp_path / "w.latch", {"job": "text", "network": network.to_dict(), "fitted": fitted}, tensors)
    open_file(page, drop_file, tmp_path / "w.latch")
    model.get_by_label("Text", exact=True).fill("the cat sat")
    assert model.locator(".letters span").all_inner_texts() == ["the", " cat", " sat"]
    assert "After “the cat sat”" in model.locator(".verdict").inner_text()


DROP_ALL = """async (files) => {
  const root = document.querySelector('[data-chapter="model"]');
  const alert = root.querySelector(".drop + [role=alert]");
  const said = [];
  for (const [name, content] of files) {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
    root.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
    while (root.dataset.opened !== name) await new Promise((next) => setTimeout(next));
    said.push([name, alert.hidden ? null : alert.textContent]);
  }
  return said;
}"""


def drop_all(page, files: dict[str, bytes]) -> dict[str, str | None]:
    import base64

    page.set_default_timeout(60_000)
    said = page.evaluate(DROP_ALL, [[name, base64.b64encode(content).decode()] for name, content in files.items()])
    page.wait_for_timeout(100)  # whatever is drawn a frame later may not complain either
    return dict(said)


def test_two_hundred_flipped_or_cut_files_each_get_one_line(model_page):
    page, model = model_page
    good = (DATA / "airline-GRU.latch").read_bytes()
    chance = random.Random(0)
    files: dict[str, bytes] = {}
    for number in range(100):
        flipped = bytearray(good)
        flipped[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
        files[f"flipped-{number}.latch"] = bytes(flipped)
        files[f"cut-{number}.latch"] = good[: chance.randrange(len(good))]
    said = drop_all(page, files)
    for name, line in said.items():
        assert line is not None and line.startswith(f"{name}: ") and "\n" not in line and len(line) < 200, (name, line)
    assert model.get_by_text("It reads a").count() == 1  # what was open stays open


def test_files_that_are_whole_but_wrong_are_shown_or_refused_in_one_line(model_page, forecaster, tmp_path):
    """Their SHA-256 is right: a program wrote them, and wrote nonsense."""
    page, _ = model_page
    document, tensors = forecaster.to_latch()
    good = [storage.load(DATA / name) for name in ("airline-LSTM.latch", "digits.latch", "dish-GRU.latch")]
    whole = [(dict(latch.document), dict(latch.tensors)) for latch in good]
    whole += [(document | {"job": "forecasting"}, tensors), _text_model()]
    chance = random.Random(1)
    files: dict[str, bytes] = {}
    for number in range(150):
        changed, arrays = _spoil(*whole[number % len(whole)], chance)
        path = tmp_path / f"wrong-{number}.latch"
        storage.save(path, changed, arrays)
        files[path.name] = path.read_bytes()
    said = drop_all(page, files)
    refused = {name: line for name, line in said.items() if line is not None}
    assert len(refused) > 60  # else the spoiling does nothing
    for name, line in refused.items():
        assert line.startswith(f"{name}: ") and "\n" not in line and len(line) < 220, (name, line)


def _text_model():
    network = spec.Sequential(
        [spec.Embedding(4, 3), spec.LSTM(3, return_sequences=True), spec.Dense(4)], input_shape=(None,)
    )
    tensors = {f"network.{name}": array for name, array in initial_parameters(network, 0).items()}
    fitted = {"vocabulary": {"units": "char", "tokens": ["\ufffd", "a", "b", "c"]}, "tied": False}
    return {"job": "text", "network": network.to_dict(), "fitted": fitted}, tensors


def _spoil(document: dict[str, Any], tensors: dict[str, Any], chance: random.Random):
    """One value of the document replaced or removed, or one array missing or of another shape."""
    import copy

    document, tensors = copy.deepcopy(document), dict(tensors)
    if chance.random() < 0.35:
        name = chance.choice(sorted(tensors))
        if chance.random() < 0.5:
            del tensors[name]
        else:
            tensors[name] = np.zeros([chance.randrange(4) for _ in range(chance.randrange(4))], np.float32)
        return document, tensors
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        for key in list(part) if isinstance(part, dict) else range(len(part)):
            places.append((part, key))
            if isinstance(part[key], (dict, list)):
                walk(part[key])

    walk({key: document[key] for key in ("network", "fitted") if document.get(key)})
    part, key = chance.choice([place for place in places if place[1] not in {"network", "fitted"}])
    if chance.random() < 0.3:
        del part[key]
    else:
        part[key] = chance.choice(JUNK)
    return document, tensors


def test_a_saved_forecast_is_a_page_of_its_own(open_page, chapter, forecaster, tmp_path):
    forecaster.save(tmp_path / "f.latch")
    write_page(tmp_path / "f.latch", tmp_path / "f.html")
    page = open_page((tmp_path / "f.html").as_uri(), offline=True)
    model = chapter(page, "model")
    assert "One series" in model.locator(".model-card").inner_text()
    assert model.locator(".interval").count() == 2


def test_a_keyboard_can_be_typed_on_at_the_width_of_a_phone(open_page, address, chapter, drop_file, tmp_path):
    subprocess.run([sys.executable, str(Path(__file__).with_name("make_keyboard.py")), str(tmp_path)], check=True)
    page = open_page(address)
    page.set_viewport_size({"width": 360, "height": 740})
    model = chapter(page, "model")
    open_file(page, drop_file, tmp_path / "keyboard.latch")
    phone = model.locator(".phone")
    phone.scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360  # nothing sticks out
    boxes = [key.bounding_box() for key in phone.locator(".key").all()]
    assert all(box["height"] >= 44 and box["width"] >= 28 for box in boxes)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes)

    def press(*names: str) -> None:
        for name in names:
            phone.get_by_role("button", name=name, exact=True).click()

    press("s", "e", "e", "Space", "t", "e", "h")
    assert phone.locator(".offer").first.inner_text() == "the"
    assert "corrects" in phone.locator(".offer").first.get_attribute("class")
    press("Space")
    assert phone.locator(".typed").inner_text() == "see the "
    assert "puts back “teh”" in phone.locator(".note").inner_text()
    press("Backspace")
    assert phone.locator(".typed").inner_text() == "see teh "
    press("Backspace", "Backspace", "Backspace", "Backspace", "Shift", "t")
    assert phone.locator(".offer").first.inner_text() == "The"
    phone.locator(".offer").first.click()
    assert phone.locator(".typed").inner_text() == "see The "
    press(".")
    assert phone.locator(".typed").inner_text() == "see The."
    assert "% saved" in phone.locator(".note").inner_text()
    phone.focus()
    page.keyboard.type(" I wan")
    assert phone.locator(".offer").first.inner_text() == "want"
