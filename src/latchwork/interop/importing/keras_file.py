"""A Keras file as plain data: its layers in their order, each with its settings and its arrays.

A `.keras` file is a zip of `config.json` (what the layers are) and `model.weights.h5` (`layers/lstm/cell/vars/0`, named
by class and order); an `.h5` file has the same as the attribute `model_config` and the group `model_weights` (named by
layer). Nothing that the config names is imported or called: a layer is looked up by its name, and whatever names a
module of somebody's own, or code, is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.importing import hdf5
from latchwork.interop.importing.files import opened_zip, read_member

Array = NDArray[np.float32]
MAX_CONFIG = 1 << 20
MAX_LAYERS = 1000
MAX_DEPTH = 40

# Where Keras itself keeps what a config may name.
_KERAS = re.compile(
    r"(keras|tf_keras|keras_core|tensorflow\.keras|tensorflow\.python\.keras)"
    r"(\.src)?(\.(layers|initializers|regularizers|constraints|activations|models|engine|ops|dtype_policies|optimizers"
    r"|losses|metrics)(\.\w+)*)?"
)
_CODE = {
    "Lambda": "Python code", "__lambda__": "Python code", "TorchModuleWrapper": "a pickled module",
    "TFSMLayer": "a program from another folder", "JaxLayer": "Python code", "FlaxLayer": "Python code",
    "StringLookup": "a list that it may read from any path", "IntegerLookup": "a list that it may read from any path",
    "TextVectorization": "a list that it may read from any path",
}  # fmt: skip


@dataclass(frozen=True)
class KerasLayer:
    """One layer of a Keras file.

    Attributes:
        kind: its class (`LSTM`).
        name: its own name in the model (`lstm_3`).
        config: its settings as Keras writes them, plain JSON.
        arrays: what it learned, in Keras's order (`get_weights`); of a wrapper its inner layer's.
    """

    kind: str
    name: str
    config: Mapping[str, Any]
    arrays: tuple[Array, ...] = ()


@dataclass(frozen=True)
class KerasFile:
    """A Keras model's layers, and the shape of its input with the batch left out (None where the file has none)."""

    layers: tuple[KerasLayer, ...]
    input_shape: tuple[int | None, ...] | None
    document: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


def read_keras_file(content: bytes) -> KerasFile:
    """The layers of a `.keras` or `.h5` file.

    Args:
        content: the file's bytes.

    Raises:
        InputError: damaged, cut short, code inside, links to elsewhere, or a graph with branches.
    """
    if content.startswith(hdf5.SIGNATURE):
        return _read_h5(content)
    with opened_zip(content) as archive:
        names = set(archive.namelist())
        if "config.json" not in names:
            raise InputError("no Keras model: the zip has no config.json")
        document = _document(read_member(archive, "config.json", MAX_CONFIG))
        layers, shape = _layers(document)
        if "model.weights.h5" not in names:
            raise InputError("its weights are missing: the zip has no model.weights.h5")
        weights = read_member(archive, "model.weights.h5")
    with hdf5.opened_hdf5(weights) as file:
        arrays = hdf5.read_arrays(file, len(weights), "layers")
    return KerasFile(tuple(_with_zip_arrays(layers, arrays)), shape, document)


def read_keras_config(text: str) -> KerasFile:
    """The layers that a config alone describes (`model.to_json()`), without arrays; raises `InputError`."""
    document = _document(text.encode())
    layers, shape = _layers(document)
    return KerasFile(tuple(layers), shape, document)


def _read_h5(content: bytes) -> KerasFile:
    with hdf5.opened_hdf5(content) as file:
        text = hdf5.text_attribute(file, "model_config")
        if text is None:
            raise InputError(
                "it holds weights without a model: save the whole model, model.save('model.keras'), and import that"
            )
        layers, shape = _layers(document := _document(text.encode()))
        arrays = hdf5.read_arrays(file, len(content), "model_weights")
    return KerasFile(tuple(_with_h5_arrays(layers, arrays)), shape, document)


def _document(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > MAX_CONFIG:
        raise InputError(f"its config has {len(raw)} bytes: at most {MAX_CONFIG} are read")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError("damaged: its config is no JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("config"), dict | list):
        raise InputError("no Keras model: its config describes no layers")
    _check_nothing_runs(document, 0)
    return document


def _check_nothing_runs(value: Any, depth: int) -> None:
    """Raise `InputError` where a config names code: it would not be run here, but the model is not what it would be."""
    if depth > MAX_DEPTH:
        raise InputError("damaged: its config is nested without end")
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            _check_nothing_runs(item, depth + 1)
    elif isinstance(value, dict):
        entry = cast("dict[str, Any]", value)
        kind, module, registered = entry.get("class_name"), entry.get("module"), entry.get("registered_name")
        if kind is not None and (not isinstance(kind, str) or not re.fullmatch(r"[\w.>]{1,100}", kind)):
            raise InputError("damaged: its config has a class whose name is none")
        if kind in _CODE:
            raise InputError(f"it holds a {kind} layer, which is {_CODE[kind]}: nothing from a file is run, so the "
                             "layer cannot be read; build the model without it")  # fmt: skip
        named = f"{module or ''}.{kind}".strip(".")[:80]
        if isinstance(registered, str) and ">" in registered:
            named, module = registered[:80], "somebody's own"
        if module is not None and not (isinstance(module, str) and _KERAS.fullmatch(module)):
            raise InputError(f"its config names {named}, which is no part of Keras: nothing from a file is run")
        if kind == "function":
            raise InputError(f"its config names a function, {str(entry.get('config'))[:60]!r}: nothing from a file "
                             "is run")  # fmt: skip
        for key, item in entry.items():
            if key == "compile_config":  # of training alone: never read
                continue
            _check_nothing_runs(item, depth + 1)


Described = tuple[KerasLayer, ...]


def _layers(document: Mapping[str, Any]) -> tuple[list[KerasLayer], tuple[int | None, ...] | None]:
    """The layers without arrays, and the input's shape."""
    kind, config = document.get("class_name"), document["config"]
    if kind not in ("Sequential", "Functional", "Model"):
        raise InputError(f"its model is a {str(kind)[:60]}: Sequential and functional models without branches are read")
    entries = config if isinstance(config, list) else config.get("layers")
    if not isinstance(entries, list) or not entries or len(entries) > MAX_LAYERS:
        raise InputError("no Keras model: its config describes no layers")
    chain = _chain(config, entries) if kind != "Sequential" and isinstance(config, dict) else entries
    layers: list[KerasLayer] = []
    shape: tuple[int | None, ...] | None = None
    for entry in cast("list[Any]", chain):
        layer = _layer(entry)
        shape = shape or _input_shape(entry, layer.config)
        layers.append(layer)
    return layers, shape


def _layer(entry: Any) -> KerasLayer:
    match entry:
        case {"class_name": str(kind), "config": dict(config)}:
            name = entry.get("name", cast("dict[str, Any]", config).get("name", ""))
            return KerasLayer(kind, str(name)[:200], cast("dict[str, Any]", config))
        case _:
            raise InputError("damaged: a layer of its config has no class and settings")


def _input_shape(entry: Any, config: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """The shape of a batch that a layer states, without the batch."""
    stated = config.get("batch_shape", config.get("batch_input_shape"))
    if stated is None and isinstance(entry.get("build_config"), dict):
        stated = entry["build_config"].get("input_shape")
    if not isinstance(stated, list):
        return None
    sizes = cast("list[Any]", stated)[1:]
    if not all(size is None or (type(size) is int and 1 <= size <= 2**24) for size in sizes):
        raise InputError(f"damaged: it states the input shape {str(sizes)[:60]}")
    return tuple(sizes)


def _chain(config: Mapping[str, Any], entries: Sequence[Any]) -> list[Any]:
    """The layers between the one input and the one output, in their order; raises `InputError` on branches.

    Beside the chain Keras 3 writes down how a mask is computed; the layer that asks for it is in the chain.
    """
    named = {str(entry.get("name")): entry for entry in entries if isinstance(entry, dict)}
    if len(named) != len(entries):
        raise InputError("damaged: two layers have one name, or none")
    inputs, at = _ends(config.get("input_layers")), _ends(config.get("output_layers"))
    if len(inputs) != 1 or len(at) != 1:
        raise InputError(
            f"it has {len(inputs)} inputs and {len(at)} outputs: functional models with one of each are read"
        )
    chain: list[Any] = []
    name = at[0]
    while name in named and len(chain) <= len(entries):
        chain.append(named[name])
        if name == inputs[0]:
            return chain[::-1]
        before = _before(named[name])
        if len(before) != 1:
            kind = str(named[name].get("class_name"))[:60]
            raise InputError(
                f"its layer {name!r} ({kind}) joins {len(before)} branches: models without branches are read"
            )
        name = before[0]
    raise InputError(f"damaged: its layers lead in a circle or to the layer {name[:60]!r}, which is not there")


def _ends(value: Any) -> list[str]:
    """Names in `["input", 0, 0]` or `[["input", 0, 0], ...]`."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [value[0]]
    return [str(each[0]) for each in cast("list[Any]", value or []) if isinstance(each, list) and each]


def _before(entry: Mapping[str, Any]) -> list[str]:
    """The layers whose outputs a layer is called with, as Keras 3 and Keras 2 write them; masks left out."""
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list) or len(nodes) != 1:
        raise InputError(f"its layer {str(entry.get('name'))[:60]!r} is called {len(nodes or [])} times: a chain calls "
                         "each once")  # fmt: skip
    node = nodes[0]
    if isinstance(node, dict):
        kwargs = cast("dict[str, Any]", node.get("kwargs") or {})
        if _histories(kwargs.get("initial_state")):
            raise InputError(f"its layer {str(entry.get('name'))[:60]!r} takes an initial state from another: models "
                             "without branches are read")  # fmt: skip
        return list(_histories(node.get("args")))
    return [str(each[0]) for each in cast("list[Any]", node) if isinstance(each, list) and each]


def _histories(value: Any) -> list[str]:
    """The layers that made the tensors in the arguments of a call."""
    found: list[str] = []
    if isinstance(value, dict):
        config = value.get("config")
        if value.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
            history = config.get("keras_history")
            if isinstance(history, list) and history:
                found.append(str(history[0]))
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            found += _histories(each)
    return found


def _with_zip_arrays(layers: Sequence[KerasLayer], arrays: hdf5.Arrays) -> Iterator[KerasLayer]:
    """Arrays by class and order: the second LSTM's are under `lstm_1`."""
    counts: Counter[str] = Counter()
    for layer in layers:
        base = snake_case(layer.kind)
        name = f"{base}_{counts[base]}" if counts[base] else base
        counts[base] += 1
        own = hdf5.under(arrays, name)
        paths = sorted(own, key=_zip_order)
        yield KerasLayer(layer.kind, layer.name, layer.config, tuple(own[path] for path in paths))


def _zip_order(path: str) -> tuple[Any, ...]:
    """Forward before backward, the layer's own before its parts', arrays by number."""
    parts = path.split("/")
    number = int(parts[-1]) if parts[-1].isdecimal() and len(parts[-1]) < 9 else 0
    return ("backward_layer" in parts, len(parts), parts[:-1], number)


_H5_ORDER = ("kernel", "recurrent_kernel", "bias", "embeddings", "gamma", "beta", "moving_mean", "moving_variance")


def _with_h5_arrays(layers: Sequence[KerasLayer], arrays: hdf5.Arrays) -> Iterator[KerasLayer]:
    """Arrays by the layer's name; inside, by Keras's order of their names (`lstm/lstm_cell/kernel:0`)."""
    for layer in layers:
        own = hdf5.under(arrays, layer.name)
        paths = sorted(own, key=_h5_order)
        yield KerasLayer(layer.kind, layer.name, layer.config, tuple(own[path] for path in paths))


def _h5_order(path: str) -> tuple[Any, ...]:
    *parents, last = path.split("/")
    name = last.partition(":")[0]
    number = _H5_ORDER.index(name) if name in _H5_ORDER else len(_H5_ORDER)
    return (any(part.startswith("backward") for part in parents), number, path)


def snake_case(name: str) -> str:
    """As Keras does: `SimpleRNN` is simple_rnn, `GRU` gru, `LayerNormalization` layer_normalization."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
