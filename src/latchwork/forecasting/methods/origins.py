"""Where forecasts are made from: series of a panel, each known up to an origin, with all the statistical answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latchwork.forecasting.methods.statistical import Answers, answer
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array, Index


@dataclass(frozen=True)
class Origins:
    """Rows to forecast. The end of every series is such a set of rows, earlier origins of a backtest are another.

    series, back: [rows]; which series of the panel, and how many steps before its end it is known up to.
    seasons: periods, shortest first. truth: [rows, horizon], what came next, NaN past the end of the data.
    answers: what the statistical methods say of each row.
    """

    panel: Panel
    seasons: tuple[int, ...]
    horizon: int
    series: Index
    back: Index
    truth: Array
    answers: Answers

    @property
    def season(self) -> int:
        """The main season's period, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def pasts(self) -> list[Array]:
        """What is known of each row."""
        return pasts_of(self.panel, self.rows)

    @property
    def rows(self) -> list[tuple[int, int]]:
        """Series and steps before its end, as pairs."""
        return list(zip(self.series.tolist(), self.back.tolist(), strict=True))

    @property
    def last(self) -> Array:
        """The last known value of each row, [rows]."""
        return np.array([past[np.flatnonzero(np.isfinite(past))[-1]] for past in self.pasts])


def pasts_of(panel: Panel, rows: Sequence[tuple[int, int]]) -> list[Array]:
    """The values of (series, steps before its end) up to there."""
    return [panel.values[i][: len(panel.values[i]) - back] for i, back in rows]


def origins_at(panel: Panel, rows: Sequence[tuple[int, int]], seasons: tuple[int, ...], horizon: int) -> Origins:
    """Ask the statistical methods at (series, steps before its end)."""
    truth = np.full((len(rows), horizon), np.nan)
    for row, (i, back) in enumerate(rows):
        known = panel.values[i][len(panel.values[i]) - back :][:horizon]
        truth[row, : len(known)] = known
    answers = answer(pasts_of(panel, rows), seasons, horizon)
    series, backs = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Origins(panel, seasons, horizon, series, backs, truth, answers)


def origins_at_end(panel: Panel, seasons: tuple[int, ...], horizon: int) -> Origins:
    """Ask the statistical methods at the end of every series, whose future nobody knows."""
    return origins_at(panel, [(i, 0) for i in range(len(panel))], seasons, horizon)
