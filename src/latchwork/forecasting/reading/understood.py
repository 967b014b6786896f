"""What was understood of a table, for people to check: columns and the parts they played, the calendar, what to say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from latchwork.forecasting.reading.column import Table
from latchwork.forecasting.reading.dates import is_numbered
from latchwork.forecasting.reading.roles import role_of
from latchwork.forecasting.reading.told import Columns
from latchwork.transforms.calendar import Frequency, Times

MOST_COLUMNS = 40
EXAMPLES = 2


@dataclass(frozen=True)
class Part:
    """A column: its name, the part it played, and some of its cells as they stand."""

    name: str
    part: str
    example: str


@dataclass(frozen=True)
class Understood:
    """layout: how the table is laid out. columns: the parts that they played. dates: how dates were read. options: the
    options that say all this by hand, each with what it stands at; change one to read the table another way."""

    layout: str
    columns: tuple[Part, ...]
    dates: str
    options: tuple[tuple[str, str], ...]

    @property
    def line(self) -> str:
        """The options as one line of a command."""
        return " ".join(f"{name} {shlex.quote(value)}" if value else name for name, value in self.options)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "layout": self.layout,
            "columns": [asdict(column) for column in self.columns],
            "dates": self.dates,
            "options": self.line,
        }


def parts_played(
    table: Table, times: Times | None, played: Mapping[str, str], heads: Sequence[str] = ()
) -> tuple[Part, ...]:
    """The part of every column: what it was used as, else what it is like. heads: columns whose heads are times."""
    found: list[Part] = []
    if heads:
        found.append(
            Part(f"{heads[0]} ... {heads[-1]}", f"values, {len(heads)} times as heads", _example(table, heads[0]))
        )
    for name, column in table.columns.items():
        if name in heads:
            continue
        same = times is not None and len(times) == table.length
        part = played.get(name) or f"not used ({role_of(column, times if same else None)})"
        found.append(Part(name, part, _example(table, name)))
    return tuple(found[:MOST_COLUMNS])


def _example(table: Table, name: str) -> str:
    if name not in table.columns:
        return ""
    cells = [cell for cell in table.columns[name].labels[:50] if cell]
    return ", ".join(list(dict.fromkeys(cell[:24] for cell in cells))[:EXAMPLES])


def options_of(
    told: Columns, time: Sequence[str], keys: Sequence[str], targets: Sequence[str], how: str, frequency: Frequency,
    style: str, decimal: str, wide: bool,
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """The options that would say what was found, in the order in which people change them."""
    options: list[tuple[str, str]] = []
    if wide:
        options.append(("--wide", ""))
    elif time:
        options.append(("--time", ",".join(time)))
    if keys:
        options.append(("--series", ",".join(keys)))
    if targets:
        options.append(("--target", ",".join(targets)))
    if how in {"day first", "month first"}:
        options.append(("--day-first" if how == "day first" else "--month-first", ""))
    if not is_numbered(style):
        options.append(("--frequency", frequency.name))
    if decimal == ",":
        options.append(("--decimal", ","))
    for name, value in (("--aggregate", told.aggregate), ("--gaps", told.gaps), ("--closed", ",".join(told.closed))):
        if value:
            options.append((name, value))
    return tuple(options)
