"""Which column is the time, which the series, which the target: asked for by name, or found and said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.dates import parse_times, style_of
from latchwork.forecasting.reading.numbers import is_missing, parse_numbers
from latchwork.forecasting.reading.table import UNNAMED, Table
from latchwork.transforms.calendar import Times

TIME_NAMES = re.compile(r"date|time|month|year|quarter|week|day|period|stamp|^ds$|^t$|^index$|datum|fecha|^jahr$", re.I)
TARGET_NAMES = ("y", "value", "values", "target", "sales", "demand", "amount", "count", "price")
PRICES = ("open", "high", "low", "close")
MOST_CATEGORIES = 8  # of a covariate of text
ENOUGH = 0.6  # share of the cells of a column that must be dates for it to be the time column


@dataclass(frozen=True)
class TimeColumn:
    """Times of every row (NaT where unreadable), the columns they came from, and how they were written."""

    times: Times
    names: tuple[str, ...]
    style: str


def find_time(table: Table, wanted: str | None) -> TimeColumn:
    """The time column: the one asked for, else the first that holds dates, else rows are numbered."""
    if wanted is not None:
        cells = column(table, wanted)
        found = _as_times(wanted, cells, trust=True)
        if found is None:
            example = next((str(c) for c in cells if str(c).strip()), "")
            raise InputError(f"got time column {wanted!r} with values such as {example!r}: not dates that can be read")
        return found
    combined = _year_and_month(table)
    if combined is not None:
        return combined
    ordered = sorted(table.columns, key=lambda name: not TIME_NAMES.search(name))
    found = [times for name in ordered if (times := _as_times(name, table.columns[name], trust=False))]
    if found:  # a plain count is the time only where nothing is a date
        return min(found, key=lambda times: times.style == "number")
    return TimeColumn(np.arange(table.length).astype("datetime64[s]"), (), "number")


def column(table: Table, name: str) -> list[str] | NDArray[Any]:
    """A column by name (case and outer spaces aside)."""
    if name in table.columns:
        return table.columns[name]
    for existing, cells in table.columns.items():
        if existing.strip().lower() == name.strip().lower():
            return cells
    shown = ", ".join(list(table.columns)[:12])
    raise InputError(f"got column {name!r}: the columns are {shown}")


def column_name(table: Table, name: str) -> str:
    """The table's own spelling of a column's name."""
    cells = column(table, name)
    return next(existing for existing, candidate in table.columns.items() if candidate is cells)


def numeric(table: Table, name: str) -> NDArray[np.float64]:
    """A column as float64, NaN where there is no number."""
    cells = column(table, name)
    if isinstance(cells, np.ndarray):
        if cells.dtype.kind == "M":
            raise InputError(f"got column {name!r}: it holds dates, a number is needed")
        values = cells.astype(np.float64)
    else:
        values, unreadable = parse_numbers(cells)
        if unreadable > 0.5 * max(1, len(cells)):
            example = next(c for c in cells if not is_missing(c))
            raise InputError(
                f"got column {name!r} with values such as {example[:40]!r}: it holds text, a number is needed"
            )
    return np.where(np.isfinite(values), values, np.nan)


def numbers_or_categories(table: Table, name: str) -> dict[str, NDArray[np.float64]]:
    """A covariate as numbers; where it holds text, one column of 0 and 1 for each of its most frequent values."""
    own = column_name(table, name)
    cells = table.columns[own]
    if isinstance(cells, np.ndarray) or parse_numbers(cells)[1] <= 0.5 * max(1, len(cells)):
        return {own: numeric(table, own)}
    common = [value for value, _ in Counter(cells).most_common(MOST_CATEGORIES) if not is_missing(value)]
    return {f"{own}={value}": np.array([float(cell == value) for cell in cells]) for value in common}


def _as_times(name: str, cells: list[str] | NDArray[Any], trust: bool) -> TimeColumn | None:
    if isinstance(cells, list):
        sample = [cell for cell in cells[:300] if not is_missing(cell)]
        if not sample or np.mean(~np.isnat(parse_times(sample).times)) < ENOUGH:
            return None
        parsed = parse_times(cells)
        if np.mean(~np.isnat(parsed.times)) < (0.0 if trust else ENOUGH / 2):
            return None
        return TimeColumn(parsed.times, (name,), parsed.style)
    if cells.dtype.kind == "M":
        whole_days = np.all(np.isnat(cells) | (cells.astype("datetime64[D]") == cells))
        return TimeColumn(cells, (name,), "day" if whole_days else "time")
    return _numbers_as_times(name, cells, trust)


def _numbers_as_times(name: str, cells: NDArray[np.float64], trust: bool) -> TimeColumn | None:
    """Years, 202001, 20200131, seconds or milliseconds since 1970, decimal years, or a plain count."""
    known = cells[np.isfinite(cells)]
    if known.size < 0.5 * cells.size or known.size == 0 or not (trust or TIME_NAMES.search(name)):
        return None
    whole = bool(np.all(known == np.rint(known)))
    low, high = known.min(), known.max()
    digits = [str(int(v)) if np.isfinite(v) else "" for v in cells] if whole and high < 1e14 else []
    if whole and low >= 1500 and high <= 2200:
        return TimeColumn(parse_times(digits).times, (name,), "year")
    if whole and low >= 150001 and high <= 220012 and np.all((known % 100 >= 1) & (known % 100 <= 12)):
        return TimeColumn(parse_times([f"{d[:4]}-{d[4:]}" for d in digits]).times, (name,), "month")
    if whole and low >= 15000101 and high <= 22001231:
        return TimeColumn(parse_times(digits).times, (name,), "day")
    for scale in (1, 1000):  # seconds or milliseconds, 1980 to 2100
        if 3.1e8 * scale <= low and high <= 4.2e9 * scale:
            return TimeColumn(_with_missing(cells / scale), (name,), "time")
    if not whole and low >= 1500 and high <= 2200:
        months = np.rint((cells - 1970) * 12)
        stamps = (
            np.where(np.isfinite(months), months, 0).astype(np.int64).astype("datetime64[M]").astype("datetime64[s]")
        )
        stamps[~np.isfinite(cells)] = np.datetime64("NaT")
        return TimeColumn(stamps, (name,), "month")
    if whole and abs(low) < 1e9 and high < 1e9:
        return TimeColumn(_with_missing(cells), (name,), "number")
    return None


def _with_missing(seconds: NDArray[np.float64]) -> Times:
    times = np.where(np.isfinite(seconds), seconds, 0).astype(np.int64).astype("datetime64[s]")
    times[~np.isfinite(seconds)] = np.datetime64("NaT")
    return times


def _year_and_month(table: Table) -> TimeColumn | None:
    names = {name.strip().lower(): name for name in table.columns}
    parts = [names.get(part) for part in ("year", "month", "day")]
    if parts[0] is None or parts[1] is None:
        return None
    texts: list[list[str]] = []
    for name in parts:
        if name is None:
            continue
        cells = table.columns[name]
        if isinstance(cells, np.ndarray) and cells.dtype.kind == "f":
            cells = [f"{int(v):02d}" if np.isfinite(v) else "" for v in cells]
        if not isinstance(cells, list):
            return None
        texts.append(cells)
    joined = ["-".join(row) for row in zip(*texts, strict=True)]
    times = parse_times(joined).times
    if np.mean(~np.isnat(times)) < ENOUGH:
        return None
    return TimeColumn(times, tuple(name for name in parts if name is not None), style_of(joined[0]))


def find_series(table: Table, times: Times, taken: Sequence[str]) -> tuple[str, ...]:
    """The columns that tell series apart in a long table: those that make repeated times unique."""
    valid = ~np.isnat(times)
    repeats = 1 - len(np.unique(times[valid])) / max(1, int(valid.sum()))
    if repeats < 0.05:
        return ()
    stamps = np.unique(times, return_inverse=True)[1]
    texts = [name for name, cells in table.columns.items() if isinstance(cells, list) and name not in taken]
    whole = [
        name
        for name, cells in table.columns.items()
        if isinstance(cells, np.ndarray) and cells.dtype.kind == "f" and name not in taken and _few_whole(cells)
    ]
    options = [(n,) for n in texts] + [(n,) for n in whole]
    options += [(a, b) for i, a in enumerate(texts + whole) for b in (texts + whole)[i + 1 :]]
    for names in options:
        keys = series_keys(table, names)
        _, codes = np.unique(keys, return_inverse=True)
        pairs = codes.astype(np.int64) * (stamps.max() + 1) + stamps
        if len(np.unique(pairs[valid])) > 0.98 * valid.sum():
            return names
    return ()


def _few_whole(cells: NDArray[np.float64]) -> bool:
    known = cells[np.isfinite(cells)]
    return (
        known.size == cells.size > 0
        and bool(np.all(known == np.rint(known)))
        and len(np.unique(known)) <= cells.size / 2
    )


def series_keys(table: Table, names: Sequence[str]) -> NDArray[Any]:
    """One text a row that names its series."""
    parts: list[list[str]] = []
    for name in names:
        cells = column(table, name)
        whole = isinstance(cells, np.ndarray) and cells.dtype.kind == "f"
        parts.append([f"{v:g}" if whole else str(v) for v in cells])
    return np.array([" / ".join(row) for row in zip(*parts, strict=True)])


def find_targets(table: Table, taken: Sequence[str], long: bool, notes: list[str]) -> list[str]:
    """The columns to forecast where none was named."""
    options = [
        name
        for name, c in table.columns.items()
        if isinstance(c, np.ndarray) and c.dtype.kind == "f" and name not in taken
    ]
    counts = [name for name in options if name == UNNAMED and np.all(np.diff(numeric(table, name)) == 1)]
    options = [name for name in options if name not in counts]
    if not options:
        options = _numbers_in_text(table, taken)
    if not options:
        raise InputError(f"got columns {', '.join(list(table.columns)[:8])}: none holds numbers to forecast")
    lowered = {name.strip().lower(): name for name in options}
    if len(options) == 1:
        return options
    if all(price in lowered for price in PRICES):
        notes.append("open-high-low-close prices: forecasting the close (--target chooses)")
        return [lowered["close"]]
    named = [lowered[name] for name in TARGET_NAMES if name in lowered]
    if named or long:
        chosen = named[0] if named else options[-1]
        notes.append(f"forecasting {chosen!r} (--target chooses among {', '.join(options[:8])})")
        return [chosen]
    flags = [name for name in options if len(np.unique(table.columns[name][:10_000])) <= 2]  # pyright: ignore[reportArgumentType]
    kept = [name for name in options if name not in flags] or options
    if len(kept) > 1:
        notes.append(f"{len(kept)} columns of numbers, each forecast as a series of its own (--target picks one)")
    return kept


def _numbers_in_text(table: Table, taken: Sequence[str]) -> list[str]:
    """Columns of text half of which is numbers after all."""
    found: list[str] = []
    for name, cells in table.columns.items():
        if name in taken or not isinstance(cells, list):
            continue
        values, unreadable = parse_numbers(cells[:2000])
        if unreadable <= 0.5 * len(values) and np.isfinite(values).any():
            found.append(name)
    return found
