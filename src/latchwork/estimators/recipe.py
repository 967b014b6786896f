"""How to train where the user has not said: a few designs tried on a validation part of the training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, Bidirectional, Dense, Dropout, Layer, Pooling, Sequential
from latchwork.training import Data, Objective, Optimizer, evaluate, fit
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
    objective: Objective
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
    softer: Objective | None = None,
    optimizer: Optimizer | OptaxOptimizer = OPTIMIZER,
    epochs: int | None = None,
    batch_size: int | None = None,
) -> Recipe:
    """The design and the length of training with the lowest validation loss, by trials inside the training rows.

    Args:
        rows: `inputs`, `targets` and, where they apply, `lengths` and `weight`.
        outputs: values that the network is to give.
        objective: what is minimised; its first figure on held-out rows is compared.
        seed: of the validation parts and the trials.
        tell: is given a line at the beginning, one for each design tried, and one for what was chosen.
        softer: another objective to minimise, such as one with smoothed labels, if held-out rows gain by it.
        optimizer: of the trials and of the training.
        epochs: where None, as many as the size of the set allows.
        batch_size: where None, by the number of rows.
    """
    count, time, _ = rows["inputs"].shape
    batch_size = batch_size or int(np.clip(2 ** round(np.log2(max(count / 16, 1))), 8, 128))
    longest = epochs or int(np.clip(FULL_STEPS // (count * time), FEWEST_EPOCHS, MOST_EPOCHS))
    shorter = longest if epochs else min(longest, TRIAL_EPOCHS)

    trial_rows = int(np.clip(TRIAL_STEPS // time, min(count, 400), count))
    parts = _parts(count, trial_rows, seed)
    trials = _Trials(rows, parts, objective, optimizer, batch_size, seed)
    held_out = f"{len(parts)} x {len(parts[0][1])} held-out training rows"
    tried: dict[str, float] = {}

    def try_out(name: str, layers: list[Layer], minimised: Objective, epochs: int) -> float:
        tried[name] = trials.loss(layers, minimised, epochs)
        tell(f"  {name}: loss {tried[name]:.4g}")
        return tried[name]

    tell(f"choosing a recipe: {len(designs(outputs))} designs, each trained on some rows and tried on {held_out}")
    for name, layers in designs(outputs).items():
        try_out(name, layers, objective, shorter)
    best = min(tried, key=lambda name: tried[name])
    layers = designs(outputs)[best]

    # What is enough for many rows learns few by heart; a number that the user gave is not put to the test.
    way, minimised, lowest = f"{shorter} epochs", objective, tried[best]
    others: dict[str, Objective] = {f"{longest} epochs": objective} if longest > shorter else {}
    if softer is not None:
        others[f"{longest} epochs, smoothed labels"] = softer
    for other, by in others.items():
        loss = try_out(f"{best}, {other}", layers, by, longest)
        if loss < lowest:
            way, minimised, lowest = other, by, loss
    epochs = longest if way in others else shorter

    chosen = f"{best}; {_described(optimizer)}, batch {batch_size}, {way}"
    tell(f"chosen: {chosen}")
    return Recipe(
        Sequential(layers),
        optimizer,
        minimised,
        epochs,
        batch_size,
        notes=(
            f"chosen by the loss on {held_out}: {'; '.join(f'{name}: {loss:.4g}' for name, loss in tried.items())}",
            chosen,
        ),
    )


@dataclass(frozen=True)
class _Trials:
    """Short trainings on some of the rows."""

    rows: Mapping[str, NDArray[Any]]
    parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]]  # training and held-out rows of each
    objective: Objective
    optimizer: Optimizer | OptaxOptimizer
    batch_size: int
    seed: int

    def loss(self, layers: list[Layer], minimised: Objective, epochs: int) -> float:
        """What the held-out rows lose after so many epochs, on average over the parts."""
        _, time, features = self.rows["inputs"].shape
        found: list[float] = []
        for training, held_out in self.parts:
            fitted = fit(
                NetworkData.build(Sequential(layers), (time, features), self.seed),
                minimised,
                Data(_take(self.rows, training)),
                optimizer=self.optimizer,
                epochs=epochs,
                batch_size=self.batch_size,
                seed=self.seed,
                progress="none",
            )
            if fitted.history.stopped == "interrupted":  # a shorter trial must not decide, and nothing is lost
                raise KeyboardInterrupt
            measured = evaluate(fitted.model, self.objective, Data(_take(self.rows, held_out)))
            found.append(measured[self.objective.names[0]])
        return float(np.mean(found))


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
