"""Text into times: the ways people write dates, found from the values and never from the machine's locale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from latchwork.transforms.calendar import Times, detect_frequency

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_CLOCK = r"(?:(?:T|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
_WEEKDAY = r"(?:[A-Za-z]{3,9},?\s+)?"
_NUMERIC = re.compile(rf"{_WEEKDAY}(\d{{1,4}})([-/.\s])(\d{{1,2}})\2(\d{{1,4}}){_CLOCK}")
_NAMED = re.compile(rf"{_WEEKDAY}(\d{{1,4}})[-/.\s]+([A-Za-z]{{3,9}})\.?,?[-/.\s]+(\d{{1,4}}){_CLOCK}")
_NAME_FIRST = re.compile(rf"([A-Za-z]{{3,9}})\.?\s+(\d{{1,2}}),?\s+(\d{{4}}){_CLOCK}")
_YEAR_MONTH = re.compile(r"(\d{4})[-/.\sMm]+(\d{1,2})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_NAMED_MONTH = re.compile(r"([A-Za-z]{3,9})\.?[-/.\s,']*(\d{2,4})")
_YEAR_NAMED = re.compile(r"(\d{4})[-/.\s]*([A-Za-z]{3,9})")
_QUARTER = re.compile(r"(\d{4})[-/.\s]*[Qq]([1-4])")
_QUARTER_FIRST = re.compile(r"[Qq]([1-4])[-/.\s]*(\d{4})")
_WEEK = re.compile(r"(\d{4})-?W(\d{2})(?:-?(\d))?")
_COMPACT = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_CLOCK}")
_YEAR = re.compile(r"(\d{4})")

Parts = tuple[int, int, int, int]  # year, month, day, seconds of the day
NOT_A_TIME = np.datetime64("NaT", "s")


@dataclass(frozen=True)
class ParsedTimes:
    """Times of a column (NaT where a cell is no date) and how they were written."""

    times: Times
    style: str


def parse_times(cells: Sequence[str]) -> ParsedTimes:
    """Read a column of dates.

    Whether 03/04/2021 is the third of April or the fourth of March is decided over the whole column: by a
    number above twelve where there is one, else by which reading lies on a regular grid.
    """
    fast = _iso(cells)
    if fast is not None:
        return fast
    readings = {order: _read(cells, order) for order in ("day first", "month first")}
    valid = {order: int((~np.isnat(r.times)).sum()) for order, r in readings.items()}
    if valid["day first"] != valid["month first"]:
        return readings[max(valid, key=lambda order: valid[order])]
    if np.array_equal(readings["day first"].times, readings["month first"].times, equal_nan=True):
        return readings["day first"]
    return min(readings.values(), key=lambda r: _disorder(r.times))


def _iso(cells: Sequence[str]) -> ParsedTimes | None:
    """The common case, a million rows in half a second: one ISO shape throughout."""
    first = cells[0] if len(cells) else ""
    if not re.fullmatch(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?)?Z?", first):
        return None
    if any(len(cell) != len(first) for cell in cells):
        return None
    bare = [cell.rstrip("Z") for cell in cells]
    try:
        times = np.array(bare, dtype="datetime64[s]")
    except ValueError:
        return None
    return ParsedTimes(times, style_of(first))


def _disorder(times: Times) -> float:
    times = times[~np.isnat(times)]
    backwards = float(np.mean(np.diff(times.astype(np.int64)) < 0)) if len(times) > 1 else 0.0
    try:
        regular = detect_frequency([np.unique(times)]).unit != ""
    except ValueError:
        regular = False
    return backwards + (0.0 if regular else 1.0)


def _read(cells: Sequence[str], order: str) -> ParsedTimes:
    known: dict[str, np.datetime64] = {}
    times = np.empty(len(cells), dtype="datetime64[s]")
    for row, cell in enumerate(cells):
        if cell not in known:
            known[cell] = _time(cell.strip(), order)
        times[row] = known[cell]
    valid = np.flatnonzero(~np.isnat(times))
    return ParsedTimes(times, style_of(cells[int(valid[0])]) if valid.size else "iso")


def _time(cell: str, order: str) -> np.datetime64:
    for pattern, reader in _READERS:
        match = pattern.fullmatch(cell)
        if match:
            try:
                return reader(match, order)
            except (ValueError, KeyError):
                continue
    return NOT_A_TIME


def _stamp(year: int, month: int, day: int = 1, clock: int = 0) -> np.datetime64:
    if not 1 <= month <= 12:
        raise ValueError(month)
    return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "s") + np.timedelta64(clock, "s")


def _clock(hour: str | None, minute: str | None, second: str | None, half: str | None, zone: str | None) -> int:
    if hour is None or minute is None:
        return 0
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    total = hours * 3600 + int(minute) * 60 + int(second or 0)
    if zone and zone[0] in "+-":  # into UTC, so that a change of the clock leaves no gap
        sign = -1 if zone[0] == "+" else 1
        total += sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
    return total


def _full_year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (1900 if year >= 70 else 2000)


def _numeric(match: re.Match[str], order: str) -> np.datetime64:
    a, _, b, c, *clock = match.groups()
    if len(a) == 4:
        return _stamp(int(a), int(b), int(c), _clock(*clock))
    day, month = (a, b) if order == "day first" else (b, a)
    return _stamp(_full_year(c), int(month), int(day), _clock(*clock))


def _named(match: re.Match[str], _: str) -> np.datetime64:
    a, name, c, *clock = match.groups()
    year, day = (a, c) if len(a) == 4 else (c, a)
    return _stamp(_full_year(year), _MONTHS[name.lower()], int(day), _clock(*clock))


def _name_first(match: re.Match[str], _: str) -> np.datetime64:
    name, day, year, *clock = match.groups()
    return _stamp(int(year), _MONTHS[name.lower()], int(day), _clock(*clock))


def _compact(match: re.Match[str], _: str) -> np.datetime64:
    year, month, day, *clock = match.groups()
    return _stamp(int(year), int(month), int(day), _clock(*clock))


def _iso_week(match: re.Match[str], _: str) -> np.datetime64:
    year, week, day = match.groups()
    fourth = np.datetime64(f"{year}-01-04")  # always in week 1
    monday = fourth - np.timedelta64(int((fourth.astype(np.int64) + 3) % 7), "D")
    return (monday + np.timedelta64(7 * (int(week) - 1) + int(day or 1) - 1, "D")).astype("datetime64[s]")


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], np.datetime64]], ...] = (
    (_NUMERIC, _numeric),
    (_NAMED, _named),
    (_NAME_FIRST, _name_first),
    (_YEAR_MONTH, lambda m, _: _stamp(int(m[1]), int(m[2]))),
    (_MONTH_YEAR, lambda m, _: _stamp(int(m[2]), int(m[1]))),
    (_QUARTER, lambda m, _: _stamp(int(m[1]), 3 * int(m[2]) - 2)),
    (_QUARTER_FIRST, lambda m, _: _stamp(int(m[2]), 3 * int(m[1]) - 2)),
    (_WEEK, _iso_week),
    (_NAMED_MONTH, lambda m, _: _stamp(_full_year(m[2]), _MONTHS[m[1].lower()])),
    (_YEAR_NAMED, lambda m, _: _stamp(int(m[1]), _MONTHS[m[2].lower()])),
    (_COMPACT, _compact),
    (_YEAR, lambda m, _: _stamp(int(m[1]), 1)),
)


def style_of(cell: str) -> str:
    """How a date was written, as far as an answer should copy it: "year", "month", "day" or "time"."""
    cell = cell.strip()
    if _YEAR.fullmatch(cell):
        return "year"
    if any(p.fullmatch(cell) for p in (_YEAR_MONTH, _MONTH_YEAR, _NAMED_MONTH, _YEAR_NAMED)):
        return "month"
    if _QUARTER.fullmatch(cell) or _QUARTER_FIRST.fullmatch(cell):
        return "quarter"
    return "time" if re.search(r"\d{1,2}:\d{2}", cell) else "day"


def format_times(times: Times, style: str) -> list[str]:
    """Times as text, as precise as the data wrote them."""
    if style == "number":
        return [str(n) for n in times.astype(np.int64)]
    if style == "quarter":
        months = times.astype("datetime64[M]").astype(np.int64)
        return [f"{1970 + m // 12}-Q{m % 12 // 3 + 1}" for m in months]
    unit = {"year": "Y", "month": "M", "day": "D"}.get(style, "s")
    return [str(text) for text in np.datetime_as_string(times.astype(f"datetime64[{unit}]"))]
