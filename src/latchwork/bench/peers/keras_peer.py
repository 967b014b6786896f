"""Keras on the backend that KERAS_BACKEND names: `compile` and `fit`, as in the article."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.bench.cases import Case
from latchwork.bench.work import Work
from latchwork.core import spec

keras: Any = importlib.import_module("keras")  # an extra: no types where it is not installed


class Trainer:
    """`model.fit`, one call a round."""

    first_step_seconds: float | None = None

    def __init__(self, case: Case, works: list[Work]) -> None:
        """Build and compile the model around the given weights."""
        (work,) = works
        self.case = case
        self.inputs = work.inputs.reshape(-1, *work.inputs.shape[2:])
        self.targets = work.targets.reshape(-1, *work.targets.shape[2:])
        layers = [_layer(layer) for layer in case.network.layers]
        if case.shortest:  # padded steps are all zero, real ones are not
            layers.insert(0, keras.layers.Masking())
        token = self.inputs.dtype.kind == "i"
        self.model = keras.Sequential(
            [keras.Input(self.inputs.shape[1:], dtype="int32" if token else "float32"), *layers]
        )
        self.model.set_weights(_weights(case.network, work.parameters))
        optimizer = {
            "rmsprop": lambda: keras.optimizers.RMSprop(case.learning_rate, rho=0.9, epsilon=1e-7),
            "adam": lambda: keras.optimizers.Adam(case.learning_rate, epsilon=1e-7),
            "sgd": lambda: keras.optimizers.SGD(case.learning_rate),
        }[case.optimizer]()
        classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        loss = keras.losses.MeanSquaredError() if case.loss == "squared error" else classes
        self.model.compile(optimizer=optimizer, loss=loss)

    def first_outputs(self) -> NDArray[Any]:
        """`predict_on_batch`."""
        return np.asarray(self.model.predict_on_batch(self.inputs[: self.case.batch]))[None]

    def round(self) -> float:
        """`fit` over the case's epochs."""
        history = self.model.fit(
            self.inputs, self.targets, batch_size=self.case.batch, epochs=self.case.epochs, shuffle=False, verbose=0
        )
        return float(np.mean(history.history["loss"]))


def _layer(layer: spec.Layer) -> Any:
    match layer:
        case spec.Embedding():
            return keras.layers.Embedding(layer.tokens, layer.units)
        case spec.Dense():
            return keras.layers.Dense(layer.units)
        case spec.Bidirectional():
            return keras.layers.Bidirectional(_layer(layer.layer))
        case spec.LSTM() | spec.GRU() | spec.SimpleRNN():
            kind = getattr(keras.layers, type(layer).__name__)
            return kind(layer.units, return_sequences=layer.return_sequences)
        case _:
            raise TypeError(f"no peer of {layer!r}")


def _weights(network: spec.Sequential, parameters: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """In Keras's order of arrays, which is ours but for the GRU: gates z, r, n and both biases in one array."""
    given: list[NDArray[np.float32]] = []
    pending: NDArray[np.float32] | None = None
    for name, array in parameters.items():
        layer = network.layers[int(name.split(".")[1])]
        if not isinstance(layer, spec.GRU):
            given.append(array)
            continue
        r, z, n = np.split(array, 3, axis=-1)
        moved = np.concatenate([z, r, n], axis=-1)
        if name.endswith("input_bias"):
            pending = moved
        elif name.endswith("hidden_bias"):
            assert pending is not None
            given.append(np.stack([pending, moved]))
        else:
            given.append(moved)
    return given
