"""The verdict: what won the backtest, by how much, whether that is more than noise, and whether it is a copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latchwork.forecasting.judging.backtest import COMBINATION, Backtest
from latchwork.forecasting.judging.metrics import (
    Array,
    row_mase,
    row_smape,
    row_squared,
    shifted_copy_share,
    sign_flip_test,
)

OURS = (COMBINATION, "blend", "average", "network")
NOISE = 0.05  # a smaller p-value is called more than noise
LEAST_TOLD = 0.5  # per cent; less is no difference
COPY = 0.6  # share of the last value from which a forecast is called a copy of it
READABLE = {
    "seasonal_naive": "seasonal naive",
    "seasonal_naive_growth": "seasonal naive with growth",
    "damped_trend": "the damped trend",
    "holt_winters": "Holt-Winters",
    "airline_arima": "the airline ARIMA",
    "theta": "Theta",
    "ets": "AutoETS",
    "arima": "AutoARIMA",
    COMBINATION: "the pretrained combination",
    "blend": "the blend",
    "average": "the average with the trained network",
    "network": "the trained network",
}


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
    sentence: str


def losses(made: Backtest, method: str) -> Array:
    """Loss of each row: MASE, squared error where a series is often zero, sMAPE where the past never changed."""
    scaled = row_mase(made.truth, made.forecasts[method], made.unit)
    if made.answers.sparse:
        rows = list(made.answers.sparse)
        scaled[rows] = row_squared(made.truth[rows], made.forecasts[method][rows], made.unit[rows])
    return np.where(np.isfinite(scaled), scaled, row_smape(made.truth, made.forecasts[method]) / 100)


def savings(made: Backtest, method: str, rival: str) -> Array:
    """How much less a method loses than its rival in each series of several, or at each origin of one."""
    keys = made.series if len(set(made.series.tolist())) > 1 else made.back
    difference = losses(made, rival) - losses(made, method)
    return np.array([float(np.nanmean(difference[keys == key])) for key in np.unique(keys)])


def clearly_better(made: Backtest, method: str, rival: str, errors: float = 1.0) -> bool:
    """Whether a method saves more than so many standard errors of what it saves (one: Breiman et al. 1984)."""
    units = savings(made, method, rival)
    return len(units) > 1 and bool(units.mean() > errors * units.std(ddof=1) / np.sqrt(len(units)))


def judge(made: Backtest, used: str) -> Verdict:
    """Compare the methods that forecast every row."""
    means = {name: float(np.nanmean(losses(made, name))) for name in made.methods}
    winner = min(means, key=lambda name: means[name])
    simple = [name for name in means if name not in OURS]
    others = [n for n in (simple if winner in OURS else list(means)) if n != winner] or [winner]
    rival = min(others, key=lambda name: means[name])
    gain = 100 * (1 - means[winner] / means[rival]) if means[rival] > 0 else 0.0
    units = savings(made, winner, rival)
    p_value = sign_flip_test(units)
    copy = shifted_copy_share(made.truth[:, 0], made.forecasts[used][:, 0], made.last)
    unit = "series" if len(set(made.series.tolist())) > 1 else "origins"
    sentence = _sentence(winner, rival, used, gain, p_value, len(units), unit, copy)
    return Verdict(winner, rival, used, gain, p_value, len(units), unit, copy, sentence)


def _sentence(
    winner: str, rival: str, used: str, gain: float, p_value: float, units: int, unit: str, copy: float
) -> str:
    name = {key: READABLE.get(key, key) for key in (winner, rival, used)}
    noise = "more than noise" if p_value < NOISE else "within the noise"
    if gain < LEAST_TOLD:
        said = f"{name[winner]} and {name[rival]} did equally well, and best, over {units} {unit}. "
    else:
        said = f"{name[winner]} did best: {gain:.0f} % less error than {name[rival]} over {units} {unit}, "
        said += f"{noise} (p = {p_value:.2g}). "
    if winner in OURS:
        said += "" if used == winner else f"The forecast is that of {name[used]}. "
    elif used == winner:
        said += "A simple method wins here, and the forecast is its own. "
    else:
        said += f"A simple method wins here: the forecast is that of {name[used]}, --best uses the winner. "
    if copy > COPY:
        said += f"Beware: its next step is {100 * copy:.0f} % a copy of the last value."
    else:
        said += "It is no shifted copy of the past."
    return said[0].upper() + said[1:]
