"""The rolling-origin backtest: the same forecast made again from earlier origins, seeing nothing after them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.judging.intervals import Calibration, calibrate
from latchwork.forecasting.judging.metrics import Scores, coverage, mase_unit, score, width
from latchwork.forecasting.methods.statistical import Answers, answer
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array

Rows = NDArray[np.int64]
MANY = 50  # series, from which they and not their origins carry the comparison
ORIGINS = {"one": 8, "some": 4, "many": 2}
MOST_ORIGINS = 32  # of one series, where they lie a horizon apart and cost little:
ENOUGH_ORIGINS, CHEAP = 16, 10_000  # more than enough of them read no more than so many values;
LONG_SEASON = 96  # where each reads some seasons longer than this, they stay few
LAST_SHARE = 10
BASELINES = {  # reported name: the statistical method that it is
    "seasonal_naive": "seasonal_naive",
    "seasonal_naive_growth": "seasonal_growth",
    "theta": "theta_linear",
    "damped_trend": "damped",
    "holt_winters": "holt_winters",
    "airline_arima": "box_jenkins",
}
COMBINATION = "latchwork"


@dataclass
class Backtest:
    """Forecasts from earlier origins beside what came.

    series, back: [rows]; which series, and how many steps before its end the origin lies.
    truth: [rows, horizon], NaN past the end of the data. last: [rows], the last known value.
    unit: [rows], what MASE divides by. forecasts: [rows, horizon] a method, NaN where it does not apply.
    low, high: [rows, horizon] a level, each row calibrated on earlier rows alone.
    """

    series: Rows
    back: Rows
    truth: Array
    last: Array
    unit: Array
    answers: Answers
    forecasts: dict[str, Array]
    low: dict[float, Array] = field(default_factory=dict[float, Array])
    high: dict[float, Array] = field(default_factory=dict[float, Array])
    calibration: Calibration = field(default_factory=Calibration.none)

    @property
    def origins(self) -> list[int]:
        """The distinct origins as steps before the end, oldest first."""
        return sorted({int(b) for b in self.back}, reverse=True)

    @property
    def methods(self) -> list[str]:
        """The methods that have a forecast in every row."""
        return [name for name, said in self.forecasts.items() if np.isfinite(said).all()]

    def scores(self, method: str) -> Scores:
        """A method's errors over all rows."""
        return score(self.truth, self.forecasts[method], self.unit)

    def coverage(self, level: float) -> float:
        """Per cent of the truth within the interval."""
        return coverage(self.truth, self.low[level], self.high[level])

    def width(self, level: float) -> float:
        """Mean width of the interval in units of MASE."""
        return width(self.truth, self.low[level], self.high[level], self.unit)


def plan_origins(lengths: list[int], horizon: int, season: int, origins: int | None = None) -> list[int]:
    """How many steps before the end to forecast from, oldest last; empty where the series are too short.

    The origins lie a horizon apart where the data reach that far, closer together otherwise, and never leave less
    than two seasons (or half of a shorter series) as the past.
    """
    size = "one" if len(lengths) == 1 else "some" if len(lengths) < MANY else "many"
    typical = int(np.median(lengths))
    kept = max(4, min(2 * season + 2, (typical + 1) // 2))
    room = typical - kept
    if room < 1:
        return []
    wanted = ORIGINS[size] if origins is None else origins
    if size == "one" and origins is None and season <= LONG_SEASON:
        # eight say little about which of two methods is better
        most = int(np.clip(CHEAP // typical, ENOUGH_ORIGINS, MOST_ORIGINS))
        wanted = int(np.clip(room // horizon, wanted, most))
    first = min(horizon, room)
    step = max(1, min(horizon, (room - first) // max(1, wanted - 1)))
    if size == "one":  # the origins of a long series lie over its last tenth, not over its last days
        step = max(step, horizon * (room // (LAST_SHARE * wanted * horizon)))
    return [first + step * i for i in range(wanted) if first + step * i <= room]


def backtest(
    panel: Panel, seasons: tuple[int, ...], horizon: int, levels: tuple[float, ...], origins: int | None = None
) -> Backtest | None:
    """Forecast the panel again from earlier origins; None where it is too short for that."""
    season = seasons[0] if seasons else 1
    backs = plan_origins([len(v) for v in panel.values], horizon, season, origins)
    kept = 4
    rows = [(i, b) for b in reversed(backs) for i, v in enumerate(panel.values) if len(v) - b >= kept]
    rows = [(i, b) for i, b in rows if np.isfinite(panel.values[i][:-b]).sum() >= 3]
    if not rows:
        return None
    pasts = [panel.values[i][:-b] for i, b in rows]
    truth = np.full((len(rows), horizon), np.nan)
    for number, (i, b) in enumerate(rows):
        known = panel.values[i][-b:][:horizon]
        truth[number, : len(known)] = known
    answers = answer(pasts, seasons, horizon)
    last = np.array([past[np.flatnonzero(np.isfinite(past))[-1]] for past in pasts])
    unit = np.array([mase_unit(past, season) for past in pasts])
    forecasts = {COMBINATION: answers.centre, **simple_forecasts(pasts, last, horizon)}
    for name, method in BASELINES.items():
        said = answers.method(method)
        if np.isfinite(said).any():
            forecasts[name] = said
    made = Backtest(
        np.array([i for i, _ in rows]), np.array([b for _, b in rows]), truth, last, unit, answers, forecasts
    )
    calibrate_rolling(made, levels, COMBINATION)
    return made


def simple_forecasts(pasts: list[Array], last: Array, horizon: int) -> dict[str, Array]:
    """Naive and drift exactly as textbooks have them, in the units of the data."""
    steps = np.arange(1, horizon + 1)
    first = np.array([past[np.flatnonzero(np.isfinite(past))[0]] for past in pasts])
    slope = (last / 2 - first / 2) / np.array([max(1, len(past) - 1) for past in pasts]) * 2
    naive = np.repeat(last[:, None], horizon, axis=1)
    return {"naive": naive, "drift": naive + slope[:, None] * steps}


def calibrate_rolling(made: Backtest, levels: tuple[float, ...], method: str) -> None:
    """Lay intervals around a method's forecasts, each origin calibrated on the origins whose truth was known by then.

    The calibration learned from all origins is kept for forecasts past the end.
    """
    centre = made.answers.survey.to_working(made.forecasts[method])
    centre = np.where(np.isfinite(centre), centre, made.answers.combined.centre)  # where a log cannot be taken
    away = made.answers.survey.to_working(made.truth) - centre
    widths = made.answers.combined.widths
    for level in levels:
        made.low[level], made.high[level] = (np.full_like(made.truth, np.nan) for _ in range(2))
    for origin in made.origins:
        rows = made.back == origin
        passed = np.arange(1, made.truth.shape[1] + 1)[None] <= (made.back - origin)[:, None]
        learned = calibrate(np.where(passed, away, np.nan)[made.back > origin], widths[made.back > origin])
        for level in levels:
            low, high = made.answers.interval(level, learned, centre)
            made.low[level][rows], made.high[level][rows] = low[rows], high[rows]
    made.calibration = calibrate(away, widths)
