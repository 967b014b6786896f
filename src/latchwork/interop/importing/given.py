"""What a user gives along with a model from elsewhere: the classes' names, a scaler."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from latchwork.core.errors import InputError
from latchwork.transforms.labels import as_labels
from latchwork.transforms.scaling import Scaler

MAX_BYTES = 16 << 20


def given_labels(labels: Iterable[Any] | str | os.PathLike[str]) -> list[Any]:
    """Labels as a list.

    Args:
        labels: a list, or a file: one label a line, or a JSON list.

    Raises:
        InputError: the file cannot be read, or labels that are none.
    """
    if not isinstance(labels, str | os.PathLike):
        return as_labels(list(labels)).tolist()
    text = _text(labels)
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(f"{labels}: it begins like a JSON list of labels and is none") from None
        return as_labels(values).tolist()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{labels}: there is no label in it; give one a line")
    if all(_is_whole(line) for line in lines):
        return [int(line) for line in lines]
    return lines


def as_scaler(given: Any, features: int | None, name: str) -> Scaler:
    """A scaler for so many features.

    Args:
        given: `(offset, scale)`, a `Scaler`, a fitted one of scikit-learn, or a JSON file with `mean` (or `offset`) and
            `scale`, or with `min` and `max`; each a number or a list of one a feature.
        features: of what it scales.
        name: what an error calls it.

    Raises:
        InputError: of another kind, of other numbers of features, or scales that are zero or missing.
    """
    if isinstance(given, str | os.PathLike):
        return as_scaler(_from_file(given), features, name)
    offset, scale = _parts(given, name)
    try:
        arrays = [np.asarray(each, np.float64).reshape(-1) for each in (offset, scale)]
        fitted = [np.broadcast_to(each, (features or 0,)).copy() for each in arrays]
    except (TypeError, ValueError):
        sizes = " and ".join(str(np.size(each)) for each in (offset, scale))
        raise InputError(f"the {name} has {sizes} numbers for {features} features: give one for each") from None
    if not all(np.isfinite(each).all() for each in fitted) or not (fitted[1] != 0).all():
        raise InputError(f"the {name} has numbers that are missing or infinite, or a scale of zero")
    return Scaler(*fitted)


def _parts(given: Any, name: str) -> tuple[Any, Any]:
    """Offset and scale."""
    match given:
        case Scaler():
            return given.offset, given.scale
        case {"data_min_": low, "data_max_": high} | {"min": low, "max": high}:
            return low, np.asarray(high, np.float64) - np.asarray(low, np.float64)
        case {"mean": offset, "scale": scale} | {"mean": offset, "std": scale} | {"offset": offset, "scale": scale}:
            return offset, scale
        case (offset, scale):
            return offset, scale
        case _:
            pass
    if (
        hasattr(given, "data_min_") and hasattr(given, "scale_") and hasattr(given, "min_")
    ):  # MinMaxScaler: x scale + min
        scale = 1 / np.asarray(given.scale_, np.float64)
        return -np.asarray(given.min_, np.float64) * scale, scale
    if hasattr(given, "scale_") and hasattr(given, "mean_"):
        centred = given.mean_ is not None and getattr(given, "with_mean", True)
        return given.mean_ if centred else 0.0, 1.0 if given.scale_ is None else given.scale_
    raise InputError(f"the {name} is {type(given).__name__}: give (offset, scale), a fitted StandardScaler or "
                     "MinMaxScaler, or a JSON file with mean and scale, or min and max")  # fmt: skip


def _from_file(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    text = _text(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: no JSON: expected mean and scale, or min and max") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a JSON object with mean and scale, or min and max")
    return cast("dict[str, Any]", document)


def _text(path: str | os.PathLike[str]) -> str:
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: more than {MAX_BYTES >> 20} MB: expected a small text")
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: no text in UTF-8") from None


def _is_whole(text: str) -> bool:
    return text.lstrip("-").isdecimal() and len(text) < 18 and str(int(text)) == text
