"""Training the correctors: folds of a backtest and members of each, all side by side.

Members differ in their start, their batches and their *fold*, the time up to which they may see. Each keeps the weights
that did best on validation rows: those of no steps, where nothing better was found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.methods.corrector import Corrector
from latchwork.forecasting.methods.corrector_inputs import Inputs
from latchwork.forecasting.methods.method import Effort
from latchwork.training import (
    Data,
    EpochReport,
    History,
    Member,
    Optimizer,
    SideBySide,
    SmoothAbsoluteError,
    Supervised,
    fit,
)

BLOCK = 20  # steps between two looks at the validation rows
BATCH = 32
MEMBERS = 4  # of a fold
FEWEST_ROWS = 30  # of a fold
MOST_VALIDATED = 256  # rows of a fold
LARGEST = 8.0  # spreads; errors beyond are outliers
QUORUM = 0.25  # of a fold's members must gain, or it waits
OPTIMIZER = Optimizer("adamw", 3e-3, schedule="cosine", weight_decay=1e-3, clip=1.0)
OBJECTIVE = Supervised(SmoothAbsoluteError(1e-3), mean="values")


@dataclass(frozen=True)
class Size:
    """units: of the LSTM and of the head's hidden layer. blocks: of training at most. patience: blocks."""

    units: int
    blocks: int
    patience: int


SMALL = Size(units=24, blocks=12, patience=3)
LARGE = Size(units=32, blocks=50, patience=10)  # where one long series gives a thousand rows


@dataclass(frozen=True)
class Fold:
    """What its members may see.

    train, valid: indices of rows. origin: steps before the end from which on nothing is seen. validation: steps before
    that which are kept for validation.
    """

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    origin: int
    validation: int


@dataclass(frozen=True)
class TrainedFolds:
    """The networks of every fold, oldest first, and the record of their training."""

    correctors: tuple[Corrector, ...]
    history: History

    def sentence(self) -> str:
        """For people."""
        networks = sum(corrector.members for corrector in self.correctors)
        return (
            f"trained {networks} networks side by side, {self.history.steps} steps in {self.history.seconds:.0f} s; "
            f"on their validation rows they save {100 * last_gain(self.history):.1f} %"
        )


def plan_folds(inputs: Inputs, origins: Sequence[int], validation: int) -> list[Fold] | None:
    """A fold for each origin that has enough rows before it; None where the end itself has too few."""
    folds: list[Fold] = []
    for origin in origins:
        train_on = np.flatnonzero(inputs.back > origin + validation)
        valid = np.flatnonzero((inputs.back > origin) & (inputs.back <= origin + validation))
        if len(train_on) >= FEWEST_ROWS and len(valid):
            folds.append(Fold(train_on, valid, origin, validation))
    return folds if folds and folds[-1].origin == 0 else None


def train(inputs: Inputs, folds: Sequence[Fold], effort: Effort, size: Size) -> TrainedFolds:
    """Train `MEMBERS` networks for every fold, all side by side; each keeps its best weights."""
    rng = np.random.default_rng(effort.seed)
    members: list[Member] = []
    for group, fold in enumerate(folds):
        few = min(MOST_VALIDATED, len(fold.valid))
        valid = np.sort(rng.choice(fold.valid, few, replace=False))
        seeds = (_seed(effort.seed, group * MEMBERS + place) for place in range(MEMBERS))
        members += [Member(fold.train, valid, seed=seed, group=group) for seed in seeds]
    first = Corrector.build(
        inputs.past.shape[2], inputs.future.shape[2], size.units, [member.seed or 0 for member in members]
    )
    fitted = fit(
        first.network,
        SideBySide(OBJECTIVE, tuple(members), QUORUM),
        _rows(inputs, [fold.origin + fold.validation for fold in folds], draw_steps=BLOCK),
        validation=_rows(inputs, [fold.origin for fold in folds]),
        validate_first=True,
        epochs=size.blocks,
        patience=size.patience,
        batch_size=BATCH,
        optimizer=OPTIMIZER,
        seed=effort.seed,
        callbacks=_until(effort.minutes),
        checkpoint=effort.checkpoint,
        progress=effort.progress,
    )
    every = Corrector(fitted.model)
    starts = range(0, len(members), MEMBERS)
    return TrainedFolds(tuple(every.part(slice(at, at + MEMBERS)) for at in starts), fitted.history)


def last_gain(history: History) -> float:
    """The share of the validation loss that the last fold's networks save on the base, which they start from."""
    losses = history.member_column("val_loss")[:, -MEMBERS:]
    return float(np.mean(1 - losses.min(axis=0) / np.maximum(losses[0], 1e-12)))


def _seed(seed: int, member: int) -> int:
    return (seed * 1000 + member) % 2**32


def _rows(inputs: Inputs, limits: Sequence[int], draw_steps: int | None = None) -> Data:
    """The rows, with targets for every fold's members: what came within `limits` steps of the end is not seen."""
    errors = np.clip((inputs.truth - inputs.base) / inputs.spread[:, None], -LARGEST, LARGEST)
    steps = np.arange(1, errors.shape[1] + 1)
    seen = [np.where(steps <= (inputs.back - limit)[:, None], errors, np.nan) for limit in limits]
    targets = np.repeat(np.stack(seen, axis=1), MEMBERS, axis=1)[..., None].astype(np.float32)
    return Data({"inputs": inputs.past, "ahead": inputs.future, "targets": targets}, draw_steps=draw_steps)


def _until(minutes: float | None) -> Sequence[Callable[[EpochReport], bool]]:
    """A callback that ends training after so many minutes."""
    if minutes is None:
        return ()
    end = time.monotonic() + 60 * minutes
    return (lambda report: time.monotonic() > end,)
