"""Roll a forecast forward on its own output: sampled paths, as far as asked.

Each path is a series of its own: a block of one horizon is forecast, the errors of one drawn backtest row are added
(whole rows, so that the errors of neighbouring steps hang together as they really did), and the next block is
forecast from there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.methods.statistical import answer
from latchwork.forecasting.result import Result
from latchwork.transforms.working import Array

PATHS = 100
LONGEST = 20_000


@dataclass(frozen=True)
class Paths:
    """Sampled futures of one series, [paths, steps], and their quantiles by per cent, [steps]."""

    name: str
    samples: Array
    quantiles: dict[int, Array]


def continue_paths(result: Result, steps: int, index: int = 0, paths: int = PATHS, seed: int = 0) -> Paths:
    """Sample futures of a series, `steps` long; raises InputError where there is no backtest to draw errors from."""
    backtest = result.tested()
    if not 1 <= steps <= LONGEST:
        raise InputError(f"got {steps} steps to continue: give 1 to {LONGEST}")
    rng = np.random.default_rng(seed)
    survey = backtest.answers.survey
    away = (survey.to_working(backtest.truth) - backtest.answers.combined.centre) / survey.spread[:, None]
    pool = np.nan_to_num(away[np.isfinite(away).any(axis=1)])
    futures = [result.panel.values[index]] * paths
    begun = len(result.panel.values[index])
    while len(futures[0]) - begun < steps:
        answers = answer(futures, result.seasons, result.horizon)
        drawn = pool[rng.integers(0, len(pool), paths)] * rng.choice([-1.0, 1.0], (paths, 1))
        block = answers.values(answers.combined.centre + answers.survey.spread[:, None] * drawn)
        futures = [np.concatenate([past, more]) for past, more in zip(futures, block, strict=True)]
    samples = np.array([path[begun : begun + steps] for path in futures])
    samples = result.panel.limits.held(samples, np.full(paths, result.end.last[index]))
    quantiles = {q: np.percentile(samples, q, axis=0) for q in (5, 25, 50, 75, 95)}
    return Paths(result.panel.names[index], samples, quantiles)
