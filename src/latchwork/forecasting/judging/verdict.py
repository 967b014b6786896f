"""The verdict: what won the backtest, by how much, whether that is more than noise, and whether it is a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from latchwork.forecasting.judging.backtest import Backtest
from latchwork.forecasting.judging.metrics import (
    row_mase,
    row_smape,
    row_squared,
    shifted_copy_share,
    sign_flip_test,
)
from latchwork.forecasting.methods.method import Method
from latchwork.transforms.working import Array

NOISE = 0.05  # a smaller p-value is called more than noise
LEAST_GAIN = 0.5  # per cent; less is no difference
FAILED = 0.5  # of its level, below which an interval that held so much of what came has failed
COPY = 0.6  # share of the last value from which a forecast is called a copy of it


@dataclass(frozen=True)
class Verdict:
    """winner: lowest mean error. rival: the best simple method, or the runner-up where a simple method wins.

    gain: per cent of error that the winner saves on the rival. p_value: of that difference, by sign flips over units
    (origins, or series). copy_share: how much of the used one-step forecast is the last value.
    """

    winner: str
    rival: str
    used: str
    gain: float
    p_value: float
    units: int
    unit: str
    copy_share: float
    sentence: str = ""


def losses(backtest: Backtest, method: str) -> Array:
    """Loss of each row: MASE, squared error where a series is often zero, sMAPE where the past never changed."""
    truth, forecast = backtest.truth, backtest.forecasts[method]
    scaled = row_mase(truth, forecast, backtest.unit)
    if backtest.answers.sparse:
        rows = list(backtest.answers.sparse)
        scaled[rows] = row_squared(truth[rows], forecast[rows], backtest.unit[rows])
    return np.where(np.isfinite(scaled), scaled, row_smape(truth, forecast) / 100)


def mean_losses(backtest: Backtest) -> dict[str, float]:
    """Mean loss of every method that forecasts every row."""
    return {name: float(np.nanmean(losses(backtest, name))) for name in backtest.methods}


def savings(backtest: Backtest, method: str, rival: str) -> Array:
    """How much less a method loses than its rival in each series of several, or at each origin of one."""
    groups = backtest.series if len(set(backtest.series.tolist())) > 1 else backtest.back
    difference = losses(backtest, rival) - losses(backtest, method)
    known = np.isfinite(difference)
    _, group = np.unique(groups, return_inverse=True)
    counts = np.bincount(group[known], minlength=group.max() + 1)
    totals = np.bincount(group[known], weights=difference[known], minlength=group.max() + 1)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def clearly_better(backtest: Backtest, method: str, rival: str, errors: float = 1.0) -> bool:
    """Whether a method saves more than so many standard errors of what it saves (one: Breiman et al. 1984)."""
    units = savings(backtest, method, rival)
    return len(units) > 1 and bool(units.mean() > errors * units.std(ddof=1) / np.sqrt(len(units)))


def choose(backtest: Backtest, methods: Sequence[Method], *, best: bool) -> Method:
    """The method to use: the first of the list, unless another one's rule says otherwise.

    best: whichever has the least mean loss instead, however simple.
    """
    means = mean_losses(backtest)
    if best:
        return min((method for method in methods if method.name in means), key=lambda method: means[method.name])
    used = methods[0]
    ruled = [(method.rule, method) for method in methods if method.rule is not None and method.name in means]
    for rule, method in sorted(ruled, key=lambda pair: pair[0].turn):
        if rule.must_save < 0:
            takes_over = not clearly_better(backtest, used.name, method.name, -rule.must_save)
        else:
            takes_over = clearly_better(backtest, method.name, used.name, rule.must_save)
        used = method if takes_over else used
    return used


def judge(backtest: Backtest, methods: Sequence[Method], used: Method) -> Verdict:
    """Compare the methods that forecast every row."""
    means = mean_losses(backtest)
    known = {method.name: method for method in methods}
    winner = known[min(means, key=lambda name: means[name])]
    rivals = [known[name] for name in means if not (winner.ours and known[name].ours) and name != winner.name]
    rival = min(rivals or [winner], key=lambda method: means[method.name])
    ours, theirs = means[winner.name], means[rival.name]
    units = savings(backtest, winner.name, rival.name)
    copy = shifted_copy_share(backtest.truth[:, 0], backtest.forecasts[used.name][:, 0], backtest.rows.last)
    verdict = Verdict(
        winner.name,
        rival.name,
        used.name,
        gain=100 * (1 - ours / theirs) if theirs > 0 else 0.0,
        p_value=sign_flip_test(units),
        units=len(units),
        unit="series" if len(set(backtest.series.tolist())) > 1 else "origins",
        copy_share=copy,
    )
    behind = 100 * (means[used.name] / ours - 1) if used.name in means and ours > 0 else 0.0
    parts = [_warning(backtest), _won(verdict, winner, rival), _used(verdict, winner, used, behind), _copied(verdict)]
    return replace(verdict, sentence=" ".join(part for part in parts if part))


def _warning(backtest: Backtest) -> str:
    """What is said before all else: intervals that failed, and a test on one origin."""
    failed = [(level, held) for level in backtest.low if (held := backtest.coverage(level)) < FAILED * level]
    text = ""
    if failed:
        level, held = failed[0]
        text = (
            f"Do not rely on the intervals: in the test the {level:g} % interval covered {held:.0f} % of what was "
            "observed, where it was to cover most of it."
        )
    if len(backtest.origins) == 1:
        text += " " * bool(text) + "Tested on one origin: that is too little to tell good methods from lucky ones."
    return text


def _won(verdict: Verdict, winner: Method, rival: Method) -> str:
    """Which method had the least error, and whether that could be chance."""
    best, over = _begun(winner.readable), f"over {verdict.units} {_many(verdict.unit, verdict.units)}"
    if verdict.gain < LEAST_GAIN:
        return f"{best} and {rival.readable} did equally well, and best, {over}."
    chance = "more than chance explains" if verdict.p_value < NOISE else "which may be chance"
    saved = f"{verdict.gain:.0f} % less error than {rival.readable} {over}"
    return f"{best} did best: {saved}, {chance} (p = {verdict.p_value:.2g})."


def _used(verdict: Verdict, winner: Method, used: Method, behind: float) -> str:
    """Whose forecast it is, and why where another method won."""
    if used is winner:
        return "" if winner.ours else "A simple method wins here, and the forecast is its own."
    simple = "" if winner.ours else "A simple method wins here. "
    near = f"{behind:.0f} % more error in this test" if behind >= LEAST_GAIN else "the same error in this test"
    text = f"{simple}The forecast is that of {used.readable} ({near}): "
    if winner.ours:
        return text + f"{winner.readable} must save more than chance to take its place; --best uses it."
    if verdict.p_value < NOISE and verdict.gain >= LEAST_GAIN:
        text += "over many series a mixture of methods is steadier than whichever won one test"
    else:
        text += "where the test cannot tell the methods apart, a mixture of them is the steadier one"
    return text + f"; --best uses {winner.readable} instead."


def _copied(verdict: Verdict) -> str:
    if verdict.copy_share > COPY:
        return f"Beware: its next step is {100 * verdict.copy_share:.0f} % a copy of the last value."
    return "It does not merely repeat the last value."


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]


def _many(unit: str, count: int) -> str:
    return "origin" if unit == "origins" and count == 1 else unit
