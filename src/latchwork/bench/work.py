"""The inputs, targets and first weights of a case: the same numbers in every process that asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.bench.cases import Case
from latchwork.core import storage
from latchwork.core.spec import Sequential
from latchwork.core.table import initial_parameters
from latchwork.training.losses import ConnectionistTemporal


@dataclass(frozen=True)
class Work:
    """What a contestant is given; the first axis of each array is the training step.

    Attributes:
        inputs: `[steps, batch, time, features]`, or tokens `[steps, batch, time]`.
        targets: `[steps, batch, ...]`, whole numbers for classes; labels from 1 on, and -1 behind the last.
        lengths: `[steps, batch]`, or None where all are the same.
        parameters: first weights by name, as in a `.latch` file.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    lengths: NDArray[np.int32] | None
    parameters: dict[str, NDArray[np.float32]]

    def first_lengths(self) -> NDArray[np.int32] | None:
        """Of the first batch."""
        return None if self.lengths is None else self.lengths[0]


def make_work(case: Case, member: int = 0) -> Work:
    """The work of one member of a case."""
    rng = np.random.default_rng([7, member])
    shape = (case.steps, case.batch)
    parameters = initial_parameters(case.network, seed=member)
    if case.data == "airline":
        inputs, targets = _airline(case.steps)
    else:
        inputs, targets = _mnist(shape) if case.data == "mnist" else _random(case, rng)
    lengths = None
    if case.shortest:
        lengths = rng.integers(case.shortest, case.time + 1, shape, dtype=np.int32)
        inputs *= (np.arange(case.time) < lengths[..., None])[..., None]
    if np.isnan(case.scale):
        inputs[0, 0, 3, 3] = np.nan
    elif case.scale != 1:
        inputs *= np.float32(case.scale)
    return Work(inputs, targets, lengths, parameters)


def sequence_steps(case: Case, work: Work) -> int:
    """Real time steps in one pass over the work of all members."""
    steps = case.steps * case.batch * case.time if work.lengths is None else int(work.lengths.sum())
    return steps * case.members


def mean_loss(
    case: Case, outputs: NDArray[Any], targets: NDArray[Any], lengths: NDArray[np.int32] | None = None
) -> float:
    """The loss of a batch in double precision: the same ruler for every contestant."""
    outputs = np.asarray(outputs, np.float64)
    if case.loss == "labels":
        return float(ConnectionistTemporal()(outputs, targets, lengths).mean())
    if case.loss == "squared error":
        return float(np.square(outputs - targets).mean())
    largest = outputs.max(axis=-1, keepdims=True)
    logs = outputs - largest - np.log(np.exp(outputs - largest).sum(axis=-1, keepdims=True))
    return float(-np.take_along_axis(logs, targets[..., None], axis=-1).mean())


def save_model(network: Sequential, parameters: dict[str, NDArray[np.float32]], path: Path) -> Path:
    """A `.latch` file around a network, for the runtime to open."""
    document = {"format": 1, "job": "benchmark", "network": network.to_dict(), "fitted": {}, "training": {}, "data": {}}
    storage.save(path, document, {f"network.{name}": array for name, array in parameters.items()})
    return path


def _airline(steps: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The article's: scaled to 0..1, one month back."""
    from latchwork.datasets import airline

    _, passengers = airline()
    scaled = ((passengers - passengers.min()) / np.ptp(passengers)).astype(np.float32)
    return scaled[:steps].reshape(steps, 1, 1, 1), scaled[1 : steps + 1].reshape(steps, 1, 1)


def _mnist(shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    from latchwork.datasets import mnist

    (images, digits), _ = mnist()
    rows = shape[0] * shape[1]
    return images[:rows].reshape(*shape, 28, 28).copy(), digits[:rows].astype(np.int32).reshape(shape)


def _random(case: Case, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    shape, outputs = (case.steps, case.batch), case.network.output_shape()
    size = case.network.shapes()[0]
    if len(size) == 1:  # tokens, each to be followed by the next
        count = outputs[-1] or 1
        tokens = rng.integers(0, count, (*shape, case.time + 1), dtype=np.int32)
        if case.data == "words":  # the frequent ones first, each with a chance of about one by its place
            tokens = (count ** rng.random(tokens.shape)).astype(np.int32) - 1
        return tokens[..., :-1].copy(), tokens[..., 1:].copy()
    inputs = rng.standard_normal((*shape, case.time, size[1] or 1), dtype=np.float32)
    if case.labels:
        labels = rng.integers(1, outputs[-1] or 1, (*shape, case.labels), dtype=np.int32)
        counts = rng.integers(case.labels // 2, case.labels + 1, shape)
        return inputs, np.where(np.arange(case.labels) < counts[..., None], labels, -1).astype(np.int32)
    every_step = shape + ((case.time,) if len(outputs) == 2 else ())
    if case.loss == "squared error":
        return inputs, rng.standard_normal((*every_step, 1), dtype=np.float32)
    return inputs, rng.integers(0, outputs[-1] or 1, every_step, dtype=np.int32)
