"""How good a classifier's answers are. NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.labels import Labels


def figures(labels: Labels, probabilities: NDArray[np.floating], y: Any) -> dict[str, float]:
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
    is_label, said = truth == label, answers == label
    both = int((is_label & said).sum())
    return {
        "class": label,
        "n": int(is_label.sum()),
        "recall": both / int(is_label.sum()) if is_label.any() else None,
        "precision": both / int(said.sum()) if said.any() else None,
    }
