"""How much of a text a model was trained on, found by pieces: a few kilobytes of fingerprints in the model's file.

A piece is 32 letters in a row, without spaces and case. Its fingerprint is a number; of the training text's the
smallest few thousand are kept (a bottom-k sketch, Broder 1997), which is a fair sample of its pieces. Any other text is
sampled by the same rule: of its pieces with numbers as small, the share that is in the sketch is the share that was
trained on. Where they lie tells which parts of the text these are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.transforms.segments import normal

PIECE = 32  # letters
KEPT = 16_384  # fingerprints, 64 kB
_MIXERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_BLOCK = 4000  # letters of a text that count as trained on or not together, at least
_SAMPLES = 8  # fingerprints that a block should have
_TRAINED_ON = 0.5  # share of a block's fingerprints from which it counts as trained on


@dataclass(frozen=True)
class Overlap:
    """What a comparison found.

    Attributes:
        share: of the text's pieces, how many were trained on; None where too few could be compared.
        compared: pieces that could be compared.
        unseen: the parts of the text that were not trained on, as places from and to.
    """

    share: float | None
    compared: int
    unseen: tuple[tuple[int, int], ...]


def sketch(chunks: Iterable[str], kept: int = KEPT) -> NDArray[np.uint32]:
    """The smallest fingerprints of a text given in pieces, sorted, `[kept]` or fewer."""
    found = np.zeros(0, np.uint32)
    for chunk in chunks:
        numbers, _ = _fingerprints(chunk)
        if len(found) == kept:
            numbers = numbers[numbers < found[-1]]
        found = np.unique(np.concatenate([found, numbers]))[:kept]
    return found


def compare(text: str, known: NDArray[np.uint32], kept: int = KEPT) -> Overlap:
    """How much of a text was trained on, by the sketch of what was.

    Args:
        text: any text.
        known: of the training text, as `sketch` gave it.
        kept: how many fingerprints it may have; where it has fewer it has all.
    """
    everything = ((0, len(text)),)
    if len(known) == 0:
        return Overlap(None, 0, everything)
    most = known[-1] if len(known) >= kept else np.uint32(2**32 - 1)
    numbers, places = _fingerprints(text)
    sampled = numbers <= most
    numbers, places = numbers[sampled], places[sampled]
    if len(numbers) == 0:
        return Overlap(None, 0, everything)
    seen = np.isin(numbers, known)
    share = float(seen.mean())
    density = len(numbers) / max(1, len(text))
    size = max(_BLOCK, int(_SAMPLES / density))
    edges = list(range(0, max(1, len(text) - size // 2), size))
    unseen: list[tuple[int, int]] = []
    trained_on = False
    for first, last in zip(edges, [*edges[1:], len(text)], strict=True):
        here = seen[(places >= first) & (places < last)]
        # Where nothing could be compared (one sign repeated), it is as what stands before it.
        trained_on = here.mean() >= _TRAINED_ON if len(here) else bool(first) and trained_on
        if trained_on:
            continue
        if unseen and unseen[-1][1] == first:
            unseen[-1] = (unseen[-1][0], last)
        else:
            unseen.append((first, last))
    return Overlap(share, len(numbers), tuple(unseen))


def _fingerprints(text: str) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The fingerprint of each piece of a text, and where the piece begins, `[pieces]` both."""
    folded = normal(text).lower()
    if len(folded) != len(text):  # some letters fold to two; places need not be exact for such texts
        text = folded
    points: NDArray[Any] = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    spaces = (points <= 0x20) | (points == 0xA0)
    places = np.flatnonzero(~spaces)
    letters = points[places]
    if len(letters) < PIECE:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    with np.errstate(over="ignore"):  # all of it modulo 2^64: a piece is a number in the base, by differences of sums
        powers = np.multiply.accumulate(np.full(len(letters), _BASE))
        inverses = np.multiply.accumulate(np.full(len(letters), _INVERSE))
        sums = np.concatenate([np.zeros(1, np.uint64), np.add.accumulate(letters * powers)])
        pieces = (sums[PIECE:] - sums[:-PIECE]) * inverses[: len(letters) - PIECE + 1]
        for mixer in _MIXERS:
            pieces ^= pieces >> np.uint64(30)
            pieces *= mixer
        pieces ^= pieces >> np.uint64(31)
    return (pieces >> np.uint64(32)).astype(np.uint32), places[: len(pieces)]
