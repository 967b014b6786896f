"""NumPy's own files: `.npz` with `X`, `y` and optional `lengths`, and `.npy` files beside each other."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed


def parse_npz(path: Path, split: str | None) -> Parsed:
    """Read `X`, `y` and `lengths`, or `X_train`, `y_train`... where the file holds both parts; any case."""
    content = _load(path)
    if not isinstance(content, dict):
        raise InputError("not an .npz file: it holds one array; an .npz file holds X, y and optional lengths")
    return of_arrays(content, split)


def of_arrays(content: dict[str, np.ndarray], split: str | None) -> Parsed:
    """The parts by their names, in any case."""
    arrays = {name.lower(): array for name, array in content.items()}
    part = "" if "x" in arrays else f"_{split or 'train'}"
    if f"x{part}" not in arrays:
        names = ", ".join(content) or "nothing"
        raise InputError(f"it holds {names}: expected X, y and optional lengths (or X{part}, y{part})")
    if part and split is None and "x_test" in arrays:
        raise InputError("it holds a train and a test part: say which one to read")
    return Parsed(arrays[f"x{part}"], arrays.get(f"lengths{part}"), arrays.get(f"y{part}"))


def parse_npy(inputs: Path, labels: Path | None, lengths: Path | None) -> Parsed:
    """Read one array from each file."""
    return Parsed(_array(inputs), lengths and _array(lengths), labels and _array(labels))


def _array(path: Path) -> np.ndarray:
    content = _load(path)
    if isinstance(content, dict):
        raise InputError(f"{path.name} holds several arrays: call it .npz")
    return content


def _load(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty")
        content: Any = np.load(path, allow_pickle=False)
        if not isinstance(content, NpzFile):
            return content
        with content:
            return {name: content[name] for name in content.files}
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # on damaged files NumPy's reader raises whatever it stumbles over
        reason = str(error).partition("\n")[0] or type(error).__name__
        if "allow_pickle" in reason:
            reason = "it holds Python objects, which could run code: save plain arrays of numbers or text"
        raise InputError(f"{path.name} is not a sound NumPy file: {reason}") from None
