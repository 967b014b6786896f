"""Tables with a series a row, times as the heads of columns; and those of competitions, with a series a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.cells import take_apart
from latchwork.forecasting.reading.column import Column, Table
from latchwork.forecasting.reading.counts import readings_of_numbers
from latchwork.forecasting.reading.dates import CLOSE, readings
from latchwork.forecasting.reading.long import SERIES, TIME, VALUE, Layout, is_empty, numbers_of
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, Note, count_of, some
from latchwork.forecasting.reading.times import TimeColumn, find_time
from latchwork.forecasting.reading.told import Columns
from latchwork.transforms.calendar import Frequency

FEWEST = 3  # columns under dates; under counts it takes more
FEWEST_COUNTS = 8
COUNTED = re.compile(r"(\D*?[_\s.-]?)(\d{1,5})")
MOST_KEYS = 4


def series_in_rows(table: Table, told: Columns) -> Layout | None:
    """The long table of one with a series a row, under dates, years or counts; None for others."""
    heads = [name for name, column in table.columns.items() if column.kind == "number" or is_empty(column)]
    clock = _dates_as_heads(heads, told)
    if clock is None:
        clock = _counts_as_heads(table, heads, forced=told.wide)
    if clock is None:
        return None
    wanted = list(clock.names)
    rest = {name: column for name, column in table.columns.items() if name not in clock.names}
    values = np.stack([table.columns[name].values for name in wanted], axis=1)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(values).any(axis=1))
    keys, notes = _row_keys(rest, known, told)
    labels = [cell for cell, use in zip(_joined([rest[k] for k in keys], table.length), known, strict=True) if use]
    count = int(known.sum())
    if count == 0:
        raise InputError("got no number at all: every value is missing")
    if not known.all():
        notes.append(Note(f"left out {count_of(int((~known).sum()), 'row')} without a single value", CHANGED))
    kind = "counts" if clock.style == "number" else "dates"
    notes.append(
        Note(f"{count_of(count, 'series')}, one a row, under {count_of(len(wanted), 'column')} of {kind}", ASSUMED)
    )
    left = [name for name, c in rest.items() if name not in keys and c.kind == "number" and not is_empty(c)]
    if left:
        notes.append(Note(f"columns that are no times are left out: {some(left)}", ASSUMED))
    times = np.tile(clock.times, count)
    long = {
        SERIES: Column(SERIES, [label for label in labels for _ in wanted]),
        TIME: Column(TIME, times=times),
        VALUE: Column(VALUE, numbers=numbers_of(values[known].ravel())),
    }
    others = tuple(replace(other, times=np.tile(other.times, count)) for other in clock.others)
    spread = TimeColumn(times, (TIME,), clock.style, clock.how, others, np.zeros(len(times), bool))
    frequency = _counted_frequency(wanted[0]) if clock.style == "number" else None
    if frequency is not None and frequency.name != "numbered":
        notes.append(Note(f"{wanted[0]}, {wanted[1]}, ... are taken as {frequency.steps}, without dates", ASSUMED))
    return Layout(
        "a series a row, times as heads",
        Table(long, table.notes),
        spread,
        (SERIES,),
        VALUE,
        tuple(wanted),
        tuple(notes),
        frequency,
    )


COUNTED_UNITS = {
    "d": ("daily", 7), "day": ("daily", 7), "w": ("weekly", 52), "wk": ("weekly", 52), "week": ("weekly", 52),
    "h": ("hourly", 24), "hour": ("hourly", 24), "month": ("monthly", 12), "quarter": ("quarterly", 4),
    "year": ("yearly", 0), "tag": ("daily", 7),
}  # fmt: skip


def _counted_frequency(head: str) -> Frequency | None:
    """The grid of counts that say what they count: d_1 is a day."""
    match = COUNTED.fullmatch(head.strip())
    name, season = COUNTED_UNITS.get(match[1].strip(" _.-").lower() if match else "", ("", 0))
    return Frequency(name, "steps", seasons=(season,) if season else ()) if name else None


def _dates_as_heads(heads: Sequence[str], told: Columns) -> TimeColumn | None:
    """The columns whose heads are dates, with what these mean; None where too few are."""
    dated = [
        h for h in heads if (parts := take_apart(_bare(h))) is not None and parts.shape not in {"n/n", "mon n", "n mon"}
    ]
    if len(dated) < FEWEST:
        short = [h for h in heads if take_apart(_bare(h)) is not None]
        dated = short if len(short) >= max(6, 0.8 * len(heads)) else dated
    if len(dated) < FEWEST or len(dated) < 0.5 * len(heads):
        return _serials_as_heads(heads)
    found = readings([_bare(head) for head in dated], told.order)
    if not found or found[0].share < 0.9:
        return None
    best = found[0]
    whole = ~np.isnat(best.times)
    if len(np.unique(best.times[whole])) < whole.sum():
        return None
    names = tuple(head for head, good in zip(dated, whole, strict=True) if good)
    close = tuple(replace(r, times=r.times[whole]) for r in found[1:] if r.cost - best.cost < CLOSE)
    return TimeColumn(best.times[whole], names, best.style, best.how, close, cost=best.cost)


def _serials_as_heads(heads: Sequence[str]) -> TimeColumn | None:
    """Heads that are Excel's days, on a calendar."""
    days = [head for head in heads if head.isdigit() and len(head) == 5]
    if len(days) < FEWEST or len(days) < 0.5 * len(heads):
        return None
    found = readings_of_numbers(np.array(days, float), named=True, first=False)
    if not found or found[0].style != "day" or found[0].cost > CLOSE:
        return None
    return TimeColumn(found[0].times, tuple(days), "day", found[0].how, cost=found[0].cost)


def _bare(head: str) -> str:
    """A head without what World Bank and R write around a year: "1990 [YR1990]", "X1990"."""
    text = re.sub(r"\s*\[.*?\]\s*$", "", head.strip())
    text = re.sub(r"\.0$| 00:00:00$", "", text)
    return text[1:] if re.fullmatch(r"[XxYyF]_?\d{4}([.-]\d{1,2}){0,2}|[XY]\d{4}(Q\d|M\d\d)", text) else text


def _counts_as_heads(table: Table, heads: Sequence[str], *, forced: bool) -> TimeColumn | None:
    """Heads such as d_1, d_2, ... or V1, V2, ...; only where nothing else in the table is a time."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for head in heads:
        match = COUNTED.fullmatch(head.strip())
        if match:
            groups.setdefault(match[1].lower(), []).append((int(match[2]), head))
    if not groups:
        return None
    numbered = max(groups.values(), key=len)
    counts = [number for number, _ in numbered]
    steps = set(np.diff(counts).tolist())
    if len(counts) < (FEWEST if forced else FEWEST_COUNTS) or steps != {1}:
        return None
    rest = {name: c for name, c in table.columns.items() if name not in {h for _, h in numbered}}
    if not forced:
        if len(numbered) < 0.6 * len(heads) or not rest:
            return None
        first = next(iter(rest.values()))
        if first.kind != "text" and first.distinct < table.length:
            return None
        rest = {name: c for name, c in rest.items() if not re.search(r"start|begin|first|end|last", name.lower())}
        if find_time(Table(rest), Columns()).names:
            return None
    names = tuple(head for _, head in numbered)
    return TimeColumn(np.array(counts).astype("datetime64[s]"), names, "number")


def _row_keys(rest: dict[str, Column], known: NDArray[np.bool_], told: Columns) -> tuple[tuple[str, ...], list[Note]]:
    """The columns that name each row, the fewest that tell all rows apart."""
    from latchwork.forecasting.reading.roles import is_coordinate
    from latchwork.forecasting.reading.told import listed

    asked = [name for text in listed(told.series) for name in (text.split(",") if text not in rest else [text])]
    if asked:
        return tuple(Table(rest).column(name.strip()).name for name in asked), []
    options = [c for c in rest.values() if not is_coordinate(c.name) and any(c.labels)]
    options.sort(key=lambda c: c.kind != "text")
    rows = np.flatnonzero(known)

    def tells(columns: Sequence[Column]) -> bool:
        return len({tuple(c.labels[r] for c in columns) for r in rows}) == len(rows)

    for column in options:
        if tells([column]) and all(column.labels[r] for r in rows):
            return (column.name,), []
    texts = [c for c in options if c.kind == "text"] or options
    if texts and tells(texts):
        kept = list(texts)
        for column in reversed(texts):
            fewer = [c for c in kept if c is not column]
            if fewer and tells(fewer):
                kept = fewer
        return tuple(c.name for c in kept), []
    if not texts or len(rows) == 1:
        return tuple(c.name for c in texts[:1]), []
    raise InputError(
        f"got {len(rows)} rows with times as heads, and no columns that tell them apart "
        f"({some([c.name for c in texts])} come twice): name the series with --series A,B"
    )


def _joined(columns: Sequence[Column], length: int) -> list[str]:
    """A name for each row."""
    if not columns:
        return [VALUE] if length == 1 else [f"row {i + 1}" for i in range(length)]
    return [" / ".join(cell for cell in row if cell) for row in zip(*(c.labels for c in columns), strict=True)]


def series_in_columns(table: Table) -> Layout | None:
    """Columns that begin with their number of values, a year and perhaps a month or quarter."""
    columns = list(table.columns.values())
    if table.length < 6 or any(c.kind != "number" for c in columns):
        return None
    values = np.stack([c.values for c in columns], axis=1)
    for above in (3, 2):
        counts = np.isfinite(values[above:]).sum(axis=0)
        years, parts = values[1], values[2] if above == 3 else np.ones(len(columns))
        whole = bool(np.all(years == np.rint(years)) and np.all((years >= 1700) & (years <= 2200)))
        if not (np.array_equal(counts, values[0]) and whole and np.all((parts >= 1) & (parts <= 12))):
            continue
        quarters = above == 3 and (parts.max() <= 4 and not columns[0].name.lower().startswith("m"))
        step = 12 if above == 2 else 3 if quarters else 1
        first = ((years - 1970) * 12 + (parts - 1) * (3 if quarters else 1)).astype(np.int64)
        rows = [np.flatnonzero(np.isfinite(values[above:, i])) + above for i in range(len(columns))]
        times = np.concatenate(
            [(f + step * np.arange(len(r))).astype("datetime64[M]") for f, r in zip(first, rows, strict=True)]
        )
        labels = [c.name for c, r in zip(columns, rows, strict=True) for _ in r]
        numbers = np.concatenate([values[r, i] for i, r in enumerate(rows)])
        long = {SERIES: Column(SERIES, labels), TIME: Column(TIME, times=times.astype("datetime64[s]")),
                VALUE: Column(VALUE, numbers=numbers_of(numbers))}  # fmt: skip
        style = {12: "year", 3: "quarter", 1: "month"}[step]
        clock = TimeColumn(times.astype("datetime64[s]"), (TIME,), style, coarse=np.zeros(len(times), bool))
        note = Note(f"a series a column: the first {above} rows are its number of values and when it begins", ASSUMED)
        heads = tuple(c.name for c in columns)
        return Layout("a series a column", Table(long, table.notes), clock, (SERIES,), VALUE, heads, (note,))
    return None
