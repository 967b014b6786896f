"""What a recogniser hears: how much energy each band of pitches has, a hundred times a second."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Samples = NDArray[np.float32]
"""A recording, one channel, full scale at 1."""

WINDOW_MS = 25
HOP_MS = 10  # a frame each: a hundred a second
LOWEST_HZ = 60.0  # below it a room hums
QUIETEST = 1e-7  # of full-scale energy in a band; digital silence has no logarithm


@dataclass(frozen=True)
class Spectrogram:
    """Log-mel energies of a recording, each band less its mean, neighbouring frames side by side.

    The mean of a band over a recording is mostly the microphone, the room and the loudness; without it, what remains is
    what was said (cepstral mean normalisation: Atal, 1974). Bands are equally wide on the mel scale, as hearing is
    (Stevens, Volkmann & Newman, 1937).

    Args:
        rate: samples a second.
        bands: how many.
        stack: frames that make one step of the network: 2 give it 20 ms a step and half the work.

    Example:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000).astype(np.float32)
        >>> Spectrogram(rate=8000).transform(tone).shape  # a second: 49 steps of 2 x 40 bands
        (49, 80)
    """

    rate: int
    bands: int = 40
    stack: int = 2

    def __post_init__(self) -> None:
        """Refuse rates that cannot hold speech."""
        if not 4000 <= self.rate <= 192_000:
            raise InputError(f"got {self.rate} samples a second: expected 4,000 to 192,000")
        if not 4 <= self.bands <= 256 or not 1 <= self.stack <= 8:
            raise InputError(f"expected 4 to 256 bands and 1 to 8 frames a step, got {self.bands} and {self.stack}")

    @property
    def features(self) -> int:
        """Numbers in a step."""
        return self.bands * self.stack

    @property
    def step_seconds(self) -> float:
        """How long a step is."""
        return self.stack * HOP_MS / 1000

    def transform(self, samples: Samples) -> NDArray[np.float32]:
        """The steps `[steps, features]` of a recording; one shorter than a step is filled up with silence."""
        window, hop = self.rate * WINDOW_MS // 1000, self.rate * HOP_MS // 1000
        shortest = window + (self.stack - 1) * hop
        filled = np.pad(samples, (0, max(0, shortest - len(samples))))
        frames = np.lib.stride_tricks.sliding_window_view(filled, window)[::hop]
        size = 1 << (window - 1).bit_length()
        spectrum = np.abs(np.fft.rfft(frames * np.hanning(window), n=size)) ** 2 / size
        energies = np.log(np.maximum(spectrum @ mel_filters(self.rate, self.bands, size), QUIETEST))
        steps = len(energies) // self.stack
        stacked = (energies - energies.mean(axis=0))[: steps * self.stack].reshape(steps, self.features)
        return stacked.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; `Spectrogram(**data)` makes it again."""
        return asdict(self)


@cache
def mel_filters(rate: int, bands: int, size: int, warp: float = 1.0) -> NDArray[np.float64]:
    """Triangles over a transform's frequencies, `[size / 2 + 1, bands]`, from the middle below to the one above.

    `warp` multiplies the frequencies of all edges, and less and less above 85 % of the highest, which stays (vocal
    tract length perturbation: Jaitly & Hinton, 2013).
    """
    frequencies = np.arange(size // 2 + 1) * rate / size
    edges = _warped(_hertz(np.linspace(_mel(LOWEST_HZ), _mel(rate / 2), bands + 2)), warp, rate / 2)
    # The lowest bands may be narrower than the transform resolves: each is given at least one of its lines.
    resolution = rate / size
    below = np.maximum(edges[1:-1] - edges[:-2], resolution)
    above = np.maximum(edges[2:] - edges[1:-1], resolution)
    offset = frequencies[:, None] - edges[1:-1]
    return np.maximum(0, 1 - np.where(offset < 0, -offset / below, offset / above))


def _warped(edges: NDArray[np.float64], warp: float, highest: float) -> NDArray[np.float64]:
    if warp == 1:
        return edges
    knee = 0.85 * highest * min(1.0, 1 / warp)
    above = highest - (highest - knee * warp) * (highest - edges) / (highest - knee)
    return np.where(edges <= knee, edges * warp, above)


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)
