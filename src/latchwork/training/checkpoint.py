"""A run on disk: written whole or not at all, so that a killed run goes on to the result of an unbroken one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from latchwork import storage
from latchwork.errors import InputError
from latchwork.training.run import Run

FILE = "checkpoint.latch"


def save_checkpoint(folder: Path, run: Run, settings: Mapping[str, Any]) -> None:
    """Write the run's state, with the settings that it must be resumed with."""
    tensors = {f"state.{index}": np.asarray(leaf) for index, leaf in enumerate(jax.tree.leaves(run.state))}
    if run.best_parameters is not None:
        leaves = jax.tree.leaves(run.best_parameters)
        tensors |= {f"best.{index}": np.asarray(leaf) for index, leaf in enumerate(leaves)}
    document = {"job": "checkpoint", "settings": dict(settings), "run": run.to_dict()}
    folder.mkdir(parents=True, exist_ok=True)
    storage.save(folder / FILE, document, tensors)


def load_checkpoint(folder: Path, run: Run, settings: Mapping[str, Any]) -> bool:
    """Bring `run`, freshly begun, to where the folder's checkpoint was; False where there is none.

    Raises:
        InputError: the checkpoint is damaged, or belongs to a run with other settings or data.
    """
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
                f"the checkpoint in {folder} belongs to another run: its {name} was {saved.get(name)!r}, "
                f"here it is {value!r}; use another folder, or the settings it was begun with"
            )
    leaves, structure = jax.tree.flatten(run.state)
    run.state = structure.unflatten([_like(leaf, tensors[f"state.{i}"], path) for i, leaf in enumerate(leaves)])
    if "best.0" in tensors:
        leaves, structure = jax.tree.flatten(run.state.parameters)
        run.best_parameters = structure.unflatten([tensors[f"best.{i}"] for i in range(len(leaves))])
    run.restore(document["run"])
    return True


def _like(leaf: Any, saved: np.ndarray, path: Path) -> np.ndarray:
    if saved.shape != leaf.shape or saved.dtype != leaf.dtype:
        raise InputError(f"the checkpoint {path} holds arrays of another network")
    return saved
