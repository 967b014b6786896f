"""How each cell of the memory experiment trains best: the same search, at the same cost, for every cell.

    python bench/memory_settings.py [--task recall] [--cells SimpleRNN,LSTM] [--out settings.json]
    python bench/memory_settings.py --task adding --rates 1e-4,1e-3,1e-2,3e-2 --seeds 1    # the coarser search

At each of two distances: every rate with every start, then other limits on the gradient with the two best of these,
each from as many seeds as `--seeds` says. The best has the highest mean accuracy, among equals the lowest loss. These
seeds, and the sequences that the networks are asked here, are not those of `latchwork memory`. The winners stand in
latchwork/explain/memory_settings.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from pathlib import Path

import numpy as np

from latchwork.core.errors import LatchworkError
from latchwork.core.network import NetworkData
from latchwork.explain.memory import ask
from latchwork.explain.memory_settings import TUNED_DISTANCES
from latchwork.explain.memory_tasks import TASKS, Task
from latchwork.explain.memory_training import Setting, Training, cells, train

RATES = "3e-5,1e-4,3e-4,1e-3,3e-3,1e-2,3e-2"
CLIPS = (0.01, 0.1, 10.0)  # tried beside 1
FIRST_SEED = 1000
QUESTIONS = 2**33  # seeds the sequences that are asked


def starts(cell: str) -> list[Setting]:
    """Four for every cell."""
    second = {"activation": ("tanh", "relu")} if cell == "SimpleRNN" else {"gates": ("plain", "spans")}
    ((name, choices),) = second.items()
    return [
        dataclasses.replace(Setting(), recurrent=recurrent, **{name: choice})
        for recurrent, choice in itertools.product(("orthogonal", "identity"), choices)
    ]


def measure(
    task: Task, cell: str, settings: list[Setting], distance: int, seeds: range
) -> dict[Setting, list[tuple[float, float]]]:
    """For each setting every seed's accuracy and loss."""
    results: dict[Setting, list[tuple[float, float]]] = {}
    for activation in ("tanh", "relu"):
        each = [(one, seed) for one in settings if one.activation == activation for seed in seeds]
        networks = trained(task, cell, distance, each) if each else []
        for (setting, _), network in zip(each, networks, strict=True):
            scores = (0.0, np.nan) if network is None else ask(network, task, distance, QUESTIONS)
            results.setdefault(setting, []).append(scores)
    return results


def trained(task: Task, cell: str, distance: int, each: list[tuple[Setting, int]]) -> list[NetworkData | None]:
    """The networks; None for one whose loss stopped being a number, for which the others are trained apart."""
    try:
        return list(train(task, cell, Training(), distance, each)[0])
    except LatchworkError:
        if len(each) == 1:
            return [None]
    half = len(each) // 2
    return trained(task, cell, distance, each[:half]) + trained(task, cell, distance, each[half:])


def best_first(results: dict[Setting, list[tuple[float, float]]]) -> list[Setting]:
    def order(setting: Setting) -> tuple[float, float]:
        accuracy, loss = np.mean(results[setting], axis=0)
        return -accuracy, np.nan_to_num(loss, nan=np.inf)

    return sorted(results, key=order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="recall", choices=list(TASKS))
    parser.add_argument("--cells", default=",".join(cells()))
    parser.add_argument("--rates", default=RATES)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    task, seeds = TASKS[arguments.task], range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    rates = [float(rate) for rate in arguments.rates.split(",")]

    rows: list[dict[str, object]] = []
    for cell, distance in itertools.product(arguments.cells.split(","), TUNED_DISTANCES):
        began = time.perf_counter()
        first = [dataclasses.replace(start, rate=rate) for start in starts(cell) for rate in rates]
        results = measure(task, cell, first, distance, seeds)
        again = [dataclasses.replace(one, clip=clip) for one in best_first(results)[:2] for clip in CLIPS]
        results |= measure(task, cell, again, distance, seeds)
        seconds = time.perf_counter() - began
        print(f"{task.name}, {cell}, {distance} back: {len(results)} settings in {seconds:.0f} s", flush=True)
        for setting in best_first(results):
            scores = "  ".join(f"{accuracy:4.0%} ({loss:.3f})" for accuracy, loss in results[setting])
            print(f"  {scores}  {setting}", flush=True)
            rows.append({"cell": cell, "distance": distance, **dataclasses.asdict(setting), "seeds": results[setting]})
    if arguments.out:
        arguments.out.write_text(json.dumps({"task": task.name, "settings": rows}, indent=1))


if __name__ == "__main__":
    main()
