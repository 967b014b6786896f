"""Which row goes with which column, so that what all pairs cost together is least."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def assign(costs: ArrayLike) -> NDArray[np.int64]:
    """The column of each row, each used once, at the least total cost.

    Rows come one by one, each by the shortest path of exchanges that frees a column: n^2 steps over n numbers.

    Args:
        costs: of each row with each column `[n, n]`.

    Example:
        >>> assign([[4, 1, 3], [2, 0, 5], [3, 2, 2]])
        array([1, 0, 2])

    Source: Kuhn (1955), "The Hungarian method"; in this form Jonker & Volgenant (1987).
    """
    table = np.asarray(costs, np.float64)
    size = len(table)
    row_price, column_price = np.zeros(size), np.zeros(size + 1)
    row_of = np.full(size + 1, -1)  # the last column is none: where a new row begins its path
    for row in range(size):
        row_of[size] = row
        column, shortest, before = size, np.full(size, np.inf), np.full(size, size)
        seen = np.zeros(size + 1, bool)
        while row_of[column] >= 0:
            seen[column] = True
            at = row_of[column]
            reduced = table[at] - row_price[at] - column_price[:size]
            better = ~seen[:size] & (reduced < shortest)
            shortest[better], before[better] = reduced[better], column
            column = int(np.where(seen[:size], np.inf, shortest).argmin())
            step = shortest[column]
            row_price[row_of[seen]] += step
            column_price[seen] -= step
            shortest[~seen[:size]] -= step
        while column != size:
            row_of[column] = row_of[before[column]]
            column = before[column]
    return np.argsort(row_of[:size])
