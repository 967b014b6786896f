"""How much each past step contributed to an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.explain.integration import GOOD_ENOUGH, mean_slope
from latchwork.explain.passes import Passes
from latchwork.explain.reading import Model, read, tokens_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Method = Literal["integrated", "gradient"]
CALLS = 8  # of the kernels: whatever bends is followed by then, unless float32's rounding is in the way
PRECISE_CALLS = 100  # of NumPy in float64, from the beginning


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
    passes, batch, _, single = read(model, inputs)
    if not single:
        raise InputError(f"got inputs of shape {batch.shape}: influence explains one sequence at a time")
    if method not in get_args(Method):
        raise InputError(f"got the method {method!r}: expected one of {', '.join(get_args(Method))}")
    *steps, count = passes.spec.output_shape()
    if not 0 <= output < (count or 0):
        raise InputError(f"got output {output}: the answer has the numbers 0 to {(count or 0) - 1}")
    if steps and not -batch.shape[1] <= step < batch.shape[1]:
        raise InputError(f"got step {step}: the sequence has {batch.shape[1]} steps")
    passes, vectors, baseline = numbers_of(passes, batch)
    way = Way(passes, np.broadcast_to(baseline, vectors.shape)[0], vectors[0], (step, output) if steps else (output,))
    ends, gradients = way.slopes(np.array([0.0, 1.0]))
    slope = _averaged(way) if method == "integrated" else gradients[1]
    tokens = tokens_of(model, inputs) if isinstance(inputs, str) else None
    return Influence(slope * way.length, float(ends[1]), float(ends[0]), method, tokens)


def numbers_of(passes: Passes, batch: NDArray[Any]) -> tuple[Passes, NDArray[Any], NDArray[Any]]:
    """What reads numbers, the numbers `[batch, time, features]`, and what says nothing, to be spread over them.

    That is zeros; for tokens, which are read as their vectors, the mean of all tokens' vectors.
    """
    if not isinstance(passes.spec.layers[0], spec.Embedding):
        return passes, batch, np.zeros(1, np.float32)
    rest, vectors = passes.after_embedding()
    return rest, vectors[batch], vectors.mean(axis=0)


@dataclass(frozen=True)
class Way:
    """From the baseline to the input, straight; both `[time, features]`; `at` is the number that is explained."""

    passes: Passes
    begin: NDArray[Any]
    end: NDArray[Any]
    at: tuple[int, ...]

    @property
    def length(self) -> NDArray[np.float64]:
        """Of each feature's part of it."""
        return self.end.astype(np.float64) - self.begin

    def slopes(self, shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The number and its gradient after each share of the way: `[shares]`, `[shares, time, features]`."""
        inputs = self.begin + shares[:, None, None] * self.length
        shape = self.passes.spec.output_shape()
        by_outputs = np.zeros((len(shares), *(len(self.end) if size is None else size for size in shape)))
        by_outputs[(slice(None), *self.at)] = 1
        outputs, gradients = self.passes.gradient(inputs, by_outputs)
        return outputs[(slice(None), *self.at)].astype(np.float64), gradients.astype(np.float64)


def _averaged(way: Way) -> NDArray[np.float64]:
    """The mean gradient on the way.

    Where a network's answer changes a million times as fast as its input, as one that writes text may between two
    texts, float32's rounding is a percent of it and no more intervals help: then all is computed anew in float64.
    """
    slope, error = mean_slope(way.slopes, way.length, CALLS)
    if error <= GOOD_ENOUGH or (precise := way.passes.precise()) is None:
        return slope
    slope, _ = mean_slope(dataclasses.replace(way, passes=precise).slopes, way.length, PRECISE_CALLS)
    return slope
