"""A column of text into times: every way to read it, weighed by what calendar each would make.

A cell alone cannot say whether 03/04/2021 is in March or in April. So a column is read in each way that its shapes
allow (day first, month first, a month or a fiscal year, ...), and the ways are ordered by how many cells they read, how
few holes their grid has, how round its starts are and how like the calendars that people keep.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.cells import DAYS, Clock, Parts, read_clock, take_apart, take_date_apart
from latchwork.forecasting.reading.civil import LEAST_YEAR, MOST_YEAR, civil
from latchwork.forecasting.reading.words import readings_of_months
from latchwork.forecasting.reading.zones import in_zone, settle_zone
from latchwork.transforms.calendar import DAY, WEEK, Frequency, Times, detect_frequency

ORDERS = {
    "n/n/y": ("day first", "month first"),
    "n/n/n": ("day first", "month first", "year first"),
    "y-n-n": ("year first", "year, day, month"),
    "y-n": ("months", "fiscal years"),
    "n/n": ("months", "year first"),
    "nnnnnn": ("months", "weeks", "year first", "day first", "month first"),
    "nnnnnnnn": ("year first", "day first", "month first"),
    "n mon n": ("day first", "year first"),
}
STYLES = {
    "year": "year", "fiscal": "fiscal", "half": "half", "quarter": "quarter", "month": "month", "mon y": "month",
    "y-n": "month", "n/y": "month", "n/n": "month", "mon n": "month", "n mon": "month",
}  # fmt: skip
COARSENESS = {"time": 0, "day": 0, "month": 1, "quarter": 2, "half": 3, "year": 4, "fiscal": 4}
UNREAD, HOLES, BACKWARDS, IRREGULAR = 12.0, 2.5, 1.5, 1.6  # what each costs a way of reading
RARE = {"year, day, month": 0.5, "weeks": 0.05}
CLOSE = 0.2  # two ways whose costs differ by less are both possible


@dataclass(frozen=True)
class Reading:
    """One way to read a column of times.

    times: NaT where a cell is no time. style: how to write such times, for `format_times`. how: in words, "" where
    there is only one way. cost: of `cost_of`, the lower the better. coarse: cells of a coarser kind than the others, a
    year among months (their times are NaT). fractions: parts of a second, None where there are none.
    """

    times: Times
    style: str
    how: str = ""
    cost: float = 0.0
    coarse: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    fractions: NDArray[np.float64] | None = None

    @property
    def share(self) -> float:
        """Share of the cells that are times."""
        return float(np.mean(~np.isnat(self.times))) if len(self.times) else 0.0


def parse_times(cells: Sequence[str]) -> Reading:
    """The best way to read a column of dates; all NaT where there is none.

    Example: str(parse_times(["1/1/2014", "2/1/2014", "3/1/2014"]).times[1]) == "2014-02-01T00:00:00"
    """
    found = readings(cells)
    return found[0] if found else Reading(np.full(len(cells), np.datetime64("NaT"), "datetime64[s]"), "day")


def readings(cells: Sequence[str], told: str | None = None) -> list[Reading]:
    """All ways to read a column that read most of what can be read, best first.

    told: "day first" or "month first" where the user says so.
    """
    fast = _iso(cells)
    if fast is not None:
        return [fast]
    column = _Column.of(cells)
    if not column.shapes:
        return []
    found = [reading for way in column.ways(told) if (reading := column.read(way)) is not None]
    distinct: list[Reading] = []
    for reading in sorted(found, key=lambda r: r.cost):
        if not any(np.array_equal(reading.times, other.times, equal_nan=True) for other in distinct):
            distinct.append(reading)
    return distinct


def read_as(cells: Sequence[str], pattern: str) -> Reading:
    """A column under the user's own pattern, as `strptime` writes it: "%d.%m.%Y %H:%M"."""
    import datetime as dt

    known: dict[str, np.datetime64] = {}
    for cell in dict.fromkeys(cells):
        try:
            stamp = dt.datetime.strptime(cell.strip(), pattern)
            known[cell] = np.datetime64(stamp.replace(tzinfo=None), "s")
        except ValueError:
            known[cell] = np.datetime64("NaT")
    times = np.array([known[cell] for cell in cells], dtype="datetime64[s]")
    style = "time" if re.search(r"%[HIMSXcp]", pattern) else "day" if re.search(r"%[djxcUWuA]", pattern) else "month"
    return Reading(times, style if "%m" in pattern or "%b" in pattern or style != "month" else "year", "--date-format")


def _iso(cells: Sequence[str]) -> Reading | None:
    """The common case, a million rows in half a second: one ISO shape throughout."""
    first = cells[0] if len(cells) else ""
    if not re.fullmatch(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?Z?)?)?", first) or first[-2:] == "24":
        return None
    if any(len(cell) != len(first) for cell in cells):
        return None
    zoned = first.endswith("Z")
    try:
        times = np.array([cell[:-1] for cell in cells] if zoned else cells, dtype="datetime64[s]")
    except ValueError:
        return None
    if len(first) == 7 and _all_fiscal(cells):
        return None
    style = {7: "month", 10: "day"}.get(len(first), "time")
    return Reading(times, style + ("@Z" if zoned else ""), coarse=np.zeros(len(cells), bool))


def _all_fiscal(cells: Sequence[str]) -> bool:
    """Whether each of some cells is a year and the next: 2000-01, 2001-02."""
    return len(cells) > 1 and all(int(cell[5:]) == (int(cell[:4]) + 1) % 100 for cell in set(cells))


@dataclass(frozen=True)
class _Way:
    """A way to read: the order of numbers, and what words for months mean."""

    order: str
    months: int


@dataclass(frozen=True)
class _Column:
    """The cells of a column taken apart, each different date once."""

    dates: list[Parts | None]
    codes: NDArray[np.int64]
    clocks: NDArray[np.float64]
    offsets: NDArray[np.float64]
    timed: bool
    shapes: tuple[str, ...]
    meanings: list[dict[str, int]]

    @staticmethod
    def of(cells: Sequence[str]) -> _Column:
        """Take every cell apart; dates and clocks are read once each, however often they come."""
        places: dict[Parts | None, int] = {None: 0}
        seen: dict[str, tuple[int, Clock | None]] = {}
        codes, clocks, offsets = np.zeros(len(cells), np.int64), np.zeros(len(cells)), np.full(len(cells), np.nan)
        timed = 0
        for row, cell in enumerate(cells):
            found = seen.get(cell)
            if found is None:
                parts = _apart(cell)
                date = None if parts is None else parts._replace(clock=None)
                found = places.setdefault(date, len(places)), None if parts is None else parts.clock
                seen[cell] = found
            codes[row] = found[0]
            if found[1] is not None:
                clocks[row] = found[1].seconds
                timed += 1
                if found[1].zone is not None:
                    offsets[row] = found[1].zone
        dates = list(places)
        shapes = tuple(dict.fromkeys(p.shape for p in dates if p is not None))
        words = {p.word for p in dates if p is not None and p.word and p.shape != "nnnnnnnn"}
        meanings = readings_of_months(words) if words else [{}]
        return _Column(dates, codes, clocks, offsets, timed > 0, shapes, meanings or [{}])

    def ways(self, told: str | None) -> list[_Way]:
        """The ways that the column's shapes leave open."""
        options = [ORDERS[shape] for shape in self.shapes if shape in ORDERS]
        orders = list(dict.fromkeys(order for option in options for order in option)) or [""]
        if told and any(told in option for option in options):
            orders = [told]
        return [_Way(order, months) for order, months in product(orders, range(len(self.meanings)))]

    def read(self, way: _Way) -> Reading | None:
        """The column read in one way, None where that reads nothing."""
        days, styles = _dates_of(self.dates, way.order, self.meanings[way.months])
        kinds = np.array([COARSENESS.get(style, 0) for style in styles])[self.codes]
        local = days[self.codes].astype("datetime64[s]") + np.floor(self.clocks).astype("timedelta64[s]")
        valid = ~np.isnat(local)
        if not valid.any():
            return None
        usual = int(np.bincount(kinds[valid]).argmax())
        coarse = valid & (kinds > usual)
        style = next(s for s, k in zip(np.array(styles)[self.codes], kinds, strict=True) if k == usual and s)
        if coarse.mean() <= 0.34:
            local[coarse] = np.datetime64("NaT")
        elif coarse.any():
            return None
        style = "time" if self.timed and style == "day" else str(style)
        times, zone = settle_zone(local, self.offsets)
        parts = self.clocks - np.floor(self.clocks)
        reading = Reading(
            times, style + (f"@{zone}" if zone else ""), way.order, 0.0, coarse, parts if parts.any() else None
        )
        unread = float(np.mean(~valid))
        return replace(reading, cost=UNREAD * unread + cost_of(times) + RARE.get(way.order, 0.0))


def _apart(cell: str) -> Parts | None:
    """`take_apart`, quicker where one blank divides date and clock."""
    date, blank, clock = cell.partition(" ")
    if blank and ":" in clock and " " not in clock:
        parts, time = take_date_apart(date), _cached_clock(clock)
        if parts is not None and time is not None and parts.shape in DAYS:
            return parts._replace(clock=time)
    return take_apart(cell)


_clocks: dict[str, Clock | None] = {}


def _cached_clock(text: str) -> Clock | None:
    if text not in _clocks:
        if len(_clocks) > 200_000:
            _clocks.clear()
        _clocks[text] = read_clock(text)
    return _clocks[text]


def _dates_of(dates: list[Parts | None], order: str, months: dict[str, int]) -> tuple[Times, list[str]]:
    """Each different date as a day (NaT where it is none under this order), and its style."""
    numbers = np.zeros((len(dates), 3), np.int64)
    styles = [""] * len(dates)
    for row, parts in enumerate(dates):
        if parts is not None:
            numbers[row] = civil(parts, order, months)
            styles[row] = "fiscal" if parts.shape == "y-n" and order == "fiscal years" else _style(parts.shape, order)
    year, month, day = numbers.T
    good = (year >= LEAST_YEAR) & (year <= MOST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    index = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    length = ((index + 1).astype("datetime64[D]") - index.astype("datetime64[D]")).astype(np.int64)
    week = np.array([parts is not None and _is_week(parts, order) for parts in dates])
    found = index.astype("datetime64[D]") + (day - 1)
    found[~(good & ((day <= length) | week))] = np.datetime64("NaT")
    return found, styles


def _style(shape: str, order: str) -> str:
    if shape == "nnnnnn":
        return "month" if order == "months" else "day"
    return STYLES.get(shape, "day")


def _is_week(parts: Parts, order: str) -> bool:
    return parts.shape == "week" or (parts.shape == "nnnnnn" and order == "weeks")


def cost_of(times: Times) -> float:
    """How unlike a calendar that people keep a column's times are: holes, steps backwards, odd steps, odd starts."""
    known = times[~np.isnat(times)]
    different = np.unique(known)
    if len(different) < 2:
        return 0.5
    steps = np.diff(known.astype(np.int64))
    backwards = min(float(np.mean(steps < 0)), float(np.mean(steps > 0)))
    try:
        frequency = detect_frequency([different])
    except InputError:
        return BACKWARDS * backwards + IRREGULAR
    return BACKWARDS * backwards + HOLES * share_of_holes(different, frequency) + oddness(frequency)


def share_of_holes(different: Times, frequency: Frequency) -> float:
    """Share of a grid's places, from the first time to the last, that have no time."""
    places = np.unique(frequency.positions(different))
    return 1 - len(places) / int(places[-1] - places[0] + 1)


def oddness(frequency: Frequency) -> float:
    """How unusual a grid is: 0 for months that begin on the first, more for every eleven days."""
    if frequency.unit == "months":
        start = 0.0 if frequency.day in {0, 1} else 0.05 if frequency.day == 15 else 0.3
        return start + {1: 0.0, 3: 0.0, 12: 0.0, 2: 0.1, 4: 0.1, 6: 0.05}.get(frequency.step, 0.5)
    if frequency.unit == "seconds":
        step = frequency.step
        if step in {DAY, WEEK}:
            return 0.02
        if step < DAY:
            return 0.0 if DAY % step == 0 else 0.3
        return 0.1 if step % WEEK == 0 else 0.45
    return 0.05


def format_times(times: Times, style: str) -> list[str]:
    """Times as text, as precise as the data wrote them and in their zone."""
    kind, _, zone = style.partition("@")
    if kind.startswith("number"):
        return _format_numbers(times, kind)
    months = times.astype("datetime64[M]").astype(np.int64)
    if kind == "quarter":
        return [f"{1970 + m // 12}-Q{m % 12 // 3 + 1}" for m in months]
    if kind == "half":
        return [f"{1970 + m // 12}-H{m % 12 // 6 + 1}" for m in months]
    if kind == "fiscal":
        return [f"{1970 + m // 12}-{(1971 + m // 12) % 100:02d}" for m in months]
    unit = {"year": "Y", "month": "M", "day": "D"}.get(kind, "s")
    texts = [str(text) for text in np.datetime_as_string(times.astype(f"datetime64[{unit}]"))]
    return in_zone(times, texts, zone) if kind == "time" else texts


def is_numbered(style: str) -> bool:
    """Whether times of a style are counts and no dates."""
    return style.startswith("number")


def numbered_style(start: float, step: float) -> str:
    """The style of counts that are `start` and `step` further each: seconds of a measurement."""
    return "number" if (start, step) == (0.0, 1.0) else f"number:{start!r}:{step!r}"


def _format_numbers(times: Times, style: str) -> list[str]:
    counts = times.astype(np.int64)
    if style == "number":
        return [str(n) for n in counts]
    start, step = (float(part) for part in style.split(":")[1:])
    places = max(_decimals(start), _decimals(step))
    return [f"{start + step * n:.{places}f}" for n in counts]


def _decimals(number: float) -> int:
    text = f"{number:.9f}".rstrip("0")
    return len(text.partition(".")[2])
