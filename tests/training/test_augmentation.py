"""Images changed while training: the kernels' numbers are those of the equation, and only training sees them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from marks import needs_kernels

import latchwork as lw
from latchwork.core.network import NetworkData
from latchwork.engines import native
from latchwork.training import Data, SoftmaxCrossEntropy, Supervised, evaluate, fit
from latchwork.transforms.augmentation import AffineImages

IMAGES = np.random.default_rng(0).random((40, 9, 7), np.float32)
DIGITS = np.random.default_rng(1).integers(0, 2, 40).astype(np.int32)
STRONG = AffineImages(rotation=0.8, scale=0.4, shear=0.5, shift=3.0)


@needs_kernels
def test_the_kernels_change_images_by_the_equation():
    draws = np.random.default_rng(2).uniform(-1, 1, (len(IMAGES), AffineImages.DRAWS)).astype(np.float32)
    changed = np.empty_like(IMAGES)
    native.module().warp_images(IMAGES, draws, **dataclasses.asdict(STRONG), changed=changed)
    np.testing.assert_allclose(changed, STRONG.changed(IMAGES, draws), atol=1e-5)
    assert np.abs(changed - IMAGES).mean() > 0.1


@pytest.mark.parametrize("block", ["native", "xla"])
def test_training_alone_sees_the_changes(block: str, monkeypatch: pytest.MonkeyPatch):
    """Changes by nothing are no changes; what is evaluated stays as it is."""
    if block == "native" and not native.available():
        pytest.skip(native.engine_info().reason)
    monkeypatch.setenv("LATCHWORK_BLOCK", block)
    network = NetworkData.build(lw.Sequential([lw.LSTM(4), lw.Dense(2)]), (9, 7))
    data = Data({"inputs": IMAGES, "targets": DIGITS})

    def trained(augmentation: AffineImages | None) -> dict[str, np.ndarray]:
        objective = Supervised(SoftmaxCrossEntropy(), augmentation=augmentation)
        return dict(fit(network, objective, data, steps=6, batch_size=16, progress="none").model.parameters)

    plain, same, moved, again = (trained(each) for each in (None, AffineImages(0, 0, 0, 0), STRONG, STRONG))
    for name, array in plain.items():
        np.testing.assert_allclose(same[name], array, atol=2e-6)
        np.testing.assert_array_equal(moved[name], again[name])
    assert np.abs(moved["layers.0.input_weight"] - plain["layers.0.input_weight"]).max() > 1e-4
    figures = [evaluate(network, Supervised(SoftmaxCrossEntropy(), augmentation=each), data) for each in (None, STRONG)]
    assert figures[0] == figures[1]


def test_an_augmentation_of_ones_own_trains_through_jax():
    def brighter(inputs, key):
        del key
        return inputs * 2

    network = lw.Sequential([lw.LSTM(4), lw.Dense(2)])
    model = lw.SequenceClassifier(network, epochs=1, augmentation=brighter, progress="none").fit(IMAGES, DIGITS)
    assert model.history_.block.startswith("xla: it knows no function")
