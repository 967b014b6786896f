"""How far back each cell remembers, measured: accuracy against distance, and the gradient that reaches back.

Every cell has the same units, sequences and number of steps, at each distance anew; its setting (learning rate, first
weights, limit on the gradient) is the one that served it best in a search, on other seeds and other questions than
those here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.explain.memory_settings import setting_of
from latchwork.explain.memory_tasks import TOLERANCE, Task
from latchwork.explain.memory_training import Training, train
from latchwork.explain.passes import passes_of_data
from latchwork.training.history import History
from latchwork.training.progress import ProgressKind

QUICK_CELLS = ("SimpleRNN", "GRU", "LSTM")
TEST_ROWS = 200  # sequences at each distance
GRADIENT_ROWS = 32
QUESTIONS = 2**32  # seeds the sequences that every network is asked


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        distances: a network is trained and tested at each of them.
        seeds: networks of each cell at each distance.
        training: what all networks have in common.
    """

    distances: tuple[int, ...] = (1, 5, 10, 20, 50, 100, 200)
    seeds: int = 3
    training: Training = field(default_factory=Training)


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
        histories: of the training at each distance.
    """

    accuracy: NDArray[np.float64]
    reach: NDArray[np.float64]
    networks: list[NetworkData]
    histories: list[History] = field(default_factory=list[History])

    def medians(self) -> NDArray[np.float64]:
        """The median seed's accuracy at each distance."""
        return np.median(self.accuracy, axis=0)

    def horizon(self, distances: Sequence[int], threshold: float = 0.9) -> int:
        """The longest distance up to which the median seed's accuracy stays at `threshold` or above; 0 if none."""
        below = np.flatnonzero(self.medians() < threshold)
        reached = len(distances) if not len(below) else int(below[0])
        return distances[reached - 1] if reached else 0


def measure_memory(
    task: Task,
    cell: str,
    plan: Plan,
    seed: int = 0,
    note: Callable[[str], None] = lambda _: None,
    *,
    progress: ProgressKind = "none",
    checkpoint: Path | None = None,
) -> CellMemory:
    """Train networks of one cell on a task at each distance, and measure what they remember.

    Args:
        task: one of `TASKS`.
        cell: one of `memory_training.cells()`.
        plan: how to train and test.
        seed: the first network's; the others count on from it.
        note: called with a line after each distance.
        progress: what each training shows.
        checkpoint: a folder for the trainings' states, from which the same measurement goes on.

    Returns:
        Accuracies, gradient reach and the trained networks.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the block that was running.
    """
    seeds = range(seed, seed + plan.seeds)
    accuracies: list[list[float]] = []
    networks: list[list[NetworkData]] = []
    histories: list[History] = []
    for distance in plan.distances:
        setting = setting_of(task.name, cell, distance)
        folder = None if checkpoint is None else checkpoint / f"{task.name}-{cell}-{distance}"
        trained, history = train(
            task,
            cell,
            plan.training,
            distance,
            [(setting, each) for each in seeds],
            progress=progress,
            checkpoint=folder,
        )
        networks.append(trained)
        histories.append(history)
        accuracies.append([ask(network, task, distance)[0] for network in trained])
        note(f"{cell}, {distance} steps back: accuracy {np.median(accuracies[-1]):.2f}")
    reaches = [_reach(network, task, plan.distances[-1]) for network in networks[-1]]
    return CellMemory(
        accuracy=np.asarray(accuracies).T,
        reach=np.median(reaches, axis=0),
        networks=[trained[0] for trained in networks],
        histories=histories,
    )


def ask(network: NetworkData, task: Task, distance: int, seed: int = QUESTIONS) -> tuple[float, float]:
    """The share of right answers to questions drawn from `seed`, and the mean loss."""
    batch = task.draw(np.random.default_rng(seed), TEST_ROWS, distance)
    answers = passes_of_data(network).answers(batch.inputs).astype(np.float64)
    if task.outputs == 1:
        missed = answers[:, 0] - batch.targets
        return float((np.abs(missed) < TOLERANCE).mean()), float(np.square(missed).mean())
    right = answers[np.arange(TEST_ROWS), batch.targets.astype(int)]
    losses = np.logaddexp.reduce(answers, axis=1) - right
    return float((answers.argmax(axis=1) == batch.targets).mean()), float(losses.mean())


def _reach(network: NetworkData, task: Task, distance: int) -> NDArray[np.float64]:
    batch = task.draw(np.random.default_rng(QUESTIONS + 1), GRADIENT_ROWS, distance)
    right = batch.targets.astype(int) if task.outputs > 1 else np.zeros(GRADIENT_ROWS, int)
    by_answers = np.eye(task.outputs, dtype=np.float32)[right]
    _, gradient = passes_of_data(network).gradient(batch.inputs, by_answers)
    norms = np.linalg.norm(gradient.astype(np.float64), axis=-1).mean(axis=0)
    return norms[::-1][1:] / norms[-1]
