"""A run on disk: written whole or not at all, so that a killed run goes on to the result of an unbroken one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.engines.steps import Arrays, Steps, picked
from latchwork.training.run import Run

FILE = "checkpoint.latch"


def save_checkpoint(folder: Path, run: Run, steps: Steps, settings: Mapping[str, Any]) -> None:
    """Write the run's state, with the settings that it must be resumed with."""
    tensors = _named("state", steps.arrays(run.state))
    if run.best is not None:
        tensors |= _named("best", run.best)
    document = {"job": "checkpoint", "settings": dict(settings), "run": run.to_dict()}
    storage.save(folder / FILE, document, tensors)


def load_checkpoint(folder: Path, run: Run, steps: Steps, settings: Mapping[str, Any]) -> bool:
    """Bring `run`, freshly begun, to where the folder's checkpoint was; makes the folder and gives False where none is.

    Raises:
        InputError: the checkpoint is damaged, or belongs to a run with other settings or data.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be a folder of checkpoints: {error.strerror or error}") from error
    path = folder / FILE
    if not path.exists():
        return False
    document, tensors = storage.load(path)
    saved = document.get("settings")
    if document.get("job") != "checkpoint" or not isinstance(saved, dict):
        raise InputError(f"{path} is not a checkpoint of a training run")
    for name, value in settings.items():
        if saved.get(name) != value:
            raise InputError(
                f"the checkpoint in {folder} belongs to another run: its {name} was {_short(saved.get(name))}, "
                f"here it is {_short(value)}; use another folder, or the settings it was begun with"
            )
    try:
        run.restore(document["run"])
        best = steps.parameters(run.state)
        run.state = steps.restored(_under("state", tensors))
        if np.isfinite(run.best_values).any():
            shapes = {name: (array.shape, array.dtype) for name, array in best.items()}
            run.best = picked(tensors, shapes, "best.")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a sound checkpoint: {type(error).__name__} {error}") from error
    return True


def _named(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {f"{prefix}.{name}": np.asarray(array) for name, array in arrays.items()}


def _under(prefix: str, tensors: Arrays) -> dict[str, NDArray[Any]]:
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
