"""From the network's opinion at every step to the symbols that were most likely said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

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
    beam = Beam(width)
    for step in np.asarray(log_probabilities, np.float64):
        beam.advance(step)
    return beam.best()


class Beam:
    """The likeliest prefixes so far, and how likely each is by ways that end in a blank and by others."""

    def __init__(self, width: int = 8) -> None:
        """Before the first step."""
        self.width = width
        self.prefixes: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}

    def advance(self, step: NDArray[np.floating]) -> None:
        """Take in the logarithms of one more step's probabilities `[symbols]`."""
        candidates = [int(symbol) for symbol in np.flatnonzero(step > _PRUNED) if symbol != BLANK]
        ways: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-np.inf, -np.inf])
        for prefix, (blank, symbol_last) in self.prefixes.items():
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
        self.prefixes = {prefix: (found[0], found[1]) for prefix, found in ranked[: self.width]}

    def best(self) -> tuple[tuple[int, ...], float]:
        """The likeliest prefix, and the logarithm of its probability."""
        prefix, (blank, symbol_last) = next(iter(self.prefixes.items()))
        return prefix, float(np.logaddexp(blank, symbol_last))


def alignment(log_probabilities: NDArray[np.floating], symbols: Sequence[int]) -> list[tuple[int, int, float]]:
    """Where each symbol lies on the likeliest way of spreading a transcript over the steps.

    Args:
        log_probabilities: `[steps, symbols]`, the blank first.
        symbols: the transcript; the steps must be enough for it.

    Returns:
        For each symbol its first step, the one after its last, and its greatest probability in between.

    Example:
        >>> steps = np.log([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
        >>> [(first, after) for first, after, _ in alignment(steps, [1])]
        [(1, 3)]
    """
    logs = np.asarray(log_probabilities, np.float64)
    if not symbols:
        return []
    states = np.full(2 * len(symbols) + 1, BLANK)
    states[1::2] = symbols
    skips = np.zeros(len(states), bool)  # from a symbol straight to the next, unless it is the same
    skips[3::2] = states[3::2] != states[1:-2:2]
    best = np.full(len(states), -np.inf)
    best[:2] = logs[0, states[:2]]
    came = np.zeros((len(logs), len(states)), np.int8)
    for step in range(1, len(logs)):
        ways = np.stack([best, np.r_[-np.inf, best[:-1]], np.where(skips, np.r_[-np.inf, -np.inf, best[:-2]], -np.inf)])
        came[step] = ways.argmax(axis=0)
        best = ways.max(axis=0) + logs[step, states]
    state = len(states) - 1 if best[-1] >= best[-2] else len(states) - 2
    path = np.empty(len(logs), np.int64)
    for step in range(len(logs) - 1, -1, -1):
        path[step] = state
        state -= int(came[step, state])
    found: list[tuple[int, int, float]] = []
    for place, symbol in enumerate(symbols):
        own = np.flatnonzero(path == 2 * place + 1)
        if not len(own):  # the steps were too few
            return []
        found.append((int(own[0]), int(own[-1]) + 1, float(np.exp(logs[own, symbol].max()))))
    return found
