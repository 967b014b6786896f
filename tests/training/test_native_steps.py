"""The native block against the one that XLA compiles: each layer, loss, optimiser and option, to rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import optax
import pytest
from marks import needs_kernels
from tasks import bits

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import (
    GRU,
    LSTM,
    Activation,
    Ahead,
    Bidirectional,
    Conv1D,
    CoupledLSTM,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    PeepholeLSTM,
    Pooling,
    Recurrent,
    RepeatVector,
    Sequential,
    SimpleRNN,
)
from latchwork.engines.native import program
from latchwork.training import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossEntropy,
    Data,
    Fitted,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Optimizer,
    Pinball,
    SideBySide,
    SmoothAbsoluteError,
    SmoothSMAPE,
    SoftmaxCrossEntropy,
    Supervised,
    evaluate,
    fit,
)

pytestmark = needs_kernels

ROWS, TIME, FEATURES, BATCH = 50, 6, 3, 16  # 50 rows are three batches and one that is filled up
CLASSES = Supervised(SoftmaxCrossEntropy(), (("accuracy", Accuracy()),))
VALUES = Supervised(MeanSquaredError(), (("mae", MeanAbsoluteError()),))


def rows(network: Sequential, objective: Supervised, *, lengths: bool = False, weight: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(ROWS, TIME, FEATURES)).astype(np.float32)
    shape: Any = network.with_input((TIME, FEATURES)).output_shape()
    match objective.loss:
        case SoftmaxCrossEntropy():
            targets = rng.integers(0, shape[-1], (ROWS, *shape[:-1]), np.int32)
        case BinaryCrossEntropy():
            targets = rng.integers(0, 2, (ROWS, *shape)).astype(np.float32)
        case Pinball(quantiles):
            targets = rng.normal(size=(ROWS, *shape[:-1], shape[-1] // len(quantiles))).astype(np.float32)
        case _:
            targets = rng.normal(size=(ROWS, *shape)).astype(np.float32)
    given = {"inputs": inputs, "targets": targets}
    if lengths:
        given["lengths"] = rng.integers(1, TIME + 1, ROWS, np.int32)
    if weight:
        given["weight"] = rng.uniform(0, 2, ROWS).astype(np.float32) * (rng.uniform(size=ROWS) < 0.8)
    return given


class OwnLoss:
    """What JAX alone can differentiate."""

    def __call__(self, outputs: Any, targets: Any) -> Any:
        """The fourth power of the error."""
        return ((outputs - targets) ** 4).mean(axis=-1)


def train(way: str, network: Sequential, objective: Supervised, given: dict[str, Any], **options: Any) -> Fitted:
    os.environ["LATCHWORK_BLOCK"] = way
    try:
        model = NetworkData.build(network, (TIME, FEATURES), seed=1)
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
    for name, value in one.model.parameters.items():
        np.testing.assert_allclose(value, other.model.parameters[name], rtol=1e-3, atol=3e-5, err_msg=name)
    for ours, theirs in zip(one.history.epochs, other.history.epochs, strict=True):
        for name in ours.keys() - {"seconds"}:
            assert ours[name] == pytest.approx(theirs[name], rel=2e-4, abs=1e-6), name


def compare(network: Sequential, objective: Supervised, given: dict[str, Any], **options: Any) -> None:
    ours, theirs = (train(way, network, objective, given, **options) for way in ("native", "xla"))
    assert ours.history.block == "native" and theirs.history.block == "xla: LATCHWORK_BLOCK=xla"
    assert_alike(ours, theirs)


RECURRENT: list[Recurrent] = [
    SimpleRNN(5), SimpleRNN(5, activation="relu"), GRU(5), LSTM(5), PeepholeLSTM(5), CoupledLSTM(5),
    LSTM(5, activation="relu"), GRU(5, activation="relu"),
]  # fmt: skip
NETWORKS = [
    *(Sequential([layer, Dense(4)]) for layer in RECURRENT),
    Sequential([LSTM(5, reverse=True), Dense(4, "tanh"), Dense(3, zeros=True)]),
    Sequential([GRU(18, return_sequences=True), Dense(70, "relu"), Dense(4)]),
    Sequential([Bidirectional(LSTM(5)), Dense(4, "sigmoid"), Dense(3)]),
    Sequential([Bidirectional(GRU(5, return_sequences=True)), Bidirectional(LSTM(4)), Dense(3)]),
    Sequential([Dense(4), LSTM(5, return_sequences=True), LSTM(6)]),
    Sequential(
        [GRU(5, return_sequences=True), Conv1D(17, 4, activation="relu"), Conv1D(4, 3, "causal"), Pooling(), Dense(3)]
    ),
    Sequential([Conv1D(5, 9, activation="tanh"), LSTM(4), Dense(3)]),
    Sequential([GRU(5, return_sequences=True), LayerNorm(), Pooling(("first", "last", "mean", "max")), Dense(3)]),
    Sequential([LayerNorm(), SimpleRNN(5, activation="relu", return_sequences=True), Pooling(("max",)), Dense(3)]),
    Sequential(
        [Bidirectional(LSTM(5, return_sequences=True), merge="mul"), Bidirectional(GRU(4), merge="ave"), Dense(3)]
    ),
    Sequential(
        [Bidirectional(LSTM(5), merge="sum"), RepeatVector(3), GRU(4, return_sequences=True), Flatten(3), Dense(3)]
    ),
    *(Sequential([LSTM(5), Dense(4), Activation(name), Dense(3)]) for name in Activation.FUNCTIONS),
    Sequential([LSTM(5, return_sequences=True), Activation("softmax"), Pooling(("mean",)), Dense(3)]),
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
        Supervised(
            BinaryCrossEntropy(label_smoothing=0.1), (("right", BinaryAccuracy()), ("mae", MeanAbsoluteError()))
        ),
        Supervised(SmoothSMAPE(0.01), (("sae", SmoothAbsoluteError()),)),
        Supervised(Pinball((0.1, 0.3, 0.5, 0.95)), (("other", Pinball((0.2, 0.4, 0.6, 0.8))),), mean="values"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("every_step", [False, True])
def test_each_loss_is_measured_as_with_xla(objective: Supervised, every_step: bool):
    """Also where sequences end before the others, and where not all was observed."""
    network = Sequential([LSTM(5, return_sequences=every_step), Dense(20)])
    given = rows(network, objective, lengths=every_step, weight=every_step)
    targets = given["targets"]
    hidden = np.random.default_rng(9).uniform(size=targets.shape) < 0.2
    hidden[3] = True
    given["targets"] = np.where(hidden, -1 if targets.dtype.kind == "i" else np.nan, targets).astype(targets.dtype)
    compare(network, objective, given)


def test_steps_past_the_end_have_no_target():
    """What stands there changes nothing; each row's loss is the mean over its own steps."""
    network = Sequential([GRU(4, return_sequences=True), Dense(3)])
    for objective in (CLASSES, VALUES):
        given = rows(network, objective, lengths=True)
        past = np.arange(TIME) >= given["lengths"][:, None]
        other = given | {"targets": given["targets"].copy()}
        other["targets"][past] = 1
        first, second = (train("native", network, objective, each) for each in (given, other))
        assert bits(first.model) == bits(second.model) and first.history.last("loss") == second.history.last("loss")
    model = NetworkData.build(network, (TIME, FEATURES), seed=1)
    given = rows(network, VALUES, lengths=True)
    outputs = program.serve(model.spec, model.parameters).run(given["inputs"], given["lengths"]).astype(np.float64)
    squares = ((outputs - given["targets"]) ** 2).mean(axis=-1)
    each = [squares[row, :length].mean() for row, length in enumerate(given["lengths"])]
    steps = np.concatenate([squares[row, :length] for row, length in enumerate(given["lengths"])])
    assert evaluate(model, VALUES, Data(given))["loss"] == pytest.approx(np.mean(each), rel=1e-5)
    by_step = Supervised(MeanSquaredError(), mean="values")
    assert evaluate(model, by_step, Data(given))["loss"] == pytest.approx(np.mean(steps), rel=1e-5)


def test_levels_lie_beside_their_target():
    """A horizon of three with two levels each: as one vector, or as steps ahead."""
    objective = Supervised(Pinball((0.2, 0.9)))
    network = Sequential([LSTM(5), Dense(6)])
    given = rows(network, objective)
    assert given["targets"].shape == (ROWS, 3)
    compare(network, objective, given)
    ahead = Sequential([LSTM(5), Ahead(4, 2, "tanh"), Dense(2)])
    side = np.random.default_rng(1).normal(size=(ROWS, 3, 2)).astype(np.float32)
    compare(ahead, objective, given | {"ahead": side})
    with pytest.raises(InputError, match="native block cannot run this case: its targets have 2 of the outputs"):
        train("native", Sequential([LSTM(5), Dense(8)]), objective, given)


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


@pytest.mark.parametrize("draws", [False, True])
def test_members_learn_side_by_side_as_each_alone(draws: bool):
    network = Sequential([LSTM(5, dropout=0.3 if draws else 0.0), Dense(2)])
    each = [rows(network, VALUES), {name: 2 * array for name, array in rows(network, VALUES).items()}]
    given = {name: np.stack([one[name] for one in each], axis=1) for name in ("inputs", "targets")}
    networks = [NetworkData.build(network, (TIME, FEATURES), seed) for seed in (1, 2)]
    options: dict[str, Any] = {"epochs": 2, "batch_size": BATCH, "progress": "none"}
    together = fit(NetworkData.stacked(networks), SideBySide(VALUES), Data(given), **options)
    assert together.history.block == "native"
    if draws:
        masks = [array[0] - array[1] for array in together.model.parameters.values()]
        assert all(np.abs(difference).max() > 0 for difference in masks)
        return
    alone = [fit(one, VALUES, Data(rows), **options) for one, rows in zip(networks, each, strict=True)]
    for name, array in together.model.parameters.items():
        np.testing.assert_array_equal(array, np.stack([one.model.parameters[name] for one in alone]))
    mean = np.mean([one.history.last("mae") for one in alone])
    assert together.history.last("mae") == pytest.approx(mean)


def test_members_learn_as_with_xla(monkeypatch: pytest.MonkeyPatch):
    network = Sequential([GRU(5), Dense(4)])
    each = [rows(network, CLASSES), rows(network, CLASSES)]
    given = {name: np.stack([one[name] for one in each], axis=1) for name in ("inputs", "targets")}
    model = NetworkData.stacked([NetworkData.build(network, (TIME, FEATURES), seed) for seed in (1, 2)])
    models: list[Fitted] = []
    for way in ("native", "xla"):
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        models.append(fit(model, SideBySide(CLASSES), Data(given), epochs=2, batch_size=BATCH, progress="none"))
    assert_alike(*models)


def test_first_layers_without_a_time_axis():
    """Vectors in place of sequences: a dense network."""
    network = Sequential([Dense(7, "tanh"), Dense(3)])
    given = rows(Sequential([LSTM(3)]), CLASSES) | {"inputs": np.random.default_rng(1).normal(size=(ROWS, FEATURES))}
    models = []
    for way in ("native", "xla"):
        os.environ["LATCHWORK_BLOCK"] = way
        model = NetworkData.build(network, (FEATURES,), seed=1)
        models.append(fit(model, CLASSES, Data(given), epochs=2, batch_size=BATCH, progress="none"))
    del os.environ["LATCHWORK_BLOCK"]
    assert_alike(*models)


def test_symbols_are_embedded_as_with_xla():
    network = Sequential([Embedding(7, 20), GRU(5, return_sequences=True), Dense(7)])
    rng = np.random.default_rng(2)
    given = {name: rng.integers(0, 7, (ROWS, TIME), np.int32) for name in ("inputs", "targets")}
    given["lengths"] = rng.integers(1, TIME + 1, ROWS, np.int32)
    models = []
    for way in ("native", "xla"):
        os.environ["LATCHWORK_BLOCK"] = way
        models.append(fit(NetworkData.build(network, (TIME,), 1), CLASSES, Data(given), epochs=2, progress="none"))
    del os.environ["LATCHWORK_BLOCK"]
    assert_alike(*models)


@pytest.mark.parametrize("every_step", [False, True])
def test_evaluation_agrees_with_xla(monkeypatch: pytest.MonkeyPatch, every_step: bool):
    network = Sequential([LSTM(5, return_sequences=every_step), Dense(4)])
    model = NetworkData.build(network, (TIME, FEATURES), seed=1)
    given = rows(network, CLASSES, lengths=True, weight=True)
    figures = []
    for way in ("native", "xla"):
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        figures.append(evaluate(model, CLASSES, Data(given, chunk_rows=20), batch_size=8))
    assert figures[0] == pytest.approx(figures[1], rel=1e-5)


DROPPED = Sequential(
    [GRU(5, dropout=0.3, recurrent_dropout=0.3, return_sequences=True), Dropout(0.4), LSTM(4), Dense(2)]
)


def test_what_is_dropped_follows_from_seed_and_step():
    given = rows(DROPPED, VALUES)
    one, again, other = (train("native", DROPPED, VALUES, given, seed=seed) for seed in (1, 1, 2))
    assert bits(one.model) == bits(again.model) != bits(other.model)


@pytest.mark.parametrize("layer", [Dropout(0.4), LSTM(6, dropout=0.4), LSTM(6, recurrent_dropout=0.4)], ids=repr)
def test_dropping_keeps_the_expectation(layer: Any):
    """Over many draws the outputs' mean is about that without dropping, and their spread is not zero."""
    network = Sequential([SimpleRNN(6, return_sequences=True), layer, Dense(1)])
    rng = np.random.default_rng(0)
    inputs = np.repeat(rng.normal(size=(1, TIME, FEATURES)), 4000, axis=0).astype(np.float32)
    shape: Any = network.with_input((TIME, FEATURES)).output_shape()
    targets = np.zeros((4000, *shape), np.float32)
    given = {"inputs": inputs, "targets": targets}
    losses = {}
    for way in ("native", "xla"):
        model = NetworkData.build(network, (TIME, FEATURES), seed=1)
        os.environ["LATCHWORK_BLOCK"] = way
        rate = Optimizer("sgd", 1e-12)
        losses[way] = fit(model, VALUES, Data(given), steps=1, batch_size=4000, optimizer=rate, progress="none").history
    del os.environ["LATCHWORK_BLOCK"]
    still = evaluate(NetworkData.build(network, (TIME, FEATURES), seed=1), VALUES, Data(given))
    assert losses["native"].last("loss") == pytest.approx(losses["xla"].last("loss"), rel=0.05)
    assert losses["native"].last("loss") != pytest.approx(still["loss"], rel=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective": Supervised(OwnLoss())}, "it knows no OwnLoss"),
        ({"objective": Supervised(BinaryAccuracy())}, "has no derivative"),
        ({"optimizer": optax.adam(1e-3)}, "by name"),
        ({"network": Sequential([LSTM(3, recompute_every=2), Dense(1)])}, "recompute_every"),
        (
            {"network": Sequential([LSTM(3), Dense(2)]), "targets": np.zeros((ROWS, 1), np.float32)},
            "the outputs' shape",
        ),
    ],
)
def test_what_it_cannot_run_is_said(change: dict[str, Any], words: str):
    network = change.get("network", Sequential([LSTM(3), Dense(1)]))
    objective = change.get("objective", VALUES)
    given = rows(network, VALUES) | ({"targets": change["targets"]} if "targets" in change else {})
    options = {"optimizer": change["optimizer"]} if "optimizer" in change else {}
    with pytest.raises(InputError, match=f"a native block cannot run this case: .*{words}"):
        train("native", network, objective, given, **options)


def test_the_result_does_not_depend_on_the_number_of_threads():
    """Each in a process of its own, since the number is read once."""
    code = """
import hashlib, numpy as np
from test_native_steps import *
network = Sequential([Bidirectional(GRU(40, return_sequences=True, dropout=0.1)), Dropout(0.1), LSTM(70), Dense(10)])
given = rows(network, CLASSES, lengths=True)
optimizer = Optimizer("adam", clip=0.1, weight_decay=0.1)
fitted = train("native", network, CLASSES, given, optimizer=optimizer, batch_size=35)
print(hashlib.sha256(b"".join(bits(fitted.model))).hexdigest(), fitted.history.last("loss"))
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True,
            env=os.environ | {"LATCHWORK_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for threads in (1, 2, 3)
    }  # fmt: skip
    assert len(said) == 1
