"""Tables with a period a row and its parts as the heads of columns: a year under months, a day under hours."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.reading.cells import read_clock
from latchwork.forecasting.reading.column import Column, Table
from latchwork.forecasting.reading.long import TIME, VALUE, Layout, is_empty, numbers_of
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, GUESSED, Note
from latchwork.forecasting.reading.times import TimeColumn, find_time
from latchwork.forecasting.reading.told import Columns
from latchwork.forecasting.reading.words import ROMAN, WEEKDAYS, folded, is_month, readings_of_months
from latchwork.transforms.calendar import DAY, Times


def periods_in_rows(table: Table, told: Columns) -> Layout | None:
    """One row a year under months or quarters, a day under hours, a month under days."""
    found = _parts_as_heads(table)
    if found is None:
        return None
    unit, heads, places = found
    rest = {name: column for name, column in table.columns.items() if name not in heads}
    if not rest:
        return None
    clock = find_time(Table(rest), told)
    if not clock.names or clock.style.partition("@")[0] not in UNDER[unit]:
        return None
    times = np.stack([_placed(clock, unit, place, places[0]) for place in places], axis=1).ravel()
    values = np.stack([table.columns[head].values for head in heads], axis=1)
    notes = [Note(f"one row for each {UNDER[unit][-1]}, its {unit} as columns: put one after the other", ASSUMED)]
    if unit == "months" and places[0] != 1 and clock.style != "fiscal":
        notes.append(
            Note("the months do not begin with January: all are taken as of the year that is written", GUESSED)
        )
    notes += _left_out(rest, clock, values)
    length = len(heads)
    long: dict[str, Column] = {}
    for name, column in rest.items():
        if name not in clock.names and column.kind == "text":
            long[name] = Column(name, [label for label in column.labels for _ in range(length)])
    style = {"months": "month", "quarters": "quarter", "days": "day"}.get(unit, "time")
    name = _target_name(table, rest)
    long[TIME] = Column(TIME, times=times)
    long[name] = Column(name, numbers=numbers_of(values.ravel()))
    spread = TimeColumn(times, (TIME,), style, clock.how, coarse=np.zeros(len(times), bool))
    return Layout(
        f"a {UNDER[unit][-1]} a row, {unit} as heads", Table(long, table.notes), spread, (), name,
        (*clock.names, *heads),
        tuple(notes),
    )  # fmt: skip


UNDER = {
    "months": ("fiscal", "year"),
    "quarters": ("fiscal", "year"),
    "hours": ("time", "day"),
    "days": ("month",),
    "weekdays": ("day",),
}


def _target_name(table: Table, rest: dict[str, Column]) -> str:
    return VALUE if VALUE not in rest else f"{VALUE} 2"


def _parts_as_heads(table: Table) -> tuple[str, list[str], list[int]] | None:
    """What the heads are parts of, those heads, and which part each is."""
    heads = [name for name, column in table.columns.items() if column.kind == "number" or is_empty(column)]
    months = [h for h in heads if h.strip(" .").isalpha() and is_month(h)]
    if len(months) >= 6:
        meaning = readings_of_months(months)[0]
        if len(set(meaning.values())) == len(months):
            return "months", months, [meaning[h] for h in months]
    quarters = {h: number for h in heads if (number := _quarter(h))}
    if len(quarters) == 4 == len(set(quarters.values())):
        return "quarters", list(quarters), list(quarters.values())
    hours = {h: number for h in heads if (number := _hour(h)) is not None}
    if len(hours) in {23, 24, 25, 48, 96} and len(set(hours.values())) == len(hours):
        return "hours", list(hours), list(hours.values())
    days = [h for h in heads if h.isdigit() and 1 <= int(h) <= 31]
    if len(days) in {28, 29, 30, 31}:
        return "days", days, [int(h) for h in days]
    if len(days) == 12 and [int(h) for h in days] == list(range(1, 13)):
        return "months", days, [int(h) for h in days]
    weekdays = [h for h in heads if folded(h) in WEEKDAYS]
    if len(weekdays) in {5, 6, 7}:
        return "weekdays", weekdays, list(range(len(weekdays)))
    return None


def _quarter(head: str) -> int | None:
    text = folded(head).replace(".", "")
    match = re.fullmatch(
        r"(?:q|qtr|quarter|quartal|t|trim|k|kv)?\s*([1-4])\s*(?:q|quartal|(?:st |nd |rd |th )?quarter|trim)?",
        text,
    )
    if match and not text.isdigit():
        return int(match[1])
    return ROMAN.get(text)


def _hour(head: str) -> int | None:
    """Seconds since midnight that a head means."""
    clock = read_clock(head.split("-", maxsplit=1)[0].strip())
    if clock is not None:
        return int(clock.seconds)
    match = re.fullmatch(r"(?:h|he|hr|hour|hour ending|stunde|uhr)?[\s_]*(\d{1,2})(?:h|\s*uhr)?", head.strip().lower())
    return int(match[1]) * 3600 if match and int(match[1]) <= 25 else None


def _placed(clock: TimeColumn, unit: str, place: int, first: int) -> Times:
    """The time of one part of every period."""
    if unit in {"months", "quarters"}:
        months = clock.times.astype("datetime64[Y]").astype("datetime64[M]")
        index = place - 1 if unit == "months" else 3 * (place - 1)
        later = 12 if unit == "months" and clock.style == "fiscal" and place < first else 0
        return (months + (index + later)).astype("datetime64[s]")
    if unit == "days":
        months = clock.times.astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (place - 1)
        return np.where(days.astype("datetime64[M]") == months, days, np.datetime64("NaT")).astype("datetime64[s]")
    seconds = place * DAY if unit == "weekdays" else place
    return clock.times.astype("datetime64[D]").astype("datetime64[s]") + np.timedelta64(seconds, "s")


def _left_out(rest: dict[str, Column], clock: TimeColumn, values: NDArray[np.float64]) -> list[Note]:
    """Columns beside the parts: their mean or sum, or something else."""
    notes: list[Note] = []
    whole = np.isfinite(values).all(axis=1)
    for name, column in rest.items():
        if name in clock.names or column.kind != "number" or is_empty(column):
            continue
        known = whole & np.isfinite(column.values)
        kind = ""
        for called, made in (("sum", values.sum(axis=1)), ("mean", values.mean(axis=1))):
            size = np.maximum(np.abs(made[known]), 1e-9)
            if known.any() and np.median(np.abs(column.values[known] - made[known]) / size) < 0.02:
                kind = called
        if kind:
            notes.append(Note(f"left out column {name}: the {kind} of the others", CHANGED))
        else:
            notes.append(Note(f"left out column {name}: it is no part of a period", CHANGED))
    return notes
