"""The forecaster: honest by construction, whole from file to saved model and back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ugly import UGLY

import latchwork
from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.forecasting import Forecaster
from latchwork.forecasting.judging.backtest import plan_origins, with_intervals
from latchwork.forecasting.judging.verdict import clearly_better, losses
from latchwork.forecasting.methods.catalogue import method_named
from latchwork.forecasting.methods.corrector import Corrector
from latchwork.forecasting.methods.corrector_inputs import Inputs
from latchwork.forecasting.reading.read import read_panel
from latchwork.forecasting.report.results import results
from latchwork.forecasting.result import ahead


def monthly(length=96, seed=0, scale=100.0):
    rng = np.random.default_rng(seed)
    steps = np.arange(length)
    values = scale * np.exp(0.01 * steps + 0.2 * np.sin(2 * np.pi * steps / 12) + 0.03 * rng.normal(size=length))
    times = np.datetime64("1990-01") + steps
    return pd.DataFrame({"month": times.astype("datetime64[ns]"), "sales": values})


def quick(**options):
    return Forecaster(**{"horizon": 6, "train": False, "library": False, **options})


def test_noise_after_an_origin_changes_no_forecast_made_at_it_bit_for_bit():
    frame = monthly()
    tested = quick().fit(frame).backtest()
    for back in tested.origins:
        noisy = frame.copy()
        noisy.loc[len(frame) - back :, "sales"] = np.random.default_rng(back).uniform(-1e6, 1e6, back)
        other = quick().fit(noisy).backtest()
        row, its = np.flatnonzero(tested.back == back), np.flatnonzero(other.back == back)
        for name, forecast in tested.forecasts.items():
            assert np.array_equal(forecast[row], other.forecasts[name][its]), name
        for name in tested.forecasts:
            right, changed = (with_intervals(backtest, (80.0, 95.0), name) for backtest in (tested, other))
            for level in right.low:
                assert np.array_equal(right.low[level][row], changed.low[level][its]), name
                assert np.array_equal(right.high[level][row], changed.high[level][its]), name


def test_forecasts_are_in_units_with_real_dates_and_ordered_intervals():
    forecast = quick(levels=(50, 80, 95)).fit(monthly()).predict()
    assert [str(t) for t in forecast.times[0].astype("datetime64[M]")[:2]] == ["1998-01", "1998-02"]
    assert np.all(forecast.low[95] <= forecast.low[80])
    assert np.all(forecast.low[80] < forecast.mean)
    assert np.all(forecast.mean < forecast.high[50])
    assert np.all(forecast.high[80] <= forecast.high[95])
    truth = monthly(102)["sales"].to_numpy()[-6:]
    assert np.abs(np.log(forecast.mean[0] / truth)).max() < 0.15
    frame = forecast.to_frame("polars")
    assert frame.columns == ["series", "time", "mean", "lo50", "hi50", "lo80", "hi80", "lo95", "hi95"]


def test_scaling_the_data_scales_the_forecast():
    small, large = (quick().fit(monthly(scale=s)).predict().mean for s in (1e-3, 1e6))
    np.testing.assert_allclose(large / small, 1e9, rtol=1e-6)


def test_verdict_names_the_winner_and_best_uses_it():
    fitted = quick(best=True).fit(monthly())
    verdict = fitted.verdict()
    assert verdict.winner == verdict.used == fitted.used_ == next(iter(fitted.baselines()))
    assert "less error than" in verdict.sentence
    walk = quick().fit(np.random.default_rng(0).normal(size=300).cumsum() + 100).verdict()
    assert walk.p_value > 0.01 or walk.winner not in {"latchwork"}


def test_a_saved_forecaster_says_the_same_and_goes_on_from_new_rows(tmp_path):
    frame = monthly(100)
    fitted = quick().fit(frame.iloc[:96])
    fitted.save(tmp_path / "m.latch")
    loaded = latchwork.load(tmp_path / "m.latch")
    before, after = fitted.predict(), loaded.predict()
    assert np.array_equal(before.mean, after.mean)
    assert all(np.array_equal(before.low[v], after.low[v]) for v in before.low)
    loaded.update(frame.iloc[90:])
    assert np.array_equal(loaded.predict().mean, fitted.update(frame.iloc[90:]).predict().mean)
    assert not np.array_equal(loaded.predict().mean, before.mean)
    assert str(loaded.predict().times[0][0].astype("datetime64[M]")) == "1998-05"
    with pytest.raises(InputError, match="monthly"):
        loaded.update(pd.DataFrame({"day": pd.date_range("2000-01-01", periods=50), "sales": range(50)}))


@pytest.mark.parametrize("known", [1, 3])
def test_what_was_too_short_for_a_backtest_goes_on_from_new_rows(known):
    fitted = quick().fit(3.0 + np.arange(known))
    assert fitted.backtest_ is None
    fitted.update(3.0 + np.arange(40))
    assert len(fitted.result_.calibration.record) == 1
    assert np.isfinite(fitted.predict().mean).all()


def test_a_file_from_before_calibration_kept_a_record_opens_and_goes_on(tmp_path):
    frame = monthly(100)
    quick().fit(frame.iloc[:96]).save(tmp_path / "m.latch")
    document, tensors = storage.load(tmp_path / "m.latch")
    del tensors["fitted.calibration_record"], document["fitted"]["base"]
    storage.save(tmp_path / "old.latch", document, tensors)
    new, old = (latchwork.load(tmp_path / f"{name}.latch") for name in ("m", "old"))
    assert np.array_equal(old.predict().low[80], new.predict().low[80])
    old.update(frame)
    assert len(old.result_.calibration.record) == 1


def test_intervals_follow_what_comes_of_the_forecasts(tmp_path):
    frame = monthly(200)
    fitted = quick().fit(frame.iloc[:120])
    fitted.save(tmp_path / "m.latch")
    narrow = fitted.result_.calibration.factors
    calm = latchwork.load(tmp_path / "m.latch")
    wild = latchwork.load(tmp_path / "m.latch")
    noise = np.random.default_rng(0).normal(size=200)
    noisy = frame.assign(sales=frame["sales"] * np.exp(np.where(np.arange(200) >= 120, 0.5 * noise, 0)))
    for end in range(126, 200, 6):
        assert np.array_equal(calm.update(frame.iloc[:end]).result_.calibration.record[-1] > 0, np.ones((6, 4)))
        wild.update(noisy.iloc[:end])
    assert np.all(wild.result_.calibration.factors > np.maximum(calm.result_.calibration.factors, narrow))
    assert any("80 % interval covered" in note for note in wild.notes_)
    before = len(wild.result_.calibration.record)
    assert len(wild.update(noisy.iloc[:end]).result_.calibration.record) == before  # nothing new came


def test_a_panel_is_forecast_series_by_series():
    frames = [monthly(60 + 7 * i, seed=i).assign(shop=f"s{i}") for i in range(5)]
    panel, single = quick().fit(pd.concat(frames)), quick().fit(frames[3][["month", "sales"]])
    assert panel.predict().names == tuple(f"s{i}" for i in range(5))
    np.testing.assert_allclose(panel.answers_.centre[3], single.answers_.centre[0], rtol=1e-9)
    assert panel.predict().times[3][0] == single.predict().times[0][0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5.0], 5.0), ([5.0, 6.0], 6.0), ([7.0] * 40, 7.0), ([0.0] * 40, 0.0), ([1e300] * 40, 1e300), ([-3.0] * 9, -3.0)],
)
def test_degenerate_series_repeat_what_they_know(values, expected):
    forecast = quick().fit(np.array(values)).predict()
    assert np.isfinite(forecast.mean).all()
    assert np.allclose(forecast.mean, expected, rtol=0.2)


@pytest.mark.filterwarnings("error")  # a user is told in words, not by NumPy
@pytest.mark.parametrize("case", [c for c in UGLY if c.frequency], ids=lambda case: case.name)
def test_ugly_files_are_forecast(case, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(case.data)
    fitted = quick(origins=2).fit(path)
    results(fitted.result_, 0.0)
    forecast = fitted.predict()
    assert np.isfinite(forecast.mean).all()
    assert all(np.all(forecast.low[v] <= forecast.high[v]) for v in forecast.low)


def test_counts_never_become_negative():
    counts = np.random.default_rng(0).poisson(0.4, 120).astype(float)
    forecast = quick().fit(counts).predict()
    assert forecast.low[95].min() >= 0
    assert 0.1 < forecast.mean.mean() < 1.0


def test_demand_that_rarely_comes_is_forecast_by_its_mean():
    rng = np.random.default_rng(3)
    sales = np.where(rng.random(300) < 0.2, 5.0, 0.0)
    fitted = quick().fit(sales)
    forecast = fitted.predict()
    assert np.ptp(forecast.mean) == 0
    assert forecast.mean[0, 0] == pytest.approx(sales.mean(), rel=0.5)
    assert forecast.low[80].max() == 0
    assert forecast.high[95].max() == pytest.approx(5)
    assert any("often zero" in note for note in fitted.notes_)


def test_what_rarely_comes_is_judged_by_squared_errors():
    rng = np.random.default_rng(1)
    tested = quick().fit(np.where(rng.random(200) < 0.2, 5.0, 0.0)).backtest()
    for name, value in (("nothing", 0.0), ("mean", 1.0)):
        tested = tested.with_forecasts(name, np.full_like(tested.truth, value))
    absolute, squared = ({n: getattr(tested.scores(n), kind) for n in ("nothing", "mean")} for kind in ("mae", "rmse"))
    assert absolute["nothing"] < absolute["mean"]
    assert squared["nothing"] > squared["mean"]
    assert losses(tested, "nothing").mean() > losses(tested, "mean").mean()


def test_a_method_is_clearly_better_where_it_saves_more_than_a_standard_error():
    tested = quick(horizon=1).fit(np.random.default_rng(0).normal(size=200)).backtest()
    assert len(tested.origins) == 32
    sides = np.where(np.arange(len(tested.truth)) % 2, 1.0, -1.0)[:, None]
    errors = {"near": 1.0, "nearer": 0.9, "luckier": np.where(sides > 0, 0.0, 1.99)}
    for name, error in errors.items():
        tested = tested.with_forecasts(name, tested.truth + error)
    assert clearly_better(tested, "nearer", "near")
    assert not clearly_better(tested, "near", "nearer")
    assert losses(tested, "luckier").mean() < losses(tested, "near").mean()
    assert not clearly_better(tested, "luckier", "near")


def test_spikes_and_jumps_are_told():
    steps = np.arange(96)
    values = monthly()["sales"].to_numpy()
    spiked, jumped = values * np.where(steps == 40, 5.0, 1.0), values * np.where(steps >= 70, 3.0, 1.0)
    months = monthly()["month"]
    for changed, said in ((spiked, "spike"), (jumped, "jumped 26 steps before the end"), (values, None)):
        notes = quick().fit(pd.DataFrame({"month": months, "sales": changed})).notes_
        assert bool(notes) is (said is not None)
        assert said is None or said in " ".join(notes)


def test_covariates_of_every_kind_are_read_saved_and_given_ahead(tmp_path):
    frame = pd.concat([monthly(40, seed=i).assign(shop=f"s{i}", region="north" if i else "south") for i in range(3)])
    frame["offer"] = np.where(frame["month"].dt.month == 12, "gift", "plain")
    frame["visits"] = np.arange(len(frame), dtype=float)
    kinds = {"covariates": ("offer",), "past_covariates": ("visits",), "static_covariates": ("region",)}
    fitted = quick(target="sales", series="shop", **kinds).fit(frame)
    panel = fitted.panel_
    assert set(panel.covariates) == {"offer=gift", "offer=plain", "visits"}
    assert panel.past == ("visits",)
    assert panel.static["region=south"].tolist() == [1, 0, 0]
    fitted.save(tmp_path / "m.latch")
    kept = latchwork.load(tmp_path / "m.latch").panel_
    assert kept.past == panel.past
    assert kept.static["region=south"].tolist() == [1, 0, 0]
    ahead = fitted.panel_.with_future({"visits": np.ones((3, 6))})
    assert len(ahead.covariates["visits"][0]) == 46
    with pytest.raises(InputError, match="one row a series"):
        fitted.predict(covariates={"visits": np.ones(6)})


def test_bad_options_are_refused_in_one_line():
    for options, says in (({"levels": (80, 120)}, "between 0 and 100"), ({"horizon": 0}, "give 1 to")):
        with pytest.raises(InputError, match=says):
            quick(**options).fit(monthly())
    with pytest.raises(InputError, match="call fit first"):
        quick().predict()


@pytest.mark.parametrize(
    ("length", "horizon", "season"), [(144, 12, 12), (30, 12, 12), (20, 6, 1), (9, 6, 1), (4, 6, 1)]
)
def test_origins_leave_a_past_and_a_truth(length, horizon, season):
    backs = plan_origins([length], horizon, season)
    assert all(1 <= back <= length - min(4, length) for back in backs)
    assert len(set(backs)) == len(backs)


def test_intervals_hold_what_they_promise_on_made_up_series():
    rng = np.random.default_rng(7)
    series = [50 + 5 * np.sin(np.arange(84) / 5 + rng.uniform(0, 6)) + rng.normal(size=84) for _ in range(150)]
    fitted = quick().fit(read_panel(np.array([s[:-6] for s in series])))
    forecast = fitted.predict()
    truth = np.array([s[-6:] for s in series])
    for level, low, high in ((80, 72, 90), (95, 90, 99)):
        held = 100 * np.mean((truth >= forecast.low[level]) & (truth <= forecast.high[level]))
        assert low < held < high


def test_the_network_starts_at_the_base_sees_no_future_and_is_saved(tmp_path):
    frame = monthly(110)
    fitted = quick(train=True, origins=2).fit(frame)
    made = fitted.backtest()
    assert "network" in made.methods
    back = made.origins[-1]
    noisy = frame.copy()
    noisy.loc[len(frame) - back :, "sales"] = np.random.default_rng(0).uniform(1, 1e6, back)
    other = quick(train=True, origins=2).fit(noisy).backtest()
    assert np.array_equal(made.forecasts["network"], other.forecasts["network"])
    assert np.all(np.abs(np.log(made.forecasts["network"] / made.forecasts["latchwork"])) < 0.5)
    means, result, base = {}, fitted.result_, fitted.result_.learned.base
    for name in (base, "network", "average"):
        used = method_named(name)
        forecast = ahead(result.end, used, result.learned, result.calibration, (80, 95))
        fitted.result_ = replace(result, used=used, forecast=forecast)
        fitted.save(tmp_path / "m.latch")
        means[name] = fitted.predict().mean
        np.testing.assert_allclose(latchwork.load(tmp_path / "m.latch").predict().mean, means[name], rtol=1e-5)
    np.testing.assert_allclose(means["average"], (means[base] + means["network"]) / 2)
    halfway = (made.forecasts[base] + made.forecasts["network"]) / 2
    np.testing.assert_allclose(made.forecasts["average"], halfway)


def test_a_network_whose_head_is_zero_is_the_base():
    rng = np.random.default_rng(0)
    past, future, base = rng.normal(size=(3, 12, 5)), rng.normal(size=(3, 6, 7)), rng.normal(size=(3, 6))
    inputs = Inputs(np.zeros(3, int), past.astype("float32"), future.astype("float32"), base, base, np.ones(3))
    assert np.array_equal(Corrector.build(5, 7, 24, [0, 1]).correct(inputs), base)
