"""A run on disk: written whole or not at all, so that a killed run goes on to the result of an unbroken one."""

from __future__ import annotations

import re
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

_SHORT = 60  # characters of a setting that are shown


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
            was, here = _where_they_differ(saved.get(name), value)
            raise InputError(
                f"the checkpoint in {folder} belongs to another run: its {name} was {was}, here it is {here}; use "
                "another folder, or the settings it was begun with"
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


def _where_they_differ(was: object, here: object) -> tuple[str, str]:
    """Two values as text; of long ones the part around their first difference, such as `LSTM(16, ...)`."""
    texts = [" ".join(str(value).split()) for value in (was, here)]
    if max(map(len, texts)) <= _SHORT:
        return texts[0], texts[1]
    pairs = enumerate(zip(*texts, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(map(len, texts)))
    begin = max((match.start() for match in re.finditer(r"\w+\(", texts[0][: same + 1])), default=0)
    begin = max(begin, same - _SHORT // 2)
    shown = [
        "..." * (begin > 0) + text[begin : begin + _SHORT] + "..." * (len(text) > begin + _SHORT) for text in texts
    ]
    return shown[0], shown[1]
