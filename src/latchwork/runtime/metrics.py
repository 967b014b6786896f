"""How good a model's answers are. NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.labels import Labels


def classification_figures(labels: Labels, probabilities: NDArray[np.floating], y: Any) -> dict[str, float]:
    """`accuracy`, `loss` (cross-entropy in nats) and `n`.

    Args:
        labels: the classes.
        probabilities: what was answered, `[batch, classes]`.
        y: what was right, a label each.

    Raises:
        InputError: another number of labels, or one that the classifier does not know.
    """
    targets = labels.encode(y)
    if len(targets) != len(probabilities):
        raise InputError(f"got {len(probabilities)} sequences and {len(targets)} labels: one for each is needed")
    hit = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return {
        "accuracy": float((probabilities.argmax(axis=1) == targets).mean()),
        "loss": float(-np.log(np.maximum(hit, 1e-30)).mean()),
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


def regression_figures(predictions: NDArray[np.floating], y: Any) -> dict[str, float]:
    """`rmse`, `mae`, `r2` and `n`.

    Args:
        predictions: what was answered, `[batch]` or `[batch, outputs]`.
        y: what was right, of the same shape.

    Raises:
        InputError: answers of another shape or type, or one that is missing.
    """
    truth, shape = as_numbers(y), np.asarray(y).shape
    if shape != predictions.shape:
        raise InputError(f"got y of shape {shape}, expected {predictions.shape}: one answer for each sequence")
    error = predictions.reshape(truth.shape) - truth
    spread = truth - truth.mean(axis=0)
    return {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
        "r2": float(1 - np.sum(error**2) / max(np.sum(spread**2), 1e-300)),
        "n": len(error),
    }


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
