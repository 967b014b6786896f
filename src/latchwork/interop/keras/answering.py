"""A model's answers: its network packed once, and what its last layer remembers besides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.network import NetworkData
from latchwork.core.table import under
from latchwork.engines.plain import cells
from latchwork.engines.plain.server import built
from latchwork.runtime.server import make_server

Array = NDArray[Any]
ROWS = 512  # sequences of one call, so that memory does not grow with their number


class Answers:
    """A network that answers.

    Args:
        data: the network.
        versions: of the layers' arrays, so that one knows when they have changed.
    """

    def __init__(self, data: NetworkData, versions: tuple[int, ...] = ()) -> None:
        """Pack it."""
        self.data, self.versions = data, versions
        self.server = make_server(data)

    def outputs(self, inputs: Array, lengths: Array | None = None) -> Array:
        """The outputs of rows that are ready."""
        parts = [
            self.server.run(inputs[at : at + ROWS], None if lengths is None else lengths[at : at + ROWS])
            for at in range(0, len(inputs), ROWS)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def parts(self, inputs: Array, lengths: Array | None, parts: list[int]) -> list[Array]:
        """Outputs (0) and states (1, 2) of the last layer, a recurrent one, as they are asked for."""
        if not any(parts):
            return [self.outputs(inputs, lengths) for _ in parts]
        *before, last = self.data.spec.layers
        assert isinstance(last, spec.Recurrent)
        if before:
            network = spec.Sequential(before, input_shape=self.data.spec.input_shape)
            own = {name: array for name, array in self.data.parameters.items() if name in network.parameter_shapes()}
            inputs = Answers(NetworkData(network, own)).outputs(inputs, lengths)
        cell = built(last, under(f"layers.{len(before)}.", self.data.parameters))
        every, state = cells.unroll(cell, inputs, None, lengths, reverse=last.reverse)
        found = [every if last.return_sequences else state[0], *state]
        return [found[part] for part in parts]
