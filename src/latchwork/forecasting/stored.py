"""A panel in a saved file: the calendar and each series' last window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.bases import history_length
from latchwork.transforms.calendar import Frequency


def panel_to_latch(
    panel: Panel, seasons: tuple[int, ...], horizon: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document of a panel, and its tensors: all windows end to end, and where each ends in time."""
    kept = history_length(seasons) + 3 * horizon
    values = [v[-kept:] for v in panel.values]
    times = [t[-kept:].astype("datetime64[s]").astype(np.int64) for t in panel.times]
    tensors: dict[str, NDArray[Any]] = {
        "fitted.values": np.concatenate(values),
        "fitted.times": np.concatenate(times),
        "fitted.lengths": np.array([len(v) for v in values], dtype=np.int64),
    }
    for name, held in panel.covariates.items():  # what is known of their future included
        parts = [c[max(0, len(v) - kept) :] for c, v in zip(held, panel.values, strict=True)]
        tensors[f"fitted.covariates.{name}"] = np.concatenate(parts)
        tensors[f"fitted.covariate_lengths.{name}"] = np.array([len(p) for p in parts], dtype=np.int64)
    for name, held in panel.static.items():
        tensors[f"fitted.static.{name}"] = held
    document = {
        "covariates": list(panel.covariates),
        "past": list(panel.past),
        "static": list(panel.static),
        "names": list(panel.names),
        "frequency": panel.frequency.to_dict(),
        "style": panel.style,
        "target": panel.target,
    }
    return document, tensors


def panel_from_latch(document: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Panel:
    """The inverse of `panel_to_latch`."""
    ends = np.cumsum(tensors["fitted.lengths"])[:-1]
    covariates = {
        name: np.split(
            np.array(tensors[f"fitted.covariates.{name}"]),
            np.cumsum(tensors[f"fitted.covariate_lengths.{name}"])[:-1],
        )
        for name in document["covariates"]
    }
    return Panel(
        list(document["names"]),
        [part.astype("datetime64[s]") for part in np.split(np.array(tensors["fitted.times"]), ends)],
        [np.array(part, dtype=np.float64) for part in np.split(tensors["fitted.values"], ends)],
        Frequency.from_dict(document["frequency"]),
        str(document["style"]),
        str(document["target"]),
        covariates,
        past=tuple(document.get("past", ())),
        static={name: np.array(tensors[f"fitted.static.{name}"]) for name in document.get("static", ())},
    )
