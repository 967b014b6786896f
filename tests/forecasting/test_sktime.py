"""The forecaster in sktime's interface: its own estimator checks, and that it says what the forecaster says."""

import warnings

import numpy as np
import pandas as pd
import pytest

from latchwork.forecasting import Forecaster

pytest.importorskip("sktime", reason="sktime is not installed (pip install latchwork[sktime])")
SAMPLE = ["test_constructor", "test_predict_interval", "test_class_has_doctest_example"]


@pytest.fixture
def sales():
    months = pd.period_range("2010-01", periods=72, freq="M")
    steps = np.arange(72)
    return pd.Series(100 + steps + 20 * np.sin(steps * np.pi / 6), index=months, name="sales")


def run_checks(**options):
    from sktime.utils.estimator_checks import check_estimator

    from latchwork.forecasting.sktime import LatchworkForecaster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sktime's own, of what will change in it
        found = check_estimator(LatchworkForecaster, raise_exceptions=False, verbose=False, **options)
    return {name: said for name, said in found.items() if said != "PASSED"}, len(found)


def test_a_sample_of_sktimes_own_checks():
    failed, count = run_checks(tests_to_run=SAMPLE)
    assert not failed
    assert count > 8


@pytest.mark.proof
def test_all_of_sktimes_own_checks():
    failed, count = run_checks()
    assert not failed
    assert count > 500


def test_it_says_what_the_forecaster_says_in_the_users_index(sales):
    from latchwork.forecasting.sktime import LatchworkForecaster

    made = LatchworkForecaster(train=False).fit(sales, fh=[1, 12])
    alone = Forecaster(12, train=False, library=False).fit(sales).predict()
    np.testing.assert_allclose(made.predict().to_numpy(), alone.mean[0][[0, 11]])
    assert made.predict().index.equals(pd.PeriodIndex(["2016-01", "2016-12"], freq="M"))
    ends = made.predict_interval(coverage=0.8)
    np.testing.assert_allclose(ends["sales", 0.8, "lower"], alone.low[80][0][[0, 11]])
    np.testing.assert_allclose(ends["sales", 0.8, "upper"], alone.high[80][0][[0, 11]])


def test_values_missing_at_the_end_are_counted_in_the_horizon(sales):
    from latchwork.forecasting.sktime import LatchworkForecaster

    holed = sales.copy()
    holed.iloc[-2:] = np.nan
    said = LatchworkForecaster(train=False).fit(holed, fh=[1]).predict()
    alone = Forecaster(3, train=False, library=False).fit(sales.iloc[:-2]).predict()
    assert said.iloc[0] == pytest.approx(alone.mean[0, 2])
