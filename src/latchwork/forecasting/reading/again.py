"""Reading again for a model that exists: new rows as its table was read, and what it needs to know ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latchwork.forecasting.reading.column import Table
from latchwork.forecasting.reading.notes import GUESSED, Note, some
from latchwork.forecasting.reading.panel import Panel
from latchwork.forecasting.reading.told import Columns
from latchwork.transforms.calendar import DAY


def like_before(told: Columns, known: Panel, table: Table) -> Columns:
    """What holds for new rows: the model's calendar, and how its table was read where the columns are the same."""
    read = {} if known.understood is None else dict(known.understood.options)
    order = {"--day-first": True, "--month-first": False}
    day_first = next((order[name] for name in read if name in order), None)
    names = {
        part: read[option].split(",")
        for part, option in (("time", "--time"), ("series", "--series"), ("target", "--target"))
        if option in read and all(name in table.columns for name in read[option].split(","))
    }
    return replace(
        told,
        frequency=known.frequency,
        day_first=told.day_first if told.day_first is not None else day_first,
        decimal=told.decimal or (read.get("--decimal") if table.separator != "\0" else None),
        time=told.time or names.get("time"),
        series=told.series or names.get("series"),
        target=told.target or names.get("target"),
    )


def in_known_zone(new: Panel, known: Panel) -> Panel:
    """New rows on the clock of the model's grid, where offsets from UTC differ and steps are of hours or less."""
    here, there = _offset(new.style), _offset(known.style)
    if (
        here is None
        or there is None
        or here == there
        or known.frequency.unit != "seconds"
        or known.frequency.step >= DAY
    ):
        return new
    shift = np.timedelta64(there - here, "s")
    return replace(new, times=tuple(times + shift for times in new.times), style=known.style)


def _offset(style: str) -> int | None:
    """Seconds east of UTC that a style's times have; None where no zone is written, or its clock changes."""
    zone = style.partition("@")[2]
    if zone == "Z" or zone.startswith("utc:"):
        return 0
    if zone[:1] not in {"+", "-"}:
        return None
    hours, minutes = (int(part) for part in zone[1:].split(":"))
    return (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60)


def lacking_ahead(panel: Panel, horizon: int) -> list[Note]:
    """What is said of covariates that are to be known ahead and are not, at some of the steps of a forecast."""
    lacking = covariates_lacking(panel, horizon)
    if not lacking:
        return []
    ahead = f"the {horizon} {panel.frequency.steps} ahead"
    text = f"{some(lacking)}: not known for all of {ahead}, though the backtest knew it"
    return [Note(f"{text}; its figures are too good unless predict(covariates=...) gives the future", GUESSED)]


def covariates_lacking(panel: Panel, horizon: int) -> list[str]:
    """The covariates known in advance that have no value at some step ahead of some series."""
    return [name for name, steps in _steps_known(panel).items() if steps < horizon]


def horizon_known(panel: Panel, usual: int) -> int:
    """The horizon where nobody says one: the usual one, as far as every covariate is known ahead.

    The usual one where a covariate is not known ahead at all.
    """
    steps = min(_steps_known(panel).values(), default=usual)
    return min(usual, steps) if steps > 0 else usual


def _steps_known(panel: Panel) -> dict[str, int]:
    """How many steps ahead of every series each covariate is known without a hole."""
    found: dict[str, int] = {}
    for name, series in panel.covariates.items():
        if name not in panel.past:
            ahead = [np.isfinite(known[len(values) :]) for known, values in zip(series, panel.values, strict=True)]
            found[name] = min(int(np.argmin([*known, False])) for known in ahead)
    return found
