"""A dense layer tied to the network's embedding, which scores each token by the vector that stands for it.

What is trained and saved has the matrix once. What answers has no need to know: `untied` gives it the same network with
a matrix for each layer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError

Parameters = Mapping[str, NDArray[Any]]
EMBEDDING = "layers.0.weight"


def is_tied(layer: spec.Layer) -> bool:
    """Whether its matrix is the embedding's, transposed."""
    return isinstance(layer, spec.Dense) and layer.tied


def untied(network: spec.Sequential, parameters: Parameters) -> tuple[spec.Sequential, Parameters]:
    """The same network, each dense layer with a matrix of its own; as they are where none is tied.

    Raises:
        InputError: the embedding's array is missing.

    Example:
        >>> network = spec.Sequential([spec.Embedding(5, 3), spec.Dense(5, tied=True)], input_shape=(None,))
        >>> vectors, bias = np.ones((5, 3), np.float32), np.zeros(5, np.float32)
        >>> network, parameters = untied(network, {"layers.0.weight": vectors, "layers.1.bias": bias})
        >>> network, parameters["layers.1.weight"].shape
        (Sequential([Embedding(5, 3), Dense(5)]), (3, 5))
    """
    if not any(map(is_tied, network.layers)):
        return network, parameters
    if EMBEDDING not in parameters:
        raise InputError(f"the parameter {EMBEDDING} is missing")
    layers = [untied_layer(layer) for layer in network.layers]
    tied = [index for index, layer in enumerate(network.layers) if is_tied(layer)]
    matrices = {f"layers.{index}.weight": np.swapaxes(parameters[EMBEDDING], -1, -2) for index in tied}
    return spec.Sequential(layers, input_shape=network.input_shape), {**parameters, **matrices}


def untied_layer(layer: spec.Layer) -> spec.Layer:
    """The layer with a matrix of its own."""
    return dataclasses.replace(layer, tied=False) if isinstance(layer, spec.Dense) and layer.tied else layer
