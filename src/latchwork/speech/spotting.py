"""Waiting for a word: where it is heard in long sound, and how often by mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latchwork.core.errors import InputError
from latchwork.speech.model import HeardWord, SpeechModel

THRESHOLD = 0.8  # of a word's probability, where none was chosen on sound that holds none of the words
ACCEPTED = 0.5  # false accepts an hour


class Point(NamedTuple):
    """What a threshold costs: the share of takes that are missed, and words heard by mistake in an hour."""

    threshold: float
    misses: float
    false_accepts_per_hour: float


def spotted(
    model: SpeechModel, path: str | Path, words: Iterable[str], threshold: float = THRESHOLD
) -> Iterator[HeardWord]:
    """Where a word is heard in a file of any length, with at least that probability.

    Raises:
        InputError: a word that the model does not know, or a file that is no recording.
    """
    wanted = set(words)
    if model.symbols.units != "word" or not wanted <= set(model.symbols.known):
        known = ", ".join(model.symbols.known[:20]) if model.symbols.units == "word" else "characters, not words"
        raise InputError(f"the model knows no word {sorted(wanted - set(model.symbols.known))[0]!r}: it knows {known}")
    for heard in model.passages(path):
        yield from (word for word in heard.words if word.word in wanted and word.probability >= threshold)


def curve(by_mistake: Sequence[float], hours: float, of_takes: Sequence[float]) -> list[Point]:
    """Misses against false accepts, from the least threshold to the greatest.

    Args:
        by_mistake: the probability of each word heard in sound that holds none.
        hours: of that sound.
        of_takes: for each take of the word, the probability with which it was heard; 0 where it was not.

    Example:
        >>> [(point.misses, point.false_accepts_per_hour) for point in curve([0.3, 0.6], 1.0, [0.5, 0.9])]
        [(0.0, 2.0), (0.0, 1.0), (0.5, 1.0), (0.5, 0.0), (1.0, 0.0)]
    """
    wrong, right = np.sort(by_mistake), np.sort(of_takes)
    steps = np.unique(np.concatenate([[0.0], wrong, right]))
    thresholds = [0.0, *(float(np.nextafter(step, 2.0)) for step in steps[1:])]
    return [
        Point(
            threshold,
            float(np.searchsorted(right, threshold) / max(len(right), 1)),
            float((len(wrong) - np.searchsorted(wrong, threshold)) / hours),
        )
        for threshold in thresholds
    ]


def chosen(points: Sequence[Point], accepted: float = ACCEPTED) -> Point:
    """The least threshold with at most so many false accepts an hour."""
    return next((point for point in points if point.false_accepts_per_hour <= accepted), points[-1])
