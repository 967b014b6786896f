"""Intervals: widths at any level from the trained ones, and conformal calibration on the backtest's own errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from latchwork.forecasting.methods.combiner import LEVELS
from latchwork.forecasting.methods.statistical import Answers
from latchwork.transforms.working import Array

PRIOR_ROWS = 20.0  # rows of backtest that count as much as the widths learned beforehand
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
    """Factors on the widths of the trained levels, [levels]; ones before there is anything to learn from.

    record: [rows, horizon, levels], what they were learned from, oldest row first: errors over widths, NaN where no
    truth is known.
    """

    factors: Array
    record: Array

    @staticmethod
    def none() -> Calibration:
        """Widths as the network gave them."""
        return Calibration(np.ones(len(LEVELS)), np.empty((0, 1, len(LEVELS))))

    def apply(self, widths: Array) -> Array:
        """Calibrated widths, [..., levels], in the order of the levels whatever the factors say."""
        return np.maximum.accumulate(widths * self.factors, axis=-1)

    def kept(self, most: int) -> Calibration:
        """With a record of `most` rows at most, evenly taken."""
        rows = np.linspace(0, len(self.record) - 1, min(most, len(self.record))).astype(int)
        return replace(self, record=self.record[rows])

    def gone_on(self, away: Array, widths: Array, most: int) -> Calibration:
        """Learned anew from the newest `most` rows, after forecasts that missed by `away` (see `calibrate`).

        So intervals follow what comes: where errors have grown since the backtest they widen, and the reverse.
        """
        newest = _ratios(away, widths)
        record = np.concatenate([self.record, newest])[-most:] if len(self.record) else newest[-most:]
        return Calibration(_factors(record), record)


def calibrate(away: Array, widths: Array) -> Calibration:
    """Split-conformal factors (Vovk et al. 2005; Romano et al. 2019), drawn towards 1 where rows are few.

    away: [rows, horizon], truth minus centre, NaN where unknown. widths: [rows, horizon, 2, levels].
    """
    record = _ratios(away, widths)
    return Calibration(_factors(record), record)


def _ratios(away: Array, widths: Array) -> Array:
    side = np.where((away >= 0)[..., None], widths[:, :, 1], widths[:, :, 0])
    return np.abs(away)[..., None] / np.maximum(side, 1e-300)


def _factors(record: Array) -> Array:
    """The errors of one row hang together, so the rank is that of as many errors as there are rows.

    Counting each step as one more would take eight days of half-hours for 384 observations (groups, as in Dunn,
    Wasserman & Ramdas 2022).
    """
    known = np.isfinite(record[:, :, 0])
    rows = float(known.any(axis=1).sum())
    if rows == 0:
        return np.ones(len(LEVELS))
    seen = record[known]
    ranks = [min(1.0, level / 100 * (1 + 1 / rows)) for level in LEVELS]
    factors = np.array([np.quantile(seen[:, i], rank) for i, rank in enumerate(ranks)])
    return np.clip(factors, 1 / LARGEST_FACTOR, LARGEST_FACTOR) ** (rows / (rows + PRIOR_ROWS))


def around(answers: Answers, level: float, calibration: Calibration, centre: Array) -> tuple[Array, Array]:
    """Lower and upper ends at a level in per cent, [rows, horizon] each, in the units of the data.

    centre: forecasts in working units, [rows, horizon], to lay the interval around.
    """
    reach = at_level(calibration.apply(answers.combined.widths), level)
    return answers.values(centre - reach[:, :, 0]), answers.values(centre + reach[:, :, 1])
