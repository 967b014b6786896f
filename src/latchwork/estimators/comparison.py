"""The network beside the simple methods, on rows that none of them was fitted on: a table, a test, a sentence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.probabilities import softmax
from latchwork.estimators.baselines import COMPARED_KERNEL_FEATURES, READABLE, Task, baselines
from latchwork.estimators.rows import Rows

NETWORK = "network"
CLEAR = 0.05  # the chance, were both alike, below which a difference is called one
BINS = 5  # of the calibration
SHOWN = 8  # rows that it is sure of and wrong about


@dataclass(frozen=True)
class Comparison:
    """What each method scored on the held-out rows.

    Attributes:
        rows: how many were held out, all parts together.
        figures: of each method: `accuracy`, `loss` and `seconds`; of a regressor's `rmse`, `mae`, `r2` and `seconds`.
        winner: the network, or the simple method that is best over all folds if it beats the network on the same rows.
        chance: how likely a difference as large as that between the network and its best rival is, were both alike:
            McNemar's exact test, or a paired test of squared errors.
        verdict: what that says, in one sentence.
        confusion: of a classifier's network: rows by true class (down) and answer (across).
        calibration: of a classifier's network: in each range of probability, how many rows, what was said, what held.
        surprises: rows by their place in the training set that the network was sure of and wrong about.
        residuals: of a regressor's network, and of what won: their errors' sizes in the targets' own units, sorted,
            `[output][row]`.
    """

    rows: int
    figures: dict[str, dict[str, float]]
    winner: str
    chance: float
    verdict: str
    confusion: list[list[int]] = field(default_factory=list[list[int]])
    calibration: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    surprises: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    residuals: dict[str, list[list[float]]] = field(default_factory=dict[str, list[list[float]]])

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """The figures of all but the network."""
        return {name: row for name, row in self.figures.items() if name != NETWORK}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The comparison that `to_dict` described."""
        return cls(**data)


@dataclass(frozen=True)
class Held:
    """A part, scaled: what methods are fitted on, what they answer for, and the places of those rows."""

    training: Rows
    held_out: Rows
    places: NDArray[np.intp]


def compare(
    task: Task,
    parts: Sequence[Held],
    network: Sequence[NDArray[np.float32]],
    seconds: float,
    tell: Callable[[str], None],
    target_scale: NDArray[np.float64] | None = None,
    folds: Sequence[Held] = (),
) -> Comparison:
    """Fit each simple method on each part's training rows, and compare its answers with the network's.

    Args:
        task: what is answered.
        parts: the rows.
        network: the network's outputs for each part's held-out rows.
        seconds: what the network's trainings on the parts took.
        tell: is given a line for each method.
        target_scale: of a regressor: the scale of its targets, so that errors are in their own units.
        folds: further parts, over which the simple methods alone are compared with each other: they have time for it.
    """
    truth = np.concatenate([part.held_out["targets"] for part in parts])
    answers = {NETWORK: np.concatenate(network)}
    took = {NETWORK: seconds}
    first = parts[0]
    shape = (first.training["inputs"].shape[1], first.training["inputs"].shape[2])
    sizes = len(first.training["targets"]), len(first.held_out["targets"])
    further: dict[str, list[tuple[Any, Any]]] = {}
    tell(f"beside it, on the same {len(truth):,} held-out rows:")
    for name, fit in baselines(task, *sizes, shape, COMPARED_KERNEL_FEATURES).items():
        began = time.monotonic()
        outputs = [fit(part.training).outputs(part.held_out["inputs"], part.held_out.get("lengths")) for part in parts]
        answers[name], took[name] = np.concatenate(outputs), time.monotonic() - began
        further[name] = [(fit(fold.training).outputs(fold.held_out["inputs"], fold.held_out.get("lengths")),
                          fold.held_out["targets"]) for fold in folds]  # fmt: skip
    if task.classes is None:
        scale = np.ones(1) if target_scale is None else target_scale
        return _of_numbers(truth, answers, took, tell, scale, further)
    places = np.concatenate([part.places for part in parts])
    return _of_classes(truth, answers, took, tell, places, task.classes, further)


def _of_classes(
    truth: NDArray[Any], answers: Mapping[str, Any], took: Mapping[str, float], tell: Callable[[str], None],
    places: NDArray[np.intp], classes: int, further: Mapping[str, list[tuple[Any, Any]]],
) -> Comparison:  # fmt: skip
    figures: dict[str, dict[str, float]] = {}
    right: dict[str, NDArray[np.bool_]] = {}
    for name, outputs in answers.items():
        probabilities = softmax(outputs)
        right[name] = outputs.argmax(axis=1) == truth
        loss = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)).mean()
        figures[name] = {"accuracy": float(right[name].mean()), "loss": float(loss), "seconds": took[name]}
        tell(f"  {READABLE[name]}: {figures[name]['accuracy']:.3f} right ({took[name]:.1f} s)")
        if further.get(name):
            hits = [outputs.argmax(axis=1) == targets for outputs, targets in [(outputs, truth), *further[name]]]
            figures[name]["accuracy_of_all_folds"] = float(np.concatenate(hits).mean())
    rival = _best(figures, ("accuracy_of_all_folds", "accuracy"), "loss")
    order = _first(figures, rival, lambda row: (-row["accuracy"], row["loss"]))
    alone = int((right[NETWORK] & ~right[rival]).sum()), int((~right[NETWORK] & right[rival]).sum())
    chance = mcnemar(*alone)
    shares = [f"{100 * figures[name]['accuracy']:.1f} %" for name in (NETWORK, rival)]
    verdict = (
        f"Over {len(truth):,} held-out rows {READABLE[NETWORK]} is right in {shares[0]}, {READABLE[rival]} in "
        f"{shares[1]}: {alone[0]} rows are right by the network alone, {alone[1]} by the other alone (McNemar's "
        f"test, p = {chance:.2g}), {_meaning(order[0] == NETWORK, chance)}."
    )
    probabilities = softmax(answers[NETWORK])
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (truth, said), 1)
    return Comparison(
        len(truth), figures, order[0], chance, verdict, confusion.tolist(),
        calibration_of(probabilities.max(axis=1), said == truth), _surprises(probabilities, said, truth, places),
    )  # fmt: skip


def _of_numbers(
    truth: NDArray[Any], answers: Mapping[str, Any], took: Mapping[str, float], tell: Callable[[str], None],
    scale: NDArray[np.float64], further: Mapping[str, list[tuple[Any, Any]]],
) -> Comparison:  # fmt: skip
    truth = truth.reshape(len(truth), -1) * scale
    figures: dict[str, dict[str, float]] = {}
    squares: dict[str, NDArray[np.float64]] = {}
    spread = np.maximum(((truth - truth.mean(axis=0)) ** 2).mean(axis=0), 1e-300)
    for name, outputs in answers.items():
        error = outputs.reshape(truth.shape) * scale - truth
        squares[name] = (error**2).mean(axis=1)
        figures[name] = {
            "rmse": float(np.sqrt(squares[name].mean())),
            "mae": float(np.abs(error).mean()),
            "r2": float((1 - (error**2).mean(axis=0) / spread).mean()),
            "seconds": took[name],
        }
        tell(f"  {READABLE[name]}: root mean squared error {figures[name]['rmse']:.4g} ({took[name]:.1f} s)")
        if further.get(name):
            errors = [(given.reshape(len(given), -1) - right.reshape(len(right), -1)) * scale for given, right in
                      [*further[name]]] + [error]  # fmt: skip
            figures[name]["rmse_of_all_folds"] = float(np.sqrt((np.concatenate(errors) ** 2).mean()))
    rival = _best(figures, ("rmse_of_all_folds", "rmse"), "rmse", lower=True)
    order = _first(figures, rival, lambda row: (row["rmse"],))
    chance = paired(squares[NETWORK] - squares[rival])
    verdict = (
        f"Over {len(truth):,} held-out rows {READABLE[NETWORK]} is off by {figures[NETWORK]['rmse']:.4g} (root mean "
        f"square), {READABLE[rival]} by {figures[rival]['rmse']:.4g} (paired test of squares, p = {chance:.2g}), "
        f"{_meaning(order[0] == NETWORK, chance)}."
    )
    residuals = {
        name: np.sort(np.abs(answers[name].reshape(truth.shape) * scale - truth), axis=0).T.tolist()
        for name in {NETWORK, order[0]}
    }
    return Comparison(len(truth), figures, order[0], chance, verdict, residuals=residuals)


def _best(figures: Mapping[str, Mapping[str, float]], names: tuple[str, str], tie: str, lower: bool = False) -> str:
    """The simple method with the best figure over all folds, or over the held-out rows where there are no more."""

    def key(name: str) -> tuple[float, float]:
        row = figures[name]
        value = row.get(names[0], row[names[1]])
        return (value if lower else -value), row[tie]

    return min((name for name in figures if name != NETWORK), key=key)


def _first(
    figures: Mapping[str, Mapping[str, float]], rival: str, key: Callable[[Mapping[str, float]], tuple[float, ...]]
) -> list[str]:
    """The network and its best rival, the better one on the same rows first."""
    return sorted((NETWORK, rival), key=lambda name: key(figures[name]))


def mcnemar(first_alone: int, second_alone: int) -> float:
    """McNemar's exact test: how likely a split as uneven as this is, were both alike.

    Example:
        >>> mcnemar(5, 5), round(mcnemar(0, 6), 4)
        (1.0, 0.0312)
    """
    total, fewer = first_alone + second_alone, min(first_alone, second_alone)
    if total > 1000:  # by the normal distribution, with a correction for steps
        distance = max(0.0, abs(first_alone - second_alone) - 1) / math.sqrt(total)
        return math.erfc(distance / math.sqrt(2))
    return min(1.0, 2 * sum(math.comb(total, count) for count in range(fewer + 1)) / 2**total)


def paired(differences: NDArray[np.float64]) -> float:
    """How likely a mean difference as large as this is, were the true one zero (normal distribution)."""
    spread = differences.std(ddof=1) if len(differences) > 1 else 0.0
    if spread == 0:
        return 1.0
    return math.erfc(abs(differences.mean()) / (spread / math.sqrt(len(differences))) / math.sqrt(2))


def calibration_of(said: NDArray[np.floating], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """In ranges of probability that hold as many rows each: how many, what was said on average, how many were right."""
    order = np.argsort(said, kind="stable")
    return [
        {"n": len(rows), "said": float(said[rows].mean()), "right": float(right[rows].mean())}
        for rows in np.array_split(order, min(BINS, len(order)))
    ]


def _surprises(
    probabilities: NDArray[np.floating], said: NDArray[np.intp], truth: NDArray[Any], places: NDArray[np.intp]
) -> list[dict[str, float]]:
    sure = probabilities.max(axis=1)
    wrong = np.flatnonzero(said != truth)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:SHOWN]
    return [
        {"row": int(places[at]), "said": int(said[at]), "truth": int(truth[at]), "probability": float(sure[at])}
        for at in wrong
    ]


def _meaning(network_leads: bool, chance: float) -> str:
    if chance > CLEAR:
        return "a difference that may be chance"
    return "so the network is worth its training" if network_leads else "so the simpler method is the better choice"
