"""Nothing after an origin is seen at it, bit for bit: targets, covariates of each kind, the network, intervals."""

import numpy as np
import pandas as pd
import pytest

from latchwork.forecasting import Forecaster
from latchwork.forecasting.judging.backtest import with_intervals
from latchwork.forecasting.methods.corrector_inputs import corrector_inputs
from latchwork.forecasting.methods.origins import origins_at
from latchwork.forecasting.reading.read import Columns, read_panel

LENGTH = 90


def series(name, seed, often_zero=False):
    rng = np.random.default_rng(seed)
    steps = np.arange(LENGTH)
    price = rng.normal(size=LENGTH)
    sales = 100 * np.exp(0.01 * steps + 0.2 * np.sin(2 * np.pi * steps / 12) + 0.1 * price)
    if often_zero:
        sales = rng.poisson(0.5, LENGTH).astype(float)
    return pd.DataFrame(
        {
            "shop": name,
            "month": (np.datetime64("2000-01") + steps).astype("datetime64[ns]"),
            "sales": sales,
            "price": price,
            "visits": rng.normal(size=LENGTH).cumsum(),
            "offer": np.where(rng.random(LENGTH) < 0.3, "yes", "no way"),
            "size": float(seed),
        }
    )


def after(frame, back, columns, seed):
    """The frame with noise in columns over the last `back` months."""
    rng, noisy = np.random.default_rng(seed), frame.copy()
    late = noisy["month"] >= noisy["month"].max() - pd.DateOffset(months=back - 1)
    for column in columns:
        noisy.loc[late, column] = rng.uniform(1, 1e6, int(late.sum()))
    return noisy


def forecasts_at(frame, back, **options):
    tested = Forecaster(6, origins=3, library=False, series="shop", target="sales", **options).fit(frame).backtest()
    rows = np.flatnonzero(tested.back == back)
    ends = {}
    for name in tested.forecasts:
        around = with_intervals(tested, (80.0, 95.0), name)
        for level in around.low:
            ends[f"{name} {level}"] = np.stack([around.low[level][rows], around.high[level][rows]])
    return {name: forecast[rows] for name, forecast in tested.forecasts.items()} | ends


@pytest.mark.parametrize("train", [False, True], ids=["statistical", "network"])
def test_what_comes_after_an_origin_changes_no_bit_of_what_is_forecast_at_it(train):
    shops = pd.concat([series("a", 1), series("b", 2), series("c", 3, often_zero=True)])
    known = {
        "train": train,
        "covariates": ("price", "offer"),
        "past_covariates": ("visits",),
        "static_covariates": ("size",),
    }
    back = 6  # the newest origin: the others' futures are its past
    right = forecasts_at(shops, back, **known)
    changed = forecasts_at(after(shops, back, ["sales", "visits"], 0), back, **known)
    assert ("network" in right) is ("average" in right) is train
    assert "blend 80.0" in right
    for name, forecast in right.items():
        assert np.array_equal(forecast, changed[name], equal_nan=True), name


def test_a_covariate_known_in_advance_is_seen_and_a_past_one_is_not():
    frame = series("a", 4)
    noisy = after(frame, 6, ["price"], 5)
    for kind, seen in (("covariates", True), ("past_covariates", False)):
        panels = (read_panel(f, Columns(target="sales", **{kind: ("price",)})) for f in (frame, noisy))
        right, changed = (corrector_inputs(origins_at(panel, [(0, 6)], (12,), 6)) for panel in panels)
        assert np.array_equal(right.past, changed.past)
        assert np.array_equal(right.future, changed.future) is not seen
