"""Keras's layers again out of what a file holds: their own description, or a network of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.interop.keras import initializers, layers, losses, optimizers, recurrent, regularizers

Make = Callable[..., Any]  # `Sequential`

CLASSES: Mapping[str, type[layers.Layer]] = {
    kind.__name__: kind
    for kind in (
        layers.InputLayer, layers.Dense, layers.Activation, layers.ReLU, layers.Softmax, layers.ELU, layers.Dropout,
        layers.Flatten, layers.RepeatVector, layers.Masking, layers.LayerNormalization, layers.Embedding,
        recurrent.SimpleRNN, recurrent.GRU, recurrent.LSTM, recurrent.Bidirectional, recurrent.TimeDistributed,
        recurrent.GlobalAveragePooling1D, recurrent.GlobalMaxPooling1D,
    )
}  # fmt: skip


def from_description(description: Any, data: NetworkData, make: Make, *, compiled: bool) -> Any:
    """The model that `saving.described` described, with its arrays; raises `InputError` on anything else."""
    try:
        model = make([_layer(one) for one in description["layers"]], name=str(description["name"]))
        if not model.built:
            model.build((None, *(data.spec.input_shape or ())))
        if model.network != data.spec:
            raise InputError("the layers' description is that of another network")
        model.take_parameters({name: np.array(array, np.float32) for name, array in data.parameters.items()})
        known = description.get("compiled")
        if compiled and known is not None:
            _compile(model, known)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"no description of Keras's layers that this version knows: {error!r}") from error
    return model


def _layer(one: Any) -> layers.Layer:
    if one["class"] not in CLASSES:
        raise InputError(f"unknown layer {str(one['class'])[:60]!r}")
    return CLASSES[one["class"]](**{name: _value(value) for name, value in one["given"].items()})


def _value(value: Any) -> Any:
    match value:
        case {"layer": inner}:
            return _layer(inner)
        case {"object": "Regularizer", "given": given}:
            return regularizers.Regularizer(**given)
        case {"object": str(name), "given": given} if isinstance(getattr(initializers, name, None), type):
            return getattr(initializers, name)(**given)
        case list():
            return tuple(value)
        case _:
            return value


def _compile(model: Any, known: Mapping[str, Any]) -> None:
    kind = optimizers.KNOWN[known["optimizer"]["class"].lower()]
    optimizer = kind(known["optimizer"]["learning_rate"], **known["optimizer"]["given"])
    optimizer.given["decay"] = 0.0  # the rate is the one that was left
    loss = losses.KNOWN[known["loss"]["class"]](**known["loss"]["given"])
    model.compile(optimizer=optimizer, loss=loss, metrics=list(known["metrics"]) or None)


def from_network(data: NetworkData, make: Make) -> Any:
    """A model of Keras's layers around a network of ours, not compiled; raises `InputError` on layers Keras has not."""
    model = make()
    model.add(layers.InputLayer(batch_input_shape=(None, *(data.spec.input_shape or ()))))
    for layer in data.spec.layers:
        model.add(_of(layer))
    if model.network != data.spec:
        raise InputError(f"Keras has no layers for {data.spec!r}")
    model.take_parameters({name: np.array(array, np.float32) for name, array in data.parameters.items()})
    return model


def _recurrent(layer: spec.Recurrent) -> recurrent.Recurrent:
    kinds: dict[type[spec.Recurrent], type[recurrent.Recurrent]] = {
        spec.SimpleRNN: recurrent.SimpleRNN, spec.GRU: recurrent.GRU, spec.LSTM: recurrent.LSTM,
        spec.ResetFirstGRU: recurrent.GRU,
    }  # fmt: skip
    if type(layer) not in kinds:
        raise InputError(f"Keras has no layer for {layer!r}")
    return kinds[type(layer)](
        layer.units, activation=getattr(layer, "activation", "tanh"), return_sequences=layer.return_sequences,
        go_backwards=layer.reverse, dropout=layer.dropout, recurrent_dropout=layer.recurrent_dropout,
        **({"reset_after": False} if isinstance(layer, spec.ResetFirstGRU) else {}),
    )  # fmt: skip


def _of(layer: spec.Layer) -> layers.Layer:
    simple: Mapping[type[spec.Layer], Callable[[Any], layers.Layer]] = {
        spec.Dense: lambda of: layers.Dense(of.units, activation=of.activation),
        spec.Embedding: lambda of: layers.Embedding(of.tokens, of.units),
        spec.Dropout: lambda of: layers.Dropout(of.rate),
        spec.LayerNorm: lambda of: layers.LayerNormalization(epsilon=of.epsilon),
        spec.Activation: lambda of: layers.Activation(of.function),
        spec.RepeatVector: lambda of: layers.RepeatVector(of.times),
        spec.Flatten: lambda _: layers.Flatten(),
        spec.Bidirectional: lambda of: recurrent.Bidirectional(_recurrent(of.layer), merge_mode=of.merge),
    }
    if isinstance(layer, spec.Recurrent):
        return _recurrent(layer)
    if layer == spec.Pooling(("mean",)):
        return recurrent.GlobalAveragePooling1D()
    if layer == spec.Pooling(("max",)):
        return recurrent.GlobalMaxPooling1D()
    if type(layer) not in simple:
        raise InputError(f"Keras has no layer for {layer!r}")
    return simple[type(layer)](layer)
