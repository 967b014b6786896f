"""The pretrained combiner: features and past errors in; a weight for every method and step, and intervals, out.

A small network, the same for every series, says how much to trust each method at the near, middle and far end of the
horizon, starting from fixed weights for each; and how wide the intervals are. Since it only weighs, the forecast
never leaves the range of the methods. It was trained by `scripts/train_combiner.py` on the pasts of the M3 series and
on made-up series, and runs here in plain NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from latchwork.core import storage
from latchwork.core.errors import LatchworkError
from latchwork.forecasting.methods.survey import METHOD_FEATURES, ROW_FEATURES, Survey
from latchwork.transforms.bases import METHODS
from latchwork.transforms.working import Array

KNOTS = 3  # near, middle, far
LEVELS = (50.0, 80.0, 95.0, 99.0)  # per cent; the intervals that were trained
FEATURES = ROW_FEATURES + len(METHODS) * (METHOD_FEATURES + 1)
OUTPUTS = KNOTS * (len(METHODS) + 1) + 2 * len(LEVELS)
FILE = "combiner.latch"
AT_ONCE = 64  # rows, whose weights stay in the cache

Parameters = dict[str, Any]  # [members, ...] each: NumPy arrays here, JAX arrays in training


@dataclass(frozen=True)
class Combined:
    """Rows' forecasts in working values.

    centre: [rows, horizon]. widths: [rows, horizon, 2, levels], how far each level reaches below and above it.
    weights: [rows, methods, horizon].
    """

    centre: Array
    widths: Array
    weights: Array


def combine(surveyed: Survey, parameters: Parameters | None = None) -> Combined:
    """Weigh the methods of each row."""
    usable = usable_methods(surveyed)
    inputs = features(surveyed, usable)
    rows, methods, horizon = surveyed.forecasts.shape
    weights, scales = np.empty((rows, methods, horizon)), np.empty((rows, horizon, 2, len(LEVELS)))
    chosen = pretrained() if parameters is None else parameters
    for first in range(0, rows, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        own = outputs(chosen, inputs[part], usable[part], surveyed.by_method[part], horizon, np)
        weights[part], scales[part] = own[0].mean(axis=0), own[1].mean(axis=0)
    forecasts = np.where(usable[..., None], surveyed.forecasts, 0.0)
    centre = (weights * forecasts).sum(axis=1)
    return Combined(centre, surveyed.spread[:, None, None, None] * scales, weights)


def usable_methods(surveyed: Survey) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which methods apply to which rows, [rows, methods]."""
    return np.asarray(np.isfinite(surveyed.forecasts).all(axis=2))


def features(surveyed: Survey, usable: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
    """The network's inputs, [rows, FEATURES]."""
    rows = len(surveyed.by_row)
    by_method = np.concatenate([surveyed.by_method, usable[..., None].astype(np.float64)], axis=2)
    return np.concatenate([np.clip(surveyed.by_row, -6, 6), by_method.reshape(rows, -1)], axis=1)


def outputs(parameters: Parameters, inputs: Any, usable: Any, by_method: Any, horizon: int, xp: Any) -> tuple[Any, Any]:
    """The network itself, in NumPy or JAX (`xp`).

    Returns weights [members, rows, methods, horizon] and widths [members, rows, horizon, 2, levels] in units of the
    row's spread.
    """
    hidden = xp.tanh((inputs @ parameters["input_weight"]) + parameters["input_bias"][:, None])
    raw = hidden @ parameters["output_weight"] + parameters["output_bias"][:, None]
    members, rows = raw.shape[:2]
    methods = len(METHODS)
    lay = xp.asarray(_hats(horizon))  # [horizon, KNOTS]
    logits = raw[..., : KNOTS * methods].reshape(members, rows, methods, KNOTS)
    trust = parameters["score_weight"][:, None, None, :]  # one a knot: how much past errors count
    scores = by_method[None, :, :, :1] * (1 - _FAR) + by_method[None, :, :, 1:2] * _FAR
    logits = (logits - trust * scores) @ lay.T
    logits = xp.where(usable[None, :, :, None], logits, -1e9)
    logits = logits - logits.max(axis=2, keepdims=True)
    weights = xp.exp(logits)
    weights = weights / weights.sum(axis=2, keepdims=True)
    growth = raw[..., KNOTS * methods : KNOTS * (methods + 1)] @ lay.T  # [members, rows, horizon]
    steps = 0.5 * xp.log((xp.arange(horizon) + 1.0) / ((horizon + 1) / 2))
    sides = xp.exp(xp.clip(raw[..., KNOTS * (methods + 1) :], -6, 4)).reshape(members, rows, 1, 2, len(LEVELS))
    widths = xp.exp(xp.clip(growth + steps, -6, 4))[..., None, None] * xp.cumsum(sides, axis=-1)
    return weights, widths


_FAR = np.linspace(0.0, 1.0, KNOTS)


def _hats(horizon: int) -> Array:
    """How much of each knot a step takes: linear between the knots."""
    place = np.linspace(0.0, KNOTS - 1.0, horizon) if horizon > 1 else np.zeros(1)
    return np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(KNOTS)))


@cache
def pretrained() -> Parameters:
    """The weights that come with the package."""
    with as_file(files("latchwork.forecasting.methods") / FILE) as path:
        stored = storage.load(path)
    parameters: Parameters = {name.removeprefix("fitted."): array for name, array in stored.tensors.items()}
    if parameters["input_weight"].shape[1] != FEATURES or stored.document["fitted"]["methods"] != list(METHODS):
        raise LatchworkError("the pretrained combiner does not fit this version: run scripts/train_combiner.py")
    return parameters
