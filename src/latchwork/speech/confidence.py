"""How sure a recogniser may be: its own opinion, corrected by how often it was right where that was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LIMIT = 12.0  # of a logit: an opinion is never surer
_PULL = 1.0  # rows' worth of evidence that nothing needs a correction
BINS = 10


class Bin(NamedTuple):
    """Transcripts of like confidence: their mean confidence, the share that was right, how many."""

    confidence: float
    right: float
    transcripts: int


@dataclass(frozen=True)
class Confidence:
    """Turns the logarithm of a transcript's probability into how often such a transcript is right (Platt, 1999).

    Args:
        slope, offset: of the logit.
    """

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, log_probability: float) -> float:
        """From 0 to 1; where nothing is corrected, the opinion itself."""
        if (self.slope, self.offset) == (1.0, 0.0):
            return float(np.exp(min(log_probability, 0.0)))
        return float(_sigmoid(self.slope * _logit(np.array([log_probability]))[0] + self.offset))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; `Confidence(**data)` makes it again."""
        return asdict(self)


def fit_confidence(log_probabilities: Sequence[float], right: Sequence[bool]) -> Confidence:
    """The correction under which what was right and wrong is likeliest, by Newton's method.

    Example:
        >>> sure = fit_confidence([-0.01] * 40 + [-3.0] * 40, [True] * 36 + [False] * 4 + [True] * 4 + [False] * 36)
        >>> round(sure(-0.01), 1), round(sure(-3.0), 1)
        (0.9, 0.1)
    """
    wanted = np.asarray(right, np.float64)
    if len(wanted) < 8 or wanted.min() == wanted.max():
        return Confidence()
    inputs = np.stack([_logit(np.asarray(log_probabilities, np.float64)), np.ones(len(wanted))], axis=1)
    start = weights = np.array([1.0, 0.0])
    for _ in range(50):
        found = _sigmoid(inputs @ weights)
        slope = inputs.T @ (found - wanted) + _PULL * (weights - start)
        curvature = (inputs * (found * (1 - found))[:, None]).T @ inputs + _PULL * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        weights = weights - np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-6:
            break
    return Confidence(max(float(weights[0]), 0.05), float(weights[1]))


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """Whether confidences can be taken at their word: in tenths, what was expected beside what was right."""
    sure, was_right = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    tenth = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        Bin(float(sure[tenth == at].mean()), float(was_right[tenth == at].mean()), int((tenth == at).sum()))
        for at in range(BINS)
        if (tenth == at).any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The mean gap between confidence and what was right, by how many transcripts there are (Guo et al., 2017)."""
    total = sum(each.transcripts for each in bins)
    return sum(abs(each.confidence - each.right) * each.transcripts for each in bins) / max(total, 1)


def _logit(log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    probability = np.exp(np.minimum(log_probabilities, 0.0))
    return np.clip(np.log(np.maximum(probability, 1e-12)) - np.log(np.maximum(1 - probability, 1e-12)), -_LIMIT, _LIMIT)


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))
