"""An objective's means over rows, without training."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.engines import native
from latchwork.engines.jax.compilation import enable_cache
from latchwork.engines.jax.network import split_parameters
from latchwork.training.block import CAPACITY, compiled_evaluation, padded
from latchwork.training.data import Data, DeviceData, in_order
from latchwork.training.native_network import Known, make_trainers
from latchwork.training.native_steps import NativeRows, joined_parameters
from latchwork.training.objective import Objective
from latchwork.training.steps import chosen_way


def evaluate(model: Any, objective: Objective, data: Data, *, batch_size: int = 256) -> dict[str, float]:
    """Each of the objective's figures, averaged over all rows in their own order (weighted where rows have weights)."""
    return Measuring(objective, data, batch_size).figures(model)


class Measuring:
    """An objective and rows, for any number of models; what is made for them is kept."""

    def __init__(self, objective: Objective, data: Data, batch_size: int) -> None:
        """Nothing is made yet."""
        self.objective, self.data, self.batch_size = objective, data, batch_size
        self._native: tuple[list[Any], NativeRows] | None = None
        self._device = DeviceData(data)

    def figures(self, model: Any) -> dict[str, float]:
        """The objective's figures of one model."""
        way, _ = chosen_way(model, self.objective, None, self.data)
        total = self._native_sums(model) if way == "native" else self._xla_sums(model)
        return dict(zip(self.objective.names, (total[:-1] / total[-1]).tolist(), strict=True))

    def _native_sums(self, model: Any) -> NDArray[np.float64]:
        if self._native is None:  # models of one run have one shape
            self._native = (
                make_trainers(model, cast("Known", self.objective), None, self.data, self.batch_size),
                NativeRows(model, self.data),
            )
        trainers, rows = self._native
        parameters = joined_parameters(split_parameters(model)[0], len(trainers))
        total = np.zeros(len(self.objective.names) + 1)
        for chunk in self.data.chunks():
            order = in_order(len(chunk), self.batch_size)
            sums = np.empty((len(trainers), len(order), total.size))
            native.module().evaluate(trainers, parameters, *rows.arguments(chunk), order, sums)
            total += sums.mean(axis=0).sum(axis=0)
        return total

    def _xla_sums(self, model: Any) -> NDArray[np.float64]:
        enable_cache()
        program = compiled_evaluation(self.objective)
        carry = self.objective.initial_carry(model, self.batch_size)
        total = np.zeros(len(self.objective.names) + 1)
        for chunk in self.data.chunks():
            order = in_order(len(chunk), self.batch_size)
            for first in range(0, len(order), CAPACITY):
                part = order[first : first + CAPACITY]
                carry, sums = program(model, self._device.arrays(chunk), carry, padded(part), len(part))
                total += np.asarray(sums, np.float64)
        return total
