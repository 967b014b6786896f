"""Labels aligned with steps (CTC): against every alignment in float64, against PyTorch's, and in training."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marks import needs_kernels
from tasks import bits

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Bidirectional, Dense, Dropout, Sequential
from latchwork.training import ConnectionistTemporal, Data, Fitted, Optimizer, Supervised, evaluate, fit

LOSS = Supervised(ConnectionistTemporal())
WHOLE = Supervised(ConnectionistTemporal(per_label=False))
GOLDENS = Path(__file__).parents[1] / "goldens" / "ctc.npz"


def by_every_alignment(outputs: np.ndarray, labels: tuple[int, ...]) -> tuple[float, np.ndarray]:
    """The loss and its derivative by the outputs `[time, classes]`, from each way to emit the labels."""
    powers = np.exp(outputs.astype(np.float64))
    softmax = powers / powers.sum(axis=1, keepdims=True)
    time, classes = outputs.shape
    total, shares = 0.0, np.zeros((time, classes))
    for path in itertools.product(range(classes), repeat=time):
        if tuple(symbol for symbol, _ in itertools.groupby(path) if symbol) == labels:
            probability = np.prod(softmax[np.arange(time), path])
            total += probability
            shares[np.arange(time), path] += probability
    if total == 0:
        return np.inf, np.zeros((time, classes))
    return -np.log(total), softmax - shares / total


def by_kernels(outputs: np.ndarray, labels: Any, length: int | None = None) -> tuple[float, np.ndarray]:
    """The same from the kernels: outputs are the weights of a layer that sees which step it is, and so learned."""
    time, classes = outputs.shape
    padded = np.array([[*labels, -1]], np.int32)
    given = {"inputs": np.eye(time, dtype=np.float32)[None], "targets": padded}
    if length is not None:
        given["lengths"] = np.array([length], np.int32)
    network = NetworkData.build(Sequential([Dense(classes)]), (time, time))
    arrays = {"layers.0.weight": outputs.astype(np.float32), "layers.0.bias": np.zeros(classes, np.float32)}
    network = NetworkData(network.spec, arrays)
    fitted = fit(network, WHOLE, Data(given), steps=1, optimizer=Optimizer("sgd", 1.0), progress="none")
    assert fitted.history.block == "native"
    return fitted.history.last("loss"), outputs - fitted.model.parameters["layers.0.weight"].astype(np.float64)


CASES = [
    (time, classes, labels)
    for time, classes in ((1, 2), (2, 3), (4, 3), (5, 3), (6, 2))
    for count in range(min(time, 3) + 1)
    for labels in itertools.product(range(1, classes), repeat=count)
    if count + sum(a == b for a, b in itertools.pairwise(labels)) <= time
]


@needs_kernels
def test_tiny_cases_agree_with_every_alignment():
    """Empty ones, repeated labels, and those that just fit among them."""
    rng = np.random.default_rng(0)
    assert len(CASES) > 30 and any(not labels for _, _, labels in CASES)
    for time, classes, labels in CASES:
        outputs = (2 * rng.normal(size=(time, classes))).astype(np.float32)
        expected, slopes = by_every_alignment(outputs, labels)
        found, gradient = by_kernels(outputs, labels)
        assert found == pytest.approx(expected, rel=2e-6, abs=1e-6), (time, labels)
        np.testing.assert_allclose(gradient, slopes, atol=1e-6, err_msg=str((time, labels)))
        in_numpy = ConnectionistTemporal(per_label=False)(outputs[None].astype(np.float64), np.array([[*labels, -1]]))
        assert float(in_numpy[0]) == pytest.approx(expected, rel=1e-12, abs=1e-12), (time, labels)


@cache
def goldens() -> dict[str, dict[str, np.ndarray]]:
    cases: dict[str, dict[str, np.ndarray]] = {}
    with np.load(GOLDENS) as arrays:
        for name in arrays.files:
            case, _, key = name.partition("/")
            cases.setdefault(case, {})[key] = arrays[name]
    return cases


@needs_kernels
@pytest.mark.parametrize("name", ["digits", "characters", "empty", "repeated", "sure", "wide", "long"])
def test_pytorch_agrees(name: str):
    """Loss and gradient in float64 there; outputs of any size, steps beyond the length."""
    case = goldens()[name]
    for row, (outputs, length) in enumerate(zip(case["outputs"], case["lengths"], strict=True)):
        labels = case["labels"][row][case["labels"][row] >= 0]
        found, gradient = by_kernels(outputs, labels, int(length))
        assert found == pytest.approx(case["loss"][row], rel=1e-5), row
        np.testing.assert_allclose(gradient, case["gradient"][row], atol=5e-6, err_msg=str(row))
    exact = ConnectionistTemporal(per_label=False)(case["outputs"].astype(np.float64), case["labels"], case["lengths"])
    np.testing.assert_allclose(exact, case["loss"], rtol=1e-10)


@needs_kernels
def test_thousands_of_steps_stay_exact():
    """Each step's derivatives add up to nothing, and a small move of one output changes the loss by its slope."""
    rng = np.random.default_rng(1)
    outputs = (3 * rng.normal(size=(3000, 5))).astype(np.float32)
    labels = rng.integers(1, 5, 700)
    loss = ConnectionistTemporal(per_label=False)
    found, gradient = by_kernels(outputs, labels)
    exact = float(loss(outputs[None].astype(np.float64), labels[None])[0])
    assert found == pytest.approx(exact, rel=1e-6)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=5e-6)
    for step, symbol in ((0, 0), (1500, 2), (2999, 4)):
        moved = np.repeat(outputs[None].astype(np.float64), 2, axis=0)
        moved[:, step, symbol] += (1e-4, -1e-4)
        up, down = loss(moved, np.stack([labels, labels]))
        assert gradient[step, symbol] == pytest.approx((up - down) / 2e-4, abs=1e-4)


def test_what_cannot_be_aligned_has_an_infinite_loss():
    outputs = np.zeros((3, 3, 4))
    labels = np.array([[1, 1, 2], [1, 2, 3], [1, -1, -1]])  # the first needs four steps, the last has none
    found = ConnectionistTemporal()(outputs, labels, np.array([3, 3, 0]))
    assert found[0] == np.inf and np.isfinite(found[1]) and found[2] == np.inf


RNG = np.random.default_rng(7)
ROWS, TIME, CLASSES = 40, 12, 5
NETWORK = Sequential([Bidirectional(LSTM(6, return_sequences=True)), Dense(CLASSES)])
LABELS = np.where(np.arange(6) < RNG.integers(0, 5, (ROWS, 1)), RNG.integers(1, CLASSES, (ROWS, 6)), -1)
GIVEN = {
    "inputs": RNG.normal(size=(ROWS, TIME, 3)).astype(np.float32),
    "targets": LABELS.astype(np.int32),
    "lengths": RNG.integers(9, TIME + 1, ROWS).astype(np.int32),
    "weight": RNG.uniform(0.5, 2, ROWS).astype(np.float32),
}
GIVEN["lengths"][:2] = 1, 2  # the first has labels that its one step cannot hold
GIVEN["targets"][:2, :3] = ((1, 2, 3), (1, 1, -1))


def train(network: Sequential = NETWORK, objective: Supervised = LOSS, **given: np.ndarray) -> Fitted:
    model = NetworkData.build(network, (TIME, 3), seed=1)
    return fit(model, objective, Data(GIVEN | given), epochs=3, batch_size=16, progress="none")


@needs_kernels
@pytest.mark.parametrize("objective", [LOSS, WHOLE, Supervised(ConnectionistTemporal(), mean="values")], ids=repr)
def test_both_ways_learn_alike(objective: Supervised, monkeypatch: pytest.MonkeyPatch):
    found: list[Fitted] = []
    for way in ("native", "xla"):
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        found.append(train(objective=objective))
    for name, value in found[0].model.parameters.items():
        np.testing.assert_allclose(value, found[1].model.parameters[name], rtol=1e-3, atol=3e-5, err_msg=name)
    assert found[0].history.last("loss") == pytest.approx(found[1].history.last("loss"), rel=1e-4)


@needs_kernels
def test_a_row_whose_steps_are_too_few_counts_nowhere():
    """Neither in training nor in evaluation; nothing becomes NaN."""
    inputs = GIVEN["inputs"].copy()
    inputs[:2] = 100 * RNG.normal(size=(2, TIME, 3))
    plain, other = train(), train(inputs=inputs)
    assert bits(plain.model) == bits(other.model)
    assert plain.history.last("loss") == other.history.last("loss") and np.isfinite(plain.history.last("loss"))
    rest = {name: array[2:] for name, array in GIVEN.items()}
    figures = [evaluate(plain.model, LOSS, Data(given)) for given in (GIVEN, rest)]
    assert figures[0] == pytest.approx(figures[1], rel=1e-6)


@needs_kernels
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": LABELS * 0}, "got the label 0: with 5 outputs labels are 1 to 4"),
        ({"targets": np.where(LABELS > 0, 5, -1)}, "got the label 5: with 5 outputs"),
        ({"targets": LABELS.astype(np.float32)}, "a row of whole numbers"),
        ({"network": Sequential([LSTM(4), Dense(5)])}, "return sequences"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATCHWORK_BLOCK", "native")
    with pytest.raises(InputError, match=words):
        train(**changes)


@needs_kernels
def test_it_learns_to_read():
    """Three symbols, each a few steps of its own feature, at any pace."""
    rng = np.random.default_rng(3)
    inputs, lengths = np.zeros((120, 20, 3), np.float32), np.zeros(120, np.int32)
    labels = np.full((120, 4), -1, np.int32)
    for row in range(120):
        own = rng.integers(0, 3, rng.integers(1, 5))
        labels[row, : len(own)] = own + 1
        steps = np.concatenate([[symbol] * rng.integers(1, 4) + [-1] for symbol in own])
        inputs[row, : len(steps)] = np.eye(4)[steps][:, :3]
        lengths[row] = len(steps)
    inputs += rng.normal(0, 0.1, inputs.shape).astype(np.float32)
    network = Sequential([LSTM(16, return_sequences=True), Dropout(0.1), Dense(4)])
    model = NetworkData.build(network, (20, 3), seed=0)
    data = Data({"inputs": inputs, "targets": labels, "lengths": lengths})
    fitted = fit(model, LOSS, data, epochs=40, batch_size=16, optimizer=Optimizer("adam", 0.02), progress="none")
    assert fitted.history.block == "native" and evaluate(fitted.model, LOSS, data)["loss"] < 0.1
