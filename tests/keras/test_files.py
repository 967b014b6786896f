"""Models in files: ours, Keras's own, and back; what is not ours to open is refused in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import BATCH, CASES
from marks import needs_kernels

import latchwork
from latchwork import keras, runtime
from latchwork.core.errors import InputError

pytestmark = needs_kernels
SAVED = [name for name in CASES if name != "stateful_batches"]


def trained(name: str) -> Any:
    case = CASES[name](keras)
    case.model.fit(case.x, case.y, batch_size=BATCH, verbose=0)
    return case


@pytest.mark.parametrize("ending", ["latch", "keras", "h5"])
@pytest.mark.parametrize("name", SAVED)
def test_a_saved_model_answers_the_same_and_goes_on_training(name: str, ending: str, tmp_path: Path):
    if ending != "latch":
        pytest.importorskip("h5py")
    model, x, y = trained(name)
    model.save(tmp_path / f"model.{ending}")
    opened = keras.models.load_model(tmp_path / f"model.{ending}")
    np.testing.assert_array_equal(opened.predict(x), model.predict(x))
    found, expected = (
        [(layer.name, layer.trainable) for layer in one.layers if layer.slots] for one in (opened, model)
    )
    assert found == expected
    if ending == "h5":
        with pytest.raises(InputError, match="is not compiled"):
            opened.evaluate(x, y)
    elif name != "a_rate_that_falls" or ending == "latch":
        assert opened.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0))
        opened.fit(x, y, verbose=0)


@pytest.mark.parametrize("name", SAVED)
def test_the_runtime_answers_as_the_model_that_was_saved(name: str, tmp_path: Path):
    """Masked steps are passed over there too."""
    model, x, _ = trained(name)
    model.save(str(tmp_path / "model.latch"))
    np.testing.assert_allclose(runtime.load(tmp_path / "model.latch").predict(x), model.predict(x), atol=1e-6)
    opened = latchwork.load(tmp_path / "model.latch")
    assert isinstance(opened, keras.Sequential)
    np.testing.assert_array_equal(opened.predict(x), model.predict(x))


def test_weights_alone_go_from_model_to_model(tmp_path: Path):
    model, x, _ = trained("functional")
    model.save_weights(tmp_path / "weights.latch")
    other = CASES["functional"](keras).model
    other.load_weights(tmp_path / "weights.latch")
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    with pytest.raises(InputError, match="arrays"):
        CASES["many_to_one"](keras).model.load_weights(tmp_path / "weights.latch")


def test_layers_alone_as_text_and_weights_beside(tmp_path: Path):
    pytest.importorskip("h5py")
    model, x, _ = trained("bidirectional_with_masking")
    other = keras.models.model_from_json(model.to_json())
    assert np.abs(other.predict(x) - model.predict(x)).max() > 1e-3
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    assert [one.shape for one in keras.models.clone_model(model).get_weights()] == [
        one.shape for one in model.get_weights()
    ]


def test_what_cannot_be_saved_or_opened_is_said(tmp_path: Path):
    model = CASES["many_to_one"](keras).model
    with pytest.raises(InputError, match=r"saved as \.latch"):
        model.save(tmp_path / "model.pb")
    model.save(tmp_path / "model.latch")
    with pytest.raises(InputError, match="is there already"):
        model.save(tmp_path / "model.latch", overwrite=False)
    (tmp_path / "broken.keras").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(InputError, match=r"broken\.keras"):
        keras.models.load_model(tmp_path / "broken.keras")
    with pytest.raises(InputError, match="nothing from a file is ever run"):
        keras.models.load_model(tmp_path / "model.latch", custom_objects={"f": len})
