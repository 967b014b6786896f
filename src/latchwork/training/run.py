"""Where a run stands: the arrays, the place in the data, the figures so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from latchwork.training.history import History
from latchwork.training.steps import TrainState


@dataclass
class Run:
    """All that a checkpoint must bring back.

    Attributes:
        state: parameters, the optimiser's state and what is carried between batches.
        total: steps of the whole run.
        step: steps done.
        sums: of the unfinished epoch: each metric's weighted sum, and the sum of the weights.
        best_parameters: the parameters at the best value of what is monitored.
        waited: epochs since then.
    """

    state: TrainState
    total: int
    sums: NDArray[np.float64]
    step: int = 0
    history: History = field(default_factory=History)
    best_parameters: Any = None
    best_value: float | None = None
    waited: int = 0

    def keep_if_best(self, value: float, epoch: int, min_delta: float) -> None:
        """Keep the parameters if `value` is the lowest so far."""
        if self.best_value is None or value < self.best_value - min_delta:
            self.best_value, self.waited = value, 0
            self.best_parameters = jax.device_get(self.state.parameters)
            self.history.best_epoch = epoch
        else:
            self.waited += 1

    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, as plain JSON data."""
        return {
            "total": self.total,
            "step": self.step,
            "sums": self.sums.tolist(),
            "history": self.history.to_dict(),
            "best_value": self.best_value,
            "waited": self.waited,
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Bring back what `to_dict` wrote; raises `KeyError`, `TypeError` or `ValueError` on anything else."""
        sums = np.array(data["sums"], np.float64)
        if sums.shape != self.sums.shape or not 0 <= data["step"] <= data["total"]:
            raise ValueError("sums or step do not fit the run")
        self.total, self.step, self.sums = data["total"], data["step"], sums
        self.history = History.from_dict(data["history"])
        self.best_value, self.waited = data["best_value"], data["waited"]
        if self.history.stopped == "interrupted":
            self.history.stopped = "finished"  # Ctrl-C ends one sitting, not the run
