"""The airline passengers: the article's LSTM as written, and a first honest forecast of the same months.

As written: all 144 months scaled to 0..1 together, the first 67 % for training, each month forecast from the one
before by `LSTM(4) -> Dense(1)` with Adam, 100 epochs, batch 1. It has seen the test part's range through its scaler,
and scores what "same as last month" scores.

Done well: everything is fitted on the first 96 months. In logarithms, a month is forecast as the same month a year
ago plus last month's growth over its own year before; a small LSTM that reads a year of such growths learns what is
left. How long it trains is chosen on the last training year, and "not at all" is one of the choices.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.estimators.base import fit_as_far_as_possible
from latchwork.estimators.regressor import SequenceRegressor
from latchwork.training.progress import ProgressKind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

TRAINING_SHARE = 0.67  # the article's
YEAR = 12
MEMBERS = 5  # networks whose forecasts are averaged, when done well
VALIDATION_MONTHS = 24
EPOCHS_TRIED = (0, 10, 20, 40, 80)


@dataclass(frozen=True)
class AirlineResult:
    """Forecasts in passengers (thousands), each at the position of the month that it forecasts."""

    months: list[str]
    passengers: Values
    train_forecast: dict[int, float]
    test_forecast: dict[int, float]
    seconds: float
    model: SequenceRegressor = field(repr=False)
    epochs: int = 0

    @property
    def train_rmse(self) -> float:
        """Root mean squared error over the training months that were forecast."""
        return _rmse(self.passengers, self.train_forecast)

    @property
    def test_rmse(self) -> float:
        """The same over the test months."""
        return _rmse(self.passengers, self.test_forecast)

    @property
    def persistence_test_rmse(self) -> float:
        """What "same as last month" scores on the same test months."""
        return _rmse(self.passengers, {month: self.passengers[month - 1] for month in self.test_forecast})

    @property
    def distance_to_last_month(self) -> float:
        """How far, as a root mean square, the test forecasts lie from the month before: 0 repeats it."""
        return _rmse(self.passengers, {month - 1: value for month, value in self.test_forecast.items()})


def as_written(months: list[str], passengers: Values, *, seed: int, progress: ProgressKind) -> AirlineResult:
    """The article's program, with its scaler that has seen the test part and its dropped last month."""
    started = time.monotonic()
    low, high = passengers.min(), passengers.max()
    scaled = (passengers - low) / (high - low)
    split = int(len(passengers) * TRAINING_SHARE)
    # Pairs of neighbours inside each part; the article's loop stops one pair early in both.
    train, test = np.arange(1, split - 1), np.arange(split + 1, len(passengers) - 1)
    model = SequenceRegressor(
        spec.Sequential([spec.LSTM(4), spec.Dense(1)]),
        epochs=100,
        batch_size=1,
        optimizer="adam",
        scaling=None,
        scale_targets=False,
        progress=progress,
        random_state=seed,
    )
    fit_as_far_as_possible(model, scaled[train - 1, None, None], scaled[train])
    seconds = time.monotonic() - started

    def forecast(at: NDArray[np.intp]) -> dict[int, float]:
        answers = model.predict(scaled[at - 1, None, None]) * (high - low) + low
        return dict(zip(at.tolist(), answers.tolist(), strict=True))

    return AirlineResult(months, passengers, forecast(train), forecast(test), seconds, model, epochs=100)


def done_well(months: list[str], passengers: Values, *, seed: int, progress: ProgressKind) -> AirlineResult:
    """One month ahead over the same test months, with nothing fitted on them."""
    started = time.monotonic()
    split = int(len(passengers) * TRAINING_SHARE)
    growth = yearly_growth(passengers)
    train = np.arange(2 * YEAR, split)
    chosen = split - VALIDATION_MONTHS
    errors = {
        epochs: _rmse(passengers, _corrected(passengers, growth, np.arange(chosen, split), models))
        for epochs, models in _members(growth, train[train < chosen], seed, "none").items()
    }
    epochs = min(errors, key=lambda epochs: errors[epochs])
    models = _members(growth, train, seed, progress, (epochs or EPOCHS_TRIED[1],))[epochs or EPOCHS_TRIED[1]]
    used = models if epochs else []
    test = np.arange(split + 1, len(passengers) - 1)
    return AirlineResult(
        months,
        passengers,
        _corrected(passengers, growth, train, used),
        _corrected(passengers, growth, test, used),
        time.monotonic() - started,
        models[0],
        epochs,
    )


def yearly_growth(passengers: Values) -> Values:
    """log(month / same month a year before); not a number in the first year. Each uses the past alone."""
    logs = np.log(passengers)
    growth = np.full(len(logs), np.nan)
    growth[YEAR:] = logs[YEAR:] - logs[:-YEAR]
    return growth


def _windows(growth: Values, at: NDArray[np.intp]) -> NDArray[np.float64]:
    """The last year's growths before each month, relative to the last one: `[months, 12, 1]`."""
    windows = growth[at[:, None] + np.arange(-YEAR, 0)]
    return (windows - windows[:, -1:])[..., None]


def _members(
    growth: Values, train: NDArray[np.intp], seed: int, progress: ProgressKind, tried: tuple[int, ...] = EPOCHS_TRIED
) -> dict[int, list[SequenceRegressor]]:
    """Networks of each length of training that forecast how growth changes from last month to this."""
    inputs, change = _windows(growth, train), growth[train] - growth[train - 1]

    def member(epochs: int, number: int) -> SequenceRegressor:
        return SequenceRegressor(  # Ctrl-C ends it all: the mean of some members is another forecast
            spec.Sequential([spec.LSTM(8), spec.Dense(1)]),
            epochs=epochs,
            batch_size=8,
            learning_rate=3e-3,
            progress=progress,
            random_state=seed + number,
        ).fit(inputs, change)

    return {epochs: [member(epochs, number) for number in range(MEMBERS if epochs else 0)] for epochs in tried}


def _corrected(
    passengers: Values, growth: Values, at: NDArray[np.intp], models: list[SequenceRegressor]
) -> dict[int, float]:
    """A year ago times last month's yearly growth, times the change that the networks see coming."""
    change = np.mean([model.predict(_windows(growth, at)) for model in models], axis=0) if models else 0.0
    answers = passengers[at - YEAR] * np.exp(growth[at - 1] + change)
    return dict(zip(at.tolist(), answers.tolist(), strict=True))


def airline_figure(result: AirlineResult, heading: str) -> Figure:
    """The whole series with every forecast where it belongs on the time axis, and the last two years closer up."""
    from latchwork.show.pictures import BLUE, GREEN, GRID, MUTED, ORANGE, new_figure, title

    figure, (whole, close) = new_figure(12, 4.6, columns=2, widths=(2, 1.15))
    passengers = result.passengers
    for panel in (whole, close):
        panel.plot(passengers, color=MUTED, linewidth=3.2, alpha=0.45, label="passengers")
    parts = ((result.train_forecast, BLUE, "training"), (result.test_forecast, ORANGE, "test"))
    for forecast, colour, name in parts:
        rmse = _rmse(passengers, forecast)
        whole.plot(list(forecast), list(forecast.values()), color=colour, label=f"{name} forecast, RMSE {rmse:.1f}")
    whole.axvline(len(passengers) * TRAINING_SHARE, color=GRID, linewidth=1.2, zorder=0)
    whole.set_xticks(range(0, len(result.months), YEAR), [month[:4] for month in result.months[::YEAR]])
    whole.set_ylabel("thousand passengers a month")
    title(whole, heading)

    first = len(passengers) - 2 * YEAR
    at = [month for month in result.test_forecast if month >= first]
    close.plot(at, [result.test_forecast[month] for month in at], color=ORANGE, label="test forecast")
    last_month = f"same as last month, RMSE {result.persistence_test_rmse:.1f}"
    close.plot(at, passengers[np.array(at) - 1], color=GREEN, linestyle=(0, (1.5, 1.5)), label=last_month)
    close.set_xlim(first - 1, len(passengers))
    close.set_ylim(bottom=300, top=1.16 * max(passengers))
    close.set_xticks(range(first, len(passengers), 6), [_short(month) for month in result.months[first::6]])
    title(close, "The last two years, closer up")
    for panel in (whole, close):
        panel.legend(frameon=False, loc="upper left")
    return figure


def _short(month: str) -> str:
    """`1959-01` as a tick says it."""
    year, number = month.split("-")[:2]
    return f"{('Jan', 'Jul')[int(number) > 6]} {year}"


def _rmse(truth: Values, forecast: dict[int, float]) -> float:
    errors = [value - truth[month] for month, value in forecast.items()]
    return float(np.sqrt(np.mean(np.square(errors))))
