"""Any saved model, opened for its answers alone: each job's own class where it has one, and no JAX."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.runtime.model import model_of

# Jobs that answer in more than arrays, and who reads their files: imported when such a file is opened, for nothing on
# this floor knows the jobs. Any other job's network is a `Model`.
JOBS = {
    "forecasting": ("latchwork.forecasting.forecaster", "Forecaster"),
    "speech": ("latchwork.speech.model", "SpeechModel"),
    "text": ("latchwork.text.model", "TextModel"),
}


def load(path: str | os.PathLike[str], job: str | None = None) -> Any:
    """Open a `.latch` file of any job, without JAX.

    Args:
        path: the file.
        job: the only job that will do: `classification`, `regression`, `forecasting`, `text`, `speech`.

    Returns:
        For classification, regression and any other network a `latchwork.runtime.Model`; for forecasting the
        `latchwork.Forecaster`, for text a `latchwork.text.model.TextModel`, for speech a
        `latchwork.speech.model.SpeechModel`. All have `predict`.

    Raises:
        InputError: in one line, what is wrong with the file, or that its job is another.

    Example:
        >>> model = load("digits.latch")  # doctest: +SKIP
        >>> model.predict(images)  # doctest: +SKIP
        array([7, 2, 1])
    """
    latch = storage.load_model(path)
    held = latch.document["job"]
    if job is not None and held != job:
        raise InputError(f"{path} holds a model for {held}, expected one for {job}")
    if held in JOBS:
        return read_as(JOBS[held], latch, path)
    return _read(model_of, latch, path)


def read_as(home: tuple[str, str], latch: Latch, path: str | os.PathLike[str]) -> Any:
    """What a class, named by its module and its name, makes of an opened file; raises `InputError` in one line."""
    return _read(getattr(import_module(home[0]), home[1]).from_latch, latch, path)


def _read(reader: Callable[[Latch], Any], latch: Latch, path: str | os.PathLike[str]) -> Any:
    try:
        return reader(latch)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        why = str(error) if isinstance(error, InputError) else f"{type(error).__name__} {error}"
        raise InputError(f"{path}: no model of the job {latch.document['job']!r}: {why}") from error
