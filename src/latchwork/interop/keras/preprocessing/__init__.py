"""Sequences and texts made ready, by Keras's names."""

from typing import Any

from latchwork.interop.keras.preprocessing import sequence, text
from latchwork.interop.keras.refusals import missing
from latchwork.interop.keras.utils import timeseries_dataset_from_array

__all__ = ["sequence", "text", "timeseries_dataset_from_array"]


def __getattr__(name: str) -> Any:
    missing(name)
