"""What a saved forecaster shows of itself: its forecast, whose say made it, and what past values it leaned on.

The explorer opens a saved file where no Python runs, so all of this is computed when the file is written. What a
forecast leaned on is measured, whatever the method: each of the last values is raised a little, and all is forecast
again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.forecast import Forecast
from latchwork.forecasting.methods.rows import make_rows
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array

PREFIX = "fitted.shown."
RAISED = 0.01  # share of the value, or of the series' typical size where that is larger
SEASONS = 3  # how far back is asked
FEWEST, MOST = 24, 60  # values asked, whatever the season
MOST_ROWS = 200  # forecasts made again for one file; a tenth of a second for each 50 of monthly data


def shown_to_latch(
    panel: Panel,
    forecast: Forecast,
    weights: dict[str, Array],
    forecast_again: Callable[[Panel], Array] | None,
    seasons: tuple[int, ...],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and tensors of what is shown.

    weights: each method's say, [series]. forecast_again: forecasts past the end of a panel like this one,
    [series, horizon]; None where it would take too long.
    """
    levels = list(forecast.low)
    tensors: dict[str, NDArray[Any]] = {
        PREFIX + "mean": forecast.mean,
        PREFIX + "times": np.stack([t.astype("datetime64[s]").astype(np.int64) for t in forecast.times]),
        PREFIX + "low": np.stack([forecast.low[level] for level in levels], axis=1),
        PREFIX + "high": np.stack([forecast.high[level] for level in levels], axis=1),
        PREFIX + "weights": np.stack(list(weights.values()), axis=1).astype(np.float32),
    }
    if forecast_again is not None:
        leaned = leanings(panel, forecast.mean, forecast_again, seasons)
        tensors[PREFIX + "leanings"] = leaned.astype(np.float32)
    return {"levels": levels, "methods": list(weights)}, tensors


def leanings(panel: Panel, mean: Array, forecast_again: Callable[[Panel], Array], seasons: Sequence[int] = ()) -> Array:
    """How much each forecast rises for each unit that a past value is raised, [first series, last values, horizon].

    The last value is last. Of a long panel only the first series are asked; values before a series begins are 0.
    """
    window = int(np.clip(SEASONS * max(seasons, default=1), FEWEST, MOST))
    asked = range(min(len(panel), max(1, MOST_ROWS // window)))
    found = np.zeros((len(asked), window, mean.shape[1]))
    pairs = [(i, back) for i in asked for back in range(1, window + 1) if back <= len(panel.values[i])]
    pairs = [(i, back) for i, back in pairs if np.isfinite(panel.values[i][-back])]
    sizes = {i: float(np.nanmedian(np.abs(panel.values[i]))) or 1.0 for i in asked}
    steps = [RAISED * max(abs(float(panel.values[i][-back])), sizes[i]) for i, back in pairs]
    raised = [panel.values[i].copy() for i, _ in pairs]
    for values, (_, back), step in zip(raised, pairs, steps, strict=True):
        values[-back] += step
    again = forecast_again(_rows_of(panel, [i for i, _ in pairs], raised))
    for row, ((i, back), step) in enumerate(zip(pairs, steps, strict=True)):
        found[i, window - back] = (again[row] - mean[i]) / step
    return found


def network_inputs(panel: Panel, seasons: tuple[int, ...], horizon: int, count: int) -> dict[str, NDArray[Any]]:
    """What the network reads at the end of the first series, for the explorer to run it on."""
    rows = make_rows(panel, [(i, 0) for i in range(count)], seasons, horizon)
    return {
        PREFIX + "past": rows.past,
        PREFIX + "future": rows.future,
        PREFIX + "spread": rows.spread,
    }


def _rows_of(panel: Panel, indices: list[int], values: list[Array]) -> Panel:
    """A panel of some of this one's series, repeated, with other values."""
    return replace(
        panel,
        names=[f"{panel.names[i]} {row}" for row, i in enumerate(indices)],
        times=[panel.times[i] for i in indices],
        values=values,
        covariates={name: [held[i] for i in indices] for name, held in panel.covariates.items()},
        notes=[],
    )
