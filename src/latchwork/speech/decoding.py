"""From the network's opinion at every step to the symbols that were most likely said."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from latchwork.speech.symbols import BLANK

_PRUNED = -9.0  # nats: a symbol less likely than this at a step starts no new prefix


def best_symbols(log_probabilities: NDArray[np.floating], width: int = 8) -> tuple[tuple[int, ...], float]:
    """The likeliest symbols, over all ways of spreading them over the steps, and the logarithm of their probability.

    Prefix beam search: a prefix's ways that end in a blank and those that end in its last symbol are summed apart,
    since only after a blank does a repeated symbol count twice (Graves, 2012, section 7.5; Hannun et al., 2014).

    Args:
        log_probabilities: `[steps, symbols]`, the blank first.
        width: prefixes that are kept after each step; with 1, a greedy search.

    Example:
        >>> steps = np.log([[0.1, 0.9], [0.8, 0.2], [0.1, 0.9]])  # one symbol, twice, with a blank between
        >>> best_symbols(steps)[0]
        (1, 1)
    """
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}  # ways that end in a blank, and others
    for step in np.asarray(log_probabilities, np.float64):
        candidates = [int(symbol) for symbol in np.flatnonzero(step > _PRUNED) if symbol != BLANK]
        ways: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-np.inf, -np.inf])
        for prefix, (blank, symbol_last) in beam.items():
            both = np.logaddexp(blank, symbol_last)
            stays = ways[prefix]
            stays[0] = np.logaddexp(stays[0], both + step[BLANK])
            if prefix:
                stays[1] = np.logaddexp(stays[1], symbol_last + step[prefix[-1]])
            for symbol in candidates:
                longer = ways[(*prefix, symbol)]
                before = blank if prefix and symbol == prefix[-1] else both
                longer[1] = np.logaddexp(longer[1], before + step[symbol])
        ranked = sorted(ways.items(), key=lambda item: (-np.logaddexp(item[1][0], item[1][1]), item[0]))
        beam = {prefix: (found[0], found[1]) for prefix, found in ranked[:width]}
    prefix, (blank, symbol_last) = next(iter(beam.items()))
    return prefix, float(np.logaddexp(blank, symbol_last))
