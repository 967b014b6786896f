"""Models that earlier versions saved (scripts/make_old_models.py) open and answer as they did then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import latchwork as lw
from latchwork import runtime

FOLDER = Path(__file__).with_name("fixtures") / "models"
with np.load(FOLDER / "answers.npz") as arrays:
    ANSWERS = {name: arrays[name] for name in arrays.files}
INPUTS, LENGTHS = ANSWERS.pop("inputs"), ANSWERS.pop("lengths")


def test_there_is_a_file_for_every_answer():
    assert {path.stem for path in FOLDER.glob("*.latch")} == ANSWERS.keys()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_old_model_answers_as_it_did(name: str):
    path = FOLDER / f"{name}.latch"
    model, served = lw.load(path), runtime.load(path)
    assert type(model).__name__ == ("SequenceRegressor" if name == "numbers" else "SequenceClassifier")
    if name == "numbers":
        np.testing.assert_allclose(model.predict(INPUTS, LENGTHS), ANSWERS[name], rtol=1e-5)
        np.testing.assert_allclose(served.predict(INPUTS, LENGTHS), ANSWERS[name], rtol=1e-5)
    else:
        assert model.classes_.tolist() == ["drift", "rise", "wave"]
        np.testing.assert_allclose(model.predict_proba(INPUTS, LENGTHS), ANSWERS[name], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(served.predict_proba(INPUTS, LENGTHS), ANSWERS[name], rtol=1e-5, atol=1e-6)
