"""From a table to a panel, one step after the other: layout, time, series, targets, grid; each says what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.column import TABLE, Column, Table
from latchwork.forecasting.reading.columns import numbers_or_categories, numeric
from latchwork.forecasting.reading.dates import format_times
from latchwork.forecasting.reading.grid import Series, to_grid
from latchwork.forecasting.reading.layout import find_layout
from latchwork.forecasting.reading.long import Layout, described
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, FACT, GUESSED, Note, by_severity, count_of, some
from latchwork.forecasting.reading.panel import Panel, Values
from latchwork.forecasting.reading.roles import Keys, find_keys, find_targets, series_of
from latchwork.forecasting.reading.table import notes_on, read_table
from latchwork.forecasting.reading.times import TimeColumn, find_time
from latchwork.forecasting.reading.told import Columns, listed
from latchwork.forecasting.reading.understood import Understood, options_of, parts_played
from latchwork.transforms.calendar import Frequency, numbered

FOUND = Columns()
UNREADABLE = 0.1  # share of rows without a readable time, from which it is said first
SPECIAL = ("Excel's days", "seconds since 1970", "years in decimals", "fiscal years", "seconds since the first")
TOTAL_WORDS = (
    "total",
    "sum",
    "gesamt",
    "summe",
    "all",
    "average",
    "mean",
    "avg",
    "grand",
    "overall",
    "mittel",
    "insgesamt",
)


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
    if table.matrix and columns == FOUND:
        return _from_matrix(table)
    if columns.decimal is not None:
        table = table.with_decimal(columns.decimal)
    layout = find_layout(table, columns)
    return _Reading(table, layout, columns).panel()


def _from_matrix(table: Table) -> Panel:
    """The panel of an array with one series a row."""
    kept = [(name, v[: np.flatnonzero(np.isfinite(v))[-1] + 1]) for name, c in table.columns.items()
            if np.isfinite(v := c.values).any()]  # fmt: skip
    if not kept:
        raise InputError("got no number at all: every value is missing")
    return Panel(
        tuple(name for name, _ in kept),
        tuple(np.arange(len(v)).astype("datetime64[s]") for _, v in kept),
        tuple(v for _, v in kept),
        numbered(),
        "number",
        "value",
        notes=(Note(f"{count_of(len(kept), 'series')}, one a row, without dates", ASSUMED),),
    )


@dataclass(frozen=True)
class _Reading:
    """A table on its way: as it is, as it is laid out, and what the user says of it."""

    whole: Table
    layout: Layout
    told: Columns

    def panel(self) -> Panel:
        """The panel, with notes in the order of what could hurt most."""
        table, told = self.layout.table, self.told
        notes = [*table.notes, *self.layout.notes, *filter(None, [described(self.layout)])]
        clock = self.layout.clock or find_time(table, told)
        kept = self._valid(clock, notes)
        beside = {name: numbers_or_categories(table, name) for name in told.beside}
        taken = [*clock.names, *(table.column(name).name for name in told.beside)]
        keys = self._keys(clock, taken, notes)
        targets = self._targets(clock, taken, keys, notes)
        self._check_names(targets, keys)
        used = [table.columns[name] for name in targets]
        notes += _ways(clock, kept) + notes_on(used)
        raw = _split(
            clock.times[kept],
            series_of(table, keys.columns),
            kept,
            {name: (label, numeric(table, name)[kept]) for name, label in targets.items()},
            {column: values[kept] for parts in beside.values() for column, values in parts.items()},
        )
        series, frequency = to_grid(raw, clock.style, list(targets), told, notes, self.layout.frequency)
        panel = Panel(
            tuple(s.name for s in series),
            tuple(s.times for s in series),
            tuple(s.values for s in series),
            frequency,
            clock.style,
            next(iter(targets)) if len(targets) == 1 else "value",
            {name: tuple(s.covariates[name] for s in series) for name in series[0].covariates},
            understood=self._understood(clock, keys, targets, frequency, used),
        )
        notes += _hints(panel, used)
        panel = _kinds(
            panel,
            tuple(column for name in told.past_covariates for column in beside[name]),
            tuple(column for name in told.static_covariates for column in beside[name]),
        )
        return replace(panel, notes=by_severity(notes))

    def _valid(self, clock: TimeColumn, notes: list[Note]) -> NDArray[np.bool_]:
        """The rows whose time can be read; what becomes of the others is said."""
        if not clock.names:
            notes.append(Note("no time column: observations are taken in the order of the rows", GUESSED))
        valid = ~np.isnat(clock.times)
        if not valid.any():
            raise InputError(f"got time column {some(clock.names)!r} without one readable time")
        if clock.coarse.any():
            notes.append(_totals(self.layout.table, clock))
        lost = ~valid & ~(clock.coarse if clock.coarse.any() else np.zeros(len(valid), bool))
        if lost.any() and self.layout.clock is None:
            column = self.layout.table.columns[clock.names[0]]
            cells = list(dict.fromkeys(column.labels[i] for i in np.flatnonzero(lost)))
            totals = all(any(word in cell.lower() for word in TOTAL_WORDS) for cell in cells)
            shown = f" ({some([repr(cell[:20]) for cell in cells], 3)})"
            what = "of totals" if totals else "whose time could not be read"
            serious = not totals and lost.mean() > UNREADABLE
            notes.append(
                Note(f"dropped {count_of(int(lost.sum()), 'row')} {what}{shown}", GUESSED if serious else CHANGED)
            )
        return valid

    def _keys(self, clock: TimeColumn, taken: Sequence[str], notes: list[Note]) -> Keys:
        table, told = self.layout.table, self.told
        asked = [
            name for text in listed(told.series) for name in ([text] if text in table.columns else text.split(","))
        ]
        if self.layout.keys:
            names = self.layout.keys
        elif asked:
            names = tuple(table.column(name.strip()).name for name in asked)
        elif told.aggregate and not clock.names:
            names = ()
        else:
            wanted = [table.column(name).name for name in listed(told.target) if name in table.columns]
            names = find_keys(table, clock.times, [*taken, *wanted, *clock.rivals], notes)
            if names:
                single = len(names) > 1
                notes.append(Note(f"{some(names)} {'together name' if single else 'names'} the series", ASSUMED))
        if names == (TABLE,):
            notes.append(Note("tables joined end to end, over the same times: each is a series", GUESSED))
        return series_of(table, names)

    def _targets(self, clock: TimeColumn, taken: Sequence[str], keys: Keys, notes: list[Note]) -> dict[str, str]:
        """Columns to forecast, each with the name of its series ("" where keys name it)."""
        table = self.layout.table
        named = [table.column(n).name for text in listed(self.told.target)
                 for n in ([text] if text in table.columns else _known(table, text))]  # fmt: skip
        if self.layout.target and not named:
            named = [self.layout.target]
        found = (
            {name: name for name in named}
            if named
            else find_targets(table, clock.times, [*taken, TABLE], keys.columns, notes)
        )
        return dict.fromkeys(found, "") if keys.columns else found

    def _check_names(self, targets: Mapping[str, str], keys: Keys) -> None:
        told = self.told
        if keys.columns and len(targets) > 1:
            raise InputError(f"got {len(targets)} targets in a long table: choose one with --target")
        repeated = [n for n in dict.fromkeys(told.beside) if told.beside.count(n) > 1 or n in targets]
        if repeated:
            raise InputError(
                f"got column {repeated[0]!r} more than once: a column is a target or one kind of covariate"
            )

    def _understood(
        self, clock: TimeColumn, keys: Keys, targets: Mapping[str, str], frequency: Frequency, used: Sequence[Column]
    ) -> Understood:
        long = self.layout.clock is None
        time = clock.names if long else ()
        marks = {c.numbers.mark.decimal for c in (used if long else self.whole.columns.values()) if c.numbers}
        played = dict.fromkeys(time, "time")
        played |= dict.fromkeys(keys.columns, "names the series")
        played |= dict.fromkeys(targets, "forecast")
        for kind, names in (
            ("known ahead", self.told.covariates),
            ("known up to the origin", self.told.past_covariates),
            ("one value a series", self.told.static_covariates),
        ):
            played |= {self.layout.table.column(name).name: f"covariate, {kind}" for name in names}
        example = _example(clock, self.layout.table)
        return Understood(
            self.layout.name,
            parts_played(self.whole, clock.times, played, self.layout.heads),
            example,
            options_of(
                self.told, time, keys.columns if long else (), list(targets) if long else (), clock.how, frequency,
                clock.style, "," if marks == {","} else ".", not long and "series" in self.layout.name,
            ),
        )  # fmt: skip


def _known(table: Table, text: str) -> list[str]:
    """Names of columns that a text holds, divided by commas; the text itself where it names one."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return parts if len(parts) > 1 else [text]


def _example(clock: TimeColumn, table: Table) -> str:
    """How a date was read, by an example that shows most: the row whose day is largest."""
    known = np.flatnonzero(~np.isnat(clock.times))
    if not clock.names or not known.size:
        return "rows are numbered in their order"
    row = int(known[len(known) // 2])
    cells = [table.columns[name].labels[row] for name in clock.names if name in table.columns]
    cell = " ".join(cells) if len(cells) == len(clock.names) and "T00:00:00" not in cells[0] else clock.names[0]
    read = format_times(clock.times[row : row + 1], clock.style)[0]
    if cell in {read, clock.names[0]}:
        return f"times such as {read}"
    return f"{cell} is read as {read}" + (f" ({clock.how})" if clock.how else "")


def _ways(clock: TimeColumn, kept: NDArray[np.bool_]) -> list[Note]:
    """What is said of a choice between two ways to read dates, or two columns of them."""
    notes: list[Note] = []
    if clock.others:
        other = clock.others[0]
        different = np.flatnonzero((other.times != clock.times) & kept & ~np.isnat(other.times))
        if different.size:
            row = different[:1]
            a, b = (
                format_times(times[row], style)[0]
                for times, style in ((clock.times, clock.style), (other.times, other.style))
            )
            option = {"day first": "--day-first", "month first": "--month-first"}.get(other.how, "--date-format")
            notes.append(Note(f"dates are read {clock.how or 'so'}: {a}, which could also be {b} ({option})", GUESSED))
    if clock.rivals:
        notes.append(
            Note(f"the time is {some(clock.names)}; {some(clock.rivals)} hold dates too (--time chooses)", ASSUMED)
        )
    if clock.how in {
        "Excel's days",
        "seconds since 1970",
        "years in decimals",
        "fiscal years",
        "seconds since the first",
    }:
        notes.append(Note(f"{some(clock.names)} is read as {clock.how}", ASSUMED))
    if clock.style.endswith("@utc:") or "@utc:" in clock.style:
        notes.append(
            Note("the clock changes in these times: the grid is in UTC, times are given back in their own zone", FACT)
        )
    return notes


def _totals(table: Table, clock: TimeColumn) -> Note:
    """Rows of a coarser kind among the others: a year's sum after its months."""
    labels = table.columns[clock.names[0]].labels if clock.names[0] in table.columns else []
    shown = some([repr(labels[i]) for i in np.flatnonzero(clock.coarse)], 3) if labels else "longer periods"
    return Note(
        f"left out {count_of(int(clock.coarse.sum()), 'row')} of longer periods among the others ({shown}): totals",
        CHANGED,
    )


def _split(
    times: NDArray[Any],
    keys: Keys,
    kept: NDArray[np.bool_],
    targets: Mapping[str, tuple[str, Values]],
    covariates: Mapping[str, Values],
) -> list[Series]:
    """The rows by series."""
    codes = keys.codes[kept]
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    found: list[Series] = []
    for code, rows in zip(present, np.split(order, starts[1:]), strict=True):
        for label, values in targets.values():
            name = label or keys.names[int(code)]
            found.append(Series(name, times[rows], values[rows], {c: v[rows] for c, v in covariates.items()}))
    return found


def _kinds(panel: Panel, past: tuple[str, ...], static: tuple[str, ...]) -> Panel:
    """The panel with each covariate as the kind that it is."""
    firsts = {
        name: np.array([v[np.flatnonzero(np.isfinite(v))[:1]].sum() for v in panel.covariates[name]]) for name in static
    }
    moving = {name: values for name, values in panel.covariates.items() if name not in static}
    return replace(panel, covariates=moving, past=past, static=firsts)


HINTED = 50  # series, up to which their values are looked at for limits
PER_CENT = (
    "percent",
    "per cent",
    "pct",
    "share",
    "uptime",
    "availability",
    "prozent",
    "quote",
    "occupancy",
    "utilization",
)


def _hints(panel: Panel, used: Sequence[Column]) -> list[Note]:
    """Options that fit the values: a total that never falls, a share that stays within 0 and 100."""
    if len(panel) > HINTED:
        return []
    known = [v[np.isfinite(v)] for v in panel.values]
    notes: list[Note] = []
    if all(len(v) > 20 and np.all(np.diff(v) >= 0) and np.mean(np.diff(v) > 0) > 0.2 for v in known):
        notes.append(Note(f"{panel.target} never falls: --total keeps the forecast of a total from falling", ASSUMED))
    named = any((c.numbers and c.numbers.unit == "%") or any(w in c.name.lower() for w in PER_CENT) for c in used)
    low, high = min(float(v.min()) for v in known), max(float(v.max()) for v in known)
    top = 100 if high > 1 else 1
    if named and low >= 0 and high <= top:
        notes.append(
            Note(f"{panel.target} lies between 0 and {top}: --bounds 0,{top} keeps the forecast there", ASSUMED)
        )
    return notes
