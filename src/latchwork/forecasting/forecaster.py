"""`Forecaster`: fit on a file, frame or array; forecasts, backtest and verdict out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.estimators.base import Estimator
from latchwork.forecasting.forecast import Forecast
from latchwork.forecasting.judging.backtest import COMBINATION, Backtest, backtest, calibrate_rolling, simple_forecasts
from latchwork.forecasting.judging.intervals import Calibration
from latchwork.forecasting.judging.metrics import Scores
from latchwork.forecasting.judging.verdict import Verdict, clearly_better, judge, losses
from latchwork.forecasting.methods.blend import AVERAGE, BLEND, NETWORK, add_average, add_blend, halves, unless_sparse
from latchwork.forecasting.methods.folds import Residual, residual_ahead, residual_from_tensors, train_residual
from latchwork.forecasting.methods.library import BASELINES, LIBRARY, add_library_baselines, library_forecasts
from latchwork.forecasting.methods.statistical import Answers, answer
from latchwork.forecasting.reading.panel import Panel, read_panel
from latchwork.forecasting.report.shown import PREFIX, network_inputs, shown_to_latch
from latchwork.forecasting.stored import panel_from_latch, panel_to_latch
from latchwork.transforms.bases import METHODS
from latchwork.transforms.seasonality import detect_season
from latchwork.transforms.working import Array

HORIZONS = {12: 12, 4: 8, 52: 13, 7: 14, 5: 10, 24: 24, 48: 48}  # by season: one or two of them, as people ask for
LONGEST_DEFAULT = 96
LONGEST_HORIZON = 5000
RECORD = (64, 4000)  # rows of past errors that intervals go on from: two a series, within these


@dataclass(eq=False, repr=False)
class Forecaster(Estimator):
    """Forecast one series or ten thousand, with intervals, a backtest and an honest verdict.

    Args:
        horizon: steps to forecast; by the season (a year of months, a day of hours) where None.
        levels: intervals in per cent.
        train: train a network on the data and use it where the backtest shows that it helps.
        best: use whatever won the backtest, be it the simplest method.
        target, time, series: columns; found where None.
        covariates: columns known in advance (a holiday, a price, a forecast temperature).
        past_covariates: columns known up to the origin (what other shops sold).
        static_covariates: columns with one value a series (its region).
        origins: how many origins the backtest has; by the number of series where None.
        library: run AutoETS and AutoARIMA beside (`pip install latchwork[forecast]`); where None, beside a trained
            network and as far as they take some seconds.
        minutes: the most that training may take.
        announce: called with the fitted forecaster as soon as the answer without training is there.
        progress: `auto`, `bar`, `lines` or `none`.
        random_state: seed of all that is drawn.

    Attributes:
        panel_: what was read. backtest_: forecasts from earlier origins, None for data too short for that.
        verdict_: the judgement on them, None likewise. used_: the method whose forecasts `predict` gives.
        notes_: all that was found and done, for people.

    Example:
        Forecaster(horizon=12).fit("airline.csv").predict().to_csv("forecast.csv")
    """

    horizon: int | None = None
    _: KW_ONLY
    levels: Sequence[float] = (80, 95)
    train: bool = True
    best: bool = False
    target: str | None = None
    time: str | None = None
    series: str | None = None
    covariates: Sequence[str] = ()
    past_covariates: Sequence[str] = ()
    static_covariates: Sequence[str] = ()
    origins: int | None = None
    library: bool | None = None
    minutes: float | None = None
    announce: Callable[[Forecaster], None] | None = None
    progress: str = "auto"
    random_state: int = 0

    JOB: ClassVar[str] = "forecasting"
    panel_: Panel = dataclasses.field(init=False)
    horizon_: int = dataclasses.field(init=False)
    seasons_: tuple[int, ...] = dataclasses.field(init=False)
    answers_: Answers = dataclasses.field(init=False)
    backtest_: Backtest | None = dataclasses.field(init=False)
    verdict_: Verdict | None = dataclasses.field(init=False)
    used_: str = dataclasses.field(init=False)
    notes_: list[str] = dataclasses.field(init=False)
    _blended: str | None = dataclasses.field(init=False)
    _base: str = dataclasses.field(init=False)
    _network: Residual | None = dataclasses.field(init=False)
    _calibration: Calibration = dataclasses.field(init=False)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read, backtest, and get ready to forecast past the end.

        X: a path, a frame, an array (time,) or (series, time), or a `Panel`. y: not used, as in scikit-learn.
        """
        del y
        levels = self._levels(self.levels)
        if self.horizon is not None and not 1 <= self.horizon <= LONGEST_HORIZON:
            raise InputError(f"got horizon {self.horizon}: give 1 to {LONGEST_HORIZON} steps")
        self.panel_ = self._read(X)
        self.notes_ = list(self.panel_.notes)
        self.seasons_ = self._choose_seasons()
        season = self.seasons_[0] if self.seasons_ else 1
        self.horizon_ = self.horizon or HORIZONS.get(season, min(season, LONGEST_DEFAULT) if season > 1 else 6)
        self.backtest_ = backtest(self.panel_, self.seasons_, self.horizon_, levels, self.origins)
        self.answers_ = answer(self.panel_.values, self.seasons_, self.horizon_)
        self.notes_ += self.answers_.notes(self.panel_.names)
        self._network, self._base = None, COMBINATION
        self._blended = None if self.backtest_ is None else add_blend(self.backtest_)
        if self.backtest_ is None:
            self.notes_.append("too short for a backtest: the intervals are those of similar series")
        self._settle(levels)
        if self.announce is not None:
            self.announce(self)
        if self.backtest_ is None:
            return self
        if self.library or (self.library is None and self.train):
            self.notes_ += add_library_baselines(self.backtest_, self.panel_, self.seasons_, bool(self.library))
        if self.train:
            self._train_network(self.backtest_)
        self._settle(levels)
        return self

    def predict(
        self, levels: Sequence[float] | None = None, *, covariates: Mapping[str, Any] | None = None
    ) -> Forecast:
        """Forecast past the end, with intervals at `levels` in per cent (those of the constructor where None).

        covariates: what is known ahead by column, [steps] for one series or [series, steps]; it takes the place of what
        was known when the data were read, in this forecast alone.
        """
        if covariates:
            return self._knowing(self._fitted().panel_.with_future(covariates)).predict(levels)
        wanted = self._levels(self.levels if levels is None else levels)
        panel = self._fitted().panel_
        mean = self._centre()
        centre = self._working(mean)
        ends = {level: self.answers_.interval(level, self._calibration, centre) for level in wanted}
        return Forecast(
            panel.names,
            [panel.future_times(i, self.horizon_) for i in range(len(panel))],
            panel.style,
            mean,
            {level: low for level, (low, _) in ends.items()},
            {level: high for level, (_, high) in ends.items()},
        )

    def backtest(self) -> Backtest:
        """Forecasts from earlier origins beside what came; raises `InputError` where the data are too short."""
        if self._fitted().backtest_ is None:
            raise InputError(f"got {self._longest()} values: a backtest needs more")
        return self.backtest_  # pyright: ignore[reportReturnType] - checked above

    def baselines(self) -> dict[str, Scores]:
        """Errors of every method on the backtest's origins, best first."""
        made = self.backtest()
        order = sorted(made.methods, key=lambda name: float(np.nanmean(losses(made, name))))
        return {name: made.scores(name) for name in order}

    def verdict(self) -> Verdict:
        """What won the backtest, and by how much more than noise."""
        return judge(self.backtest(), self.used_)

    def network_forecast(self) -> Array | None:
        """The trained network's own forecasts past the end, [series, horizon], used or not; None without one."""
        network = self._fitted()._network
        return None if network is None else self.answers_.values(network.ahead)

    def plot(self, path: str | Path, index: int = 0) -> None:
        """Draw the history and the fan of one series as a PNG."""
        from latchwork.forecasting.report.pictures import draw_forecast, values_shown

        fitted = self._fitted()
        season = fitted.seasons_[0] if fitted.seasons_ else 1
        shown = values_shown(season, fitted.horizon_, fitted.backtest_)
        draw_forecast(fitted.panel_, fitted.predict(), index, Path(path), shown)

    def update(self, X: Any) -> Self:
        """Go on from new data without training: the rows after each series' stored end are added to it."""
        new = self._read(X)
        before = self._fitted().panel_
        self.panel_, added = before.extended(new)
        self.notes_ = [*new.notes, f"{added:,} new values; nothing was trained again"]
        self._learn_widths(before)
        self.answers_ = answer(self.panel_.values, self.seasons_, self.horizon_)
        if self._network is not None:
            self._network = residual_ahead(self._network.trained, self.panel_, self.seasons_, self.horizon_)
        return self

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The file's document and tensors: options, calendar, calibration and each series' last window."""
        panel, tensors = panel_to_latch(self._fitted().panel_, self.seasons_, self.horizon_)
        options = {
            name: value for name, value in self.get_params().items() if name not in {"announce", "origins", "minutes"}
        }
        fitted = {
            "options": {name: list(v) if isinstance(v, tuple) else v for name, v in options.items()},
            "panel": panel,
            "horizon": self.horizon_,
            "seasons": list(self.seasons_),
            "used": self.used_,
            "blended": self._blended,
            "base": self._base,
        }
        if self._network is not None and self.used_ in {NETWORK, AVERAGE}:
            tensors |= self._network.tensors()
        tensors["fitted.calibration"] = self._calibration.factors
        tensors["fitted.calibration_record"] = self._calibration.kept(self._recorded()).record.astype(np.float32)
        fitted["shown"], shown = self._shown()
        tensors |= shown
        document = {"network": None, "fitted": fitted, "training": {}, "data": {"series": len(self.panel_)}}
        return document, tensors

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted forecaster in a file; its backtest is not kept."""
        fitted = latch.document["fitted"]
        made = cls(**fitted["options"])
        made.panel_ = panel_from_latch(fitted["panel"], latch.tensors)
        made.horizon_, made.seasons_ = int(fitted["horizon"]), tuple(fitted["seasons"])
        made.used_, made.notes_ = str(fitted["used"]), []
        record = latch.tensors.get("fitted.calibration_record", Calibration.none().record)  # older files have none
        factors = latch.tensors["fitted.calibration"]
        made._calibration = Calibration(np.array(factors, dtype=np.float64), np.array(record, dtype=np.float64))
        made._blended, made._base = fitted["blended"], str(fitted.get("base", COMBINATION))
        made.backtest_ = made.verdict_ = None
        made._network = residual_from_tensors(latch.tensors, made.panel_, made.seasons_, made.horizon_)
        made.answers_ = answer(made.panel_.values, made.seasons_, made.horizon_)
        return made

    def _read(self, source: Any) -> Panel:
        return read_panel(
            source,
            target=self.target,
            time=self.time,
            series=self.series,
            covariates=self.covariates,
            past_covariates=self.past_covariates,
            static_covariates=self.static_covariates,
        )

    def _shown(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the explorer shows of this forecaster."""
        held = self.answers_.combined.weights.mean(axis=2)
        weights = {name: held[:, i] for i, name in enumerate(METHODS)}
        without = self._base if self.used_ == AVERAGE else self.used_
        if without == BLEND and self._blended is not None:
            weights = {name: 0.5 * share + 0.5 * (name == BASELINES[self._blended]) for name, share in weights.items()}
        elif without not in {COMBINATION, NETWORK}:
            weights = {self.used_: np.ones(len(self.panel_))}
        again = None if self.used_ in LIBRARY else self._forecast_again
        document, tensors = shown_to_latch(self.panel_, self.predict(), weights, again, self.seasons_)
        if self._network is not None and self.used_ in {NETWORK, AVERAGE} and again is not None:
            count = len(tensors[PREFIX + "leanings"])
            tensors |= network_inputs(self.panel_, self.seasons_, self.horizon_, count)
        return document, tensors

    def _forecast_again(self, panel: Panel) -> Array:
        """Point forecasts past the end of another panel of the same kind, nothing fitted anew."""
        other = self._knowing(panel)
        other.answers_ = answer(panel.values, self.seasons_, self.horizon_)
        return other._centre()

    def _learn_widths(self, before: Panel) -> None:
        """Go on calibrating by what came of the forecasts past the end of `before`; `panel_` has gone on already."""
        truth = np.full((len(before), self.horizon_), np.nan)
        for row, (old, new) in enumerate(zip(before.values, self.panel_.values, strict=False)):
            came = new[len(old) : len(old) + self.horizon_]
            truth[row, : len(came)] = came
        rows = np.flatnonzero(np.isfinite(truth).any(axis=1))
        if not len(rows):
            return
        centre = self._working(self._centre())
        away = self.answers_.survey.to_working(truth) - centre
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), self._recorded() // 2)).astype(int)]
        known = np.isfinite(truth)
        for level in self._levels(self.levels):
            low, high = self.answers_.interval(level, self._calibration, centre)
            held = 100 * np.mean(((truth >= low) & (truth <= high))[known])
            self.notes_.append(f"the last forecast's {level:g} % interval held {held:.0f} % of what came since")
        widths = self.answers_.combined.widths
        self._calibration = self._calibration.gone_on(away[rows], widths[rows], self._recorded())

    def _recorded(self) -> int:
        return int(np.clip(2 * len(self.panel_), *RECORD))

    def _knowing(self, panel: Panel) -> Self:
        """A copy whose network has read another panel; this one stays as it is, whatever threads ask it meanwhile."""
        other = copy.copy(self)
        other.panel_ = panel
        if self._network is not None:
            ahead = residual_ahead(self._network.trained, panel, self.seasons_, self.horizon_)
            other._network = dataclasses.replace(ahead, tested=self._network.tested)
        return other

    def _train_network(self, made: Backtest) -> None:
        """Train, put the network's forecasts into the backtest, and use it where it does better there."""
        found = train_residual(self.panel_, self.seasons_, self.horizon_, made, self.random_state, self.minutes)
        if found is None:
            self.notes_.append("too few origins to train a network on: the pretrained combination stands")
            return
        self._network = found
        assert found.tested is not None
        made.forecasts[NETWORK] = made.answers.values(found.tested)
        self._base = self.used_ if self.used_ == BLEND else COMBINATION
        add_average(made, self._base)
        trained = found.trained
        self.notes_.append(
            f"trained {len(trained.gains) * trained.members} networks side by side, {trained.steps} steps in "
            f"{trained.seconds:.0f} s; on their validation rows they save {100 * trained.gains[-1]:.1f} %"
        )

    def _settle(self, levels: tuple[float, ...]) -> None:
        """Choose the method to use, calibrate its intervals, and judge."""
        made = self.backtest_
        self.used_, self._calibration, self.verdict_ = COMBINATION, Calibration.none(), None
        if made is None:
            return
        means = {name: float(np.nanmean(losses(made, name))) for name in made.methods}
        if BLEND in means and not clearly_better(made, COMBINATION, BLEND, errors=2):  # to average is steadier
            self.used_ = BLEND
        for trained in (AVERAGE, NETWORK):  # what is trained on few values must show more than luck
            if trained in means and clearly_better(made, trained, self.used_):
                self.used_ = trained
        if self.best:
            self.used_ = min(means, key=lambda name: means[name])
        if self.used_ != COMBINATION:
            calibrate_rolling(made, levels, self.used_)
        self._calibration = made.calibration
        self.verdict_ = judge(made, self.used_)

    def _centre(self) -> Array:
        """Point forecasts of the used method past the end, [series, horizon]."""
        if self.used_ in {NETWORK, AVERAGE} and self._network is not None:
            ahead = self.answers_.values(self._network.ahead)
            return ahead if self.used_ == NETWORK else halves(self._without_network(self._base), ahead)
        if self.used_ in {COMBINATION, BLEND}:
            return self._without_network(self.used_)
        if self.used_ in BASELINES:
            said = self.answers_.method(BASELINES[self.used_])
        elif self.used_ in {"naive", "drift"}:
            last = np.array([v[np.flatnonzero(np.isfinite(v))[-1]] for v in self.panel_.values])
            said = simple_forecasts(self.panel_.values, last, self.horizon_)[self.used_]
        else:
            said = library_forecasts(self.used_, self.panel_.values, self.seasons_, self.horizon_)
        return np.where(np.isfinite(said), said, self.answers_.centre)

    def _working(self, mean: Array) -> Array:
        """Forecasts past the end in working units, where intervals are laid around them."""
        working = self.answers_.survey.to_working(mean)
        return np.where(np.isfinite(working), working, self.answers_.combined.centre)

    def _without_network(self, name: str) -> Array:
        """The combination's forecasts past the end, or the blend's."""
        if name == COMBINATION or self._blended is None:
            return self.answers_.centre
        blended = halves(self.answers_.centre, self.answers_.method(BASELINES[self._blended]))
        return unless_sparse(self.answers_, blended)

    def _choose_seasons(self) -> tuple[int, ...]:
        """The calendar's seasons, or the one that the first half of the longest series shows where there are no dates.

        Only the first half is looked at, so that no backtest's origin sees what came after it.
        """
        frequency = self.panel_.frequency
        if frequency.unit != "steps":
            longest = self._longest()
            return tuple(s for s in frequency.seasons if longest >= 2 * s)
        found = [detect_season(v[: len(v) // 2]) for v in sorted(self.panel_.values, key=len)[-25:]]
        season = int(np.bincount(found).argmax())
        if season > 1:
            self.notes_.append(f"a season of {season} steps was found in the autocorrelation")
        return (season,) if season > 1 else ()

    def _longest(self) -> int:
        return max(len(v) for v in self.panel_.values)

    def _fitted(self) -> Self:
        if not hasattr(self, "panel_"):
            raise InputError("got a forecaster that was not fitted: call fit first")
        return self

    @staticmethod
    def _levels(levels: Sequence[float]) -> tuple[float, ...]:
        wanted = tuple(float(level) for level in levels)
        if not all(0 < level < 100 for level in wanted):
            raise InputError(f"got levels {', '.join(f'{v:g}' for v in wanted)}: give per cents between 0 and 100")
        return wanted
