"""A network with its arrays: a spec built once the data is seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.table import under
from latchwork.engines.jax.layers import (
    BidirectionalLayer,
    BuiltLayer,
    Constant,
    DescribedLayer,
    Key,
    Lengths,
    RecurrentLayer,
    build_layer,
    takes_ahead,
    with_matrix,
)

States = tuple[Any, ...]


class Network(eqx.Module):
    """The layers of a `Sequential`, built.

    Example:
        >>> network = Network.build(spec.Sequential([spec.LSTM(30), spec.Dense(10)]), input_shape=(28, 28), seed=0)
        >>> network(jax.numpy.zeros((2, 28, 28))).shape
        (2, 10)
    """

    layers: tuple[BuiltLayer, ...]
    spec: spec.Sequential = eqx.field(static=True)

    @classmethod
    def build(cls, network: spec.Sequential, input_shape: Iterable[int | None], seed: int = 0) -> Network:
        """A network with first values drawn from `seed`, for inputs of `input_shape` (batch left out)."""
        return cls.from_data(NetworkData.build(network, input_shape, seed))

    @classmethod
    def from_data(cls, data: NetworkData) -> Network:
        """The layers of a network that is plain data."""
        return cls.from_parameters(data.spec, data.parameters)

    def data(self) -> NetworkData:
        """The same network as plain data."""
        return NetworkData(self.spec, self.parameters())

    @classmethod
    def from_parameters(cls, network: spec.Sequential, parameters: Mapping[str, NDArray[np.float32]]) -> Network:
        """The network around given arrays; raises `InputError` where names or shapes are not the spec's."""
        spec.check_parameters(network, parameters)
        layers: list[BuiltLayer] = []
        for index, layer in enumerate(network.layers):
            names = under(f"layers.{index}.", network.parameter_shapes())  # in the spec's order, whatever the file's is
            own = {name: jax.device_put(parameters[f"layers.{index}.{name}"]) for name in names}
            layers.append(build_layer(layer, own))
        return cls(tuple(layers), network)

    @classmethod
    def stacked(cls, networks: Sequence[Network]) -> Network:
        """Networks of one spec as one whose every array has a first axis of members (see `training.SideBySide`)."""
        return jax.tree.map(lambda *leaves: np.stack(leaves), *networks)

    def __call__(self, inputs: Array, lengths: Lengths = None, *, key: Key = None) -> Float[Array, "batch ..."]:
        """The last layer's output for a batch; with a `key`, as in training (something is dropped)."""
        return apply_layers(self.layers, inputs, lengths, key)

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """Every learned array by the name it has in a file."""
        names = self.spec.parameter_shapes()
        return {name: np.asarray(learned_array(self, name)) for name in names}


def apply_layers(
    layers: tuple[BuiltLayer, ...],
    inputs: Array,
    lengths: Lengths = None,
    key: Key = None,
    ahead: Float[Array, "batch horizon features"] | None = None,
) -> Array:
    """One layer after the other; apart from `Network`, so that compiled code does not depend on the spec's rates."""
    return run_layers(layers, inputs, None, lengths, key, ahead)[0]


def run_layers(
    layers: tuple[BuiltLayer, ...],
    inputs: Array,
    states: States | None,
    lengths: Lengths = None,
    key: Key = None,
    ahead: Float[Array, "batch horizon features"] | None = None,
) -> tuple[Array, States, Lengths]:
    """The same from given states on, one for each recurrent layer (zeros where None), with the states after it; and
    how many steps of the outputs are real, None where all are or where they have none.

    States are there where some were given: a layer that reads both ways has none.
    """
    after: list[Any] = []
    remaining = None if states is None else iter(states)
    for index, layer in enumerate(layers):
        own = None if key is None else jax.random.fold_in(key, index)
        if remaining is not None and isinstance(layer, RecurrentLayer):
            outputs, state = layer.run(inputs, next(remaining), lengths, own)
            inputs = outputs if layer.return_sequences else state[0]
            after.append(state)
        else:
            inputs = with_matrix(layer, layers[0])(inputs, lengths, own, *((ahead,) if takes_ahead(layer) else ()))
        lengths = lengths if inputs.ndim > 2 else None  # what became a vector has no lengths any more
    return inputs, tuple(after), lengths


def initial_states(layers: tuple[BuiltLayer, ...], batch: int) -> States:
    """Zeros for each recurrent layer; raises `InputError` where one reads backwards."""
    states: list[Any] = []
    for layer in layers:
        if isinstance(layer, BidirectionalLayer) or (isinstance(layer, RecurrentLayer) and layer.reverse):
            raise InputError("a layer that reads backwards has no state to carry on: train without carried=True")
        if isinstance(layer, RecurrentLayer):
            states.append(layer.cell.initial_state((batch,)))
    return tuple(states)


def split_parameters(tree: Any) -> tuple[Any, Any]:
    """The learned arrays of any module, and the rest (`eqx.combine` joins them again)."""
    learned = jax.tree.map(lambda leaf: not isinstance(leaf, Constant), tree, is_leaf=lambda x: isinstance(x, Constant))
    return eqx.partition(tree, learned)


def learned_array(network: Network, name: str) -> Any:
    """Where the array of a file's `layers.0.input_weight` lives in the built layers."""
    _, index, *path = name.split(".")
    node: Any = network.layers[int(index)]
    for part in path:
        match node:
            case RecurrentLayer():
                node = getattr(node.cell, part)
            case DescribedLayer():
                node = node.parameters[part]
            case _:  # one way of a bidirectional layer
                node = getattr(node, part)
    return node
