"""From a classifier's outputs to answers: one label a sequence, one at every step, or several a sequence."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.probabilities import softmax
from latchwork.runtime.metrics import checked_weight
from latchwork.transforms.labels import Labels, as_labels

Targets = Literal["sequence", "steps", "labels"]
UNKNOWN = -1  # the class of a step that has none
Steps = tuple[NDArray[Any] | None, int]
"""The lengths of the sequences, None where all are full, and the steps of the longest."""


def probabilities(outputs: NDArray[Any], targets: Targets) -> NDArray[np.floating]:
    """Of classes that exclude each other, or of each label by itself."""
    if targets == "labels":
        return 1 / (1 + np.exp(-np.clip(outputs, -60, 60)))
    return softmax(outputs)


def answers(outputs: NDArray[Any], labels: Labels, targets: Targets, lengths: NDArray[Any] | None) -> Any:
    """Labels: `[batch]`; at every step `[batch, time]`, or a list of arrays where lengths differ; or 0 and 1 of each
    label `[batch, labels]`.
    """
    if targets == "labels":
        return (outputs > 0).astype(np.int64)
    decoded = labels.decode(outputs.argmax(axis=-1))
    if targets == "sequence" or lengths is None:
        return decoded
    return [row[: int(length)] for row, length in zip(decoded, lengths, strict=True)]


def fit_step_labels(y: Any) -> Labels:
    """The classes among labels at every step; raises `InputError` where there are fewer than two."""
    flat = np.concatenate([_row(row) for row in _rows(y)])
    classes = tuple(sorted(set(flat[_is_there(flat)].tolist())))
    if len(classes) < 2:
        raise InputError("the labels of the steps are all alike: a classifier needs two classes or more")
    return Labels(classes)


def step_targets(y: Any, labels: Labels, steps: Steps) -> NDArray[np.int32]:
    """The class of each step `[batch, time]`, below 0 where there is none; raises `InputError` on other lengths."""
    lengths, time = steps
    rows = _rows(y)
    targets = np.full((len(rows), time), UNKNOWN, np.int32)
    for at, row in enumerate(rows):
        given, real = _row(row), time if lengths is None or at >= len(lengths) else int(lengths[at])
        if len(given) < real or (isinstance(y, list) and len(given) != real):
            raise InputError(f"sequence {at} has {real} steps and {len(given)} labels: one for each step is needed")
        given = given[:real]
        there = _is_there(given)
        targets[at, :real][there] = labels.encode(given[there]) if there.any() else UNKNOWN
    return targets


def several_targets(y: Any) -> NDArray[np.float32]:
    """0 and 1 of each label `[batch, labels]`; raises `InputError` on anything else."""
    values = np.asarray(y)
    if values.ndim != 2 or values.dtype.kind not in "iufb" or not np.isin(values, (0, 1)).all():
        raise InputError(
            f"got y of shape {values.shape} and type {values.dtype}: several labels a sequence are 0 and 1 of each, "
            "(batch, labels)"
        )
    return values.astype(np.float32)


def step_figures(labels: Labels, given: NDArray[np.floating], y: Any, steps: Steps) -> dict[str, float]:
    """`accuracy` and `loss` over all steps that have a label, and `n`, their number."""
    targets = step_targets(y, labels, steps)
    if len(targets) != len(given):
        raise InputError(f"got {len(given)} sequences and labels of {len(targets)}: as many are needed")
    there = targets >= 0
    chosen = np.take_along_axis(given, np.maximum(targets, 0)[..., None], axis=-1)[..., 0][there]
    return {
        "accuracy": float((given.argmax(axis=-1) == targets)[there].mean()),
        "loss": float(-np.log(np.maximum(chosen.astype(np.float64), 1e-30)).mean()),
        "n": int(there.sum()),
    }


def several_figures(given: NDArray[np.floating], y: Any, sample_weight: Any = None) -> dict[str, float]:
    """`accuracy` (all labels of a sequence right), `label_accuracy` (each by itself), `loss` and `n`."""
    truth = several_targets(y)
    if truth.shape != given.shape:
        raise InputError(f"got y of shape {truth.shape}, expected {given.shape}")
    weight = checked_weight(sample_weight, len(truth))
    right = (given > 0.5) == (truth > 0.5)
    hit = np.where(truth > 0.5, given, 1 - given).astype(np.float64)
    return {
        "accuracy": float(np.average(right.all(axis=1), weights=weight)),
        "label_accuracy": float(np.average(right.mean(axis=1), weights=weight)),
        "loss": float(np.average(-np.log(np.maximum(hit, 1e-30)).mean(axis=1), weights=weight)),
        "n": len(truth),
    }


def _rows(y: Any) -> list[Any]:
    rows = list(y)
    if not rows or any(np.ndim(row) != 1 for row in rows):
        raise InputError("labels at every step are (batch, time), or a list with the labels of each sequence")
    return rows


def _row(row: Any) -> NDArray[Any]:
    values = np.asarray(row)
    if values.dtype.kind == "U":
        return np.char.strip(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return np.where(np.isfinite(values), values, UNKNOWN).astype(np.int64)
    return as_labels(values)


def _is_there(values: NDArray[Any]) -> NDArray[np.bool_]:
    """A step without a label has an empty text, or a number below 0."""
    return values != "" if values.dtype.kind == "U" else values >= 0
