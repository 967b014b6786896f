"""Shapes of tables that are met elsewhere: statistical offices, competitions, shops, banks, sensors."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from latchwork.core.errors import InputError
from latchwork.forecasting.forecaster import Forecaster
from latchwork.forecasting.reading.dates import format_times, readings
from latchwork.forecasting.reading.notes import GUESSED, Note, by_severity, severity
from latchwork.forecasting.reading.numbers import find_mark, read_numbers
from latchwork.forecasting.reading.read import Columns, read_panel
from latchwork.transforms.calendar import Frequency, detect_frequency

MONTHS = [f"{2015 + i // 12}-{i % 12 + 1:02d}" for i in range(48)]
DAYS = [str(np.datetime64("2021-01-01") + i) for i in range(200)]
V = [round(100 + 10 * np.sin(i / 2) + i, 1) for i in range(400)]


def table(head, rows, separator=","):
    return "\n".join([head, *(separator.join(map(str, row)) for row in rows)]) + "\n"


def day(text, style):
    return dt.date.fromisoformat(text).strftime(style)


def worldbank():
    years = ",".join(f'"{y}"' for y in range(1990, 2021))
    rows = [
        f'"{c}","{c[:3]}","GDP","NY.GDP",' + "," * 3 + ",".join(map(str, V[3:31])) + "," for c in ("Aruba", "Zambia")
    ]
    names = '"Country Name","Country Code","Indicator Name","Code"'
    head = f'"Data Source","World Development Indicators",\n\n{names},{years},'
    return "\n".join([head, *rows])


def eurostat():
    head = "freq,unit,geo\\TIME_PERIOD\t" + "\t".join(f"{m} " for m in MONTHS[:36])
    rows = [
        "\t".join([f"M,PC,{g}", *(": " if i == 3 else f"{V[i]} p" if i > 33 else f"{V[i]} " for i in range(36))])
        for g in ("DE", "FR")
    ]
    return "\n".join([head, *rows])


def m3():
    head = "Series,N,NF,Category,Starting Year,Starting Month," + ",".join(map(str, range(1, 41)))
    return "\n".join(
        [
            head,
            *(
                f"N{k},{30 + k},18,MICRO,1990,1," + ",".join(str(V[i]) if i < 30 + k else "" for i in range(40))
                for k in (1, 2)
            ),
        ]
    )


def tourism():
    rows = [[12, 14], [1995, 1993], *([V[i] if i < 12 else "", V[i + 3]] for i in range(14))]
    return table("Y1,Y2", rows)


def sap():
    rows = [
        (day(d, "%d.%m.%Y"), "1000", m, f"{int(V[k])}.234,00-", "ST")
        for m in ("0000100012", "0000100013")
        for k, d in enumerate(DAYS[:60])
    ]
    return table("Buchungsdatum;Werk;Material;Menge;ME", rows, ";")


def walmart():
    days = [str(np.datetime64("2010-02-05") + 7 * w) for w in range(60)]
    rows = [
        (s, day(d, "%d-%m-%Y"), 1e6 * s + V[w], int(w % 20 == 0), 40 + w % 9, 8.1)
        for s in (1, 2)
        for w, d in enumerate(days)
    ]
    return table("Store,Date,Weekly_Sales,Holiday_Flag,Temperature,Unemployment", rows)


def sensor():
    late = np.random.default_rng(0).integers(0, 20, 300)
    rows = [(np.datetime64("2021-03-01T00:00:00") + 600 * k + int(late[k]), "esp-01", V[k]) for k in range(300)]
    return table("timestamp,device_id,temperature", rows)


def summer_time():
    hours = [dt.datetime(2021, 3, 27) + dt.timedelta(hours=k + (k >= 26)) for k in range(100)]
    rows = [
        (h.isoformat() + ("+02:00" if h >= dt.datetime(2021, 3, 28, 3) else "+01:00"), V[k])
        for k, h in enumerate(hours)
    ]
    return table("time,load", rows)


SHAPES = {  # text, frequency, names, lengths, first time, the first ahead
    "world bank": (worldbank(), "yearly", ["Aruba", "Zambia"], [28, 28], "1993", "2021"),
    "eurostat": (eurostat(), "monthly", ["M,PC,DE", "M,PC,FR"], [36, 36], "2015-01", "2018-01"),
    "oecd": (
        table(
            "LOCATION,SUBJECT,FREQUENCY,TIME,Value,Flag Codes",
            [(c, "TOT", "M", m, V[i], "") for c in ("AUS", "AUT") for i, m in enumerate(MONTHS)],
        ),
        "monthly",
        ["AUS", "AUT"],
        [48, 48],
        "2015-01",
        "2019-01",
    ),
    "m3": (m3(), "numbered", ["N1", "N2"], [31, 32], "1", "32"),
    "tourism": (tourism(), "yearly", ["Y1", "Y2"], [12, 14], "1995", "2007"),
    "walmart": (walmart(), "weekly", ["1", "2"], [60, 60], "2010-02-05", "2011-04-01"),
    "sap": (sap(), "daily", ["0000100012", "0000100013"], [60, 60], "2021-01-01", "2021-03-02"),
    "sensor": (sensor(), "every 10 minutes", ["temperature"], [300], "2021-03-01T00:00:00", "2021-03-03T02:00:00"),
    "summer time": (summer_time(), "hourly", ["load"], [100], "2021-03-27T00:00:00+01:00", "2021-03-31T05:00:00+02:00"),
    "hours as heads": (
        table("Date," + ",".join(f"HE{h}" for h in range(1, 25)), [(d, *V[:24]) for d in DAYS[:10]]),
        "hourly",
        ["value"],
        [240],
        "2021-01-01T01:00:00",
        "2021-01-11T01:00:00",
    ),
    "quarters as heads": (
        table("Region,Year,Q1,Q2,Q3,Q4,Total", [(r, y, 10, 12, 11, 15, 48) for r in "NS" for y in range(2010, 2018)]),
        "quarterly",
        ["N", "S"],
        [32, 32],
        "2010-Q1",
        "2018-Q1",
    ),
    "fiscal years from April": (
        table(
            "FY,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec,Jan,Feb,Mar",
            [(f"{y}-{(y + 1) % 100:02d}", *V[:12]) for y in range(2010, 2016)],
        ),
        "monthly",
        ["value"],
        [72],
        "2010-04",
        "2016-04",
    ),
    "names over names": (
        ",2019,,,,2020,,,\nRegion,Q1,Q2,Q3,Q4,Q1,Q2,Q3,Q4\n"
        + "\n".join(f"{r}," + ",".join(map(str, V[:8])) for r in "NS"),
        "quarterly",
        ["N", "S"],
        [8, 8],
        "2019-Q1",
        "2021-Q1",
    ),
    "row names": (
        '"date","value"\n' + "\n".join(f'"{i + 1}",{m},{V[i]}' for i, m in enumerate(MONTHS)),
        "monthly",
        ["value"],
        [48],
        "2015-01",
        "2019-01",
    ),
    "markdown": (
        table("| date | value |\n|------|------:|", [(f"| {m} | {V[i]} |",) for i, m in enumerate(MONTHS)]),
        "monthly",
        ["value"],
        [48],
        "2015-01",
        "2019-01",
    ),
    "weeks and years": (
        table("KW;Jahr;Absatz", [(w, y, int(V[w])) for y in (2019, 2020) for w in range(1, 53)], ";"),
        "weekly",
        ["Absatz"],
        [104],
        "2018-12-31",
        "2020-12-28",
    ),
    "footnotes": (
        table("Year,Value", [(f"{1980 + i}{'(p)' if i > 37 else ''}", V[i]) for i in range(40)]),
        "yearly",
        ["Value"],
        [40],
        "1980",
        "2020",
    ),
    "short first rows": (
        table("date,a,b", [(m, V[i]) if i < 10 else (m, V[i], V[i]) for i, m in enumerate(MONTHS)]),
        "monthly",
        ["a", "b"],
        [48, 38],
        "2015-01",
        "2019-01",
    ),
    "hour 24": (
        table("Date,Hour,MW", [(day(d, "%m/%d/%Y"), h, V[h]) for d in DAYS[:14] for h in range(1, 25)]),
        "hourly",
        ["MW"],
        [336],
        "2021-01-01T01:00:00",
        "2021-01-15T01:00:00",
    ),
    "half months": (
        table("date,v", [(f"2020-{m:02d}-{d:02d}", V[2 * m]) for m in range(1, 13) for d in (1, 15)]),
        "half-monthly",
        ["v"],
        [24],
        "2020-01-01",
        "2021-01-01",
    ),
    "closed on Sundays": (
        table("date,v", [(d, V[i]) for i, d in enumerate(DAYS[:120]) if dt.date.fromisoformat(d).weekday() != 6]),
        "daily without Sundays",
        ["v"],
        [103],
        "2021-01-01",
        "2021-05-01",
    ),
    "a status": (
        table("date,value,status", [(m, V[i], "final" if i < 40 else "provisional") for i, m in enumerate(MONTHS)]),
        "monthly",
        ["value"],
        [48],
        "2015-01",
        "2019-01",
    ),
    "a year in the first row of each": (
        table("Jahr;Monat;Umsatz", [("" if i % 12 else 2015 + i // 12, i % 12 + 1, V[i]) for i in range(48)], ";"),
        "monthly",
        ["Umsatz"],
        [48],
        "2015-01",
        "2019-01",
    ),
    "hours from and to": (
        table("MTU (CET),Price", [(f"01.01.2021 {h:02d}:00 - 01.01.2021 {h + 1:02d}:00", V[h]) for h in range(23)]),
        "hourly",
        ["Price"],
        [23],
        "2021-01-01T00:00:00",
        "2021-01-01T23:00:00",
    ),
    "units below the names": (
        table("Zeit,Kraft,Weg\n[s],[N],[mm]", [(f"{i * 0.5:.1f}", V[i], V[i] / 100) for i in range(100)]),
        "numbered",
        ["Kraft [N]", "Weg [mm]"],
        [100, 100],
        "0.0",
        "50.0",
    ),
    "totals beside": (
        table("date,value", [*((m, V[i]) for i, m in enumerate(MONTHS)), ("Total", sum(V[:48]))]),
        "monthly",
        ["value"],
        [48],
        "2015-01",
        "2019-01",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_read_right(name, tmp_path):
    text, frequency, names, lengths, first, ahead = SHAPES[name]
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    panel = read_panel(path)
    assert panel.frequency.name == frequency
    assert list(panel.names) == names
    assert [len(values) for values in panel.values] == lengths
    assert format_times(panel.times[0][:1], panel.style) == [first]
    assert format_times(panel.future_times(0, 1), panel.style) == [ahead]


REFUSED = {
    "months alone": (table("month,sales", [(m, 1) for m in ["Jan", "Feb", "Mar", "Apr"] * 4]), "without a year"),
    "days without a year": (table("date,sales", [(f"{d}-Jan", d) for d in range(1, 29)]), "without a year"),
    "decimal commas between commas": (
        table("date,value", [(m, str(V[i]).replace(".", ",")) for i, m in enumerate(MONTHS)]),
        "semicolons",
    ),
    "stacked": (table("date,v", [(m, k * V[i]) for k in (1, 5) for i, m in enumerate(MONTHS)]), "--aggregate sum"),
    "rarely": (
        table("date,v", [(DAYS[i], 1) for i in sorted(np.random.default_rng(0).choice(200, 60, replace=False))]),
        "--gaps zero",
    ),
    "another table": (
        table("date,v", [(m, 1) for m in MONTHS]) + table("week,visits", [(d, 1) for d in DAYS[:9]]),
        "second table",
    ),
    "json": ('[{"date": "2020-01", "v": 1}]', "JSON"),
    "a page": ("<html><table></table></html>", "web page"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_known_is_refused_in_one_line(name, tmp_path):
    text, says = REFUSED[name]
    path = tmp_path / "file.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_panel(path)
    assert "\n" not in str(caught.value)


def write(tmp_path, text):
    path = tmp_path / "file.csv"
    path.write_text(text)
    return path


def test_options_say_what_a_table_means(tmp_path):
    rare = write(tmp_path, table("date,v", [(DAYS[i], 2) for i in range(0, 200) if i % 5 in {0, 3}]))
    assert np.mean(read_panel(rare, Columns(gaps="zero")).values[0] == 0) > 0.5
    assert len(read_panel(rare, Columns(gaps="leave")).values[0]) == 80
    several = write(tmp_path, table("date,v", [(d, k) for d in DAYS[:60] for k in (1, 2, 3)]))
    found = {how: read_panel(several, Columns(aggregate=how)).values[0][0] for how in ("sum", "mean", "last")}
    assert found == {"sum": 6, "mean": 2, "last": 3}
    months = read_panel(several, Columns(frequency="monthly", aggregate="sum"))
    assert (months.frequency.name, months.values[0].tolist()) == ("monthly", [31 * 6, 28 * 6])
    march = write(tmp_path, table("date,v", [(f"01/{d:02d}/2021", V[d]) for d in range(1, 13)]))
    assert read_panel(march, Columns(day_first=True)).frequency.name == "monthly"
    assert read_panel(march, Columns(day_first=False)).frequency.name == "daily"
    assert read_panel(march, Columns(date_format="%m/%d/%Y")).frequency.name == "daily"
    thousand = write(tmp_path, table("date;v", [(m, f"{1 + i}.234") for i, m in enumerate(MONTHS)], ";"))
    assert read_panel(thousand, Columns(decimal=".")).values[0][0] == 1.234
    assert read_panel(thousand, Columns(decimal=",")).values[0][0] == 1234
    shop = write(tmp_path, table("date,v", [(d, V[i]) for i, d in enumerate(DAYS[:60])]))
    open_days = read_panel(shop, Columns(closed=("sat", "sun")))
    assert open_days.frequency.name == "business days"
    assert any("closed" in note for note in open_days.notes)
    for wrong, says in (
        ({"gaps": "fill"}, "zero, bridge or leave"),
        ({"closed": ("funday",)}, "weekdays"),
        ({"decimal": ";"}, "decimal"),
    ):
        with pytest.raises(InputError, match=says):
            Columns(**wrong)
    with pytest.raises(InputError, match="give yearly, quarterly"):
        read_panel(shop, Columns(frequency="fortnightish"))


def test_times_within_a_second_are_counted(tmp_path):
    rows = [(f"2020-06-01 00:00:{i // 50:02d}.{20 * (i % 50):03d}", V[i]) for i in range(200)]
    panel = read_panel(write(tmp_path, table("time,v", rows)))
    assert len(panel.values[0]) == 200
    assert format_times(panel.future_times(0, 1), panel.style) == ["4.00"]


def test_new_rows_keep_the_models_clock(tmp_path):
    fitted = Forecaster(6, train=False, library=False, progress="none").fit(write(tmp_path, summer_time()))
    after = format_times(fitted.panel_.times[0][-1:], fitted.panel_.style)[0]
    assert after == "2021-03-31T04:00:00+02:00"
    fitted.update(
        write(tmp_path, table("time,load", [("2021-03-31T05:00:00+02:00", 1), ("2021-03-31T06:00:00+02:00", 2)]))
    )
    times = fitted.predict().times[0]
    assert format_times(times[:1], fitted.panel_.style) == ["2021-03-31T07:00:00+02:00"]
    assert fitted.panel_.values[0][-2:].tolist() == [1, 2]


def test_what_could_be_read_otherwise_is_said_first_with_its_option(tmp_path):
    march = read_panel(write(tmp_path, table("date,v", [(f"01/{d:02d}/2021", V[d]) for d in range(1, 13)])))
    assert severity(march.notes[0]) == GUESSED
    assert "--month-first" in march.notes[0]
    thousand = read_panel(write(tmp_path, table("date;v", [(m, f"{1 + i}.234") for i, m in enumerate(MONTHS)], ";")))
    assert "--decimal" in thousand.notes[0]
    assert by_severity(["a", Note("b", GUESSED), "a"]) == ("b", "a")


def test_frames_with_several_indexes_repeated_columns_and_zones():
    index = pd.MultiIndex.from_product([["a", "b"], pd.date_range("2020-01-01", periods=30)], names=["shop", "day"])
    panel = read_panel(pd.DataFrame({"sales": np.arange(60.0)}, index=index))
    assert list(panel.names) == ["a", "b"]
    twice = pd.DataFrame(
        np.arange(60.0).reshape(30, 2), columns=["x", "x"], index=pd.date_range("2020-01-01", periods=30)
    )
    found = read_panel(twice)
    assert list(found.names) == ["x", "x 2"]
    assert any("the later ones are numbered" in note for note in found.notes)
    hours = pd.date_range("2021-03-27", periods=60, freq="h", tz="Europe/Berlin")
    zoned = read_panel(pd.Series(np.arange(60.0), index=hours, name="load"))
    assert len(zoned.values[0]) == 60
    assert format_times(zoned.times[0][[0, -1]], zoned.style) == [
        "2021-03-27T00:00:00+01:00",
        "2021-03-29T12:00:00+02:00",
    ]
    days = pd.date_range("2021-03-27", periods=60, tz="Europe/Berlin")
    assert read_panel(pd.DataFrame({"t": days, "v": range(60)})).frequency.name == "daily"
    prices = pd.MultiIndex.from_product([["Open", "High", "Low", "Close"], ["AAA", "BBB"]])
    frame = pd.DataFrame(
        np.random.default_rng(0).random((40, 8)) + 1, columns=prices, index=pd.bdate_range("2021-01-01", periods=40)
    )
    assert list(read_panel(frame).names) == ["AAA", "BBB"]
    big = pd.DataFrame(
        {"id": [2**60 + 1, 2**60 + 2] * 20, "t": np.repeat(pd.date_range("2020-01-01", periods=20), 2), "v": range(40)}
    )
    assert list(read_panel(big).names) == [str(2**60 + 1), str(2**60 + 2)]


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["987", "1.012", "1.608"], 1608),
        (["0.987", "1.012", "1.608"], 1.608),
        (["12,5", "13", "1.250,75"], 1250.75),
        (["1'234.50", "999.00", "1'000.25"], 1000.25),
        (["100.00-", "50.00", "25.00-"], -25),
        (["12.3 p", "4.5", "6.7 b"], 6.7),
        (["1.2k", "5", "3M"], 3e6),
        (["12 kg", "500 g", "4 g"], np.nan),
        (["5.1*", "6.2", "12.500 [1]"], 12.5),
        (["-999", "5", "6", "7", "8"], 8),
    ],
)
def test_numbers_by_the_whole_column(cells, value):
    np.testing.assert_equal(read_numbers(cells).values[-1], value)


def test_a_mark_that_could_be_either_is_not_certain():
    assert not find_mark(["1.234", "2.345"]).certain
    assert find_mark(["1.234", "2.345"], usual=",").decimal == ","
    assert find_mark(["987", "1.012"]).certain


def test_dates_are_weighed_by_their_calendar():
    months = [f"{m}/1/{y}" for y in (2014, 2015) for m in range(1, 13)]
    best, other = readings(months)[:2]
    assert (best.how, other.how) == ("month first", "day first")
    assert other.cost > best.cost + 1
    june = readings(["15. lipanj 2006 01:00", "15. lipanj 2006 02:00"])[0]
    assert str(june.times[0]) == "2006-06-15T01:00:00"


@pytest.mark.parametrize(
    ("times", "name"),
    [
        ([f"2020-{m:02d}-{d:02d}" for m in range(1, 13) for d in (1, 11, 21)], "dekads"),
        (np.datetime64("2018-01-28") + 7 * np.cumsum([0, *[4, 5, 4] * 8]), "4-4-5 months"),
        (np.datetime64("2020-01-01") + 30 * np.arange(20), "every 30 days"),
        (np.datetime64("2020-01-01") + 14 * np.arange(20), "every 2 weeks"),
        (
            [
                f"2022-05-{d:02d}T{h:02d}:30"
                for d in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20)
                for h in range(9, 17)
            ],
            "hourly in opening hours",
        ),
    ],
)
def test_calendars_of_other_kinds_go_on_as_they_are(times, name):
    stamps = np.array(times, "datetime64[s]")
    frequency = detect_frequency([stamps[:-3]])
    assert frequency.name == name
    places = frequency.positions(stamps)
    assert np.array_equal(np.diff(places), np.ones(len(stamps) - 1))
    assert np.array_equal(frequency.times(places), stamps)
    assert Frequency.from_dict(frequency.to_dict()) == frequency
