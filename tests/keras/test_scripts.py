"""Scripts written for Keras, only their imports changed: twelve shapes of tutorials, the article's listings."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from marks import needs_kernels
from running import FOLDER, SCRIPTS, changed, run

import latchwork

pytestmark = needs_kernels
GOLDENS = FOLDER.parent / "goldens" / "keras_scripts.json"
DATA = Path(latchwork.__file__).parent / "datasets" / "data"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_comes_to_keras_result_within_the_noise_of_seeds(name: str):
    """The mean of logarithms of three runs, beside Keras's three: their spread is what another seed changes."""
    theirs = np.log(json.loads(GOLDENS.read_text("utf-8"))[name])
    text = changed((FOLDER / "scripts" / f"{name}.txt").read_text("utf-8"))
    ours = np.log([run(text, seed)["result"] for seed in range(3)])
    noise = max(theirs.std(ddof=1), 0.1)
    assert ours.mean() < theirs.mean() + 2.5 * noise, (np.exp(ours), np.exp(theirs))
    assert ours.mean() > theirs.mean() - 4 * noise, (np.exp(ours), np.exp(theirs))


def test_a_line_that_imports_is_all_that_changes():
    text = "from keras.layers import LSTM  # keras\nimport keras\nfrom tensorflow.keras import Model\nkeras = 'keras'\n"
    assert changed(text, "m") == "from m.layers import LSTM  # keras\nimport m\nfrom m import Model\nkeras = 'keras'\n"


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A listing's text, in a folder with the data that its reader has fetched."""
    import matplotlib

    matplotlib.use("Agg")
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    shutil.copy(DATA / "AirPassengers.csv", tmp_path / "airline-passengers.csv")
    return lambda name: changed((FOLDER / "listings" / f"{name}.txt").read_text("utf-8"))


def test_the_article_airline_listing(listing, capsys: pytest.CaptureFixture[str]):
    left = run(listing("airline"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/100" and lines[198] == "Epoch 100/100"
    assert all(re.fullmatch(r"94/94 - \d+s - loss: \d\.\d{4}(e-\d\d)?", line) for line in lines[1:200:2])
    assert re.fullmatch(r"Train Score: 2\d\.\d\d RMSE", lines[200]) and re.fullmatch(
        r"Test Score: \d\d\.\d\d RMSE", lines[201]
    )
    assert 20 < left["trainScore"] < 26 and 42 < left["testScore"] < 62


def test_the_article_digits_listing(listing, capsys: pytest.CaptureFixture[str]):
    """One epoch of its ten, on a tenth of the rows."""
    text = listing("mnist").replace("epochs = 10", "epochs = 1")
    text = text.replace("mnist.load_data()", "[(x[::10], y[::10]) for x, y in mnist.load_data()]")
    left = run(text)
    said = capsys.readouterr().out
    assert left["score"][1] > 0.25
    assert "6000 train samples" in said and "lstm" in said and "(None, 30)" in said and "Total params: 7,390" in said
    figures = "".join(rf" - {name}: [\d.]+" for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
    line = r"47/47 \[={30}\] - \d+s \d+[mu]s/step" + figures
    assert re.search("^Epoch 1/1$", said, re.MULTILINE) and re.search(f"^{line}$", said, re.MULTILINE)


@pytest.mark.proof
def test_the_article_digits_listing_in_full(listing):
    assert run(listing("mnist"))["score"][1] > 0.95
