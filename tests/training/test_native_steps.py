"""The native block against the one that XLA compiles: each layer, loss, optimiser and option, to rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pytest
from tasks import bits

from latchwork.errors import InputError
from latchwork.kernels import native
from latchwork.network import Network
from latchwork.spec import (
    GRU,
    LSTM,
    Bidirectional,
    CoupledLSTM,
    Dense,
    Embedding,
    PeepholeLSTM,
    Recurrent,
    Sequential,
    SimpleRNN,
)
from latchwork.training import (
    Accuracy,
    Data,
    Fitted,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Optimizer,
    Pinball,
    SoftmaxCrossEntropy,
    Supervised,
    evaluate,
    fit,
)

pytestmark = pytest.mark.skipif(not native.available(), reason="the kernels were not built")

ROWS, TIME, FEATURES, BATCH = 50, 6, 3, 16  # 50 rows are three batches and one that is filled up
CLASSES = Supervised(SoftmaxCrossEntropy(), (("accuracy", Accuracy()),))
VALUES = Supervised(MeanSquaredError(), (("mae", MeanAbsoluteError()),))


def rows(network: Sequential, objective: Supervised, *, lengths: bool = False, weight: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(ROWS, TIME, FEATURES)).astype(np.float32)
    shape = network.with_input((TIME, FEATURES)).output_shape()
    is_class = isinstance(objective.loss, SoftmaxCrossEntropy)
    targets = (
        rng.integers(0, shape[-1], (ROWS, *shape[:-1]), np.int32)
        if is_class
        else rng.normal(size=(ROWS, *shape)).astype(np.float32)
    )
    given = {"inputs": inputs, "targets": targets}
    if lengths:
        given["lengths"] = rng.integers(1, TIME + 1, ROWS, np.int32)
    if weight:
        given["weight"] = rng.uniform(0, 2, ROWS).astype(np.float32) * (rng.uniform(size=ROWS) < 0.8)
    return given


def train(way: str, network: Sequential, objective: Supervised, given: dict[str, Any], **options: Any) -> Fitted:
    os.environ["LATCHWORK_BLOCK"] = way
    try:
        model = Network.build(network, (TIME, FEATURES), seed=1)
        settings: dict[str, Any] = {
            "epochs": 3,
            "batch_size": BATCH,
            "optimizer": "adam",
            "progress": "none",
            **options,
        }
        return fit(model, objective, Data(given), **settings)
    finally:
        del os.environ["LATCHWORK_BLOCK"]


def assert_alike(one: Fitted, other: Fitted) -> None:
    for name, value in one.model.parameters().items():
        np.testing.assert_allclose(value, other.model.parameters()[name], rtol=1e-3, atol=3e-5, err_msg=name)
    for ours, theirs in zip(one.history.epochs, other.history.epochs, strict=True):
        for name in ours.keys() - {"seconds"}:
            assert ours[name] == pytest.approx(theirs[name], rel=2e-4, abs=1e-6), name


def compare(network: Sequential, objective: Supervised, given: dict[str, Any], **options: Any) -> None:
    ours, theirs = (train(way, network, objective, given, **options) for way in ("native", "xla"))
    assert ours.history.block == "native" and theirs.history.block == "xla: LATCHWORK_BLOCK=xla"
    assert_alike(ours, theirs)


RECURRENT: list[Recurrent] = [
    SimpleRNN(5), SimpleRNN(5, activation="relu"), GRU(5), LSTM(5), PeepholeLSTM(5), CoupledLSTM(5),
]  # fmt: skip
NETWORKS = [
    *(Sequential([layer, Dense(4)]) for layer in RECURRENT),
    Sequential([LSTM(5, reverse=True), Dense(4, "tanh"), Dense(3)]),
    Sequential([GRU(18, return_sequences=True), Dense(70, "relu"), Dense(4)]),
    Sequential([Bidirectional(LSTM(5)), Dense(4, "sigmoid"), Dense(3)]),
    Sequential([Bidirectional(GRU(5, return_sequences=True)), Bidirectional(LSTM(4)), Dense(3)]),
    Sequential([Dense(4), LSTM(5, return_sequences=True), LSTM(6)]),
]


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_each_layer_learns_as_with_xla(network: Sequential):
    compare(network, CLASSES, rows(network, CLASSES, lengths=True, weight=True))


@pytest.mark.parametrize(
    "objective",
    [
        VALUES,
        Supervised(MeanAbsoluteError(), (("mse", MeanSquaredError()), ("huber", Huber(0.3)))),
        Supervised(Huber(0.4)),
        Supervised(
            SoftmaxCrossEntropy(label_smoothing=0.1), (("accuracy", Accuracy()), ("hard", SoftmaxCrossEntropy()))
        ),
    ],
    ids=repr,
)
@pytest.mark.parametrize("every_step", [False, True])
def test_each_loss_is_measured_as_with_xla(objective: Supervised, every_step: bool):
    network = Sequential([LSTM(5, return_sequences=every_step), Dense(20)])
    compare(network, objective, rows(network, objective))


@pytest.mark.parametrize("name", ["sgd", "momentum", "rmsprop", "adam", "adagrad"])
@pytest.mark.parametrize("clip", [None, 0.05, 1e3])
def test_each_optimiser_steps_as_optax(name: str, clip: float | None):
    optimizer = Optimizer(name, 0.01, schedule="cosine", warmup=0.2, weight_decay=0.1 if clip else 0.0, clip=clip)
    network = Sequential([LSTM(5), Dense(2)])
    compare(network, VALUES, rows(network, VALUES), optimizer=optimizer)


def test_a_batch_of_one_row_and_one_step():
    network = Sequential([LSTM(4), Dense(1)])
    given = {name: array[:, :1] for name, array in rows(network, VALUES).items()}
    ours, theirs = (train(way, network, VALUES, given, batch_size=1) for way in ("native", "xla"))
    assert_alike(ours, theirs)
