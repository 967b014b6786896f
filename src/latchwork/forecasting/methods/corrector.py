"""The trained network: an LSTM reads each row's window, and a head corrects the base at every step ahead.

    forecast = base + spread * head(h, what is known of the step)

The head starts at zero, so that training starts at the base. It runs in the runtime's engines, so that a saved
forecaster opens at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Ahead, Dense, Sequential
from latchwork.forecasting.methods.corrector_inputs import Inputs
from latchwork.runtime.server import make_server

TENSORS = "fitted.network."  # before its arrays' names in a saved file,
NAMES = {  # which are these; the explorer reads them too
    "layers.0.input_weight": "cell.input_weight",
    "layers.0.hidden_weight": "cell.hidden_weight",
    "layers.0.bias": "cell.bias",
    "layers.1.weight": "context_weight",
    "layers.1.ahead_weight": "step_weight",
    "layers.1.bias": "bias",
    "layers.2.weight": "output_weight",
    "layers.2.bias": "output_bias",
}


@dataclass(frozen=True)
class Corrector:
    """Networks side by side whose mean corrects a base."""

    network: NetworkData

    @staticmethod
    def build(inputs: int, features: int, units: int, seeds: Sequence[int]) -> Corrector:
        """Networks whose corrections are zero, one a seed.

        Args:
            inputs: features of each step of the window.
            features: of each step ahead.
            units: of the LSTM and of the head's hidden layer.
            seeds: of the first values.
        """
        network = _layers(units, features)
        built = [NetworkData.build(network, (None, inputs), seed) for seed in seeds]
        stacked = NetworkData.stacked(built)
        zero = {name: np.zeros_like(stacked.parameters[name]) for name in ("layers.2.weight", "layers.2.bias")}
        return Corrector(NetworkData(stacked.spec, {**stacked.parameters, **zero}, stacked.members))

    @property
    def members(self) -> int:
        """How many networks."""
        return self.network.members or 1

    def part(self, members: slice) -> Corrector:
        """Some of the networks."""
        chosen = {name: array[members] for name, array in self.network.parameters.items()}
        return Corrector(NetworkData(self.network.spec, chosen, len(chosen["layers.0.bias"])))

    def correct(self, inputs: Inputs) -> NDArray[np.float64]:
        """Corrected forecasts [rows, horizon] in working units: the mean over the networks."""
        total = np.zeros(inputs.base.shape, np.float32)
        for member in range(self.members):
            total += make_server(self.network.member(member)).run(inputs.past, ahead=inputs.future)[..., 0]
        return inputs.base + inputs.spread[:, None] * (total / np.float32(self.members)).astype(np.float64)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What a saved file keeps of it."""
        return {TENSORS + NAMES[name]: array for name, array in self.network.parameters.items()}

    @staticmethod
    def from_tensors(tensors: Mapping[str, NDArray[Any]]) -> Corrector | None:
        """The inverse of `tensors`, None where a file has no network; the arrays are checked to belong together.

        Raises:
            ValueError: an array is missing or has another shape.
        """
        if TENSORS + "bias" not in tensors:
            return None
        members = len(tensors[TENSORS + "bias"])
        without = {TENSORS + "output_bias": np.zeros((members, 1), np.float32)}  # in files of before there was one
        own = {
            name: np.array((without | dict(tensors))[TENSORS + stored], np.float32) for name, stored in NAMES.items()
        }
        (inputs, columns), features = own["layers.0.input_weight"].shape[1:], own["layers.1.ahead_weight"].shape[1]
        network = _layers(columns // 4, features).with_input((None, inputs))
        for name, shape in network.parameter_shapes().items():
            if own[name].shape != (members, *shape):
                raise ValueError(
                    f"the network's {NAMES[name]} has shape {own[name].shape}, expected {(members, *shape)}"
                )
        return Corrector(NetworkData(network, own, members))


def _layers(units: int, features: int) -> Sequential:
    return Sequential([LSTM(units), Ahead(units, features, "tanh"), Dense(1)])
