"""The same words as others would say them, elsewhere: what training varies, drawn anew whenever a recording is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.transforms.cepstra import WARP_LIMITS, Change
from latchwork.transforms.spectrogram import Samples

TEMPO_LIMITS = (0.75, 1.35)
PITCH_LIMITS = (0.85, 1.18)  # of the voice alone: resampled, and the tempo and the vocal tract brought back
SOME_CHANGE = 0.85  # of all draws change the voice and the tempo
GAINS_NATS = 0.5  # standard deviation of each of an equaliser's four waves over the bands
TELEPHONE_HZ = (300.0, 3400.0)
TELEPHONE_NATS = -7.0  # what a telephone leaves of the other bands
TELEPHONES, ROOMS, NOISES, CLIPPED, KNOCKED = 0.08, 0.25, 0.6, 0.08, 0.03  # shares of all draws
ROOM_SECONDS = (0.08, 0.5)  # until a room's echo is 60 dB weaker
ECHO_SHARE = (0.1, 0.7)  # of the direct sound's energy
NOISE_DB = (0.0, 45.0)  # speech above the noise
CLIPPED_DB = (3.0, 24.0)  # of a peak that are cut off
SILENCE_SECONDS = (0.0, 0.5)  # before and after
TIGHT = 0.35  # of all draws are not surrounded by anything
GAIN_DB = (-45.0, 10.0)
TRACK_SECONDS = 12  # of each noise that is kept
TRACKS, ECHOES = 12, 24


class Pool(NamedTuple):
    """Noises of `TRACK_SECONDS`, each with a mean square of one, and rooms' answers to a clap."""

    noises: list[Samples]
    rooms: list[Samples]


@dataclass(frozen=True)
class Variation:
    """Draws changes of recordings at one rate.

    Args:
        rate: samples a second.
        bands: of the features.
        voices: recordings of which babble is made.
        noises: recordings of noise, where the user has some.
        seed: of the noises and rooms.
    """

    rate: int
    bands: int
    voices: Sequence[Samples]
    noises: Sequence[Samples] = ()
    seed: int = 0

    @cached_property
    def pool(self) -> Pool:
        """What is mixed in, drawn once."""
        rng = np.random.default_rng([self.seed, 11])
        length = TRACK_SECONDS * self.rate
        made = [_coloured(length, slope, rng) for slope in (0.0, 0.0, 0.5, 0.5, 1.0)]
        made += [_hum(length, self.rate, rng)]
        made += [_babble(self.voices, length, count, rng) for count in (1, 3, 3, 6, 6, 6) if self.voices]
        made += [np.resize(noise, length).astype(np.float32) for noise in self.noises if len(noise)]
        return Pool([_unit(track) for track in made], [_room(self.rate, rng) for _ in range(ECHOES)])

    def change(self, rng: np.random.Generator) -> tuple[Change, float]:
        """A change of the features, and the factor by which samples are to be drawn out before: the voice's pitch."""
        gains = None
        if rng.random() < TELEPHONES:
            gains = _telephone(self.rate, self.bands)
        waves = rng.normal(0, GAINS_NATS, 4).astype(np.float32) @ _waves(self.bands)
        gains = np.exp(waves) if gains is None else gains * np.exp(waves)
        if rng.random() > SOME_CHANGE:
            return Change(gains=gains), 1.0
        warp, tempo, pitch = (
            float(np.exp(rng.uniform(*np.log(limits)))) for limits in (WARP_LIMITS, TEMPO_LIMITS, PITCH_LIMITS)
        )
        # Samples drawn out by 1 / pitch sound higher by `pitch`, faster and of a shorter vocal tract.
        return Change(float(np.clip(warp * pitch, *WARP_LIMITS)), tempo / pitch, gains), pitch

    def sound(self, samples: Samples, pitch: float, rng: np.random.Generator) -> Samples:
        """Samples as a microphone elsewhere would have brought them."""
        if pitch != 1.0 and len(samples) > 2:
            places = np.arange(0, len(samples) - 1, pitch)
            samples = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
        level = float(np.sqrt(np.mean(np.square(samples)))) + 1e-12
        if rng.random() < ROOMS:
            samples = _convolved(samples, self.pool.rooms[rng.integers(len(self.pool.rooms))])
        if rng.random() >= TIGHT:
            before, after = (int(self.rate * rng.uniform(*SILENCE_SECONDS)) for _ in range(2))
            samples = np.pad(samples, (before, after))
        if rng.random() < KNOCKED:
            samples = _knocked(samples, level, self.rate, rng)
        if rng.random() < NOISES:
            noise = self.noise(len(samples), rng) * np.float32(level * 10 ** (-rng.uniform(*NOISE_DB) / 20))
            samples = (samples + noise).astype(np.float32)
        if rng.random() < CLIPPED:
            limit = float(np.abs(samples).max()) * 10 ** (-rng.uniform(*CLIPPED_DB) / 20)
            samples = np.clip(samples, -limit, limit)
        return samples.astype(np.float32, copy=False)

    def noise(self, length: int, rng: np.random.Generator) -> Samples:
        """A stretch of one of the noises, of a mean square of about one."""
        track = self.pool.noises[rng.integers(len(self.pool.noises))]
        first = int(rng.integers(max(1, len(track) - length)))
        return track[first : first + length] if first + length <= len(track) else np.resize(track, length)


def _coloured(length: int, slope: float, rng: np.random.Generator) -> Samples:
    """Noise whose energy falls with frequency: 0 white, 0.5 pink, 1 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    return np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20) ** slope, length).astype(np.float32)


def _hum(length: int, rate: int, rng: np.random.Generator) -> Samples:
    """Mains and its overtones, in hiss."""
    time = np.arange(length) / rate
    tones = sum(np.sin(2 * np.pi * 50 * order * time + rng.uniform(0, 6)) / order for order in (1, 2, 3, 5, 7))
    return (tones + 0.1 * rng.standard_normal(length)).astype(np.float32)


def _babble(voices: Sequence[Samples], length: int, count: int, rng: np.random.Generator) -> Samples:
    """Others who talk: `count` at a time, backwards, so that no word of it is to be understood."""
    total = np.zeros(length, np.float32)
    for _ in range(count):
        parts: list[Samples] = []
        while sum(map(len, parts)) < length:
            own = voices[int(rng.integers(len(voices)))]
            parts.append(_unit(own)[::-1])
        total += np.concatenate(parts)[:length]
    return total


def _room(rate: int, rng: np.random.Generator) -> Samples:
    """A room's answer to a clap: the clap, then noise that dies away."""
    dies = rng.uniform(*ROOM_SECONDS)
    time = np.arange(int(rate * dies * 0.7)) / rate
    echo = rng.standard_normal(len(time)) * 10 ** (-3 * time / dies)
    echo *= np.sqrt(rng.uniform(*ECHO_SHARE) / np.square(echo).sum())
    echo[0] = 1.0
    return echo.astype(np.float32)


def _convolved(samples: Samples, answer: Samples) -> Samples:
    length = len(samples) + len(answer) // 2
    size = 1 << (len(samples) + len(answer) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(answer, size), size)[:length].astype(np.float32)


def _knocked(samples: Samples, level: float, rate: int, rng: np.random.Generator) -> Samples:
    """With a knock on the table somewhere: loud, and gone in some hundredths of a second."""
    time = np.arange(int(0.08 * rate)) / rate
    knock = rng.standard_normal(len(time)) * np.exp(-time / rng.uniform(0.003, 0.02))
    at = int(rng.integers(len(samples)))
    knocked = samples.copy()
    part = knocked[at : at + len(knock)]
    part += (knock[: len(part)] * level * rng.uniform(1, 6)).astype(np.float32)
    return knocked


def _unit(samples: Samples) -> Samples:
    return (samples / (np.sqrt(np.mean(np.square(samples))) + 1e-12)).astype(np.float32)


def _waves(bands: int) -> NDArray[np.float32]:
    places = (np.arange(bands) + 0.5) / bands
    return np.cos(np.pi * np.arange(1, 5)[:, None] * places).astype(np.float32)


def _telephone(rate: int, bands: int) -> NDArray[np.float32]:
    mel = np.linspace(_mel(60.0), _mel(rate / 2), bands + 2)[1:-1]
    outside = (mel < _mel(TELEPHONE_HZ[0])) | (mel > _mel(TELEPHONE_HZ[1]))
    return np.where(outside, np.exp(TELEPHONE_NATS), 1.0).astype(np.float32)


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))
