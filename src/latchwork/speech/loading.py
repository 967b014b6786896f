"""Recordings in memory, at one rate: what is damaged is left out and named, what sounds wrong is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from latchwork.core.errors import InputError
from latchwork.speech.audio import SILENT, Sound, read_sound, resample
from latchwork.speech.recordings import LeftOut, Recording, Recordings
from latchwork.transforms.spectrogram import Samples

HIGHEST_RATE = 16_000  # more samples a second hold little that tells words apart
FEW_LOWER = 0.05  # of the recordings may have a lower rate than is taken
FEWEST_TO_COMPARE = 5  # takes of a text
MISNAMED = 1.6  # times as long and as low as the speaker's median: a header says half of the right rate
ALIKE = 1.3  # times as long as low at most: both have the same cause


class Utterance(NamedTuple):
    """The samples of something said, and what was said."""

    samples: Samples
    text: str
    speaker: str = ""


class Loaded(NamedTuple):
    """Utterances at one rate, files that could not be read, and what was noticed about others."""

    utterances: list[Utterance]
    rate: int
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


def load_utterances(recordings: Recordings, rate: int | None = None) -> Loaded:
    """All recordings at one rate; those that are damaged are left out and named.

    Args:
        recordings: the files.
        rate: samples a second; where None, what nearly all files have at least, 16,000 at most.

    Raises:
        InputError: not one of them can be read.
    """
    sounds: list[Sound] = []
    items: list[Recording] = []
    left_out: list[LeftOut] = []
    noticed: dict[str, list[str]] = {}
    for item in recordings.items:
        try:
            sound = read_sound(item.path)
        except InputError as error:
            left_out.append(LeftOut(item.path, str(error).removeprefix(f"{item.path}: ")))
            continue
        if sound.note == SILENT:
            left_out.append(LeftOut(item.path, sound.note))
            continue
        if sound.note:
            noticed.setdefault(sound.note, []).append(item.path.name)
        sounds.append(sound)
        items.append(item)
    if not items:
        raise InputError(f"none of {len(left_out)} recordings can be used: {left_out[0].path}: {left_out[0].reason}")
    rate = rate or min(HIGHEST_RATE, int(np.quantile([sound.rate for sound in sounds], FEW_LOWER, method="lower")))
    for sound, item in zip(sounds, items, strict=True):
        if sound.rate < 0.9 * rate:
            noticed.setdefault(f"recorded at fewer than {rate:,} samples a second", []).append(item.path.name)
    utterances = [
        Utterance(resample(sound.samples, sound.rate, rate), item.text, item.speaker)
        for sound, item in zip(sounds, items, strict=True)
    ]
    for index in misnamed_rates(utterances, rate):
        noticed.setdefault("sounds too low and slow, or too high and fast: is its rate right?", []).append(
            items[index].path.name
        )
    return Loaded(utterances, rate, tuple(left_out), tuple(_named(note, names) for note, names in noticed.items()))


def _named(note: str, names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{f' and {len(names) - 3:,} others' if len(names) > 3 else ''}: {note}"


def misnamed_rates(utterances: Sequence[Utterance], rate: int) -> list[int]:
    """Recordings whose header probably has a wrong rate: beside the speaker's other takes, as much longer as lower."""
    by_text: dict[tuple[str, str], list[int]] = {}
    for index, each in enumerate(utterances):
        by_text.setdefault((each.text, each.speaker), []).append(index)
    found: list[int] = []
    for own in by_text.values():
        if len(own) < FEWEST_TO_COMPARE:
            continue
        lengths = np.array([len(utterances[index].samples) for index in own], np.float64)
        pitches = np.array([_middle_hertz(utterances[index].samples, rate) for index in own])
        slower, lower = lengths / np.median(lengths), np.median(pitches) / np.maximum(pitches, 1.0)
        alike = np.abs(np.log(slower / lower)) < np.log(ALIKE)
        wrong = alike & ((np.minimum(slower, lower) > MISNAMED) | (np.maximum(slower, lower) < 1 / MISNAMED))
        found += [index for index, is_wrong in zip(own, wrong, strict=True) if is_wrong]
    return sorted(found)


def _middle_hertz(samples: Samples, rate: int) -> float:
    """Below it lies half of the amplitude of a recording's spectrum."""
    spectrum = np.abs(np.fft.rfft(samples))
    total = np.cumsum(spectrum)
    return float(np.searchsorted(total, total[-1] / 2)) * rate / len(samples)
