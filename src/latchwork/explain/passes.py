"""A network run as one who looks inside needs it: forwards, with everything kept, and back to its inputs.

The kernels do it where they know all layers, else NumPy. A network in JAX whose cells are its user's own goes through
JAX (`foreign`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.network import NetworkData
from latchwork.engines.native import program
from latchwork.engines.plain.gradient import gradient
from latchwork.engines.plain.server import PlainServer
from latchwork.runtime.server import Server, make_server, runs_natively

Array = NDArray[Any]
Lengths = NDArray[np.int32] | None
Traced = Mapping[str, Mapping[str, Array]]
"""Each recurrent layer by name (`layers.0`, `layers.1.forward`), of it each array by name `[batch, time, units]`: the
gates, then the states, `hidden` last.
"""


@runtime_checkable
class Passes(Protocol):
    """What is asked of a network. Inputs are `[batch, time, features]`, or token numbers `[batch, time]`."""

    @property
    def spec(self) -> spec.Sequential:
        """Its layers."""
        ...

    def answers(self, inputs: Array, lengths: Lengths = None) -> Array:
        """The outputs."""
        ...

    def trace(self, inputs: Array, lengths: Lengths = None) -> tuple[Traced, Array]:
        """What its recurrent layers compute, zero past a length, and the outputs."""
        ...

    def gradient(self, inputs: Array, by_outputs: Array) -> tuple[Array, Array]:
        """The outputs, and the gradient by the inputs of what has the gradient `by_outputs`."""
        ...

    def precise(self) -> Passes | None:
        """The same in float64, where there is such a thing."""
        ...

    def after_embedding(self) -> tuple[Passes, Array]:
        """What follows an embedding, and the embedding's vectors `[tokens, units]`."""
        ...


def passes_of_data(network: NetworkData) -> DescribedPasses:
    """What runs a network that is plain data: the kernels where they know all its layers, else NumPy.

    Raises:
        InputError: `LATCHWORK_ENGINE=native`, and the kernels are not there or cannot run this network.
    """
    return NativePasses(network) if runs_natively(network.spec) else DescribedPasses(network)


class DescribedPasses:
    """A network that is plain data, in NumPy; see `Passes`."""

    def __init__(self, network: NetworkData, dtype: type[np.floating[Any]] = np.float32) -> None:
        """Float32 is the kernels' precision."""
        self.network, self.dtype = network, dtype

    @property
    def spec(self) -> spec.Sequential:
        """See `Passes`."""
        return self.network.spec

    @cached_property
    def _server(self) -> Server:
        return make_server(self.network)

    def answers(self, inputs: Array, lengths: Lengths = None) -> Array:
        """See `Passes`."""
        return self._server.run(inputs, lengths)

    def trace(self, inputs: Array, lengths: Lengths = None) -> tuple[Traced, Array]:
        """See `Passes`."""
        return PlainServer(self.spec, self.network.parameters).trace(inputs, lengths)

    def gradient(self, inputs: Array, by_outputs: Array) -> tuple[Array, Array]:
        """See `Passes`."""
        return gradient(self.spec, self.network.parameters, inputs.astype(self.dtype), by_outputs)

    def precise(self) -> DescribedPasses:
        """The same in float64."""
        return DescribedPasses(self.network, np.float64)

    def after_embedding(self) -> tuple[DescribedPasses, Array]:
        """See `Passes`."""
        first, *layers = self.network.spec.layers
        assert isinstance(first, spec.Embedding)
        described = spec.Sequential(layers, input_shape=(None, first.units))
        arrays = {name: self.network.parameters[_one_later(name)] for name in described.parameter_shapes()}
        return type(self)(NetworkData(described, arrays), self.dtype), self.network.parameters["layers.0.weight"]


class NativePasses(DescribedPasses):
    """The same in the kernels."""

    def trace(self, inputs: Array, lengths: Lengths = None) -> tuple[Traced, Array]:
        """See `Passes`."""
        found, outputs = program.trace(self.spec, self.network.parameters, inputs, lengths)
        return {layer: dict(zip(names, arrays, strict=True)) for layer, names, arrays in found}, outputs

    def gradient(self, inputs: Array, by_outputs: Array) -> tuple[Array, Array]:
        """See `Passes`."""
        return program.gradient(self.spec, self.network.parameters, inputs, by_outputs)


def _one_later(name: str) -> str:
    """`layers.3.forward.bias` of the layer before: `layers.4.forward.bias` of the whole."""
    _, index, own = name.split(".", 2)
    return f"layers.{int(index) + 1}.{own}"
