"""How to train where the user has not said: a few designs tried on a validation part of the training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.network import Network
from latchwork.spec import GRU, LSTM, Bidirectional, Dense, Dropout, Layer, Pooling, Sequential
from latchwork.training import Data, Objective, Optimizer, fit
from latchwork.training.optimizers import OptaxOptimizer

TRIAL_STEPS = 150_000  # sequence steps that one trial sees: some seconds of work
FULL_STEPS = 24_000_000  # sequence steps that the final training sees at most: about a minute of work
FEWEST_EPOCHS, MOST_EPOCHS, TRIAL_EPOCHS = 6, 80, 30
SMALL_SET = 1000  # rows below which one validation part says too little, and three are averaged
OPTIMIZER = Optimizer("adamw", learning_rate=3e-3, schedule="cosine", warmup=0.1, weight_decay=0.01, clip=1.0)


@dataclass(frozen=True)
class Recipe:
    """A network and how to train it; `notes` say how it was chosen."""

    network: Sequential
    optimizer: Optimizer | OptaxOptimizer
    epochs: int
    batch_size: int
    notes: tuple[str, ...] = field(default=())


def designs(outputs: int) -> dict[str, list[Layer]]:
    """What is tried: both gated cells read the sequence both ways, with little and with much dropout."""

    def body(cell: type[GRU] | type[LSTM], units: int, rate: float) -> list[Layer]:
        return [
            Bidirectional(cell(units, return_sequences=True, dropout=rate / 2)),
            Pooling(("first", "last", "mean", "max")),
            Dropout(rate),
            Dense(outputs),
        ]

    return {
        f"{cell.__name__}({units}) both ways, dropout {rate:g}": body(cell, units, rate)
        for cell, units in ((GRU, 64), (LSTM, 64))
        for rate in (0.1, 0.4)
    }


def choose_recipe(
    rows: Mapping[str, NDArray[Any]],
    outputs: int,
    objective: Objective,
    seed: int,
    tell: Callable[[str], None],
    *,
    optimizer: Optimizer | OptaxOptimizer = OPTIMIZER,
    epochs: int | None = None,
    batch_size: int | None = None,
) -> Recipe:
    """The design with the lowest validation loss, by short trainings inside the training rows.

    Args:
        rows: `inputs`, `targets` and, where they apply, `lengths` and `weight`.
        outputs: values that the network is to give.
        objective: what is minimised; its first figure is compared.
        seed: of the validation parts and the trials.
        tell: is given a line at the beginning, one for each design tried, and one for what was chosen.
        optimizer: of the trials and of the training.
        epochs: where None, as many as the size of the set allows.
        batch_size: where None, by the number of rows.
    """
    count, time, features = rows["inputs"].shape
    batch_size = batch_size or int(np.clip(2 ** round(np.log2(max(count / 16, 1))), 8, 128))
    epochs = epochs or int(np.clip(FULL_STEPS // (count * time), FEWEST_EPOCHS, MOST_EPOCHS))

    trial_rows = int(np.clip(TRIAL_STEPS // time, min(count, 400), count))
    parts = _parts(count, trial_rows, seed)
    held_out_rows = f"{len(parts)} x {len(parts[0][1])} held-out training rows"
    tell(f"choosing a recipe: {len(designs(outputs))} designs, each trained on some rows and tried on {held_out_rows}")
    losses: dict[str, float] = {}
    for name, layers in designs(outputs).items():
        found: list[float] = []
        for training, held_out in parts:
            model = Network.build(Sequential(layers), (time, features), seed)
            fitted = fit(
                model,
                objective,
                Data(_take(rows, training)),
                optimizer=optimizer,
                epochs=min(epochs, TRIAL_EPOCHS),
                batch_size=batch_size,
                seed=seed,
                validation=Data(_take(rows, held_out)),
                keep_best=False,
                progress="none",
            )
            if fitted.history.stopped == "interrupted":  # a shorter trial must not decide, and nothing is lost
                raise KeyboardInterrupt
            found.append(fitted.history.last("val_loss"))
        losses[name] = float(np.mean(found))
        tell(f"  {name}: loss {losses[name]:.4g}")
    best = min(losses, key=lambda name: losses[name])
    table = "; ".join(f"{name}: {loss:.4g}" for name, loss in losses.items())
    chosen = f"{best}; {_described(optimizer)}, batch {batch_size}"
    tell(f"chosen: {chosen}")
    return Recipe(
        Sequential(designs(outputs)[best]),
        optimizer,
        epochs,
        batch_size,
        notes=(f"chosen by the loss on {held_out_rows}: {table}", chosen),
    )


def _parts(count: int, used: int, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Training and validation rows of each trial, out of `used` rows drawn at random."""
    rows = np.random.default_rng([seed, 2]).permutation(count)[:used]
    folds = np.array_split(rows, 4)
    repeats = 3 if count < SMALL_SET else 1
    return [(np.concatenate(folds[:i] + folds[i + 1 :]), folds[i]) for i in range(repeats)]


def _described(optimizer: Optimizer | OptaxOptimizer) -> str:
    if isinstance(optimizer, OptaxOptimizer):
        return "an Optax transformation"
    if callable(optimizer.learning_rate):
        return f"{optimizer.name}, a rate of its own"
    falling = "" if optimizer.schedule == "constant" else f" falling as a {optimizer.schedule}"
    return f"{optimizer.name}, rate {optimizer.learning_rate:g}{falling}"


def _take(rows: Mapping[str, NDArray[Any]], index: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    return {name: array[index] for name, array in rows.items()}
