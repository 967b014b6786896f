"""Cepstra of sound that is still coming, step by step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.spectrogram import Samples

Frames = NDArray[np.float32]


class CepstraStream:
    """Steps of features as samples come in; the same as of the whole recording, whatever the pieces.

    A step is given `look_ahead` seconds after its sound, when the slopes around it are known.

    Args:
        features: with `running=True`.
    """

    def __init__(self, features: Cepstra) -> None:
        """Nothing was heard yet."""
        self._features = features
        self._following = features.following()
        self._samples = np.zeros(0, np.float32)
        self._cepstra = np.zeros((0, features.coefficients), np.float32)
        self._passed = 0  # frames that were given, of those in `_cepstra`
        self._rest = np.zeros((0, 3 * features.coefficients), np.float32)

    def push(self, samples: Samples) -> Frames:
        """The steps `[steps, features]` that are complete with these samples."""
        features = self._features
        self._samples = np.concatenate([self._samples, samples])
        count = (len(self._samples) - features.window) // features.hop + 1
        if count > 0:
            energies = features.energies(self._samples)[:count]  # short ones are filled up
            self._samples = self._samples[count * features.hop :]
            self._cepstra = np.concatenate([self._cepstra, self._following.normalised(energies)])
        return self._steps(len(self._cepstra) - features.reach)

    def finish(self) -> Frames:
        """The last steps, when no more sound comes; the slopes end with the last frame."""
        return self._steps(len(self._cepstra))

    def _steps(self, until: int) -> Frames:
        features = self._features
        if until > self._passed:
            with_slopes = features.with_slopes(self._cepstra)
            self._rest = np.concatenate([self._rest, with_slopes[self._passed : until]])
            drop = max(0, until - features.reach)
            self._cepstra, self._passed = self._cepstra[drop:], until - drop
        steps = features.stacked(self._rest)
        self._rest = self._rest[len(steps) * features.stack :]
        return steps
