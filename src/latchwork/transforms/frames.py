"""Sequences that come as data frames: named columns, which are kept, compared and put in order.

Frames of pandas, polars and pyarrow go through narwhals; what is no frame goes through as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Names = tuple[str, ...]

FORMS = (
    "give an array (batch, time, features), a list of frames or arrays (time, features), a frame of sktime (nested, or "
    "with an index of instances and times), or a long table by datasets.read(frame, series=..., label=...)"
)


class Unframed(NamedTuple):
    """What was brought without its frames: an array or a list of arrays, its lengths, and the features' names."""

    X: Any
    lengths: Any
    names: Names | None


def unframed(X: Any, lengths: Any = None, expected: Names | None = None) -> Unframed:
    """Sequences as arrays, their columns in the order of the names.

    Args:
        X: an array, a list of arrays or frames `[time, features]`, a frame of sktime, or what `datasets.read` gives.
        lengths: of an array.
        expected: the names of the features in training; columns are put in their order.

    Raises:
        InputError: columns that are missing, new, twice there or no numbers; a frame that says not which rows are a
            sequence.

    Example:
        >>> import pandas as pd
        >>> frames = [pd.DataFrame({"b": [2.0], "a": [1.0]})]
        >>> unframed(frames, expected=("a", "b")).X
        [array([[1., 2.]])]
    """
    if hasattr(X, "feature_names") and hasattr(X, "inputs"):  # of `datasets.read`
        names = None if X.names_are_made_up else X.feature_names
        lengths = X.lengths if lengths is None else lengths
        return Unframed(_reordered(X.inputs, names, expected), lengths, names if expected is None else expected)
    if is_frame(X):
        return Unframed(*_one_frame(X, expected))
    if isinstance(X, Sequence) and len(cast("Sequence[Any]", X)) and is_frame(X[0]):
        found = [_columns(frame) for frame in cast("Sequence[Any]", X)]
        order = expected or tuple(found[0])
        return Unframed([_in_order(columns, order, f"X[{at}]") for at, columns in enumerate(found)], lengths, order)
    return Unframed(X, lengths, None)


def is_frame(value: Any) -> bool:
    """Whether this is a frame of a library that is loaded."""
    for library, names in (("pandas", ("DataFrame",)), ("polars", ("DataFrame", "LazyFrame")), ("pyarrow", ("Table",))):
        module = sys.modules.get(library)
        if module is not None and isinstance(value, tuple(getattr(module, name) for name in names)):
            return True
    return False


def compare(found: Sequence[str], expected: Sequence[str], what: str = "X") -> None:
    """Raise `InputError` unless the same features are there, in any order."""
    missing = [name for name in expected if name not in found]
    new = [name for name in found if name not in expected]
    if not missing and not new:
        return
    parts = [f"{_listed(missing)} is missing"] * bool(missing) + [f"{_listed(new)} is new"] * bool(new)
    raise InputError(f"{what} has the features {_listed(found)}, expected {_listed(expected)}: {' and '.join(parts)}")


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(map(str, names[:12])) + (", ..." if len(names) > 12 else "")
    return text or "none"


def _reordered(X: NDArray[Any], names: Names | None, expected: Names | None) -> NDArray[Any]:
    if names is None or expected is None or names == expected:
        return X
    compare(names, expected)
    return X[..., [names.index(name) for name in expected]]


def _columns(frame: Any) -> dict[str, NDArray[Any]]:
    """Each column of a frame `[time, features]` by its name."""
    import narwhals as nw

    eager: Any = nw.from_native(frame)
    if isinstance(eager, nw.LazyFrame):
        eager = eager.collect()
    columns: dict[str, NDArray[Any]] = {}
    for name in eager.columns:
        if str(name) in columns:
            raise InputError(f"the frame has the column {name!r} twice")
        columns[str(name)] = np.asarray(eager[name].to_numpy())
    return columns


def _in_order(columns: dict[str, NDArray[Any]], order: Names, what: str) -> NDArray[Any]:
    compare(tuple(columns), order, what)
    for name in order:
        if columns[name].dtype.kind not in "fiub":
            raise InputError(f"{what} has {columns[name].dtype} in the column {name!r}, where numbers belong")
    return np.stack([columns[name] for name in order], axis=1)


def _one_frame(frame: Any, expected: Names | None) -> tuple[Any, Any, Names]:
    """sktime's two forms: a cell for each sequence, or an index of instances and times."""
    levels = getattr(getattr(frame, "index", None), "nlevels", 1)
    if levels == 2:
        columns = _columns(frame)
        order = expected or tuple(columns)
        values = _in_order(columns, order, "X")
        codes = np.asarray(frame.index.codes[0])
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
        if len(set(codes[starts].tolist())) != len(starts):
            raise InputError("the rows of an instance must stand together: sort the frame by its index")
        return np.split(values, starts[1:]), None, order
    cells = getattr(frame, "dtypes", None)
    if cells is not None and len(frame) and all(_is_series(frame.iloc[0, at]) for at in range(frame.shape[1])):
        names = tuple(map(str, frame.columns))
        order = expected or names
        compare(names, order)
        places = [names.index(name) for name in order]
        return [_cell_row(frame, row, places) for row in range(len(frame))], None, order
    raise InputError(f"got a frame of {len(frame)} rows, which says not which of them are a sequence: {FORMS}")


def _is_series(cell: Any) -> bool:
    return np.ndim(cell) == 1 and not isinstance(cell, str)


def _cell_row(frame: Any, row: int, places: list[int]) -> NDArray[Any]:
    columns = [np.asarray(frame.iloc[row, at]) for at in places]
    if len({len(column) for column in columns}) > 1:
        raise InputError(f"row {row} has features of {sorted({len(column) for column in columns})} steps: one length")
    return np.stack(columns, axis=1)
