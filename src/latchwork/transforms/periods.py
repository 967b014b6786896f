"""Calendars that are no months, weeks or fixed steps: parts of a month, opening hours, months of whole weeks.

Each is three functions: does it fit, the place of a time on its grid, and the time at a place. Times are
`datetime64[s]` or seconds since 1970; places are integers, one for each period.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[Any]  # datetime64[s]
Positions = NDArray[np.int64]

DAY = 86400  # seconds
WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1970-01-05
QUARTER = 13 * WEEK
LAST = 31  # the day that 0, "the last", is compared as

HALVES_AND_DEKADS = ((1, 15), (1, 16), (15, 0), (1, 11, 21), (10, 20, 0))
MOVED = 3  # days that a payday may lie before or after its date
LEAST_OPEN = 0.7  # share of a week's slots that are there, for opening hours
MOST_OPEN = 0.8  # share of all slots, from which nothing is closed
FEWEST_WEEKS = 2


def find_month_parts(gaps: Positions, times: Times) -> tuple[int, ...] | None:
    """The days of the month that the times lie on, two or three of them; None where they do not."""
    if gaps.size < 3 or not 9 * DAY <= np.median(gaps) <= 17 * DAY or np.ptp(gaps) == 0:
        return None
    days, last = _day_of_month(times)
    exact = np.where(last & (days >= 28), 0, days)
    found, counts = np.unique(exact, return_counts=True)
    options: list[tuple[int, ...]] = []
    if len(found) in {2, 3} and counts.min() >= 0.6 * counts.max() and counts.min() > 1:
        options.append((*(int(day) for day in found if day > 0), *([0] if 0 in found else [])))
    for parts in (*options, *HALVES_AND_DEKADS):
        if _distance(days, last, parts).max() <= MOVED:
            places = np.unique(month_part_positions(times, parts))
            if len(places) == len(np.unique(times)) and len(places) > 0.7 * (places[-1] - places[0] + 1):
                return parts
    return None


def month_part_positions(times: Times, parts: tuple[int, ...]) -> Positions:
    """The month times the number of parts, plus the part whose day is nearest."""
    months = times.astype("datetime64[M]").astype(np.int64)
    days, last = _day_of_month(times)
    away = np.stack([np.where(last & (p == 0), 0, np.abs(days - (p or LAST))) for p in parts])
    return months * len(parts) + away.argmin(axis=0)


def month_part_times(positions: Positions, parts: tuple[int, ...]) -> Times:
    """The inverse, at midnight."""
    months, part = positions // len(parts), positions % len(parts)
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    last = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - np.timedelta64(1, "D")
    wanted = np.array(parts)[part]
    days = np.where(wanted == 0, last, np.minimum(first + np.maximum(wanted - 1, 0), last))
    return days.astype("datetime64[s]")


def _day_of_month(times: Times) -> tuple[Positions, NDArray[np.bool_]]:
    """The day of the month, from 1, and whether it is the last."""
    dates = times.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    days = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    return days, (dates + 1).astype("datetime64[M]") > months


def _distance(days: Positions, last: NDArray[np.bool_], parts: tuple[int, ...]) -> Positions:
    return np.min([np.where(last & (p == 0), 0, np.abs(days - (p or LAST))) for p in parts], axis=0)


def find_weeks(gaps: Positions, seconds: Positions) -> tuple[tuple[int, ...], int] | None:
    """Months of four, four and five weeks: their days, and a time after which the first of these months begins."""
    if gaps.size < 5 or not np.isin(gaps, (4 * WEEK, 5 * WEEK)).all():
        return None
    long = np.flatnonzero(gaps == 5 * WEEK)
    if not 0.25 <= len(long) / len(gaps) <= 0.45 or np.median(np.diff(long)) != 3:
        return None
    parts, begin = (28, 28, 35), int(seconds[long[-1] + 1])
    return (parts, begin) if np.all(np.diff(weeks_positions(seconds, parts, begin)) == 1) else None


def weeks_positions(seconds: Positions, parts: tuple[int, ...], begin: int) -> Positions:
    """Periods since `begin`, the nearest: a 53rd week in the past moves a period by less than half of itself."""
    return np.rint((seconds - begin) * len(parts) / QUARTER + 0.1).astype(np.int64)


def weeks_times(positions: Positions, parts: tuple[int, ...], begin: int) -> Times:
    """The times at which periods end."""
    ends = np.concatenate([[0], np.cumsum(parts)[:-1]]) * DAY
    return (begin + positions // len(parts) * QUARTER + ends[positions % len(parts)]).astype("datetime64[s]")


def find_open(step: int, seconds: Positions) -> tuple[int, ...] | None:
    """The slots of a week, in seconds since Monday, that are open: the others never are. None where all are."""
    if not 0 < step <= DAY or DAY % step:
        return None
    offset = int(seconds[0] % step)
    if np.any(seconds % step != offset):
        return None
    in_week = (seconds - MONDAY) % WEEK
    slots, counts = np.unique(in_week, return_counts=True)
    weeks = (seconds.max() - seconds.min()) / WEEK
    if weeks < FEWEST_WEEKS or (len(slots) > MOST_OPEN * WEEK / step and step < DAY) or len(slots) * step >= WEEK:
        return None
    usual = slots[counts >= 0.3 * np.median(counts)]
    if len(usual) != len(slots) or len(slots) < 2:  # a few values outside: nothing is closed for certain
        return None
    if step == DAY and len(slots) < 4:
        return None
    here = len(np.unique(seconds))
    return tuple(int(s) for s in slots) if here > LEAST_OPEN * len(slots) * (weeks - 1) else None


def open_positions(seconds: Positions, slots: tuple[int, ...]) -> Positions:
    """The week times the number of slots, plus the nearest slot of that week."""
    week, inside = np.divmod(seconds - MONDAY, WEEK)
    edges = (np.array(slots[1:]) + np.array(slots[:-1])) / 2
    return week * len(slots) + np.searchsorted(edges, inside, side="right")


def open_times(positions: Positions, slots: tuple[int, ...]) -> Times:
    """The inverse."""
    week, slot = np.divmod(positions, len(slots))
    return (week * WEEK + np.array(slots)[slot] + MONDAY).astype("datetime64[s]")
