"""Any saved model back as the estimator that wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.runtime.opening import JOBS, read

if TYPE_CHECKING:
    from latchwork.estimators.base import Estimator


def load(path: str | Path) -> Estimator:
    """The fitted estimator in a `.latch` file.

    Raises:
        InputError: the file is missing, damaged, newer than this version, or no model.
    """
    latch = storage.load_model(path)
    job = latch.document["job"]
    if job not in JOBS:
        raise InputError(f"{path} holds the job {job!r}: this version knows {', '.join(JOBS)}")
    return read(JOBS[job].estimator, latch, path)
