"""The rolling-origin backtest: the same forecast made again from earlier origins, seeing nothing after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from latchwork.forecasting.judging.intervals import Calibration, around, calibrate
from latchwork.forecasting.judging.metrics import Scores, coverage, mase_unit, score, width
from latchwork.forecasting.methods.method import Effort, Learned, Method
from latchwork.forecasting.methods.origins import Origins, origins_at
from latchwork.forecasting.methods.statistical import Answers
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array, Index

MANY = 50  # series, from which they and not their origins carry the comparison
ORIGINS = {"one": 8, "some": 4, "many": 2}
MOST_ORIGINS = 32  # of one series, where they lie a horizon apart and cost little:
ENOUGH_ORIGINS, CHEAP = 16, 10_000  # more than enough of them read no more than so many values;
LONG_SEASON = 96  # where each reads some seasons longer than this, they stay few
LAST_SHARE = 10
SHORTEST_PAST, FEWEST_KNOWN = 4, 3  # values, and those of them that are not missing


@dataclass(frozen=True)
class Backtest:
    """Forecasts from earlier origins beside what came; nothing in it changes, a change makes a new one.

    rows: what was known at each origin, and what came. unit: [rows], what MASE divides by. forecasts: [rows, horizon] a
    method, NaN where it does not apply. low, high: [rows, horizon] a level, around the forecasts of the method that is
    used, each row calibrated on earlier rows alone. calibration: learned from all rows, for forecasts past the end.
    """

    rows: Origins
    unit: Array
    forecasts: Mapping[str, Array] = field(default_factory=dict)
    low: Mapping[float, Array] = field(default_factory=dict)
    high: Mapping[float, Array] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration.none)

    @property
    def series(self) -> Index:
        """Which series each row is, [rows]."""
        return self.rows.series

    @property
    def back(self) -> Index:
        """How many steps before its end each row's origin lies, [rows]."""
        return self.rows.back

    @property
    def truth(self) -> Array:
        """What came, [rows, horizon]; NaN past the end of the data."""
        return self.rows.truth

    @property
    def answers(self) -> Answers:
        """What the statistical methods say of each row."""
        return self.rows.answers

    @property
    def origins(self) -> list[int]:
        """The distinct origins as steps before the end, oldest first."""
        return sorted({int(b) for b in self.back}, reverse=True)

    @property
    def methods(self) -> list[str]:
        """The methods that have a forecast in every row."""
        return [name for name, forecast in self.forecasts.items() if np.isfinite(forecast).all()]

    def scores(self, method: str) -> Scores:
        """A method's errors over all rows."""
        return score(self.truth, self.forecasts[method], self.unit)

    def coverage(self, level: float) -> float:
        """Per cent of the truth within the interval."""
        return coverage(self.truth, self.low[level], self.high[level])

    def width(self, level: float) -> float:
        """Mean width of the interval in units of MASE."""
        return width(self.truth, self.low[level], self.high[level], self.unit)

    def with_forecasts(self, method: str, forecasts: Array) -> Backtest:
        """The backtest with one method's forecasts more, [rows, horizon]."""
        kept = forecasts.view()
        kept.flags.writeable = False
        return replace(self, forecasts={**self.forecasts, method: kept})


def plan_origins(lengths: Sequence[int], horizon: int, season: int, origins: int | None = None) -> list[int]:
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


def plan_backtest(panel: Panel, seasons: tuple[int, ...], horizon: int, origins: int | None = None) -> Backtest | None:
    """The rows of a backtest, without a method's forecasts yet; None where the panel is too short for that."""
    season = seasons[0] if seasons else 1
    backs = plan_origins([len(v) for v in panel.values], horizon, season, origins)
    rows = [(i, b) for b in reversed(backs) for i, v in enumerate(panel.values) if len(v) - b >= SHORTEST_PAST]
    rows = [(i, b) for i, b in rows if np.isfinite(panel.values[i][:-b]).sum() >= FEWEST_KNOWN]
    if not rows:
        return None
    tested = origins_at(panel, rows, seasons, horizon)
    return Backtest(tested, np.array([mase_unit(past, season) for past in tested.pasts]))


def run_methods(
    backtest: Backtest, methods: Sequence[Method], learned: Learned, effort: Effort
) -> tuple[Backtest, Learned, list[str]]:
    """The backtest with the forecasts of more methods, what they learned, and notes for people."""
    notes: list[str] = []
    left_out: dict[str, list[str]] = {}
    for method in methods:
        trial = method.backtest(backtest, learned, effort)
        learned = trial.learned
        if trial.forecasts is not None:
            backtest = backtest.with_forecasts(method.name, trial.forecasts)
        if trial.note:
            notes.append(trial.note)
        if trial.left_out:
            left_out.setdefault(trial.left_out, []).append(method.readable)
    return backtest, learned, [f"{' and '.join(who)} left out: {why}" for why, who in left_out.items()] + notes


def with_intervals(backtest: Backtest, levels: Sequence[float], method: str) -> Backtest:
    """The backtest with intervals around a method's forecasts.

    Each origin is calibrated on the origins whose truth was known by then.
    """
    answers = backtest.answers
    centre = answers.survey.to_working(backtest.forecasts[method])
    centre = np.where(np.isfinite(centre), centre, answers.combined.centre)  # where a log cannot be taken
    away = answers.survey.to_working(backtest.truth) - centre
    widths = answers.combined.widths
    low, high = ({level: np.full_like(backtest.truth, np.nan) for level in levels} for _ in range(2))
    steps = np.arange(1, backtest.truth.shape[1] + 1)
    for origin in backtest.origins:
        rows, before = backtest.back == origin, backtest.back > origin
        passed = steps <= (backtest.back - origin)[:, None]
        learned = calibrate(np.where(passed, away, np.nan)[before], widths[before])
        for level in levels:
            ends = around(answers, level, learned, centre)
            low[level][rows], high[level][rows] = ends[0][rows], ends[1][rows]
    return replace(backtest, low=low, high=high, calibration=calibrate(away, widths))
