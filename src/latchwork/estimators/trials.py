"""Short trainings on some of the rows, and the clock that they go by."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.core.spec import Layer, Sequential
from latchwork.estimators.rows import Rows, scaled, taken
from latchwork.runtime.server import make_server
from latchwork.training import Data, Objective, Optimizer, evaluate, fit
from latchwork.training.optimizers import OptaxOptimizer
from latchwork.transforms.scaling import Scaler
from latchwork.transforms.warping import Warping

TIMED_STEPS = 3  # of the optimiser, to find out how fast this machine is now
ANSWERED_ROWS = 512  # at a time

Part = tuple[NDArray[np.intp], NDArray[np.intp]]


class HeldOut(NamedTuple):
    """What a network answered for rows that it was not trained on.

    Attributes:
        parts: training and held-out rows of each training.
        outputs: the network's outputs for the held-out rows, part by part.
        seconds: what the trainings took.
        further: parts that there was no time for.
    """

    parts: tuple[Part, ...]
    outputs: tuple[NDArray[np.float32], ...]
    seconds: float
    further: tuple[Part, ...] = ()


class Trial(NamedTuple):
    """The loss on held-out rows, averaged over the parts; the outputs for them; and the seconds that it took."""

    loss: float
    outputs: tuple[NDArray[np.float32], ...]
    seconds: float


@dataclass
class Budget:
    """Seconds from now on, a share of them for trials; it is asked, and never waits."""

    seconds: float
    share: float
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds that are left of all, never none."""
        return max(self.seconds - (time.monotonic() - self.began), 1e-3)

    def for_trials(self) -> float:
        """Seconds that are left for trials."""
        return max(self.seconds * self.share - (time.monotonic() - self.began), 1e-3)

    def allows(self, seconds: float) -> bool:
        """Whether one more trial of so many seconds may begin."""
        return seconds <= self.for_trials()


@dataclass
class Trials:
    """Trainings on the parts' training rows, tried on their held-out rows."""

    rows: Rows
    scaler: Scaler | None
    parts: list[Part]
    objective: Objective
    optimizer: Optimizer | OptaxOptimizer
    batch_size: int
    seed: int
    _seconds_per_row: float = 0.0  # of one epoch, as the last training had it

    def run(self, layers: list[Layer], minimised: Objective, epochs: int, copies: int = 0) -> Trial:
        """Train on each part for so many epochs, and answer for its held-out rows."""
        began = time.monotonic()
        losses: list[float] = []
        outputs: list[NDArray[np.float32]] = []
        for training, held_out in self.parts:
            rows = with_copies(scaled(taken(self.rows, training), self.scaler), copies, self.seed)
            network = self._trained(layers, minimised, rows, epochs=epochs)
            held = scaled(taken(self.rows, held_out), self.scaler)
            losses.append(evaluate(network, self.objective, Data(held))[self.objective.names[0]])
            outputs.append(answers(network, held))
        seconds = time.monotonic() - began
        trained = sum(len(training) for training, _ in self.parts) * (1 + copies) * epochs
        self._seconds_per_row = seconds / trained
        return Trial(float(np.mean(losses)), tuple(outputs), seconds)

    def seconds_per_epoch(self, layers: list[Layer]) -> float:
        """Seconds that a row takes in an epoch, by a few steps of a network like those to be tried."""
        rows = scaled(taken(self.rows, self.parts[0][0][: TIMED_STEPS * self.batch_size]), self.scaler)
        steps = -(-len(rows["targets"]) // self.batch_size)
        self._trained(layers, self.objective, rows, steps=1)  # what is made once
        began = time.monotonic()
        self._trained(layers, self.objective, rows, steps=steps)
        self._seconds_per_row = (time.monotonic() - began) / len(rows["targets"])
        return self._seconds_per_row

    def expected_seconds(self, epochs: int, copies: int = 0) -> float:
        """Of a trial."""
        return self._seconds_per_row * sum(len(training) for training, _ in self.parts) * epochs * (1 + copies)

    def expected_seconds_of(self, rows: int) -> float:
        """Of an epoch of so many rows."""
        return self._seconds_per_row * rows

    def _trained(self, layers: list[Layer], minimised: Objective, rows: Rows, **budget: Any) -> NetworkData:
        _, time_steps, features = rows["inputs"].shape
        fitted = fit(
            NetworkData.build(Sequential(layers), (time_steps, features), self.seed),
            minimised,
            Data(rows),
            optimizer=self.optimizer,
            batch_size=self.batch_size,
            seed=self.seed,
            progress="none",
            **budget,
        )
        if fitted.history.stopped == "interrupted":  # a shorter trial must not decide, and nothing is lost
            raise KeyboardInterrupt
        return fitted.model


def with_copies(rows: Rows, copies: int, seed: int) -> Rows:
    """Scaled rows, and changed copies of each beside them."""
    if not copies:
        return rows
    lengths = rows.get("lengths")
    changed = [Warping().copies(rows["inputs"], lengths, seed + place) for place in range(copies)]
    joined = {name: np.concatenate([array] * (1 + copies)) for name, array in rows.items() if name != "inputs"}
    return joined | {"inputs": np.concatenate([rows["inputs"], *changed])}


def answers(network: NetworkData, rows: Rows) -> NDArray[np.float32]:
    """The network's outputs for scaled rows."""
    server = make_server(network)
    lengths = rows.get("lengths")
    parts = [
        server.run(rows["inputs"][first : first + ANSWERED_ROWS], None if lengths is None else
                   lengths[first : first + ANSWERED_ROWS])
        for first in range(0, len(rows["targets"]), ANSWERED_ROWS)
    ]  # fmt: skip
    return np.concatenate(parts)
