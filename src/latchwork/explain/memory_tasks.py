"""Problems in which what must be remembered lies a known number of steps back.

Each task draws sequences `[batch, distance + 1, features]` whose last step asks for what was shown at the first.

Source: Hochreiter & Schmidhuber (1997), sections 5.2 and 5.4 (recall and adding); Arjovsky, Shah & Bengio (2016),
section 4.1 (copy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

SHOW, ASK = -2, -1  # the last two features: "remember this one" and "what was it?"
TOLERANCE = 0.1  # an answer to the adding problem counts as right within this


class Batch(NamedTuple):
    """Sequences with what is asked of them.

    `inputs [batch, time, features]` and `targets [batch]` (the number of a symbol, or a sum).
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]


@runtime_checkable
class Task(Protocol):
    """A problem of memory."""

    @property
    def name(self) -> str:
        """What the command calls it."""
        ...

    @property
    def features(self) -> int:
        """Features of each step."""
        ...

    @property
    def outputs(self) -> int:
        """Numbers of the answer; 1 for a regression."""
        ...

    @property
    def chance(self) -> float:
        """The accuracy of a guess."""
        ...

    def draw(self, random: np.random.Generator, rows: int, distance: int) -> Batch:
        """`rows` sequences of `distance + 1` steps."""
        ...


@dataclass(frozen=True)
class Recall:
    """One dish is shown first; others pass by, to be ignored; then: which one was it?

    Args:
        courses: dishes on the menu.
    """

    courses: int = 60
    name = "recall"

    @property
    def features(self) -> int:
        """The dish, one-hot, and the marks for showing and asking."""
        return self.courses + 2

    @property
    def outputs(self) -> int:
        """A score for each dish."""
        return self.courses

    @property
    def chance(self) -> float:
        """One dish of the menu."""
        return 1 / self.courses

    def draw(self, random: np.random.Generator, rows: int, distance: int) -> Batch:
        """See `Task`."""
        dishes = random.integers(0, self.courses, (rows, distance + 1))
        inputs = np.eye(self.features, dtype=np.float32)[dishes]
        inputs[:, 0, SHOW] = 1
        inputs[:, -1] = 0
        inputs[:, -1, ASK] = 1
        return Batch(inputs, dishes[:, 0].astype(np.float32))


@dataclass(frozen=True)
class Copy:
    """Some symbols are shown first, then nothing for a long time; then they are asked for, one of them by its place.

    Args:
        symbols: how many kinds there are.
        count: how many are shown.
    """

    symbols: int = 8
    count: int = 3
    name = "copy"

    @property
    def features(self) -> int:
        """The symbol, which of the places is asked for, and the marks for showing and asking."""
        return self.symbols + self.count + 2

    @property
    def outputs(self) -> int:
        """A score for each symbol."""
        return self.symbols

    @property
    def chance(self) -> float:
        """One symbol of all."""
        return 1 / self.symbols

    def draw(self, random: np.random.Generator, rows: int, distance: int) -> Batch:
        """See `Task`; at a distance shorter than the symbols the last ones are left out."""
        count = min(self.count, distance)
        every = np.arange(rows)
        shown = random.integers(0, self.symbols, (rows, count))
        place = random.integers(0, count, rows)
        inputs = np.zeros((rows, distance + 1, self.features), np.float32)
        inputs[:, :count] = np.eye(self.features, dtype=np.float32)[shown]
        inputs[:, :count, SHOW] = 1
        inputs[every, -1, self.symbols + place] = 1
        inputs[:, -1, ASK] = 1
        return Batch(inputs, shown[every, place].astype(np.float32))


@dataclass(frozen=True)
class Adding:
    """A number at every step, two of them marked, one of these at the start: their sum is asked for at the end."""

    name = "adding"
    features = 3
    outputs = 1

    @property
    def chance(self) -> float:
        """Always answering 1, the mean: the sum's density is a triangle of height 1 there."""
        return 2 * TOLERANCE - TOLERANCE**2

    def draw(self, random: np.random.Generator, rows: int, distance: int) -> Batch:
        """See `Task`; at a distance of 1 the second mark falls on the last step."""
        every = np.arange(rows)
        inputs = np.zeros((rows, distance + 1, self.features), np.float32)
        inputs[..., 0] = random.random((rows, distance + 1))
        second = random.integers(1, distance + 1, rows)
        inputs[:, 0, SHOW] = inputs[every, second, SHOW] = 1
        inputs[:, -1, ASK] = 1
        return Batch(inputs, inputs[:, 0, 0] + inputs[every, second, 0])


TASKS: dict[str, Task] = {task.name: task for task in (Recall(), Adding(), Copy())}
"""By the name that the command takes."""
