"""Any saved model back as the estimator that wrote it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from latchwork import storage
from latchwork.errors import InputError

if TYPE_CHECKING:
    from latchwork.estimator import Estimator

# Which class reads a job's files; imported only when such a file is opened.
JOBS = {
    "classification": ("latchwork.classification", "SequenceClassifier"),
    "forecasting": ("latchwork.forecasting", "Forecaster"),
    "regression": ("latchwork.regression", "SequenceRegressor"),
    "speech": ("latchwork.speech", "SpeechRecognizer"),
    "text": ("latchwork.text", "LanguageModel"),
}


def load(path: str | Path) -> Estimator:
    """The fitted estimator in a `.latch` file.

    Raises:
        InputError: the file is missing, damaged, newer than this version, or no model.
    """
    latch = storage.load_model(path)
    job = latch.document["job"]
    if job not in JOBS:
        raise InputError(f"{path} holds the job {job!r}: this version knows {', '.join(JOBS)}")
    module, name = JOBS[job]
    estimator: type[Estimator] = getattr(import_module(module), name)
    try:
        return estimator.from_latch(latch)
    except InputError as error:
        raise InputError(f"{path}: no model of the job {job!r}: {error}") from None
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: no model of the job {job!r}: {type(error).__name__} {error}") from error
