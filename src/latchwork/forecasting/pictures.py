"""Pictures of a forecast: the history with its fan, and the backtest's forecasts against what came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latchwork.pictures import BLUE, GREEN, INK, MUTED, ORANGE, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from latchwork.forecasting.forecaster import Forecaster

SEASONS_SHOWN = 6
FEWEST_SHOWN = 48
BLOCKS = "▁▂▃▄▅▆▇█"


def draw_forecast(forecaster: Forecaster, index: int, path: Path) -> None:
    """History and fan of one series."""
    figure, (axes,) = new_figure(9.0, 4.2)
    panel = forecaster.panel_
    forecast = forecaster.predict()
    _, history = _history(forecaster, index)
    dates = _dates(forecaster, np.concatenate([panel.times[index][-len(history) :], forecast.times[index]]))
    past, future = dates[: len(history)], dates[len(history) :]
    axes.plot(past, history, color=INK, label="history")
    for level, shade in zip(sorted(forecast.low, reverse=True), (0.14, 0.26, 0.34), strict=False):
        low, high = forecast.low[level][index], forecast.high[level][index]
        axes.fill_between(future, low, high, color=BLUE, alpha=shade, linewidth=0, label=f"{level:g} % interval")
    axes.plot(future, forecast.mean[index], color=BLUE, label="forecast")
    axes.set_title(f"{panel.names[index]}: the next {forecaster.horizon_} steps")
    _finish(axes)
    save_figure(figure, path)


def draw_backtest(forecaster: Forecaster, index: int, path: Path) -> None:
    """Every origin's forecast of one series against what came."""
    made = forecaster.backtest()
    figure, (axes,) = new_figure(9.0, 4.2)
    start, history = _history(forecaster, index)
    dates = _dates(forecaster, forecaster.panel_.times[index])
    axes.plot(dates[start:], history, color=INK, linewidth=1.4, label="what came")
    for number, row in enumerate(np.flatnonzero(made.series == index)):
        known = np.isfinite(made.truth[row])
        begin = len(dates) - int(made.back[row])
        span = dates[begin : begin + made.truth.shape[1]][: known.size]
        colour = ORANGE if number % 2 else GREEN
        said = made.forecasts[forecaster.used_][row][: len(span)]
        axes.plot(span, said, color=colour, label="forecasts from earlier origins" if number == 0 else None)
        axes.axvline(dates[begin], color=MUTED, linewidth=0.5, alpha=0.5)
    axes.set_title(f"{forecaster.panel_.names[index]}: forecasts made earlier, and what came")
    _finish(axes)
    save_figure(figure, path)


def _history(forecaster: Forecaster, index: int) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The last seasons of a series, from where, and enough of it to show the backtest."""
    values = forecaster.panel_.values[index]
    season = forecaster.seasons_[0] if forecaster.seasons_ else 1
    shown = max(FEWEST_SHOWN, SEASONS_SHOWN * min(season, 60), 2 * forecaster.horizon_)
    if forecaster.backtest_ is not None:
        shown = max(shown, int(forecaster.backtest_.back.max()) + forecaster.horizon_)
    start = max(0, len(values) - shown)
    return start, values[start:]


def _dates(forecaster: Forecaster, times: np.ndarray[tuple[int], np.dtype[np.datetime64]]):
    return times.astype(np.int64) if forecaster.panel_.style == "number" else times.astype("datetime64[s]")


def _finish(axes: Axes) -> None:
    axes.legend(frameon=False, loc="upper left", fontsize=9, labelcolor=MUTED)
    axes.margins(x=0.01)


def sparkline(values: np.ndarray[tuple[int], np.dtype[np.float64]], width: int = 48) -> str:
    """A row of blocks that shows the course of the last values."""
    known = values[np.isfinite(values)][-width:]
    if known.size == 0:
        return ""
    low, high = float(known.min()), float(known.max())
    heights = np.zeros(known.size) if high == low else (known / 2 - low / 2) / (high / 2 - low / 2)
    return "".join(BLOCKS[int(h)] for h in np.minimum(heights * len(BLOCKS), len(BLOCKS) - 1))
