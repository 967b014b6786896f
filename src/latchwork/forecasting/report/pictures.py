"""Pictures of a forecast: the history with its fan, and the backtest's forecasts against what came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.legend_handler import HandlerTuple

from latchwork.forecasting.reading.dates import is_numbered
from latchwork.show.pictures import BLUE, GREEN, INK, MUTED, ORANGE, new_figure, save_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from latchwork.forecasting.result import Result

SEASONS_SHOWN = 6
FEWEST_SHOWN = 48
BLOCKS = "▁▂▃▄▅▆▇█"


def draw_forecast(result: Result, index: int, path: Path) -> None:
    """The last values of one series and its fan."""
    panel, forecast, shown = result.panel, result.forecast, values_shown(result)
    figure, (axes,) = new_figure(9.0, 4.2)
    history = panel.values[index][-shown:]
    dates = _dates(np.concatenate([panel.times[index][-shown:], forecast.times[index]]), panel.style)
    past, future = dates[: len(history)], dates[len(history) :]
    axes.plot(past, history, color=INK, label="history")
    for level, shade in zip(sorted(forecast.low, reverse=True), (0.14, 0.26, 0.34), strict=False):
        low, high = forecast.low[level][index], forecast.high[level][index]
        axes.fill_between(future, low, high, color=BLUE, alpha=shade, linewidth=0, label=f"{level:g} % interval")
    axes.plot(dates[len(history) - 1 :], np.append(history[-1], forecast.mean[index]), color=BLUE, label="forecast")
    title(axes, f"{panel.names[index]}: the next {len(future)} {panel.frequency.steps}")
    _finish(axes, panel.style)
    save_figure(figure, path)


def draw_backtest(result: Result, index: int, path: Path) -> None:
    """Every origin's forecast of one series by the used method, against the last values that came."""
    panel, backtest, shown = result.panel, result.tested(), values_shown(result)
    figure, (axes,) = new_figure(9.0, 4.2)
    dates = _dates(panel.times[index], panel.style)
    axes.plot(dates[-shown:], panel.values[index][-shown:], color=INK, linewidth=1.4, label="observed")
    for number, row in enumerate(np.flatnonzero(backtest.series == index)):
        begin = len(dates) - int(backtest.back[row])
        span = dates[begin : begin + result.horizon]
        colour = ORANGE if number % 2 else GREEN
        forecast = backtest.forecasts[result.used.name][row][: len(span)]
        axes.plot(span, forecast, color=colour, label="forecasts made earlier, by turns" if number < 2 else None)
        axes.axvline(dates[begin], color=MUTED, linewidth=0.5, alpha=0.5)
    title(axes, f"{panel.names[index]}: forecasts made earlier, and what was observed")
    _finish(axes, panel.style)
    save_figure(figure, path)


def values_shown(result: Result) -> int:
    """How many of the last values a picture shows: some seasons, and enough to see the backtest."""
    shown = max(FEWEST_SHOWN, SEASONS_SHOWN * min(result.end.season, 60), 2 * result.horizon)
    return shown if result.backtest is None else max(shown, int(result.backtest.back.max()) + result.horizon)


def _dates(times: np.ndarray[tuple[int], np.dtype[np.datetime64]], style: str):
    return times.astype(np.int64) if is_numbered(style) else times.astype("datetime64[s]")


def _finish(axes: Axes, style: str) -> None:
    if not is_numbered(style):
        locator = AutoDateLocator(minticks=3, maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.margins(x=0.01)
    handles, labels = axes.get_legend_handles_labels()
    alike = {label: tuple(h for h, own in zip(handles, labels, strict=True) if own == label) for label in labels}
    axes.legend(
        list(alike.values()),
        list(alike),
        handler_map={tuple: HandlerTuple(None)},
        loc="upper left",
        bbox_to_anchor=(0, -0.08),  # below, where it hides nothing
        ncols=len(alike),
        frameon=False,
        fontsize=9,
        labelcolor=MUTED,
    )


def sparkline(values: np.ndarray[tuple[int], np.dtype[np.float64]], width: int = 48) -> str:
    """A row of blocks that shows the course of the last values."""
    known = values[np.isfinite(values)][-width:]
    if known.size == 0:
        return ""
    low, high = float(known.min()), float(known.max())
    heights = np.zeros(known.size) if high == low else (known / 2 - low / 2) / (high / 2 - low / 2)
    return "".join(BLOCKS[int(h)] for h in np.minimum(heights * len(BLOCKS), len(BLOCKS) - 1))
