"""The answer at once: rows in, calibrated forecasts out, by the methods and the pretrained combiner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latchwork.forecasting.methods.combiner import LEVELS, Combined, combine
from latchwork.forecasting.methods.survey import FEWEST, STRENGTH, Survey, survey
from latchwork.transforms.bases import METHODS, history_length
from latchwork.transforms.intermittent import demand_quantiles, expected_demand, is_intermittent
from latchwork.transforms.shifts import find_shifts
from latchwork.transforms.working import Array

SEASONAL_DEMAND = 0.5  # strength of a season from which the seasonal methods know more,
CYCLES = 3  # seen so often at least: chance makes two years of rare sales look alike


@dataclass(frozen=True)
class Answers:
    """Forecasts of rows, in working units, with the way back to the data's.

    sparse: the rows that are often zero.
    lowest: [rows], below which no forecast or interval goes: 0 for series that never were negative, else -inf.
    """

    survey: Survey
    combined: Combined
    lowest: Array
    sparse: tuple[int, ...] = ()

    @property
    def centre(self) -> Array:
        """Point forecasts in the units of the data, [rows, horizon]."""
        return self.values(self.combined.centre)

    def method(self, name: str) -> Array:
        """One statistical method's forecasts in the units of the data; NaN in rows where it does not apply."""
        return self.values(self.survey.forecasts[:, list(METHODS).index(name)])

    def notes(self, names: Sequence[str]) -> list[str]:
        """What was found in the rows and done about it, for people; names: one a row."""
        tamed, shifted = np.zeros(len(names), int), np.zeros(len(names), int)
        for rows, prepared in self.survey.prepared:
            tamed[rows] = prepared.tamed
            shifted[rows] = find_shifts(prepared.working, prepared.season)
        shifted[list(self.sparse)] = 0
        found: list[str] = []
        if tamed.any():
            many = int(tamed.sum())
            found.append(f"{many:,} lone {'spike was' if many == 1 else 'spikes were'} evened out before fitting")
        if len(names) == 1 and shifted[0]:
            found.append(f"the level jumped {shifted[0]} steps before the end: what lies before it says less")
        elif shifted.any():
            few = ", ".join(names[int(i)] for i in np.flatnonzero(shifted)[:3])
            found.append(f"the level jumps in {np.count_nonzero(shifted):,} series ({few}): what lies before says less")
        if self.sparse:
            few = f"{len(self.sparse):,} series"
            found.append(f"often zero in {few}: forecast by how often something comes, times how much")
            found.append("there the verdict goes by squared errors: absolute ones are least for forecasting nothing")
        return found

    def values(self, working: Array) -> Array:
        """Working values [rows, horizon] in the units of the data, never below what the series can be."""
        return np.maximum(self.survey.to_values(working), self.lowest[:, None])


def answer(series: Sequence[Array], seasons: tuple[int, ...], horizon: int) -> Answers:
    """Forecast every row from its end.

    series: the pasts, NaN where missing; one value is enough, no more than `history_length` of the last are used.
    """
    longest = history_length(seasons) + 2 * horizon
    pasts = [_at_least(values[-longest:]) for values in series]
    surveyed = survey(pasts, seasons, horizon)
    lowest = np.array([0.0 if np.nanmin(values) >= 0 else -np.inf for values in pasts])
    sparse = [
        row
        for row, values in enumerate(pasts)
        if is_intermittent(values)
        and (surveyed.by_row[row, STRENGTH] < SEASONAL_DEMAND or len(values) < CYCLES * max(seasons[:1], default=1))
    ]
    combined = combine(surveyed)
    if sparse:
        combined = _intermittent(pasts, sparse, surveyed, combined)
    return Answers(surveyed, combined, lowest, tuple(sparse))


def _intermittent(pasts: list[Array], rows: list[int], surveyed: Survey, combined: Combined) -> Combined:
    """Rows that are mostly nothing take their own path: the mean demand, between quantiles of what came."""
    centre, widths = combined.centre.copy(), combined.widths.copy()
    tails = (1 - np.array(LEVELS) / 100) / 2
    unit = surveyed.to_working(np.ones((len(pasts), 1)))[:, 0]  # such rows are never in logs, only scaled
    for row in rows:
        mean = expected_demand(pasts[row])
        low, high = (demand_quantiles(pasts[row], shares) for shares in (tails, 1 - tails))
        ends = np.stack([np.maximum(mean - low, 0.0), np.maximum(high - mean, 0.0)])
        centre[row], widths[row] = mean * unit[row], ends * unit[row]
    return Combined(centre, widths, combined.weights)


def _at_least(values: Array) -> Array:
    """The series, its first value repeated where it is too short for any method."""
    missing = FEWEST - len(values)
    return values if missing <= 0 else np.concatenate([np.repeat(values[:1], missing), values])
