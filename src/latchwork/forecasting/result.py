"""What a fit ends in: one frozen result, which every table, page, picture and file is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.forecast import Forecast
from latchwork.forecasting.judging.backtest import Backtest, with_intervals
from latchwork.forecasting.judging.intervals import Calibration, around
from latchwork.forecasting.judging.metrics import Scores
from latchwork.forecasting.judging.verdict import Verdict, choose, judge, mean_losses
from latchwork.forecasting.methods.catalogue import COMBINATION, METHODS
from latchwork.forecasting.methods.method import Learned, Method
from latchwork.forecasting.methods.origins import Origins
from latchwork.forecasting.reading.notes import by_severity
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array


@dataclass(frozen=True)
class Result:
    """Everything that was found out about a panel.

    end: the ends of its series, with what the statistical methods say there. used: the method whose forecasts these
    are. learned: what it goes by. calibration: of the intervals past the end. forecast: past the end, with intervals.
    backtest, verdict: None where the data are too short for them, or the file of a saved result does not keep them.
    notes: all that was found and done, for people.
    """

    end: Origins
    used: Method
    learned: Learned
    calibration: Calibration
    forecast: Forecast
    backtest: Backtest | None = None
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()

    @property
    def panel(self) -> Panel:
        """What was read."""
        return self.end.panel

    @property
    def horizon(self) -> int:
        """Steps that are forecast."""
        return self.end.horizon

    @property
    def seasons(self) -> tuple[int, ...]:
        """Periods, shortest first."""
        return self.end.seasons

    @cached_property
    def scores(self) -> Mapping[str, Scores]:
        """Errors of every method that forecasts every row of the backtest, best first; nothing without a backtest."""
        backtest = self.backtest
        if backtest is None:
            return {}
        means = mean_losses(backtest)
        return {name: backtest.scores(name) for name in sorted(means, key=lambda n: means[n])}

    @property
    def is_interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.learned.history is not None and self.learned.history.stopped == "interrupted"

    def tested(self) -> Backtest:
        """The backtest; raises `InputError` where the data are too short for one."""
        if self.backtest is None:
            raise InputError(f"got {max(len(v) for v in self.panel.values)} values: a backtest needs more")
        return self.backtest

    def at_levels(self, levels: Sequence[float]) -> Forecast:
        """The forecast with intervals at other levels in per cent."""
        if tuple(levels) == tuple(self.forecast.low):
            return self.forecast
        return with_ends(self.end, self.forecast.mean, self.calibration, levels)

    def knowing(self, panel: Panel) -> Result:
        """The result for the same values beside which something else is known."""
        end = replace(self.end, panel=panel)
        return replace(self, end=end, forecast=ahead(end, self.used, self.learned, self.calibration, self.forecast.low))


def conclude(
    end: Origins, backtest: Backtest | None, learned: Learned, levels: Sequence[float], *, best: bool, notes: list[str]
) -> Result:
    """Choose the method to use, calibrate its intervals, judge, and forecast past the end."""
    used, verdict = COMBINATION, None
    calibration = Calibration.none()
    if backtest is not None:
        used = choose(backtest, METHODS, best=best)
        backtest = with_intervals(backtest, levels, used.name)
        calibration, verdict = backtest.calibration, judge(backtest, METHODS, used)
    forecast = ahead(end, used, learned, calibration, levels)
    return Result(end, used, learned, calibration, forecast, backtest, verdict, by_severity(notes))


def ahead(end: Origins, used: Method, learned: Learned, calibration: Calibration, levels: Iterable[float]) -> Forecast:
    """A method's forecast past the end, with intervals at `levels` in per cent."""
    return with_ends(end, mean_ahead(end, used, learned), calibration, levels)


def mean_ahead(end: Origins, used: Method, learned: Learned) -> Array:
    """A method's point forecasts past the end, [series, horizon]; the combination's where it does not apply."""
    mean = used.ahead(end, learned)
    return np.where(np.isfinite(mean), mean, end.answers.centre)


def with_ends(end: Origins, mean: Array, calibration: Calibration, levels: Iterable[float]) -> Forecast:
    """Point forecasts [series, horizon] with intervals around them."""
    centre = working_centre(end, mean)
    ends = {level: around(end.answers, level, calibration, centre) for level in levels}
    panel, held = end.panel, end.panel.limits.held
    return Forecast(
        panel.names,
        tuple(panel.future_times(i, end.horizon) for i in range(len(panel))),
        panel.style,
        held(mean, end.last),
        {level: held(low, end.last) for level, (low, _) in ends.items()},
        {level: held(high, end.last) for level, (_, high) in ends.items()},
    )


def working_centre(end: Origins, mean: Array) -> Array:
    """Forecasts past the end in working units, where intervals are laid around them."""
    working = end.answers.survey.to_working(mean)
    return np.where(np.isfinite(working), working, end.answers.combined.centre)
