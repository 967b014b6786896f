"""An objective's means over rows, without training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.engines.steps import Evaluation
from latchwork.training.data import Source
from latchwork.training.engines import Job, as_plain, chosen_engine
from latchwork.training.members import Members
from latchwork.training.objectives import Objective


def evaluate(model: Any, objective: Objective, data: Source, *, batch_size: int = 256) -> dict[str, float]:
    """Each of the objective's figures, averaged over all rows in their own order (weighted where rows have weights).

    Args:
        model: a `NetworkData`, a `Network` or any module that the objective understands.
        objective: what the figures are of; of networks side by side they are the members' mean.
        data: the rows.
        batch_size: rows of a batch; it changes nothing but the time it takes.
    """
    figures = evaluate_members(model, objective, data, batch_size=batch_size)
    return {name: float(values.mean()) for name, values in figures.items()}


def evaluate_members(
    model: Any, objective: Objective, data: Source, *, batch_size: int = 256
) -> dict[str, NDArray[np.float64]]:
    """The same for each of the networks side by side."""
    members = Members.of(as_plain(model, objective), objective, seed=0)
    return Evaluator(objective, data, batch_size, members).figures(model)


class Evaluator:
    """An objective and rows, for any number of models of one shape; what is made for them is kept."""

    def __init__(self, objective: Objective, data: Source, batch_size: int, members: Members) -> None:
        """Nothing is made yet."""
        self.objective, self.data, self.batch_size, self.members = objective, data, batch_size, members
        self._evaluation: Evaluation | None = None

    def figures(self, model: Any) -> dict[str, NDArray[np.float64]]:
        """The objective's figures of a model, `[members]` each."""
        model = as_plain(model, self.objective)
        if self._evaluation is None:
            job = Job(model, self.objective, self.data, self.batch_size, self.members)
            self._evaluation = chosen_engine(job)[0].evaluation(job)
        total = np.zeros((len(self.members), len(self.objective.names) + 1))
        for chunk in self.data.chunks():
            order = self.members.validation_order(chunk, self.batch_size)
            total += self._evaluation.sums(model, chunk, order)
        return dict(zip(self.objective.names, (total[:, :-1] / total[:, -1:]).T, strict=True))
