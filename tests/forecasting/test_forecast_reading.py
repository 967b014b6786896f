"""Reading: ugly files become right panels or one clear line, and everything that was done is said."""

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from ugly import MONTHS, UGLY, VALUES

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.dates import format_times, parse_times
from latchwork.forecasting.reading.numbers import parse_numbers
from latchwork.forecasting.reading.read import Columns, read_panel
from latchwork.transforms.calendar import Frequency, detect_frequency


@pytest.mark.parametrize("case", UGLY, ids=lambda case: case.name)
def test_ugly_file_is_read_right_or_refused_in_one_line(case, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(case.data)
    if case.frequency is None:
        with pytest.raises(InputError, match=case.says) as caught:
            read_panel(path)
        assert "\n" not in str(caught.value)
        return
    panel = read_panel(path)
    assert panel.frequency.name == case.frequency
    assert len(panel) == case.series
    assert len(panel.values[0]) == case.length
    assert panel.values[0][-1] == pytest.approx(case.last)
    assert np.all(np.diff(panel.times[0].astype(np.int64)) > 0)


def test_there_are_fifty_of_them():
    assert len(UGLY) >= 50
    assert len({case.data for case in UGLY}) == len(UGLY)


def test_a_million_rows_are_read_in_seconds(tmp_path):
    path = tmp_path / "many.csv"
    times = np.datetime64("2000-01-01T00:00") + np.arange(1_000_000) * np.timedelta64(15, "m")
    text = np.char.add(np.datetime_as_string(times), ",5.5")
    path.write_text("time,load\n" + "\n".join(text))
    started = time.perf_counter()
    panel = read_panel(path)
    assert time.perf_counter() - started < 30
    assert panel.frequency.name == "every 15 minutes"
    assert panel.frequency.seasons == (96, 672)
    assert len(panel.values[0]) == 1_000_000


def test_what_was_done_is_said(tmp_path):
    path = tmp_path / "file.csv"
    lines = ["date;value", *(f"{m};{v}" for m, v in zip(MONTHS, VALUES, strict=False))]
    del lines[10]
    path.write_text("\n".join([*lines, lines[-1], "end of file"]))
    notes = " | ".join(read_panel(path).notes)
    for said in ("1 gap", "came more than once", "separated by ';'", "dropped 1 line"):
        assert said in notes


def test_columns_can_be_named_and_a_wrong_name_lists_the_right_ones(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("day,shop,price,sales\n" + "\n".join(f"2020-01-{d:02d},x,{d},{2 * d}" for d in range(1, 21)))
    panel = read_panel(path, Columns(target="Sales", time="day", series="shop", covariates=["price"]))
    assert panel.names == ("x",)
    assert panel.values[0][-1] == 40
    assert panel.covariates["price"][0][-1] == 20
    with pytest.raises(InputError, match="day, shop, price, sales"):
        read_panel(path, Columns(target="turnover"))


def test_covariates_reach_past_the_last_target(tmp_path):
    path = tmp_path / "file.csv"
    lines = [f"2020-01-{d:02d},{d if d <= 20 else ''},{d}" for d in range(1, 28)]
    path.write_text("day,sales,price\n" + "\n".join(lines))
    panel = read_panel(path, Columns(target="sales", covariates=["price"]))
    assert len(panel.values[0]) == 20
    assert panel.covariates["price"][0].tolist() == list(range(1, 28))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames_of_both_libraries(library):
    stamps = np.array(MONTHS, "datetime64[M]").astype("datetime64[ns]")
    panel = read_panel(library.DataFrame({"when": stamps, "sales": VALUES[:48]}))
    assert (panel.frequency.name, panel.target) == ("monthly", "sales")
    assert panel.values[0].tolist() == VALUES[:48]


def test_series_with_an_index_of_dates():
    series = pd.Series(VALUES[:48], index=pd.period_range("1960-01", periods=48, freq="M"), name="sales")
    panel = read_panel(series)
    assert panel.frequency.name == "monthly"
    assert str(panel.times[0][0].astype("datetime64[M]")) == "1960-01"


def test_arrays_are_one_or_many_numbered_series():
    assert len(read_panel(np.arange(20.0))) == 1
    many = read_panel(np.arange(40.0).reshape(2, 20))
    assert len(many) == 2
    assert many.values[1].tolist() == list(range(20, 40))
    with pytest.raises(InputError, match="shape"):
        read_panel(np.zeros((2, 3, 4)))


def grid(first, step):
    """Thirty times from `first` on."""
    begin = np.datetime64(first, "s")
    months = begin.astype("datetime64[M]")
    if step == "month ends":
        return (months + np.arange(1, 31)).astype("datetime64[D]") - np.timedelta64(1, "D")
    if step.endswith("M"):
        wanted = months + int(step[:-1]) * np.arange(30)
        last = (wanted + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        return np.minimum(wanted.astype("datetime64[s]") + (begin - months), last.astype("datetime64[s]"))
    if step == "B":
        return np.busday_offset(first, np.arange(30))
    return begin + np.arange(30) * np.timedelta64({"W": 7 * 86400, "D": 86400, "h": 3600, "30m": 1800}[step], "s")


@pytest.mark.parametrize(
    ("first", "step", "name"),
    [
        ("2020-01-31", "month ends", "monthly"),
        ("2020-01-15", "1M", "monthly"),
        ("2020-01-01", "3M", "quarterly"),
        ("2020-02-29", "12M", "yearly"),
        ("2020-01-06", "W", "weekly"),
        ("2020-01-06", "B", "business days"),
        ("2020-01-01", "D", "daily"),
        ("2020-01-01T00:15", "h", "hourly"),
        ("2020-01-01T00:00", "30m", "half-hourly"),
    ],
)
def test_positions_and_times_are_inverses_and_the_future_goes_on(first, step, name):
    times = grid(first, step).astype("datetime64[s]")
    frequency = detect_frequency([times[:24]])
    assert frequency.name == name
    positions = frequency.positions(times)
    assert np.array_equal(np.diff(positions), np.ones(29))
    assert np.array_equal(frequency.times(positions), times)
    assert Frequency.from_dict(frequency.to_dict()) == frequency


def test_ambiguous_days_and_months_are_settled_by_the_grid():
    monthly = [f"01/{m:02d}/2021" for m in range(1, 13)]
    assert str(parse_times(monthly).times[1]) == "2021-02-01T00:00:00"
    daily = [f"01/{d:02d}/2021" for d in range(1, 14)]
    assert str(parse_times(daily).times[1]) == "2021-01-02T00:00:00"


def test_times_are_written_as_precisely_as_they_were_read():
    times = np.array(["2020-04-01"], "datetime64[s]")
    styles = ("year", "month", "day", "quarter")
    assert [format_times(times, s)[0] for s in styles] == ["2020", "2020-04", "2020-04-01", "2020-Q2"]


def test_numbers_with_every_kind_of_mark():
    values, unreadable = parse_numbers(["1.234,5", "2.000,0", "(3,5)", "NA", "n. v. t."])
    assert unreadable == 1
    np.testing.assert_allclose(values, [1234.5, 2000, -3.5, np.nan, np.nan])
