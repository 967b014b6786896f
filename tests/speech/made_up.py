"""A made-up language of three words, each a tone that rises, falls or stays, said by two speakers."""

from __future__ import annotations

import numpy as np

RATE = 8000
WORDS = {"up": (300, 900), "down": (900, 300), "flat": (500, 500)}
SPEAKERS = {"ann": 1.0, "bob": 1.3}


def say(word: str, speaker: str, rng: np.random.Generator, rate: int = RATE) -> np.ndarray:
    seconds = rng.uniform(0.25, 0.4)
    time = np.arange(int(rate * seconds)) / rate
    low, high = (pitch * SPEAKERS[speaker] for pitch in WORDS[word])
    phase = 2 * np.pi * (low * time + (high - low) * time**2 / (2 * seconds))
    loudness = rng.uniform(0.2, 0.6) * np.sin(np.pi * time / seconds)
    return (loudness * np.sin(phase) + rng.normal(0, 0.003, len(time))).astype(np.float32)
