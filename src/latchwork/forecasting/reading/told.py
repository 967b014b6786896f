"""What a user says of a table, so that it need not be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latchwork.core.errors import InputError
from latchwork.transforms.calendar import Frequency

AGGREGATES = ("sum", "mean", "last")
GAPS = ("zero", "bridge", "leave")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Columns:
    """What is which column, and how the table is to be read; what is not said is found.

    target, time, series: columns; several times are parts of one (a date and a clock), several series name one
    together.
    covariates: known in advance. past_covariates: known up to the origin. static_covariates: one value a series, its
    first. Text becomes a column of 0 and 1 for each of its frequent values.
    frequency: "monthly", "hourly", "15 minutes", ..., or a `Frequency`. date_format: as `strptime` has it. day_first:
    whether 3/4/2021 is in April. decimal: "." or ",". wide: a series a row, times as the heads of columns.
    aggregate: several rows at one time become their "sum", "mean" or "last". gaps: a time without a row is "zero", is
    to "bridge" (also across large gaps), or to "leave" as it is. closed: weekdays without values, "sat".
    """

    target: str | Sequence[str] | None = None
    time: str | Sequence[str] | None = None
    series: str | Sequence[str] | None = None
    covariates: Sequence[str] = ()
    past_covariates: Sequence[str] = ()
    static_covariates: Sequence[str] = ()
    frequency: str | Frequency | None = None
    date_format: str | None = None
    day_first: bool | None = None
    decimal: str | None = None
    wide: bool = False
    aggregate: str | None = None
    gaps: str | None = None
    closed: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Raise InputError for what is none of the words above."""
        for name, value, known in (
            ("aggregate", self.aggregate, AGGREGATES),
            ("gaps", self.gaps, GAPS),
            ("decimal", self.decimal, (".", ",")),
        ):
            if value is not None and value not in known:
                raise InputError(f"got {name} {value!r}: give {', '.join(known[:-1])} or {known[-1]}")
        for day in self.closed:
            if day.strip().lower()[:3] not in WEEKDAYS and ":" not in day:
                raise InputError(f"got closed {day!r}: give weekdays such as sat,sun or hours such as 17:00-09:00")

    @property
    def beside(self) -> tuple[str, ...]:
        """The covariates of every kind."""
        return (*self.covariates, *self.past_covariates, *self.static_covariates)

    @property
    def order(self) -> str | None:
        """The order of numbers in dates, where it is said."""
        return None if self.day_first is None else "day first" if self.day_first else "month first"


def listed(names: str | Sequence[str] | None) -> list[str]:
    """Names as a list; a text may hold several, divided by commas."""
    given = [names] if isinstance(names, str) else list(names or ())
    return [name.strip() for name in given if name.strip()]
