"""What the corrector, the trained network, sees: a row for each origin, made of its past alone, and a base to correct.

Everything is relative to the row's own last level and spread, so that one network serves series of any size.
Covariates are standardised by the row's own past; their future is given only for those known in advance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.methods.covariates import covariate_channels
from latchwork.forecasting.methods.origins import Origins
from latchwork.forecasting.methods.statistical import Answers
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.bases import METHODS
from latchwork.transforms.calendar import calendar_features
from latchwork.transforms.seasonality import tile_indices
from latchwork.transforms.working import Array, Index

HINTS = ("seasonal_naive", "theta", "holt_winters", "box_jenkins", "autoregressive")  # methods shown beside the base
LARGEST = 6.0  # spreads; inputs beyond are outliers
SHORTEST_WINDOW, LONGEST_WINDOW = 12, 48


@dataclass(frozen=True)
class Inputs:
    """Inputs and truth of each row.

    past: [rows, window, features]. future: [rows, horizon, features]. base, truth: [rows, horizon] in working units,
    NaN in the truth where unknown. spread: [rows], the unit of the network's corrections.
    """

    back: Index
    past: NDArray[np.float32]
    future: NDArray[np.float32]
    base: Array
    truth: Array
    spread: Array

    @staticmethod
    def joined(parts: Sequence[Inputs]) -> Inputs:
        """Rows of several sets of origins of one panel."""
        names = [field.name for field in fields(Inputs)]
        return Inputs(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def window_length(season: int) -> int:
    """How many observations the network reads: two seasons where they are short."""
    return int(np.clip(2 * season if season <= LONGEST_WINDOW // 2 else season, SHORTEST_WINDOW, LONGEST_WINDOW))


def corrector_inputs(rows: Origins) -> Inputs:
    """What the network sees at each origin."""
    answers, horizon = rows.answers, rows.horizon
    window = window_length(rows.season)
    base, spread = answers.combined.centre, answers.survey.spread
    adjusted, seasonal, ahead = _windows(answers, window, horizon)
    level = adjusted[:, -1:]
    relative = (adjusted - level) / spread[:, None]
    change = np.diff(adjusted, axis=1, prepend=np.nan) / spread[:, None]
    hinted = answers.survey.forecasts[:, [list(METHODS).index(name) for name in HINTS]]
    hints = (hinted - base[:, None]) / spread[:, None, None]
    steps = np.broadcast_to(np.linspace(0, 1, horizon), base.shape)
    calendar, calendar_ahead = _calendar(rows.panel, rows.rows, window, horizon)
    known, known_ahead = covariate_channels(rows.panel, rows.rows, window, horizon, rows.seasons or (1,))
    longer = [(repeated - base) / spread[:, None] for repeated in _longer_seasons(answers, rows.seasons, horizon)]
    past = [relative, change, np.isfinite(adjusted).astype(float), seasonal / spread[:, None]]
    future = [steps, (base - level) / spread[:, None], ahead / spread[:, None], *np.moveaxis(hints, 1, 0), *longer]
    return Inputs(
        rows.back,
        _stack(past, calendar, known),
        _stack(future, calendar_ahead, known_ahead),
        base,
        answers.survey.to_working(rows.truth),
        spread,
    )


def _stack(channels: list[Array], calendar: Array, covariates: Array) -> NDArray[np.float32]:
    joined = np.concatenate([np.stack(channels, axis=-1), calendar, covariates], axis=-1)
    return np.clip(np.nan_to_num(joined), -LARGEST, LARGEST).astype(np.float32)


def _windows(answers: Answers, window: int, horizon: int) -> tuple[Array, Array, Array]:
    """Season-free values and seasons of each row's window, and the season ahead; NaN before a row begins."""
    rows = len(answers.combined.centre)
    adjusted, seasonal, ahead = (np.full((rows, n), np.nan) for n in (window, window, horizon))
    for chosen, prepared in answers.survey.prepared:
        recent = prepared.adjusted[:, -window:]
        adjusted[chosen, window - recent.shape[1] :] = recent
        seasonal[chosen] = sum((tile_indices(found, window) for found in prepared.indices), np.zeros(1))
        ahead[chosen] = prepared.seasonal_future(horizon)
    return adjusted, seasonal, ahead


def _longer_seasons(answers: Answers, seasons: tuple[int, ...], horizon: int) -> list[Array]:
    """What came at the same place of each season beyond the first, [rows, horizon] each: a week ago, where days repeat.

    NaN in rows that are shorter.
    """
    found: list[Array] = []
    for season in seasons[1:]:
        repeated = np.full((len(answers.combined.centre), horizon), np.nan)
        for chosen, prepared in answers.survey.prepared:
            if prepared.working.shape[1] >= season:
                repeated[chosen] = prepared.working[:, -season + np.arange(horizon) % season]
        found.append(repeated)
    return found


def _calendar(panel: Panel, chosen: list[tuple[int, int]], window: int, horizon: int) -> tuple[Array, Array]:
    """Calendar features over each row's window and horizon."""
    past, future = [], []
    for i, back in chosen:
        end = len(panel.times[i]) - back
        position = panel.frequency.positions(panel.times[i][end - 1 : end])[0]
        times = panel.frequency.times(position + np.arange(1 - window, horizon + 1))
        features = calendar_features(times, panel.frequency)
        past.append(features[:window])
        future.append(features[window:])
    return np.array(past), np.array(future)
