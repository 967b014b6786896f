"""What happened in a run: the figures of each epoch, the time it took, why it ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class History:
    """The record of a run.

    `epochs` has a row for each finished epoch: `epoch` (from 1), `step`, `seconds` since the start, the mean of each
    metric over the epoch (`loss`, ...), and the validation's with `val_` before the name. `planned_steps` is what the
    budget came to and what schedules go by; `steps` were done. `block` says how the steps were run: `native`, or `xla`
    and why not natively. Of networks side by side `epochs` has the mean, and `members` the figures of each.
    """

    epochs: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    steps: int = 0
    seconds: float = 0.0
    first_step_seconds: float = 0.0
    best_epoch: int | None = None
    planned_steps: int = 0
    stopped: str = "finished"
    block: str = ""
    members: list[dict[str, list[float]]] = field(default_factory=list[dict[str, list[float]]])

    def last(self, name: str) -> float:
        """A metric's value in the last epoch."""
        return self.epochs[-1][name]

    def column(self, name: str) -> list[float]:
        """A metric's values over the epochs that have it."""
        return [row[name] for row in self.epochs if name in row]

    def member_column(self, name: str) -> NDArray[np.float64]:
        """A metric's values of networks side by side, `[epochs, members]`, over the epochs that have it."""
        return np.array([row[name] for row in self.members if name in row])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        """The history that `to_dict` described."""
        return cls(**data)

    def plot(self) -> Figure:
        """Loss and metrics over the epochs, one panel each, training beside validation."""
        from latchwork.show.pictures import draw_epochs

        return draw_epochs(self.epochs)
