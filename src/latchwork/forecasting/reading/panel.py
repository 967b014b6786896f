"""From a table to a panel: one regular series for each name, gaps as NaN, and notes on what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from latchwork.forecasting.reading.table import Table, read_table
from latchwork.transforms.calendar import Frequency, Times, detect_frequency, numbered

Values = NDArray[np.float64]
WIDEST_GAP = 50  # a grid this many times longer than its observations is not that series's grid


@dataclass(frozen=True)
class Panel:
    """Series on one grid.

    names: one a series. times[i]: its grid, without holes. values[i]: its observations, NaN for none.
    covariates[name][i]: as long as times[i], plus whatever is known of the future after its last observation.
    past: which of them are known up to the origin alone. static[name]: [series], one value a series.
    """

    names: list[str]
    times: list[Times]
    values: list[Values]
    frequency: Frequency
    style: str
    target: str
    covariates: dict[str, list[Values]] = field(default_factory=dict[str, list[Values]])
    notes: list[str] = field(default_factory=list[str])
    past: tuple[str, ...] = ()
    static: dict[str, Values] = field(default_factory=dict[str, Values])

    def __len__(self) -> int:
        """Number of series."""
        return len(self.names)

    def future_times(self, index: int, horizon: int) -> Times:
        """The `horizon` times that follow series `index`."""
        last = self.frequency.positions(self.times[index][-1:])[0]
        return self.frequency.times(last + np.arange(1, horizon + 1))

    def until(self, back: int) -> Panel:
        """The panel as it stood `back` steps before its end; covariates keep their known future."""
        if any(len(v) <= back for v in self.values):
            raise InputError(
                f"got {back} steps to go back: the shortest series has {min(map(len, self.values))} values"
            )
        end = -back or None
        return replace(self, times=[t[:end] for t in self.times], values=[v[:end] for v in self.values])

    def with_future(self, known: Mapping[str, Any]) -> Panel:
        """The panel with what is known ahead of each named covariate: [steps] for one series, or [series, steps]."""
        covariates = dict(self.covariates)
        for name, values in known.items():
            if name not in covariates:
                shown = ", ".join(covariates) or "none"
                raise InputError(f"got {name!r} ahead: the covariates of this model are {shown}")
            ahead = np.atleast_2d(np.asarray(values, dtype=np.float64))
            if ahead.shape[0] != len(self):
                raise InputError(
                    f"got {name!r} ahead of shape {ahead.shape}: give ({len(self)}, steps), one row a series"
                )
            covariates[name] = [
                np.concatenate([_padded(held, len(own))[: len(own)], row])
                for held, own, row in zip(covariates[name], self.values, ahead, strict=True)
            ]
        return replace(self, covariates=covariates)

    def extended(self, new: Panel) -> tuple[Panel, int]:
        """This panel gone on with the values of `new` that lie after each series' end; and how many those are.

        Series are matched by name (a single one with a single one whatever they are called); new series are added.
        Raises InputError where the frequencies differ.
        """
        if new.frequency.name != self.frequency.name:
            raise InputError(f"got {new.frequency.name} data: this model was made on {self.frequency.name} data")
        alone = len(self) == len(new) == 1
        found = {self.names[0] if alone else name: i for i, name in enumerate(new.names)}
        times, values, added = list(self.times), list(self.values), 0
        for i, name in enumerate(self.names):
            j = found.pop(name, None)
            if j is None:
                continue
            step = self.frequency.positions(new.times[j]) - self.frequency.positions(self.times[i][-1:])[0]
            later = step > 0
            if not later.any():
                continue
            added += int(np.isfinite(new.values[j][later]).sum())
            if self.frequency.unit == "business days":
                times[i] = np.concatenate([times[i], new.times[j][later]])
                values[i] = np.concatenate([values[i], new.values[j][later]])
                continue
            tail = np.full(int(step.max()), np.nan)
            tail[step[later] - 1] = new.values[j][later]
            times[i] = np.concatenate([times[i], self.future_times(i, len(tail))])
            values[i] = np.concatenate([values[i], tail])
        fresh = list(found.values())
        added += sum(int(np.isfinite(new.values[j]).sum()) for j in fresh)
        names = [*self.names, *(new.names[j] for j in fresh)]
        times += [new.times[j] for j in fresh]
        values += [new.values[j] for j in fresh]
        covariates = {name: list(held) for name, held in self.covariates.items()}
        for name, held in covariates.items():
            coming = new.covariates.get(name)
            if coming is None and "=" in name:  # a category that the new rows do not have
                coming = [np.zeros(len(v)) for v in new.values]
            if coming is None:
                raise InputError(f"got no column {name!r}: this model was made with it")
            for i in range(len(self)):
                j = 0 if alone else new.names.index(self.names[i]) if self.names[i] in new.names else None
                if j is not None:
                    held[i] = _joined(self, i, held[i], new, j, coming[j])
            held += [coming[j] for j in fresh]
        static = {name: np.concatenate([held, new.static[name][fresh]]) for name, held in self.static.items()}
        return replace(
            self, names=names, times=times, values=values, covariates=covariates, static=static, notes=[]
        ), added


def _padded(values: Values, length: int) -> Values:
    return np.pad(values, (0, max(0, length - len(values))), constant_values=np.nan)


def _joined(old: Panel, i: int, held: Values, new: Panel, j: int, fresh: Values) -> Values:
    """A covariate over the old grid and then the new one; where both know a value, the new one counts."""
    start = int(old.frequency.positions(new.times[j][:1])[0] - old.frequency.positions(old.times[i][:1])[0])
    joined = np.full(max(len(held), start + len(fresh)), np.nan)
    joined[: len(held)] = held
    inside = fresh[max(0, -start) :]
    place = slice(max(0, start), max(0, start) + len(inside))
    joined[place] = np.where(np.isfinite(inside), inside, joined[place])
    return joined


def read_panel(
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    series: str | Sequence[str] | None = None,
    covariates: Sequence[str] = (),
    past_covariates: Sequence[str] = (),
    static_covariates: Sequence[str] = (),
) -> Panel:
    """Read a file, frame or array into a panel. What is not named is found, and said in `notes`.

    covariates: columns known in advance. past_covariates: known up to the origin. static_covariates: one value a
    series, its first. Text becomes a column of 0 and 1 for each of its frequent values.

    Example: read_panel("airline.csv").frequency.name == "monthly"
    """
    if isinstance(source, Panel):
        return source
    table = read_table(source)
    notes = list(table.notes)
    if table.length == 0:
        raise InputError("got a table without rows: at least four observations are needed")
    rows = _series_in_rows(table, time, target, series)
    if rows is not None:
        return rows
    clock = find_time(table, time)
    if not clock.names:
        notes.append("no time column: observations are taken in the order of the rows")
    named = [series] if isinstance(series, str) else list(series or ())
    asked = [*covariates, *past_covariates, *static_covariates]
    found = {name: numbers_or_categories(table, name) for name in asked}
    taken = [*clock.names, *(column_name(table, name) for name in asked)]
    keys = tuple(column_name(table, part) for name in named for part in name.split(",")) or find_series(
        table, clock.times, taken
    )
    wanted = [target] if isinstance(target, str) else list(target or ())
    targets = [column_name(table, name) for name in wanted] or find_targets(table, [*taken, *keys], bool(keys), notes)
    if keys and len(targets) > 1:
        raise InputError(f"got {len(targets)} targets in a long table: choose one with --target")
    valid = ~np.isnat(clock.times)
    if not valid.all():
        notes.append(f"dropped {_count(int((~valid).sum()), 'row')} whose time could not be read")
    if not valid.any():
        raise InputError(f"got time column {', '.join(clock.names)!r} without one readable time")
    if repeated := [name for name in dict.fromkeys(asked) if asked.count(name) > 1 or name in targets]:
        raise InputError(f"got column {repeated[0]!r} more than once: a column is a target or one kind of covariate")
    held = {name: numeric(table, name)[valid] for name in targets}
    extra = {column: values[valid] for columns in found.values() for column, values in columns.items()}
    labels = series_keys(table, keys)[valid] if keys else np.zeros(int(valid.sum()), dtype=int)
    raw = _split(clock.times[valid], labels, targets, held, extra)
    panel = _regular(raw, clock.style, targets, list(extra), notes)
    return _kinds(
        panel,
        tuple(column for name in past_covariates for column in found[name]),
        tuple(column for name in static_covariates for column in found[name]),
    )


def _kinds(panel: Panel, past: tuple[str, ...], static: tuple[str, ...]) -> Panel:
    """The panel with each covariate as the kind that it is."""
    firsts = {
        name: np.array([v[np.flatnonzero(np.isfinite(v))[:1]].sum() for v in panel.covariates[name]]) for name in static
    }
    moving = {name: held for name, held in panel.covariates.items() if name not in static}
    return replace(panel, covariates=moving, past=past, static=firsts)


@dataclass
class _Raw:
    """One series as it came: times in any order, values, covariates."""

    name: str
    times: Times
    values: Values
    covariates: dict[str, Values]


def _split(
    times: Times, labels: NDArray[Any], targets: list[str], held: dict[str, Values], extra: dict[str, Values]
) -> list[_Raw]:
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    found: list[_Raw] = []
    for name, rows in zip(names, np.split(order, starts[1:]), strict=True):
        for target in targets:
            label = str(name) if labels.dtype.kind in "US" else target
            found.append(_Raw(label, times[rows], held[target][rows], {c: v[rows] for c, v in extra.items()}))
    return found


def _regular(raw: list[_Raw], style: str, targets: list[str], extra: list[str], notes: list[str]) -> Panel:
    unsorted = sum(bool(np.any(np.diff(r.times.astype(np.int64)) < 0)) for r in raw)
    distinct = [np.unique(r.times) for r in raw]
    frequency = _counted(distinct) if style == "number" else detect_frequency(distinct)
    if unsorted:
        notes.append(f"dates were out of order in {_count(unsorted, 'series')}: sorted")
    panel = Panel(
        [],
        [],
        [],
        frequency,
        style,
        targets[0] if len(targets) == 1 else "value",
        {c: [] for c in extra},
        notes,
    )
    tally = {"repeated": 0, "gaps": 0, "missing": 0, "observations": 0}
    empty: list[str] = []
    for series in raw:
        _add(panel, series, tally, empty)
    if empty:
        notes.append(f"left out {_count(len(empty), 'series')} without a single value: {', '.join(empty[:5])}")
    if not panel.names:
        raise InputError(f"got no number at all in {', '.join(targets[:5])}: every value is missing")
    still = sum(len(v) > 1 and bool(np.nanmin(v) == np.nanmax(v)) for v in panel.values)
    if still:
        notes.append("every value is the same" if len(panel) == 1 else f"{_count(still, 'series')} of one value alone")
    _say_tally(tally, frequency, notes)
    return panel


def _counted(groups: list[Times]) -> Frequency:
    """A numbered grid; counts that go up in steps of ten are one step apart."""
    gaps = np.concatenate([np.diff(g.astype(np.int64)) for g in groups])
    step = int(np.gcd.reduce(gaps)) if gaps.size else 1
    return Frequency("numbered", "steps", max(1, step), offset=int(groups[0].astype(np.int64)[0]))


def _add(panel: Panel, series: _Raw, tally: dict[str, int], empty: list[str]) -> None:
    frequency = panel.frequency
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
    known = np.isfinite(series.values)
    if not known.any():
        empty.append(series.name)
        return
    values = _mean_by(positions, series.values, len(grid))
    seen = np.flatnonzero(np.isfinite(values))
    begin, end = int(seen[0]), int(seen[-1]) + 1
    counts = np.bincount(positions, minlength=len(grid))[begin:end]
    tally["repeated"] += int((counts > 1).sum())
    tally["gaps"] += int((counts == 0).sum())
    tally["missing"] += int(((counts > 0) & ~np.isfinite(values[begin:end])).sum())
    tally["observations"] += len(seen)
    panel.names.append(series.name)
    panel.times.append(grid[begin:end])
    panel.values.append(values[begin:end])
    for name, held in series.covariates.items():
        panel.covariates[name].append(_mean_by(positions, held, len(grid))[begin:])


def _mean_by(positions: NDArray[np.int64], values: Values, length: int) -> Values:
    known = np.isfinite(values)
    counts = np.bincount(positions[known], minlength=length)
    # a mean of values scaled by their count, so that 1e300 and 1e300 do not overflow
    shares = values[known] / counts[positions[known]]
    sums = np.bincount(positions[known], weights=shares, minlength=length)
    return np.where(counts > 0, sums, np.nan)


def _say_tally(tally: dict[str, int], frequency: Frequency, notes: list[str]) -> None:
    if tally["repeated"]:
        notes.append(f"{_count(tally['repeated'], 'time')} came more than once: their mean is used")
    if tally["gaps"]:
        notes.append(
            f"{_count(tally['gaps'], 'gap')} on the {frequency.name} grid: bridged from seasons and neighbours"
        )
    if tally["missing"]:
        notes.append(f"{_count(tally['missing'], 'missing value')}: bridged from earlier seasons and neighbours")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 or noun.endswith('s') else 's'}"


def _series_in_rows(table: Table, time: str | None, target: object, series: object) -> Panel | None:
    """A table with one series a row (name, then values), as the M competitions publish; or a bare matrix."""
    if time or target or series:
        return None
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
    times = [np.arange(len(v)).astype("datetime64[s]") for _, v in kept]
    notes = [*table.notes, f"{_count(len(kept), 'series')}, one a row, without dates"]
    return Panel([label for label, _ in kept], times, [v for _, v in kept], numbered(), "number", "value", {}, notes)
