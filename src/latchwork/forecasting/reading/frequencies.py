"""Frequencies as people name them, and grids with closed days and hours."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.told import WEEKDAYS
from latchwork.transforms.calendar import (
    DAY,
    HOUR,
    MINUTE,
    MONTHS,
    WEEK,
    Frequency,
    Times,
    detect_frequency,
    open_frequency,
    seconds,
    step_name,
)
from latchwork.transforms.periods import MONDAY

NAMES = {
    "yearly": 12, "annual": 12, "annually": 12, "y": 12, "a": 12, "ye": 12, "half-yearly": 6,
    "quarterly": 3, "q": 3, "qe": 3, "monthly": 1, "m": 1, "me": 1, "ms": 1, "qs": 3, "ys": 12, "two-monthly": 2,
}  # fmt: skip
STEPS = {
    "weekly": WEEK, "w": WEEK, "daily": DAY, "d": DAY, "hourly": HOUR, "h": HOUR, "half-hourly": 30 * MINUTE,
    "quarter-hourly": 15 * MINUTE, "minutely": MINUTE, "min": MINUTE, "secondly": 1, "s": 1,
}  # fmt: skip
UNITS = {
    "week": WEEK, "w": WEEK, "day": DAY, "d": DAY, "hour": HOUR, "h": HOUR, "minute": MINUTE,
    "min": MINUTE, "t": MINUTE, "second": 1, "sec": 1, "s": 1,
}  # fmt: skip
SUNDAY = -DAY  # weeks that begin on a Sunday


def named_frequency(name: str, times: Times) -> Frequency:
    """The grid that a name means for some sorted times: "monthly", "15 minutes", "business days", "dekads", "4-4-5".

    Raises InputError for a name that means none.
    """
    text = name.strip().lower().removeprefix("every ").replace("_", "-")
    own = _detected(times)
    if text in NAMES or re.fullmatch(r"(\d+)[\s-]*(months?|mo|quarters?|years?)", text):
        return _months(text, times, own)
    if text in {"business days", "business", "business-days", "b", "weekdays"}:
        return Frequency("business days", "business days", 1, (5,))
    if text in {"half-monthly", "semi-monthly", "sm", "twice a month"}:
        return _parts(times, own, "half-monthly", (1, 15))
    if text in {"dekads", "dekad", "dekadal", "10-day"}:
        return _parts(times, own, "dekads", (1, 11, 21))
    if text in {"4-4-5", "4-4-5 months", "4-5-4", "5-4-4"}:
        if own is not None and own.unit == "weeks":
            return own
        raise InputError(f"got frequency {name!r}: the times are not four, four and five weeks apart")
    step = STEPS.get(text) or _step(text)
    if step is None:
        raise InputError(
            f"got frequency {name!r}: give yearly, quarterly, monthly, half-monthly, dekads, 4-4-5, weekly, daily, "
            "business days, hourly, half-hourly, or a step such as '15 minutes'"
        )
    if own is not None and own.unit == "seconds" and own.step == step:
        return own
    seasons = _seasons(step)
    return Frequency(step_name(step), "seconds", step, seasons, offset=_begin(step, times))


def _detected(times: Times) -> Frequency | None:
    try:
        return detect_frequency([times])
    except InputError:
        return None


def _step(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)[\s-]*([a-z]+?)s?", text)
    if match is None or match[2] not in UNITS or int(match[1]) == 0:
        return None
    return int(match[1]) * UNITS[match[2]]


def _seasons(step: int) -> tuple[int, ...]:
    if step == WEEK:
        return (52,)
    if step == DAY:
        return (7, 365)
    return (DAY // step, WEEK // step) if step < DAY and DAY % step == 0 else ()


def _begin(step: int, times: Times) -> int:
    """Where a step of that size begins: weeks on the weekday that the data have, else on Mondays; days at midnight."""
    if step % WEEK == 0:
        weekdays = np.unique((seconds(times) - MONDAY) // DAY % 7)
        return MONDAY + (int(weekdays[0]) * DAY if len(weekdays) == 1 else 0)
    if step >= DAY:
        return int(seconds(times)[0] // DAY * DAY)
    return 0


def _months(text: str, times: Times, own: Frequency | None) -> Frequency:
    match = re.fullmatch(r"(\d+)[\s-]*(\w+)", text)
    count = NAMES.get(text, 0)
    if match:
        count = int(match[1]) * {"m": 1, "q": 3, "y": 12}[match[2][0]]
    if not count:
        raise InputError(f"got frequency {text!r}: give at least one month")
    if own is not None and own.unit == "months" and own.step == count:
        return own
    if count % 12 == 0:
        return Frequency("yearly" if count == 12 else f"every {count // 12} years", "months", count)
    called, period = MONTHS.get(count, (f"every {count} months", 0))
    return Frequency(called, "months", count, (period,) if period > 1 else ())


def _parts(times: Times, own: Frequency | None, name: str, parts: tuple[int, ...]) -> Frequency:
    if own is not None and own.unit == "month parts" and own.name == name:
        return own
    return Frequency(name, "month parts", 1, (12 * len(parts),), parts=parts)


def closed_grid(closed: Sequence[str], times: Times) -> Frequency:
    """The grid of the times outside of closed weekdays ("sat") and hours ("17:00-09:00").

    Raises InputError where the times have no even step, or nothing is left open.
    """
    gaps = np.diff(seconds(times))
    if not gaps.size:
        raise InputError("got closed times with one row: at least two are needed")
    values, counts = np.unique(gaps, return_counts=True)
    step = min(int(values[counts.argmax()]), DAY)
    if DAY % step:
        raise InputError(f"got closed times with steps of {step} seconds: they must divide a day")
    slots = np.arange(int(seconds(times)[0]) % step, WEEK, step)
    for word in closed:
        text = word.strip().lower()
        if text[:3] in WEEKDAYS:
            slots = slots[slots // DAY != WEEKDAYS.index(text[:3])]
            continue
        match = re.fullmatch(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", text)
        if match is None:
            raise InputError(f"got closed {word!r}: give weekdays such as sat,sun or hours such as 17:00-09:00")
        begin, end = (int(match[i]) * HOUR + int(match[i + 1]) * MINUTE for i in (1, 3))
        clock = slots % DAY
        shut = (clock >= begin) & (clock < end) if begin < end else (clock >= begin) | (clock < end)
        slots = slots[~shut]
    if not len(slots):
        raise InputError(f"got closed {','.join(closed)}: nothing is left open")
    if step == DAY and tuple(slots // DAY) == (0, 1, 2, 3, 4):
        return Frequency("business days", "business days", 1, (5,), offset=int(slots[0] % DAY))
    return open_frequency(step, tuple(int(slot) for slot in slots))
