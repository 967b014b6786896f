"""How much each past step contributed to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike, NDArray

from latchwork.core.errors import InputError
from latchwork.engines.jax.layers import BuiltLayer, embedding_of
from latchwork.engines.jax.network import Network, apply_layers
from latchwork.explain.reading import Model, read, tokens_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Method = Literal["integrated", "gradient"]
# The path is cut into intervals, each with a Gauss-Legendre rule; where a network's answer bends or jumps, only more
# of them help, and only there.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(14)
POINTS = np.concatenate([[0], (NODES + 1) / 2, [1]])  # of an interval of length 1: its ends tell how exact the rule is
SHARES = np.concatenate([[0], WEIGHTS / 2, [0]])
PIECES = 4  # that an interval is cut into, all computed in one call
GOOD_ENOUGH = 1e-3  # relative completeness error at which no more are tried
# In intervals shorter than these the points' own rounding is all that is left: of a slope, and of a jump.
SHORTEST, SHORTEST_OF_JUMP = 2.0**-12, 2.0**-23
JUMP = 1e-2  # error of one interval, relative to all that is explained, that is more than rounding
MOST_CALLS = 300


@dataclass(frozen=True)
class Influence:
    """Contributions to one number of a network's answer.

    Attributes:
        values: of each step's features `[time, features]`; for tokens, of their vectors.
        answer: the number that is explained.
        baseline: the same number where nothing was said: for zeros, or for the mean of all tokens' vectors.
        method: how it was measured.
        tokens: what was read at each step, where a text was given.
    """

    values: NDArray[np.float64]
    answer: float
    baseline: float
    method: Method
    tokens: Sequence[str] | None = None

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
        from latchwork.show.steps import draw_bars

        kind = "gradient times input" if self.method == "gradient" else "integrated gradients"
        heading = f"What each step added to the answer, {self.baseline:.3g} before, {self.answer:.3g} after"
        return draw_bars(self.steps, heading, f"{kind}, completeness error {self.completeness_error:.2%}", self.tokens)


def influence(
    model: Model, inputs: ArrayLike | str, output: int, *, step: int = -1, method: Method = "integrated"
) -> Influence:
    """How much each step of a sequence contributed to one number of the answer.

    Args:
        model: a built network or a fitted estimator, as for `trace`.
        inputs: one sequence `[time, features]`; token numbers `[time]` or a text for a language model.
        output: which number of the answer, before any softmax.
        step: at which step, where the network answers at every one; from the end if negative.
        method: `integrated` (gradients averaged along the way from the baseline to the input, times their difference;
            their sum is the answer less that for the baseline) or `gradient` (the gradient at the input, times the
            same; faster, its sum means little where the network saturates). The baseline is zeros, for tokens the mean
            of all their vectors: from zeros, which no token is near, a network that writes text runs wild on the way.

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
    if embedding_of(layers[0]) is not None:
        layers, vectors = layers[1:], layers[0](jnp.asarray(batch))[0]
    *steps, count = network.spec.output_shape()
    if not 0 <= output < (count or 0):
        raise InputError(f"got output {output}: the answer has the numbers 0 to {(count or 0) - 1}")
    if steps and not -len(vectors) <= step < len(vectors):
        raise InputError(f"got step {step}: the sequence has {len(vectors)} steps")
    way = Way(baseline_of(network, vectors), vectors)
    at = (jnp.int32(output), jnp.int32(step))
    (baseline, answer), slopes = _slopes(layers, way, jnp.arange(2.0), at)
    averaged = method == "integrated"
    slope = _averaged_slopes(layers, way, at, float(answer - baseline)) if averaged else slopes[1]
    tokens = tokens_of(model, inputs) if isinstance(inputs, str) else None
    return Influence(np.asarray(slope, np.float64) * way.length(), float(answer), float(baseline), method, tokens)


def baseline_of(network: Network, vectors: Array) -> Array:
    """What says nothing, in the shape of the vectors: zeros, or the mean of all tokens' vectors."""
    tokens = embedding_of(network.layers[0])
    return jnp.broadcast_to(0.0 if tokens is None else tokens.mean(axis=0), vectors.shape)


class Way(NamedTuple):
    """From the baseline to the input, straight; both `[time, features]`."""

    begin: Array
    end: Array

    def length(self) -> NDArray[np.float64]:
        """Of each feature's part of it."""
        return np.asarray(self.end, np.float64) - np.asarray(self.begin, np.float64)


def _averaged_slopes(layers: tuple[BuiltLayer, ...], way: Way, at: Any, difference: float) -> NDArray[np.float64]:
    """The mean gradient on the way, its least exact interval cut up until the whole is complete."""
    whole = way.length()
    average = np.zeros(whole.shape)
    left = 0.0  # the error of what is too short to be cut up
    intervals = [(-np.inf, 0.0, 1.0, average)]  # minus the error, begin, length, its part of the average: a heap
    for _ in range(MOST_CALLS):
        _, begin, length, coarse = heappop(intervals)
        average = average - coarse
        begins, length = begin + length / PIECES * np.arange(PIECES), length / PIECES
        points = (begins[:, None] + length * POINTS).reshape(-1)
        answers, slopes = (np.asarray(array, np.float64) for array in _slopes(layers, way, _single(points), at))
        for first, of_points, of_answers in zip(
            begins, np.split(slopes, PIECES), np.split(answers, PIECES), strict=True
        ):
            part = np.tensordot(length * SHARES, of_points, axes=1)
            missed = abs(float((part * whole).sum()) - (of_answers[-1] - of_answers[0]))
            average = average + part
            if length < (SHORTEST_OF_JUMP if missed > JUMP * abs(difference) else SHORTEST):
                left += missed
            else:
                heappush(intervals, (-missed, float(first), length, part))
        missed = left - sum(interval[0] for interval in intervals)
        if missed <= GOOD_ENOUGH * abs(difference) or not intervals:
            break
    return average


def _single(values: NDArray[np.float64]) -> Array:
    return jnp.asarray(values, jnp.float32)


@eqx.filter_jit
def _slopes(layers: tuple[BuiltLayer, ...], way: Way, shares: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
    """The number and its gradient after each share of the way: `[shares]`, `[shares, time, features]`."""
    output, step = at

    def number(inputs: Array) -> Array:
        answer = apply_layers(layers, inputs[None])[0]
        return answer[output] if answer.ndim == 1 else answer[step, output]

    return jax.vmap(jax.value_and_grad(number))(way.begin + shares[:, None, None] * (way.end - way.begin))
