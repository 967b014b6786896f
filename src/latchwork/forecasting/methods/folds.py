"""Train the network beside a backtest: which rows it sees, up to when, and whether it helps."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.judging.backtest import Backtest
from latchwork.forecasting.methods.corrector import Trained
from latchwork.forecasting.methods.rows import make_rows
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array

TENSORS = "fitted.network."
ROWS = 240  # rows to train on for one series,
LONG_ROWS = 1200  # and for a long one, one row in LONG_EVERY values
LONG_EVERY = 20
LONG_HELD = 30  # a long series keeps a thirtieth for validation, not one horizon;
LONGEST_HELD = 52  # others a season where that is longer: to stop by a few values is to stop by luck
PANEL_ROWS = 6000  # and for a panel, all series together
FEWEST_ROWS = 30
REFITS = 3  # folds of the backtest; origins in between use the weights of the fold before them
MEMBERS = 4
LONGEST = 400  # steps ahead


@dataclass(frozen=True)
class Residual:
    """The network's part of a forecaster.

    tested: [backtest rows, horizon] (None where it was loaded) and ahead: [series, horizon], in working units.
    """

    trained: Trained
    tested: Array | None
    ahead: Array

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What a saved file keeps of it."""
        return {TENSORS + name: value for name, value in self.trained.tensors().items()}


def residual_ahead(trained: Trained, panel: Panel, seasons: tuple[int, ...], horizon: int) -> Residual:
    """A trained network's forecasts past the end of a panel, whose values may have gone on since."""
    rows = make_rows(panel, [(i, 0) for i in range(len(panel))], seasons, horizon)
    return Residual(trained, None, trained.correct(rows, len(trained.gains) - 1))


def residual_from_tensors(
    tensors: dict[str, NDArray[Any]], panel: Panel, seasons: tuple[int, ...], horizon: int
) -> Residual | None:
    """The saved network, or None where the file has none."""
    held = {name.removeprefix(TENSORS): value for name, value in tensors.items() if name.startswith(TENSORS)}
    if not held:
        return None
    return residual_ahead(Trained.from_tensors(held), panel, seasons, horizon)


def train_residual(
    panel: Panel, seasons: tuple[int, ...], horizon: int, made: Backtest, seed: int, minutes: float | None
) -> Residual | None:
    """Train on the panel's own origins; None where there are too few of them.

    The folds' networks forecast the backtest from what was known then; the last fold's forecasts past the end.
    """
    refits = sorted(made.origins, reverse=True)[:: max(1, -(-len(made.origins) // REFITS))]
    season = seasons[0] if seasons else 1
    tested = list(zip(made.series.tolist(), made.back.tolist(), strict=True))
    ends = [(i, 0) for i in range(len(panel))]
    extra = [pair for pair in _origins(panel, season, horizon) if pair not in set(tested)]
    if horizon > LONGEST or len(extra) < FEWEST_ROWS:
        return None
    from latchwork.forecasting.methods.corrector_training import LARGE, SMALL, Fold, train

    rows = make_rows(panel, tested + extra + ends, seasons, horizon)
    long = _budget(panel) > ROWS and len(panel) == 1
    held = max(horizon, len(panel.values[0]) // LONG_HELD if long else min(season, LONGEST_HELD))
    folds: list[Fold] = []
    for origin in [*refits, 0]:
        train_on = np.flatnonzero(rows.back > origin + held)
        valid = np.flatnonzero((rows.back > origin) & (rows.back <= origin + held))
        if len(train_on) >= FEWEST_ROWS and len(valid):
            folds.append(Fold(train_on, valid, origin, held))
    if not folds or folds[-1].hidden != 0:
        return None
    trained = train(rows, folds, MEMBERS, seed, minutes, LARGE if long else SMALL)
    said = np.stack([*(trained.correct(rows, fold) for fold in range(len(folds))), rows.base])
    # the newest fold that knew no more than the origin; the base where there is none yet
    which = [max((k for k, f in enumerate(folds) if f.hidden >= back), default=len(folds)) for back in made.back]
    count = len(tested)
    return Residual(trained, said[which, np.arange(count)], said[-2, count + len(extra) :])


def _budget(panel: Panel) -> int:
    """Rows to train on, for each series."""
    if len(panel) > 1:
        return max(2, PANEL_ROWS // len(panel))
    return int(np.clip(len(panel.values[0]) // LONG_EVERY, ROWS, LONG_ROWS))


def _origins(panel: Panel, season: int, horizon: int) -> list[tuple[int, int]]:
    """Origins to train on: as many as the budget allows, evenly over each series' later part."""
    budget = _budget(panel)
    shortest = max(8, 2 * season + 2)
    found: list[tuple[int, int]] = []
    for i, values in enumerate(panel.values):
        room = len(values) - shortest
        if room < 1:
            continue
        # every phase of the season must be met, hence steps that do not divide it
        step = max(1, room // budget)
        step += step > 1 and season > 1 and step % season == 0
        while budget > ROWS and gcd(step, season) > 1:
            step -= 1
        found += [(i, back) for back in range(1, room + 1, step)][:budget]
    return found
