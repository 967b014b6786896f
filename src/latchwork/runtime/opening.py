"""Any saved model, opened: as what answers, without JAX, or as the estimator that wrote it."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, NamedTuple

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.storage import Latch

MODEL = "latchwork.runtime.model:Model"
SEQUENCES = "latchwork.runtime.sequences:SequenceModel"


class Home(NamedTuple):
    """Who reads a job's files, as `module:class`: imported when such a file is opened, for nothing on this floor knows
    the jobs.
    """

    estimator: str
    answers: str = MODEL


JOBS = {
    "classification": Home("latchwork.estimators.classifier:SequenceClassifier", answers=SEQUENCES),
    "forecasting": Home("latchwork.forecasting:Forecaster", answers="latchwork.forecasting.forecaster:Forecaster"),
    "keras": Home("latchwork.interop.keras.models:Sequential"),
    "regression": Home("latchwork.estimators.regressor:SequenceRegressor", answers=SEQUENCES),
    "speech": Home("latchwork.speech:SpeechRecognizer", answers="latchwork.speech.model:SpeechModel"),
    "text": Home("latchwork.text:LanguageModel", answers="latchwork.text.model:TextModel"),
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
    found = latch.document["job"]
    if job is not None and found != job:
        raise InputError(f"{path} holds a model for {found}, expected one for {job}")
    return read(JOBS[found].answers if found in JOBS else MODEL, latch, path)


def read(home: str, latch: Latch, path: str | os.PathLike[str]) -> Any:
    """What a class, given as `module:class`, makes of an opened file; raises `InputError` in one line."""
    module, _, name = home.partition(":")
    reader = getattr(import_module(module), name)
    try:
        return reader.from_latch(latch)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        why = str(error) if isinstance(error, InputError) else f"{type(error).__name__} {error}"
        raise InputError(f"{path}: no model of the job {latch.document['job']!r}: {why}") from error
