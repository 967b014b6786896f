"""The trained network as it forecasts: NumPy and the kernels, no JAX, so that a saved forecaster opens at once.

The equation is `corrector_training.Member`'s, which trains it; `tests/forecasting/test_forecaster.py` holds both to the
same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.table import initial_parameters
from latchwork.forecasting.methods.corrector_inputs import Inputs
from latchwork.runtime.network import NumpyNetwork

CELL = ("input_weight", "hidden_weight", "bias")
HEADS = ("context_weight", "step_weight", "bias", "output_weight")
AT_ONCE = 256  # rows, whose hidden layer stays in the cache

Parameters = Mapping[str, NDArray[np.float32]]
"""Arrays by name, each with a leading axis of members: `cell.` and `CELL`'s names, and `HEADS`."""


TENSORS = "fitted.network."  # before its arrays' names in a saved file


@dataclass(frozen=True)
class Corrector:
    """Networks of one fold, members side by side."""

    parameters: Parameters

    @staticmethod
    def build(inputs: int, features: int, units: int, seeds: Sequence[int]) -> Corrector:
        """Members whose corrections are zero, one a seed."""
        members = [_first_values(inputs, features, units, seed) for seed in seeds]
        return Corrector({name: np.stack([own[name] for own in members]) for name in members[0]})

    def correct(self, inputs: Inputs) -> NDArray[np.float64]:
        """Corrected forecasts [rows, horizon] in working units: the mean over the members."""
        total = np.zeros(inputs.base.shape, np.float32)
        members = len(self.parameters["bias"])
        for member in range(members):
            own = {name: array[member] for name, array in self.parameters.items()}
            total += correction(own, inputs.past, inputs.future)
        return inputs.base + inputs.spread[:, None] * (total / np.float32(members)).astype(np.float64)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What a saved file keeps of it."""
        return {TENSORS + name: array for name, array in self.parameters.items()}

    @staticmethod
    def from_tensors(tensors: Mapping[str, NDArray[Any]]) -> Corrector | None:
        """The inverse of `tensors`, None where a file has no network; the arrays are checked to belong together.

        Raises:
            ValueError: an array is missing or has another shape.
        """
        own = {name.removeprefix(TENSORS): array for name, array in tensors.items() if name.startswith(TENSORS)}
        if not own:
            return None
        members, features, columns = own["cell.input_weight"].shape
        units, (steps, head) = columns // 4, own["step_weight"].shape[1:]
        expected = {
            "cell.input_weight": (features, 4 * units), "cell.hidden_weight": (units, 4 * units),
            "cell.bias": (4 * units,), "context_weight": (units, head), "step_weight": (steps, head),
            "bias": (head,), "output_weight": (head, 1),
        }  # fmt: skip
        for name, shape in expected.items():
            if own[name].shape != (members, *shape):
                raise ValueError(f"the network's {name} has shape {own[name].shape}, expected {(members, *shape)}")
        return Corrector({name: np.asarray(own[name], np.float32) for name in expected})


def _first_values(inputs: int, features: int, units: int, seed: int) -> dict[str, NDArray[np.float32]]:
    drawn = initial_parameters(spec.Sequential([spec.LSTM(units)], input_shape=(None, inputs)), seed)
    rng = np.random.default_rng([seed, 1])
    context, step = (
        rng.uniform(-1, 1, (size, units)).astype(np.float32) * np.sqrt(6 / (size + units)).astype(np.float32)
        for size in (units, features)
    )
    cell = {f"cell.{name}": np.asarray(drawn[f"layers.0.{name}"]) for name in CELL}
    zeros = {"bias": np.zeros(units, np.float32), "output_weight": np.zeros((units, 1), np.float32)}
    return {**cell, "context_weight": context, "step_weight": step, **zeros}


def correction(parameters: Parameters, past: NDArray[np.float32], future: NDArray[np.float32]) -> NDArray[np.float32]:
    """One member's corrections [rows, horizon], in spreads, from rows' `past` and `future`."""
    cell = {f"layers.0.{name}": parameters[f"cell.{name}"] for name in CELL}
    reads = spec.Sequential([spec.LSTM(len(parameters["cell.hidden_weight"]))], input_shape=(None, past.shape[2]))
    network, corrections = NumpyNetwork(reads, cell), np.empty(future.shape[:2], np.float32)
    for first in range(0, len(past), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        context, steps = network(past[part]) @ parameters["context_weight"], future[part]
        ahead = steps.reshape(-1, steps.shape[2]) @ parameters["step_weight"]  # one product, not one a row
        hidden = np.tanh(context[:, None] + ahead.reshape(*steps.shape[:2], -1) + parameters["bias"])
        corrections[part] = hidden @ parameters["output_weight"][:, 0]
    return corrections
