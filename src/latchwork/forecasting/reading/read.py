"""From a table to a panel: one regular series for each name, gaps as NaN, and notes on what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.columns import (
    column_name,
    find_series,
    find_targets,
    find_time,
    numbers_or_categories,
    numeric,
    series_keys,
)
from latchwork.forecasting.reading.panel import Panel, Values
from latchwork.forecasting.reading.table import Table, read_table
from latchwork.transforms.calendar import Frequency, Times, detect_frequency, numbered

WIDEST_GAP = 50  # a grid this many times longer than its observations is not that series's grid


@dataclass(frozen=True)
class Columns:
    """What is which column; what is not named is found.

    covariates: known in advance. past_covariates: known up to the origin. static_covariates: one value a series, its
    first. Text becomes a column of 0 and 1 for each of its frequent values.
    """

    target: str | Sequence[str] | None = None
    time: str | None = None
    series: str | Sequence[str] | None = None
    covariates: Sequence[str] = ()
    past_covariates: Sequence[str] = ()
    static_covariates: Sequence[str] = ()

    @property
    def beside(self) -> tuple[str, ...]:
        """The covariates of every kind."""
        return (*self.covariates, *self.past_covariates, *self.static_covariates)


FOUND = Columns()


def read_panel(source: Any, columns: Columns = FOUND) -> Panel:
    """Read a file, frame, array or `Table` into a panel. What is not named is found, and said in its `notes`.

    Raises:
        InputError: in one line, what cannot be read or which column is not there.

    Example: read_panel("airline.csv").frequency.name == "monthly"
    """
    if isinstance(source, Panel):
        return source
    table = read_table(source)
    if table.length == 0:
        raise InputError("got a table without rows: at least four observations are needed")
    rows = None if columns.time or columns.target or columns.series else _series_in_rows(table)
    return rows or _from_columns(table, columns)


def _from_columns(table: Table, columns: Columns) -> Panel:
    """The panel of a table with a row for each time (and series)."""
    notes = list(table.notes)
    clock = find_time(table, columns.time)
    if not clock.names:
        notes.append("no time column: observations are taken in the order of the rows")
    beside = {name: numbers_or_categories(table, name) for name in columns.beside}
    taken = [*clock.names, *(column_name(table, name) for name in columns.beside)]
    asked = (column_name(table, part) for name in _listed(columns.series) for part in name.split(","))
    keys = tuple(asked) or find_series(table, clock.times, taken)
    named = [column_name(table, name) for name in _listed(columns.target)]
    targets = named or find_targets(table, [*taken, *keys], bool(keys), notes)
    if keys and len(targets) > 1:
        raise InputError(f"got {len(targets)} targets in a long table: choose one with --target")
    valid = ~np.isnat(clock.times)
    if not valid.all():
        notes.append(f"dropped {_count(int((~valid).sum()), 'row')} whose time could not be read")
    if not valid.any():
        raise InputError(f"got time column {', '.join(clock.names)!r} without one readable time")
    repeated = [n for n in dict.fromkeys(columns.beside) if columns.beside.count(n) > 1 or n in targets]
    if repeated:
        raise InputError(f"got column {repeated[0]!r} more than once: a column is a target or one kind of covariate")
    raw = _split(
        clock.times[valid],
        series_keys(table, keys)[valid] if keys else np.zeros(int(valid.sum()), dtype=int),
        {name: numeric(table, name)[valid] for name in targets},
        {column: values[valid] for parts in beside.values() for column, values in parts.items()},
    )
    panel = _regular(raw, clock.style, targets, notes)
    return _kinds(
        panel,
        tuple(column for name in columns.past_covariates for column in beside[name]),
        tuple(column for name in columns.static_covariates for column in beside[name]),
    )


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _kinds(panel: Panel, past: tuple[str, ...], static: tuple[str, ...]) -> Panel:
    """The panel with each covariate as the kind that it is."""
    firsts = {
        name: np.array([v[np.flatnonzero(np.isfinite(v))[:1]].sum() for v in panel.covariates[name]]) for name in static
    }
    moving = {name: values for name, values in panel.covariates.items() if name not in static}
    return replace(panel, covariates=moving, past=past, static=firsts)


@dataclass(frozen=True)
class _Series:
    """One series: times in any order as they were read, or on a grid; values, covariates."""

    name: str
    times: Times
    values: Values
    covariates: dict[str, Values]


@dataclass
class _Tally:
    """What was met on the way, for the notes."""

    repeated: int = 0
    gaps: int = 0
    missing: int = 0


def _split(
    times: Times, labels: NDArray[Any], targets: dict[str, Values], covariates: dict[str, Values]
) -> list[_Series]:
    """The rows by series."""
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    found: list[_Series] = []
    for name, rows in zip(names, np.split(order, starts[1:]), strict=True):
        for target, values in targets.items():
            label = str(name) if labels.dtype.kind in "US" else target
            found.append(_Series(label, times[rows], values[rows], {c: v[rows] for c, v in covariates.items()}))
    return found


def _regular(raw: list[_Series], style: str, targets: list[str], notes: list[str]) -> Panel:
    """The series on one grid; what was done is added to `notes`."""
    unsorted = sum(bool(np.any(np.diff(r.times.astype(np.int64)) < 0)) for r in raw)
    distinct = [np.unique(r.times) for r in raw]
    frequency = _counted(distinct) if style == "number" else detect_frequency(distinct)
    if unsorted:
        notes.append(f"dates were out of order in {_count(unsorted, 'series')}: sorted")
    tally = _Tally()
    grids = [(series.name, _on_grid(series, frequency, tally)) for series in raw]
    series = [found for _, found in grids if found is not None]
    empty = [name for name, found in grids if found is None]
    if empty:
        notes.append(f"left out {_count(len(empty), 'series')} without a single value: {', '.join(empty[:5])}")
    if not series:
        raise InputError(f"got no number at all in {', '.join(targets[:5])}: every value is missing")
    still = sum(len(s.values) > 1 and bool(np.nanmin(s.values) == np.nanmax(s.values)) for s in series)
    if still:
        notes.append("every value is the same" if len(series) == 1 else f"{_count(still, 'series')} of one value alone")
    _note_tally(tally, frequency, notes)
    return Panel(
        tuple(s.name for s in series),
        tuple(s.times for s in series),
        tuple(s.values for s in series),
        frequency,
        style,
        targets[0] if len(targets) == 1 else "value",
        {name: tuple(s.covariates[name] for s in series) for name in series[0].covariates},
        tuple(notes),
    )


def _counted(groups: list[Times]) -> Frequency:
    """A numbered grid; counts that go up in steps of ten are one step apart."""
    gaps = np.concatenate([np.diff(g.astype(np.int64)) for g in groups])
    step = int(np.gcd.reduce(gaps)) if gaps.size else 1
    return Frequency("numbered", "steps", max(1, step), offset=int(groups[0].astype(np.int64)[0]))


def _on_grid(series: _Series, frequency: Frequency, tally: _Tally) -> _Series | None:
    """A series without holes, from its first value to its last; None where it has none. Raises on irregular times."""
    positions = frequency.positions(series.times)
    if frequency.unit == "business days":  # holidays are no missing values: the market was closed
        days, positions = np.unique(positions, return_inverse=True)
        grid = frequency.times(days)
    else:
        first, last = positions.min(), positions.max()
        if last - first + 1 > WIDEST_GAP * max(20, len(positions)):
            raise InputError(
                f"got series {series.name!r} with {len(positions)} values on a {frequency.name} grid of "
                f"{last - first + 1}: the times are too irregular; sum or average them by a longer period first"
            )
        grid = frequency.times(np.arange(first, last + 1))
        positions = positions - first
    if not np.isfinite(series.values).any():
        return None
    values = _mean_by(positions, series.values, len(grid))
    seen = np.flatnonzero(np.isfinite(values))
    begin, end = int(seen[0]), int(seen[-1]) + 1
    counts = np.bincount(positions, minlength=len(grid))[begin:end]
    tally.repeated += int((counts > 1).sum())
    tally.gaps += int((counts == 0).sum())
    tally.missing += int(((counts > 0) & ~np.isfinite(values[begin:end])).sum())
    # covariates may be known beyond the last value
    covariates = {name: _mean_by(positions, v, len(grid))[begin:] for name, v in series.covariates.items()}
    return _Series(series.name, grid[begin:end], values[begin:end], covariates)


def _mean_by(positions: NDArray[np.int64], values: Values, length: int) -> Values:
    known = np.isfinite(values)
    counts = np.bincount(positions[known], minlength=length)
    # a mean of values scaled by their count, so that 1e300 and 1e300 do not overflow
    shares = values[known] / counts[positions[known]]
    sums = np.bincount(positions[known], weights=shares, minlength=length)
    return np.where(counts > 0, sums, np.nan)


def _note_tally(tally: _Tally, frequency: Frequency, notes: list[str]) -> None:
    if tally.repeated:
        notes.append(f"{_count(tally.repeated, 'time')} came more than once: their mean is used")
    if tally.gaps:
        notes.append(f"{_count(tally.gaps, 'gap')} on the {frequency.name} grid: bridged from seasons and neighbours")
    if tally.missing:
        notes.append(f"{_count(tally.missing, 'missing value')}: bridged from earlier seasons and neighbours")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 or noun.endswith('s') else 's'}"


def _series_in_rows(table: Table) -> Panel | None:
    """A table with one series a row (name, then values), as the M competitions publish; or a bare matrix."""
    names = list(table.columns)
    first = table.columns[names[0]]
    columns = [table.columns[name] for name in names]
    bare = all(isinstance(c, np.ndarray) and c.dtype.kind == "f" for c in columns)
    if names[0] == "series 0" and bare:
        values = [np.asarray(c, dtype=np.float64) for c in columns]
        labels = names
    else:
        rest = columns[1:]
        numbers = all(isinstance(c, np.ndarray) and c.dtype.kind == "f" for c in rest)
        if not isinstance(first, list) or not numbers or len(rest) < max(8, 1) or len(set(first)) != len(first):
            return None
        if not all(name.lower().lstrip("vxt ").isdigit() for name in names[1:]):
            return None
        values = list(np.stack([np.asarray(c, dtype=np.float64) for c in rest], axis=1))
        labels = first
    kept = [
        (label, v[: np.flatnonzero(np.isfinite(v))[-1] + 1])
        for label, v in zip(labels, values, strict=True)
        if np.isfinite(v).any()
    ]
    if not kept:
        raise InputError("got no number at all: every value is missing")
    notes = (*table.notes, f"{_count(len(kept), 'series')}, one a row, without dates")
    return Panel(
        tuple(label for label, _ in kept),
        tuple(np.arange(len(v)).astype("datetime64[s]") for _, v in kept),
        tuple(v for _, v in kept),
        numbered(),
        "number",
        "value",
        notes=notes,
    )
