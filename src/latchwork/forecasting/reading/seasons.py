"""Which seasons a panel has, and how far ahead people ask on such data."""

from __future__ import annotations

import numpy as np

from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.seasonality import detect_season

HORIZONS = {12: 12, 4: 8, 52: 13, 7: 14, 5: 10, 24: 24, 48: 48}  # by season: one or two of them, as people ask for
LONGEST_DEFAULT = 96
WITHOUT_SEASON = 6
LOOKED_AT = 25  # series, where there are no dates


def find_seasons(panel: Panel) -> tuple[int, ...]:
    """The calendar's seasons, or the one that the first half of the longest series shows where there are no dates.

    Only the first half is looked at, so that no backtest's origin sees what came after it.
    """
    frequency = panel.frequency
    if frequency.unit != "steps" or frequency.name != "numbered":
        longest = max(len(v) for v in panel.values)
        return tuple(s for s in frequency.seasons if longest >= 2 * s)
    found = [detect_season(v[: len(v) // 2]) for v in sorted(panel.values, key=len)[-LOOKED_AT:]]
    season = int(np.bincount(found).argmax())
    return (season,) if season > 1 else ()


def default_horizon(seasons: tuple[int, ...]) -> int:
    """Steps to forecast where nobody says."""
    season = seasons[0] if seasons else 1
    return HORIZONS.get(season, min(season, LONGEST_DEFAULT) if season > 1 else WITHOUT_SEASON)
