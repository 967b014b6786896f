"""The comparison of an estimator's network with the simple methods, and the model of whichever won."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from latchwork.estimators.baselines import Task, baselines
from latchwork.estimators.comparison import Comparison, Held, compare
from latchwork.estimators.rows import Rows, scaled, taken
from latchwork.estimators.trials import HeldOut
from latchwork.runtime.methods import Method
from latchwork.transforms.scaling import Scaler

MOST_ROWS = 6000  # that a simple method is fitted on or compared over


def compared(
    task: Task,
    rows: Rows,
    scaler: Scaler,
    held: HeldOut,
    tell: Callable[[str], None],
    target_scale: NDArray[np.float64] | None,
) -> Comparison:
    """The comparison over the held-out rows of a recipe's trials.

    Args:
        task: what is answered.
        rows: all training rows, before scaling.
        scaler: what inputs go through.
        held: parts of the rows, and the network's answers for those held out.
        tell: is given a line for each method.
        target_scale: of a regressor.
    """
    parts = [
        Held(scaled(taken(rows, training), scaler), scaled(taken(rows, out), scaler), out)
        for training, out in held.parts
    ]
    folds = [
        Held(scaled(taken(rows, training), scaler), scaled(taken(rows, out), scaler), out)
        for training, out in held.further
    ]
    return compare(task, parts, held.outputs, held.seconds, tell, target_scale, folds)


def compared_on_validation(
    task: Task, training: Rows, validation: Rows, outputs: NDArray[np.float32], seconds: float,
    tell: Callable[[str], None], target_scale: NDArray[np.float64] | None,
) -> Comparison:  # fmt: skip
    """The comparison over validation rows, scaled all; `surprises` are places among them."""
    places = np.arange(len(validation["targets"]))
    if len(training["targets"]) > MOST_ROWS:
        index = np.sort(np.random.default_rng([task.seed, 19]).permutation(len(training["targets"]))[:MOST_ROWS])
        training = taken(training, index)
    if len(places) > MOST_ROWS:
        places, outputs = places[:MOST_ROWS], outputs[:MOST_ROWS]
        validation = taken(validation, places)
    return compare(task, [Held(training, validation, places)], [outputs], seconds, tell, target_scale)


def fitted_winner(task: Task, rows: Rows, scaler: Scaler, name: str) -> Method:
    """The method that won, fitted on all rows (or as many as it can take)."""
    count = len(rows["targets"])
    if count > MOST_ROWS:
        rows = taken(rows, np.sort(np.random.default_rng([task.seed, 19]).permutation(count)[:MOST_ROWS]))
    shape = (rows["inputs"].shape[1], rows["inputs"].shape[2])
    return baselines(task, len(rows["targets"]), 1, shape)[name](scaled(rows, scaler))
