"""What looks on while `fit` works, and may end it."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.interop.keras.refusals import arguments, missing

Logs = Mapping[str, float] | None
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class Callback:
    """The base of all: override what you need. `self.model` is the model, `self.params` what `fit` was given.

    The hooks of batches make `fit` train step by step, which is slower than in blocks.
    """

    model: Any = None
    params: Mapping[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Told before training."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Told before training."""
        self.params = params

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last one."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch, with its figures."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch, counted from 0 in its epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch, with the epoch's figures so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The older name."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The older name."""

    def watches_batches(self) -> bool:
        """Whether it has a hook of batches."""
        return any(getattr(type(self), name) is not getattr(Callback, name) for name in BATCH_HOOKS)


class History(Callback):
    """What `fit` returns: `history` has a list for each figure, `epoch` the epochs' numbers."""

    def __init__(self) -> None:
        """Nothing is there yet."""
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep an epoch's figures."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class LambdaCallback(Callback):
    """Functions in the place of methods."""

    def __init__(self, **functions: Callable[..., Any] | None) -> None:
        """Each by its method's name: `on_epoch_end=lambda epoch, logs: ...`."""
        known = ("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end", *BATCH_HOOKS)
        for name, function in functions.items():
            if name not in known:
                raise InputError(f"LambdaCallback takes no {name!r}: it takes {', '.join(known)}")
            if function is not None:
                setattr(self, name, function)
        self._names = {name for name, function in functions.items() if function is not None}

    def watches_batches(self) -> bool:
        """See `Callback`."""
        return bool(self._names & set(BATCH_HOOKS))


class _Watching(Callback):
    """What follows one figure and knows when it is better."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise InputError(f"{type(self).__name__}: mode must be auto, min or max, got {mode!r}")
        rises = mode == "max" or (mode == "auto" and ("acc" in monitor or monitor.startswith("fmeasure")))
        self.monitor, self.sign, self.min_delta = monitor, -1.0 if rises else 1.0, abs(min_delta)
        self.reset()

    def reset(self) -> None:
        self.best = self.sign * math.inf

    def value_in(self, logs: Logs) -> float:
        """The figure; raises `InputError` where it is not there."""
        if self.monitor not in (logs or {}):
            known = ", ".join(logs or {})
            raise InputError(
                f"{type(self).__name__} monitors {self.monitor!r}, which fit does not report: it reports {known}"
                + ("; val_ figures need validation_data or validation_split" if self.monitor.startswith("val_") else "")
            )
        assert logs is not None
        return float(logs[self.monitor])

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value beats another by more than `min_delta`."""
        return self.sign * value < self.sign * than - self.min_delta


class EarlyStopping(_Watching):
    """Ends the training after `patience` epochs without a better figure."""

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0.0, patience: int = 0, verbose: int = 0,
        mode: str = "auto", baseline: float | None = None, restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:  # fmt: skip
        """See Keras's documentation."""
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget the run before."""
        self.reset()
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look whether it got better."""
        value = self.value_in(logs)
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.is_better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: Logs = None) -> None:
        """Put the best weights back."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")


class ModelCheckpoint(_Watching):
    """Saves the model, or its weights, after epochs."""

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, **given: Any) -> None:
        """See Keras's documentation; `save_freq` and `period` count epochs."""
        known = {
            "save_best_only": False, "save_weights_only": False, "mode": "auto", "save_freq": "epoch", "period": 1,
            "initial_value_threshold": None,
        }  # fmt: skip
        options = arguments("ModelCheckpoint", given, known)
        super().__init__(monitor, options["mode"])
        if options["save_freq"] != "epoch":
            raise InputError("ModelCheckpoint: save_freq counts epochs here: leave it out, or give period=N")
        if options["initial_value_threshold"] is not None:
            self.best = float(options["initial_value_threshold"])
        self.filepath, self.verbose, self.options = str(filepath), verbose, options

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save it where it is time."""
        if (epoch + 1) % self.options["period"]:
            return
        path = self.filepath.format(epoch=epoch + 1, **dict(logs or {}))
        if self.options["save_best_only"]:
            value = self.value_in(logs)
            if not self.is_better(value, self.best):
                if self.verbose:
                    print(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
                return
            if self.verbose:
                name = self.monitor
                print(
                    f"\nEpoch {epoch + 1}: {name} improved from {self.best:.5f} to {value:.5f}, saving model to {path}"
                )
            self.best = value
        elif self.verbose:
            print(f"\nEpoch {epoch + 1}: saving model to {path}")
        (self.model.save_weights if self.options["save_weights_only"] else self.model.save)(path)


class ReduceLROnPlateau(_Watching):
    """Multiplies the rate by `factor` after `patience` epochs without a better figure."""

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0, epsilon: float | None = None,
    ) -> None:  # fmt: skip
        """See Keras's documentation; `epsilon` is the old name of `min_delta`."""
        if factor >= 1:
            raise InputError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        super().__init__(monitor, mode, min_delta if epsilon is None else epsilon)
        self.factor, self.patience, self.verbose, self.cooldown, self.min_lr = (
            factor, patience, verbose, cooldown, min_lr,
        )  # fmt: skip

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget the run before."""
        self.reset()
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look whether it got better."""
        value, optimizer = self.value_in(logs), self.model.optimizer
        if self.cooling:
            self.cooling, self.wait = self.cooling - 1, 0
        if self.is_better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooling:
            self.wait += 1
            rate = float(optimizer.learning_rate)
            if self.wait >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooling, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {optimizer.lr:g}.")


class LearningRateScheduler(Callback):
    """The rate of each epoch by a function of its number, and of the rate before where it takes two arguments."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        """See Keras's documentation."""
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        except TypeError:  # of one argument, as in older scripts
            rate = self.schedule(epoch)
        if not isinstance(rate, float | int | np.floating):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"LearningRateScheduler: schedule must give a number, got {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate):g}.")


class TerminateOnNaN(Callback):
    """Ends the training where the loss is no number."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the loss."""
        if not math.isfinite(float((logs or {}).get("loss", 0.0))):
            print(f"Epoch {epoch + 1}: Invalid loss, terminating training")
            self.model.stop_training = True


class CSVLogger(Callback):
    """A row for each epoch in a CSV file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        """See Keras's documentation."""
        self.path, self.separator, self.append = Path(filename), separator, append

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin a file, or go on with one."""
        self.going_on = self.append and self.path.exists() and self.path.stat().st_size > 0
        if not self.append:
            self.path.write_text("", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write a row."""
        row = {"epoch": epoch, **(logs or {})}
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self.going_on:
                writer.writerow(row)
                self.going_on = True
            writer.writerow(row.values())


def __getattr__(name: str) -> Any:
    missing(name)
