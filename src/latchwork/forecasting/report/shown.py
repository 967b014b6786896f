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

from latchwork.forecasting.methods.corrector_inputs import corrector_inputs
from latchwork.forecasting.methods.origins import Origins, origins_at_end
from latchwork.forecasting.reading.panel import Panel
from latchwork.forecasting.result import Result, mean_ahead
from latchwork.transforms.working import Array

PREFIX = "fitted.shown."
RAISED = 0.01  # share of the value, or of the series' typical size where that is larger
SEASONS = 3  # how far back is asked
FEWEST, MOST = 24, 60  # values asked, whatever the season
MOST_ROWS = 200  # forecasts made again for one file; a tenth of a second for each 50 of monthly data


def shown_to_latch(result: Result) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and tensors of what is shown."""
    forecast, used, end = result.forecast, result.used, result.end
    levels = list(forecast.low)
    shares = {used.name: np.ones(len(result.panel))} if used.shares is None else used.shares(end, result.learned)
    tensors: dict[str, NDArray[Any]] = {
        PREFIX + "mean": forecast.mean,
        PREFIX + "times": np.stack([t.astype("datetime64[s]").astype(np.int64) for t in forecast.times]),
        PREFIX + "low": np.stack([forecast.low[level] for level in levels], axis=1),
        PREFIX + "high": np.stack([forecast.high[level] for level in levels], axis=1),
        PREFIX + "weights": np.stack(list(shares.values()), axis=1).astype(np.float32),
    }
    if used.again:

        def forecast_again(panel: Panel) -> Array:
            return mean_ahead(origins_at_end(panel, end.seasons, end.horizon), used, result.learned)

        leaned = leanings(result.panel, forecast.mean, forecast_again, result.seasons)
        tensors[PREFIX + "leanings"] = leaned.astype(np.float32)
        if used.trained:
            tensors |= network_inputs(end, len(leaned))
    return {"levels": levels, "methods": list(shares)}, tensors


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


def network_inputs(end: Origins, count: int) -> dict[str, NDArray[Any]]:
    """What the network reads at the end of the first `count` series, for the explorer to run it on."""
    inputs = corrector_inputs(end)
    return {
        PREFIX + "past": inputs.past[:count],
        PREFIX + "future": inputs.future[:count],
        PREFIX + "spread": inputs.spread[:count],
    }


def _rows_of(panel: Panel, indices: list[int], values: list[Array]) -> Panel:
    """A panel of some of this one's series, repeated, with other values."""
    return replace(
        panel,
        names=[f"{panel.names[i]} {row}" for row, i in enumerate(indices)],
        times=[panel.times[i] for i in indices],
        values=values,
        covariates={name: [series[i] for i in indices] for name, series in panel.covariates.items()},
        notes=(),
    )
