"""The folder of UCI's smartphone set (HAR): a text file a signal, one sequence a line, in `train` and `test`.

`train/Inertial Signals/body_acc_x_train.txt` and the like are the features, `train/y_train.txt` the classes, and
`activity_labels.txt` has their names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed, read_text

SIGNALS = "Inertial Signals"


def is_har(folder: Path) -> bool:
    """Whether a folder, or one of its parts, has signals as that set has."""
    return any((place / SIGNALS).is_dir() for place in (folder, folder / "train", folder / "test"))


def parse(folder: Path, split: str | None) -> Parsed:
    """Read one part: all signals as features, in the order of their names."""
    part = split
    if (folder / SIGNALS).is_dir():
        place, part = folder, folder.name
        folder = folder.parent
    else:
        parts = [name for name in ("train", "test") if (folder / name / SIGNALS).is_dir()]
        if split is None and len(parts) > 1:
            raise InputError("it has a train and a test part: say which one to read")
        part = split or parts[0]
        place = folder / part
    files = sorted((place / SIGNALS).glob("*.txt")) if place.is_dir() else []
    if not files:
        raise InputError(f"it has no {part} part with text files in {SIGNALS!r}")
    signals = [_matrix(file) for file in files]
    if len({signal.shape for signal in signals}) > 1:
        raise InputError(f"its signals have different shapes: {sorted({signal.shape for signal in signals})}")
    names = tuple(file.stem.removesuffix(f"_{part}") for file in files)
    inputs = np.stack(signals, axis=2).astype(np.float32)
    answers = next((file for file in (place / f"y_{part}.txt", place / "y.txt") if file.is_file()), None)
    labels = None if answers is None else _named(_matrix(answers)[:, 0].astype(int), folder)
    return Parsed(inputs, None, labels, names, notes=(f"signals: {', '.join(names)}",))


def _matrix(path: Path) -> np.ndarray:
    rows = [line.split() for line in read_text(path) if line.strip()]
    if len({len(row) for row in rows}) != 1:
        raise InputError(f"{path.name}: its lines have different numbers of values")
    try:
        return np.array(rows, np.float64)
    except ValueError as error:
        raise InputError(f"{path.name}: {str(error).rpartition(': ')[2][:40]} is no number") from None


def _named(numbers: np.ndarray, folder: Path) -> np.ndarray:
    path = folder / "activity_labels.txt"
    if not path.is_file():
        return numbers.astype(str)
    words = [line.split(maxsplit=1) for line in read_text(path) if line.strip()]
    names = {int(number): name.strip() for number, name in words}
    return np.array([names.get(number, str(number)) for number in numbers.tolist()])
