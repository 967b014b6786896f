"""How wrong transcripts are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to leave out, put in or replace to get from one to the other (Levenshtein, 1966).

    Example:
        >>> edits("one two three".split(), "one tree three four".split())
        2
    """
    row = np.arange(len(heard) + 1)
    for number, word in enumerate(said, start=1):
        before, row = row, row.copy()
        row[0] = number
        for place, other in enumerate(heard, start=1):
            row[place] = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (word != other))
    return int(row[-1])


def word_error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Edits over all transcripts, as a share of the words that were said; it may exceed 1."""
    words = sum(len(text.split()) for text in said)
    return sum(edits(a.split(), b.split()) for a, b in zip(said, heard, strict=True)) / max(words, 1)


def figures(said: Sequence[str], heard: Sequence[str]) -> dict[str, float]:
    """`word_error_rate`, `utterance_accuracy` (the share of transcripts without an error) and `n`."""
    right = sum(a == b for a, b in zip(said, heard, strict=True))
    return {
        "word_error_rate": word_error_rate(said, heard),
        "utterance_accuracy": right / max(len(said), 1),
        "n": len(said),
    }
