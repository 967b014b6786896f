"""Words that are none of the user's: common ones, synthesised, shipped with the package."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np

from latchwork.speech.audio import library, resample
from latchwork.transforms.spectrogram import Samples


def other_words(known: Iterable[str], rate: int) -> list[Samples]:
    """Recordings of words that are not written like a known one, nor but for one letter, at `rate` samples a second.

    `scripts/make_other_words.py` made them with espeak-ng.
    """
    own = {word for text in known for word in text.split()}
    samples, at_rate, table = _shipped(rate)
    return [
        samples[int(first * at_rate) : int(after * at_rate)]
        for word, first, after in table
        if not any(_alike(word, each) for each in own)
    ]


@cache
def _shipped(rate: int) -> tuple[Samples, float, list[tuple[str, float, float]]]:
    folder = files("latchwork.speech.data")
    content = folder.joinpath("other_words.ogg").read_bytes()
    samples, own = library("soundfile").read(io.BytesIO(content), dtype="float32")
    listed = json.loads(folder.joinpath("other_words.json").read_text("utf-8"))
    table = [(word, first / own, after / own) for word, first, after in listed]
    return resample(np.asarray(samples, np.float32), own, rate), float(rate), table


def _alike(word: str, other: str) -> bool:
    """Whether two words differ in one letter at most."""
    if abs(len(word) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    rest, other_rest = word[start:], other[start:]
    return rest[1:] == other_rest[1:] or rest[1:] == other_rest or rest == other_rest[1:]
