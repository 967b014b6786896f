"""Models in files: `.latch` holds layers, arrays and what was compiled; `.keras` and `.h5` are Keras's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.interop.keras import theirs
from latchwork.interop.keras.rebuilding import from_description, from_network

OURS, THEIRS = (".latch",), (".keras", ".h5", ".hdf5")


def save(model: Any, path: Path, *, overwrite: bool) -> None:
    """Write a model; raises `InputError` where the ending says no format, or the file is there and must not change."""
    _check_free(path, overwrite)
    if path.suffix in OURS:
        document = {
            "job": "keras",
            "network": model.network.to_dict(),
            "fitted": {"keras": described(model)} | _padding(model),
            "training": {},
            "data": {},
        }
        storage.save(path, document, {f"network.{name}": array for name, array in model.current_parameters().items()})
    elif path.suffix in THEIRS:
        theirs.write(model, path)
    else:
        raise InputError(f"{path}: a model is saved as .latch, or as .keras or .h5 for Keras; got {path.suffix!r}")


def _padding(model: Any) -> dict[str, float]:
    """The value whose steps are masked, as `runtime.Model` takes it."""
    reader = model.reader()
    if reader.mask_zero:
        return {"padding": 0.0}
    return {} if reader.mask_value is None else {"padding": reader.mask_value}


def load(path: Path, make: Callable[..., Any], *, compiled: bool) -> Any:
    """A model out of a file, made by `make`, a `Sequential`."""
    if path.suffix in THEIRS:
        return theirs.read(path, make, compiled=compiled)
    latch = storage.load_model(path)
    if latch.document["network"] is None:
        raise InputError(f"{path}: a {latch.document['job']} model without a network")
    return from_latch(latch, make, compiled=compiled)


def from_latch(latch: storage.Latch, make: Callable[..., Any], *, compiled: bool) -> Any:
    """The model in an opened `.latch` file."""
    from latchwork.runtime.model import Model

    own = latch.document["fitted"].get("keras")
    data = Model.from_latch(latch).data
    return from_network(data, make) if own is None else from_description(own, data, make, compiled=compiled)


def save_weights(model: Any, path: Path, *, overwrite: bool) -> None:
    """Write the arrays in Keras's order and layout; a file of Keras's holds the layers as well."""
    _check_free(path, overwrite)
    if path.suffix in THEIRS:
        theirs.write(model, path)
        return
    arrays = {f"weights.{at:04}": array for at, array in enumerate(model.get_weights())}
    storage.save(path, {"job": "keras weights"}, arrays)


def load_weights(model: Any, path: Path, make: Callable[..., Any]) -> None:
    """Read arrays into a model of the same layers, from a file of weights or of a whole model."""
    if path.suffix in THEIRS:
        model.set_weights(load(path, make, compiled=False).get_weights())
        return
    latch = storage.load(path)
    names = sorted(name for name in latch.tensors if name.startswith("weights."))
    weights = [latch.tensors[name] for name in names] if names else load(path, make, compiled=False).get_weights()
    model.set_weights([np.array(one) for one in weights])


def described(model: Any) -> dict[str, Any]:
    """A model's layers and what was compiled, as plain JSON."""
    return {
        "class": type(model).__name__,
        "name": model.name,
        "layers": [_layer(layer) for layer in model._layers],
        "compiled": _compiled(model),
    }


def _layer(layer: Any) -> dict[str, Any]:
    given = {name: _plain(value) for name, value in layer.given.items() if value is not None and name != "weights"}
    return {"class": type(layer).__name__, "given": given | {"name": layer.name, "trainable": layer.trainable}}


def _plain(value: Any) -> Any:
    """An argument as JSON has it: layers and objects by their class and arguments."""
    if hasattr(value, "given") and hasattr(value, "arrays"):
        return {"layer": _layer(value)}
    if hasattr(value, "__dataclass_fields__"):
        return {"object": type(value).__name__, "given": {k: v for k, v in vars(value).items() if v is not None}}
    if callable(value):
        return getattr(value, "__name__", str(value))
    try:
        json.dumps(value)
    except TypeError:
        return float(value) if isinstance(value, np.floating) else int(value) if isinstance(value, np.integer) else None
    return list(value) if isinstance(value, tuple) else value


def _compiled(model: Any) -> dict[str, Any] | None:
    compiled = model._compiled
    if compiled is None:
        return None
    optimizer, loss = compiled.optimizer, compiled.loss
    return {
        "optimizer": {
            "class": type(optimizer).__name__,
            "given": {name: value for name, value in optimizer.given.items() if value is not None and name != "lr"},
            "learning_rate": float(optimizer.learning_rate),
            "iterations": optimizer.iterations,
        },
        "loss": {"class": type(loss).__name__, "given": {k: v for k, v in loss.given.items() if v is not None}},
        "metrics": [metric.name for metric in compiled.asked],
    }


def _check_free(path: Path, overwrite: bool) -> None:
    if not overwrite and path.exists():
        raise InputError(f"{path} is there already: give overwrite=True, or another name")
