"""The mean gradient along a straight way, the way cut up where a network's answer bends."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Slopes = Callable[[Values], tuple[Values, Values]]
"""The answer and its gradient after each share of the way: `[shares]`, `[shares, time, features]`."""

# The way is cut into intervals, each with a Gauss-Legendre rule; where an answer bends, only more of them help, and
# only there.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(14)
POINTS = np.concatenate([[0], (NODES + 1) / 2, [1]])  # of an interval of length 1: its ends tell how exact the rule is
SHARES = np.concatenate([[0], WEIGHTS / 2, [0]])
PIECES = 4  # that an interval is cut into, all computed in one call
GOOD_ENOUGH = 1e-3  # error, relative to all that is explained, at which no more are tried
SHORTEST = 2.0**-44  # below it two points of an interval may be one float64


def mean_slope(slopes: Slopes, way: Values, most_calls: int) -> tuple[Values, float]:
    """The mean gradient on a way, its least exact interval cut up until the whole is good enough.

    Args:
        slopes: what computes answers and gradients.
        way: from the baseline to the input `[time, features]`.
        most_calls: of `slopes`.

    Returns:
        The mean `[time, features]`, and by how much at most its contributions miss the answers' difference, relative
        to it: intervals' errors are added up without their signs.
    """
    average = np.zeros(way.shape)
    left = difference = missed = 0.0  # left: the error of what is too short to be cut up
    intervals = [(-np.inf, 0.0, 1.0, average)]  # minus the error, begin, length, its part of the average: a heap
    for call in range(most_calls):
        _, begin, length, coarse = heappop(intervals)
        average = average - coarse
        begins, length = begin + length / PIECES * np.arange(PIECES), length / PIECES
        answers, gradients = slopes((begins[:, None] + length * POINTS).reshape(-1))
        if call == 0:
            difference = float(answers[-1] - answers[0])
        for first, of_points, of_answers in zip(
            begins, np.split(gradients, PIECES), np.split(answers, PIECES), strict=True
        ):
            part = np.tensordot(length * SHARES, of_points, axes=1)
            error = abs(float((part * way).sum()) - (of_answers[-1] - of_answers[0]))
            average = average + part
            if length < SHORTEST:
                left += error
            else:
                heappush(intervals, (-error, float(first), length, part))
        missed = left - sum(interval[0] for interval in intervals)
        if missed <= GOOD_ENOUGH * abs(difference) or not intervals:
            break
    return average, missed / max(abs(difference), 1e-300)
