"""How much each past step contributed to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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

Method = Literal["integrated", "gradient"]
NODES = 16  # of Gauss and Legendre's rule in each interval of the path
CHUNK = 64  # points of the path in one call
INTERVALS = (4, 16, 64, 256)  # tried in turn; where a relu bends, only more of them help
GOOD_ENOUGH = 1e-3  # relative completeness error at which no more points are tried


@dataclass(frozen=True)
class Influence:
    """Contributions to one number of a network's answer.

    Attributes:
        values: of each step's features `[time, features]`; for tokens, of their vectors.
        answer: the number that is explained.
        baseline: the same number for an input of zeros.
        method: how it was measured.
    """

    values: NDArray[np.float64]
    answer: float
    baseline: float
    method: Method

    @property
    def steps(self) -> NDArray[np.float64]:
        """The contribution of each step `[time]`."""
        return self.values.sum(axis=1)

    @property
    def completeness_error(self) -> float:
        """By how much the contributions miss what they should sum to, the answer less the baseline, relative to it."""
        difference = self.answer - self.baseline
        return abs(float(self.values.sum()) - difference) / max(abs(difference), 1e-9)

    def __repr__(self) -> str:
        """The strongest step, and how far to trust it."""
        strongest = int(np.abs(self.steps).argmax())
        return (
            f"Influence({len(self.values)} steps, strongest {strongest} with {self.steps[strongest]:+.4g}; "
            f"{self.method}, completeness error {self.completeness_error:.2%})"
        )

    def plot(self) -> Figure:
        """A bar for each step, and the completeness error."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 3), layout="constrained")
        axes = figure.subplots()
        steps = self.steps
        axes.bar(np.arange(len(steps)), steps, width=1, color=np.where(steps < 0, "#3568ad", "#d5701f").tolist())
        axes.axhline(0, color="0.6", linewidth=0.8)
        axes.set_xlabel("step")
        axes.set_ylabel("contribution")
        axes.set_title(f"{self.method}, completeness error {self.completeness_error:.2%}", loc="left", fontsize=10)
        return figure


def influence(
    network: Network, inputs: ArrayLike, output: int, *, step: int = -1, method: Method = "integrated"
) -> Influence:
    """How much each step of a sequence contributed to one number of the answer.

    Args:
        network: a built network.
        inputs: one sequence `[time, features]`, or token numbers `[time]`.
        output: which number of the answer.
        step: at which step, where the network answers at every one; the last by default.
        method: `integrated` (gradients averaged along the way from zeros to the input, times the input; their sum is
            the answer less that for zeros) or `gradient` (the gradient at the input, times the input; faster, its sum
            means little where the network saturates).

    Returns:
        The contributions, with the completeness error that says how exact they are.

    Raises:
        InputError: there is no such number in the answer, or more than one sequence was given.

    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks", sections 3 and 5.
    """
    batch, single = as_batch(network, inputs)
    if not single:
        raise InputError(f"got inputs of shape {tuple(batch.shape)}: influence explains one sequence at a time")
    layers, read = network.layers, batch[0]
    if isinstance(layers[0], EmbeddingLayer):
        layers, read = layers[1:], layers[0](batch)[0]
    count = apply_layers(layers, read[None]).shape[-1]
    if not 0 <= output < count:
        raise InputError(f"got output {output}: the answer has the numbers 0 to {count - 1}")
    at = (jnp.int32(output), jnp.int32(step))
    answer, slopes = _slopes(layers, read, jnp.ones(1), at)
    baseline = _slopes(layers, read, jnp.zeros(1), at)[0]
    averaged = method == "integrated"
    slope = _averaged_slopes(layers, read, at, float(answer[0] - baseline[0])) if averaged else slopes[0]
    values = np.asarray(slope, np.float64) * np.asarray(read, np.float64)
    return Influence(values, float(answer[0]), float(baseline[0]), method)


def _averaged_slopes(layers: tuple[BuiltLayer, ...], read: Array, at: Any, difference: float) -> NDArray[np.float64]:
    """The mean gradient on the way from zeros to the input, over ever more intervals until it is complete."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    average = np.zeros(read.shape)
    for intervals in INTERVALS:
        starts = np.arange(intervals)[:, None]
        points = ((starts + (nodes + 1) / 2) / intervals).reshape(-1, CHUNK)
        shares = np.tile(weights / 2 / intervals, intervals).reshape(-1, CHUNK)
        average = np.zeros(read.shape)
        for some, share in zip(points, shares, strict=True):
            slopes = _slopes(layers, read, jnp.asarray(some, jnp.float32), at)[1]
            average += np.tensordot(share, np.asarray(slopes, np.float64), axes=1)
        error = abs(float((average * np.asarray(read)).sum()) - difference)
        if error <= GOOD_ENOUGH * abs(difference):
            break
    return average


@eqx.filter_jit
def _slopes(layers: tuple[BuiltLayer, ...], read: Array, shares: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
    """The number and its gradient for the input scaled by each share: `[shares]`, `[shares, time, features]`."""
    output, step = at

    def number(inputs: Array) -> Array:
        answer = apply_layers(layers, inputs[None])[0]
        return answer[output] if answer.ndim == 1 else answer[step, output]

    return jax.vmap(jax.value_and_grad(number))(shares[:, None, None] * read)
