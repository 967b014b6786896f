"""An objective's means over rows, without training."""

from __future__ import annotations

from typing import Any

import numpy as np

from latchwork.training.block import CAPACITY, compiled_evaluation, padded
from latchwork.training.data import Data, DeviceData, in_order
from latchwork.training.objective import Objective


def evaluate(model: Any, objective: Objective, data: Data | DeviceData, *, batch_size: int = 256) -> dict[str, float]:
    """Each of the objective's figures, averaged over all rows in their own order (weighted where rows have weights)."""
    device = data if isinstance(data, DeviceData) else DeviceData(data)
    program = compiled_evaluation(objective)
    carry = objective.initial_carry(model, batch_size)
    total = np.zeros(len(objective.names) + 1)
    for chunk in device.data.chunks():
        order = in_order(len(chunk), batch_size)
        for first in range(0, len(order), CAPACITY):
            part = order[first : first + CAPACITY]
            carry, sums = program(model, device.arrays(chunk), carry, padded(part), len(part))
            total += np.asarray(sums, np.float64)
    return dict(zip(objective.names, (total[:-1] / total[-1]).tolist(), strict=True))
