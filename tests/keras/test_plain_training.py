"""Training in NumPy beside the kernels: the same steps, whatever is trained; and that it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import BATCH, CASES
from marks import needs_kernels

from latchwork import keras
from latchwork.core.errors import InputError
from latchwork.engines.native import fitting as native

pytestmark = needs_kernels
NATIVE = [name for name in CASES if name not in ("stateful_batches", "reset_before_the_product")]


def ten_steps(name: str, weights: list[Any] | None = None) -> tuple[Any, list[Any]]:
    model, x, y = CASES[name](keras)
    if weights is not None:
        model.set_weights(weights)
    first = model.get_weights()
    steps = [slice(at, at + BATCH) for at in range(0, len(x), BATCH)]
    figures = [np.atleast_1d(model.train_on_batch(x[rows], y[rows])) for rows in steps]
    return first, [*figures, *model.get_weights()]


@pytest.mark.parametrize("name", NATIVE)
def test_numpy_takes_the_kernels_steps(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    first, ours = ten_steps(name)
    assert "NumPy" not in capsys.readouterr().err
    monkeypatch.setattr(native, "why_not", lambda *_: "the test says so")
    _, plain = ten_steps(name, first)
    for one, other in zip(ours, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=3e-6)
    said = capsys.readouterr().err
    assert said.count("trains this model in NumPy, which is slow") == 1 and "the test says so" in said


def test_what_is_dropped_is_drawn_anew_and_keeps_the_expectation(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(native, "why_not", lambda *_: "the test says so")
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=(3, 40)), layers.SimpleRNN(8, dropout=0.5), layers.Dropout(0.5)])
    model.add(layers.Dense(1, use_bias=False))
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(1e-9))
    x = np.ones((2000, 3, 40), np.float32)
    one, other = (model.train_on_batch(x, np.zeros(2000)) for _ in range(2))
    assert one != other and 0.7 < one / other < 1.4


def test_rows_that_nothing_can_train_on_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(native, "why_not", lambda *_: "the test says so")
    model, x, y = CASES["many_to_one"](keras)
    with pytest.raises(InputError, match="y has shape"):
        model.train_on_batch(x, np.zeros((len(y), 3)))
