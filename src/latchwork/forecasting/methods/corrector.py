"""The trained network as it forecasts: NumPy and the kernels, no JAX, so that a saved forecaster opens at once.

The equation is `network.Corrector`'s, which trains it; `tests/forecasting/test_forecaster.py` holds both to the same
answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.forecasting.methods.rows import Rows
from latchwork.runtime.network import NumpyNetwork

CELL = ("input_weight", "hidden_weight", "bias")
HEADS = ("context_weight", "step_weight", "bias", "output_weight")
AT_ONCE = 256  # rows, whose hidden layer stays in the cache

Parameters = Mapping[str, NDArray[np.float32]]
"""Arrays by name, each with a leading axis of members: `cell.` and `CELL`'s names, and `HEADS`."""


@dataclass(frozen=True)
class Trained:
    """Members [folds * members, ...] and what training did.

    gains: [folds], share of the validation loss saved, 0 where a fold stayed at the base.
    """

    parameters: Parameters
    members: int
    gains: NDArray[np.float64]
    steps: int
    seconds: float

    def correct(self, rows: Rows, fold: int) -> NDArray[np.float64]:
        """Corrected forecasts [rows, horizon] in working units: the mean over the fold's members."""
        said = np.zeros(rows.base.shape, np.float32)
        for member in range(fold * self.members, (fold + 1) * self.members):
            own = {name: array[member] for name, array in self.parameters.items()}
            said += correction(own, rows.past, rows.future)
        return rows.base + rows.spread[:, None] * (said / np.float32(self.members)).astype(np.float64)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The last fold's members by parameter, as they are saved."""
        return {name: array[-self.members :] for name, array in self.parameters.items()}

    @staticmethod
    def from_tensors(tensors: Mapping[str, NDArray[Any]]) -> Trained:
        """The inverse of `tensors`, one fold; the arrays are checked to belong together.

        Raises:
            ValueError: an array is missing or has another shape.
        """
        members, features, columns = tensors["cell.input_weight"].shape
        units, (steps, head) = columns // 4, tensors["step_weight"].shape[1:]
        expected = {
            "cell.input_weight": (features, 4 * units), "cell.hidden_weight": (units, 4 * units),
            "cell.bias": (4 * units,), "context_weight": (units, head), "step_weight": (steps, head),
            "bias": (head,), "output_weight": (head, 1),
        }  # fmt: skip
        for name, shape in expected.items():
            if tensors[name].shape != (members, *shape):
                raise ValueError(f"the network's {name} has shape {tensors[name].shape}, expected {(members, *shape)}")
        own = {name: np.asarray(tensors[name], np.float32) for name in expected}
        return Trained(own, members, np.zeros(1), 0, 0.0)


def correction(parameters: Parameters, past: NDArray[np.float32], future: NDArray[np.float32]) -> NDArray[np.float32]:
    """One member's corrections [rows, horizon], in spreads, from rows' `past` and `future`."""
    cell = {f"layers.0.{name}": parameters[f"cell.{name}"] for name in CELL}
    reads = spec.Sequential([spec.LSTM(len(parameters["cell.hidden_weight"]))], input_shape=(None, past.shape[2]))
    network, said = NumpyNetwork(reads, cell), np.empty(future.shape[:2], np.float32)
    for first in range(0, len(past), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        context, steps = network(past[part]) @ parameters["context_weight"], future[part]
        ahead = steps.reshape(-1, steps.shape[2]) @ parameters["step_weight"]  # one product, not one a row
        hidden = np.tanh(context[:, None] + ahead.reshape(*steps.shape[:2], -1) + parameters["bias"])
        said[part] = hidden @ parameters["output_weight"][:, 0]
    return said
