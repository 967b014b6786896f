"""Spectrograms masked while training: the kernels hide what the equation says, among the real steps alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from marks import needs_kernels
from tasks import bits

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Dense, Sequential
from latchwork.engines import native
from latchwork.training import ConnectionistTemporal, Data, Supervised, evaluate, fit
from latchwork.transforms.augmentation import SpectrogramMasks

MASKS = SpectrogramMasks(time_mask=4, band_mask=3, bands=5)
RNG = np.random.default_rng(0)
ROWS, TIME, FEATURES = 30, 12, 10  # two frames of five bands a step
INPUTS = RNG.normal(3, 1, (ROWS, TIME, FEATURES)).astype(np.float32)
LENGTHS = RNG.integers(4, TIME + 1, ROWS).astype(np.int32)
GIVEN = {"inputs": INPUTS, "lengths": LENGTHS, "targets": RNG.integers(1, 3, (ROWS, 2), np.int32)}


def draws(rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (rows, SpectrogramMasks.DRAWS)).astype(np.float32)


@needs_kernels
def test_the_kernels_hide_what_the_equation_says():
    changed = np.empty_like(INPUTS)
    native.module().mask_spectrograms(INPUTS, LENGTHS, draws(), **dataclasses.asdict(MASKS), changed=changed)
    np.testing.assert_array_equal(changed, MASKS.changed(INPUTS, draws(), LENGTHS))
    hidden = changed == 0
    assert 0.1 < hidden.mean() < 0.8
    past = np.arange(TIME) >= LENGTHS[:, None]
    assert not hidden[past].any()
    by_band = hidden.reshape(ROWS, TIME, 2, 5)
    np.testing.assert_array_equal(by_band[:, :, 0], by_band[:, :, 1])  # a band is hidden in all frames of a step


def test_stretches_lie_anywhere_and_are_of_every_length():
    rows = 4000
    full = np.ones((rows, TIME, 5), np.float32)
    one = draws(rows)
    one[:, 4:] = -1  # the second stretches have no length
    one[:, 3] = -1
    hidden = (SpectrogramMasks(3, 4, 5).changed(full, one) == 0).all(axis=2)
    assert set(hidden.sum(axis=1)) == {0, 1, 2, 3}
    first = hidden.argmax(axis=1)[hidden.any(axis=1)]
    assert np.bincount(first, minlength=TIME).min() > 0.8 * len(first) / TIME


@pytest.mark.parametrize("block", ["native", "xla"])
def test_training_alone_sees_them(block: str, monkeypatch: pytest.MonkeyPatch):
    if block == "native" and not native.available():
        pytest.skip(native.engine_info().reason)
    monkeypatch.setenv("LATCHWORK_BLOCK", block)
    network = NetworkData.build(Sequential([LSTM(4, return_sequences=True), Dense(3)]), (TIME, FEATURES))

    def trained(masks: SpectrogramMasks | None, seed: int = 0) -> NetworkData:
        objective = Supervised(ConnectionistTemporal(), augmentation=masks)
        return fit(network, objective, Data(GIVEN), steps=4, batch_size=8, seed=seed, progress="none").model

    plain, nothing, one, again = (trained(each) for each in (None, SpectrogramMasks(0, 0, 5), MASKS, MASKS))
    np.testing.assert_allclose(nothing.parameters["layers.1.weight"], plain.parameters["layers.1.weight"], atol=2e-6)
    assert bits(one) == bits(again) != bits(plain) and bits(one) != bits(trained(MASKS, seed=1))
    figures = [evaluate(network, Supervised(ConnectionistTemporal(), augmentation=each), Data(GIVEN))
               for each in (None, MASKS)]  # fmt: skip
    assert figures[0] == figures[1]


def test_sizes_that_mean_nothing_are_refused():
    with pytest.raises(InputError, match="bands of at least 1"):
        SpectrogramMasks(bands=0)
