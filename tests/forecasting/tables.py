"""Random tables of known content: layout x date form x separator x decimal x language x damage.

`make(seed)` gives the bytes of a file and what is in it; `judge` reads the file and says whether that came out:
"right", "refused" (in words), "asked" (read otherwise, and the first notes name the option that reads it right), or
what is wrong.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.notes import GUESSED, severity
from latchwork.forecasting.reading.read import read_panel

MONTHS = {
    "English": "January February March April May June July August September October November December",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Polish": "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "Czech": "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    "Swedish": "januari februari mars april maj juni juli augusti september oktober november december",
    "Finnish": "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu"
    " syyskuu lokakuu marraskuu joulukuu",
    "Hungarian": "január február március április május június július augusztus szeptember október november december",
    "Croatian": "siječanj veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan listopad studeni prosinac",
    "Turkish": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "Russian": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "Greek": "Ιανουάριος Φεβρουάριος Μάρτιος Απρίλιος Μάιος Ιούνιος Ιούλιος Αύγουστος"
    " Σεπτέμβριος Οκτώβριος Νοέμβριος Δεκέμβριος",
}
SHORT = {"English": 3, "German": 3, "Dutch": 3, "Spanish": 3, "Italian": 3, "Swedish": 3, "Portuguese": 3}
STEPS = ("monthly", "quarterly", "yearly", "weekly", "daily", "business days", "hourly", "half-hourly")
NAMES = ("north", "south", "Böblingen", "Shop 7", "A", "FR", "0007", "12", "east-side", "x y z")
KEYS = ("shop", "store", "region", "item", "site", "country", "sku", "Filiale")
VALUES = ("sales", "value", "Umsatz", "kwh", "amount", "y", "units sold", "Wert", "ventes")
MISSING = ("", "NA", "n/a", "-", "...", "NULL", "k.A.", "#N/A")


@dataclass(frozen=True)
class Made:
    """A file and what is in it: times [length] on a grid, values of each series by name, NaN for what is not there."""

    data: bytes
    times: np.ndarray
    values: dict[str, np.ndarray]
    frequency: str
    how: dict[str, str] = field(default_factory=dict)


def make(seed: int) -> Made:
    """A random table."""
    rng = np.random.default_rng(seed)
    pick = lambda options: options[int(rng.integers(len(options)))]  # noqa: E731
    step = pick(STEPS)
    layout = pick(["one", "one", "flat", "long", "long", "keys", "wide", "grid", "split", "blocks"])
    if layout == "grid":
        step = pick(["monthly", "quarterly", "hourly"])
    if layout == "split":
        step = pick(["monthly", "quarterly", "hourly", "half-hourly", "daily", "weekly"])
    if layout == "wide":
        step = pick(["monthly", "quarterly", "yearly", "weekly", "daily"])
    length = int(rng.integers(14, 70)) if step != "yearly" else int(rng.integers(12, 40))
    times = _grid(rng, step, length)
    if layout == "grid":
        times = _whole_periods(times, step)
        length = len(times)
    count = 1 if layout in {"one", "grid", "split"} else int(rng.integers(2, 5))
    places, size = pick([0, 0, 1, 2, 3, 5]), float(10 ** rng.uniform(0.5, 5.5))
    values = {}
    for i in range(count):
        walk = size * (1 + i) * np.exp(0.15 * rng.normal(size=length) + 0.02 * rng.normal(size=length).cumsum())
        values[str(i)] = np.maximum(np.round(walk, places), 10.0**-places)
    how = {"layout": layout, "step": step}
    return _written(rng, pick, how, times, values, places)


def _grid(rng: np.random.Generator, step: str, length: int) -> np.ndarray:
    month = np.datetime64("1995-01") + int(rng.integers(0, 300))
    count = np.arange(length)
    if step in {"monthly", "quarterly", "yearly"}:
        months = {"monthly": 1, "quarterly": 3, "yearly": 12}[step]
        start = month - month.astype(int) % (months if months < 12 else 12)
        return (start + months * count).astype("datetime64[s]")
    day = month.astype("datetime64[D]") + int(rng.integers(0, 28))
    if step == "business days":
        return np.busday_offset(day, count, roll="forward").astype("datetime64[s]")
    seconds = {"weekly": 7 * 86400, "daily": 86400, "hourly": 3600, "half-hourly": 1800}[step]
    return day.astype("datetime64[s]") + count * np.timedelta64(seconds, "s")


def _whole_periods(times: np.ndarray, step: str) -> np.ndarray:
    """Whole years or days, as a table of a period a row has them."""
    unit, inner = ("D", 3600) if step == "hourly" else ("Y", 0)
    first = times[0].astype(f"datetime64[{unit}]")
    rows = 8 if step == "hourly" else 6
    if inner:
        return first.astype("datetime64[s]") + np.arange(24 * rows) * np.timedelta64(inner, "s")
    months = {"monthly": 1, "quarterly": 3}[step]
    return (first.astype("datetime64[M]") + months * np.arange(12 // months * rows)).astype("datetime64[s]")


# --- dates in words


def _date_writer(rng: np.random.Generator, pick: Callable, how: dict[str, str], step: str) -> Callable:
    """How every date of one file is written."""
    language = pick(list(MONTHS))
    words = MONTHS[language].split()
    if language in SHORT and rng.random() < 0.6:
        words = [w[: SHORT[language]] for w in words]
    forms: dict[str, Callable] = {
        "iso": lambda d: str(d.astype("datetime64[D]")),
        "slashes, day first": lambda d: f"{_day(d):02d}/{_month(d):02d}/{_year(d)}",
        "slashes, month first": lambda d: f"{_month(d)}/{_day(d)}/{_year(d)}",
        "dots": lambda d: f"{_day(d):02d}.{_month(d):02d}.{_year(d)}",
        "dots, short year": lambda d: f"{_day(d):02d}.{_month(d):02d}.{_year(d) % 100:02d}",
        "month first, short year": lambda d: f"{_month(d)}/{_day(d)}/{_year(d) % 100:02d}",
        "year with slashes": lambda d: f"{_year(d)}/{_month(d):02d}/{_day(d):02d}",
        "compact": lambda d: f"{_year(d)}{_month(d):02d}{_day(d):02d}",
        "words": lambda d: f"{_day(d)}. {words[_month(d) - 1]} {_year(d)}",
        "words, dashes": lambda d: f"{_day(d):02d}-{words[_month(d) - 1]}-{_year(d)}",
    }
    months: dict[str, Callable] = {
        "iso month": lambda d: str(d.astype("datetime64[M]")),
        "month and year": lambda d: f"{_month(d):02d}/{_year(d)}",
        "word and year": lambda d: f"{words[_month(d) - 1]} {_year(d)}",
        "year and word": lambda d: f"{_year(d)} {words[_month(d) - 1]}",
        "compact month": lambda d: f"{_year(d)}{_month(d):02d}",
        "statistics": lambda d: f"{_year(d)}M{_month(d):02d}",
        "excel": lambda d: str(int(d.astype("datetime64[D]").astype(int)) + 25569),
    }
    quarters: dict[str, Callable] = {
        "2013Q1": lambda d: f"{_year(d)}Q{_month(d) // 3 + 1}",
        "Q1 2013": lambda d: f"Q{_month(d) // 3 + 1} {_year(d)}",
        "2013-Q1": lambda d: f"{_year(d)}-Q{_month(d) // 3 + 1}",
        "1. Quartal 2013": lambda d: f"{_month(d) // 3 + 1}. Quartal {_year(d)}",
        "T1 2013": lambda d: f"T{_month(d) // 3 + 1} {_year(d)}",
    }
    years: dict[str, Callable] = {
        "2013": lambda d: str(_year(d)),
        "2013/14": lambda d: f"{_year(d)}/{(_year(d) + 1) % 100:02d}",
        "2013-2014": lambda d: f"{_year(d)}-{_year(d) + 1}",
        "FY2013": lambda d: f"FY{_year(d)}",
    }
    weeks: dict[str, Callable] = {"span": lambda d: f"{d.astype('datetime64[D]')} - {d.astype('datetime64[D]') + 6}"}
    own = {"monthly": months, "quarterly": quarters, "yearly": years, "weekly": weeks}.get(step, {})
    every = {**forms, **own, **own}
    name = pick([*forms, *own, *own, *own])
    how["dates"] = name + (f", {language}" if "word" in name else "")
    write = every[name]
    if step in {"hourly", "half-hourly"}:
        clock = pick(["%H:%M", "%H:%M:%S", "%I:%M %p"])
        joint = "T" if name == "iso" and clock != "%I:%M %p" and rng.random() < 0.5 else " "
        how["clock"] = joint + clock
        return lambda d: write(d) + joint + d.astype("datetime64[s]").astype(object).strftime(clock)
    return write


def _year(d: np.datetime64) -> int:
    return int(d.astype("datetime64[Y]").astype(int)) + 1970


def _month(d: np.datetime64) -> int:
    return int(d.astype("datetime64[M]").astype(int)) % 12 + 1


def _day(d: np.datetime64) -> int:
    return int((d.astype("datetime64[D]") - d.astype("datetime64[M]").astype("datetime64[D]")).astype(int)) + 1


# --- numbers in words


def _number_writer(
    rng: np.random.Generator, pick: Callable, how: dict[str, str], places: int, separator: str
) -> Callable:
    decimal = pick([".", ".", ","]) if separator != "," else pick([".", ".", ".", ","])
    thousands = pick(["", "", "", "group", " ", "'"])
    group = "," if decimal == "." else "."
    unit = pick(["", "", "", "", "", "%", " €", "$", " kWh"])
    how["numbers"] = f"{places} places, decimal {decimal}, thousands {thousands!r}, unit {unit!r}"

    def write(value: float) -> str:
        text = f"{value:,.{places}f}"
        mark = {"group": group}.get(thousands, thousands)
        text = text.replace(",", "\0").replace(".", decimal).replace("\0", mark)
        return unit + text if unit == "$" else text + unit

    return write


def _written(
    rng: np.random.Generator,
    pick: Callable,
    how: dict[str, str],
    times: np.ndarray,
    values: dict[str, np.ndarray],
    places: int,
) -> Made:
    separator = pick([",", ",", ";", "\t", "|"])
    how["separator"] = separator
    layout, step = how["layout"], how["step"]
    number = _number_writer(rng, pick, how, places, separator)
    date = _date_writer(rng, pick, how, step)
    missing = pick(MISSING)
    if rng.random() < 0.3:
        how["missing"] = missing
        for series in values.values():
            holes = rng.integers(2, len(times) - 2, max(1, len(times) // 25))
            series[holes] = np.nan

    def cell(value: float) -> str:
        return missing if np.isnan(value) else number(value)

    names = [str(name) for name in rng.permutation(NAMES)[: len(values)]]
    renamed = dict(zip(names, values.values(), strict=True))
    head = pick(["date", "Date", "Datum", "month", "time", "period", "timestamp"])
    rows, truth = LAYOUTS[layout](rng, pick, how, times, renamed, date, cell, head)
    data = _damaged(rng, pick, how, rows, separator)
    return Made(data, times, truth, step, how)


def _one(rng, pick, how, times, values, date, cell, head):
    target = pick(VALUES)
    (series,) = values.values()
    return _with_columns(
        rng, how, [[head, target], *([date(t), cell(v)] for t, v in zip(times, series, strict=True))]
    ), {target: series}


def _flat(rng, pick, how, times, values, date, cell, head):
    named = {f"{pick(['line', 'plant', 'kwh', 'Werk'])} {name}": v for name, v in values.items()}
    body = ([date(t), *(cell(v[i]) for v in named.values())] for i, t in enumerate(times))
    return [[head, *named], *body], named


def _long(rng, pick, how, times, values, date, cell, head):
    order = pick(["series", "time"])
    how["order"] = order
    rows = [(n, i) for n in values for i in range(len(times))]
    rows = rows if order == "series" else sorted(rows, key=lambda row: row[1])
    body = [[n, date(times[i]), cell(values[n][i])] for n, i in rows]
    columns = rng.permutation(3)
    table = [[pick(KEYS), head, pick(VALUES)], *body]
    return _with_columns(rng, how, [[row[c] for c in columns] for row in table]), values


def _keys(rng, pick, how, times, values, date, cell, head):
    pairs = [(a, b) for a in ("KM", "KR") for b in ("Hat", "Mug")][: max(2, len(values))]
    series = list(values.values())
    named = {f"{a} / {b}": series[i % len(series)] * (1 + i // len(series)) for i, (a, b) in enumerate(pairs)}
    if len({a for a, _ in pairs}) < 2:
        pairs = [("KM", "Hat"), ("KR", "Mug"), ("KM", "Mug")]
        named = {f"{a} / {b}": series[i % len(series)] for i, (a, b) in enumerate(pairs)}
    body = [[date(t), a, b, cell(named[f"{a} / {b}"][i])] for i, t in enumerate(times) for a, b in pairs]
    return _with_columns(rng, how, [[head, "store", "product", pick(VALUES)], *body]), named


def _wide(rng, pick, how, times, values, date, cell, head):
    rows = [["name", *(date(t) for t in times)]]
    if rng.random() < 0.4:
        how["beside"] = "coordinates"
        rows[0][1:1] = ["Lat", "Long"]
    for place, (name, series) in enumerate(values.items()):
        mark = "," if "decimal ," in how["numbers"] else "."
        beside = [f"{10 + place}{mark}5", f"{place}{mark}25"] if "beside" in how else []
        rows.append([name, *beside, *(cell(v) for v in series)])
    return rows, values


def _period_rows(rng, pick, how, times, values, date, cell, head):
    (series,) = values.values()
    step = how["step"]
    each = {"monthly": 12, "quarterly": 4, "hourly": 24}[step]
    language = pick(list(MONTHS))
    how["dates"] = f"a period a row, {language}"
    heads = {
        "monthly": MONTHS[language].split(),
        "quarterly": ["Q1", "Q2", "Q3", "Q4"],
        "hourly": [f"{h:02d}:00" for h in range(24)],
    }[step]
    rows = [["day" if step == "hourly" else "Year", *heads]]
    for begin in range(0, len(times), each):
        label = str(times[begin].astype("datetime64[D]")) if step == "hourly" else str(_year(times[begin]))
        rows.append([label, *(cell(v) for v in series[begin : begin + each])])
    return rows, {"value": series}


def _split_times(rng, pick, how, times, values, date, cell, head):
    (series,) = values.values()
    target = pick(VALUES)
    step = how["step"]
    how["dates"] = "in several columns"
    if step == "quarterly":
        parts = [["Year", "Quarter"], *([str(_year(t)), str(_month(t) // 3 + 1)] for t in times)]
    elif step == "monthly":
        parts = [["Year", "Month"], *([str(_year(t)), str(_month(t))] for t in times)]
    elif step in {"daily", "weekly"}:
        parts = [["year", "month", "day"], *([str(_year(t)), str(_month(t)), str(_day(t))] for t in times)]
    else:
        stamps = [t.astype(object) for t in times]
        parts = [["Date", "Time"], *([s.strftime("%d/%m/%Y"), s.strftime("%H:%M:%S")] for s in stamps)]
    body = [[target], *([cell(v)] for v in series)]
    return _with_columns(rng, how, [[*a, *b] for a, b in zip(parts, body, strict=True)]), {target: series}


def _blocks(rng, pick, how, times, values, date, cell, head):
    """The same header again above each series: two tables end to end."""
    target = pick(VALUES)
    rows = []
    for series in list(values.values())[:2]:
        rows += [[head, target], *([date(t), cell(v)] for t, v in zip(times, series, strict=True))]
    return rows, {f"table {i + 1}": series for i, series in enumerate(list(values.values())[:2])}


LAYOUTS = {
    "one": _one, "flat": _flat, "long": _long, "keys": _keys, "wide": _wide, "grid": _period_rows, 
    "split": _split_times, "blocks": _blocks,
}  # fmt: skip


def _with_columns(rng: np.random.Generator, how: dict[str, str], rows: list[list[str]]) -> list[list[str]]:
    """The rows with columns beside them that say nothing: counters and codes."""
    if rng.random() < 0.3:
        how["counter"] = "yes"
        rows = [[["row_id", str(i - 1)][i > 0], *row] for i, row in enumerate(rows)]
    if rng.random() < 0.2:
        how["code"] = "yes"
        rows = [[*row, ["batch_id", "4711"][i > 0]] for i, row in enumerate(rows)]
    return rows


def _damaged(
    rng: np.random.Generator, pick: Callable, how: dict[str, str], rows: list[list[str]], separator: str
) -> bytes:
    """The rows as a file, as files are found."""
    damage: list[str] = []
    if how["layout"] in {"one", "flat", "split"} and rng.random() < 0.2:
        damage.append("newest first")
        rows = [rows[0], *rows[:0:-1]] if "counter" not in how else rows
    quote = rng.random() < 0.2

    def text_of(row: list[str]) -> str:
        return separator.join(f'"{c}"' if quote or separator in c else c for c in row)

    lines = [text_of(row) for row in rows]
    if rng.random() < 0.15:
        damage.append("title")
        lines[:0] = ["Report of the works", ""]
    if rng.random() < 0.15:
        damage.append("footer")
        lines += ["", "Source: the works"]
    if rng.random() < 0.1:
        damage.append("trailing separators")
        lines = [line + separator if line else line for line in lines]
    if rng.random() < 0.1:
        damage.append("blank lines")
        lines = [piece for line in lines for piece in (line, "")]
    text = pick(["\n", "\n", "\r\n"]).join(lines) + "\n"
    encoding = pick(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    data = text.encode(encoding)
    if rng.random() < 0.1:
        damage.append("gzip")
        data = gzip.compress(data)
    how["damage"] = ", ".join([*damage, encoding])
    return data


# --- judging


def judge(made: Made, path) -> str:
    """What became of a table: "right", "refused: ...", "asked", or what is wrong."""
    path.write_bytes(made.data)
    try:
        panel = read_panel(path)
    except InputError as error:
        return f"refused: {error}" if str(error).strip() and "\n" not in str(error) else "refused without words"
    wrong = _difference(made, panel)
    if wrong is None:
        return "right"
    said = [note for note in panel.notes if severity(note) == GUESSED and "--" in note]
    ambiguous = ("--decimal", "--day-first", "--month-first", "--date-format")
    return "asked" if any(option in note for note in said for option in ambiguous) else wrong


def _difference(made: Made, panel) -> str | None:
    if len(panel) != len(made.values):
        return f"{len(panel)} series ({', '.join(panel.names[:4])}) instead of {len(made.values)}"
    alone = len(panel) == 1
    for name, wanted in made.values.items():
        if not alone and name not in panel.names:
            return f"no series {name!r} among {', '.join(panel.names)}"
        place = 0 if alone else list(panel.names).index(name)
        known = np.flatnonzero(np.isfinite(wanted))
        first, last = known[0], known[-1] + 1
        times, values = panel.times[place], panel.values[place]
        if len(values) != last - first:
            return f"{name}: {len(values)} values instead of {last - first}"
        if not np.array_equal(times.astype("datetime64[s]"), made.times[first:last]):
            return f"{name}: times {times[:3]} instead of {made.times[first : first + 3]}"
        if not np.allclose(values, wanted[first:last], rtol=1e-9, equal_nan=True):
            return f"{name}: values {values[:3]} instead of {wanted[first : first + 3]}"
    return None
