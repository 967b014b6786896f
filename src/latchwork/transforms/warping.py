"""Copies of training sequences that are changed as their like are in nature: noise, size, tempo, and where they begin.

For small sets. What a copy is changed by follows from the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Warping:
    """How far copies may be from their originals; inputs are scaled already, so that amounts are standard deviations.

    Args:
        noise: standard deviation of what is added to each value.
        size: largest share by which a feature is made larger or smaller.
        swing: largest share by which size changes slowly along a sequence.
        tempo: largest shift of a moment, as a share of the length; the ends stay.
        crop: largest share cut off, in all, at the two ends; what is left is stretched to the length.

    Example:
        >>> inputs = np.random.default_rng(0).normal(size=(3, 20, 2)).astype(np.float32)
        >>> Warping().copies(inputs, None, seed=1).shape
        (3, 20, 2)
    """

    noise: float = 0.03
    size: float = 0.1
    swing: float = 0.1
    tempo: float = 0.05
    crop: float = 0.1

    def copies(self, inputs: Float32, lengths: NDArray[Any] | None, seed: int) -> Float32:
        """A changed copy of each sequence, of the same length.

        Args:
            inputs: `[batch, time, features]`, zero past the lengths.
            lengths: `[batch]`, or None.
            seed: of all that is drawn.
        """
        rng = np.random.default_rng([seed, 7])
        changed = np.zeros_like(inputs)
        for row, sequence in enumerate(inputs):
            steps = len(sequence) if lengths is None else int(lengths[row])
            changed[row, :steps] = self._changed(sequence[:steps].astype(np.float64), rng)
        return changed

    def _changed(self, sequence: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        steps, features = sequence.shape
        at = np.arange(steps, dtype=np.float64)
        if steps > 3:
            left, right = np.sort(rng.uniform(0, self.crop / 2, 2)) * steps
            begin, end = left, steps - 1 - (right - left)
            moved = at / (steps - 1) + rng.uniform(-self.tempo, self.tempo) * np.sin(np.pi * at / (steps - 1))
            read = np.clip(begin + moved * (end - begin), 0, steps - 1)
            sequence = np.stack([np.interp(read, at, column) for column in sequence.T], axis=1)
        size = 1 + rng.uniform(-self.size, self.size, features)
        phase, turns = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)
        swing = 1 + self.swing * rng.uniform(-1, 1) * np.sin(phase + 2 * np.pi * turns * at / max(steps, 1))
        return sequence * size * swing[:, None] + rng.normal(0, self.noise, sequence.shape)
