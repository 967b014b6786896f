"""Each Keras layer in the table's terms: settings, gate orders, and what is refused by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.importing.imported import Arrays, Chain, Imported
from latchwork.interop.importing.keras_file import KerasFile, KerasLayer
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
ACTIVATIONS = ("linear", "tanh", "relu", "sigmoid")


@dataclasses.dataclass
class Reading:
    """What was read so far.

    Attributes:
        chain: the layers.
        shape: of what the next layer takes, the batch left out.
        scaler: of the inputs, where the model begins with one.
        softmax: whether the last layer's outputs go through a softmax.
        padding: the value whose steps are passed over.
        target_scaler: of the outputs, where the model ends with one.
    """

    chain: Chain
    shape: spec.Shape
    scaler: Scaler | None = None
    softmax: bool = False
    padding: float | None = None
    target_scaler: Scaler | None = None

    def add(self, layer: spec.Layer, arrays: Arrays, name: str) -> None:
        """One more layer."""
        self.shape = layer.output_shape(self.shape)
        self.chain.add(layer, arrays, name)


def network_of(file: KerasFile) -> Imported:
    """The network that a Keras file describes.

    Raises:
        InputError: a layer, or a setting of one, that no layer of ours has: by name.
    """
    reading = Reading(Chain(), _input_shape(file))
    shape = reading.shape
    for layer in file.layers:
        if layer.kind == "InputLayer":
            continue
        if (reading.softmax or reading.target_scaler) and layer.kind not in _SILENT:
            what = "softmax" if reading.softmax else "Rescaling of outputs"
            raise InputError(f"{_named(layer)} comes after a {what}, which is read as a model's last step alone")
        reader = READERS.get(layer.kind)
        if reader is None:
            raise InputError(f"{_named(layer)} is no layer that is read: {', '.join(sorted(READERS))} are")
        reader(reading, layer)
    data = reading.chain.data(shape)
    names = tuple(reading.chain.names)
    return Imported(data, names, reading.softmax, reading.scaler, reading.target_scaler, reading.padding)


def _input_shape(file: KerasFile) -> spec.Shape:
    shape = file.input_shape
    first = next((layer for layer in file.layers if layer.kind != "InputLayer"), None)
    if first is None:
        raise InputError("it has no layers")
    if shape is None and first.kind == "Embedding":
        shape = (None,)
    if shape is None:
        raise InputError("it was saved before its input's shape was known: call the model once, save it, import that")
    if len(shape) not in (1, 2):
        raise InputError(f"it takes inputs of shape (batch, {spec.shape_text(shape)}): sequences (batch, time, "
                         "features) or token numbers (batch, time) are read")  # fmt: skip
    return shape


def _named(layer: KerasLayer) -> str:
    return f"the layer {layer.name[:60]!r} ({layer.kind})"


def _refuse_other(layer: KerasLayer, name: str, known: Sequence[Any], why: str = "") -> None:
    """Raise `InputError` where a setting is there and none of those that a layer of ours has."""
    value = layer.config.get(name, known[0])
    if isinstance(value, Mapping):  # {"class_name": "Tanh", "config": {}} of some versions
        value = str(cast("Mapping[str, Any]", value).get("class_name", value)).lower()
    if value not in known:
        expected = " or ".join(repr(each) for each in known)
        raise InputError(f"{_named(layer)} has {name}={repr(value)[:40]}: {expected} is read{why}")


def _arrays(layer: KerasLayer, *names: str) -> dict[str, Array]:
    if len(layer.arrays) != len(names):
        raise InputError(f"{_named(layer)} has {len(layer.arrays)} arrays of weights, expected {len(names)}: "
                         f"{', '.join(names)}")  # fmt: skip
    return dict(zip(names, layer.arrays, strict=True))


def _activation(layer: KerasLayer) -> str:
    value = layer.config.get("activation") or "linear"
    return str(value).lower() if isinstance(value, str) else "another"


def _recurrent(layer: KerasLayer, arrays: tuple[Array, ...]) -> tuple[spec.Recurrent, dict[str, Array]]:
    """A recurrent layer and its arrays."""
    own = KerasLayer(layer.kind, layer.name, layer.config, arrays)
    config = layer.config
    _refuse_other(own, "return_state", (False, None), ", since a chain hands on outputs alone")
    common: dict[str, Any] = {
        "units": _size(own, "units"),
        "return_sequences": bool(config.get("return_sequences", False)),
        "reverse": bool(config.get("go_backwards", False)),
        "dropout": _rate(own, "dropout"),
        "recurrent_dropout": _rate(own, "recurrent_dropout"),
        "activation": str(config.get("activation", "tanh")),
    }
    _refuse_other(own, "activation", ("tanh", "relu"))
    if layer.kind != "SimpleRNN":
        _refuse_other(own, "recurrent_activation", ("sigmoid",))
    biased = config.get("use_bias", True) is not False
    named = _arrays(own, "kernel", "recurrent_kernel", *(("bias",) if biased else ()))
    weights = {"input_weight": named["kernel"], "hidden_weight": named["recurrent_kernel"]}
    width = named["kernel"].shape[-1]
    match layer.kind:
        case "SimpleRNN":
            bias = named.get("bias", np.zeros(width, np.float32))
            return spec.SimpleRNN(**common), weights | {"bias": bias}
        case "LSTM":
            bias = named.get("bias", np.zeros(width, np.float32))
            return spec.LSTM(**common), weights | {"bias": bias}
        case _:
            two = "bias" not in named or named["bias"].ndim == 2  # Keras of before 2.2 had one bias and no such setting
            if config.get("reset_after", two) in (False, 0):
                first = weights | {"bias": named.get("bias", np.zeros(width, np.float32))}
                return spec.ResetFirstGRU(**common), {name: swap_gates(array) for name, array in first.items()}
            bias = named.get("bias", np.zeros((2, width), np.float32))
            if bias.shape != (2, width):
                raise InputError(f"{_named(own)} has biases of shape {bias.shape}, expected (2, {width})")
            gru = weights | {"input_bias": bias[0], "hidden_bias": bias[1]}
            return spec.GRU(**common), {name: swap_gates(array) for name, array in gru.items()}


def swap_gates(array: Array) -> Array:
    """Keras's z, r, n as r, z, n, and back."""
    first, second, rest = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, rest], axis=-1)


def _size(layer: KerasLayer, name: str) -> int:
    value = layer.config.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**24:
        raise InputError(f"damaged: {_named(layer)} states {name}={str(value)[:40]}")
    return value


def _rate(layer: KerasLayer, name: str) -> float:
    value = layer.config.get(name) or 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise InputError(f"damaged: {_named(layer)} states {name}={str(value)[:40]}")
    return float(value)


def _read_recurrent(reading: Reading, layer: KerasLayer) -> None:
    described, arrays = _recurrent(layer, layer.arrays)
    if described.reverse and described.return_sequences:
        raise InputError(f"{_named(layer)} has go_backwards=True and return_sequences=True: its outputs stand in "
                         "reverse order, which no layer here gives; leave one of the two out")  # fmt: skip
    reading.add(described, arrays, layer.name)


def _read_bidirectional(reading: Reading, layer: KerasLayer) -> None:
    _refuse_other(layer, "merge_mode", ("concat", "sum", "mul", "ave"))
    inner = layer.config.get("layer")
    if not isinstance(inner, dict) or inner.get("class_name") not in ("LSTM", "GRU", "SimpleRNN"):
        raise InputError(f"{_named(layer)} wraps no LSTM, GRU or SimpleRNN")
    config = cast("dict[str, Any]", inner).get("config")
    other = layer.config.get("backward_layer")
    if not isinstance(config, dict) or len(layer.arrays) % 2:
        raise InputError(f"damaged: {_named(layer)} has no layer inside, or an odd number of arrays")
    if isinstance(other, dict) and other.get("class_name") != inner["class_name"]:
        raise InputError(f"{_named(layer)} reads backwards with another kind of layer than forwards")
    half = len(layer.arrays) // 2
    named = KerasLayer(str(inner["class_name"]), layer.name, {**config, "go_backwards": False})
    described, forward = _recurrent(named, layer.arrays[:half])
    theirs = dict(other["config"]) if isinstance(other, dict) and isinstance(other.get("config"), dict) else config
    behind, backward = _recurrent(
        KerasLayer(named.kind, layer.name, {**theirs, "go_backwards": False}), layer.arrays[half:]
    )
    if behind != described:
        raise InputError(f"{_named(layer)} reads backwards with other settings than forwards")
    arrays = {f"forward.{name}": array for name, array in forward.items()}
    arrays |= {f"backward.{name}": array for name, array in backward.items()}
    merge = layer.config.get("merge_mode", "concat")
    reading.add(spec.Bidirectional(described, merge), arrays, layer.name)


def _read_dense(reading: Reading, layer: KerasLayer) -> None:
    activation = _activation(layer)
    if activation != "softmax":
        _refuse_other(layer, "activation", (None, *ACTIVATIONS))
    biased = layer.config.get("use_bias", True) is not False
    named = _arrays(layer, "weight", *(("bias",) if biased else ()))
    units = _size(layer, "units")
    named.setdefault("bias", np.zeros(units, np.float32))
    kept = activation if activation in ACTIVATIONS[1:] else None
    reading.add(spec.Dense(units, activation=cast("Any", kept)), named, layer.name)
    reading.softmax = activation == "softmax"


def _read_activation(reading: Reading, layer: KerasLayer) -> None:
    """An activation of its own becomes the one of the Dense before it."""
    activation = layer.kind.lower() if layer.kind in ("ReLU", "Softmax") else _activation(layer)
    if layer.kind == "Softmax":
        _refuse_other(layer, "axis", (-1,))
    if layer.kind == "ReLU":
        for name, known in (("max_value", (None,)), ("negative_slope", (0.0, 0, None)), ("threshold", (0.0, 0, None))):
            _refuse_other(layer, name, known)
    if activation == "softmax":
        reading.softmax = True
        return
    if activation == "linear":
        return
    before = reading.chain.layers[-1] if reading.chain.layers else None
    if activation not in ACTIVATIONS or not isinstance(before, spec.Dense) or before.activation is not None:
        if activation not in spec.Activation.FUNCTIONS:
            known = ", ".join(spec.Activation.FUNCTIONS)
            raise InputError(f"{_named(layer)} is {activation!r}: {known} are read")
        reading.add(spec.Activation(activation), {}, layer.name)
        return
    reading.chain.replace_last(spec.Dense(before.units, activation=cast("Any", activation)))


def _read_time_distributed(reading: Reading, layer: KerasLayer) -> None:
    """What treats every step alike does so here anyway."""
    inner = layer.config.get("layer")
    kind = inner.get("class_name") if isinstance(inner, dict) else None
    if kind not in ("Dense", "Dropout", "Activation", "LayerNormalization"):
        raise InputError(f"{_named(layer)} wraps {str(kind)[:40]}: Dense, Dropout, Activation and LayerNormalization "
                         "are read")  # fmt: skip
    config = cast("dict[str, Any]", inner).get("config")
    READERS[str(kind)](reading, KerasLayer(str(kind), layer.name, cast("Any", config or {}), layer.arrays))


def _read_embedding(reading: Reading, layer: KerasLayer) -> None:
    named = _arrays(layer, "weight")
    if layer.config.get("mask_zero"):
        reading.padding = 0.0
    reading.add(spec.Embedding(_size(layer, "input_dim"), _size(layer, "output_dim")), named, layer.name)


def _read_masking(reading: Reading, layer: KerasLayer) -> None:
    if reading.chain.layers:
        raise InputError(f"{_named(layer)} comes after other layers: a Masking is read as the first")
    value = layer.config.get("mask_value", 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"damaged: {_named(layer)} states mask_value={str(value)[:40]}")
    reading.padding = float(value)


def _read_norm(reading: Reading, layer: KerasLayer) -> None:
    _refuse_other(layer, "axis", (-1, [-1], [len(reading.shape)], len(reading.shape)))
    _refuse_other(layer, "rms_scaling", (False, None))
    epsilon = layer.config.get("epsilon", 1e-3)
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < 1:
        raise InputError(f"damaged: {_named(layer)} states epsilon={str(epsilon)[:40]}")
    own = spec.LayerNorm(float(epsilon))
    wanted = [name for name, setting in (("scale", "scale"), ("offset", "center")) if layer.config.get(setting, True)]
    named = _arrays(layer, *wanted)
    features = spec.features_of(own, reading.shape)
    named.setdefault("scale", np.ones(features, np.float32))
    named.setdefault("offset", np.zeros(features, np.float32))
    reading.add(own, named, layer.name)


def _read_batch_norm(reading: Reading, layer: KerasLayer) -> None:
    """After the training it multiplies and adds: a Dense with a diagonal."""
    _refuse_other(layer, "axis", (-1, [-1], [len(reading.shape)], len(reading.shape)))
    wanted = [name for name in ("scale", "center") if layer.config.get(name, True)]
    named = _arrays(layer, *wanted, "mean", "variance")
    epsilon = layer.config.get("epsilon", 1e-3)
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not epsilon > 0:
        raise InputError(f"damaged: {_named(layer)} states epsilon={str(epsilon)[:40]}")
    factor = named.get("scale", np.float32(1)) / np.sqrt(named["variance"].astype(np.float64) + epsilon)
    offset = named.get("center", np.float32(0)) - named["mean"] * factor
    features = spec.features_of(spec.Dropout(0.0), reading.shape)
    if np.shape(factor) != (features,):
        raise InputError(f"damaged: {_named(layer)} has arrays of {np.shape(factor)}, expected ({features},)")
    reading.add(spec.Dense(features), {"weight": np.diag(factor), "bias": offset}, layer.name)


def _read_dropout(reading: Reading, layer: KerasLayer) -> None:
    reading.add(spec.Dropout(_rate(layer, "rate")), {}, layer.name)


def _read_pooling(kind: str) -> Callable[[Reading, KerasLayer], None]:
    def read(reading: Reading, layer: KerasLayer) -> None:
        _refuse_other(layer, "keepdims", (False, None))
        _refuse_other(layer, "data_format", ("channels_last", None))
        if kind == "max" and reading.padding is not None:
            raise InputError(
                f"{_named(layer)} does not respect the mask before it; leave out the mask, or pool by mean"
            )
        reading.add(spec.Pooling((kind,)), {}, layer.name)

    return read


def _read_repeat(reading: Reading, layer: KerasLayer) -> None:
    reading.add(spec.RepeatVector(_size(layer, "n")), {}, layer.name)


def _read_flatten(reading: Reading, layer: KerasLayer) -> None:
    if len(reading.shape) == 1:
        return
    time = reading.shape[0]
    if time is None or reading.padding is not None:
        why = "of a known number of steps" if time is None else "without a mask"
        raise InputError(f"{_named(layer)} is read after sequences {why}")
    reading.add(spec.Flatten(time), {}, layer.name)


def _read_rescaling(reading: Reading, layer: KerasLayer) -> None:
    """At the beginning the scaler of the inputs, at the end that of the outputs."""
    features = reading.shape[-1]
    at_end = bool(reading.chain.layers) and layer.kind == "Rescaling"
    if features is None or reading.scaler is not None or (reading.chain.layers and not at_end):
        raise InputError(f"{_named(layer)} comes after other layers: a {layer.kind} is read as the first")
    try:
        if layer.kind == "Rescaling":
            settings = {"scale": 1.0, "offset": 0.0} | dict(layer.config)
            scale, offset = (np.asarray(settings[name], np.float64) for name in ("scale", "offset"))
            parts = (offset, scale) if at_end else (-offset / scale, 1 / scale)
        else:
            parts = _adapted(layer)
        scaler = Scaler(*(np.broadcast_to(each.reshape(-1), (features,)).copy() for each in parts))
    except (ValueError, TypeError):
        raise InputError(f"{_named(layer)} scales other than feature by feature") from None
    if not (np.isfinite(scaler.offset).all() and np.isfinite(scaler.scale).all() and scaler.scale.all()):
        raise InputError(f"{_named(layer)} scales by zero, or by what is no number")
    if at_end:
        reading.target_scaler = scaler
    else:
        reading.scaler = scaler


def _adapted(layer: KerasLayer) -> tuple[Any, Any]:
    """Mean and deviation that a Normalization was given or learned."""
    if len(layer.arrays) >= 2:
        mean, variance = layer.arrays[:2]
    else:
        mean, variance = layer.config.get("mean"), layer.config.get("variance")
        if mean is None or variance is None:
            raise InputError(f"{_named(layer)} was never adapted: it has no mean and variance")
    _refuse_other(layer, "invert", (False, None))
    return np.asarray(mean, np.float64), np.maximum(np.sqrt(np.asarray(variance, np.float64)), 1e-7)


def _read_silent(reading: Reading, layer: KerasLayer) -> None:
    """What works while training alone."""
    del reading, layer


_SILENT = ("Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization")
READERS: dict[str, Callable[[Reading, KerasLayer], None]] = {
    "LSTM": _read_recurrent,
    "GRU": _read_recurrent,
    "SimpleRNN": _read_recurrent,
    "Bidirectional": _read_bidirectional,
    "Dense": _read_dense,
    "Activation": _read_activation,
    "ReLU": _read_activation,
    "Softmax": _read_activation,
    "TimeDistributed": _read_time_distributed,
    "Embedding": _read_embedding,
    "Masking": _read_masking,
    "LayerNormalization": _read_norm,
    "BatchNormalization": _read_batch_norm,
    "RepeatVector": _read_repeat,
    "Flatten": _read_flatten,
    "Dropout": _read_dropout,
    "SpatialDropout1D": _read_dropout,
    "GaussianNoise": _read_silent,
    "GaussianDropout": _read_silent,
    "AlphaDropout": _read_silent,
    "ActivityRegularization": _read_silent,
    "GlobalAveragePooling1D": _read_pooling("mean"),
    "GlobalMaxPooling1D": _read_pooling("max"),
    "Rescaling": _read_rescaling,
    "Normalization": _read_rescaling,
}
