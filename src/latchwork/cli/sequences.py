"""What the commands over labelled sequences share: the data, and which of its columns is what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from latchwork.datasets.roles import Columns
    from latchwork.datasets.sequences import SequenceData

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A folder of idx files, .npz, X.npy beside y.npy, .ts, a long CSV, or a folder of CSV files a class.",
        show_default=False,
    ),
]
LabelOption = Annotated[str | None, typer.Option(help="Of a table: the column to be predicted.", show_default=False)]
SeriesOption = Annotated[
    str | None, typer.Option(help="Of a table: the column that says which rows belong together.", show_default=False)
]
TimeOption = Annotated[
    str | None, typer.Option("--time", help="Of a table: the column that puts rows in order.", show_default=False)
]
FeaturesOption = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Of a table: the columns to read; all others where nothing is said."),
]
IgnoreOption = Annotated[str | None, typer.Option(metavar="A,B", help="Of a table: columns to leave out.")]


def asked_columns(
    label: str | None, series: str | None, time: str | None, features: str | None, ignore: str | None
) -> Columns:
    """The options as data."""
    from latchwork.datasets.roles import Columns

    return Columns(label, series, time, _names(features) or None, _names(ignore))


def columns_of(model: Any, asked: Columns) -> Columns:
    """The columns as a model had them in training; what is asked for now goes first."""
    from latchwork.datasets.roles import Columns

    kept = Columns.of_model(model.document.get("data", {}).get("columns") or {}, model.features)
    return replace(
        kept,
        label=asked.label or kept.label,
        series=asked.series or kept.series,
        time=asked.time or kept.time,
        ignore=(*kept.ignore, *asked.ignore),
    )


def described(rows: SequenceData) -> str:
    """What was read, and what was used as what."""
    _, time, features = rows.inputs.shape
    steps = f"{time} steps" if rows.lengths is None else f"{rows.lengths.min()} to {rows.lengths.max()} steps"
    return "\n".join([f"{rows.source}: {len(rows):,} sequences of {steps}, {features} features", *rows.notes])


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()
