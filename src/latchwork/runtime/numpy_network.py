"""A network on NumPy arrays: whole batches of sequences, or one step at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.network import NetworkData
from latchwork.runtime.server import Array, Lengths, State, make_server


class NumpyNetwork:
    """The layers of a spec with their arrays, without what stands before and behind them in a `Model`.

    It changes nothing in itself, so any number of threads may use one. `LATCHWORK_ENGINE=plain|native|auto` chooses
    what runs it, as in training.

    Args:
        network: the spec, its input shape filled in.
        parameters: every array by its name (`layers.0.input_weight`), as the spec says.

    Raises:
        InputError: names or shapes are not the spec's, or the engine that `LATCHWORK_ENGINE` asks for is not there.

    Example:
        >>> data = NetworkData.build(spec.Sequential([spec.LSTM(3), spec.Dense(2)]), (None, 1))
        >>> NumpyNetwork(data.spec, data.parameters)(np.zeros((5, 7, 1))).shape
        (5, 2)
    """

    def __init__(self, network: spec.Sequential, parameters: Mapping[str, NDArray[np.float32]]) -> None:
        """Check the arrays and pack them."""
        self.data = NetworkData(network, parameters)
        self._server = make_server(self.data)

    @property
    def spec(self) -> spec.Sequential:
        """The layers."""
        return self.data.spec

    def __call__(self, inputs: Any, lengths: Lengths = None, *, ahead: Any = None) -> Array:
        """The last layer's output for a batch.

        Args:
            inputs: `[batch, time, features]`, or token numbers `[batch, time]`.
            lengths: the real steps of each sequence, all where left out.
            ahead: what an `Ahead` layer knows, `[batch, horizon, features]`.

        Raises:
            InputError: inputs of another shape, or one that is not a finite number.
        """
        return self._server.run(inputs, lengths, ahead=ahead)

    def initial_state(self, batch: int) -> State:
        """The state before the first step.

        Raises:
            InputError: a layer reads backwards, so that no step can be taken before the last input is there.
        """
        return self._server.initial_state(batch)

    def step(self, inputs: Any, state: State) -> tuple[Array, State]:
        """One step of every layer: the output at this step, and the state for the next.

        Args:
            inputs: `[batch, features]`, or token numbers `[batch]`.
            state: from `initial_state`, or the step before.

        Returns:
            `[batch, outputs]`: what the network would give were this the sequence's last step; and the new state.

        Raises:
            InputError: as a call, or inputs of another number of sequences than the state.
        """
        return self._server.step(inputs, state)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process packs the arrays anew."""
        return type(self), (self.data.spec, self.data.parameters)
