"""A fitted model as a Keras file, and as a model of Keras, which is imported here and nowhere else."""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

from latchwork.core.errors import InputError
from latchwork.interop.exporting.keras_file import write_keras
from latchwork.interop.exporting.subject import subject_of


def export_keras(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model as a `.keras` file with the same answers, which Keras 3 opens.

    Args:
        model: a `.latch` file, a fitted estimator, what `runtime.load` or `import_model` gives, or a `NetworkData`.
        path: the file.

    Raises:
        InputError: a layer that Keras does not have, by name; or h5py is not installed.
    """
    subject = subject_of(model)
    if subject.data.members is not None or subject.ending not in ("outputs", "probabilities"):
        raise InputError(f"a model for {subject.job} has no Keras file: export it as ONNX")
    write_keras(
        subject.data,
        path,
        softmax=subject.ending == "probabilities",
        names=subject.names if subject.names is not None and len(set(subject.names)) == len(subject.names) else None,
        padding=subject.padding,
        scaler=subject.scaler,
        target_scaler=subject.target_scaler,
    )


def to_keras(model: Any) -> Any:
    """A model of Keras with the same answers; arguments as of `export_keras`.

    Raises:
        InputError: as `export_keras`; or Keras is not installed.
    """
    try:
        models = importlib.import_module("keras.models")
    except ImportError:
        raise InputError("to_keras needs Keras: pip install keras and one of its backends") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        export_keras(model, path)
        return models.load_model(path)
