"""What training hears: recordings varied anew in each epoch, in strings, beside sounds that are none of the words."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.engines.steps import Arrays, RowShape
from latchwork.speech.loading import Utterance
from latchwork.speech.strings import String, at_random, of_parts
from latchwork.speech.symbols import Symbols
from latchwork.speech.varying import Variation
from latchwork.training import Data
from latchwork.training.data import Source
from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.scaling import Scaler
from latchwork.transforms.spectrogram import Samples

TIMES = 3  # epochs that see the same draws: drawing them costs about as much as learning from them
KEPT_BYTES = 1 << 28  # of draws that are kept for that; where an epoch has more, each sees draws of its own
CHUNK_ROWS = 512  # that are drawn at a time, while the chunk before is learned from
STRINGS = 0.4  # of the rows, where strings are learned
OTHERS, NOTHING = 0.1, 0.04  # of the rows: other words; noise and silence
OTHER_INSIDE = 0.08  # of the words of a string are other words
NOTHING_SECONDS = (0.1, 2.0)


class Row(NamedTuple):
    """Steps `[steps, features]` as they are heard, and the symbols that they hold."""

    steps: NDArray[np.float32]
    target: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Sounds:
    """Draws rows: recordings varied, strings of them, and what is to be heard as none of the words.

    Args:
        utterances: what is learned from.
        features: what a recording goes through.
        symbols: what a transcript is written in.
        strings: whether recordings are also learned one after the other.
        others: recordings of other words.
        noises: recordings in which nobody speaks.
        seed: of all that is drawn.
    """

    utterances: Sequence[Utterance]
    features: Cepstra
    symbols: Symbols
    strings: bool
    others: Sequence[Samples] = ()
    noises: Sequence[Samples] = ()
    seed: int = 0

    @cached_property
    def variation(self) -> Variation:
        """What recordings are varied by."""
        voices = [each.samples for each in self.utterances]
        return Variation(self.features.rate, self.features.bands, voices, self.noises, self.seed)

    @cached_property
    def by_speaker(self) -> dict[str, list[int]]:
        """The recordings of each speaker."""
        own: dict[str, list[int]] = {}
        for index, each in enumerate(self.utterances):
            own.setdefault(each.speaker, []).append(index)
        return own

    @cached_property
    def longest(self) -> int:
        """Steps of the longest row: what is longer is not varied in tempo, or is a shorter string."""
        rate = self.features.rate
        single = max(len(each.samples) for each in self.utterances) / rate
        seconds = single * 1.2 + 1.0
        if self.strings:
            typical = float(np.median([len(each.samples) for each in self.utterances])) / rate
            seconds = max(seconds, 5.0 * typical + 1.0)
        return int(np.ceil(seconds / self.features.step_seconds))

    @cached_property
    def most_symbols(self) -> int:
        """Symbols of the longest transcript."""
        single = max(len(self.symbols.encode(each.text)) for each in self.utterances)
        return max(single, self.longest // 4 if self.strings else single)

    def row(self, index: int, rng: np.random.Generator) -> Row:
        """A row that begins with a recording, or is something else."""
        for attempt in range(4):
            kind = rng.random()
            if self.symbols.other and kind < OTHERS:
                string = String([self._other(index, rng)], [self._other_target()])
            elif kind < OTHERS + NOTHING:
                string = String([self._nothing(rng)], [])
            elif self.strings and attempt < 2 and kind < OTHERS + NOTHING + STRINGS:
                string = self._string(index, rng)
            else:
                string = self._one(index)
            row = self._heard(string, rng)
            if fits(row, self.longest):
                return row
        plain = self._one(index)
        return Row(self.features.transform(plain.parts[0]), plain.target())

    def _one(self, index: int) -> String:
        each = self.utterances[index]
        return String([each.samples], [self.symbols.encode(each.text)])

    def _string(self, index: int, rng: np.random.Generator) -> String:
        """Recordings of one speaker, now and then with another word among them."""
        own = self.by_speaker[self.utterances[index].speaker]
        parts = [index, *(own[int(rng.integers(len(own)))] for _ in range(at_random(rng) - 1))]
        string = String([], [])
        gap = self.symbols.encode(" ") if self.symbols.units == "char" else None
        for at, part in enumerate(parts):
            if at and gap is not None:
                string.targets.append(gap)
            if self.symbols.other and rng.random() < OTHER_INSIDE:
                string.parts.append(self._other(part, rng))
                string.targets.append(self._other_target())
            else:
                string.parts.append(self.utterances[part].samples)
                string.targets.append(self.symbols.encode(self.utterances[part].text))
        return string

    def _other_target(self) -> NDArray[np.int32]:
        return np.array([self.symbols.other_number], np.int32)

    def _other(self, index: int, rng: np.random.Generator) -> Samples:
        """Another word: one that was recorded or made for that, or pieces of several words in a new order."""
        if self.others and rng.random() < 0.6:
            return self.others[int(rng.integers(len(self.others)))]
        own = self.by_speaker[self.utterances[index].speaker]
        words = [self.utterances[own[int(rng.integers(len(own)))]].samples for _ in range(int(rng.integers(2, 5)))]
        return of_parts(words, self.features.rate, rng)

    def _nothing(self, rng: np.random.Generator) -> Samples:
        length = int(self.features.rate * rng.uniform(*NOTHING_SECONDS))
        if rng.random() < 0.2:
            return np.zeros(length, np.float32)
        return self.variation.noise(length, rng) * np.float32(10 ** rng.uniform(-4.5, -0.5))

    def _heard(self, string: String, rng: np.random.Generator) -> Row:
        change, pitch = self.variation.change(rng)
        samples = string.joined(self.features.rate, rng)
        return Row(self.features.transform(self.variation.sound(samples, pitch, rng), change), string.target())


def fits(row: Row, longest: int) -> bool:
    """Whether a row has a step for each symbol, and one between two equal ones, and is not too long."""
    needed = len(row.target) + int((row.target[1:] == row.target[:-1]).sum())
    return needed <= len(row.steps) <= longest


@dataclass(frozen=True, eq=False)
class Drawn(Source):
    """Rows drawn anew every `TIMES` epochs, in a new order each; the same for the same seed and epoch, whenever asked.

    Args:
        sounds: what rows are drawn from.
        scaler: what their features go through.
        rows: of an epoch.
        chunk_rows: that are drawn at a time.
    """

    sounds: Sounds
    scaler: Scaler
    rows: int  # pyright: ignore[reportIncompatibleVariableOverride]
    chunk_rows: int = CHUNK_ROWS  # pyright: ignore[reportIncompatibleVariableOverride]
    _ahead: dict[range, Future[Arrays]] = field(default_factory=dict[range, "Future[Arrays]"], repr=False)
    _kept: dict[range, Arrays] = field(default_factory=dict[range, Arrays], repr=False)

    shuffle = True
    draw_steps = None

    def shapes(self) -> dict[str, RowShape]:
        """The shape and type of one row of each array."""
        sounds = self.sounds
        return {
            "inputs": RowShape((sounds.longest, sounds.features.features), np.dtype(np.float32)),
            "lengths": RowShape((), np.dtype(np.int32)),
            "targets": RowShape((sounds.most_symbols,), np.dtype(np.int32)),
        }

    def epoch(self, number: int, seed: int) -> list[range]:
        """The chunks of an epoch: each epoch has rows of its own."""
        del seed
        first = number // (TIMES if self._keeps else 1) * self.rows
        return [range(first + chunk.start, first + chunk.stop) for chunk in self.chunks()]

    def read(self, chunk: range) -> Arrays:
        """The rows of a chunk; those of the next one are drawn meanwhile, on a thread beside the kernels'."""
        if chunk in self._kept:
            arrays = self._kept[chunk]
        else:
            asked = self._ahead.pop(chunk, None)
            arrays = self._draw(chunk) if asked is None else asked.result()
        if self._keeps:
            if any(kept.start // self.rows != chunk.start // self.rows for kept in self._kept):
                self._kept.clear()
            self._kept[chunk] = arrays
        following = range(chunk.stop, chunk.stop + min(self.chunk_rows, self.rows - chunk.stop % self.rows))
        if following not in self._ahead and following not in self._kept:
            self._ahead.clear()
            self._ahead[following] = self._pool.submit(self._draw, following)
        return arrays

    @property
    def _keeps(self) -> bool:
        shape = self.shapes()["inputs"].shape
        return self.rows * shape[0] * shape[1] * 4 <= KEPT_BYTES

    def checksum(self) -> int:
        """Of the first rows that an epoch has."""
        return Data(dict(self._draw(range(min(8, self.rows))))).checksum()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "drawing")

    def _draw(self, chunk: range) -> Arrays:
        count = len(self.sounds.utterances)
        orders = {
            cycle: np.random.default_rng([self.sounds.seed, 7, cycle]).permutation(count)
            for cycle in range(chunk.start // count, chunk.stop // count + 1)
        }
        rows = [
            self.sounds.row(
                int(orders[number // count][number % count]), np.random.default_rng([self.sounds.seed, 8, number])
            )
            for number in chunk
        ]
        return as_arrays(rows, self.scaler, self.sounds.longest, self.sounds.most_symbols)


def as_arrays(rows: Sequence[Row], scaler: Scaler, longest: int, most_symbols: int) -> dict[str, NDArray[Any]]:
    """Rows side by side: `inputs` `[rows, longest, features]`, `lengths`, and `targets` with -1 past their ends."""
    inputs = np.zeros((len(rows), longest, rows[0].steps.shape[1]), np.float32)
    targets = np.full((len(rows), most_symbols), -1, np.int32)
    for place, row in enumerate(rows):
        inputs[place, : len(row.steps)] = (row.steps - scaler.offset) / scaler.scale
        targets[place, : len(row.target)] = row.target
    return {"inputs": inputs, "lengths": np.array([len(row.steps) for row in rows], np.int32), "targets": targets}
