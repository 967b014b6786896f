"""A result in a saved file: the calendar, each series' last window, and what forecasts go by; not the backtest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.going_on import recorded
from latchwork.forecasting.judging.intervals import Calibration
from latchwork.forecasting.methods.catalogue import COMBINATION, method_named
from latchwork.forecasting.methods.corrector import Corrector
from latchwork.forecasting.methods.method import Learned
from latchwork.forecasting.methods.origins import origins_at_end
from latchwork.forecasting.reading.panel import Limits, Panel
from latchwork.forecasting.reading.understood import Understood
from latchwork.forecasting.report.shown import shown_to_latch
from latchwork.forecasting.result import Result, ahead
from latchwork.training.history import History
from latchwork.transforms.bases import history_length
from latchwork.transforms.calendar import Frequency


def result_to_latch(result: Result) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document's `fitted` and the file's tensors."""
    panel, tensors = panel_to_latch(result.panel, result.seasons, result.horizon)
    learned, calibration = result.learned, result.calibration.kept(recorded(result.panel))
    tensors["fitted.calibration"] = calibration.factors
    tensors["fitted.calibration_record"] = calibration.record.astype(np.float32)
    if result.used.trained and learned.network is not None:
        tensors |= learned.network.tensors()
    shown, shown_tensors = shown_to_latch(result)
    fitted: dict[str, Any] = {
        "panel": panel,
        "horizon": result.horizon,
        "seasons": list(result.seasons),
        "used": result.used.name,
        "blended": learned.partner,
        "base": learned.base or COMBINATION.name,
        "shown": shown,
    }
    return fitted, tensors | shown_tensors


def result_from_latch(
    fitted: dict[str, Any],
    tensors: dict[str, NDArray[Any]],
    history: dict[str, Any] | None,
    levels: Sequence[float],
) -> Result:
    """The inverse of `result_to_latch`, with the record of a training and intervals at `levels`."""
    panel = panel_from_latch(fitted["panel"], tensors)
    record = tensors.get("fitted.calibration_record", Calibration.none().record)  # older files have none
    factors = np.array(tensors["fitted.calibration"], dtype=np.float64)
    calibration = Calibration(factors, np.array(record, dtype=np.float64))
    record_of_training = None if history is None else History.from_dict(history)
    learned = Learned(fitted["blended"], fitted.get("base"), Corrector.from_tensors(tensors), record_of_training)
    end = origins_at_end(panel, tuple(fitted["seasons"]), int(fitted["horizon"]))
    used = method_named(str(fitted["used"]))
    return Result(end, used, learned, calibration, ahead(end, used, learned, calibration, levels))


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
    for name, series in panel.covariates.items():  # what is known of their future included
        parts = [c[max(0, len(v) - kept) :] for c, v in zip(series, panel.values, strict=True)]
        tensors[f"fitted.covariates.{name}"] = np.concatenate(parts)
        tensors[f"fitted.covariate_lengths.{name}"] = np.array([len(p) for p in parts], dtype=np.int64)
    for name, fixed in panel.static.items():
        tensors[f"fitted.static.{name}"] = fixed
    document = {
        "covariates": list(panel.covariates),
        "past": list(panel.past),
        "static": list(panel.static),
        "names": list(panel.names),
        "frequency": panel.frequency.to_dict(),
        "style": panel.style,
        "target": panel.target,
        "limits": [panel.limits.low, panel.limits.high, panel.limits.total],
        "read": [] if panel.understood is None else [list(option) for option in panel.understood.options],
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
        tuple(document["names"]),
        tuple(part.astype("datetime64[s]") for part in np.split(np.array(tensors["fitted.times"]), ends)),
        tuple(np.array(part, dtype=np.float64) for part in np.split(tensors["fitted.values"], ends)),
        Frequency.from_dict(document["frequency"]),
        str(document["style"]),
        str(document["target"]),
        covariates,
        past=tuple(document.get("past", ())),
        static={name: np.array(tensors[f"fitted.static.{name}"]) for name in document.get("static", ())},
        limits=Limits(*document.get("limits", ())),
        understood=Understood("", (), "", tuple((str(n), str(v)) for n, v in document.get("read", ()))),
    )
