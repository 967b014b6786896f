"""Language models that earlier versions saved (scripts/make_old_texts.py) open and answer as they did then."""

import json
from pathlib import Path

import numpy as np
import pytest

from latchwork.text.model import TextModel

FOLDER = Path(__file__).parents[1] / "fixtures" / "texts"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())


@pytest.mark.parametrize("units", ANSWERS)
def test_an_old_model_reads_and_writes_as_it_did(units: str) -> None:
    model, answers = TextModel.load(FOLDER / f"{units}.latch"), ANSWERS[units]
    bits = model.token_bits(answers["read"])[1]
    np.testing.assert_allclose(bits, answers["bits"], rtol=1e-5)
    written = "".join(model.write("the ☃ c", 40, seed=3))
    # A word that went past the length was written whole then.
    assert answers["written"].startswith(written)
    assert len(written) >= 30
