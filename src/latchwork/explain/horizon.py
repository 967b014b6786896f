"""How far back a network uses its input, measured rather than believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.core.errors import InputError
from latchwork.explain.influence import numbers_of
from latchwork.explain.passes import Passes
from latchwork.explain.reading import Model, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CARRIED = 0.95  # share of the influence that lies within the horizon
UNCHANGED = 0.05  # change of the answer, relative to its spread, that cutting at the horizon may make
MOST_ROWS = 256


@dataclass(frozen=True)
class MemoryHorizon:
    """How far back a network looks.

    Attributes:
        by_influence: within how many of the last steps 95 % of the influence on the answer lies.
        by_cutting: how many of the last steps alone give nearly the whole history's answer.
        reach: mean influence (absolute gradient times input) of each step, counted back from the last `[time]`.
        kept: numbers of last steps that were tried alone.
        change: what each of them changed of the answer, relative to the spread of answers over the data.
    """

    by_influence: int
    by_cutting: int
    reach: NDArray[np.float64]
    kept: NDArray[np.int64]
    change: NDArray[np.float64]

    def __repr__(self) -> str:
        """Both horizons, in steps."""
        return (
            f"MemoryHorizon({CARRIED:.0%} of the influence within the last {self.by_influence} steps; "
            f"the last {self.by_cutting} alone give the same answer)"
        )

    def plot(self) -> Figure:
        """Both measurements against the distance."""
        from latchwork.show.steps import Reach, draw_reaches

        carried = f"Influence: the last {self.by_influence} steps carry {CARRIED:.0%}"
        same = f"Change of the answer: none from {self.by_cutting} steps on"
        return draw_reaches(
            Reach(carried, np.arange(len(self.reach)), self.reach, self.by_influence),
            Reach(same, self.kept, self.change, self.by_cutting),
        )


def memory_horizon(model: Model, data: ArrayLike) -> MemoryHorizon:
    """Measure how far back a network uses its input, by influence and by cutting history.

    Args:
        model: a built network or a fitted estimator, as for `trace`.
        data: sequences of equal length `[batch, time, features]` or tokens `[batch, time]`; the first 256 are used.

    Returns:
        Both horizons in steps, and the curves behind them. An answer at every step is judged by its last one.

    Raises:
        InputError: fewer than two sequences, whose answers then have no spread to compare with, or unequal ones.

    Example:
        >>> network = NetworkData.build(lw.Sequential([lw.GRU(4), lw.Dense(1)]), (None, 2))
        >>> found = memory_horizon(network, np.random.default_rng(0).normal(size=(20, 30, 2)))
        >>> len(found.reach)
        30
    """
    passes, batch, lengths, single = read(model, data)
    if single or len(batch) < 2 or lengths is not None:
        raise InputError(f"got data of shape {batch.shape}: give two sequences or more, of equal length")
    passes, vectors, baseline = numbers_of(passes, batch[:MOST_ROWS])
    answers = _last(passes.answers(vectors))
    reach = _reach(passes, vectors, baseline, answers)
    carried = np.cumsum(reach) / max(reach.sum(), np.finfo(float).tiny)
    kept = np.unique(np.geomspace(1, vectors.shape[1], 24).round().astype(np.int64))
    spread = float(answers.std(axis=0, dtype=np.float64).mean()) or 1.0
    cut = [_last(passes.answers(np.ascontiguousarray(vectors[:, -int(count) :]))) for count in kept]
    change = np.array([np.abs(of_last.astype(np.float64) - answers).mean() for of_last in cut]) / spread
    # The first number of steps from which on nothing changes any more.
    moving = np.flatnonzero(change >= UNCHANGED)
    by_cutting = int(kept[min(moving[-1] + 1, len(kept) - 1)]) if len(moving) else int(kept[0])
    return MemoryHorizon(int(np.searchsorted(carried, CARRIED)) + 1, by_cutting, reach, kept, change)


def _last(answers: NDArray[Any]) -> NDArray[Any]:
    """The answers `[batch, outputs]`: at the last step, where there is one at every step."""
    return answers if answers.ndim == 2 else answers[:, -1]


def _reach(passes: Passes, vectors: NDArray[Any], baseline: NDArray[Any], answers: NDArray[Any]) -> NDArray[np.float64]:
    """The mean influence of each step on an answer's largest number, counted back from the last `[time]`."""
    largest = np.eye(answers.shape[-1], dtype=np.float32)[answers.argmax(axis=-1)]
    shape = (len(vectors), *passes.spec.output_shape())
    by_outputs = largest
    if len(shape) == 3:
        by_outputs = np.zeros((len(vectors), vectors.shape[1], answers.shape[-1]), np.float32)
        by_outputs[:, -1] = largest
    _, gradient = passes.gradient(vectors, by_outputs)
    influences = (gradient.astype(np.float64) * (vectors - baseline)).sum(axis=-1)
    return np.abs(influences).mean(axis=0)[::-1]
