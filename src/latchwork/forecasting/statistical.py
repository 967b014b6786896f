"""The answer at once: rows in, calibrated forecasts out, by the methods and the pretrained combiner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latchwork.forecasting.combiner import Combined, combine
from latchwork.forecasting.intervals import Calibration, at_level
from latchwork.forecasting.survey import FEWEST, Survey, survey
from latchwork.transforms.bases import LONGEST_HISTORY, METHODS, SEASONS_KEPT
from latchwork.transforms.working import Array


@dataclass(frozen=True)
class Answers:
    """Forecasts of rows, in working units, with the way back to the data's.

    lowest: [rows], below which no forecast or interval goes: 0 for series that never were negative, else -inf.
    """

    survey: Survey
    combined: Combined
    lowest: Array

    @property
    def centre(self) -> Array:
        """Point forecasts in the units of the data, [rows, horizon]."""
        return self.values(self.combined.centre)

    def method(self, name: str) -> Array:
        """One statistical method's forecasts in the units of the data; NaN in rows where it does not apply."""
        return self.values(self.survey.forecasts[:, list(METHODS).index(name)])

    def interval(self, level: float, calibration: Calibration, centre: Array | None = None) -> tuple[Array, Array]:
        """Lower and upper ends at a level in per cent, [rows, horizon] each.

        centre: working values to lay the interval around, the combiner's where not given.
        """
        middle = self.combined.centre if centre is None else centre
        reach = at_level(calibration.apply(self.combined.widths), level)
        return self.values(middle - reach[:, :, 0]), self.values(middle + reach[:, :, 1])

    def values(self, working: Array) -> Array:
        """Working values [rows, horizon] in the units of the data, never below what the series can be."""
        return np.maximum(self.survey.to_values(working), self.lowest[:, None])


def answer(series: Sequence[Array], seasons: tuple[int, ...], horizon: int) -> Answers:
    """Forecast every row from its end.

    series: the pasts, NaN where missing; one value is enough, more than a thousand (or five seasons) are not used.
    """
    longest = max(LONGEST_HISTORY, SEASONS_KEPT * max(seasons, default=1)) + 2 * horizon
    held = [_at_least(values[-longest:]) for values in series]
    surveyed = survey(held, seasons, horizon)
    lowest = np.array([0.0 if np.nanmin(values) >= 0 else -np.inf for values in held])
    return Answers(surveyed, combine(surveyed), lowest)


def _at_least(values: Array) -> Array:
    """The series, its first value repeated where it is too short for any method."""
    missing = FEWEST - len(values)
    return values if missing <= 0 else np.concatenate([np.repeat(values[:1], missing), values])
