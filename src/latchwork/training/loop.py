"""`fit`: blocks of steps, and between them all that is not a step.

Validation, best weights, early stopping, checkpoints, progress, callbacks and Ctrl-C live here, between blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optax

from latchwork.core.errors import InputError
from latchwork.training.checkpoint import load_checkpoint, save_checkpoint
from latchwork.training.data import Data
from latchwork.training.history import History
from latchwork.training.interrupt import Interrupt
from latchwork.training.objective import Objective
from latchwork.training.optimizers import OptaxOptimizer, Optimizer, as_optimizer
from latchwork.training.progress import Progress, ProgressKind, make_progress
from latchwork.training.run import Run
from latchwork.training.trainer import Trainer


class Fitted(NamedTuple):
    """What `fit` gives: the model with its best (else last) parameters, and the record of the run."""

    model: Any
    history: History


class EpochReport(NamedTuple):
    """What a callback is told at the end of an epoch: the history's row, and the model as it is now."""

    row: dict[str, float]
    model: Any


Callback = Callable[[EpochReport], bool | None]


def fit(
    model: Any,
    objective: Objective,
    data: Data,
    *,
    optimizer: str | Optimizer | OptaxOptimizer | optax.GradientTransformation = "adam",
    epochs: int | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    since: float | None = None,
    batch_size: int = 32,
    seed: int = 0,
    validation: Data | None = None,
    monitor: str = "val_loss",
    patience: int | None = None,
    min_delta: float = 0.0,
    keep_best: bool = True,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 20.0,
    progress: ProgressKind | Progress = "auto",
) -> Fitted:
    """Train `model` on `data`.

    Args:
        model: a `Network`, or any module that the objective understands; `layers.Constant` leaves are not learned.
        objective: what to minimise, such as `Supervised(SoftmaxCrossEntropy())`.
        data: the rows; the order of each epoch follows from `seed` and the epoch's number alone.
        optimizer: a name, an `Optimizer` or an Optax transformation.
        epochs, steps, minutes: how long to train; give one. Minutes are turned into a number of steps by a short
            timing, kept in the history as `steps`, so that `steps=N` repeats the run.
        since: when the minutes began, by `time.monotonic()`, where the caller had work to do before; else now.
        batch_size: rows in a step; the last batch of an epoch may have fewer.
        seed: of the order of the rows and of dropout.
        validation: rows to evaluate after each epoch.
        monitor: the figure that `keep_best` and `patience` watch; lower is better, or higher for `..accuracy`.
        patience: stop after that many epochs without a new best.
        min_delta: how much better a new best must be.
        keep_best: give back the parameters of the best epoch; needs `validation`, else the last are given.
        callbacks: called after each epoch with an `EpochReport`; one that returns True ends the run.
        checkpoint: a folder for the run's state; where it holds one, the run goes on from there.
        checkpoint_seconds: the least time between two checkpoints.
        progress: `auto`, `bar`, `lines`, `none`, or a `Progress` of your own.

    Returns:
        The trained model and its history; `history.stopped` is `finished`, `patience`, `callback` or `interrupted`.

    Raises:
        InputError: settings that contradict each other or a checkpoint of another run.
        LatchworkError: the loss is not a number any more.
    """
    started = time.monotonic()
    _check_budget(epochs, steps, minutes, batch_size, seed)
    if patience is not None and validation is None:
        raise InputError("patience watches the validation: give validation rows as well")
    known = [*objective.names, *(f"val_{name}" for name in objective.names)]
    if monitor not in known:
        raise InputError(f"there is no figure {monitor!r} to monitor: there are {', '.join(known)}")
    trainer = Trainer(model, objective, data, as_optimizer(optimizer), batch_size, seed, validation)
    total = steps if steps is not None else trainer.steps_per_epoch * (epochs or 1)
    run = Run(trainer.initial_state(), total, sums=np.zeros(len(objective.names) + 1))

    folder, resumed = None if checkpoint is None else Path(checkpoint), False
    settings: dict[str, Any] = {}
    if folder is not None:
        settings = trainer.settings() | ({"minutes": minutes} if minutes else {"steps": total})
        resumed = load_checkpoint(folder, run, settings)
    if minutes and not resumed:
        run.total = trainer.steps_within(minutes * 60, run, started if since is None else since)
    before = run.history.seconds  # of the runs that this one goes on from

    shown = make_progress(progress) if isinstance(progress, str) else progress
    shown.begin(run.step, run.total, -(-run.total // trainer.steps_per_epoch))
    saved = time.monotonic()
    # Parameters of every epoch's end are needed where somebody looks at them.
    joined = validation is None and not callbacks and monitor not in objective.names
    with Interrupt() as interrupt, ExitStack() as stack:
        stack.callback(shown.end)
        while run.step < run.total and run.history.stopped == "finished":
            trained = trainer.train_block(run, joined=joined)
            run.history.seconds = before + time.monotonic() - started
            epoch = -(-run.step // trainer.steps_per_epoch)
            shown.block(run.step, epoch, trained.means, trained.rows_per_second)
            for row in trained.finished:
                row.update(trainer.validate(run))
                if monitor in row:
                    value = -row[monitor] if monitor.endswith("accuracy") else row[monitor]
                    run.keep_if_best(value, int(row["epoch"]), min_delta)
                row["seconds"] = run.history.seconds = before + time.monotonic() - started
                run.history.epochs.append(row)
                shown.epoch(row)
                for callback in callbacks:
                    if callback(EpochReport(row, trainer.model(run))):
                        run.history.stopped = "callback"
            if patience is not None and run.waited >= patience:
                run.history.stopped = "patience"
            if interrupt.requested:
                run.history.stopped = "interrupted"
            done = run.step >= run.total or run.history.stopped != "finished"
            if folder is not None and (done or time.monotonic() - saved >= checkpoint_seconds):
                save_checkpoint(folder, run, settings)
                saved = time.monotonic()
    run.history.steps, run.history.planned_steps, run.history.block = run.step, run.total, trainer.block
    best = run.best_parameters if keep_best and run.best_parameters is not None else run.state.parameters
    return Fitted(trainer.steps.placed(best), run.history)


def _check_budget(epochs: int | None, steps: int | None, minutes: float | None, batch_size: int, seed: int) -> None:
    if sum(value is not None for value in (epochs, steps, minutes)) != 1:
        raise InputError("give one of epochs, steps and minutes")
    if not (steps or epochs or minutes or 0) > 0 or batch_size < 1:
        raise InputError("epochs, steps, minutes and batch_size must be above 0")
    if not 0 <= seed < 2**32:
        raise InputError(f"seed must be a whole number from 0 to {2**32 - 1}, got {seed}")
