"""Words one after the other, as somebody would say them; and pieces of words in an order that makes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.speech.loading import Utterance
from latchwork.transforms.spectrogram import Samples

LONGEST = 7  # words of a string
PAUSE_SECONDS = (0.0, 0.3)
OVERLAP_SECONDS = 0.04  # by which words run into each other, at most, where there is no pause
RUN_TOGETHER = 0.3  # of the places between two words
LOUDNESS_DB = 4.0  # by which words of a string differ from each other, at most
PIECE_SECONDS = (0.06, 0.22)  # of another word
SHORT_SECONDS = 1.5  # recordings of single words, of this length at most in the median, are also learned in strings


class String(NamedTuple):
    """Recordings in their order, and the symbols of each."""

    parts: list[Samples]
    targets: list[NDArray[np.int32]]

    def target(self) -> NDArray[np.int32]:
        """The symbols of all."""
        return np.concatenate(self.targets) if self.targets else np.zeros(0, np.int32)

    def joined(self, rate: int, rng: np.random.Generator) -> Samples:
        """One sound, at like loudness, with pauses as noisy as the quietest tenth of what is beside them."""
        if len(self.parts) == 1:
            return self.parts[0]
        level = _loudness(self.parts[0])
        pieces: list[Samples] = []
        for at, part in enumerate(self.parts):
            gain = level / (_loudness(part) + 1e-9) * 10 ** (rng.uniform(-LOUDNESS_DB, LOUDNESS_DB) / 20)
            own = (part * np.float32(gain)).astype(np.float32)
            if at and rng.random() < RUN_TOGETHER:
                overlap = min(int(rate * rng.uniform(0, OVERLAP_SECONDS)), len(own), len(pieces[-1]))
                if overlap:
                    own[:overlap] += pieces[-1][-overlap:]
                    pieces[-1] = pieces[-1][:-overlap]
            elif at:
                pieces.append(_quiet(own, int(rate * rng.uniform(*PAUSE_SECONDS)), rng))
            pieces.append(own)
        return np.concatenate(pieces)


def at_random(rng: np.random.Generator) -> int:
    """How many words a string has: two to `LONGEST`, short ones more often."""
    return int(rng.choice([2, 3, 4, 5, 6, LONGEST], p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]))


def of_parts(words: Sequence[Samples], rate: int, rng: np.random.Generator) -> Samples:
    """Another word: a piece of each, some backwards, joined without clicks."""
    pieces: list[Samples] = []
    for word in words:
        length = min(len(word), int(rate * rng.uniform(*PIECE_SECONDS)))
        first = int(rng.integers(len(word) - length + 1))
        piece = word[first : first + length].copy()
        if rng.random() < 0.35:
            piece = piece[::-1].copy()
        fade = min(len(piece) // 4, rate // 100)
        if fade:
            ramp = np.linspace(0, 1, fade, dtype=np.float32)
            piece[:fade] *= ramp
            piece[-fade:] *= ramp[::-1]
        pieces.append(piece)
    return np.concatenate(pieces)


def joined(
    utterances: Sequence[Utterance], count: int, rate: int, rng: np.random.Generator, words: tuple[int, int] = (2, 4)
) -> list[Utterance]:
    """Strings of utterances of one speaker, of `words[0]` to `words[1]` each."""
    by_speaker: dict[str, list[Utterance]] = {}
    for each in utterances:
        by_speaker.setdefault(each.speaker, []).append(each)
    speakers = list(by_speaker.values())
    made: list[Utterance] = []
    for _ in range(count):
        own = speakers[int(rng.integers(len(speakers)))]
        parts = [own[int(rng.integers(len(own)))] for _ in range(int(rng.integers(words[0], words[1] + 1)))]
        level = _loudness(parts[0].samples)
        pieces: list[Samples] = []
        for part in parts:
            pieces += [part.samples * np.float32(level / (_loudness(part.samples) + 1e-9))]
            pieces += [_quiet(part.samples, int(rate * rng.uniform(0.02, 0.3)), rng)]
        around = [_quiet(parts[0].samples, int(rate * rng.uniform(0.02, 0.3)), rng) for _ in range(2)]
        samples = np.concatenate([around[0], *pieces[:-1], around[1]]).astype(np.float32)
        made.append(Utterance(samples, " ".join(part.text for part in parts), parts[0].speaker))
    return made


def are_single_words(utterances: Sequence[Utterance], rate: int) -> bool:
    """Whether these are short recordings of a word each: then strings of them are worth learning."""
    short = float(np.median([len(each.samples) for each in utterances])) <= SHORT_SECONDS * rate
    return short and all(" " not in each.text for each in utterances)


def _loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def _quiet(samples: Samples, length: int, rng: np.random.Generator) -> Samples:
    """A pause as noisy as the quietest tenth of a recording, or up to 30 dB quieter: recordings are cut tightly."""
    level = float(np.quantile(np.abs(samples), 0.1)) * 10 ** rng.uniform(-1.5, 0)
    return rng.normal(0, level, length).astype(np.float32)
