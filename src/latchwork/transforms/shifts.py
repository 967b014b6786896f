"""Level shifts: one lasting jump in a row, far beyond its usual changes. They are found to be told, not repaired.

Moving what lies before a jump to the level after it helps where a jump is certain, and cost more than it gained on the
pasts of the M3 series (docs/lab.md); the methods that follow the level gain weight by themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from latchwork.transforms.working import Array, Index, nanmedian

LASTED = 4  # steps that a jump must have lasted, and that are compared before it
LIMIT = 5.0  # robust deviations of the row's changes
LEAST = 0.15  # working units: logs, or shares of the row's size
FEWEST_BEFORE = 12  # values


def find_shifts(working: Array, season: int) -> Index:
    """How many values of each row, [rows], have come since its level jumped; 0 where it did not.

    In a seasonal row the change over a season is looked at, where a jump shows as a jump too and the season does not.
    """
    rows, length = working.shape
    lag = season if season > 1 else 0
    none = np.zeros(rows, dtype=np.int64)
    if length < lag + FEWEST_BEFORE + 2 * LASTED:
        return none
    base = working[:, lag:] - working[:, :-lag] if lag else working
    changes = np.diff(base, axis=1)
    spread = 1.4826 * nanmedian(np.abs(changes - nanmedian(changes)[:, None]))
    middles = np.median(sliding_window_view(base, LASTED, axis=1), axis=2)
    jumps = middles[:, LASTED:] - middles[:, :-LASTED]  # column k: between base k + LASTED - 1 and k + LASTED
    steps = changes[:, LASTED - 1 : LASTED - 1 + jumps.shape[1]]
    least = np.maximum(LIMIT * spread, LEAST)[:, None]
    with np.errstate(invalid="ignore"):
        sure = (np.abs(jumps) > least) & (np.abs(steps) > 0.6 * np.abs(jumps)) & (steps * jumps > 0)
    known = np.cumsum(np.isfinite(base), axis=1)[:, LASTED - 1 : LASTED - 1 + jumps.shape[1]]
    size = np.where(sure & (known >= FEWEST_BEFORE), np.abs(jumps), 0.0)
    # a season after a jump the change over a season jumps back: the first of the two is the jump
    largest = size.max(axis=1)
    first = (size >= 0.8 * largest[:, None]).argmax(axis=1)
    return np.where(largest > 0, length - lag - LASTED - first, none)
