"""Each loss against its formula, written down again in NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latchwork.core.errors import InputError
from latchwork.training import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Pinball,
    SmoothSMAPE,
    SoftmaxCrossEntropy,
    named_loss,
)
from latchwork.training.losses import LOSSES, takes

OUTPUTS = np.random.default_rng(0).normal(0, 2, (6, 3)).astype(np.float32)
TARGETS = np.random.default_rng(1).normal(0, 2, (6, 3)).astype(np.float32)
CLASSES = np.array([0, 2, 1, 1, 0, 2], np.int32)


def call(loss, outputs, targets):
    return np.asarray(loss(jnp.asarray(outputs), jnp.asarray(targets)))


def softmax(outputs: np.ndarray) -> np.ndarray:
    powers = np.exp(outputs.astype(np.float64))
    return powers / powers.sum(axis=1, keepdims=True)


def test_squared_and_absolute_error():
    error = OUTPUTS.astype(np.float64) - TARGETS
    np.testing.assert_allclose(call(MeanSquaredError(), OUTPUTS, TARGETS), (error**2).mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(call(MeanAbsoluteError(), OUTPUTS, TARGETS), abs(error).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("delta", [0.5, 1.0, 10.0])
def test_huber(delta: float):
    error = abs(OUTPUTS.astype(np.float64) - TARGETS)
    expected = np.where(error <= delta, error**2 / 2, delta * error - delta**2 / 2).mean(axis=1)
    np.testing.assert_allclose(call(Huber(delta), OUTPUTS, TARGETS), expected, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(smoothing: float):
    wanted = np.eye(3)[CLASSES] * (1 - smoothing) + smoothing / 3
    expected = -(wanted * np.log(softmax(OUTPUTS))).sum(axis=1)
    np.testing.assert_allclose(call(SoftmaxCrossEntropy(smoothing), OUTPUTS, CLASSES), expected, rtol=1e-5)


def test_cross_entropy_of_large_outputs_is_finite():
    outputs = jnp.array([[1e4, -1e4, 0.0]])
    assert float(SoftmaxCrossEntropy()(outputs, jnp.array([1]))[0]) == pytest.approx(2e4)
    gradient = jax.grad(lambda x: SoftmaxCrossEntropy()(x, jnp.array([1])).sum())(outputs)
    np.testing.assert_allclose(gradient, [[1, -1, 0]], atol=1e-6)


def test_pinball_is_smallest_at_the_quantile():
    """Over many targets, the constant output with the lowest loss is the targets' quantile."""
    targets = np.random.default_rng(2).exponential(size=4001).astype(np.float32)
    candidates = np.linspace(0, 4, 101, dtype=np.float32)
    for level in (0.1, 0.5, 0.9):
        loss = jax.jit(lambda guess, level=level: Pinball((level,))(jnp.full((4001, 1, 1), guess), targets[:, None]))
        losses = [np.mean(loss(guess)) for guess in candidates]
        assert candidates[np.argmin(losses)] == pytest.approx(np.quantile(targets, level), abs=0.05)


def test_pinball_averages_over_its_quantiles():
    loss = Pinball((0.1, 0.9))
    outputs, targets = np.zeros((1, 1, 2), np.float32), np.full((1, 1), 2.0, np.float32)
    assert float(call(loss, outputs, targets)[0]) == pytest.approx((0.1 * 2 + 0.9 * 2) / 2)
    flat = np.array([[0.0, 0.0, 5.0, 1.0]], np.float32)  # two steps ahead, two levels each
    assert float(call(loss, flat, np.array([[2.0, 3.0]], np.float32))[0]) == pytest.approx(
        (0.1 * 2 + 0.9 * 2 + 0.9 * 2 + 0.9 * 2) / 4
    )
    for levels in ((), (0.0,), (0.5, 1.5)):
        with pytest.raises(InputError, match="quantiles are one or more levels above 0 and below 1"):
            Pinball(levels)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy(smoothing: float):
    labels = (TARGETS > 0).astype(np.float32)
    wanted = labels * (1 - smoothing) + smoothing / 2
    probability = 1 / (1 + np.exp(-OUTPUTS.astype(np.float64)))
    expected = -(wanted * np.log(probability) + (1 - wanted) * np.log(1 - probability)).mean(axis=1)
    np.testing.assert_allclose(call(BinaryCrossEntropy(smoothing), OUTPUTS, labels), expected, rtol=1e-5)
    right = ((OUTPUTS > 0) == (labels > 0.5)).mean(axis=1)
    np.testing.assert_allclose(call(BinaryAccuracy(), OUTPUTS, labels), right)


def test_binary_cross_entropy_of_large_outputs_is_finite():
    outputs, labels = jnp.array([[300.0, -300.0, 300.0]]), jnp.array([[1.0, 1.0, 0.0]])
    assert float(BinaryCrossEntropy()(outputs, labels)[0]) == pytest.approx(200)
    gradient = jax.grad(lambda x: BinaryCrossEntropy()(x, labels).sum())(outputs)
    np.testing.assert_allclose(gradient, [[0, -1 / 3, 1 / 3]], atol=1e-6)


def test_smooth_smape():
    outputs, targets = OUTPUTS.astype(np.float64), TARGETS.astype(np.float64)
    expected = 2 * abs(outputs - targets) / (abs(outputs) + abs(targets))
    np.testing.assert_allclose(call(SmoothSMAPE(1e-12), OUTPUTS, TARGETS), expected.mean(axis=1), rtol=1e-5)
    zeros = np.zeros((1, 3), np.float32)
    gradient = jax.grad(lambda x: SmoothSMAPE()(x, jnp.asarray(zeros)).sum())(jnp.asarray(zeros))
    np.testing.assert_array_equal(gradient, zeros)


@pytest.mark.parametrize("loss", [each for each in LOSSES.values() if takes(each) == "numbers"], ids=repr)
def test_what_was_not_observed_is_left_out(loss: Loss):
    """The mean over the others, and no derivative; a row without any target is zero."""
    levels = len(loss.quantiles) if isinstance(loss, Pinball) else 1
    targets = (TARGETS > 0).astype(np.float32)
    targets[0, 1] = targets[1] = np.nan
    outputs = np.repeat(OUTPUTS, levels, axis=1)
    found = call(loss, outputs, targets)
    kept = np.repeat([True, False, True], levels)
    assert found[0] == pytest.approx(float(call(loss, outputs[:1, kept], targets[:1, [0, 2]])[0]), rel=1e-6)
    assert found[1] == 0 and np.isfinite(found).all()
    gradient = np.asarray(jax.grad(lambda x: loss(x, jnp.asarray(targets)).sum())(jnp.asarray(outputs)))
    assert np.isfinite(gradient).all() and not gradient[0, ~kept].any() and not gradient[1].any()


def test_classes_below_zero_were_not_observed():
    outputs, targets = np.tile(OUTPUTS, (2, 1, 1)), np.stack([CLASSES, CLASSES])  # two rows of six steps
    targets[0, 2:], targets[1] = -1, -1
    for loss in (SoftmaxCrossEntropy(0.1), Accuracy()):
        found = call(loss, outputs, targets)
        assert found[0] == pytest.approx(float(call(loss, outputs[:1, :2], targets[:1, :2])[0]))
        assert found[1] == 0


@settings(max_examples=25)
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_accuracy_counts_the_largest(classes: int, seed: int):
    rng = np.random.default_rng(seed)
    outputs, targets = rng.normal(size=(7, classes)).astype(np.float32), rng.integers(0, classes, 7)
    expected = [int(np.argmax(row) == target) for row, target in zip(outputs, targets, strict=True)]
    assert call(Accuracy(), outputs, targets.astype(np.int32)).tolist() == expected


def test_names():
    assert named_loss("huber") == Huber()
    assert named_loss(Huber(3.0)) == Huber(3.0)
    with pytest.raises(InputError, match="unknown loss 'mse': expected one of softmax_cross_entropy, mean_squared"):
        named_loss("mse")
