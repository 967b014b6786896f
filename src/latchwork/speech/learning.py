"""A network learned from drawn rows: what recogniser and verdict share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Bidirectional, Dense, Dropout, Sequential
from latchwork.speech.drawing import Drawn, Row, Sounds, as_arrays, fits
from latchwork.speech.loading import Utterance
from latchwork.training import ConnectionistTemporal, Data, History, Optimizer, Supervised, fit
from latchwork.training.progress import Progress, ProgressKind
from latchwork.transforms.scaling import Scaler

FULL_STEPS = 3_500_000  # sequence steps that training sees at most
FEWEST_EPOCHS, MOST_EPOCHS = 10, 400
SCALER_ROWS = 120  # drawn to find out what features are like
WATCHED_ROWS = 600  # of validation, at most
FEWEST_WATCHED = 200  # recordings; with fewer, all are learned from


@dataclass(frozen=True)
class Settings:
    """How a network is learned.

    Args:
        hidden: units of each LSTM.
        epochs, steps, minutes: how long; by the amount of sound where all are None.
        batch_size: rows in a step.
        patience: epochs without a better validation before training ends.
        optimizer: in place of the default.
        checkpoint: a folder from which a killed run goes on.
        progress: how it is shown.
        seed: of all that is drawn.
        share: of the usual number of epochs.
    """

    hidden: int
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    batch_size: int = 32
    patience: int | None = None
    optimizer: Optimizer | None = None
    checkpoint: str | Path | None = None
    progress: ProgressKind | Progress = "auto"
    seed: int = 0
    share: float = 1.0


class Learned(NamedTuple):
    """A network, what its inputs go through, and the record of the run."""

    data: NetworkData
    scaler: Scaler
    history: History


def learn(sounds: Sounds, held_out: Sequence[Utterance], settings: Settings) -> Learned:
    """Train a network on rows drawn from `sounds`; the best weights are those with the lowest loss on `held_out`."""
    rng = np.random.default_rng([settings.seed, 3])
    drawn = [sounds.row(int(rng.integers(len(sounds.utterances))), rng) for _ in range(SCALER_ROWS)]
    scaler = _scaler(drawn)
    rows = max(len(sounds.utterances), 4 * settings.batch_size)
    mean_steps = float(np.mean([len(row.steps) for row in drawn]))
    epochs = int(np.clip(settings.share * FULL_STEPS // (rows * mean_steps), FEWEST_EPOCHS, MOST_EPOCHS))
    network = _network(settings.hidden, sounds.symbols.outputs, sounds.features.running)
    watched = _watched(sounds, held_out, scaler, settings.seed)
    fitted = fit(
        NetworkData.build(network, (None, sounds.features.features), settings.seed),
        Supervised(ConnectionistTemporal()),
        Drawn(sounds, scaler, rows),
        optimizer=settings.optimizer
        or Optimizer("adamw", learning_rate=3e-3, schedule="cosine", warmup=0.1, weight_decay=0.01, clip=1.0),
        epochs=None if settings.steps or settings.minutes else settings.epochs or epochs,
        steps=settings.steps,
        minutes=settings.minutes,
        batch_size=settings.batch_size,
        seed=settings.seed,
        validation=watched,
        patience=None if watched is None else settings.patience,
        checkpoint=settings.checkpoint,
        progress=settings.progress,
    )
    return Learned(fitted.model, scaler, fitted.history)


def _watched(sounds: Sounds, held_out: Sequence[Utterance], scaler: Scaler, seed: int) -> Data | None:
    """Validation rows: held-out recordings as they are and in strings, varied once."""
    if not held_out:
        return None
    beside = Sounds(held_out, sounds.features, sounds.symbols, sounds.strings, sounds.others, sounds.noises, seed)
    rng = np.random.default_rng([seed, 4])
    rows: list[Row] = []
    for number in range(min(WATCHED_ROWS, 2 * len(held_out))):
        row = beside.row(number % len(held_out), rng)
        if fits(row, sounds.longest) and len(row.target) <= sounds.most_symbols:
            rows.append(row)
    return Data(as_arrays(rows, scaler, sounds.longest, sounds.most_symbols)) if rows else None


def _scaler(rows: Sequence[Row]) -> Scaler:
    values: Any = np.concatenate([row.steps for row in rows]).astype(np.float64)
    return Scaler(values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6))


def _network(hidden: int, outputs: int, one_way: bool) -> Sequential:
    """One layer that reads both ways, or two that read forwards."""

    def reading() -> LSTM:
        return LSTM(hidden, return_sequences=True)

    inside = [reading(), Dropout(0.3), reading()] if one_way else [Bidirectional(reading())]
    return Sequential([Dropout(0.1), *inside, Dropout(0.5), Dense(outputs)])
