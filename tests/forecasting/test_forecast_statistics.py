"""The statistical ground: scales, indices, methods, metrics and intervals do what their sources say."""

import numpy as np
import pytest

from latchwork.forecasting.judging import metrics
from latchwork.forecasting.judging.intervals import at_level, calibrate, normal_reach
from latchwork.transforms.airline import airline
from latchwork.transforms.bases import METHODS, prepare, prepare_again, run_methods
from latchwork.transforms.seasonality import detect_season, future_indices, seasonal_indices
from latchwork.transforms.working import align, bridge, fit_scale, tame_outliers

RNG = np.random.default_rng(0)


def seasonal_row(length=96, season=12, growth=0.01, noise=0.0, rng=RNG):
    steps = np.arange(length)
    return 100 * np.exp(growth * steps + 0.2 * np.sin(2 * np.pi * steps / season) + noise * rng.normal(size=length))


def test_scale_and_its_inverse_on_any_size_and_sign():
    rows = np.array([[1e300, 2e300, 3e300], [-5.0, 0.0, 5.0], [1e-300, 2e-300, 4e-300], [7.0, 7.0, 7.0]])
    scale = fit_scale(rows)
    assert scale.logs.tolist() == [True, False, True, True]
    np.testing.assert_allclose(scale.to_values(scale.to_working(rows)), rows, rtol=1e-12)


def test_holes_are_bridged_from_the_season_or_the_neighbours():
    row = np.tile([0.0, 5.0, 1.0], 5)
    holed = row.copy()
    holed[[4, 8]] = np.nan
    np.testing.assert_allclose(bridge(holed[None], 3)[0], row)
    np.testing.assert_allclose(bridge(np.array([[0.0, np.nan, 2.0]]), 1)[0], [0, 1, 2])


def test_a_lone_spike_is_tamed_and_the_end_is_left_alone():
    row = np.log(seasonal_row(noise=0.01))
    spiked = row.copy()
    spiked[[40, 95]] += 2.0
    tamed, marked = tame_outliers(spiked[None], 12)
    assert np.flatnonzero(marked[0]).tolist() == [40]
    assert abs(tamed[0, 40] - row[40]) < 0.2
    assert tamed[0, 95] == spiked[95]


def test_indices_find_a_season_and_are_zero_where_there_is_none():
    row = np.log(seasonal_row())[None]
    indices, strength = seasonal_indices(row, 12)
    truth = 0.2 * np.sin(2 * np.pi * np.arange(96, 108) / 12)
    np.testing.assert_allclose(future_indices(indices, 12)[0], truth, atol=0.01)
    assert strength[0] > 0.95
    noise = np.random.default_rng(1).normal(size=(50, 96))
    indices, strength = seasonal_indices(noise, 12)
    assert strength.mean() < 0.3
    assert np.abs(indices).mean() < 0.1


@pytest.mark.parametrize("season", [2, 7, 12, 24])
def test_the_season_of_undated_values_is_found(season):
    steps = np.arange(12 * season)
    shape = np.random.default_rng(season).normal(size=season)
    assert detect_season(shape[steps % season] + 0.05 * np.random.default_rng(2).normal(size=len(steps))) == season
    assert detect_season(np.random.default_rng(3).normal(size=100).cumsum()) == 1


def test_every_method_continues_what_it_was_made_for():
    line = 100 + 2.0 * np.arange(60)
    row = seasonal_row(120)
    forecasts, _ = run_methods(prepare(align([line]), ()), 6)
    truth = np.log((100 + 2.0 * np.arange(60, 66)) / np.median(line))
    for name in ("holt_linear", "damped_linear"):
        np.testing.assert_allclose(forecasts[0, list(METHODS).index(name)], truth, atol=0.02)
    prepared = prepare(align([row]), (12,))
    forecasts, _ = run_methods(prepared, 12)
    truth = np.log(seasonal_row(132)[-12:])
    said = np.log(prepared.scale.to_values(forecasts[:, [list(METHODS).index(n) for n in METHODS]])[0])
    for name in ("seasonal_growth", "holt_winters", "box_jenkins"):
        np.testing.assert_allclose(
            said[list(METHODS).index(name)], truth, atol=0.05 if name == "holt_winters" else 0.02
        )  # damped


def test_airline_model_against_the_recursion_written_out():
    rng = np.random.default_rng(4)
    row = np.log(seasonal_row(60, noise=0.05, rng=rng))
    _, weights = airline(row[None], 12, 3)
    only = np.zeros_like(weights)
    only[0, 20] = 1.0
    from latchwork.transforms.airline import _POINTS

    theta, seasonal = _POINTS[20]
    changes = np.diff(row)[12:] - np.diff(row)[:-12]
    errors = np.zeros(len(changes) + 13)
    for t, w in enumerate(changes, start=13):
        errors[t] = w + theta * errors[t - 1] + seasonal * errors[t - 12] - theta * seasonal * errors[t - 13]
    now = len(errors)
    expected = -theta * errors[now - 1] - seasonal * errors[now - 12] + theta * seasonal * errors[now - 13]
    said, _ = airline(row[None], 12, 3, only)
    assert said[0, 0] == pytest.approx(row[-1] + row[-12] - row[-13] + expected)


def test_rows_do_not_know_each_other_nor_the_padding():
    rows = [seasonal_row(n, noise=0.05, rng=np.random.default_rng(n)) for n in (40, 60, 97)]
    together, _ = run_methods(prepare(align(rows), (12,)), 5)
    for i, row in enumerate(rows):
        alone, _ = run_methods(prepare(align([row]), (12,)), 5)
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-9, atol=1e-9)


def test_what_was_learned_goes_on_without_being_learned_again():
    row = seasonal_row(100, noise=0.05)
    fitted = prepare(row[None, :96], (12,))
    _, learned = run_methods(fitted, 1)
    again, _ = run_methods(prepare_again(row[None, :96], fitted, 0), 1, learned)
    np.testing.assert_allclose(again, run_methods(fitted, 1)[0])
    later, kept = run_methods(prepare_again(row[None], fitted, 4), 1, learned)
    assert np.isfinite(later).all()
    assert all(kept[name] is learned[name] for name in learned if learned[name].size)


def test_metrics_by_hand():
    truth, said = np.array([[1.0, 2.0], [4.0, np.nan]]), np.array([[2.0, 2.0], [2.0, 9.0]])
    scores = metrics.score(truth, said, np.array([0.5, 1.0]))
    assert scores.rmse == pytest.approx(np.sqrt(5 / 3))
    assert scores.mae == pytest.approx(1.0)
    assert scores.mase == pytest.approx((1.0 + 2.0) / 2)
    assert scores.smape == pytest.approx((200 * (1 / 3) / 2 + 200 * 2 / 6) / 2)
    assert metrics.coverage(truth, said - 1, said + 1) == pytest.approx(100 * 2 / 3)
    assert metrics.score(truth * 1e300, said * 1e300, np.ones(2)).rmse == pytest.approx(1e300 * np.sqrt(5 / 3))


def test_sign_flips_tell_a_difference_from_noise():
    rng = np.random.default_rng(5)
    assert metrics.sign_flip_test(rng.normal(1.0, 0.5, 20)) < 0.01
    chance = [metrics.sign_flip_test(rng.normal(0, 1, 12), 500) for _ in range(200)]
    assert 0.01 < np.mean(np.array(chance) < 0.05) < 0.1
    assert metrics.sign_flip_test(np.ones(4)) == 1.0


def test_a_shifted_copy_is_called_one():
    last, truth = RNG.normal(size=50), RNG.normal(size=50)
    assert metrics.shifted_copy_share(truth, last, last) == 1.0
    assert metrics.shifted_copy_share(truth, truth, last) == 0.0


def test_widths_between_levels_follow_the_normal_and_stay_in_order():
    trained = np.array([normal_reach(v) for v in (50, 80, 95, 99)])
    for level in (10, 60, 80, 90, 99.9):
        assert at_level(trained, level) == pytest.approx(normal_reach(level), rel=0.01)


def test_calibration_widens_what_is_too_narrow():
    rng = np.random.default_rng(6)
    away = rng.normal(size=(400, 5))
    reach = np.array([normal_reach(v) for v in (50, 80, 95, 99)])
    narrow = np.broadcast_to(0.5 * reach, (400, 5, 2, 4))
    wide = calibrate(away, narrow).apply(narrow)
    inside = np.mean(np.abs(rng.normal(size=(400, 5))) <= wide[..., 0, 1])
    assert 0.77 < inside < 0.83
    assert np.allclose(calibrate(np.full((3, 5), np.nan), narrow[:3]).factors, 1.0)
