"""How far back each cell remembers, measured: accuracy against distance, and the gradient that reaches back.

Every cell has the same units, sequences, optimiser and number of steps, at each distance anew. They differ in the cell
and in its start: gates begin so that a unit's memory lasts between one step and the longest distance (Tallec &
Ollivier, 2018, "Can recurrent neural networks warp time?", section 3.1); a simple RNN has nothing that could be set so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from numpy.typing import NDArray

from latchwork import spec
from latchwork.explain.memory_tasks import TOLERANCE, Batch, Task
from latchwork.initialise import initial_parameters
from latchwork.network import Network, apply_layers, split_parameters

CELLS: dict[str, type[spec.Recurrent]] = {
    "SimpleRNN": spec.SimpleRNN,
    "GRU": spec.GRU,
    "LSTM": spec.LSTM,
    "PeepholeLSTM": spec.PeepholeLSTM,
    "CoupledLSTM": spec.CoupledLSTM,
}
ALL_CELLS = tuple(CELLS)
QUICK_CELLS = ("SimpleRNN", "GRU", "LSTM")
LEARNING_RATE = 1e-2
LARGEST_GRADIENT = 1.0
TEST_ROWS = 200  # sequences at each distance
GRADIENT_ROWS = 32


@dataclass(frozen=True)
class Plan:
    """How each network is trained and tested.

    Attributes:
        distances: a network is trained and tested at each of them.
        steps: of training.
        units: of the recurrent layer.
        batch_size: sequences in a step.
        seeds: networks of each cell at each distance.
    """

    distances: tuple[int, ...] = (1, 5, 10, 20, 50, 100, 200)
    steps: int = 1000
    units: int = 24
    batch_size: int = 32
    seeds: int = 3


QUICK = Plan(distances=(5, 20, 100), seeds=1)


@dataclass(frozen=True)
class CellMemory:
    """What was measured of one cell.

    Attributes:
        accuracy: share of right answers `[seeds, distances]`.
        reach: of the networks with the longest distance, the norm of the gradient of the right answer's score by each
            input, from the step before the question back to the first, relative to that of the question itself: the
            median over seeds `[longest distance]`.
        networks: the first seed's at each distance.
    """

    accuracy: NDArray[np.float64]
    reach: NDArray[np.float64]
    networks: list[Network]

    def medians(self) -> NDArray[np.float64]:
        """The median seed's accuracy at each distance."""
        return np.median(self.accuracy, axis=0)

    def horizon(self, distances: Sequence[int], threshold: float = 0.9) -> int:
        """The longest distance up to which the median seed's accuracy stays at `threshold` or above; 0 if none."""
        below = np.flatnonzero(self.medians() < threshold)
        reached = len(distances) if not len(below) else int(below[0])
        return distances[reached - 1] if reached else 0


def measure_memory(
    task: Task, cell: str, plan: Plan, seed: int = 0, note: Callable[[str], None] = lambda _: None
) -> CellMemory:
    """Train networks of one cell on a task at each distance, and measure what they remember.

    Args:
        task: one of `TASKS`.
        cell: one of `CELLS`.
        plan: how to train and test.
        seed: the first network's; the others count on from it.
        note: called with a line after each distance.

    Returns:
        Accuracies, gradient reach and the trained networks.
    """
    accuracies: list[list[float]] = []
    trained: list[list[Network]] = []
    for distance in plan.distances:
        networks = _train(task, cell, plan, distance, range(seed, seed + plan.seeds))
        trained.append(networks)
        accuracies.append([_accuracy(network, task, distance) for network in networks])
        note(f"{cell}, {distance} steps back: accuracy {np.median(accuracies[-1]):.2f}")
    reaches = [_reach(network, task, plan.distances[-1]) for network in trained[-1]]
    return CellMemory(
        accuracy=np.asarray(accuracies).T,
        reach=np.median(reaches, axis=0),
        networks=[networks[0] for networks in trained],
    )


def _train(task: Task, cell: str, plan: Plan, distance: int, seeds: Sequence[int]) -> list[Network]:
    networks = [_initial(task, cell, plan, distance, each) for each in seeds]
    learned, rest = _stack(networks)
    optimizer = optax.chain(
        optax.clip_by_global_norm(LARGEST_GRADIENT),
        optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, plan.steps, 0.1)),
    )
    state = jax.vmap(optimizer.init)(learned)
    step = _training_step(optimizer, rest, task.outputs)
    randoms = [np.random.default_rng([each, 1]) for each in seeds]
    for _ in range(plan.steps):
        batches = [task.draw(random, plan.batch_size, distance) for random in randoms]
        learned, state = step(learned, state, jax.tree.map(lambda *arrays: np.stack(arrays), *batches))
    return [
        Network(eqx.combine(jax.tree.map(lambda array: array[at], learned), rest), networks[0].spec)  # noqa: B023
        for at in range(len(seeds))
    ]


def _initial(task: Task, cell: str, plan: Plan, distance: int, seed: int) -> Network:
    layers = [CELLS[cell](plan.units), spec.Dense(task.outputs)]
    described = spec.Sequential(layers, input_shape=(None, task.features))
    parameters = initial_parameters(described, seed)
    gates = CELLS[cell].gates
    keep = {"forget": 1, "update": 1, "input": -1}  # the gates that keep, and the one that writes over
    spans = np.log(np.random.default_rng([seed, 2]).uniform(1, distance + 1, plan.units))
    name = "layers.0.input_bias" if cell == "GRU" else "layers.0.bias"
    bias = np.array(parameters[name])
    for index, gate in enumerate(gates):
        if gate in keep:
            bias[index * plan.units : (index + 1) * plan.units] = keep[gate] * spans
    return Network.from_parameters(described, parameters | {name: bias})


def _training_step(optimizer: optax.GradientTransformation, rest: Any, outputs: int) -> Callable[..., Any]:
    def loss(learned: Any, batch: Batch) -> Float[Array, ""]:
        answers = apply_layers(eqx.combine(learned, rest), batch.inputs)  # pyright: ignore[reportArgumentType]
        if outputs == 1:
            return jnp.square(answers[:, 0] - batch.targets).mean()
        return optax.softmax_cross_entropy_with_integer_labels(answers, batch.targets.astype(int)).mean()

    def one(learned: Any, state: Any, batch: Batch) -> tuple[Any, Any]:
        updates, state = optimizer.update(jax.grad(loss)(learned, batch), state)
        return optax.apply_updates(learned, updates), state

    return jax.jit(jax.vmap(one))


def _accuracy(network: Network, task: Task, distance: int) -> float:
    batch = task.draw(np.random.default_rng(2**32), TEST_ROWS, distance)  # every network is asked the same
    answers = np.asarray(_answers(network.layers, batch.inputs))
    if task.outputs == 1:
        return float((np.abs(answers[:, 0] - batch.targets) < TOLERANCE).mean())
    return float((answers.argmax(axis=1) == batch.targets).mean())


def _reach(network: Network, task: Task, distance: int) -> NDArray[np.float64]:
    batch = task.draw(np.random.default_rng(2**32 + 1), GRADIENT_ROWS, distance)

    def score(inputs: Array) -> Array:
        answers = apply_layers(network.layers, inputs)  # pyright: ignore[reportArgumentType]
        right = batch.targets.astype(int) if task.outputs > 1 else np.zeros(GRADIENT_ROWS, int)
        return answers[np.arange(GRADIENT_ROWS), right].sum()

    norms = np.linalg.norm(np.asarray(jax.jit(jax.grad(score))(batch.inputs), np.float64), axis=-1).mean(axis=0)
    return norms[::-1][1:] / norms[-1]


@jax.jit
def _answers(layers: Any, inputs: Array) -> Array:
    return apply_layers(layers, inputs)


def _stack(networks: Sequence[Network]) -> tuple[Any, Any]:
    """The learned arrays of alike networks with a leading axis of seeds, and what they have in common."""
    parts = [split_parameters(network.layers) for network in networks]
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *(learned for learned, _ in parts)), parts[0][1]
