"""A column of numbers as times: years, 202001, Excel's days, seconds since 1970, years in decimals, plain counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.reading.dates import Reading, cost_of, numbered_style, readings
from latchwork.transforms.calendar import DAY, Times

EXCEL_ZERO = -25569  # days from 1970 to 1899-12-30, which makes 1 March 1900 and later right
EXCEL_DAYS = (14_611, 91_313)  # 1940 to 2149
SINCE_1970 = (3.1e8, 4.2e9)  # seconds, 1980 to 2100
UNLIKELY = 0.3  # what a reading costs that is less likely than a date as people write it
REGULAR = 0.3  # cost up to which a column that is not called a time may be one
Values = NDArray[np.float64]


def readings_of_numbers(values: Values, *, named: bool, first: bool) -> list[Reading]:
    """The ways to read numbers as times, best first.

    named: the column is called a time. first: it is the first, where a column that is not called so may still be one.
    """
    known = values[np.isfinite(values)]
    if known.size < 0.5 * values.size or known.size < 2 or not (named or first):
        return []
    found = [*_dates(values, known), *_since(values, known)]
    if named:
        found += [*_excel(values, known), *_decimal_years(values, known)]
    if not named:
        found = [reading for reading in found if reading.cost < REGULAR and len(np.unique(known)) > 2]
    found.sort(key=lambda reading: reading.cost)
    if named:
        found += _counts(values, known)
    return found


def _dates(values: Values, known: Values) -> list[Reading]:
    """Digits that are dates: 2014, 202001, 20200131, 2020013114."""
    if not np.all(known == np.rint(known)) or known.min() < 1500 or known.max() > 99_999_999_999_999:
        return []
    digits = {len(str(int(v))) for v in np.unique(known)[:: max(1, known.size // 1000)]}
    if len(digits) != 1 or not digits <= {4, 6, 8, 10, 12, 14}:
        return []
    texts = [str(int(v)) if np.isfinite(v) else "" for v in values]
    return [reading for reading in readings(texts) if reading.share >= 0.6]


def _since(values: Values, known: Values) -> list[Reading]:
    """Seconds since 1970, or their thousandths, millionths, ..."""
    for scale in (1.0, 1e3, 1e6, 1e9):
        if SINCE_1970[0] * scale <= known.min() and known.max() <= SINCE_1970[1] * scale:
            times = _stamps(np.floor(values / scale))
            return [Reading(times, "time", "seconds since 1970", cost_of(times), _none(values))]
    return []


def _excel(values: Values, known: Values) -> list[Reading]:
    """Excel's days since 1899-12-30, their fractions the time of day."""
    if known.min() < EXCEL_DAYS[0] or known.max() > EXCEL_DAYS[1]:
        return []
    days = np.floor(values)
    clock = np.rint((values - days) * DAY / 60) * 60
    times = _stamps((days + EXCEL_ZERO) * DAY + clock)
    style = "time" if np.any(np.nan_to_num(clock)) else "day"
    return [Reading(times, style, "Excel's days", cost_of(times), _none(values))]


def _decimal_years(values: Values, known: Values) -> list[Reading]:
    """1990.25: months where the steps are a month's, days where they are finer."""
    if known.min() < 1500 or known.max() > 2200 or np.all(known == np.rint(known)):
        return []
    step = float(np.median(np.diff(np.unique(known)))) if len(np.unique(known)) > 1 else 1.0
    if step > 0.06:
        months = np.floor((values - 1970) * 12 + 0.2)
        held = np.where(np.isfinite(months), months, 0).astype(np.int64).astype("datetime64[M]")
        times = held.astype("datetime64[s]")
        style = "quarter" if abs(step - 0.25) < 0.02 else "month"
    else:
        year = np.floor(np.where(np.isfinite(values), values, 2000))
        begin = (year - 1970).astype(np.int64).astype("datetime64[Y]")
        length = ((begin + 1).astype("datetime64[D]") - begin.astype("datetime64[D]")).astype(np.int64)
        days = np.rint((np.nan_to_num(values, nan=2000.0) - year) * length - 0.01).astype(np.int64)
        times, style = (begin.astype("datetime64[D]") + days).astype("datetime64[s]"), "day"
    times[~np.isfinite(values)] = np.datetime64("NaT")
    return [Reading(times, style, "years in decimals", cost_of(times), _none(values))]


def _counts(values: Values, known: Values) -> list[Reading]:
    """A plain count, or one in parts such as 0.02 seconds; only where it goes up in even steps."""
    different = np.unique(known)
    if len(different) < 2:
        return []
    gaps = np.diff(different)
    whole = bool(np.all(known == np.rint(known))) and float(np.abs(known).max()) < 1e9
    if whole:
        step = int(np.gcd.reduce(gaps.astype(np.int64)))
        if len(different) < 0.5 * ((different[-1] - different[0]) / step + 1):
            return []
        return [Reading(_stamps(values), "number", "a count", UNLIKELY, _none(values))]
    step = float(f"{np.median(gaps):.6g}")
    places = (values - different[0]) / step
    near = np.rint(places)
    if step <= 0 or np.nanmax(np.abs(places - near)) > 0.1 or np.mean(np.abs(gaps / step - 1) < 0.1) < 0.5:
        return []
    return [Reading(_stamps(near), numbered_style(float(different[0]), step), "a count", UNLIKELY, _none(values))]


def elapsed(times: Times, fractions: Values) -> Reading | None:
    """Times within seconds as a count of seconds since the first, in even parts; None where whole seconds tell all."""
    known = ~np.isnat(times)
    if len(np.unique(times[known])) > 0.9 * known.sum():
        return None
    since = times.astype(np.int64) - times[known].min().astype(np.int64) + fractions
    found = _counts(np.where(known, since, np.nan), since[known])
    return Reading(found[0].times, found[0].style, "seconds since the first", UNLIKELY, _none(since)) if found else None


def _stamps(seconds: Values) -> Times:
    times = np.where(np.isfinite(seconds), seconds, 0).astype(np.int64).astype("datetime64[s]")
    times[~np.isfinite(seconds)] = np.datetime64("NaT")
    return times


def _none(values: Values) -> NDArray[np.bool_]:
    return np.zeros(len(values), bool)
