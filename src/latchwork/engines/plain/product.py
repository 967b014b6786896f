"""Products of small matrices, each left to one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ONE_THREAD = 2**18  # multiplications up to which OpenBLAS takes one thread


def product(one: NDArray[Any], two: NDArray[Any]) -> NDArray[Any]:
    """The matrices' product, `two` of two axes or more, in slices of rows so small that BLAS leaves each to one thread.

    For products of a few million multiplications, many after one another: two threads that wait for each other save
    nothing, and where the machine is busy they take twenty times as long.
    """
    rows = max(1, ONE_THREAD // (two.shape[-2] * two.shape[-1]))
    if one.ndim < 2 or rows >= one.shape[-2]:
        return one @ two
    return np.concatenate([one[..., at : at + rows, :] @ two for at in range(0, one.shape[-2], rows)], axis=-2)
