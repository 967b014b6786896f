"""What models keep in their files beside what answers: scalers, classes, names of features, errors on held-out rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.runtime.intervals import RESIDUALS
from latchwork.transforms.labels import Labels
from latchwork.transforms.scaling import Scaler


def fitted_parts(
    scaler: Scaler | None,
    target_scaler: Scaler | None,
    labels: Labels | None,
    features: tuple[str, ...] | None,
    residuals: NDArray[np.float64] | None,
    *,
    vector: bool,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """As a file has them: what goes under `fitted` in its document, and tensors by name. Arguments as of `Model`."""
    fitted: dict[str, Any] = {}
    tensors: dict[str, NDArray[Any]] = {}
    for name, one in (("scaler", scaler), ("target_scaler", target_scaler)):
        if one is not None:
            tensors |= {f"fitted.{name}.{key}": array for key, array in one.arrays().items()}
    if residuals is not None:
        tensors[RESIDUALS] = residuals
    if labels is not None:
        fitted["classes"] = list(labels.classes)
    if features is not None:
        fitted["features"] = list(features)
    if target_scaler is not None:
        fitted["vector"] = vector
    return fitted, tensors
