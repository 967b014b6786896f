"""`fit`: blocks of steps, and between them all that is not a step.

Validation, best weights, early stopping, checkpoints, progress, callbacks and Ctrl-C live here, between blocks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latchwork.core.errors import InputError, LatchworkError
from latchwork.training.checkpoint import load_checkpoint, save_checkpoint
from latchwork.training.data import Source
from latchwork.training.history import History
from latchwork.training.interrupt import Interrupt
from latchwork.training.objectives import Objective, SideBySide
from latchwork.training.optimizers import OptaxOptimizer, Optimizer, as_optimizer
from latchwork.training.plan import Budget, Callback, Checkpoints, EpochReport, Moment, Selection
from latchwork.training.progress import Progress, ProgressKind, make_progress
from latchwork.training.run import Figures, Run
from latchwork.training.trainer import TAME, NotFiniteError, Trainer, means_of


class Fitted(NamedTuple):
    """What `fit` gives: the model with its best (else last) parameters, and the record of the run."""

    model: Any
    history: History


class DivergedError(LatchworkError):
    """The loss or the weights are not numbers any more; `kept` is what was learned before, None where nothing was."""

    def __init__(self, reason: str, kept: Fitted | None, place: str) -> None:
        """Say what was kept, and from when."""
        super().__init__(f"{reason}; {f'the weights of {place} were kept' if kept else 'no weights were kept'}")
        self.kept = kept


def fit(
    model: Any,
    objective: Objective,
    data: Source,
    *,
    optimizer: str | Optimizer | OptaxOptimizer | Any = "adam",
    epochs: int | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    since: Moment | None = None,
    batch_size: int = 32,
    seed: int = 0,
    validation: Source | None = None,
    monitor: str = "val_loss",
    patience: int | None = None,
    min_delta: float = 0.0,
    keep_best: bool = True,
    validate_first: bool = False,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 20.0,
    progress: ProgressKind | Progress = "auto",
) -> Fitted:
    """Train `model` on `data`.

    Args:
        model: a `NetworkData`, a `Network`, or any module of JAX that the objective understands (its
            `layers.Constant` leaves are not learned).
        objective: what to minimise, such as `Supervised(SoftmaxCrossEntropy())`.
        data: the rows; the order of each epoch follows from `seed` and the epoch's number alone.
        optimizer: a name, an `Optimizer` or an Optax transformation.
        epochs, steps, minutes: how long to train; give one. Minutes are turned into a number of steps by a short
            timing, kept in the history as `steps`, so that `steps=N` repeats the run. They are minutes of a machine
            that has nothing else to do: a busy one trains for as many steps, and takes longer.
        since: when the minutes began, where the caller had work to do before; else now.
        batch_size: rows in a step; the last batch of an epoch may have fewer.
        seed: of the order of the rows and of dropout.
        validation: rows to evaluate after each epoch.
        monitor: the figure that `keep_best` and `patience` watch; lower is better, or higher for `..accuracy`.
        patience: stop after that many epochs without a new best; of networks side by side, each group by itself.
        min_delta: how much better a new best must be.
        keep_best: give back the parameters of the best epoch; needs `validation`, else the last are given.
        validate_first: evaluate before the first step as well: a network that never gets better stays as it was.
        callbacks: called after each epoch with an `EpochReport`; one that returns True ends the run.
        checkpoint: a folder for the run's state; where it holds one, the run goes on from there.
        checkpoint_seconds: the least time between two checkpoints.
        progress: `auto`, `bar`, `lines`, `none`, or a `Progress` of your own.

    Returns:
        The trained model, of the kind that was given, and its history; `history.stopped` is `finished`, `patience`,
        `callback` or `interrupted`.

    Raises:
        InputError: settings that contradict each other, a checkpoint of another run, or nothing that can train this.
        DivergedError: the loss or the weights are not numbers any more; it has what was learned before.
    """
    started = Moment.now()
    budget = Budget(epochs, steps, minutes, since)
    if batch_size < 1:
        raise InputError("epochs, steps, minutes and batch_size must be above 0")
    if not 0 <= seed < 2**32:
        raise InputError(f"seed must be a whole number from 0 to {2**32 - 1}, got {seed}")
    if data.draw_steps is None:
        batch_size = min(batch_size, data.rows)  # what would only be filled up takes memory
    quorum = objective.quorum if isinstance(objective, SideBySide) else 0.0
    selection = Selection(monitor, patience, min_delta, keep_best, validate_first, quorum)
    selection.check(objective.names, validated=validation is not None)
    trainer = Trainer(model, objective, data, as_optimizer(optimizer), batch_size, seed, validation)
    checkpoints = Checkpoints(None if checkpoint is None else Path(checkpoint), checkpoint_seconds)
    shown = make_progress(progress) if isinstance(progress, str) else progress
    return _Session(trainer, budget, selection, checkpoints, tuple(callbacks), shown, started).train()


@dataclass
class _Session:
    """One call of `fit`."""

    trainer: Trainer
    budget: Budget
    selection: Selection
    checkpoints: Checkpoints
    callbacks: tuple[Callback, ...]
    progress: Progress
    started: Moment
    sound: tuple[int, Any] | None = None  # the last step after which all weights were finite, and those weights

    def train(self) -> Fitted:
        """Begin or go on, and train to the end."""
        trainer = self.trainer
        run = trainer.begin(self.budget.total(trainer.steps_per_epoch))
        self.settings = trainer.settings() | self.budget.setting(run.total) if self.checkpoints.folder else {}
        if not self._resume(run) and self.budget.minutes:
            since = self.started if self.budget.since is None else self.budget.since
            run.total = trainer.steps_within(self.budget.minutes * 60, run, since)
        self.before = run.history.seconds  # of the runs that this one goes on from
        try:
            self._train(run)
        except NotFiniteError as error:
            raise self._diverged(run, str(error)) from error
        run.history.steps, run.history.planned_steps, run.history.block = run.step, run.total, trainer.block
        best = run.best if self.selection.keep_best else None
        return Fitted(trainer.as_given(trainer.steps.parameters(run.state) if best is None else best), run.history)

    def _diverged(self, run: Run, reason: str) -> DivergedError:
        """The error, with the best or the last weights that were sound."""
        history = run.history
        history.stopped, history.planned_steps, history.block = "diverged", run.total, self.trainer.block
        if self.selection.keep_best and run.best is not None:
            history.steps = run.step
            return DivergedError(
                reason, Fitted(self.trainer.as_given(run.best), history), f"epoch {history.best_epoch}"
            )
        if self.sound is None:
            return DivergedError(reason, None, "")
        history.steps, parameters = self.sound
        epoch, within = divmod(history.steps, self.trainer.steps_per_epoch)
        place = f"step {history.steps:,}, in epoch {epoch + 1}," if within else f"epoch {epoch}"
        return DivergedError(reason, Fitted(self.trainer.as_given(parameters), history), place)

    def _check_weights(self, run: Run) -> None:
        """Weights that overflowed in the last update are in no loss yet. Of networks side by side the next one says."""
        if self.trainer.members.side_by_side:
            return
        parameters = self.trainer.steps.parameters(run.state)
        for name, array in parameters.items():
            if not np.isfinite(array).all():
                raise NotFiniteError(f"the weights {name} are not numbers after step {run.step:,}: {TAME}")
        self.sound = run.step, parameters

    def _resume(self, run: Run) -> bool:
        folder = self.checkpoints.folder
        return folder is not None and load_checkpoint(folder, run, self.trainer.steps, self.settings)

    def _train(self, run: Run) -> None:
        """Blocks, until the steps are done or something ends the run."""
        epochs = -(-run.total // self.trainer.steps_per_epoch)
        self.progress.begin(run.step, run.total, epochs)
        saved = time.monotonic()
        with Interrupt() as interrupt, ExitStack() as stack:
            stack.callback(self.progress.end)
            if self.selection.validate_first and run.step == 0 and not run.history.epochs:
                self._end_epoch(run, 0, 0, {})
            while run.step < run.total and run.history.stopped == "finished":
                trained = self.trainer.train_block(run, joined=self._may_join_epochs())
                self._check_weights(run)
                self._count_seconds(run)
                epoch = -(-run.step // self.trainer.steps_per_epoch)
                self.progress.block(run.step, epoch, trained.means, trained.rows_per_second)
                for ended in trained.finished:
                    self._end_epoch(run, *ended)
                if interrupt.requested:
                    run.history.stopped = "interrupted"
                done = run.step >= run.total or run.history.stopped != "finished"
                saved = self._save(run, saved, done=done)

    def _may_join_epochs(self) -> bool:
        """Parameters of every epoch's end are needed where somebody looks at them."""
        trainer = self.trainer
        watched = self.selection.monitor in trainer.objective.names
        return trainer.validation is None and not self.callbacks and not watched

    def _end_epoch(self, run: Run, number: int, step: int, figures: Figures) -> None:
        """Validate, keep what is best, book the figures, tell who wants to know."""
        figures = figures | self._validated(run)
        self._select(run, figures, number)
        row = {"epoch": float(number), "step": float(step), **means_of(figures)}
        row["seconds"] = self._count_seconds(run)
        run.history.epochs.append(row)
        if self.trainer.members.side_by_side:
            run.history.members.append({name: values.tolist() for name, values in figures.items()})
        self.progress.epoch(row)
        for callback in self.callbacks:
            if callback(EpochReport(row, self.trainer.model(run))):
                run.history.stopped = "callback"
        if not run.active.any():
            run.history.stopped = "patience"

    def _validated(self, run: Run) -> Figures:
        return {name: np.atleast_1d(values) for name, values in self.trainer.validate(run).items()}

    def _select(self, run: Run, figures: Figures, epoch: int) -> None:
        """Each member's best parameters; groups that have waited long enough stop."""
        values = self.selection.value(figures)
        if values is None:
            return
        better = (values < run.best_values - self.selection.min_delta) & run.active
        if better.any():
            run.keep_best(better, values, self.trainer.steps.parameters(run.state))
            run.history.best_epoch = epoch
        run.count_waiting(better, self.selection.quorum)
        if self.selection.patience is not None:
            run.stop_groups(self.selection.patience)

    def _count_seconds(self, run: Run) -> float:
        run.history.seconds = self.before + time.monotonic() - self.started.wall
        return run.history.seconds

    def _save(self, run: Run, saved: float, *, done: bool) -> float:
        """Write a checkpoint where it is time for one; gives when the last one was written."""
        folder = self.checkpoints.folder
        if folder is None or not (done or time.monotonic() - saved >= self.checkpoints.seconds):
            return saved
        save_checkpoint(folder, run, self.trainer.steps, self.settings)
        return time.monotonic()
