"""Keras's own files, through the readers and writers beside: layer by layer, with Keras's settings and arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.interop.keras import layers, losses, optimizers, recurrent, regularizers
from latchwork.interop.keras.rebuilding import CLASSES

LEFT_OUT = ("_initializer", "_constraint")  # first values are in the arrays already
BY_CLASS: Mapping[str, Any] = {"L1": regularizers.L1, "L2": regularizers.L2, "L1L2": regularizers.L1L2}


def read(path: Path, make: Callable[..., Any], *, compiled: bool) -> Any:
    """A model out of a `.keras` or `.h5` file, made by `make`, a `Sequential`.

    Raises:
        InputError: in one line, what is wrong with the file, what it would run, or which layer is not here.
    """
    from latchwork.interop.importing.files import read_file
    from latchwork.interop.importing.keras_file import read_keras_file

    try:
        file = read_keras_file(read_file(path))
        model = _built(file, make)
        own = [layer for layer in model._layers if layer.slots]
        given = [one.arrays for one in file.layers if one.arrays]
        if len(own) != len(given):
            raise InputError(f"{len(given)} of its layers have weights, {len(own)} need some")
        for layer, arrays in zip(own, given, strict=True):
            layer.set_weights(arrays)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if compiled:
        _compile(model, file.document.get("compile_config"))
    return model


def from_json(text: str, make: Callable[..., Any]) -> Any:
    """A model with new arrays out of what `to_json` gave, here or in Keras; raises as `read`."""
    from latchwork.interop.importing.keras_file import read_keras_config

    return _built(read_keras_config(text), make)


def _built(file: Any, make: Callable[..., Any]) -> Any:
    model = make([_layer(one) for one in file.layers])
    if not model.built:
        model.build((None, *(file.input_shape or (None,))))
    return model


def _layer(one: Any) -> layers.Layer:
    if one.kind not in CLASSES:
        raise InputError(f"the layer {one.name[:60]!r} ({one.kind[:60]}) is not here: there are {', '.join(CLASSES)}")
    return _made(one.kind, one.config)


def _made(kind: str, config: Mapping[str, Any]) -> layers.Layer:
    """A layer from Keras's settings; what Keras writes down and needs no more is left out."""
    known = CLASSES[kind].options | {"name": None, "trainable": True, "batch_input_shape": None}
    given: dict[str, Any] = {}
    for name, value in config.items():
        name = "batch_input_shape" if name == "batch_shape" else name  # noqa: PLW2901
        if name in known and value is not None and not name.endswith(LEFT_OUT):
            given[name] = _setting(value)
    if isinstance(given.get("axis"), list):
        given["axis"] = -1
    return CLASSES[kind](**given)


def _setting(value: Any) -> Any:
    match value:
        case {"class_name": str(kind), "config": dict(config)} if kind in CLASSES:
            return _made(kind, config)
        case {"class_name": str(kind), "config": dict(config)} if kind in BY_CLASS:
            return BY_CLASS[kind](**{name: float(number) for name, number in config.items()})
        case {"class_name": str(kind)}:
            raise InputError(f"its setting {kind[:60]} is not here")
        case list():
            return tuple(value)
        case _:
            return value


def _compile(model: Any, config: Any) -> None:
    """What it was compiled with, where all of it is known here; else it waits for `compile`."""
    if not isinstance(config, dict):
        return
    try:
        optimizer = config["optimizer"]
        kind = optimizers.KNOWN[str(optimizer["class_name"]).lower()]
        known = kind.options | optimizers.COMMON
        own = {name: value for name, value in optimizer["config"].items() if name in known and name != "name"}
        rate = float(optimizer["config"]["learning_rate"])
        loss = config["loss"]
        if isinstance(loss, dict):
            loss = losses.KNOWN[str(loss["class_name"])](**{
                name: value
                for name, value in loss["config"].items()
                if name in losses.KNOWN[str(loss["class_name"])].options
            })  # fmt: skip
        model.compile(optimizer=kind(rate, **own), loss=loss, metrics=config.get("metrics"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return


def to_json(model: Any) -> str:
    """The layers as Keras writes them down, without arrays."""
    from latchwork.interop.exporting.keras_file import keras_config

    parts, shape, tokens = _parts(model)
    return json.dumps(keras_config(parts, shape, tokens=tokens))


def write(model: Any, path: Path) -> None:
    """Write a `.keras` or `.h5` file; raises `InputError` where h5py is not installed."""
    from latchwork.interop.exporting.keras_file import write_keras_h5, write_keras_layers

    parts, shape, tokens = _parts(model)
    if path.suffix == ".keras":
        write_keras_layers(parts, shape, path, tokens=tokens, compiled=_compiled(model))
    else:
        write_keras_h5(parts, shape, path, tokens=tokens)


def _parts(model: Any) -> tuple[list[Any], Any, bool]:
    """The layers with Keras's settings and arrays, the input's shape, and whether it is of token numbers."""
    from latchwork.interop.importing.keras_file import KerasLayer

    own = [layer for layer in model._layers if not isinstance(layer, layers.InputLayer)]
    parts = [KerasLayer(type(layer).__name__, layer.name, _config(layer), tuple(layer.get_weights())) for layer in own]
    return parts, model.network.input_shape or (), isinstance(own[0], layers.Embedding)


def _config(layer: layers.Layer) -> dict[str, Any]:
    """A layer's settings as Keras has them."""
    config: dict[str, Any] = {"trainable": layer.trainable}
    for name in layer.options:
        value = layer.given[name]
        if value is None or name.endswith(LEFT_OUT) or name in ("weights", "input_dim", "input_length", "seed"):
            continue
        config[name] = _entry(value) if isinstance(value, layers.Layer) else _plain(value)
    if isinstance(layer, layers.Embedding):
        config["input_dim"] = layer.given["input_dim"]
    if isinstance(layer, layers.Dense | layers.Activation | recurrent.Recurrent):
        config["activation"] = layer.activation or "linear"
    return config


def _entry(layer: layers.Layer) -> dict[str, Any]:
    kind = type(layer).__name__
    config = {"name": layer.name, **_config(layer)}
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def _plain(value: Any) -> Any:
    if isinstance(value, regularizers.Regularizer):
        config = {"l1": value.l1, "l2": value.l2}
        return {"module": "keras.regularizers", "class_name": "L1L2", "config": config, "registered_name": None}
    if isinstance(value, np.generic):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def _compiled(model: Any) -> dict[str, Any] | None:
    """The loss, the optimiser and the metrics as Keras writes them down."""
    compiled = model._compiled
    if compiled is None:
        return None
    optimizer = compiled.optimizer
    given = {name: value for name, value in optimizer.given.items() if name in optimizer.options and value is not None}
    config = {"learning_rate": float(optimizer.learning_rate), **given}
    kind = type(optimizer).__name__
    return {
        "optimizer": {"module": "keras.optimizers", "class_name": kind, "config": config, "registered_name": None},
        "loss": compiled.loss.name,
        "loss_weights": None,
        "metrics": [metric.name for metric in compiled.asked] or None,
        "weighted_metrics": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }
