"""The blend: half the combination, half the simple method that did best on the series' own earlier origins.

The combiner was trained on many short, noisy series. Where one series has a long record of its own, that record
should count too; averaging with its best method is steadier than switching to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from latchwork.forecasting.methods.method import Effort, Learned, Method, Rule, Tested, Trial
from latchwork.forecasting.methods.origins import Origins
from latchwork.forecasting.methods.statistical import Answers
from latchwork.transforms.working import Array, mean_known

FEWEST_ORIGINS = 3  # fewer say too little about which method is best


def blend_of(name: str, readable: str, combination: Method, partners: Sequence[Method], rule: Rule) -> Method:
    """The method that blends `combination` with the best of `partners`."""
    by_name = {partner.name: partner for partner in partners}

    def backtest(tested: Tested, learned: Learned, effort: Effort) -> Trial:
        del effort
        answers = tested.rows.answers
        partner = best_partner(tested, list(by_name), 0)
        if partner is None or len(answers.sparse) == len(tested.rows.back):
            return Trial(None, learned)
        blended = tested.forecasts[combination.name].copy()
        for origin in tested.origins:
            rows, best = tested.rows.back == origin, best_partner(tested, list(by_name), origin)
            if best is not None:
                blended[rows] = halves(blended[rows], tested.forecasts[best][rows])
        return Trial(_unless_sparse(answers, blended), replace(learned, partner=partner))

    def ahead(end: Origins, learned: Learned) -> Array:
        alone = combination.ahead(end, learned)
        if learned.partner is None:
            return alone
        return _unless_sparse(end.answers, halves(alone, by_name[learned.partner].ahead(end, learned)))

    def shares(end: Origins, learned: Learned) -> Mapping[str, Array]:
        alone = {} if combination.shares is None else combination.shares(end, learned)
        if learned.partner is None:
            return alone
        other = by_name[learned.partner].statistical
        return {name: 0.5 * share + 0.5 * (name == other) for name, share in alone.items()}

    return Method(name, readable, backtest, ahead, ours=True, rule=rule, shares=shares)


def best_partner(tested: Tested, names: Sequence[str], origin: int) -> str | None:
    """The method with the least error on origins before `origin` steps from the end; None if those are too few.

    Only truth that was known at that origin is counted.
    """
    rows = tested.rows.back > origin
    if len(np.unique(tested.rows.back[rows])) < FEWEST_ORIGINS:
        return None
    truth = known_at(tested.rows, origin)[rows]
    unit = np.where(tested.unit[rows] > 0, tested.unit[rows], np.nan)
    errors: dict[str, float] = {}
    for name in names:
        forecasts = tested.forecasts.get(name)
        if forecasts is not None and np.isfinite(forecasts[rows]).all() and np.isfinite(unit).any():
            errors[name] = float(np.nanmean(mean_known(np.abs(forecasts[rows] - truth)) / unit))
    return min(errors, key=lambda name: errors[name]) if errors else None


def known_at(rows: Origins, origin: int) -> Array:
    """What came after each row's origin, as far as it was known `origin` steps before the end, [rows, horizon]."""
    steps = np.arange(1, rows.horizon + 1)
    return np.where(steps <= (rows.back - origin)[:, None], rows.truth, np.nan)


def halves(first: Array, second: Array) -> Array:
    """The mean of two forecasts; the first alone where the second does not apply."""
    return np.where(np.isfinite(second), 0.5 * first + 0.5 * second, first)


def _unless_sparse(answers: Answers, blended: Array) -> Array:
    """The blend, but the mean demand where a series is often zero: no other method knows how to forecast that."""
    rows = list(answers.sparse)
    blended[rows] = answers.centre[rows]
    return blended
