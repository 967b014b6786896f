"""What a saved forecaster shows of itself."""

import numpy as np
import pytest

import latchwork as lw
from latchwork import datasets
from latchwork.core import storage
from latchwork.forecasting.reading.read import read_panel
from latchwork.forecasting.report.shown import PREFIX, leanings


def last_value(panel, horizon=3):
    return np.repeat(np.array([values[-1] for values in panel.values])[:, None], horizon, axis=1)


def test_a_naive_forecast_leans_on_the_last_value_alone():
    panel = read_panel(np.arange(40.0) + 5)
    leaned = leanings(panel, last_value(panel), last_value)
    assert leaned.shape == (1, 24, 3)
    np.testing.assert_allclose(leaned[0, -1], 1, rtol=1e-9)
    np.testing.assert_array_equal(leaned[0, :-1], 0)


def test_missing_and_short_series_lean_on_what_there_is():
    series = np.stack([np.r_[np.full(30, np.nan), np.arange(10.0) + 1], np.arange(40.0) + 1])
    panel = read_panel(series)
    leaned = leanings(panel, last_value(panel), last_value, (12,))
    assert leaned.shape == (2, 36, 3)
    np.testing.assert_allclose(leaned[:, -1], 1, rtol=1e-9)


def test_a_saved_file_keeps_the_forecast_that_it_makes(tmp_path):
    forecaster = lw.Forecaster(horizon=6, train=False, progress="none").fit(np.asarray(datasets.airline()[1], float))
    forecaster.save(tmp_path / "f.latch")
    document, tensors = storage.load(tmp_path / "f.latch")
    shown = document["fitted"]["shown"]
    forecast = lw.load(tmp_path / "f.latch").predict()
    np.testing.assert_array_equal(tensors[PREFIX + "mean"], forecast.mean)
    for number, level in enumerate(shown["levels"]):
        np.testing.assert_array_equal(tensors[PREFIX + "low"][:, number], forecast.low[level])
        np.testing.assert_array_equal(tensors[PREFIX + "high"][:, number], forecast.high[level])
    assert tensors[PREFIX + "weights"].sum() == pytest.approx(1, abs=1e-5)
    # the same month of the last year, and the last month, count most for the first month ahead
    assert set(np.argsort(-np.abs(tensors[PREFIX + "leanings"][0, :, 0]))[:2]) == {35, 24}
