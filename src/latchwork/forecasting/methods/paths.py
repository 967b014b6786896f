"""Roll a forecaster forward on its own output: sampled paths, as far as asked.

Each path is a series of its own: a block of one horizon is forecast, the errors of one drawn backtest row are added
(whole rows, so that the errors of neighbouring steps hang together as they really did), and the next block is
forecast from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.methods.statistical import answer
from latchwork.transforms.working import Array

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster

PATHS = 100
LONGEST = 20_000


@dataclass(frozen=True)
class Paths:
    """Sampled futures of one series, [paths, steps], and their quantiles by per cent, [steps]."""

    name: str
    samples: Array
    quantiles: dict[int, Array]


def continue_paths(forecaster: Forecaster, steps: int, index: int = 0, paths: int = PATHS, seed: int = 0) -> Paths:
    """Sample futures of a series, `steps` long; raises InputError where there is no backtest to draw errors from."""
    made = forecaster.backtest()
    if not 1 <= steps <= LONGEST:
        raise InputError(f"got {steps} steps to continue: give 1 to {LONGEST}")
    rng = np.random.default_rng(seed)
    away = (made.answers.survey.to_working(made.truth) - made.answers.combined.centre) / made.answers.survey.spread[
        :, None
    ]
    pool = np.nan_to_num(away[np.isfinite(away).any(axis=1)])
    held = [forecaster.panel_.values[index]] * paths
    horizon, begun = forecaster.horizon_, len(forecaster.panel_.values[index])
    while len(held[0]) - begun < steps:
        said = answer(held, forecaster.seasons_, horizon)
        drawn = pool[rng.integers(0, len(pool), paths)] * rng.choice([-1.0, 1.0], (paths, 1))
        ahead = said.values(said.combined.centre + said.survey.spread[:, None] * drawn)
        held = [np.concatenate([past, more]) for past, more in zip(held, ahead, strict=True)]
    samples = np.array([path[begun : begun + steps] for path in held])
    quantiles = {q: np.percentile(samples, q, axis=0) for q in (5, 25, 50, 75, 95)}
    return Paths(forecaster.panel_.names[index], samples, quantiles)
