"""How to train where the user has not said: designs tried on held-out training rows, within a budget of seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.spec import GRU, LSTM, Bidirectional, Dense, Dropout, Layer, Pooling, Sequential
from latchwork.estimators.rows import Rows, stratified
from latchwork.estimators.trials import Budget, HeldOut, Trial, Trials
from latchwork.training import Objective, Optimizer
from latchwork.training.optimizers import OptaxOptimizer
from latchwork.transforms.scaling import Scaler

TRIAL_STEPS = 100_000  # sequence steps in the rows of a trial, at most
FULL_STEPS = 24_000_000  # sequence steps that the final training sees at most: about half a minute of a quiet core
FEWEST_EPOCHS, MOST_EPOCHS, TRIAL_EPOCHS = 6, 80, 30
SMALL_SET = 1000  # rows below which one validation part says too little, and three are averaged
TINY_SET = 300  # rows below which every row is held out once
WARPED_SET = 600  # rows below which changed copies of the rows are tried as well
COPIES = 2  # changed copies of each row
DEFAULT_MINUTES = 1.0
TRIALS_SHARE = 0.45  # of the budget
FOR_TRAINING = 0.85  # of what the trials leave; the rest is for simple methods, and for a machine that gets busier
OPTIMIZER = Optimizer("adamw", learning_rate=3e-3, schedule="cosine", warmup=0.1, weight_decay=0.01, clip=1.0)


@dataclass(frozen=True)
class Recipe:
    """A network and how to train it; `notes` say how it was chosen.

    Attributes:
        network, optimizer, objective, epochs, batch_size: as of `training.fit`.
        notes: how it was chosen, in words.
        name: the design's name.
        copies: changed copies of each row that are trained on beside it.
        minutes: how long to train at most, where not even an epoch of all rows fits the budget; else None.
        is_within_minutes: whether the budget was kept in mind already.
        held_out: what the chosen design answered for held-out rows; None where nothing was tried.
        deadline: when the budget is spent, by `time.monotonic`; None where epochs were given.
        seconds_per_epoch: of the final training, by the speed of the trials.
    """

    network: Sequential
    optimizer: Optimizer | OptaxOptimizer
    objective: Objective
    epochs: int
    batch_size: int
    notes: tuple[str, ...] = field(default=())
    name: str = "as given"
    copies: int = 0
    minutes: float | None = None
    is_within_minutes: bool = False
    held_out: HeldOut | None = None
    deadline: float | None = None
    seconds_per_epoch: float = 0.0

    def within_deadline(self) -> Recipe:
        """With as many epochs as there is still time for: what came between may have taken longer than was thought."""
        if self.deadline is None or self.minutes is not None:
            return self
        left = (self.deadline - time.monotonic()) / max(self.seconds_per_epoch, 1e-9)
        fits = int(np.clip(left, 1, self.epochs))
        if fits == self.epochs:
            return self
        return replace(self, epochs=fits, notes=(*self.notes, f"{fits} epochs, as the budget allows"))


def designs(outputs: int, one_way: bool = False) -> dict[str, list[Layer]]:
    """What is tried: both gated cells, with little and with much dropout; both ways unless a stream is to be read."""

    def body(cell: type[GRU] | type[LSTM], units: int, rate: float) -> list[Layer]:
        layer = cell(units, return_sequences=True, dropout=rate / 2)
        pooling = ("last", "mean", "max") if one_way else ("first", "last", "mean", "max")
        return [layer if one_way else Bidirectional(layer), Pooling(pooling), Dropout(rate), Dense(outputs)]

    return {
        f"{cell.__name__}({units}) {'forwards' if one_way else 'both ways'}, dropout {rate:g}": body(cell, units, rate)
        for cell, units in ((GRU, 64), (LSTM, 64))
        for rate in (0.1, 0.4)
    }


def step_designs(outputs: int, one_way: bool = False) -> dict[str, list[Layer]]:
    """The same with an answer at every step."""
    found: dict[str, list[Layer]] = {}
    for name, layers in designs(outputs, one_way).items():
        found[name] = [layer for layer in layers if not isinstance(layer, Pooling)]
    return found


def choose_recipe(
    rows: Rows,
    outputs: int,
    objective: Objective,
    seed: int,
    tell: Callable[[str], None],
    *,
    scaler: Scaler | None = None,
    classes: NDArray[Any] | None = None,
    one_way: bool = False,
    at_every_step: bool = False,
    softer: Objective | None = None,
    optimizer: Optimizer | OptaxOptimizer = OPTIMIZER,
    epochs: int | None = None,
    batch_size: int | None = None,
    minutes: float | None = None,
) -> Recipe:
    """The design and the length of training with the lowest validation loss, by trials inside the training rows.

    Args:
        rows: `inputs` before scaling, `targets` and, where they apply, `lengths` and `weight`.
        outputs: values that the network is to give.
        objective: what is minimised; its first figure on held-out rows is compared.
        seed: of the validation parts and the trials.
        tell: is given a line at the beginning, one for each design tried, and one for what was chosen.
        scaler: what inputs go through.
        classes: of each row, so that every part has each class; None where there are none.
        one_way: whether networks may read forwards alone.
        at_every_step: whether there is an answer at every step.
        softer: another objective to minimise, such as one with smoothed labels, if held-out rows gain by it.
        optimizer: of the trials and of the training.
        epochs: where None, as many as the size of the set and the budget allow.
        batch_size: where None, by the number of rows.
        minutes: for the trials and the training; where None, about one. The trials stop where it runs out, and the
            training gets as many epochs as it leaves, by the speed that the trials had.
    """
    count, steps, _ = rows["inputs"].shape
    budget = Budget(60 * (minutes or DEFAULT_MINUTES), TRIALS_SHARE)
    batch_size = batch_size or int(np.clip(2 ** round(np.log2(max(count / 16, 1))), 8, 128))
    longest = epochs or int(np.clip(FULL_STEPS // (count * steps), FEWEST_EPOCHS, MOST_EPOCHS))
    shorter = longest if epochs else min(longest, TRIAL_EPOCHS)

    used = int(np.clip(TRIAL_STEPS // steps, min(count, 400), count))
    parts = parts_of(count, used, seed, classes)
    trials = Trials(rows, scaler, parts, objective, optimizer, batch_size, seed)
    known = step_designs(outputs, one_way) if at_every_step else designs(outputs, one_way)
    per_epoch = trials.seconds_per_epoch(known[next(iter(known))])
    all_parts = parts_of(count, used, seed, classes, all_of_them=count < SMALL_SET)
    parts, shorter, names = _affordable(budget, per_epoch, parts, shorter, list(known))
    trials.parts = parts
    held_out = f"{len(parts)} x {len(parts[0][1])} held-out training rows"
    tried: dict[str, Trial] = {}

    def try_out(name: str, layers: list[Layer], minimised: Objective, epochs: int, copies: int = 0) -> float:
        tried[name] = trials.run(layers, minimised, epochs, copies)
        tell(f"  {name}: loss {tried[name].loss:.4g}")
        return tried[name].loss

    tell(f"choosing a recipe: {len(names)} designs, each trained on some rows and tried on {held_out}")
    for name in names:
        if tried and not budget.allows(trials.expected_seconds(shorter)):
            tell(f"  {name}: left out, the budget is needed for the training")
            continue
        try_out(name, known[name], objective, shorter)
    best = min(tried, key=lambda name: tried[name].loss)
    layers = known[best]

    # What is enough for many rows learns few by heart; a number that the user gave is not put to the test.
    chosen = _Way("", objective, shorter, 0, tried[best])
    for suffix, minimised, length, copies in _others(objective, softer, shorter, longest, count, asked=epochs):
        if not budget.allows(trials.expected_seconds(length, copies)):
            continue
        name = f"{best}, {length} epochs{suffix}"
        if try_out(name, layers, minimised, length, copies) < chosen.trial.loss:
            chosen = _Way(suffix, minimised, length, copies, tried[name])

    per_final_epoch = trials.expected_seconds_of(count * (1 + chosen.copies))
    fits = FOR_TRAINING * budget.left() / max(per_final_epoch, 1e-9)
    final = chosen.epochs if epochs is not None else int(np.clip(fits, 1, chosen.epochs))
    way = f"{final} epochs" + (f" of {chosen.epochs}, as the budget allows" if final < chosen.epochs else "")
    way += chosen.suffix
    described = f"{best}; {described_optimizer(optimizer)}, batch {batch_size}, {way}"
    tell(f"chosen: {described}")
    losses = "; ".join(f"{name}: {trial.loss:.4g}" for name, trial in tried.items())
    return Recipe(
        Sequential(layers),
        optimizer,
        chosen.objective,
        final,
        batch_size,
        notes=(f"chosen by the loss on {held_out}: {losses}", described),
        name=best,
        copies=chosen.copies,
        minutes=budget.left() / 60 if epochs is None and fits < 1 else None,
        is_within_minutes=True,
        deadline=None if epochs is not None else budget.began + budget.seconds,
        seconds_per_epoch=per_final_epoch,
        held_out=HeldOut(
            tuple(all_parts[: len(parts)]), chosen.trial.outputs, chosen.trial.seconds, tuple(all_parts[len(parts) :])
        ),
    )


@dataclass(frozen=True)
class _Way:
    """How long to train, and by which objective."""

    suffix: str
    objective: Objective
    epochs: int
    copies: int
    trial: Trial


def _others(
    objective: Objective, softer: Objective | None, shorter: int, longest: int, count: int, asked: int | None
) -> list[tuple[str, Objective, int, int]]:
    """Other ways to train the best design, as of `_Way`: longer, with smoothed labels, with copies."""
    others: list[tuple[str, Objective, int, int]] = []
    if longest > shorter:
        others.append(("", objective, longest, 0))
    if softer is not None:
        others.append((", smoothed labels", softer, longest, 0))
    if count < WARPED_SET and asked is None:
        others.append((", changed copies", softer or objective, max(1, longest // 2), COPIES))
    return others


Part = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Training and held-out rows."""


def parts_of(count: int, used: int, seed: int, classes: NDArray[Any] | None, all_of_them: bool = False) -> list[Part]:
    """Training and validation rows of each trial, out of `used` rows drawn at random, a quarter held out at a time.

    Of each class alike where there are classes. Of a tiny set every row is held out once.
    """
    rng = np.random.default_rng([seed, 2])
    rows = rng.permutation(count)[:used]
    folds = np.array_split(rows, 4)
    if classes is not None:
        if used < count and len(few := stratified(classes, used / count, rng)) > len(folds):
            rows = rng.permutation(few)
        in_classes = rows[np.argsort(classes[rows], kind="stable")]
        folds = [in_classes[start::4] for start in range(4)]
    folds = [fold for fold in folds if len(fold)]
    repeats = len(folds) if count < TINY_SET or all_of_them else min(3, len(folds)) if count < SMALL_SET else 1
    return [(np.concatenate(folds[:i] + folds[i + 1 :]), folds[i]) for i in range(repeats)]


def _affordable(
    budget: Budget, per_epoch: float, parts: list[Part], epochs: int, names: list[str]
) -> tuple[list[Part], int, list[str]]:
    """Parts, epochs and designs of the trials that fit their share of the budget: first fewer of each, then shorter."""

    def seconds(parts: list[Part], epochs: int, names: list[str]) -> float:
        return per_epoch * sum(len(training) for training, _ in parts) * epochs * (len(names) + 2)

    enough = min(epochs, 10)
    for fewer_parts, fewer_names in (
        (parts, names),
        (parts[:1], names),
        (parts[:1], names[:2]),
        (parts[:1], names[:1]),
    ):
        if seconds(fewer_parts, enough, fewer_names) <= budget.for_trials():
            fit = int(epochs * budget.for_trials() / seconds(fewer_parts, epochs, fewer_names))
            return fewer_parts, int(np.clip(fit, enough, epochs)), fewer_names
    # Rows stand by class: every fourth, say, has all of them; the first ones have not.
    smallest = [(training[:: int(np.clip(len(training) // 40, 1, 4))], held) for training, held in parts[:1]]
    fit = int(epochs * budget.for_trials() / seconds(smallest, epochs, names[:1]))
    return smallest, int(np.clip(fit, 1, epochs)), names[:1]


def described_optimizer(optimizer: Optimizer | OptaxOptimizer) -> str:
    """An optimiser in words."""
    if isinstance(optimizer, OptaxOptimizer):
        return "an Optax transformation"
    if callable(optimizer.learning_rate):
        return f"{optimizer.name}, a rate of its own"
    falling = "" if optimizer.schedule == "constant" else f" falling as a {optimizer.schedule}"
    return f"{optimizer.name}, rate {optimizer.learning_rate:g}{falling}"
