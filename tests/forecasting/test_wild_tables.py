"""Files in the shapes that people's tables have (`wild/forecast` of the shared data): read right, or refused."""

import json

import numpy as np
import pytest

import latchwork
from latchwork.cli.main import run
from latchwork.core.errors import InputError
from latchwork.forecasting.forecaster import Forecaster
from latchwork.forecasting.reading.dates import format_times
from latchwork.forecasting.reading.read import Columns, read_panel


@pytest.fixture(scope="module")
def wild(shared_data):
    folder = shared_data / "wild" / "forecast"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def first_ahead(panel, index=0):
    return format_times(panel.future_times(index, 1), panel.style)[0]


READ = {  # frequency, season, series, names, lengths, first forecast
    "us_months": ("monthly", 12, ["VALUE"], [60], "2019-01-01"),
    "item_numbers": ("daily", 7, ["1047679", "1047680", "1047681"], [120] * 3, "2017-07-30"),
    "locations": ("weekly", 52, ["01", "02", "04", "US"], [60] * 4, "2023-02-25"),
    "date_time_columns": ("hourly", 24, ["Global_active_power"], [288], "2006-12-28T00:00:00"),
    "ymdh_row": ("hourly", 24, ["pm"], [336], "2010-01-16T00:00:00"),
    "year_quarter": ("quarterly", 4, ["realgdp", "unemp"], [80, 80], "2010-Q1"),
    "year_by_months": ("monthly", 12, ["value"], [369], "2020-10"),
    "wide_dates_jhu": ("daily", 7, ["Aland", "Borduria", "Freedonia", "Syldavia"], [70] * 4, "2020-04-01"),
    "wide_m5": ("daily", 7, [f"FOODS_1_00{i}_CA_1" for i in range(6)], [112] * 6, "113"),
    "german_thousands_iso": ("monthly", 12, ["Umsatz"], [48], "2021-01"),
    "german_month_names": ("monthly", 12, ["Wert"], [60], "2020-01"),
    "yyyymmddhh": ("hourly", 24, ["y"], [240], "2020-05-11T00:00:00"),
    "excel_serial_monthly": ("monthly", 12, ["Sales"], [60], "2020-01-01"),
    "fiscal_years": ("yearly", 1, ["Spending"], [14], "2014-15"),
    "quarter_words": ("quarterly", 4, ["Sales"], [24], "2019-Q1"),
    "no_header_word": ("monthly", 12, ["sales"], [54], "2020-07"),
    "update_base": ("monthly", 12, ["sales"], [54], "2020-07"),
    "business_base": ("business days", 5, ["calls"], [120], "2022-06-20"),
    "zone_monthly": ("monthly", 12, ["sales"], [48], "2021-01-01T00:00:00+01:00"),
    "google_trends": ("weekly", 52, ["kayak: (Worldwide)"], [156], "2022-01-02"),
    "year_totals": ("monthly", 12, ["Sales"], [48], "2021-01"),
    "trailing_na": ("monthly", 12, ["sales"], [51], "2020-04"),
    "yfinance_two": ("business days", 5, ["AAA", "BBB"], [156, 156], "2024-10-07"),
    "business_hours": ("hourly in opening hours", 8, ["price"], [352], "2022-07-01T09:30:00"),
    "zeros_before_launch": ("monthly", 12, ["units"], [42], "2021-01"),
    "step": ("monthly", 12, ["level"], [60], "2020-01"),
    "no_overlap": ("monthly", 12, ["north", "south"], [36, 36], "2019-01"),
    "every_30_days": ("every 30 days", 1, ["kwh"], [40], "2021-04-15"),
    "fifty_hertz_seconds": ("numbered", 1, ["accel"], [500], "10.00"),
    "tiny_cycle": ("monthly", 12, ["rate"], [60], "2020-01"),
    "four_four_five": ("4-4-5 months", 12, ["sales"], [48], "2022-01-23"),
    "cumulative": ("daily", 7, ["total_cases"], [150], "2020-07-29"),
    "uptime": ("daily", 7, ["uptime"], [150], "2022-05-31"),
    "three_keys": (
        "daily", 7,
        [f"{c} / {s} / {p}" for c in ("Finland", "Norway") for s in ("KM", "KR") for p in ("Hat", "Mug")], [90] * 8,
        "2019-04-01",
    ),
    "covariate_none": ("daily", 7, ["sales"], [200], "2022-07-20"),
    "covariate_whole": ("daily", 7, ["sales"], [200], "2022-07-20"),
}  # fmt: skip
TOLD = {
    "item_numbers": Columns(series="item_nbr"),
    "locations": Columns(series="location", target="value"),
    "covariate_whole": Columns(covariates=("promo",)),
}


@pytest.mark.parametrize("name", READ)
def test_a_wild_file_is_read_as_a_careful_statistician_would(name, wild):
    panel = read_panel(wild / f"{name}.csv", TOLD.get(name, Columns()))
    frequency, season, names, lengths, first = READ[name]
    assert (panel.frequency.name, panel.frequency.season) == (frequency, season)
    assert list(panel.names) == names
    assert [len(values) for values in panel.values] == lengths
    assert first_ahead(panel) == first


def test_levels_and_values_are_those_of_the_files(wild):
    def levels(name):
        return [float(np.nanmedian(v)) for v in read_panel(wild / f"{name}.csv").values]

    assert np.allclose(levels("item_numbers"), [10, 100, 1000], rtol=0.35)
    assert read_panel(wild / "german_thousands_iso.csv").values[0][-1] == 1596
    assert read_panel(wild / "german_month_names.csv").values[0][-1] == 125.3
    trends = read_panel(wild / "google_trends.csv").values[0]
    assert 0 < trends[0] < 1
    assert levels("wide_m5")[0] < 20
    hours = read_panel(wild / "date_time_columns.csv").values[0]
    assert int(np.isnan(hours).sum()) == 3


def test_what_was_dropped_guessed_or_cut_off_is_said_first(wild):
    def said(name, columns=Columns()):  # noqa: B008
        return read_panel(wild / f"{name}.csv", columns).notes

    assert "follows 2020-03, the last known value" in said("trailing_na")[0]
    assert "follows 2020-09" in said("year_by_months")[0]
    assert any("J-D: the mean" in note for note in said("year_by_months"))
    assert "4 rows of longer periods" in said("year_totals")[0]
    assert any("'<1', read as 0.5" in note for note in said("google_trends"))
    assert any("30 zeros before the first value" in note for note in said("zeros_before_launch"))
    assert any("--total" in note for note in said("cumulative"))
    assert any("--bounds 0,100" in note for note in said("uptime"))
    assert not any("lat" in name.lower() for name in read_panel(wild / "wide_dates_jhu.csv").names)


def test_what_only_the_user_can_know_is_asked_for(wild):
    with pytest.raises(InputError, match="--gaps zero"):
        read_panel(wild / "no_row_is_zero.csv")
    days = read_panel(wild / "no_row_is_zero.csv", Columns(gaps="zero"))
    assert (len(days.values[0]), float(np.mean(days.values[0] == 0)) > 0.5) == (300, True)
    with pytest.raises(InputError, match="--aggregate sum"):
        read_panel(wild / "transactions_days.csv")
    summed = read_panel(wild / "transactions_days.csv", Columns(aggregate="sum"))
    assert len(summed.values[0]) == 90
    assert summed.values[0][:3].sum() > 3 * 10


def test_months_over_four_centuries_are_read_in_seconds(tmp_path):
    path = tmp_path / "months.csv"
    rows = [f"{m:02d}-01-{y},{100 + m}" for y in range(1990, 2024) for m in range(1, 13)][:400]
    path.write_text("observation_date,VALUE\n" + "\n".join(rows))
    panel = read_panel(path)
    assert (panel.frequency.name, len(panel.values[0])) == ("monthly", 400)


@pytest.mark.parametrize(
    ("base", "new", "first", "says"),
    [
        ("update_base", "update_one", "2020-08", "1 new value"),
        ("update_base", "update_revised", "2020-09", "4 older values were changed"),
        ("business_base", "business_three", "2022-06-23", "3 new values"),
    ],
)
def test_updates_are_read_at_the_models_own_frequency(base, new, first, says, wild, tmp_path):
    forecaster = Forecaster(train=False, library=False, progress="none").fit(wild / f"{base}.csv")
    forecaster.save(tmp_path / "m.latch")
    loaded = latchwork.load(tmp_path / "m.latch").update(wild / f"{new}.csv")
    assert first_ahead(loaded.panel_) == first
    assert any(says in note for note in loaded.notes_)


def test_a_covariate_without_a_future_is_refused_and_one_with_it_sets_the_horizon(wild, capsys, tmp_path):
    arguments = ["--covariates", "promo", "--json", "--out", str(tmp_path), "--no-train"]
    assert run(["forecast", str(wild / "covariate_none.csv"), *arguments]) == 2
    assert "--past promo" in capsys.readouterr().err
    assert run(["forecast", str(wild / "covariate_whole.csv"), *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["horizon"] == 7


def test_quantiles_of_small_values_are_not_rounded_away(wild, capsys, tmp_path):
    arguments = ["--continue", "24", "--json", "--no-train", "--out", str(tmp_path)]
    assert run(["forecast", str(wild / "tiny_cycle.csv"), *arguments]) == 0
    quantiles = json.loads(capsys.readouterr().out)["paths"]["quantiles"]
    assert all(value > 0 for values in quantiles.values() for value in values)


def test_totals_and_bounds_are_kept(wild):
    quick = {"train": False, "library": False, "progress": "none"}
    total = Forecaster(total=True, **quick).fit(wild / "cumulative.csv").predict()
    assert total.low[95].min() >= 14340
    assert np.all(np.diff(total.mean, axis=1) >= 0)
    share = Forecaster(bounds=(0, 100), **quick).fit(wild / "uptime.csv").predict()
    assert share.high[95].max() <= 100


def test_what_came_before_a_launch_does_not_lean_on_what_is_forecast(wild):
    forecast = Forecaster(train=False, library=False, progress="none").fit(wild / "zeros_before_launch.csv").predict()
    assert 180 < forecast.mean.mean() < 220
    assert np.ptp(forecast.mean) > 30
