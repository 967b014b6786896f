"""The network that is trained on the user's own series, and its average with what would be used without it.

Its folds forecast a backtest from what was known then; the last fold forecasts past the end. A few origins choose
badly between two methods that err alike, and the mean of both is steadier than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd

import numpy as np

from latchwork.forecasting.methods.blend import halves
from latchwork.forecasting.methods.corrector_inputs import Inputs, corrector_inputs
from latchwork.forecasting.methods.method import Effort, Learned, Method, Rule, Tested, Trial
from latchwork.forecasting.methods.origins import Origins, origins_at
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array

ROWS = 240  # rows to train on for one series,
LONG_ROWS = 1200  # and for a long one, one row in LONG_EVERY values
LONG_EVERY = 20
LONG_VALIDATION = 30  # a long series keeps a thirtieth for validation, not one horizon;
LONGEST_VALIDATION = 52  # others a season where that is longer: to stop by a few values is to stop by luck
PANEL_ROWS = 6000  # and for a panel, all series together
FEWEST_ROWS = 30
REFITS = 3  # folds of the backtest; origins in between use the weights of the fold before them
LONGEST = 400  # steps ahead


def trained_network(name: str, readable: str, rule: Rule) -> Method:
    """The network alone."""

    def backtest(tested: Tested, learned: Learned, effort: Effort) -> Trial:
        if not effort.train:
            return Trial(None, learned)
        too_few = Trial(None, learned, note="too few origins to train a network on: the pretrained combination stands")
        inputs = training_inputs(tested)
        if inputs is None:
            return too_few
        from latchwork.forecasting.methods.corrector_training import LARGE, SMALL, plan_folds, train

        folds = plan_folds(inputs, refits(tested), validation_steps(tested.rows))
        if folds is None:
            return too_few
        trained = train(inputs, folds, effort, LARGE if _is_long(tested.rows.panel) else SMALL)
        rows = corrector_inputs(tested.rows)
        corrected = np.stack([*(corrector.correct(rows) for corrector in trained.correctors), rows.base])
        # the newest fold that knew no more than the origin; the base where there is none yet
        which = [max((k for k, f in enumerate(folds) if f.origin >= back), default=len(folds)) for back in rows.back]
        forecasts = tested.rows.answers.values(corrected[which, np.arange(len(which))])
        return Trial(forecasts, replace(learned, network=trained.correctors[-1]), note=trained.sentence())

    def ahead(end: Origins, learned: Learned) -> Array:
        if learned.network is None:
            return np.full_like(end.truth, np.nan)
        return end.answers.values(learned.network.correct(corrector_inputs(end)))

    return Method(name, readable, backtest, ahead, ours=True, waits=True, trained=True, rule=rule)


def average_with(name: str, readable: str, network: Method, bases: Sequence[Method], rule: Rule) -> Method:
    """Half the network, half the method among `bases` that would be used without it (the first, if none of them)."""
    by_name = {base.name: base for base in bases}

    def base_of(learned: Learned) -> Method:
        return by_name.get(learned.base or "", bases[0])

    def backtest(tested: Tested, learned: Learned, effort: Effort) -> Trial:
        del effort
        own = tested.forecasts.get(network.name)
        return Trial(None if own is None else halves(tested.forecasts[base_of(learned).name], own), learned)

    def ahead(end: Origins, learned: Learned) -> Array:
        return halves(base_of(learned).ahead(end, learned), network.ahead(end, learned))

    return Method(name, readable, backtest, ahead, ours=True, waits=True, trained=True, rule=rule)


def refits(tested: Tested) -> list[int]:
    """The origins at which the network is trained anew, oldest first, and the end."""
    origins = sorted(tested.origins, reverse=True)
    return [*origins[:: max(1, -(-len(origins) // REFITS))], 0]


def validation_steps(rows: Origins) -> int:
    """How many steps before a fold's origin are kept for validation."""
    if _is_long(rows.panel):
        return max(rows.horizon, len(rows.panel.values[0]) // LONG_VALIDATION)
    return max(rows.horizon, min(rows.season, LONGEST_VALIDATION))


def training_inputs(tested: Tested) -> Inputs | None:
    """The backtest's rows and more of the same series; None where there are too few of those."""
    rows = tested.rows
    known = set(rows.rows)
    extra = [row for row in _training_origins(rows.panel, rows.season) if row not in known]
    if rows.horizon > LONGEST or len(extra) < FEWEST_ROWS:
        return None
    more = origins_at(rows.panel, extra, rows.seasons, rows.horizon)
    return Inputs.joined([corrector_inputs(rows), corrector_inputs(more)])


def _budget(panel: Panel) -> int:
    """Rows to train on, for each series."""
    if len(panel) > 1:
        return max(2, PANEL_ROWS // len(panel))
    return int(np.clip(len(panel.values[0]) // LONG_EVERY, ROWS, LONG_ROWS))


def _is_long(panel: Panel) -> bool:
    return len(panel) == 1 and _budget(panel) > ROWS


def _training_origins(panel: Panel, season: int) -> list[tuple[int, int]]:
    """Origins to train on: as many as the budget allows, evenly over each series' later part."""
    budget = _budget(panel)
    shortest = max(8, 2 * season + 2)
    chosen: list[tuple[int, int]] = []
    for i, values in enumerate(panel.values):
        room = len(values) - shortest
        if room < 1:
            continue
        # every phase of the season must be met, hence steps that do not divide it
        step = max(1, room // budget)
        step += step > 1 and season > 1 and step % season == 0
        while budget > ROWS and gcd(step, season) > 1:
            step -= 1
        chosen += [(i, back) for back in range(1, room + 1, step)][:budget]
    return chosen
