"""A network as a `.keras` file that Keras 3 opens: `config.json`, `metadata.json`, `model.weights.h5` in a zip."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.writing import write_atomically
from latchwork.interop.importing.files import required
from latchwork.interop.importing.keras_file import KerasLayer, snake_case
from latchwork.interop.importing.keras_layers import swap_gates
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
Parameters = Mapping[str, Array]
VERSION = "3.5.0"  # the oldest whose format this is
_DATE = (2020, 1, 1, 0, 0, 0)  # of every member, so that a model written twice is the same file


def write_keras(
    network: NetworkData,
    path: str | os.PathLike[str],
    *,
    softmax: bool = False,
    names: Sequence[str] | None = None,
    padding: float | None = None,
    scaler: Scaler | None = None,
    target_scaler: Scaler | None = None,
) -> None:
    """Write a `.keras` file with the same answers.

    Args:
        network: its layers and their arrays.
        path: the file.
        softmax: end in a softmax, as a classifier's probabilities do.
        names: of each layer, its name there (`lstm`, `lstm_1`, ... where None).
        padding: the value whose steps are passed over: an Embedding's `mask_zero`, else a `Masking` layer.
        scaler: what the inputs go through first: a `Normalization` layer.
        target_scaler: what the outputs go through last, backwards: a `Rescaling` layer.

    Raises:
        InputError: a layer that Keras does not have, by name; or h5py is not installed.
    """
    network = network.untied()
    layers = list(keras_layers(network, softmax=softmax, names=names, padding=padding))
    if scaler is not None:
        layers.insert(0, _normalization(scaler))
    if target_scaler is not None:
        scale, offset = target_scaler.scale.tolist(), target_scaler.offset.tolist()
        layers.append(KerasLayer("Rescaling", "rescaling", {"scale": scale, "offset": offset}))
    first = network.spec.layers[0]
    shape = network.spec.shapes()[0]
    write_keras_layers(layers, shape, path, tokens=isinstance(first, spec.Embedding))


def write_keras_layers(
    layers: Sequence[KerasLayer],
    input_shape: spec.Shape,
    path: str | os.PathLike[str],
    *,
    tokens: bool = False,
    compiled: Mapping[str, Any] | None = None,
) -> None:
    """Write a `.keras` file of a Sequential model.

    Args:
        layers: each with Keras's settings and its arrays in Keras's order.
        input_shape: the batch left out.
        path: the file.
        tokens: whether the inputs are token numbers.
        compiled: what it was compiled with, as Keras writes it down; or None.
    """
    document = keras_config(layers, input_shape, tokens=tokens)
    if compiled is not None:
        document["compile_config"] = dict(compiled)
    member = {"config.json": json.dumps(document).encode()}
    member["metadata.json"] = json.dumps({"keras_version": VERSION, "date_saved": "2020-01-01@00:00:00"}).encode()
    member["model.weights.h5"] = _weights(layers)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(zipfile.ZipInfo(name, _DATE), member[name])
    write_atomically(path, [file.getvalue()])


def keras_layers(
    network: NetworkData, *, softmax: bool = False, names: Sequence[str] | None = None, padding: float | None = None
) -> Iterator[KerasLayer]:
    """A network's layers as Keras has them; raises `InputError` for one that it does not have, by name."""
    counts: Counter[str] = Counter()
    described = network.spec.layers
    if padding is not None and not isinstance(described[0], spec.Embedding):
        yield KerasLayer("Masking", "masking", {"mask_value": padding})
    for index, layer in enumerate(described):
        arrays = {
            name.removeprefix(f"layers.{index}."): array
            for name, array in network.parameters.items()
            if name.startswith(f"layers.{index}.")
        }
        kind, config, weights = _as_keras(layer, arrays)
        if kind == "Embedding" and index == 0 and padding is not None:
            if padding != 0:
                raise InputError(f"its tokens are padded with {padding:g}, Keras's mask_zero knows 0 alone")
            config["mask_zero"] = True
        if softmax and index == len(described) - 1 and kind == "Dense" and config["activation"] == "linear":
            config["activation"] = "softmax"
        base = snake_case(kind)
        name = f"{base}_{counts[base]}" if counts[base] else base
        counts[base] += 1
        yield KerasLayer(kind, name if names is None else names[index], config, weights)
    if softmax and not isinstance(described[-1], spec.Dense):
        yield KerasLayer("Activation", "activation", {"activation": "softmax"})


def _as_keras(layer: spec.Layer, arrays: Parameters) -> tuple[str, dict[str, Any], tuple[Array, ...]]:
    """A layer's class in Keras, its settings there, and its arrays in Keras's order."""
    match layer:
        case spec.Bidirectional():
            ways = [
                {name.removeprefix(f"{way}."): array for name, array in arrays.items() if name.startswith(way)}
                for way in ("forward", "backward")
            ]
            (kind, config, forward), (_, _, backward) = (_as_keras(layer.layer, own) for own in ways)
            inner = _entry(KerasLayer(kind, f"forward_{snake_case(kind)}", config), None)
            return "Bidirectional", {"layer": inner, "merge_mode": layer.merge}, (*forward, *backward)
        case spec.LSTM() | spec.SimpleRNN() | spec.GRU() | spec.ResetFirstGRU():
            config = _recurrent(layer) | {"activation": layer.activation}
            weights = [arrays["input_weight"], arrays["hidden_weight"]]
            if isinstance(layer, spec.GRU):
                config["reset_after"] = True
                weights = [swap_gates(array) for array in weights]
                weights.append(swap_gates(np.stack([arrays["input_bias"], arrays["hidden_bias"]])))
                return "GRU", config, tuple(weights)
            if isinstance(layer, spec.ResetFirstGRU):
                own = (swap_gates(array) for array in (*weights, arrays["bias"]))
                return "GRU", config | {"reset_after": False}, tuple(own)
            return type(layer).__name__, config, (*weights, arrays["bias"])
        case spec.Dense():
            config = {"units": layer.units, "activation": layer.activation or "linear"}
            return "Dense", config, (arrays["weight"], arrays["bias"])
        case spec.Embedding():
            return "Embedding", {"input_dim": layer.tokens, "output_dim": layer.units}, (arrays["weight"],)
        case spec.Dropout():
            return "Dropout", {"rate": layer.rate}, ()
        case spec.LayerNorm():
            return "LayerNormalization", {"epsilon": layer.epsilon}, (arrays["scale"], arrays["offset"])
        case spec.Activation():
            return "Activation", {"activation": layer.function}, ()
        case spec.RepeatVector():
            return "RepeatVector", {"n": layer.times}, ()
        case spec.Flatten():
            return "Flatten", {}, ()
        case spec.Pooling(kinds=("mean",)):
            return "GlobalAveragePooling1D", {}, ()
        case spec.Pooling(kinds=("max",)):
            return "GlobalMaxPooling1D", {}, ()
        case _:
            raise InputError(f"{layer!r} has no layer in Keras that computes the same: export it as ONNX")


def _recurrent(layer: spec.Recurrent) -> dict[str, Any]:
    if layer.reverse and layer.return_sequences:
        raise InputError(f"{layer!r} keeps outputs at their own position in time, which Keras's go_backwards does not: "
                         "export it as ONNX")  # fmt: skip
    return {
        "units": layer.units,
        "return_sequences": layer.return_sequences,
        "go_backwards": layer.reverse,
        "dropout": layer.dropout,
        "recurrent_dropout": layer.recurrent_dropout,
    }


def _normalization(scaler: Scaler) -> KerasLayer:
    mean, variance = (np.asarray(each, np.float32) for each in (scaler.offset, np.square(scaler.scale)))
    return KerasLayer("Normalization", "normalization", {"axis": -1}, (mean, variance, np.zeros((), np.int32)))  # pyright: ignore[reportArgumentType] - how many rows it saw


def write_keras_h5(
    layers: Sequence[KerasLayer], input_shape: spec.Shape, path: str | os.PathLike[str], *, tokens: bool = False
) -> None:
    """Write an `.h5` file as Keras 2 wrote it and Keras 3 still reads it; arguments as of `write_keras_layers`."""
    h5py = required("h5py", "writing an .h5 file")
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs["keras_version"], root.attrs["backend"] = VERSION, "tensorflow"
        root.attrs["model_config"] = json.dumps(keras_config(layers, input_shape, tokens=tokens))
        group = root.create_group("model_weights")
        group.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        group.attrs["keras_version"], group.attrs["backend"] = VERSION, "tensorflow"
        for layer in layers:
            own = group.create_group(layer.name)
            names = [f"{layer.name}/{name}" for name in _h5_names(layer)]
            own.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, layer.arrays, strict=True):
                own[name] = array
    write_atomically(path, [file.getvalue()])


_H5_NAMES = {"Embedding": ("embeddings",), "LayerNormalization": ("gamma", "beta"), "Dense": ("kernel", "bias")}
_OF_CELLS = ("kernel", "recurrent_kernel", "bias")


def _h5_names(layer: KerasLayer) -> list[str]:
    """The names of a layer's arrays, in their order."""
    count = len(layer.arrays)
    if layer.kind == "Bidirectional":
        inner = snake_case(str(layer.config["layer"]["class_name"]))
        ways = ("forward", "backward")
        return [f"{way}_{inner}/{inner}_cell/{name}:0" for way in ways for name in _OF_CELLS[: count // 2]]
    kind = str(layer.config["layer"]["class_name"]) if layer.kind == "TimeDistributed" else layer.kind
    if kind in _PARTS:
        return [f"{snake_case(kind)}_cell/{name}:0" for name in _OF_CELLS[:count]]
    known = _H5_NAMES.get(kind, ())
    if kind == "LayerNormalization":
        known = tuple(name for name, key in (("gamma", "scale"), ("beta", "center")) if layer.config.get(key, True))
    return [f"{name}:0" for name in known[:count]]


def keras_config(layers: Sequence[KerasLayer], input_shape: spec.Shape, *, tokens: bool) -> dict[str, Any]:
    """A Sequential model's layers as Keras writes them down; arguments as of `write_keras_layers`."""
    shape = [None, *input_shape]
    first = {"batch_shape": shape, "dtype": "int64" if tokens else "float32", "name": "input_layer"}
    entries = [
        _entry(KerasLayer("InputLayer", "input_layer", first), None),
        *(_entry(layer, shape) for layer in layers),
    ]
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "sequential", "trainable": True, "dtype": "float32", "layers": entries},
        "registered_name": None,
        "build_config": {"input_shape": shape},
    }


def _entry(layer: KerasLayer, input_shape: list[int | None] | None) -> dict[str, Any]:
    del input_shape
    return {
        "module": "keras.layers",
        "class_name": layer.kind,
        "config": {"name": layer.name, **layer.config},
        "registered_name": None,
    }


_PARTS = {"LSTM": "cell/", "GRU": "cell/", "SimpleRNN": "cell/"}


def _weights(layers: Sequence[KerasLayer]) -> bytes:
    """`model.weights.h5`: arrays by class and order."""
    h5py = required("h5py", "writing a .keras file")
    file, counts = io.BytesIO(), Counter[str]()
    with h5py.File(file, "w") as root:
        root.create_group("vars")
        root.create_group("layers")
        for layer in layers:
            base = snake_case(layer.kind)
            group = f"layers/{base}_{counts[base]}" if counts[base] else f"layers/{base}"
            counts[base] += 1
            for path, array in _placed(layer):
                root[f"{group}/{path}"] = array
            root.require_group(f"{group}/vars")
    return file.getvalue()


def _placed(layer: KerasLayer) -> Iterator[tuple[str, Array]]:
    if layer.kind == "Bidirectional":
        inner, half = str(layer.config["layer"]["class_name"]), len(layer.arrays) // 2
        for way, arrays in (("forward_layer", layer.arrays[:half]), ("backward_layer", layer.arrays[half:])):
            for path, array in _placed(KerasLayer(inner, layer.name, {}, arrays)):
                yield f"{way}/{path}", array
        return
    if layer.kind == "TimeDistributed":
        inner = str(layer.config["layer"]["class_name"])
        for path, array in _placed(KerasLayer(inner, layer.name, {}, layer.arrays)):
            yield f"layer/{path}", array
        return
    for number, array in enumerate(layer.arrays):
        yield f"{_PARTS.get(layer.kind, '')}vars/{number}", array
