"""A forecast: times, point forecasts and intervals in the user's units."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from latchwork.core.errors import InputError
from latchwork.core.writing import replacing
from latchwork.forecasting.reading.dates import format_times, is_numbered
from latchwork.transforms.calendar import Times
from latchwork.transforms.working import Array


def level_name(level: float) -> str:
    """80.0 as "80", 97.5 as "97.5"."""
    return f"{level:g}"


@dataclass(frozen=True)
class Forecast:
    """Forecasts of every series.

    names: one a series. times[i]: [horizon]. mean: [series, horizon]. low, high: [series, horizon] a level.
    """

    names: Sequence[str]
    times: Sequence[Times]
    style: str
    mean: Array
    low: Mapping[float, Array]
    high: Mapping[float, Array]

    def columns(self) -> dict[str, Any]:
        """One row a series and step: series, time, mean, lo80, hi80, ..."""
        horizon = self.mean.shape[1]
        columns: dict[str, Any] = {
            "series": [name for name in self.names for _ in range(horizon)],
            "time": [text for times in self.times for text in format_times(times, self.style)],
            "mean": self.mean.ravel(),
        }
        for level in self.low:
            columns[f"lo{level_name(level)}"] = self.low[level].ravel()
            columns[f"hi{level_name(level)}"] = self.high[level].ravel()
        return columns

    def records(self) -> list[dict[str, Any]]:
        """The rows of `columns` as plain dictionaries."""
        columns = {
            name: column.tolist() if isinstance(column, np.ndarray) else column
            for name, column in self.columns().items()
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_csv(self, path: str | Path) -> None:
        """Write the rows; numbers carry seven significant digits."""
        columns = self.columns()
        texts = [
            [f"{v:.7g}" for v in column] if isinstance(column, np.ndarray) else column for column in columns.values()
        ]
        with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows(zip(*texts, strict=True))

    def to_frame(self, library: str = "pandas") -> Any:
        """A frame of pandas, polars or pyarrow, its times as dates."""
        import narwhals as nw

        columns = self.columns()
        if not is_numbered(self.style):
            columns["time"] = np.concatenate(self.times).astype("datetime64[ms]")
        try:
            return nw.from_dict(columns, backend=cast("Any", library)).to_native()
        except (ImportError, ValueError) as error:
            raise InputError(f"got library {library!r}: give pandas, polars or pyarrow, and install it") from error
