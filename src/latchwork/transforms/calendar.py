"""The calendar of a series: how often it is observed, where a time falls on that grid, and what comes next.

Times are `datetime64[s]`. Every position on a grid is an integer, so that gaps, duplicates and "twelve steps
ahead" are integer arithmetic. Only times are looked at here, never values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms import periods

Times = NDArray[Any]  # datetime64[s]; NumPy's own stubs lose the type in arithmetic
Positions = NDArray[np.int64]

MINUTE = 60  # seconds
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
MONTHS = {
    1: ("monthly", 12),
    2: ("two-monthly", 6),
    3: ("quarterly", 4),
    4: ("four-monthly", 3),
    6: ("half-yearly", 2),
}
STEPS = {
    "monthly": "months",
    "quarterly": "quarters",
    "yearly": "years",
    "weekly": "weeks",
    "daily": "days",
    "business days": "business days",
    "hourly": "hours",
    "half-hourly": "half-hours",
    "minutely": "minutes",
    "half-monthly": "half-months",
    "dekads": "dekads",
    "4-4-5 months": "4-4-5 months",
}


@dataclass(frozen=True)
class Frequency:
    """A regular grid of times.

    name: for people, such as "monthly".
    unit: "months", "business days", "seconds" (fixed steps), "steps" (numbered, no calendar), "month parts" (days of
        each month), "open" (slots of a week), or "weeks" (months of whole weeks, such as 4-4-5).
    step: how many units lie between neighbours.
    seasons: periods in observations that the calendar suggests, shortest first.
    day: day of the month that stands for a month; 0 is its last day.
    offset: seconds; the time of day on grids of months and business days, a point of the grid otherwise.
    phase: months between the grid's zero and January 1970, for steps of several months.
    parts: days of the month (0 its last) of "month parts"; seconds since Monday, midnight, of "open" slots; days of
        each month in a quarter of "weeks", which begins at `offset`.
    """

    name: str
    unit: str
    step: int = 1
    seasons: tuple[int, ...] = ()
    day: int = 1
    offset: int = 0
    phase: int = 0
    parts: tuple[int, ...] = ()

    @property
    def season(self) -> int:
        """The first season's period in observations; 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def steps(self) -> str:
        """What several steps of the grid are called, such as "months"."""
        return "opening times" if self.unit == "open" else STEPS.get(self.name, "steps")

    def positions(self, times: Times) -> Positions:
        """The place of each time on the grid: its month, its business day, or the nearest fixed step."""
        if self.unit == "months":
            return (times.astype("datetime64[M]").astype(np.int64) - self.phase) // self.step
        if self.unit == "business days":
            epoch = np.datetime64("1970-01-01")
            return np.busday_count(epoch, times.astype("datetime64[D]")).astype(np.int64)
        if self.unit == "month parts":
            return periods.month_part_positions(times, self.parts)
        if self.unit == "open":
            return periods.open_positions(seconds(times), self.parts)
        if self.unit == "weeks":
            return periods.weeks_positions(seconds(times), self.parts, self.offset)
        return np.rint((seconds(times) - self.offset) / self.step).astype(np.int64)

    def times(self, positions: Positions) -> Times:
        """The inverse of `positions`, in the style of the data (first, last or a fixed day of the month)."""
        positions = np.asarray(positions, dtype=np.int64)
        if self.unit == "months":
            months = (positions * self.step + self.phase).astype("datetime64[M]")
            last = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
            wanted = months.astype("datetime64[D]") + np.timedelta64(max(self.day, 1) - 1, "D")
            days = last if self.day == 0 else np.minimum(wanted, last)
            return days.astype("datetime64[s]") + np.timedelta64(self.offset, "s")
        if self.unit == "business days":
            days = np.busday_offset(np.datetime64("1970-01-01"), positions, roll="forward")
            return days.astype("datetime64[s]") + np.timedelta64(self.offset, "s")
        if self.unit == "month parts":
            return periods.month_part_times(positions, self.parts) + np.timedelta64(self.offset, "s")
        if self.unit == "open":
            return periods.open_times(positions, self.parts)
        if self.unit == "weeks":
            return periods.weeks_times(positions, self.parts, self.offset)
        return (positions * self.step + self.offset).astype("datetime64[s]")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**asdict(self), "seasons": list(self.seasons), "parts": list(self.parts)}

    @staticmethod
    def from_dict(document: dict[str, Any]) -> Frequency:
        """The inverse of `to_dict`."""
        parts = tuple(document.get("parts", ()))  # older files have none
        fields: dict[str, Any] = {**document, "seasons": tuple(document["seasons"]), "parts": parts}
        return Frequency(**fields)


def seconds(times: Times) -> Positions:
    """Seconds since 1970."""
    return times.astype("datetime64[s]").astype(np.int64)


def numbered(season: int = 1) -> Frequency:
    """The grid of a series without dates: observation 0, 1, 2, ..."""
    return Frequency("numbered", "steps", seasons=(season,) if season > 1 else ())


def detect_frequency(groups: list[Times]) -> Frequency:
    """The grid on which the sorted times of every series lie.

    groups: the times of each series, sorted, without duplicates.
    Raises InputError where no step fits nine gaps out of ten.
    """
    gaps = np.concatenate([np.diff(seconds(times)) for times in groups if len(times) > 1] or [np.empty(0, np.int64)])
    if gaps.size == 0:
        raise InputError("got one time in each series: at least two are needed to see how often values come")
    every = np.concatenate(groups)
    for finder in (_months, _month_parts, _weeks, _business_days, _open):
        found = finder(gaps, every)
        if found is not None:
            return found
    return _fixed(gaps, every)


def _months(gaps: Positions, times: Times) -> Frequency | None:
    typical = np.median(gaps) / DAY
    count = round(float(typical) / 30.44)
    if count < 1 or abs(typical / 30.44 - count) > 0.08 * count + 0.02:
        return None
    if typical % 7 == 0 and np.mean(gaps % WEEK == 0) > 0.9:  # 28 or 91 days: a grid of weeks
        return None
    months = times.astype("datetime64[M]")
    days = (times.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
    last = ((months + 1).astype("datetime64[D]") - times.astype("datetime64[D]")).astype(np.int64) == 1
    if not _one_day_a_month(days, last, gaps):
        return None
    day = 0 if last.all() and days.max() > 28 else int(np.bincount(days).argmax())
    clock = int(seconds(times)[0] % DAY)
    if count % 12 == 0:
        name = "yearly" if count == 12 else f"every {count // 12} years"
        seasons: tuple[int, ...] = ()
    else:
        name, period = MONTHS.get(count, (f"every {count} months", 0))
        seasons = (period,) if period > 1 else ()
    phase = int(np.bincount(months.astype(np.int64) % count).argmax())
    return Frequency(name, "months", count, seasons, day, clock, phase)


def _one_day_a_month(days: Positions, last: NDArray[np.bool_], gaps: Positions) -> bool:
    """Whether days of the month are those of a month and not those of steps of thirty days that wander through it."""
    near = days.max() if days.max() > 28 else int(np.bincount(days).argmax())
    if np.mean((days == near) | (last & (days < near)) | last & last.all()) > 0.8:
        return True
    step = int(gaps.min())
    return not (step > 0 and np.all(gaps % step == 0) and len(gaps) > 1)


def _month_parts(gaps: Positions, times: Times) -> Frequency | None:
    parts = periods.find_month_parts(gaps, times)
    if parts is None:
        return None
    name = {2: "half-monthly", 3: "dekads"}[len(parts)]
    return Frequency(name, "month parts", 1, (12 * len(parts),), offset=int(seconds(times)[0] % DAY), parts=parts)


def _weeks(gaps: Positions, times: Times) -> Frequency | None:
    found = periods.find_weeks(gaps, seconds(times))
    if found is None:
        return None
    parts, begin = found
    return Frequency("4-4-5 months", "weeks", 1, (12,), offset=begin, parts=parts)


def _open(gaps: Positions, times: Times) -> Frequency | None:
    values, counts = np.unique(gaps, return_counts=True)
    step = int(values[counts.argmax()])
    slots = periods.find_open(step, seconds(times))
    return None if slots is None else open_frequency(step, slots)


def open_frequency(step: int, slots: tuple[int, ...]) -> Frequency:
    """The grid of a week's slots (seconds since Monday, midnight), `step` seconds apart while it is open."""
    days = len({slot // DAY for slot in slots})
    if step == DAY:
        closed = [name for number, name in enumerate(WEEKDAYS) if number not in {slot // DAY for slot in slots}]
        return Frequency(f"daily without {' and '.join(closed)}", "open", step, (days,), parts=slots)
    a_day = round(len(slots) / days)
    seasons = (a_day, len(slots)) if a_day > 1 else (len(slots),)
    return Frequency(f"{step_name(step)} in opening hours", "open", step, seasons, parts=slots)


def _business_days(gaps: Positions, times: Times) -> Frequency | None:
    days = times.astype("datetime64[D]")
    if np.median(gaps) != DAY or not np.is_busday(days).all() or days[-1] - days[0] < np.timedelta64(7, "D"):
        return None
    return Frequency("business days", "business days", 1, (5,), offset=int(seconds(times)[0] % DAY))


def _fixed(gaps: Positions, times: Times) -> Frequency:
    values, counts = np.unique(gaps, return_counts=True)
    step = int(values[counts >= max(1, 0.05 * gaps.size)].min(initial=int(np.median(gaps))))
    even = _even_step(values, counts, gaps)
    if even is not None:
        offset = int(np.median((seconds(times) + even // 4) % even)) - even // 4  # within a quarter of a step around 0
        near = 0 if abs(offset) < 0.1 * even else offset
        if np.mean(np.abs(gaps / even - np.rint(gaps / even)) < 0.1) > 0.9:
            return Frequency(step_name(even), "seconds", even, _fixed_seasons(even), offset=near)
    jitter = np.abs(gaps / step - np.rint(gaps / step))
    if step <= 0 or np.mean(jitter < 0.1) < 0.9:
        low, high = (describe_seconds(int(v)) for v in (gaps.min(), gaps.max()))
        raise InputError(
            f"got irregular times (steps from {low} to {high}): forecasting needs one value a period; "
            "sum or average the rows by day, week or month first"
        )
    return Frequency(step_name(step), "seconds", step, _fixed_seasons(step), offset=int(seconds(times)[0]))


EVEN = (
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    180,
    300,
    600,
    720,
    900,
    1200,
    1800,
    3600,
    7200,
    10800,
    14400,
    21600,
    28800,
    43200,
)


def _even_step(values: Positions, counts: Positions, gaps: Positions) -> int | None:
    """The even step that gaps scatter around, such as ten minutes; None where most gaps are the same."""
    if counts.max() > 0.5 * gaps.size or gaps.size < 10:
        return None
    del values
    typical = float(np.median(gaps))
    nearest = min((*EVEN, DAY), key=lambda step: abs(step - typical))
    return nearest if abs(nearest - typical) < 0.05 * nearest else None


def step_name(step: int) -> str:
    """A fixed step for people: "daily", "every 15 minutes"."""
    names = {WEEK: "weekly", DAY: "daily", HOUR: "hourly", 30 * MINUTE: "half-hourly", MINUTE: "minutely"}
    return names.get(step, f"every {describe_seconds(step)}")


def _fixed_seasons(step: int) -> tuple[int, ...]:
    if step == WEEK:
        return (52,)
    if step == DAY:
        return (7, 365)
    if step < DAY and DAY % step == 0:
        return (DAY // step, WEEK // step)
    return ()


def describe_seconds(duration: int) -> str:
    """A duration for people: "15 minutes", "2 days"."""
    for unit, name in ((WEEK, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        if duration and duration % unit == 0:
            count = duration // unit
            return f"{count} {name}{'s' if count != 1 else ''}"
    return f"{duration} seconds"


def calendar_features(times: Times, frequency: Frequency) -> NDArray[np.float64]:
    """What the date alone tells, [time, features]: pairs of sine and cosine over day, week and year.

    A pair is there only where the grid is finer than its period; none for numbered series.
    """
    if frequency.unit == "steps":
        return np.zeros((len(times), 0))
    clock = seconds(times)
    year_start = times.astype("datetime64[Y]").astype("datetime64[s]")
    year_share = (clock - seconds(year_start)) / (365.2425 * DAY)
    coarse = {"months": 28 * DAY * frequency.step, "business days": DAY, "weeks": 28 * DAY}
    if frequency.unit == "month parts":
        coarse["month parts"] = 28 * DAY // len(frequency.parts)
    step = coarse.get(frequency.unit, frequency.step)
    monday = 4 * DAY  # 1970-01-05
    cycles = [(DAY, clock / DAY), (WEEK, (clock - monday) / WEEK), (366 * DAY, year_share)]
    columns = [f(2 * np.pi * share) for length, share in cycles if step * 2 <= length for f in (np.sin, np.cos)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(times), 0))
