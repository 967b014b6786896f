"""A file from elsewhere as a fitted model: it predicts, saves, and opens in the explorer as one trained here does."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.interop.importing.given import as_scaler, given_labels
from latchwork.interop.importing.imported import Imported
from latchwork.interop.importing.reading import read_any
from latchwork.runtime.model import Model
from latchwork.training.history import History
from latchwork.transforms.labels import Labels
from latchwork.transforms.scaling import Scaler


def import_model(
    path: str | os.PathLike[str],
    *,
    labels: Iterable[Any] | str | os.PathLike[str] | None = None,
    scaler: Any = None,
    target_scaler: Any = None,
    reads: str | None = None,
    activation: str | None = None,
) -> Model:
    """A model of Keras, PyTorch or ONNX with the same outputs within 1e-5.

    Args:
        path: a `.keras` or `.h5` file, a state dict in `.pt` or `.safetensors`, or an `.onnx` file.
        labels: the classes in the order of the outputs: a list, or a file with one a line (or a JSON list). The model
            is then a classifier. Where the original ends in a softmax, they are 0, 1, 2, ... unless given.
        scaler: what the inputs went through before the original: `(offset, scale)` for (x - offset) / scale, a
            scikit-learn `StandardScaler` or `MinMaxScaler`, or a JSON file with `mean` and `scale`, or `min` and `max`.
        target_scaler: likewise for the answers of a regressor, which come back in their own units.
        reads: for a state dict, what its linear layers were given of the recurrent layer's outputs: `final` (the
            hidden state at the end), `last` (the outputs at the last step: other than `final` where two ways are
            read), `first`, `mean`, `max` (over the steps) or `every` (each step by itself).
        activation: for a state dict, what stood between several linear layers: `relu`, `tanh`, `sigmoid` or `linear`;
            and of an nn.RNN, where it is not `tanh`: `rnn-relu`; both with a comma.

    Returns:
        A model that predicts labels (a classifier) or the original's outputs; `save` writes the `.latch` file.

    Raises:
        InputError: in one line: damaged, hostile, code inside, or a layer or setting by its name that is not read.

    Example:
        >>> model = import_model("mnist_lstm.keras", labels="digits.txt")  # doctest: +SKIP
        >>> model.predict(images)  # doctest: +SKIP
        array([7, 2, 1])
    """
    origin, read = read_any(path, reads=reads, activation=activation)
    try:
        return as_model(read, origin, Path(path).name, labels, scaler, target_scaler)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def as_model(
    read: Imported, origin: str, name: str, labels: Any = None, scaler: Any = None, target_scaler: Any = None
) -> Model:
    """A network that was read, as what answers; arguments as of `import_model`."""
    data, shapes = read.data, read.data.spec.shapes()
    inputs, outputs = shapes[0][-1], cast("int", shapes[-1][-1])
    first = None if scaler is None else as_scaler(scaler, inputs, "scaler")
    if first is not None and isinstance(data.spec.layers[0], spec.Embedding):
        raise InputError("it takes token numbers, which are not scaled: leave out the scaler")
    classes = given_labels(labels) if labels is not None else read.document.get("labels")
    if classes is None and read.softmax:
        classes = list(range(outputs))
    common: dict[str, Any] = {
        "scaler": _one_after_the_other(first, read.scaler),
        "scaling": "imported",
        "training": {"history": History().to_dict(), "imported": _origin(read, origin, name)},
        "trained_on": {},
        "padding": read.padding,
    }
    if classes is not None:
        if target_scaler is not None:
            raise InputError("it is a classifier, whose answers are labels: leave out the target scaler")
        data = data if read.softmax else _scores_of(data, len(classes))
        found = _checked_labels(classes, cast("int", data.spec.output_shape()[-1]))
        return Model.fitted("classification", data, labels=found, **common)
    last = read.target_scaler if target_scaler is None else as_scaler(target_scaler, outputs, "target scaler")
    vector = bool(read.document.get("vector", False))
    if vector and last is None:
        last = Scaler(np.zeros(outputs), np.ones(outputs))  # it is what takes the axis of one number away
    return Model.fitted("regression", data, target_scaler=last, vector=vector, **common)


def _origin(read: Imported, origin: str, name: str) -> dict[str, Any]:
    return {"from": origin, "file": name, "layers": list(read.names), "notes": list(read.notes)}


def _checked_labels(classes: list[Any], outputs: int) -> Labels:
    if len(classes) != outputs:
        raise InputError(f"got {len(classes)} labels for a network of {outputs} outputs: give one for each")
    if len(set(classes)) != len(classes):
        raise InputError("a label is given twice: each output has a label of its own")
    return Labels(tuple(classes))


def _one_after_the_other(first: Scaler | None, second: Scaler | None) -> Scaler | None:
    if first is None or second is None:
        return first or second
    return Scaler(first.offset + second.offset * first.scale, first.scale * second.scale)


def _scores_of(data: NetworkData, classes: int) -> NetworkData:
    """The network before its activation, as scores of classes: those of two classes where it has one sigmoid."""
    last = data.spec.layers[-1]
    if not isinstance(last, spec.Dense) or last.activation in ("tanh", "relu"):
        raise InputError(f"it ends in {last!r}, whose outputs are no classes' scores: leave out the labels")
    if last.activation is None:
        return data
    if (last.units, classes) != (1, 2):
        raise InputError(f"it ends in {last.units} sigmoids: labels belong to one sigmoid (two labels, the second for "
                         "an output near 1), a softmax or plain scores")  # fmt: skip
    at = f"layers.{len(data.spec.layers) - 1}."
    layers = (*data.spec.layers[:-1], dataclasses.replace(last, units=2, activation=None))
    arrays = dict(data.parameters)
    for name in ("weight", "bias"):  # softmax([0, z]) = [1 - sigmoid(z), sigmoid(z)]
        own = arrays[at + name]
        arrays[at + name] = np.concatenate([np.zeros_like(own), own], axis=-1)
    return NetworkData(spec.Sequential(layers, input_shape=data.spec.input_shape), arrays)
