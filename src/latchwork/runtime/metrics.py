"""How good a model's answers are. NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.labels import Labels


def classification_figures(
    labels: Labels, probabilities: NDArray[np.floating], y: Any, sample_weight: Any = None
) -> dict[str, float]:
    """`accuracy`, `loss` (cross-entropy in nats) and `n`.

    Args:
        labels: the classes.
        probabilities: what was answered, `[batch, classes]`.
        y: what was right, a label each.
        sample_weight: how much each row counts.

    Raises:
        InputError: another number of labels, or one that the classifier does not know.
    """
    targets = labels.encode(y)
    if len(targets) != len(probabilities):
        raise InputError(f"got {len(probabilities)} sequences and {len(targets)} labels: one for each is needed")
    weight = checked_weight(sample_weight, len(targets))
    hit = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return {
        "accuracy": float(np.average(probabilities.argmax(axis=1) == targets, weights=weight)),
        "loss": float(np.average(-np.log(np.maximum(hit, 1e-30)), weights=weight)),
        "n": len(targets),
    }


def class_figures(label: Any, truth: Any, answers: Any) -> dict[str, Any]:
    """One class: `n`, and its `recall` and `precision`, None where there is nothing to divide by."""
    is_label, is_answer = truth == label, answers == label
    hits = int((is_label & is_answer).sum())
    return {
        "class": label,
        "n": int(is_label.sum()),
        "recall": hits / int(is_label.sum()) if is_label.any() else None,
        "precision": hits / int(is_answer.sum()) if is_answer.any() else None,
    }


def regression_figures(predictions: NDArray[np.floating], y: Any, sample_weight: Any = None) -> dict[str, float]:
    """`rmse`, `mae`, `r2` and `n`.

    Args:
        predictions: what was answered, `[batch]` or `[batch, outputs]`.
        y: what was right, of the same shape.
        sample_weight: how much each row counts.

    Raises:
        InputError: answers of another shape or type, or one that is missing.
    """
    truth, shape = as_numbers(y), np.asarray(y).shape
    if shape != predictions.shape:
        raise InputError(f"got y of shape {shape}, expected {predictions.shape}: one answer for each sequence")
    weight = checked_weight(sample_weight, len(truth))
    error = predictions.reshape(truth.shape) - truth
    return {
        "rmse": float(np.sqrt(np.average(error**2, axis=0, weights=weight).mean())),
        "mae": float(np.average(np.abs(error), axis=0, weights=weight).mean()),
        "r2": r_squared(truth, error, weight),
        "n": len(error),
    }


def r_squared(truth: NDArray[np.float64], error: NDArray[np.float64], weight: NDArray[np.float64] | None) -> float:
    """The mean over the outputs of 1 - squared errors / squared distances from the mean, as scikit-learn defines it.

    An output that never changes has 1 where it is met exactly, else 0. Of fewer than two rows it is not a number.

    Args:
        truth: what was right, `[batch, outputs]`.
        error: how far the answers were from it.
        weight: how much each row counts, or None.
    """
    if len(truth) < 2:
        return float("nan")
    missed = np.average(error**2, axis=0, weights=weight)
    spread = np.average((truth - np.average(truth, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    constant = np.ptp(truth, axis=0) == 0
    explained = 1 - missed / np.where(constant, 1, spread)
    return float(np.where(constant, missed == 0, explained).mean())


def checked_weight(sample_weight: Any, rows: int) -> NDArray[np.float64] | None:
    """A weight for each row; raises `InputError` unless they are numbers of at least 0 with a finite sum above 0."""
    if sample_weight is None:
        return None
    given = np.asarray(sample_weight)
    if given.shape != (rows,) or given.dtype.kind not in "fiub" or not (given >= 0).all():
        raise InputError(f"sample_weight must be {rows} numbers of at least 0")
    if not 0 < given.sum() < np.inf:
        raise InputError("sample_weight must have a finite sum above zero")
    return given.astype(np.float64)


def as_numbers(y: Any) -> NDArray[np.float64]:
    """A regressor's answers as `[batch, outputs]`; raises `InputError` on anything but finite numbers."""
    answers = np.asarray(y)
    if answers.dtype.kind not in "fiub" or answers.ndim not in (1, 2):
        raise InputError(
            f"got y of shape {answers.shape} and type {answers.dtype}: expected numbers (batch,) or (batch, k)"
        )
    if not np.isfinite(answers).all():
        raise InputError("y has a value that is not a number: fill or leave out what is missing")
    return answers.reshape(len(answers), -1).astype(np.float64)
