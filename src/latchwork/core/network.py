"""A network as plain data: what is trained, saved and served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.table import initial_parameters
from latchwork.core.tying import untied

Parameters = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class NetworkData:
    """A spec and its arrays.

    Args:
        spec: the layers, their input shape filled in.
        parameters: every array by its name (`layers.0.input_weight`), as the spec says. Of members side by side, each
            has a first axis of members.

    Raises:
        InputError: names or shapes are not the spec's.

    Example:
        >>> data = NetworkData.build(spec.Sequential([spec.LSTM(30), spec.Dense(10)]), (28, 28))
        >>> data.parameters["layers.1.weight"].shape
        (30, 10)
    """

    spec: spec.Sequential
    parameters: Parameters = field(repr=False)
    members: int | None = None

    def __post_init__(self) -> None:
        """Check the arrays."""
        one = self.parameters
        if self.members is not None:
            one = {name: array[0] for name, array in self.parameters.items() if len(array) == self.members}
        spec.check_parameters(self.spec, one)

    @classmethod
    def build(cls, network: spec.Sequential, input_shape: Iterable[int | None], seed: int = 0) -> NetworkData:
        """A network with first values drawn from `seed`, for inputs of `input_shape` (batch left out)."""
        described = network.with_input(input_shape)
        return cls(described, initial_parameters(described, seed))

    @classmethod
    def stacked(cls, networks: Sequence[NetworkData]) -> NetworkData:
        """Networks of one spec as members side by side: every array has a first axis of members."""
        first = networks[0]
        arrays = {name: np.stack([one.parameters[name] for one in networks]) for name in first.parameters}
        return cls(first.spec, arrays, len(networks))

    def untied(self) -> NetworkData:
        """The same network, a layer that is tied to the embedding with a matrix of its own."""
        return NetworkData(*untied(self.spec, self.parameters), self.members)

    def member(self, index: int) -> NetworkData:
        """One of the members side by side."""
        return NetworkData(self.spec, {name: array[index] for name, array in self.parameters.items()})
