"""Which column of a table is what: the label, the series, the time, the features; as asked for, or by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from latchwork.core.errors import InputError
from latchwork.transforms.frames import compare

SERIES = ("series", "series_id", "case", "case_id", "id")
TIME = ("time", "timestamp", "date", "datetime", "step", "t")
LABEL = ("label", "class", "target", "y")
ROW_NUMBERS = ("", "unnamed: 0", "index", "__index_level_0__")  # as libraries write them beside a table


@dataclass(frozen=True)
class Columns:
    """What the user says of a table's columns; what is None is found by its name.

    Args:
        label: what is to be predicted.
        series: which rows belong together.
        time: what puts the rows of a series in order.
        features: what is read, in this order; all other columns where None.
        ignore: what is left out.
        known: the features of a model, which the table must have: they are found among all its columns. Of the other
            columns those count that are there.
    """

    label: str | None = None
    series: str | None = None
    time: str | None = None
    features: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    known: tuple[str, ...] | None = None

    def among(self, header: Sequence[str]) -> Columns:
        """The same of a table in which some of the columns may be missing."""
        lowered = {name.lower() for name in header}
        label, series, time = (
            name if name is not None and name.lower() in lowered else None
            for name in (self.label, self.series, self.time)
        )
        ignore = tuple(name for name in self.ignore if name.lower() in lowered)
        return replace(self, label=label, series=series, time=time, ignore=ignore, features=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, as a model's file keeps it."""
        return {"label": self.label, "series": self.series, "time": self.time, "ignore": list(self.ignore)}

    @classmethod
    def of_model(cls, kept: Mapping[str, Any], known: tuple[str, ...] | None) -> Columns:
        """What a model's file keeps; `known` are its features."""
        ignore = tuple(str(name) for name in kept.get("ignore", ()))
        return cls(kept.get("label"), kept.get("series"), kept.get("time"), None, ignore, known)


@dataclass(frozen=True)
class Assigned:
    """The places of the columns in a header.

    Attributes:
        series, time, label: None where there is no such column.
        features: what is read, in this order.
        doubtful_label: the label was found by the name `y` alone, which a feature may have as well.
        row_numbers: features that by their names may count the rows, as libraries write beside a table.
    """

    series: int | None
    time: int | None
    label: int | None
    features: tuple[int, ...]
    doubtful_label: bool = False
    row_numbers: tuple[int, ...] = ()

    def in_words(self, header: Sequence[str]) -> str:
        """What was used as what."""
        named = (("label", self.label), ("series", self.series), ("time", self.time))
        parts = [f"{what}: {header[place]}" for what, place in named if place is not None]
        names = [header[place] for place in self.features]
        shown = ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
        parts.append(f"features: {shown}")
        used = {self.label, self.series, self.time, *self.features}
        left = [header[place] or "(a column without a name)" for place in range(len(header)) if place not in used]
        return "; ".join(parts + [f"left out: {', '.join(left)}"] * bool(left))

    def named(self, header: Sequence[str]) -> Columns:
        """The roles by name, for later tables of the same kind."""
        label, series, time = (None if at is None else header[at] for at in (self.label, self.series, self.time))
        used = {self.label, self.series, self.time, *self.features}
        left = tuple(name for at, name in enumerate(header) if at not in used)
        return Columns(label, series, time, tuple(header[at] for at in self.features), left)


def assign(header: Sequence[str], asked: Columns) -> Assigned:
    """The role of each column.

    Args:
        header: the names.
        asked: what the user says.

    Raises:
        InputError: a column that is not there, asked to be two things, or no column is left for a feature.
    """
    known = asked.known or ()
    if asked.known is not None:
        asked = asked.among(header)
    given = (("label", asked.label), ("series", asked.series), ("time", asked.time))
    places = {what: place_of(header, name, f"--{what}") for what, name in given if name is not None}
    if len(set(places.values())) < len(places):
        raise InputError(f"one column is asked to be two things: {', '.join(f'--{what}' for what in places)}")
    ignored = {place_of(header, name, "--ignore") for name in asked.ignore}
    chosen = None if asked.features is None else [place_of(header, name, "--features") for name in asked.features]
    taken = {*places.values(), *ignored, *(chosen or ()), *(at for at, name in enumerate(header) if name in known)}

    def by_name(what: str, names: tuple[str, ...]) -> int | None:
        if what in places:
            return places[what]
        free = {name.lower(): at for at, name in reversed(list(enumerate(header))) if at not in taken}
        return next((free[name] for name in names if name in free), None)

    series = by_name("series", SERIES)
    time = by_name("time", TIME)
    taken |= {place for place in (series, time) if place is not None}
    label = by_name("label", LABEL)
    special = {series, time, label}
    if chosen is None:
        chosen = [at for at in range(len(header)) if at not in special and at not in ignored]
    if not chosen:
        raise InputError(f"the header is {', '.join(header)[:200]}: there is no column for a feature")
    doubtful = label is not None and asked.label is None and header[label].lower() == "y"
    counting = [at for at in chosen if header[at].lower() in ROW_NUMBERS and header[at] not in known]
    return Assigned(series, time, label, tuple(chosen), doubtful, () if asked.features else tuple(counting))


def settled(header: Sequence[str], found: Assigned, asked: Columns) -> Assigned:
    """The features in the order of a model's, once it is known which columns are features.

    Raises:
        InputError: the table has other features than the model.
    """
    if asked.known is None:
        return found
    compare([header[at] for at in found.features], asked.known, "the table")
    places = {header[at]: at for at in found.features}
    return replace(found, features=tuple(places[name] for name in asked.known))


def place_of(header: Sequence[str], name: str, option: str) -> int:
    """The place of a column by its name, whose case counts where it must; `InputError` where there is none."""
    for equal in (lambda a, b: a == b, lambda a, b: a.lower() == b.lower()):
        for at, found in enumerate(header):
            if equal(found, name):
                return at
    raise InputError(f"{option} {name}: there is no such column; the header is {', '.join(header)[:200]}")
