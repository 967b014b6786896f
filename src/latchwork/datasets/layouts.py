"""Arrays in memory in the layouts of other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed
from latchwork.datasets.read import checked
from latchwork.datasets.sequences import SequenceData, pad

Layout = Literal["numpy3D", "np-list", "numpyflat", "time-first"]


def from_layout(X: Any, y: Any = None, layout: Layout = "numpy3D") -> SequenceData:
    """Sequences in the layout of another library.

    Args:
        X: by `layout`: `numpy3D` of aeon and sktime `[batch, features, time]`; `np-list` of aeon, a list of
            `[features, time]`; `numpyflat` `[batch, time]`, of one feature; `time-first` `[time, batch, features]`, as
            PyTorch's recurrent layers take it.
        y: labels, or None.
        layout: its name.

    Raises:
        InputError: an unknown layout, or another number of axes.

    Example:
        >>> from_layout(np.zeros((5, 2, 30)), ["a", "b", "a", "b", "a"]).inputs.shape
        (5, 30, 2)
    """
    axes: dict[str, int] = {"numpy3D": 3, "numpyflat": 2, "time-first": 3}
    if layout == "np-list":
        rows: Sequence[Any] = list(X)
        if not rows or any(np.ndim(row) != 2 for row in rows):
            raise InputError("np-list is a list of arrays (features, time)")
        inputs, lengths = pad([np.asarray(row).T for row in rows])
    elif layout in axes:
        array, lengths = np.asarray(X), None
        if array.ndim != axes[layout]:
            raise InputError(f"got X of shape {array.shape}: {layout} has {axes[layout]} axes")
        turn = {"numpy3D": (0, 2, 1), "time-first": (1, 0, 2)}.get(layout)
        inputs = array[..., None] if turn is None else array.transpose(turn)
    else:
        raise InputError(f"unknown layout {layout!r}: expected numpy3D, np-list, numpyflat or time-first")
    labels = None if y is None else np.asarray(y)
    return checked(Parsed(np.asarray(inputs), lengths, labels), layout, None, required=False)
