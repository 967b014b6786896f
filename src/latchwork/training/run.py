"""Where a run stands: the arrays, the place in the data, the figures so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.training.history import History

Figures = dict[str, NDArray[np.float64]]  # each `[members]`


@dataclass
class Run:
    """All that a checkpoint must bring back.

    Attributes:
        state: the engine's: parameters, what the optimiser keeps and what is carried between batches.
        total: steps of the whole run.
        sums: of the unfinished epoch: each member's weighted sums of the figures, and its sum of the weights.
        groups: the group of each member.
        step: steps done.
        best: each member's parameters at its best value of what is monitored; None before there is one.
        best_values: those values, lower is better; infinity before there is one.
        waited: of each group, epochs since it gained.
        active: members whose group has not stopped.
    """

    state: Any
    total: int
    sums: NDArray[np.float64]
    groups: NDArray[np.intp]
    step: int = 0
    history: History = field(default_factory=History)
    best: dict[str, NDArray[Any]] | None = None
    best_values: NDArray[np.float64] = field(init=False)
    waited: NDArray[np.intp] = field(init=False)
    active: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is done yet."""
        self.best_values = np.full(len(self.groups), np.inf)
        self.waited = np.zeros(int(self.groups.max()) + 1, np.intp)
        self.active = np.ones(len(self.groups), bool)

    def keep_best(self, better: NDArray[np.bool_], values: NDArray[np.float64], parameters: Any) -> None:
        """Keep the parameters of the members that are better than before."""
        if better.all() or self.best is None:
            self.best = dict(parameters)
        else:
            self.best = {
                name: np.where(better.reshape(-1, *(1,) * (new.ndim - 1)), new, self.best[name])
                for name, new in parameters.items()
            }
        self.best_values = np.where(better, values, self.best_values)

    def count_waiting(self, better: NDArray[np.bool_], quorum: float) -> None:
        """Which groups have gained: more than a share `quorum` of its members are better."""
        for group in range(len(self.waited)):
            own = self.groups == group
            if self.active[own].any():
                self.waited[group] = 0 if better[own].mean() > quorum else self.waited[group] + 1

    def stop_groups(self, patience: int) -> None:
        """Those that have waited long enough train no more."""
        self.active &= (self.waited < patience)[self.groups]

    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, as plain JSON data."""
        return {
            "total": self.total,
            "step": self.step,
            "sums": self.sums.tolist(),
            "history": self.history.to_dict(),
            "best_values": [None if np.isinf(value) else value for value in self.best_values.tolist()],
            "waited": self.waited.tolist(),
            "active": self.active.tolist(),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Bring back what `to_dict` wrote; raises `KeyError`, `TypeError` or `ValueError` on anything else."""
        sums = np.array(data["sums"], np.float64)
        if sums.shape != self.sums.shape or not 0 <= data["step"] <= data["total"]:
            raise ValueError("sums or step do not fit the run")
        self.total, self.step, self.sums = data["total"], data["step"], sums
        self.history = History.from_dict(data["history"])
        best = [np.inf if value is None else value for value in data["best_values"]]
        self.best_values = _like(self.best_values, best)
        self.waited, self.active = _like(self.waited, data["waited"]), _like(self.active, data["active"])
        if self.history.stopped == "interrupted":
            self.history.stopped = "finished"  # Ctrl-C ends one sitting, not the run


def _like(old: NDArray[Any], values: Any) -> NDArray[Any]:
    new = np.array(values, old.dtype)
    if new.shape != old.shape:
        raise ValueError(f"{new.shape} in place of {old.shape}")
    return new
