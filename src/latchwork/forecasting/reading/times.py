"""Which columns are the time: one that holds dates, a date beside a clock, a year beside a month, or none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.cells import read_clock
from latchwork.forecasting.reading.column import UNNAMED, Column, Table
from latchwork.forecasting.reading.counts import elapsed, readings_of_numbers
from latchwork.forecasting.reading.dates import CLOSE, Reading, cost_of, read_as, readings
from latchwork.forecasting.reading.notes import some
from latchwork.forecasting.reading.numbers import is_missing
from latchwork.forecasting.reading.told import Columns, listed
from latchwork.forecasting.reading.words import is_month, part_named, sounds_like_time
from latchwork.forecasting.reading.zones import to_utc
from latchwork.transforms.calendar import DAY, Times

ENOUGH = 0.6  # share of the cells of a column that must be dates for it to be the time column
PARTS = ("year", "half", "quarter", "month", "week", "day", "hour", "minute")
LIMITS = {"quarter": (1, 4), "month": (1, 12), "week": (1, 53), "day": (1, 31), "hour": (0, 24), "minute": (0, 59)}
NAMED = 0.4  # how much better a column is that is called a time
NO_TIME = "number"


@dataclass(frozen=True)
class TimeColumn:
    """Times of every row (NaT where unreadable), the columns they came from, and how they were written.

    how: the way in which they are read, where there are several. others: the other ways that are possible. coarse: rows
    of a coarser kind, such as a year among months. rivals: other columns that hold dates. offset: seconds to add to the
    first time, of counts. step, start: of a count in parts, such as 0.02 seconds.
    """

    times: Times
    names: tuple[str, ...]
    style: str
    how: str = ""
    others: tuple[Reading, ...] = ()
    coarse: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    rivals: tuple[str, ...] = ()
    cost: float = 0.0


def find_time(table: Table, told: Columns) -> TimeColumn:
    """The time: what the user names, else what is most like a calendar; rows are numbered where nothing is."""
    wanted = _wanted(table, told.time)
    if wanted:
        return _named(table, wanted, told)
    alone = [found for column in table.columns.values() if (found := _alone(table, column, told)) is not None]
    alone.sort(key=lambda found: found.cost)
    together = _from_parts(table, told)
    best = alone[0] if alone else None
    if together is not None and (best is None or best.names[0] in together.names or best.style.startswith("number")):
        best = together
    if best is None:
        _refuse_dates_without_years(table)
        return TimeColumn(np.arange(table.length).astype("datetime64[s]"), (), NO_TIME)
    best = _with_clock(table, best)
    if best.style.startswith("number"):
        return best
    rivals = [f.names[0] for f in alone if f.names[0] not in best.names and not f.style.startswith("number")]
    alike = [n for n in rivals if part_named(n) is None]
    return replace(best, rivals=tuple(alike))


def _wanted(table: Table, time: str | Sequence[str] | None) -> list[Column]:
    names = listed(time)
    if len(names) == 1 and "," in names[0] and names[0] not in table.columns:
        names = [name.strip() for name in names[0].split(",")]
    return [table.column(name) for name in names]


def _named(table: Table, wanted: list[Column], told: Columns) -> TimeColumn:
    """The columns that the user names as the time."""
    if len(wanted) > 1:
        found = _combined({column.name: column for column in wanted}, table.length, told)
        if found is None:
            raise InputError(
                f"got time columns {some([c.name for c in wanted])}: together they make no dates; give a date and a "
                "clock, or a year with a month, quarter, week or day"
            )
        return found
    (column,) = wanted
    found = _of(column, told, trust=True)
    if found is None:
        example = next((cell for cell in column.labels if cell.strip()), "")
        raise InputError(f"got time column {column.name!r} with values such as {example!r}: not dates that can be read")
    return found


def _alone(table: Table, column: Column, told: Columns) -> TimeColumn | None:
    """A column that holds times by itself, with what it costs; None for others."""
    first = column.name == next(iter(table.columns))
    found = _of(column, told, trust=False, first=first)
    if found is None:
        return None
    named = sounds_like_time(column.name)
    return replace(found, cost=found.cost - NAMED * named - 0.05 * first)


def _of(column: Column, told: Columns, *, trust: bool, first: bool = False) -> TimeColumn | None:
    if column.times is not None:
        whole = bool(np.all(np.isnat(column.times) | (column.times.astype("datetime64[D]") == column.times)))
        style = "day" if whole and not column.zone else "time" + (f"@{column.zone}" if column.zone else "")
        return TimeColumn(column.times, (column.name,), style, cost=cost_of(column.times))
    found: list[Reading] = []
    if column.texts is not None:
        found = _of_texts(column, told, trust)
    if not found and column.numbers is not None:
        named = trust or sounds_like_time(column.name)
        found = readings_of_numbers(column.values, named=named, first=first or column.name == UNNAMED)
    if not found:
        return None
    best = found[0]
    if best.fractions is not None:
        counted = elapsed(best.times, best.fractions)
        if counted is not None:
            return TimeColumn(counted.times, (column.name,), counted.style, counted.how, cost=best.cost)
    possible = tuple(r for r in found[1:] if r.cost - best.cost < CLOSE and not told.order)
    return TimeColumn(best.times, (column.name,), best.style, best.how, possible, best.coarse, cost=best.cost)


def _of_texts(column: Column, told: Columns, trust: bool) -> list[Reading]:
    cells = column.texts or []
    if told.date_format is not None and trust:
        return [read_as(cells, told.date_format)]
    sample = [cell for cell in (cells[:200] + cells[len(cells) // 2 :][:200]) if not is_missing(cell)]
    if not sample:
        return []
    if told.date_format is not None and read_as(sample, told.date_format).share >= ENOUGH:
        return [read_as(cells, told.date_format)]
    if all(cell.isdigit() for cell in sample) and not _digits_are_dates(sample, column.name, trust):
        return []
    tried = readings(sample, told.order)
    if not tried or max(r.share + float(r.coarse.mean()) for r in tried) < (0.05 if trust else ENOUGH):
        return []
    found = readings(cells, told.order)
    if found and found[0].style == "month" and _days_without_years(cells):
        raise InputError(
            f"got column {column.name!r} with values such as {sample[0]!r}: days without a year; add the year"
        )
    if column.numbers is not None and not column.numbers.texts and not trust and not sounds_like_time(column.name):
        return []  # numbers that could also be dates, such as 12.2020
    return [r for r in found if r.share > 0]


def _digits_are_dates(sample: list[str], name: str, trust: bool) -> bool:
    """Whether digits alone are to be read as dates: only in a column that is called a time, or as whole days."""
    return trust or sounds_like_time(name)


def _days_without_years(cells: Sequence[str]) -> bool:
    """Whether cells such as 1-Jan count days and not years: their numbers go up by one within a month."""
    from latchwork.forecasting.reading.cells import take_apart

    parts = [
        p for cell in dict.fromkeys(cells) if (p := take_apart(cell)) is not None and p.shape in {"mon n", "n mon"}
    ]
    if len(parts) < 3 or len(parts) < 0.6 * len(set(cells)):
        return False
    same = [b.a - a.a for a, b in itertools.pairwise(parts) if a.word == b.word]
    return len(same) > 0.5 * (len(parts) - 1) and float(np.mean(np.abs(same))) <= 10


def _refuse_dates_without_years(table: Table) -> None:
    """Raise InputError where a column holds months alone, which no year places."""
    for column in table.columns.values():
        cells = [cell for cell in (column.texts or [])[:100] if not is_missing(cell)]
        if (
            len(cells) > 2
            and column.numbers is None
            and np.mean([cell.isalpha() and is_month(cell) for cell in cells]) > 0.9
        ):
            raise InputError(
                f"got column {column.name!r} with values such as {cells[0]!r}: months without a year; add a column "
                "of years"
            )


def _with_clock(table: Table, best: TimeColumn) -> TimeColumn:
    """Days with the clock or hour that stands in another column, where that makes times different."""
    if best.style.partition("@")[0] != "day":
        return best
    before = len(np.unique(best.times))
    ways = [best, *(replace(best, times=o.times, how=o.how, others=()) for o in best.others)]
    for column in table.columns.values():
        if column.name in best.names:
            continue
        clock = _clock_of(column)
        if clock is None:
            continue
        times = best.times + clock.astype("timedelta64[s]")
        if len(np.unique(times)) > 1.5 * before or len(np.unique(clock[np.isfinite(clock)])) > 1 == before:
            minutes = _minutes_of(table, best.names)
            extra = np.zeros(len(times), "timedelta64[s]") if minutes is None else minutes[1]
            names = (*best.names, column.name, *([] if minutes is None else [minutes[0]]))
            added = clock.astype("timedelta64[s]") + extra
            found = min(ways, key=lambda way: cost_of(way.times + added))
            cost = cost_of(found.times + added)
            close = [w for w in ways if w is not found and cost_of(w.times + added) - cost < CLOSE]
            others = tuple(Reading(w.times + added, "time", w.how) for w in close)
            return replace(best, times=found.times + added, how=found.how, others=others, style="time", names=names)
    return best


def _clock_of(column: Column) -> NDArray[np.float64] | None:
    """Seconds since midnight where a column holds times of day, or hours and is called so."""
    if column.texts is not None and column.numbers is None:
        sample = [cell for cell in column.texts[:200] if not is_missing(cell)]
        if not sample or not all(read_clock(cell) is not None for cell in sample):
            return None
        read = {cell: read_clock(cell) for cell in dict.fromkeys(column.texts)}
        return np.array([np.nan if (c := read[cell]) is None else c.seconds for cell in column.texts])
    values = column.values
    if part_named(column.name) != "hour" or not _within(values, "hour"):
        if column.numbers is not None and sounds_like_time(column.name) and _hundreds(values):
            return (values // 100) * 3600 + (values % 100) * 60
        return None
    return values * 3600


def _hundreds(values: NDArray[np.float64]) -> bool:
    """Whether numbers are times of day such as 1430."""
    known = values[np.isfinite(values)]
    whole = known.size > 0 and bool(np.all(known == np.rint(known)))
    return (
        bool(whole) and 100 < float(known.max()) <= 2400 and float(known.min()) >= 0 and bool(np.all(known % 100 < 60))
    )


def _minutes_of(table: Table, taken: Sequence[str]) -> tuple[str, NDArray[np.timedelta64]] | None:
    for column in table.columns.values():
        if column.name not in taken and part_named(column.name) == "minute" and _within(column.values, "minute"):
            return column.name, (np.nan_to_num(column.values) * 60).astype("timedelta64[s]")
    return None


def _within(values: NDArray[np.float64], part: str) -> bool:
    known = values[np.isfinite(values)]
    low, high = LIMITS.get(part, (1500, 2200))
    return known.size > 0 and bool(np.all((known >= low) & (known <= high) & (known == np.rint(known))))


def _from_parts(table: Table, told: Columns) -> TimeColumn | None:
    """A year beside a month, quarter, week, day, hour, each in a column of its own that is called so."""
    named = {part: column for column in reversed(table.columns.values()) if (part := part_named(column.name))}
    if "year" not in named or not ({"month", "quarter", "week", "half"} & set(named)):
        return None
    return _combined(
        {column.name: column for column in table.columns.values() if column in named.values()}, table.length, told
    )


def _combined(columns: dict[str, Column], length: int, told: Columns) -> TimeColumn | None:
    """One time from several columns: parts by what they are called and hold, or a date and a clock."""
    parts: dict[str, NDArray[np.float64]] = {}
    used: list[str] = []
    dates: TimeColumn | None = None
    clock = np.zeros(length)
    for column in columns.values():
        part = part_named(column.name)
        values = _part_values(column, part)
        if part == "year" and values is not None:
            values = _carried(values)
        if part and part not in parts and values is not None and _within(values, part):
            parts[part] = values
        elif (seconds := _clock_of(column)) is not None:
            clock = seconds
            part = "clock"
        elif (found := _of(column, told, trust=True)) is not None and dates is None and found.style != NO_TIME:
            dates = found
            if found.style in {"year", "fiscal"}:
                parts["year"] = found.times.astype("datetime64[Y]").astype(np.float64) + 1970
                dates, part = None, "year"
        else:
            continue
        used.append(column.name)
    if dates is not None:
        hours = parts.get("hour", np.zeros(length)) * 3600 + parts.get("minute", np.zeros(length)) * 60 + clock
        return replace(dates, times=dates.times + _seconds(hours), names=tuple(used), style="time")
    return _from_numbers(parts, clock, tuple(used))


def _part_values(column: Column, part: str | None) -> NDArray[np.float64] | None:
    """A part as numbers: months may be words, quarters "Q1"."""
    if part is None:
        return None
    if column.numbers is not None:
        return column.values
    cells = column.texts or []
    if part == "month" and all(is_month(cell) for cell in set(cells) if not is_missing(cell)):
        from latchwork.forecasting.reading.words import readings_of_months

        meanings = readings_of_months(set(cells))
        return np.array([float(meanings[0].get(cell, 0) or np.nan) for cell in cells])
    digits = ["".join(c for c in cell if c.isdigit()) for cell in cells]
    if all(len(cell) <= len(d) + 9 for cell, d in zip(cells, digits, strict=True) if d) and any(digits):
        return np.array([float(d) if d else np.nan for d in digits])
    return None


def _carried(years: NDArray[np.float64]) -> NDArray[np.float64]:
    """Years that stand in the first row of each alone, carried down; others as they are."""
    known = np.isfinite(years)
    if known.all() or not known[0] or known.mean() > 0.5:
        return years
    return years[np.maximum.accumulate(np.where(known, np.arange(len(years)), 0))]


def _from_numbers(
    parts: dict[str, NDArray[np.float64]], clock: NDArray[np.float64], names: tuple[str, ...]
) -> TimeColumn | None:
    if "year" not in parts or len(parts) < 2:
        return None
    known = np.all([np.isfinite(values) for values in parts.values()], axis=0)
    whole = {part: np.where(known, values, 1).astype(np.int64) for part, values in parts.items()}
    year = whole["year"]
    style = "day" if "day" in whole or "week" in whole else "month" if "month" in whole else "quarter"
    if "week" in whole and "month" not in whole:
        fourth = ((year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3).astype(np.int64)
        monday = fourth - (fourth + 3) % 7
        days = (monday + 7 * (whole["week"] - 1) + (whole.get("day", np.ones_like(year)) - 1) % 7).astype(
            "datetime64[D]"
        )
    else:
        quarter = 3 * whole["quarter"] - 2 if "quarter" in whole else np.ones_like(year)
        month = whole.get("month", quarter)
        first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
        days = first.astype("datetime64[D]") + (whole.get("day", np.ones_like(year)) - 1)
        known &= days.astype("datetime64[M]") == first
    hours = whole.get("hour", np.zeros_like(year)) * 3600 + whole.get("minute", np.zeros_like(year)) * 60
    times = days.astype("datetime64[s]") + hours.astype("timedelta64[s]") + _seconds(clock)
    times[~known] = np.datetime64("NaT")
    if np.mean(known) < ENOUGH:
        return None
    timed = "hour" in whole or "minute" in whole or bool(np.any(np.nan_to_num(clock)))
    return TimeColumn(times, names, "time" if timed else style, cost=cost_of(times))


def _seconds(clock: NDArray[np.float64]) -> NDArray[np.timedelta64]:
    found = np.nan_to_num(clock).astype(np.int64).astype("timedelta64[s]")
    found[~np.isfinite(clock)] = np.timedelta64("NaT")
    return found


def utc_of(found: TimeColumn) -> Times:
    """Times for a grid finer than a day, where the zone's clock changes."""
    zone = found.style.partition("@")[2]
    gaps = np.diff(np.unique(found.times[~np.isnat(found.times)]).astype(np.int64))
    return to_utc(found.times, zone) if zone and "/" in zone and gaps.size and np.median(gaps) < DAY else found.times
