"""The level of sound and the mean of its cepstra, as far as it was heard: nothing waits for the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]

FALL_DB = 4.0  # a second, by which the level falls while it is quieter
LOWEST = 1e-9  # of full scale, squared: 60 dB below ordinary speech the level falls no further
MEMORY_FRAMES = 300  # of speech, that the mean remembers: three seconds
USUAL_FRAMES = 15.0  # that the usual mean counts for, before anything was heard
BLOCK_FRAMES = 512  # at a time, so that the sums keep their digits


@dataclass
class Following:
    """The level and the mean of what was heard so far; `normalised` takes the frames as they come.

    Args:
        bands, level_frames, floor, speech: of the features; `floor` and `speech` are shares of the level's energy.
        cosines: `[bands, coefficients]`.
        usual: the mean before anything was heard `[coefficients]`.
    """

    bands: int
    level_frames: int
    floor: float
    speech: float
    cosines: Frames
    usual: NDArray[np.float64]
    _before: NDArray[np.float64] = field(init=False)
    _log_level: float = field(init=False)
    _sum: NDArray[np.float64] = field(init=False)
    _weight: float = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was heard yet."""
        self._before = np.zeros(self.level_frames - 1)
        self._log_level = float(np.log(LOWEST))
        self._sum, self._weight = self.usual * USUAL_FRAMES, USUAL_FRAMES

    def normalised(self, energies: Frames) -> Frames:
        """Cepstra `[frames, coefficients]` of the next energies `[frames, bands]`."""
        parts = [self._block(energies[first : first + BLOCK_FRAMES]) for first in range(0, len(energies), BLOCK_FRAMES)]
        return np.concatenate(parts) if parts else np.zeros((0, self.cosines.shape[1]), np.float32)

    def _block(self, energies: Frames) -> Frames:
        loudness = energies.sum(axis=1).astype(np.float64)
        known = np.concatenate([self._before, loudness])
        smooth = np.convolve(known, np.full(self.level_frames, 1 / self.level_frames), "valid")
        self._before = known[-(self.level_frames - 1) :]
        # level[t] = max(smooth[t], level[t - 1] less a little, the lowest), as a running maximum over a slope.
        fall = np.log(10) / 10 * FALL_DB / 100
        slope = fall * np.arange(1, len(loudness) + 1)
        reached = np.maximum.accumulate(np.maximum(np.log(np.maximum(smooth, LOWEST)) + slope, self._log_level))
        log_level = np.maximum(reached - slope, np.log(LOWEST))
        self._log_level = float(log_level[-1])
        level = np.exp(log_level)
        relative = np.log(energies / (level / self.bands)[:, None] + self.floor)
        cepstra = relative @ self.cosines.astype(np.float64)
        spoken = loudness > level * self.speech
        kept = 1 - 1 / MEMORY_FRAMES
        times = np.cumsum(spoken)
        powers = kept**times
        sums = powers[:, None] * (self._sum + np.cumsum(np.where(spoken, 1 / powers, 0)[:, None] * cepstra, axis=0))
        weights = powers * (self._weight + np.cumsum(np.where(spoken, 1 / powers, 0)))
        self._sum, self._weight = sums[-1], float(weights[-1])
        return (cepstra - sums / weights[:, None]).astype(np.float32)
