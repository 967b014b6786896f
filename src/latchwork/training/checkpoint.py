"""A run on disk: written whole or not at all, so that a killed run goes on to the result of an unbroken one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.training.run import Run

FILE = "checkpoint.latch"


def save_checkpoint(folder: Path, run: Run, settings: Mapping[str, Any]) -> None:
    """Write the run's state, with the settings that it must be resumed with."""
    tensors = _named("state", run.state)
    if run.best_parameters is not None:
        tensors |= _named("best", run.best_parameters)
    document = {"job": "checkpoint", "settings": dict(settings), "run": run.to_dict()}
    storage.save(folder / FILE, document, tensors)


def load_checkpoint(folder: Path, run: Run, settings: Mapping[str, Any]) -> bool:
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
        run.state = _like(run.state, "state", tensors)
        if run.best_value is not None:
            run.best_parameters = _like(run.state.parameters, "best", tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a sound checkpoint: {type(error).__name__} {error}") from error
    return True


def _named(name: str, tree: Any) -> dict[str, np.ndarray]:
    return {f"{name}.{index}": np.asarray(leaf) for index, leaf in enumerate(jax.tree.leaves(tree))}


def _like(tree: Any, name: str, tensors: Mapping[str, np.ndarray]) -> Any:
    """The tree with the file's arrays in place of its own."""
    leaves, structure = jax.tree.flatten(tree)
    found = [tensors[f"{name}.{index}"] for index in range(len(leaves))]
    if any(new.shape != old.shape or new.dtype != old.dtype for new, old in zip(found, leaves, strict=True)):
        raise ValueError(f"the arrays {name} are those of another network")
    return structure.unflatten(found)


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
