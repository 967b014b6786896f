"""What a recogniser hears: the shape of the spectrum and how it changes, whoever speaks, however loud and wherever.

Training, the runtime and the page compute these numbers from the constants here; the settings are kept in the file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.following import Following
from latchwork.transforms.spectrogram import Samples, mel_filters

WINDOW_MS = 25
HOP_MS = 10  # a frame each: a hundred a second
EMPHASIS = 0.97  # high pitches are weaker in speech: each sample less that much of the one before
LEVEL_FRAMES = 5  # the level of a recording is its loudest 50 ms
FLOOR_DB = -50.0  # below the level nothing is heard: a room, a microphone, a file's last bit
SPEECH_DB = -25.0  # below the level: frames above it are speech, and their mean is taken off
QUIETEST = 1e-12  # of full scale, squared: a level below is digital silence
USUAL = -2.5  # nats below the level: a band's energy in speech, where none was heard yet
USUAL_FRAMES = 1.0  # that this counts for
SLOPE_FRAMES = 2  # on both sides, over which a change is measured
LONGEST_PRODUCT = 512  # samples of a window
WARPS = 25  # the mel axis is drawn out and pressed together in that many steps between `WARP_LIMITS`
WARP_LIMITS = (0.8, 1.25)


class Change(NamedTuple):
    """What training varies about a recording's features.

    Attributes:
        warp: the mel axis drawn out (above 1) or pressed together: a longer or shorter vocal tract.
        tempo: above 1 is faster, at the same pitch.
        gains: what each band's energy is multiplied with, `[bands]`: another microphone.
    """

    warp: float = 1.0
    tempo: float = 1.0
    gains: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Cepstra:
    """Mel-frequency cepstral coefficients, less their mean over what is spoken, with their first and second slopes.

    The first coefficients of the cosine transform of log-mel energies hold the vocal tract's shape, and little of the
    voice's pitch (Davis & Mermelstein, 1980). Energies are measured from the recording's loudest moment, with a floor
    below it, so gain and digital silence change nothing; the mean over frames of speech takes off the microphone and
    part of the voice (Atal, 1974), and however much silence is around them changes nothing either.

    Args:
        rate: samples a second.
        bands: of the mel scale, from 60 Hz to half the rate.
        coefficients: that are kept, the energy first.
        stack: frames that make one step of the network.
        running: whether level and mean follow what was heard so far, in place of those of the whole recording: what a
            stream has (`CepstraStream`).

    Example:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000).astype(np.float32)
        >>> Cepstra(rate=8000).transform(tone).shape  # a second: 49 steps of 2 frames of 3 x 13 numbers
        (49, 78)
    """

    rate: int
    bands: int = 26
    coefficients: int = 13
    stack: int = 2
    running: bool = False

    def __post_init__(self) -> None:
        """Refuse rates that cannot hold speech."""
        if not 4000 <= self.rate <= 192_000:
            raise InputError(f"got {self.rate} samples a second: expected 4,000 to 192,000")
        if not 4 <= self.coefficients <= self.bands <= 256 or not 1 <= self.stack <= 8:
            raise InputError(
                f"expected 4 to 256 bands, no more coefficients than bands and 1 to 8 frames a step, "
                f"got {self.bands}, {self.coefficients} and {self.stack}"
            )

    @property
    def features(self) -> int:
        """Numbers in a step."""
        return 3 * self.coefficients * self.stack

    @property
    def step_seconds(self) -> float:
        """How long a step is."""
        return self.stack * HOP_MS / 1000

    @property
    def window(self) -> int:
        """Samples of a frame."""
        return self.rate * WINDOW_MS // 1000

    @property
    def hop(self) -> int:
        """Samples from a frame to the next."""
        return self.rate * HOP_MS // 1000

    def transform(self, samples: Samples, change: Change = Change()) -> NDArray[np.float32]:  # noqa: B008
        """The steps `[steps, features]` of a recording; one shorter than a step is filled up with silence."""
        energies = self.energies(samples, change)
        cepstra = self.following().normalised(energies) if self.running else self.normalised(energies)
        return self.stacked(with_slopes(cepstra))

    def following(self) -> Following:
        """Level and mean that follow what is heard, from its beginning."""
        cosines = _cosines(self.bands, self.coefficients)
        usual = USUAL * cosines.sum(axis=0).astype(np.float64)
        return Following(self.bands, LEVEL_FRAMES, 10 ** (FLOOR_DB / 10), 10 ** (SPEECH_DB / 10), cosines, usual)

    def with_slopes(self, cepstra: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the function of that name."""
        return with_slopes(cepstra)

    @property
    def reach(self) -> int:
        """Frames on both sides that a frame's slopes are made of."""
        return 2 * SLOPE_FRAMES

    @property
    def look_ahead(self) -> float:
        """Seconds of sound after a step's first sample that it is made of."""
        return ((self.stack - 1 + self.reach) * HOP_MS + WINDOW_MS) / 1000

    def energies(self, samples: Samples, change: Change = Change()) -> NDArray[np.float32]:  # noqa: B008
        """The energy of each band in each frame, `[frames, bands]`."""
        window, hop = self.window, self.hop
        shortest = window + int(np.ceil((self.stack - 1) * hop * change.tempo))
        if len(samples) < shortest:
            samples = np.pad(samples, (0, shortest - len(samples)))
        count = int((len(samples) - window) / (hop * change.tempo)) + 1
        starts = np.round(np.arange(count) * (hop * change.tempo)).astype(np.intp)
        frames = np.lib.stride_tricks.sliding_window_view(samples, window)[starts]
        size = 1 << (window - 1).bit_length()
        energies = _power(frames, size) @ _warped(self.rate, self.bands, size, _nearest_warp(change.warp))
        return energies if change.gains is None else energies * change.gains

    def normalised(self, energies: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cepstra `[frames, coefficients]` of a recording's energies, less their mean over speech."""
        loudness = energies.sum(axis=1)
        smooth = np.convolve(loudness, np.full(LEVEL_FRAMES, 1 / LEVEL_FRAMES)) if len(loudness) > 1 else loudness
        level = max(float(smooth.max()), QUIETEST) / self.bands
        relative = np.log(energies / level + 10 ** (FLOOR_DB / 10))
        cepstra = relative @ _cosines(self.bands, self.coefficients)
        spoken = loudness > self.bands * level * 10 ** (SPEECH_DB / 10)
        mean = cepstra[spoken].sum(axis=0) + USUAL_FRAMES * USUAL * _cosines(self.bands, self.coefficients).sum(axis=0)
        return (cepstra - mean / (spoken.sum() + USUAL_FRAMES)).astype(np.float32)

    def stacked(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Neighbouring frames side by side, `[steps, features]`."""
        steps = len(frames) // self.stack
        return np.ascontiguousarray(frames[: steps * self.stack].reshape(steps, self.stack * frames.shape[1]))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; `Cepstra(**data)` makes it again."""
        return asdict(self)


def with_slopes(cepstra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cepstra, their slopes and the slopes of those, `[frames, 3 * coefficients]` (Furui, 1986)."""
    first = _slopes(cepstra)
    return np.concatenate([cepstra, first, _slopes(first)], axis=1)


def _slopes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The line through each frame and its neighbours, by least squares; the first and last frames are repeated."""
    reach, count = SLOPE_FRAMES, len(values)
    padded = np.concatenate([values[:1].repeat(reach, 0), values, values[-1:].repeat(reach, 0)])
    total = np.zeros_like(values)
    for by in range(1, reach + 1):
        total += by * (padded[reach + by : reach + by + count] - padded[reach - by : reach - by + count])
    return total / np.float32(2 * sum(by * by for by in range(1, reach + 1)))


def _power(frames: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The energy at each of a transform's frequencies, `[frames, size / 2 + 1]`; a full-scale tone has about a quarter.

    Windows as short as those of speech at 8 or 16 kHz are faster as one matrix product than as fast transforms.
    """
    window = frames.shape[1]
    if window > LONGEST_PRODUCT:
        spectrum = np.fft.rfft(frames * _taper(window), n=size)
        return (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
    parts = frames @ _waves(window, size)
    np.square(parts, out=parts)
    return np.add(parts[:, : size // 2 + 1], parts[:, size // 2 + 1 :], dtype=np.float32)


@cache
def _taper(window: int) -> NDArray[np.float32]:
    taper = np.hanning(window)
    return (taper / taper.sum()).astype(np.float32)


@cache
def _waves(window: int, size: int) -> NDArray[np.float32]:
    """Cosines, then sines, of all frequencies, tapered: `[window, size + 2]`."""
    turns = 2 * np.pi / size * np.outer(np.arange(window), np.arange(size // 2 + 1))
    waves = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    return (waves * _taper(window).astype(np.float64)[:, None]).astype(np.float32)


def _nearest_warp(warp: float) -> int:
    low, high = np.log(WARP_LIMITS)
    return int(np.clip(round((np.log(warp) - low) / (high - low) * (WARPS - 1)), 0, WARPS - 1))


@cache
def _warped(rate: int, bands: int, size: int, index: int) -> NDArray[np.float32]:
    """The filters of the `index`-th warp, `[size / 2 + 1, bands]`, with the emphasis of high pitches."""
    warp = WARP_LIMITS[0] * (WARP_LIMITS[1] / WARP_LIMITS[0]) ** (index / (WARPS - 1))
    turns = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    emphasis = np.abs(1 - EMPHASIS * turns) ** 2
    return (mel_filters(rate, bands, size, warp) * emphasis[:, None]).astype(np.float32)


@cache
def _cosines(bands: int, coefficients: int) -> NDArray[np.float32]:
    """The cosine transform of a frame's bands, `[bands, coefficients]`, orthogonal but for the first."""
    places = (np.arange(bands) + 0.5)[:, None] * np.arange(coefficients) / bands
    return (np.cos(np.pi * places) * np.sqrt(2 / bands)).astype(np.float32)
