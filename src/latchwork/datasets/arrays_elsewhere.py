"""Arrays by name in files of other programs: HDF5, and MATLAB's `.mat`.

Both formats are read by the library that is at home in them (h5py, SciPy), asked for when such a file is met.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.arrays import of_arrays
from latchwork.datasets.files import Parsed

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def parse_hdf5(path: Path, split: str | None) -> Parsed:
    """Read datasets `X`, `y` and `lengths`, or `X_train`, `y_train`..., wherever in the file they are; any case."""
    try:
        import h5py
    except ImportError:
        raise InputError("reading HDF5 needs h5py: pip install h5py") from None
    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name.rpartition("/")[2]] = np.asarray(item[()])

    try:
        with h5py.File(path, "r") as file:
            file.visititems(keep)
    except (OSError, ValueError) as error:
        raise InputError(f"not a sound HDF5 file: {str(error).partition(chr(10))[0]}") from None
    return of_arrays(arrays, split)


def parse_mat(path: Path, split: str | None) -> Parsed:
    """Read variables `X`, `y` and `lengths`; column vectors are vectors, and files of version 7.3 are HDF5."""
    with path.open("rb") as file:
        head = file.read(520)
    if HDF5_MAGIC in (head[:8], head[512:520]):
        found = parse_hdf5(path, split)
        turned = found.inputs.transpose(range(found.inputs.ndim - 1, -1, -1))  # MATLAB counts columns first
        return found._replace(inputs=turned, labels=None if found.labels is None else found.labels.reshape(-1))
    try:
        from scipy.io import loadmat
    except ImportError:
        raise InputError("reading .mat files needs SciPy: pip install scipy") from None
    try:
        variables: dict[str, Any] = loadmat(path)
    except Exception as error:  # on damaged files SciPy's reader raises whatever it stumbles over
        raise InputError(f"not a sound .mat file: {str(error).partition(chr(10))[0]}") from None
    arrays = {name: _flat(np.asarray(value)) for name, value in variables.items() if not name.startswith("__")}
    return of_arrays(arrays, split)


def _flat(array: np.ndarray) -> np.ndarray:
    """MATLAB has no vectors: a matrix of one row or column is one; a cell array of texts is a list of them."""
    if array.dtype == object:
        array = np.array([str(np.asarray(cell).reshape(-1)[0]) if np.size(cell) else "" for cell in array.reshape(-1)])
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
