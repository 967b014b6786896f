"""Observed times and values onto one regular grid: repeated rows, holes, empty ends, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.dates import format_times, is_numbered, oddness, share_of_holes
from latchwork.forecasting.reading.frequencies import closed_grid, named_frequency
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, FACT, GUESSED, Note, count_of, some
from latchwork.forecasting.reading.panel import Values
from latchwork.forecasting.reading.told import Columns
from latchwork.transforms.calendar import Frequency, Positions, Times, detect_frequency, seconds

WIDEST_GAP = 50  # a grid this many times longer than its observations is not that series's grid
MOST_HOLES = 0.5  # share of a grid without a row, from which it is the user who must say what that means
MANY_HOLES = 0.15  # from here on it is said first
MOST_REPEATED = 0.1  # share of rows at a time that has one already, likewise
WHOLE_PERIOD = 0.75  # of the usual number of times in a period, below which an outer one is not whole
LAUNCH = 6  # zeros at the beginning of a series that seldom is zero later
LATER_ZEROS = 0.05
FEWEST_AFTER = 12


@dataclass(frozen=True)
class Series:
    """One series: times in any order as they were read, or on a grid; values, covariates."""

    name: str
    times: Times
    values: Values
    covariates: dict[str, Values]


@dataclass
class Tally:
    """What was met on the way, for the notes."""

    rows: int = 0
    repeated: int = 0
    gaps: int = 0
    places: int = 0
    missing: int = 0
    begun: int = 0
    ended: int = 0
    ended_last: str = ""
    closed: int = 0
    partial: list[str] = field(default_factory=list[str])
    launched: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])


def to_grid(
    raw: list[Series],
    style: str,
    targets: Sequence[str],
    told: Columns,
    notes: list[Note],
    own: Frequency | None = None,
) -> tuple[list[Series], Frequency]:
    """The series on one grid; what was done is added to `notes`. Raises InputError where there is no regular grid.

    own: the grid of a layout that says which it is.
    """
    unsorted = sum(bool(np.any(np.diff(seconds(r.times)) < 0)) for r in raw)
    raw, frequency = find_grid(raw, style, told, notes) if own is None or told.frequency else (raw, own)
    if unsorted:
        notes.append(Note(f"dates were out of order in {count_of(unsorted, 'series')}: sorted", FACT))
    tally = Tally()
    grids = [(series.name, _on_grid(series, frequency, style, told, tally)) for series in raw]
    series = [found for _, found in grids if found is not None]
    empty = [name for name, found in grids if found is None]
    if not series:
        raise InputError(f"got no number at all in {some(targets)}: every value is missing")
    if empty:
        notes.append(Note(f"left out {count_of(len(empty), 'series')} without a single value: {some(empty)}", CHANGED))
    _check(tally, frequency, style, series, told, 1 if len(raw) > len(targets) else len(targets))
    _note(tally, frequency, style, series, told, notes)
    return series, frequency


def find_grid(raw: list[Series], style: str, told: Columns, notes: list[Note]) -> tuple[list[Series], Frequency]:
    """The grid of some series (the user's, or found), and the series without rows that lie off it."""
    distinct = [np.unique(r.times) for r in raw]
    if isinstance(told.frequency, Frequency):
        _check_known(distinct, told.frequency)
        return raw, told.frequency
    if told.frequency is not None:
        return raw, named_frequency(told.frequency, np.unique(np.concatenate(distinct)))
    if told.closed:
        frequency = closed_grid(told.closed, np.unique(np.concatenate(distinct)))
        kept = [_where(r, _is_open(frequency, r.times)) for r in raw]
        dropped = sum(len(r.times) - len(k.times) for r, k in zip(raw, kept, strict=True))
        if dropped:
            notes.append(Note(f"left out {count_of(dropped, 'row')} at times that are closed", CHANGED))
        return [series for series in kept if len(series.times)], frequency
    if is_numbered(style):
        return raw, _counted(distinct)
    frequency = _detected(distinct, told)
    if oddness(frequency) >= 0.3:
        notes.append(Note(f"values come {frequency.name}: an unusual step (--frequency says another)", GUESSED))
    return raw, frequency


def _detected(distinct: list[Times], told: Columns) -> Frequency:
    """The grid that times show; days where the user says what days without a row are, and nothing else fits."""
    try:
        return detect_frequency(distinct)
    except InputError as error:
        times = np.unique(np.concatenate(distinct))
        days = bool(np.all(times.astype("datetime64[D]") == times))
        if told.gaps is not None and days and len(times) > 1:
            return named_frequency("daily", times)
        if "irregular" not in str(error):
            raise
        steps = str(error).split(":", maxsplit=1)[0]
        zero = "--gaps zero where a day without a row is nothing, or " if days else ""
        raise InputError(
            f"{steps}: say {zero}--frequency daily (weekly, ...) with --aggregate sum, mean or last"
        ) from error


def _check_known(distinct: list[Times], known: Frequency) -> None:
    """Raise InputError where times do not lie on a grid that is known before."""
    times = np.unique(np.concatenate(distinct))
    places = known.positions(times)
    crowded = len(times) > 2 and len(np.unique(places)) < (1 - MOST_REPEATED) * len(times)
    away = np.abs(seconds(times) - seconds(known.times(places))) if known.unit == "seconds" else np.zeros(1)
    try:
        own = detect_frequency(distinct).name
    except InputError:
        own = "other"
    sparse = (
        len(times) > 3 and share_of_holes(times, known) > MOST_HOLES and known.unit not in {"steps", "business days"}
    )
    if crowded or sparse or away.max() > 0.25 * known.step:
        other = own if own != known.name else "differently placed"
        raise InputError(f"got {other} data: this model was made on {known.name} data")


def _is_open(frequency: Frequency, times: Times) -> NDArray[np.bool_]:
    return frequency.times(frequency.positions(times)) == times.astype("datetime64[s]")


def _where(series: Series, kept: NDArray[np.bool_]) -> Series:
    covariates = {name: values[kept] for name, values in series.covariates.items()}
    return replace(series, times=series.times[kept], values=series.values[kept], covariates=covariates)


def _counted(groups: list[Times]) -> Frequency:
    """A numbered grid; counts that go up in steps of ten are one step apart."""
    gaps = np.concatenate([np.diff(g.astype(np.int64)) for g in groups])
    step = int(np.gcd.reduce(gaps)) if gaps.size else 1
    return Frequency("numbered", "steps", max(1, step), offset=int(groups[0].astype(np.int64)[0]))


def _on_grid(series: Series, frequency: Frequency, style: str, told: Columns, tally: Tally) -> Series | None:
    """A series without holes, from its first value to its last; None where it has none. Raises on irregular times."""
    known = np.isfinite(series.values)
    if not known.any():
        return None
    positions = _places(series.times, frequency, told)
    if frequency.unit == "business days" or told.gaps == "leave":  # times without a row are not on the grid
        days, positions = np.unique(positions, return_inverse=True)
        grid = frequency.times(days)
    else:
        first, last = int(positions.min()), int(positions.max())
        if last - first + 1 > WIDEST_GAP * max(20, len(positions)):
            raise InputError(
                f"got series {series.name!r} with {len(positions)} values on a {frequency.name} grid of "
                f"{last - first + 1}: the times are too irregular; say --frequency with --aggregate sum, mean or last"
            )
        grid = frequency.times(np.arange(first, last + 1))
        positions = positions - first
    rows = np.bincount(positions, minlength=len(grid))
    values = _together(positions, series.values, len(grid), told.aggregate)
    if told.gaps == "zero":
        values = np.where(rows == 0, 0.0, values)
    seen = np.flatnonzero(np.isfinite(values))
    begin, end = int(seen[0]), int(seen[-1]) + 1
    beyond = any(np.isfinite(v[np.argsort(series.times)][-1]) for v in series.covariates.values())
    tally.begun += begin
    if len(grid) > end and not beyond:
        tally.ended += len(grid) - end
        tally.ended_last = format_times(grid[end - 1 : end], style)[0]
    begin, end = _whole_periods(series.times, positions, (begin, end), frequency, told, tally)
    launch = _launch(values[begin:end])
    if launch:
        tally.launched.append((series.name, launch))
        begin += launch
    tally.rows += len(series.times)
    tally.repeated += int(len(positions) - np.count_nonzero(rows))
    tally.places += end - begin
    if told.gaps != "zero":
        tally.gaps += int((rows[begin:end] == 0).sum())
    tally.missing += int(((rows[begin:end] > 0) & ~np.isfinite(values[begin:end])).sum())
    # covariates may be known beyond the last value
    covariates = {name: _together(positions, v, len(grid), None)[begin:] for name, v in series.covariates.items()}
    return Series(series.name, grid[begin:end], values[begin:end], covariates)


def _places(times: Times, frequency: Frequency, told: Columns) -> Positions:
    """Places on the grid; where the user names a longer period, that in which a time lies and not the nearest."""
    if isinstance(told.frequency, str) and frequency.unit == "seconds":
        return (seconds(times) - frequency.offset) // frequency.step
    return frequency.positions(times)


def _together(positions: Positions, values: Values, length: int, aggregate: str | None) -> Values:
    """One value a place: the sum, the last or the mean of what is known there; NaN where nothing is."""
    known = np.isfinite(values)
    counts = np.bincount(positions[known], minlength=length)
    if aggregate == "last":
        found = np.full(length, np.nan)
        found[positions[known]] = values[known]  # the last of several stays
        return found
    # a mean of values scaled by their count, so that 1e300 and 1e300 do not overflow
    weights = values[known] if aggregate == "sum" else values[known] / counts[positions[known]]
    return np.where(counts > 0, np.bincount(positions[known], weights=weights, minlength=length), np.nan)


def _whole_periods(
    times: Times, positions: Positions, ends: tuple[int, int], frequency: Frequency, told: Columns, tally: Tally
) -> tuple[int, int]:
    """The ends of a series without outer periods that are not whole: half a month's days make no month's sum."""
    begin, end = ends
    if not isinstance(told.frequency, str) or told.aggregate != "sum" or end - begin < 3:
        return ends
    different = np.unique(np.stack([positions, seconds(times)]), axis=1)[0]
    counts = np.bincount(different, minlength=end)[begin:end]
    usual = float(np.median(counts))
    if usual < 4:
        return ends
    for place, word in ((0, "first"), (-1, "last")):
        if counts[place] < WHOLE_PERIOD * usual:
            tally.partial.append(
                f"the {word} of the {frequency.steps}: {counts[place]} of about {usual:.0f} times are there"
            )
            begin, end = (begin + 1, end) if place == 0 else (begin, end - 1)
    return begin, end


def _launch(values: Values) -> int:
    """How many zeros a series begins with, where it is seldom zero later: before a launch, nothing was for sale."""
    filled = np.flatnonzero(np.isfinite(values) & (values != 0))
    if not filled.size:
        return 0
    zeros, after = int(filled[0]), values[filled[0] :]
    known = after[np.isfinite(after)]
    if zeros < LAUNCH or len(after) < FEWEST_AFTER or np.mean(known == 0) > LATER_ZEROS:
        return 0
    return zeros if known.min() >= 0.05 * np.median(known) else 0  # what grows slowly from nothing was not launched


def _check(tally: Tally, frequency: Frequency, style: str, series: list[Series], told: Columns, each: int) -> None:
    """Raise InputError for what only the user can decide: many rows at one time, many times without a row."""
    if told.aggregate is None and tally.repeated > MOST_REPEATED * tally.rows:
        times = (tally.rows - tally.repeated) // each
        raise InputError(
            f"got {tally.rows // each:,} rows at {times:,} times: several rows at one time; --aggregate sum adds them "
            "up (or mean, last), or --series A,B names the columns that tell them apart"
        )
    share = tally.gaps / max(1, tally.places)
    if share > MOST_HOLES and told.gaps is None and not isinstance(told.frequency, Frequency):
        first = min(s.times[0] for s in series)
        last = max(s.times[-1] for s in series)
        begin, end = format_times(np.array([first, last]), style)
        raise InputError(
            f"got values at {tally.places - tally.gaps:,} of {tally.places:,} {frequency.steps} from {begin} to {end}: "
            "where no row means nothing, say --gaps zero; --gaps bridge fills in from neighbours, --gaps leave takes "
            "the rows as they follow each other, --frequency weekly --aggregate sum makes longer steps"
        )


def _note(
    tally: Tally, frequency: Frequency, style: str, series: list[Series], told: Columns, notes: list[Note]
) -> None:
    if tally.repeated:
        how = {"sum": "added up", "last": "the last is used", "mean": "their mean is used"}[told.aggregate or "mean"]
        hint = "" if told.aggregate else " (--aggregate sum adds them up)"
        times = f"{count_of(tally.repeated, 'row')} at a time that came more than once: {how}{hint}"
        notes.append(Note(times, CHANGED if told.aggregate else GUESSED))
    if tally.gaps:
        share = tally.gaps / tally.places
        many = f" ({100 * share:.0f} % of the calendar; --gaps zero where no row means nothing)" if share > 0.02 else ""
        how = "bridged from seasons and neighbours"
        gaps = f"{count_of(tally.gaps, 'gap')} on the {frequency.name} grid: {how}{many}"
        notes.append(Note(gaps, GUESSED if share > MANY_HOLES and told.gaps is None else CHANGED))
    if tally.missing:
        share = tally.missing / tally.places
        missing = f"{count_of(tally.missing, 'missing value')}: bridged from earlier seasons and neighbours"
        notes.append(Note(missing, GUESSED if share > MANY_HOLES else CHANGED))
    if tally.begun:
        notes.append(Note(f"{count_of(tally.begun, 'time')} without a value at the beginning cut off", CHANGED))
    if tally.ended:
        one = f": the first forecast follows {tally.ended_last}, the last known value" if len(series) == 1 else ""
        serious = GUESSED if len(series) == 1 else CHANGED
        notes.append(Note(f"{count_of(tally.ended, 'time')} without a value at the end cut off{one}", serious))
    if tally.launched:
        name, zeros = tally.launched[0]
        more = f" (of {name}; {count_of(len(tally.launched), 'series')} in all)" if len(series) > 1 else ""
        notes.append(
            Note(
                f"{count_of(zeros, 'zero')} before the first value left off{more}: what was not yet there says nothing",
                CHANGED,
            )
        )
    notes.extend(Note(f"left out {text}", CHANGED) for text in tally.partial)
    still = sum(len(s.values) > 1 and bool(np.nanmin(s.values) == np.nanmax(s.values)) for s in series)
    if still:
        text = "every value is the same" if len(series) == 1 else f"{count_of(still, 'series')} of one value alone"
        notes.append(Note(text, ASSUMED))
    _note_ends(frequency, style, series, notes)


def _note_ends(frequency: Frequency, style: str, series: list[Series], notes: list[Note]) -> None:
    """Series that end before the others are forecast from their own ends."""
    if len(series) < 2:
        return
    ends = np.array([s.times[-1] for s in series])
    early = int((ends < ends.max()).sum())
    if early and not is_numbered(style):
        last = format_times(ends.max()[None], style)[0]
        notes.append(
            Note(
                f"{early:,} of {count_of(len(series), 'series')} end before {last}: each is forecast from its own end",
                CHANGED,
            )
        )
