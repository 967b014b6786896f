"""How far back a network uses its input, measured rather than believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike, NDArray

from latchwork.errors import InputError
from latchwork.explain.trace import as_batch
from latchwork.layers import BuiltLayer, EmbeddingLayer
from latchwork.network import Network, apply_layers

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

    def plot(self) -> Figure:
        """Both measurements against the distance."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.semilogy(np.maximum(self.reach, 1e-12), color="#6a4fb3")
        left.axvline(self.by_influence - 1, color="0.5", linestyle=":")
        left.set_xlabel("steps back")
        left.set_title(f"influence: {self.by_influence} steps carry {CARRIED:.0%}", loc="left", fontsize=10)
        right.semilogx(self.kept, self.change, "o-", color="#1f8a5f")
        right.axvline(self.by_cutting, color="0.5", linestyle=":")
        right.set_xlabel("last steps kept")
        right.set_title(f"cutting: {self.by_cutting} steps answer alike", loc="left", fontsize=10)
        return figure


def memory_horizon(network: Network, data: ArrayLike) -> MemoryHorizon:
    """Measure how far back a network uses its input, by influence and by cutting history.

    Args:
        network: a built network that reads forward.
        data: sequences of equal length `[batch, time, features]` or tokens `[batch, time]`; the first 256 are used.

    Returns:
        Both horizons in steps, and the curves behind them.

    Raises:
        InputError: fewer than two sequences, whose answers then have no spread to compare with.
    """
    batch, single = as_batch(network, data)
    if single or len(batch) < 2:
        raise InputError(f"got data of shape {np.shape(data)}: give two sequences or more, of equal length")
    layers, read = network.layers, batch[:MOST_ROWS]
    if isinstance(layers[0], EmbeddingLayer):
        layers, read = layers[1:], layers[0](read)
    answers, influences = _reach(layers, read)
    reach = np.asarray(jnp.abs(influences).mean(axis=0), np.float64)[::-1]
    carried = np.cumsum(reach) / reach.sum()
    kept = np.unique(np.geomspace(1, read.shape[1], 24).round().astype(np.int64))
    spread = float(np.asarray(answers).std(axis=0).mean()) or 1.0
    change = np.array(
        [float(np.abs(np.asarray(_answers(layers, read[:, -count:])) - answers).mean()) / spread for count in kept]
    )
    # The first number of steps from which on nothing changes any more.
    moving = np.flatnonzero(change >= UNCHANGED)
    by_cutting = int(kept[min(moving[-1] + 1, len(kept) - 1)]) if len(moving) else int(kept[0])
    return MemoryHorizon(int(np.searchsorted(carried, CARRIED)) + 1, by_cutting, reach, kept, change)


@eqx.filter_jit
def _answers(layers: tuple[BuiltLayer, ...], read: Array) -> Array:
    answers = apply_layers(layers, read)
    return answers if answers.ndim == 2 else answers[:, -1]


@eqx.filter_jit
def _reach(layers: tuple[BuiltLayer, ...], read: Array) -> tuple[Array, Array]:
    """The answers, and gradient times input of each answer's largest number, summed over features `[batch, time]`."""

    def largest(read: Array) -> tuple[Array, Array]:
        answers = _answers(layers, read)
        return answers.max(axis=-1).sum(), answers

    gradient, answers = jax.grad(largest, has_aux=True)(read)
    return answers, (gradient * read).sum(axis=-1)
