"""What the statistical methods say about a row, and how well each of them has done on that row before.

A row is one series up to one origin. Every method forecasts from the origin and from a few earlier ones inside the
row; the errors it made there, and plain features of the row, are what the combiner weighs the methods by.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from latchwork.core import settings
from latchwork.transforms.bases import METHODS, Prepared, prepare, run_methods
from latchwork.transforms.working import TINY, Array, Index, align, first_known

CHUNK = 192  # rows at once: their grids of states stay in the processor's cache
FEWEST = 4  # observations; shorter rows are forecast by their last value
SHORTEST_TRIAL = 4  # observations that must be left before an inner origin
TRIALS = 5  # inner origins at most, half a horizon apart
SCORE_LIMIT = 3.0  # logs
METHOD_FEATURES = 4
ROW_FEATURES = 14
STRENGTH = 4  # the place of the season's strength among them


@dataclass(frozen=True)
class Survey:
    """Rows in the order they came.

    forecasts: [rows, methods, horizon], working values, NaN where a method does not apply.
    by_method: [rows, methods, METHOD_FEATURES]. by_row: [rows, ROW_FEATURES].
    spread: [rows], working units; the typical absolute error of the middle method on the row's inner origins.
    """

    prepared: list[tuple[Index, Prepared]]
    forecasts: Array
    by_method: Array
    by_row: Array
    spread: Array

    def to_values(self, working: Array) -> Array:
        """Working values [rows, ...] in the units of the data."""
        values = np.empty_like(working)
        for rows, prepared in self.prepared:
            values[rows] = prepared.scale.to_values(working[rows])
        return values

    def to_working(self, values: Array) -> Array:
        """Values of the data, [rows, ...], in working units."""
        working = np.empty_like(values)
        for rows, prepared in self.prepared:
            working[rows] = prepared.scale.to_working(values[rows])
        return working


def survey(series: Sequence[Array], seasons: tuple[int, ...], horizon: int) -> Survey:
    """Run every method on every row, at its end and at inner origins.

    series: each row's past values, at least FEWEST of them, NaN where missing.
    """
    rows = len(series)
    order = np.argsort([len(s) for s in series], kind="stable")
    blocks = np.array_split(order, max(1, -(-rows // CHUNK)))

    def surveyed(chosen: Index) -> _Block:
        return _survey_block([series[i] for i in chosen], seasons, horizon)

    found = _on_threads(surveyed, blocks)
    forecasts = np.empty((rows, len(METHODS), horizon))
    by_method = np.empty((rows, len(METHODS), METHOD_FEATURES))
    by_row, spread = np.empty((rows, ROW_FEATURES)), np.empty(rows)
    for chosen, block in zip(blocks, found, strict=True):
        forecasts[chosen], by_method[chosen] = block.forecasts, block.by_method
        by_row[chosen], spread[chosen] = block.by_row, block.spread
    prepared = [(chosen, block.prepared) for chosen, block in zip(blocks, found, strict=True)]
    return Survey(prepared, forecasts, by_method, by_row, spread)


class _Block(NamedTuple):
    """Some rows of a survey."""

    prepared: Prepared
    forecasts: Array
    by_method: Array
    by_row: Array
    spread: Array


def _survey_block(pasts: list[Array], seasons: tuple[int, ...], horizon: int) -> _Block:
    prepared = prepare(align(pasts), seasons)
    forecasts, _ = run_methods(prepared, horizon)
    errors = _inner_errors(pasts, seasons, horizon, prepared)
    by_method, spread = _method_features(forecasts, errors, prepared)
    by_row = _row_features(prepared, spread, horizon, [len(past) for past in pasts])
    return _Block(prepared, forecasts, by_method, by_row, spread)


def _on_threads(work: Callable[[Index], _Block], blocks: list[Index]) -> list[_Block]:
    """Blocks know nothing of each other, and NumPy lets go of the interpreter while it computes."""
    threads = min(len(blocks), settings.threads() or os.cpu_count() or 1)
    if threads == 1:
        return [work(block) for block in blocks]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, blocks))


def inner_origins(length: int, horizon: int) -> list[int]:
    """How many values before its end a row of this length is forecast from again, to see how each method does."""
    reach = int(np.clip(length // 3, 1, horizon))
    half = max(1, reach // 2)
    backs = [reach + half * trial for trial in range(TRIALS)]
    least = max(SHORTEST_TRIAL, length // 3)
    return [back for back in dict.fromkeys(backs) if length - back >= least or back == reach]


def _inner_errors(series: list[Array], seasons: tuple[int, ...], horizon: int, prepared: Prepared) -> Array:
    """Absolute errors at the inner origins, [rows, trials, methods, horizon]; NaN beyond what is known.

    They are measured in the working units of the inner rows' own scale, which for logs are the same for all.
    """
    trials = [(row, back) for row, values in enumerate(series) for back in inner_origins(len(values), horizon)]
    errors = np.full((len(series), TRIALS, len(METHODS), horizon), np.nan)
    if not trials:
        return errors
    pasts = [series[row][:-back] for row, back in trials]
    empty = [i for i, past in enumerate(pasts) if np.isfinite(past).sum() < 2]
    pasts = [np.zeros(4) if i in empty else past for i, past in enumerate(pasts)]
    inner = prepare(align(pasts), seasons)
    forecasts, _ = run_methods(inner, horizon)
    truth = np.full((len(trials), horizon), np.nan)
    for number, (row, back) in enumerate(trials):
        known = series[row][-back:][:horizon]
        truth[number, : len(known)] = known
    missed = np.abs(forecasts - inner.scale.to_working(truth)[:, None])
    # a row whose inner past was in logs and whose whole is not (or the reverse) is measured in noise
    unit = np.where(inner.scale.logs, 1.0, inner.scale.scale)
    whole = np.where(prepared.scale.logs, 1.0, prepared.scale.scale)
    seen: dict[int, int] = {}
    for number, (row, _) in enumerate(trials):
        slot = seen.get(row, 0)
        seen[row] = slot + 1
        same = inner.scale.logs[number] == prepared.scale.logs[row]
        factor = unit[number] / whole[row] if same else prepared.noise[row] / max(inner.noise[number], TINY)
        errors[row, slot] = np.nan if number in empty else missed[number] * factor
    return errors


def _method_features(forecasts: Array, errors: Array, prepared: Prepared) -> tuple[Array, Array]:
    """Scores of each method near and far, and where it stands among the others; and the middle method's error."""
    horizon = forecasts.shape[2]
    near = max(1, horizon // 3)
    noise = np.maximum(prepared.noise, TINY)
    usable = np.isfinite(forecasts).all(axis=2)
    features = np.zeros((*forecasts.shape[:2], METHOD_FEATURES))
    middle = np.nanmedian(forecasts, axis=1)
    whole = _mean(errors, (1, 3))
    for slot, part in enumerate((_mean(errors[..., :near], (1, 3)), whole)):
        typical = np.nanmedian(np.where(np.isfinite(part), part, np.nan), axis=1, keepdims=True) if part.size else part
        score = np.log((part + 0.05 * noise[:, None]) / (typical + 0.05 * noise[:, None]))
        features[..., slot] = np.where(np.isfinite(score), np.clip(score, -SCORE_LIMIT, SCORE_LIMIT), 0.0)
    for slot, step in enumerate((0, horizon - 1), start=2):
        away = (forecasts[..., step] - middle[:, None, step]) / (noise[:, None] * np.sqrt(step + 1.0))
        features[..., slot] = np.where(usable, np.tanh(np.nan_to_num(away) / 2), 0.0)
    with np.errstate(all="ignore"):
        spread = np.nanmedian(np.where(np.isfinite(whole), whole, np.nan), axis=1)
    spread = np.where(np.isfinite(spread), spread, noise * np.sqrt(max(1, horizon // 2)))
    return features, np.maximum(spread, 0.1 * noise)


def _mean(errors: Array, axes: tuple[int, ...]) -> Array:
    known = np.isfinite(errors)
    count = known.sum(axis=axes)
    total = np.where(known, errors, 0.0).sum(axis=axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _row_features(prepared: Prepared, spread: Array, horizon: int, lengths: list[int]) -> Array:
    adjusted, noise = prepared.adjusted, np.maximum(prepared.noise, TINY)
    changes = np.diff(adjusted, axis=1)
    known = np.isfinite(changes)
    count = np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, changes, 0.0)
    mean = filled.sum(axis=1) / count
    away = np.where(known, changes - mean[:, None], 0.0)
    variance = (away**2).sum(axis=1) / count + TINY
    lag_one = (away[:, 1:] * away[:, :-1]).sum(axis=1) / count / variance
    recent = filled[:, -max(3, horizon // 2) :].mean(axis=1) if changes.shape[1] else mean
    start = np.minimum(first_known(adjusted), adjusted.shape[1] - 1)
    first = np.take_along_axis(adjusted, start[:, None], axis=1)[:, 0]
    length = np.array(lengths, dtype=np.float64)
    season = float(prepared.season)
    return np.stack(
        [
            np.log(length) - 4,
            np.full(len(length), np.log(season) - 1),
            np.full(len(length), float(season > 1)),
            np.log(length / season) - 2 if season > 1 else np.zeros(len(length)),
            prepared.strength,
            np.log(noise) + 3,
            np.log(np.maximum(spread, TINY) / noise),
            np.tanh(mean / noise * 2),
            np.tanh(recent / noise),
            np.tanh((adjusted[:, -1] - first) / (noise * np.sqrt(length))),
            lag_one,
            np.log(np.sqrt(variance) / noise),
            prepared.scale.logs.astype(np.float64),
            np.full(len(length), np.log(horizon) - 2),
        ],
        axis=1,
    )
