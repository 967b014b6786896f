"""Recordings as they are trained on: faster and slower, and short ones one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.speech.audio import resample
from latchwork.speech.loading import Utterance
from latchwork.speech.symbols import Symbols
from latchwork.transforms.sequences import as_sequences
from latchwork.transforms.spectrogram import Samples, Spectrogram

SPEEDS = (0.9, 1.1)  # beside 1 (Ko et al., 2015)
LONGEST_STRING = 4  # recordings that are put one after the other
SHORT_SECONDS = 1.5  # recordings of single words, of this length at most in the median, are also learned in strings
PAUSE_SECONDS = (0.02, 0.3)


def varied(utterances: Sequence[Utterance], rate: int, strings: bool, rng: np.random.Generator) -> list[Utterance]:
    """The utterances; each faster and slower, with quiet about it; and as many strings of them."""
    faster = [
        Utterance(_in_a_room(resample(each.samples, round(rate * speed), rate), rate, rng), each.text, each.speaker)
        for speed in SPEEDS
        for each in utterances
    ]
    return [*utterances, *faster, *(joined(utterances, len(utterances), rate, rng) if strings else [])]


def joined(utterances: Sequence[Utterance], count: int, rate: int, rng: np.random.Generator) -> list[Utterance]:
    """Strings of two to four utterances of one speaker, at like loudness, with short pauses between."""
    by_speaker: dict[str, list[Utterance]] = {}
    for each in utterances:
        by_speaker.setdefault(each.speaker, []).append(each)
    speakers = list(by_speaker.values())
    made: list[Utterance] = []
    for _ in range(count):
        own = speakers[rng.integers(len(speakers))]
        parts = [own[rng.integers(len(own))] for _ in range(rng.integers(2, LONGEST_STRING + 1))]
        pieces: list[Samples] = []
        for part in parts:
            pieces += [part.samples, _quiet(part.samples, rate, rng)]
        made.append(
            Utterance(
                _in_a_room(np.concatenate(pieces[:-1]), rate, rng),
                " ".join(part.text for part in parts),
                parts[0].speaker,
            )
        )
    return made


def _in_a_room(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """With quiet before and after it, as a microphone brings it."""
    return np.concatenate([_quiet(samples, rate, rng), samples, _quiet(samples, rate, rng)])


def _quiet(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """A pause as noisy as the quietest tenth of a recording, or up to 30 dB quieter: recordings are cut tightly."""
    level = float(np.quantile(np.abs(samples), 0.1)) * 10 ** rng.uniform(-1.5, 0)
    return rng.normal(0, level, int(rate * rng.uniform(*PAUSE_SECONDS))).astype(np.float32)


def are_single_words(utterances: Sequence[Utterance], rate: int) -> bool:
    """Whether these are short recordings of a word each: then strings of them are worth learning."""
    short = float(np.median([len(each.samples) for each in utterances])) <= SHORT_SECONDS * rate
    return short and all(" " not in each.text for each in utterances)


def as_rows(
    utterances: Sequence[Utterance], spectrogram: Spectrogram, symbols: Symbols
) -> tuple[dict[str, NDArray[Any]], int]:
    """The arrays that training reads, and how many utterances are too short for what they are said to hold.

    A recording needs a step for each symbol, and one between two equal ones.
    """
    steps: list[NDArray[np.float32]] = []
    targets: list[NDArray[np.int32]] = []
    for each in utterances:
        own, target = spectrogram.transform(each.samples), symbols.encode(each.text)
        if len(own) >= len(target) + int((target[1:] == target[:-1]).sum()):
            steps.append(own)
            targets.append(target)
    if not steps:
        raise InputError("every recording is too short for its transcript: are the transcripts in the right order?")
    inputs, lengths = as_sequences(steps)
    padded = np.full((len(targets), max(map(len, targets))), -1, np.int32)
    for row, target in zip(padded, targets, strict=True):
        row[: len(target)] = target
    assert lengths is not None
    return {"inputs": inputs, "lengths": lengths, "targets": padded}, len(utterances) - len(steps)
