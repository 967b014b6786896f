"""`Forecaster`: fit on a file, frame or array; forecasts, backtest and verdict out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.estimators.base import Estimator
from latchwork.forecasting.forecast import Forecast
from latchwork.forecasting.going_on import go_on
from latchwork.forecasting.judging.backtest import Backtest, plan_backtest, run_methods
from latchwork.forecasting.judging.metrics import Scores
from latchwork.forecasting.judging.verdict import Verdict, choose, judge
from latchwork.forecasting.methods.catalogue import METHODS, NETWORK
from latchwork.forecasting.methods.method import Effort, Learned
from latchwork.forecasting.methods.origins import origins_at_end
from latchwork.forecasting.methods.statistical import Answers
from latchwork.forecasting.reading.again import horizon_known, in_known_zone, lacking_ahead, like_before
from latchwork.forecasting.reading.notes import ASSUMED, Note, by_severity, some
from latchwork.forecasting.reading.panel import Limits, Panel
from latchwork.forecasting.reading.read import Columns, read_panel
from latchwork.forecasting.reading.seasons import default_horizon, find_seasons
from latchwork.forecasting.reading.table import read_table
from latchwork.forecasting.result import Result, conclude
from latchwork.forecasting.stored import result_from_latch, result_to_latch
from latchwork.transforms.working import Array

if TYPE_CHECKING:
    from latchwork.training.history import History
    from latchwork.training.progress import Progress, ProgressKind

LONGEST_HORIZON = 5000
NOT_STORED = ("announce", "checkpoint", "minutes", "origins", "progress")  # of the arguments


@dataclass(eq=False, repr=False)
class Forecaster(Estimator):
    """Forecast one series or ten thousand, with intervals, a backtest and an honest verdict.

    Args:
        horizon: steps to forecast; by the season (a year of months, a day of hours) where None.
        levels: intervals in per cent.
        train: train a network on the data and use it where the backtest shows that it helps.
        best: use whatever won the backtest, be it the simplest method.
        target, time, series: columns, several as a list or divided by commas; found where None.
        covariates: columns known in advance (a holiday, a price, a forecast temperature).
        past_covariates: columns known up to the origin (what other shops sold).
        static_covariates: columns with one value a series (its region).
        frequency: "monthly", "15 minutes", ...; seasons: periods in observations, shortest first; found where None.
        date_format, day_first, decimal, wide: how the table is written (see `reading.told.Columns`); found where None.
        aggregate: what several rows at one time become: "sum", "mean" or "last".
        gaps: what a time without a row is: "zero", to "bridge", or to "leave" out of the calendar.
        closed: weekdays and hours without values, such as ("sat", "sun", "17:00-09:00").
        bounds: the least and the most that a forecast may be, None for no end. total: it never falls.
        origins: how many origins the backtest has; by the number of series where None.
        library: run AutoETS and AutoARIMA beside (`pip install latchwork[forecast]`); where None, beside a trained
            network and as far as they take some seconds.
        minutes: the most that training may take. checkpoint: a folder from which a killed training goes on.
        announce: called with the fitted forecaster as soon as the answer without training is there.
        progress: `auto`, `bar`, `lines` or `none`.
        random_state: seed of all that is drawn.

    Attributes:
        result_: all that `fit` found out, frozen: every table, page and file is made from it. panel_, horizon_,
            seasons_, answers_, backtest_, verdict_, used_ and notes_ are parts of it.

    Example:
        Forecaster(horizon=12).fit("airline.csv").predict().to_csv("forecast.csv")
    """

    horizon: int | None = None
    _: KW_ONLY
    levels: Sequence[float] = (80, 95)
    train: bool = True
    best: bool = False
    target: str | Sequence[str] | None = None
    time: str | Sequence[str] | None = None
    series: str | Sequence[str] | None = None
    covariates: Sequence[str] = ()
    past_covariates: Sequence[str] = ()
    static_covariates: Sequence[str] = ()
    frequency: str | None = None
    seasons: Sequence[int] = ()
    date_format: str | None = None
    day_first: bool | None = None
    decimal: str | None = None
    wide: bool = False
    aggregate: str | None = None
    gaps: str | None = None
    closed: Sequence[str] = ()
    bounds: tuple[float | None, float | None] | None = None
    total: bool = False
    origins: int | None = None
    library: bool | None = None
    minutes: float | None = None
    checkpoint: str | Path | None = None
    announce: Callable[[Forecaster], None] | None = None
    progress: ProgressKind | Progress = "auto"
    random_state: int = 0

    JOB: ClassVar[str] = "forecasting"
    result_: Result = dataclasses.field(init=False)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read, backtest, and forecast past the end.

        X: a path, a frame, an array (time,) or (series, time), a `Table` or a `Panel`. y: not used, as in scikit-learn.
        """
        del y
        levels = _checked_levels(self.levels)
        if self.horizon is not None and not 1 <= self.horizon <= LONGEST_HORIZON:
            raise InputError(f"got horizon {self.horizon}: give 1 to {LONGEST_HORIZON} steps")
        panel = replace(self._read(X), limits=self._limits())
        seasons = _checked_seasons(self.seasons) or find_seasons(panel)
        usual = default_horizon(seasons)
        horizon = self.horizon or horizon_known(panel, usual)
        notes = [*panel.notes, *lacking_ahead(panel, horizon), *notes_on_levels(self.levels)]
        if self.horizon is None and horizon < usual:
            notes.append(
                Note(f"forecast {horizon} {panel.frequency.steps} ahead: as far as the covariates are known", ASSUMED)
            )
        if seasons and panel.frequency.name == "numbered" and not self.seasons:
            notes.append(f"a season of {seasons[0]} steps was found in the autocorrelation")
        end = origins_at_end(panel, seasons, horizon)
        notes += end.answers.notes(panel.names)
        backtest = plan_backtest(panel, seasons, horizon, self.origins)
        if backtest is None:
            notes.append("too short for a backtest: the intervals are those of similar series")
            self.result_ = conclude(end, None, Learned(), levels, best=self.best, notes=notes)
            self._announce()
            return self

        effort = Effort(self.train, self.library, self.minutes, self.random_state, self.checkpoint, self.progress)
        first = [method for method in METHODS if not method.waits]
        backtest, learned, found = run_methods(backtest, first, Learned(), effort)
        notes += found
        self.result_ = conclude(end, backtest, learned, levels, best=self.best, notes=notes)
        self._announce()

        learned = replace(learned, base=choose(backtest, first, best=False).name)
        more, learned, found = run_methods(backtest, [m for m in METHODS if m.waits], learned, effort)
        notes += found
        if more is backtest:  # nothing came that the first answer did not know
            self.result_ = replace(self.result_, notes=by_severity(notes))
        else:
            self.result_ = conclude(end, more, learned, levels, best=self.best, notes=notes)
        return self

    def predict(
        self, levels: Sequence[float] | None = None, *, covariates: Mapping[str, Any] | None = None
    ) -> Forecast:
        """The forecast past the end, with intervals at `levels` in per cent (those of the constructor where None).

        covariates: what is known ahead by column, [steps] for one series or [series, steps]; it takes the place of what
        was known when the data were read, in this forecast alone.
        """
        result = self._result()
        if covariates:
            result = result.knowing(result.panel.with_future(covariates))
        return result.at_levels(_checked_levels(self.levels if levels is None else levels))

    def backtest(self) -> Backtest:
        """Forecasts from earlier origins beside what came; raises `InputError` where the data are too short."""
        return self._result().tested()

    def baselines(self) -> dict[str, Scores]:
        """Errors of every method on the backtest's origins, best first."""
        self.backtest()
        return dict(self.result_.scores)

    def verdict(self) -> Verdict:
        """What won the backtest, and by how much more than noise."""
        return judge(self.backtest(), METHODS, self.result_.used)

    def network_forecast(self) -> Array | None:
        """The trained network's own forecasts past the end, [series, horizon], used or not; None without one."""
        result = self._result()
        return None if result.learned.network is None else NETWORK.ahead(result.end, result.learned)

    def plot(self, path: str | Path, index: int = 0) -> None:
        """Draw the history and the fan of one series as a PNG."""
        from latchwork.forecasting.report.pictures import draw_forecast

        draw_forecast(self._result(), index, Path(path))

    def update(self, X: Any) -> Self:
        """Go on from new data without training: later rows are added to each series, changed older ones replace its.

        The rows are read at the model's own frequency, and as its table was.
        """
        result = self._result()
        self.result_ = go_on(result, self._read(X, result.panel), _checked_levels(self.levels))
        return self

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The file's document and tensors: options, calendar, calibration and each series' last window."""
        fitted, tensors = result_to_latch(self._result())
        options = {name: value for name, value in self.get_params().items() if name not in NOT_STORED}
        fitted["options"] = {name: list(v) if isinstance(v, tuple) else v for name, v in options.items()}
        data = {"series": len(self.result_.panel)}
        history = self.history_
        training = {} if history is None else {"history": history.to_dict()}
        return {"network": None, "fitted": fitted, "training": training, "data": data}, tensors

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted forecaster in a file; its backtest is not kept."""
        fitted = latch.document["fitted"]
        forecaster = cls(**fitted["options"])
        history = latch.document["training"].get("history")
        forecaster.result_ = result_from_latch(fitted, latch.tensors, history, _checked_levels(forecaster.levels))
        return forecaster

    @property
    def panel_(self) -> Panel:
        """What was read."""
        return self._result().panel

    @property
    def horizon_(self) -> int:
        """Steps that are forecast."""
        return self._result().horizon

    @property
    def seasons_(self) -> tuple[int, ...]:
        """Periods, shortest first."""
        return self._result().seasons

    @property
    def answers_(self) -> Answers:
        """What the statistical methods say past the end."""
        return self._result().end.answers

    @property
    def backtest_(self) -> Backtest | None:
        """Forecasts from earlier origins, None for data too short for that and in a forecaster that was loaded."""
        return self._result().backtest

    @property
    def verdict_(self) -> Verdict | None:
        """The judgement on them, None likewise."""
        return self._result().verdict

    @property
    def used_(self) -> str:
        """The method whose forecasts `predict` gives."""
        return self._result().used.name

    @property
    def history_(self) -> History | None:
        """The record of the network's training, None where none was trained."""
        return self._result().learned.history

    @property
    def notes_(self) -> list[str]:
        """All that was found and done, for people."""
        return list(self._result().notes)

    def _read(self, source: Any, known: Panel | None = None) -> Panel:
        """The panel of a source. known: one that is read before, whose calendar and ways of writing hold here too."""
        kinds = (self.covariates, self.past_covariates, self.static_covariates)
        how = (self.frequency, self.date_format, self.day_first, self.decimal, self.wide, self.aggregate, self.gaps)
        told = Columns(self.target, self.time, self.series, *kinds, *how, self.closed)
        if known is None or isinstance(source, Panel):
            return read_panel(source, told)
        table = read_table(source)
        return in_known_zone(read_panel(table, like_before(told, known, table)), known)

    def _limits(self) -> Limits:
        low, high = self.bounds or (None, None)
        if low is not None and high is not None and not low < high:
            raise InputError(f"got bounds {low:g} to {high:g}: give the lower one first")
        return Limits(low, high, self.total)

    def _announce(self) -> None:
        if self.announce is not None:
            self.announce(self)

    def _result(self) -> Result:
        if not hasattr(self, "result_"):
            raise InputError("got a forecaster that was not fitted: call fit first")
        return self.result_


def _checked_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Levels in per cent; 0.8 is 80 where all are given as parts of one."""
    wanted = tuple(float(level) for level in levels)
    if _are_parts(wanted):
        wanted = tuple(round(100 * level, 10) for level in wanted)
    if not all(1 <= level < 100 for level in wanted):
        raise InputError(
            f"got levels {', '.join(f'{v:g}' for v in wanted)}: give per cents between 0 and 100, such as 80"
        )
    return wanted


def _are_parts(levels: Sequence[float]) -> bool:
    return len(levels) > 0 and all(0 < level < 1 for level in levels)


def notes_on_levels(levels: Sequence[float]) -> list[Note]:
    """What is said of levels that are given as parts of one."""
    given = tuple(float(level) for level in levels)
    if not _are_parts(given):
        return []
    return [
        Note(f"levels {some([f'{v:g}' for v in given])} are read as {some([f'{100 * v:g}' for v in given])} %", ASSUMED)
    ]


def _checked_seasons(seasons: Sequence[int]) -> tuple[int, ...]:
    wanted = tuple(sorted(int(season) for season in seasons))
    if any(season < 2 for season in wanted):
        raise InputError(f"got seasons {some([str(s) for s in wanted])}: give periods of 2 observations or more")
    return wanted
