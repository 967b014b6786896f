"""Convolution kernels that nobody trains, and the share of steps at which each exceeds a threshold.

The idea and the kernels are MiniRocket's (Dempster, Schmidt & Webb, 2021): nine weights, three of them 2 and six -1, at
many dilations; thresholds are quantiles of what a kernel gives on a training sequence. A linear classifier on these
shares is among the best known for small sets, and takes seconds. `aeon` and `sktime` have it, compiled by Numba: a
model that is to be served needs the kernels as plain arrays and no compiler, hence these lines of NumPy. Different from
theirs: with sequences of different lengths, only real steps count.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 9
CHOICES = np.array(list(itertools.combinations(range(WIDTH), 3)))  # where the weights are 2: 84 kernels
MOST_DILATIONS = 32
MOST_CHANNELS = 9  # that one kernel sees together
CHUNK_VALUES = 1 << 17  # of one kernel's output: they stay in the processor's cache


@dataclass(frozen=True)
class RandomKernels:
    """Kernels and their thresholds.

    Attributes:
        pairs: `[kernels, 3]`: dilation, which of `CHOICES`, and whether the ends count (padded with zeros).
        channels: `[kernels, features]`: 1 where a kernel sees a feature.
        biases: `[kernels, thresholds]`.
    """

    pairs: NDArray[np.int32]
    channels: NDArray[np.float32]
    biases: NDArray[np.float32]

    @property
    def count(self) -> int:
        """How many numbers a sequence becomes."""
        return self.biases.size

    @classmethod
    def fit(cls, inputs: NDArray[np.float32], lengths: NDArray[Any] | None, count: int, seed: int) -> RandomKernels:
        """Kernels for sequences like these.

        Args:
            inputs: `[batch, time, features]`, scaled.
            lengths: real steps of each row, or None.
            count: about as many numbers as a sequence is to become.
            seed: of channels, and of the sequences that the thresholds are taken from.
        """
        rng = np.random.default_rng([seed, 11])
        steps = inputs.shape[1] if lengths is None else int(np.median(lengths))
        dilations = _dilations(steps)
        pairs = np.array(
            [(dilation, kernel, (kernel + at) % 2 == 0 or dilation * (WIDTH - 1) >= steps or lengths is not None)
             for at, dilation in enumerate(dilations) for kernel in range(len(CHOICES))], np.int32,
        )  # fmt: skip
        channels = np.zeros((len(pairs), inputs.shape[2]), np.float32)
        for row in channels:
            seen = int(2 ** rng.uniform(0, np.log2(min(inputs.shape[2], MOST_CHANNELS) + 1)))
            row[rng.choice(inputs.shape[2], min(seen, inputs.shape[2]), replace=False)] = 1
        thresholds = max(1, round(count / len(pairs)))
        quantiles = (np.arange(1, len(pairs) * thresholds + 1) * ((np.sqrt(5) + 1) / 2)) % 1  # low discrepancy
        biases = np.empty((len(pairs), thresholds), np.float32)
        rows = rng.integers(len(inputs), size=len(pairs))
        for at, row in enumerate(rows):
            real = slice(None) if lengths is None else slice(int(lengths[row]))
            output = _output(inputs[row : row + 1, real], pairs[at], channels[at])[0]
            biases[at] = np.quantile(output, quantiles[at * thresholds : (at + 1) * thresholds])
        return cls(pairs, channels, biases)

    def transform(self, inputs: NDArray[np.float32], lengths: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """The share of steps above each threshold, `[batch, count]`."""
        found = np.empty((len(inputs), *self.biases.shape), np.float32)
        size = max(1, CHUNK_VALUES // inputs.shape[1])
        for first in range(0, len(inputs), size):
            block = inputs[first : first + size]
            steps = None if lengths is None else np.asarray(lengths)[first : first + size]
            for at, output in enumerate(self._outputs(block)):
                found[first : first + size, at] = _shares(output, self.biases[at], steps)
        return found.reshape(len(inputs), -1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file keeps."""
        return {"pairs": self.pairs, "channels": self.channels, "biases": self.biases}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> RandomKernels:
        """The kernels in a file."""
        return cls(arrays["pairs"], arrays["channels"], arrays["biases"])

    def _outputs(self, block: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Each kernel's output over a block; of one feature the nine shifted copies are shared."""
        taps: list[NDArray[np.float32]] = []
        known = total = None
        for pair, channels in zip(self.pairs, self.channels, strict=True):
            if block.shape[2] > 1:
                yield _output(block, pair, channels)
                continue
            if known != pair[0]:
                known, taps = pair[0], _taps(block[..., 0], int(pair[0]))
                total = np.add.reduce(taps)
            yield _combined(taps, total, pair, block.shape[1])


def _dilations(steps: int) -> list[int]:
    """Powers of two and what lies between, up to kernels as wide as the sequence."""
    widest = max(1.0, (steps - 1) / (WIDTH - 1))
    return sorted({int(2**power) for power in np.linspace(0, np.log2(widest), MOST_DILATIONS)})[:MOST_DILATIONS]


def _output(block: NDArray[np.float32], pair: NDArray[np.int32], channels: NDArray[np.float32]) -> NDArray[np.float32]:
    taps = _taps(block @ channels, int(pair[0]))
    return _combined(taps, np.add.reduce(taps), pair, block.shape[1])


def _taps(x: NDArray[np.float32], dilation: int) -> list[NDArray[np.float32]]:
    """The sequence `[batch, time]` shifted by each of the kernel's nine places, zero beyond its ends."""
    steps, reach = x.shape[1], dilation * (WIDTH // 2)
    padded = np.zeros((len(x), steps + 2 * reach), np.float32)
    padded[:, reach : reach + steps] = x
    return [padded[:, place * dilation : place * dilation + steps] for place in range(WIDTH)]


def _combined(taps: list[NDArray[np.float32]], total: Any, pair: NDArray[np.int32], steps: int) -> NDArray[np.float32]:
    first, second, third = CHOICES[pair[1]]
    output = taps[first] + taps[second]
    output += taps[third]
    output *= 3
    output -= total
    if pair[2]:
        return output
    reach = int(pair[0]) * (WIDTH // 2)
    return output[:, reach : steps - reach]


def _shares(
    output: NDArray[np.float32], biases: NDArray[np.float32], lengths: NDArray[Any] | None
) -> NDArray[np.float32]:
    if lengths is not None:
        output = np.where(np.arange(output.shape[1]) < lengths[:, None], output, np.float32(-np.inf))
    counts = np.stack([np.count_nonzero(output > bias, axis=1) for bias in biases], axis=1)
    return (counts / (output.shape[1] if lengths is None else lengths[:, None])).astype(np.float32)
