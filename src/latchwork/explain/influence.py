"""How much each past step contributed to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike, NDArray

from latchwork.errors import InputError
from latchwork.explain.reading import Model, read
from latchwork.layers import BuiltLayer, EmbeddingLayer
from latchwork.network import apply_layers

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
    model: Model, inputs: ArrayLike | str, output: int, *, step: int = -1, method: Method = "integrated"
) -> Influence:
    """How much each step of a sequence contributed to one number of the answer.

    Args:
        model: a built network or a fitted estimator, as for `trace`.
        inputs: one sequence `[time, features]`; token numbers `[time]` or a text for a language model.
        output: which number of the answer, before any softmax.
        step: at which step, where the network answers at every one; from the end if negative.
        method: `integrated` (gradients averaged along the way from zeros to the input, times the input; their sum is
            the answer less that for zeros) or `gradient` (the gradient at the input, times the input; faster, its sum
            means little where the network saturates).

    Returns:
        The contributions, with the completeness error that says how exact they are.

    Raises:
        InputError: there is no such number or step in the answer, or more than one sequence was given.

    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks", sections 3 and 5.
    """
    network, batch, _, single = read(model, inputs)
    if not single:
        raise InputError(f"got inputs of shape {batch.shape}: influence explains one sequence at a time")
    if method not in get_args(Method):
        raise InputError(f"got the method {method!r}: expected one of {', '.join(get_args(Method))}")
    layers, vectors = network.layers, jnp.asarray(batch[0])
    if isinstance(layers[0], EmbeddingLayer):
        layers, vectors = layers[1:], layers[0](jnp.asarray(batch))[0]
    *steps, count = network.spec.output_shape()
    if not 0 <= output < (count or 0):
        raise InputError(f"got output {output}: the answer has the numbers 0 to {(count or 0) - 1}")
    if steps and not -len(vectors) <= step < len(vectors):
        raise InputError(f"got step {step}: the sequence has {len(vectors)} steps")
    at = (jnp.int32(output), jnp.int32(step))
    answer, slopes = _slopes(layers, vectors, jnp.ones(1), at)
    baseline = _slopes(layers, vectors, jnp.zeros(1), at)[0]
    averaged = method == "integrated"
    slope = _averaged_slopes(layers, vectors, at, float(answer[0] - baseline[0])) if averaged else slopes[0]
    values = np.asarray(slope, np.float64) * np.asarray(vectors, np.float64)
    return Influence(values, float(answer[0]), float(baseline[0]), method)


def _averaged_slopes(layers: tuple[BuiltLayer, ...], vectors: Array, at: Any, difference: float) -> NDArray[np.float64]:
    """The mean gradient on the way from zeros to the input, over ever more intervals until it is complete."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    average = np.zeros(vectors.shape)
    for intervals in INTERVALS:
        starts = np.arange(intervals)[:, None]
        points = ((starts + (nodes + 1) / 2) / intervals).reshape(-1, CHUNK)
        shares = np.tile(weights / 2 / intervals, intervals).reshape(-1, CHUNK)
        average = np.zeros(vectors.shape)
        for some, share in zip(points, shares, strict=True):
            slopes = _slopes(layers, vectors, jnp.asarray(some, jnp.float32), at)[1]
            average += np.tensordot(share, np.asarray(slopes, np.float64), axes=1)
        error = abs(float((average * np.asarray(vectors)).sum()) - difference)
        if error <= GOOD_ENOUGH * abs(difference):
            break
    return average


@eqx.filter_jit
def _slopes(
    layers: tuple[BuiltLayer, ...], vectors: Array, shares: Array, at: tuple[Array, Array]
) -> tuple[Array, Array]:
    """The number and its gradient for the input scaled by each share: `[shares]`, `[shares, time, features]`."""
    output, step = at

    def number(inputs: Array) -> Array:
        answer = apply_layers(layers, inputs[None])[0]
        return answer[output] if answer.ndim == 1 else answer[step, output]

    return jax.vmap(jax.value_and_grad(number))(shares[:, None, None] * vectors)
