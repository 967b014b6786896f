"""Intervals: widths at any level from the trained ones, and conformal calibration on the backtest's own errors."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from latchwork.forecasting.combiner import LEVELS
from latchwork.transforms.working import Array

PRIOR_ROWS = 8.0  # rows of backtest that count as much as the widths learned beforehand
LARGEST_FACTOR = 4.0


def normal_reach(level: float) -> float:
    """How many standard deviations hold `level` per cent of a normal distribution."""
    return NormalDist().inv_cdf(0.5 + level / 200)


def at_level(widths: Array, level: float) -> Array:
    """Widths [..., levels] at any level in (0, 100): on the line between trained ones over normal deviations."""
    places = np.array([normal_reach(trained) for trained in LEVELS])
    place = normal_reach(level)
    if place <= places[0]:
        return widths[..., 0] * place / places[0]
    if place >= places[-1]:
        return widths[..., -1] * place / places[-1]
    right = int(np.searchsorted(places, place))
    share = (place - places[right - 1]) / (places[right] - places[right - 1])
    return (1 - share) * widths[..., right - 1] + share * widths[..., right]


@dataclass(frozen=True)
class Calibration:
    """Factors on the widths of the trained levels, [levels]; ones before there is anything to learn from."""

    factors: Array

    @staticmethod
    def none() -> Calibration:
        """Widths as the network gave them."""
        return Calibration(np.ones(len(LEVELS)))

    def apply(self, widths: Array) -> Array:
        """Calibrated widths, [..., levels], in the order of the levels whatever the factors say."""
        return np.maximum.accumulate(widths * self.factors, axis=-1)


def calibrate(away: Array, widths: Array) -> Calibration:
    """Split-conformal factors (Vovk et al. 2005; Romano et al. 2019), drawn towards 1 where rows are few.

    away: [rows, horizon], truth minus centre, NaN where unknown. widths: [rows, horizon, 2, levels].
    """
    known = np.isfinite(away)
    rows = float(known.any(axis=1).sum())
    if rows == 0:
        return Calibration.none()
    side = np.where((away >= 0)[..., None], widths[:, :, 1], widths[:, :, 0])
    ratio = np.abs(np.where(known, away, 0.0))[..., None] / np.maximum(side, 1e-300)
    count = known.sum()
    factors = [
        np.quantile(ratio[known][:, i], min(1.0, level / 100 * (1 + 1 / count))) for i, level in enumerate(LEVELS)
    ]
    trust = rows / (rows + PRIOR_ROWS)
    bounded = np.clip(np.array(factors), 1 / LARGEST_FACTOR, LARGEST_FACTOR) ** trust
    return Calibration(bounded)
