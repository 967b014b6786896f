"""Training for the memory experiment: many small networks of one cell side by side, each with a setting of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.network import NetworkData
from latchwork.core.table import CELLS
from latchwork.explain.memory_tasks import Task
from latchwork.training import Optimizer
from latchwork.training.data import Generated
from latchwork.training.history import History
from latchwork.training.loop import fit
from latchwork.training.losses import MeanSquaredError, SoftmaxCrossEntropy
from latchwork.training.objectives import Member, SideBySide, Supervised
from latchwork.training.progress import ProgressKind

LAST_RATE = 0.1  # of the first one: where the cosine of the learning rate ends
SMALL_INPUTS = 0.001  # standard deviation of the input weights beside an identity, as in its source
MOST_BYTES = 64 << 20  # of sequences that are made at a time
MOST_BATCHES = 10  # of the same: a block of steps is as long, and Ctrl-C waits for it


@dataclass(frozen=True)
class Setting:
    """How one network starts and learns: what is searched for each cell (bench/memory_settings.py).

    Attributes:
        rate: Adam's first learning rate.
        clip: the largest norm of a step's gradient.
        recurrent: the first recurrent weights: `orthogonal`, or the `identity` for the new content (a simple RNN's
            only matrix, a gated cell's candidate), with small input weights beside it (Le, Jaitly & Hinton, 2015).
        gates: `plain` (the package's own start), or `spans`: biases such that a unit's memory lasts between one step
            and the distance (Tallec & Ollivier, 2018, section 3.1). A simple RNN has no gates.
        activation: of a simple RNN.
    """

    rate: float = 1e-2
    clip: float = 1.0
    recurrent: Literal["orthogonal", "identity"] = "orthogonal"
    gates: Literal["plain", "spans"] = "plain"
    activation: Literal["tanh", "relu"] = "tanh"


@dataclass(frozen=True)
class Training:
    """What all networks have in common: `steps` of training on `batch_size` sequences, and `units` each."""

    steps: int = 1500
    units: int = 24
    batch_size: int = 32


def cells() -> dict[str, type[spec.Recurrent]]:
    """Every cell of the table by its name."""
    return {description.__name__: description for description in CELLS}


def train(
    task: Task,
    cell: str,
    training: Training,
    distance: int,
    each: Sequence[tuple[Setting, int]],
    *,
    progress: ProgressKind = "none",
    checkpoint: Path | None = None,
) -> tuple[list[NetworkData], History]:
    """Networks trained on one task at one distance, side by side.

    Args:
        task: one of `memory_tasks.TASKS`.
        cell: one of `cells()`.
        training: what they have in common.
        distance: between what is shown and the question.
        each: every network's setting, and the seed of its first values and of its sequences; one activation for all.
        progress: what to show.
        checkpoint: a folder for the run's state, from which it goes on.

    Returns:
        The trained networks in that order, and the record.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the block that was running.
        LatchworkError: a network's loss is not a number any more.
    """
    networks = [initial_network(task, cell, training.units, distance, *one) for one in each]
    members = tuple(Member(rate=setting.rate, clip=setting.clip, seed=seed) for setting, seed in each)
    loss = MeanSquaredError() if task.outputs == 1 else SoftmaxCrossEntropy()
    trained, history = fit(
        NetworkData.stacked(networks),
        SideBySide(Supervised(loss), members),
        sequences(task, training, distance, [seed for _, seed in each]),
        optimizer=Optimizer("adam", 1.0, schedule="cosine", last=LAST_RATE),
        epochs=1,
        batch_size=training.batch_size,
        progress=progress,
        checkpoint=checkpoint,
    )
    if history.stopped == "interrupted":  # what was not trained to its end says nothing of a cell
        raise KeyboardInterrupt
    return [trained.member(at) for at in range(len(each))], history


def sequences(task: Task, training: Training, distance: int, seeds: Sequence[int]) -> Generated:
    """The sequences of every network by its seed, made a few batches at a time: `[rows, networks, ...]`."""

    def make(chunk: range) -> dict[str, NDArray[Any]]:
        drawn = {seed: task.draw(np.random.default_rng([seed, 1, chunk.start]), len(chunk), distance) for seed in seeds}
        targets = np.stack([drawn[seed].targets for seed in seeds], axis=1)
        return {
            "inputs": np.stack([drawn[seed].inputs for seed in seeds], axis=1),
            "targets": targets[..., None] if task.outputs == 1 else targets.astype(np.int32),
        }

    batch_bytes = 4 * training.batch_size * len(seeds) * (distance + 1) * task.features
    batches = int(np.clip(MOST_BYTES // batch_bytes, 1, MOST_BATCHES))
    return Generated(training.steps * training.batch_size, batches * training.batch_size, make)


def initial_network(task: Task, cell: str, units: int, distance: int, setting: Setting, seed: int) -> NetworkData:
    """The network before its first step: recurrent layer and answer."""
    layer = cells()[cell](units)
    if isinstance(layer, spec.SimpleRNN):
        layer = dataclasses.replace(layer, activation=setting.activation)
    start = NetworkData.build(spec.Sequential([layer, spec.Dense(task.outputs)]), (None, task.features), seed)
    random = np.random.default_rng([seed, 2])
    changed: dict[str, NDArray[np.float32]] = {}
    if setting.recurrent == "identity":
        content = next(at for at, gate in enumerate(layer.gates) if gate in {"hidden", "candidate"})
        columns = slice(content * units, (content + 1) * units)
        for name, block in (
            ("layers.0.hidden_weight", np.eye(units)),
            ("layers.0.input_weight", random.normal(0, SMALL_INPUTS, (task.features, units))),
        ):
            changed[name] = np.array(start.parameters[name])
            changed[name][:, columns] = block
    if setting.gates == "spans":
        name = next(name for name in ("layers.0.bias", "layers.0.input_bias") if name in start.parameters)
        changed[name] = _spans(layer, np.array(start.parameters[name]), random, distance)
    return NetworkData(start.spec, {**start.parameters, **changed})


def _spans(
    layer: spec.Recurrent, bias: NDArray[np.float32], random: np.random.Generator, distance: int
) -> NDArray[np.float32]:
    keep = {"forget": 1, "update": 1, "input": -1}  # the gates that keep, and the one that writes over
    spans = np.log(random.uniform(1, distance + 1, layer.units))
    for at, gate in enumerate(layer.gates):
        if gate in keep:
            bias[at * layer.units : (at + 1) * layer.units] = keep[gate] * spans
    return bias
