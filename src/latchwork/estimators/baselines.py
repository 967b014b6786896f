"""The simple methods beside the network, each fitted in seconds: what a network must beat to be worth its trouble."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.probabilities import softmax
from latchwork.estimators.ridge import fit_ridge
from latchwork.estimators.rows import Rows
from latchwork.runtime.methods import Constant, Linear, Method, Neighbour
from latchwork.transforms.distances import resampled, warped_seconds
from latchwork.transforms.kernels import RandomKernels
from latchwork.transforms.summaries import summaries

MOST_KERNEL_FEATURES = 10_000  # MiniRocket's number
COMPARED_KERNEL_FEATURES = 3000  # where several fits are compared: nearly as good, and quicker
FEWEST_KERNEL_FEATURES = 400
FITS_COMPARED = 4  # which share the time of one
KERNEL_VALUES = 2e9  # comparisons of a fit: some seconds
MOST_RIDGE_ROWS = 3000  # rows that a ridge regression is fitted on: its time grows with their cube
MOST_NEIGHBOURS = 5000
MOST_STEPS = 128  # of sequences that are compared one by one
WINDOW = 0.1  # of the steps, that a path of time may be off
WARPING_SECONDS = 8.0  # of all comparisons of held-out rows; beyond, dynamic time warping is left out
TEMPERATURES = np.geomspace(0.3, 60, 40)
RIDGE_OF_KERNELS, RIDGE_OF_SUMMARIES = "random kernels", "summaries"

READABLE: Mapping[str, str] = {
    "network": "the recurrent network",
    "majority": "the most frequent class",
    "mean": "the mean",
    "summaries": "ridge regression on summaries of each sequence",
    "nearest": "the nearest neighbour by Euclid's distance",
    "nearest_warped": "the nearest neighbour by dynamic time warping",
    "kernels": "random convolution kernels with ridge regression",
}


@dataclass(frozen=True)
class Task:
    """What is to be answered: `classes` of a classifier, None of a regressor; `seed` of what is drawn."""

    classes: int | None
    seed: int

    def targets(self, rows: Rows) -> NDArray[np.float32]:
        """`[rows, outputs]`: -1 and 1 for each class, or the numbers."""
        if self.classes is None:
            return rows["targets"].reshape(len(rows["targets"]), -1)
        return np.where(np.arange(self.classes) == rows["targets"][:, None], np.float32(1), np.float32(-1))


def baselines(
    task: Task, rows: int, held_out: int, shape: tuple[int, int], most_kernels: int = MOST_KERNEL_FEATURES
) -> dict[str, Callable[[Rows], Method]]:
    """How to fit each method that is affordable for sets of this size.

    Args:
        task: what is to be answered.
        rows: training rows.
        held_out: rows to be answered for.
        shape: steps and features of a sequence.
        most_kernels: numbers that kernels make of a sequence, at most.
    """
    steps = min(shape[0], MOST_STEPS)
    found: dict[str, Callable[[Rows], Method]] = {
        "majority" if task.classes is not None else "mean": lambda given: _constant(task, given),
        "summaries": lambda given: _linear(task, given, None),
        "nearest": lambda given: _neighbour(task, given, warping=False),
    }
    pairs = min(rows, MOST_NEIGHBOURS) * held_out
    if warped_seconds(pairs, steps, _window(steps), shape[1]) <= WARPING_SECONDS:
        found["nearest_warped"] = lambda given: _neighbour(task, given, warping=True)
    if shape[0] > 2:
        count = kernel_count(rows + held_out, shape[0], shape[1])
        if most_kernels < MOST_KERNEL_FEATURES:
            count = max(FEWEST_KERNEL_FEATURES, min(most_kernels, count // FITS_COMPARED))
        found["kernels"] = lambda given: _linear(task, given, count)
    return found


def kernel_count(rows: int, steps: int, features: int) -> int:
    """How many numbers a sequence becomes, by what there is to do."""
    work = min(rows, 2 * MOST_RIDGE_ROWS) * steps * (1 if features == 1 else 2)
    return int(np.clip(KERNEL_VALUES / work, FEWEST_KERNEL_FEATURES, MOST_KERNEL_FEATURES))


def _constant(task: Task, rows: Rows) -> Constant:
    if task.classes is None:
        return Constant(task.targets(rows).mean(axis=0).astype(np.float32))
    counts = np.bincount(rows["targets"], minlength=task.classes) + 0.5
    return Constant(np.log(counts / counts.sum()).astype(np.float32))


def _linear(task: Task, rows: Rows, kernel_features: int | None) -> Linear:
    rows = _fewer(rows, MOST_RIDGE_ROWS, task.seed)
    inputs, lengths = rows["inputs"], rows.get("lengths")
    kernels = None
    if kernel_features is not None:
        kernels = RandomKernels.fit(inputs, lengths, kernel_features, task.seed)
    features = summaries(inputs, lengths) if kernels is None else kernels.transform(inputs, lengths)
    found = fit_ridge(features, task.targets(rows).astype(np.float64))
    factor = 1.0 if task.classes is None else _temperature(found.left_out, rows["targets"])
    return Linear((found.weight * factor).astype(np.float32), (found.intercept * factor).astype(np.float32), kernels)


def _temperature(scores: NDArray[np.float64], targets: NDArray[Any]) -> float:
    """What scores are multiplied by to become logarithms of probabilities: the least loss of rows left out."""
    places = np.arange(len(targets))

    def loss(factor: float) -> float:
        return float(-np.log(np.maximum(softmax(scores * factor)[places, targets], 1e-12)).mean())

    return float(min(TEMPERATURES, key=loss))


def _neighbour(task: Task, rows: Rows, *, warping: bool) -> Neighbour:
    rows = _fewer(rows, MOST_NEIGHBOURS, task.seed)
    lengths = rows.get("lengths")
    longest = rows["inputs"].shape[1] if lengths is None else int(np.median(lengths))
    steps = min(longest, MOST_STEPS)
    sequences = resampled(rows["inputs"], lengths, steps)
    distance = "warped" if warping else "euclidean"
    found = Neighbour(sequences, task.targets(rows).astype(np.float32), distance, _window(steps) if warping else 0)
    if task.classes is None:
        return found
    right = _share_right(found, rows["targets"], task.seed)
    sure = np.log(right * (task.classes - 1) / (1 - right)) if task.classes > 1 else 0.0
    answers = np.where(found.answers > 0, np.float32(sure), np.float32(0))
    return Neighbour(found.sequences, answers, found.distance, found.window)


def _share_right(found: Neighbour, targets: NDArray[Any], seed: int) -> float:
    """How often the nearest other training sequence has the right class, over a hundred of them at most."""
    asked = np.random.default_rng([seed, 13]).permutation(len(targets))[:100]
    distances = found.distances(found.sequences[asked])
    distances[np.arange(len(asked)), asked] = np.inf
    hits = int((targets[distances.argmin(axis=1)] == targets[asked]).sum())
    return (hits + 0.5) / (len(asked) + 1)


def _window(steps: int) -> int:
    return max(1, round(WINDOW * steps))


def _fewer(rows: Rows, most: int, seed: int) -> Rows:
    if len(rows["targets"]) <= most:
        return rows
    index = np.sort(np.random.default_rng([seed, 17]).permutation(len(rows["targets"]))[:most])
    return {name: array[index] for name, array in rows.items()}
