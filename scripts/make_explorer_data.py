"""Train the small models that the explorer shows, and write them with their sequences to web/data.

    python scripts/make_explorer_data.py [belt] [digits] [memory]

Everything is drawn from fixed seeds. The belt's two sequences are the airline passengers (the last two years are never
trained on) and the dish of the first day; the digits are the article's LSTM(30); the memory chapter shows what
`latchwork memory` measures.
"""

import json
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import latchwork as lw
from latchwork import datasets, storage
from latchwork.explain.memory import Plan, measure_memory
from latchwork.explain.memory_tasks import Recall
from latchwork.network import Network

DATA = Path(__file__).resolve().parent.parent / "web" / "data"
CELLS = {"SimpleRNN": lw.SimpleRNN, "GRU": lw.GRU, "LSTM": lw.LSTM}
UNITS = 8

HELD_BACK = 24  # months at the end, for the page to show as never seen
WINDOW = 60  # months a training sequence
STEPS = 2000

DISHES = Plan(distances=(14,), steps=1500, units=UNITS, seeds=1)
SHOWN_LIVE = (10, 50, 100)  # distances whose networks the page runs
MEMORY = Plan(distances=(5, 10, 20, 50, 100, 200), steps=1000, seeds=3)


def save_network(name: str, network: Network, **fitted: object) -> None:
    tensors = {f"network.{key}": array for key, array in network.parameters().items()}
    storage.save(DATA / name, {"job": "example", "network": network.spec.to_dict(), "fitted": fitted}, tensors)


def make_belt() -> None:
    months, passengers = datasets.airline()
    logs = np.log(np.asarray(passengers, np.float64).reshape(-1))
    seen = logs[:-HELD_BACK]
    mean, spread = float(seen.mean()), float(seen.std())
    scaled = ((logs - mean) / spread).astype(np.float32)[:, None]
    sequences = {"months": list(months), "passengers": np.exp(logs).round().astype(int).tolist()}
    sequences |= {"mean": mean, "spread": spread, "held_back": HELD_BACK}
    (DATA / "airline.json").write_text(json.dumps(sequences))
    for name, cell in CELLS.items():
        network = train_next(
            Network.build(lw.Sequential([cell(UNITS, return_sequences=True), lw.Dense(1)]), (None, 1)),
            scaled[:-HELD_BACK],
        )
        save_network(f"airline-{name}.latch", network)
        memory = measure_memory(Recall(3), name, DISHES)
        print(f"{name}: the dish of the first day, accuracy {memory.accuracy.tolist()}")
        save_network(f"dish-{name}.latch", memory.networks[0])


def train_next(network: Network, series: np.ndarray) -> Network:
    """Trained to say, at every step of a window, what the next value is."""
    windows = np.lib.stride_tricks.sliding_window_view(series[:, 0], WINDOW + 1)[..., None]
    optimizer = optax.adam(optax.cosine_decay_schedule(1e-2, STEPS))

    @eqx.filter_jit
    def step(network, state, batch):
        def loss(network):
            return jnp.square(network(batch[:, :-1]) - batch[:, 1:]).mean()

        value, gradient = eqx.filter_value_and_grad(loss)(network)
        updates, state = optimizer.update(gradient, state)
        return eqx.apply_updates(network, updates), state, value

    random = np.random.default_rng(0)
    network = jax.tree.map(jnp.asarray, network)
    state = optimizer.init(eqx.filter(network, eqx.is_array))
    for _ in range(STEPS):
        network, state, value = step(network, state, windows[random.integers(0, len(windows), 16)])
    print(f"airline, {network.spec!r}: error {float(value) ** 0.5:.3f} of a standard deviation")
    return network


def make_digits() -> None:
    (images, labels), (test_images, test_labels) = datasets.mnist()
    network = lw.Sequential([lw.LSTM(30), lw.Dense(10)])
    digits = lw.SequenceClassifier(
        network, epochs=10, batch_size=128, optimizer="rmsprop", scaling=None, progress="lines"
    ).fit(images, labels)
    print(f"digits: test accuracy {digits.score(test_images, test_labels):.4f}")
    digits.save(DATA / "digits.latch")
    # One of each digit, and a few more, for those who would rather not draw.
    chosen = [int(np.flatnonzero(test_labels == digit)[at]) for at in range(2) for digit in range(10)]
    storage.save(
        DATA / "digit-samples.latch", {"job": "data"}, {"images": (test_images[chosen] * 255).round().astype(np.uint8)}
    )


def make_memory() -> None:
    task = Recall()
    cells = {}
    for name in CELLS:
        memory = measure_memory(task, name, MEMORY, note=print)
        reach = [float(f"{value:.3g}") for value in memory.reach]
        cells[name] = {"accuracy": memory.accuracy.tolist(), "reach": reach}
        for distance, network in zip(MEMORY.distances, memory.networks, strict=True):
            if distance in SHOWN_LIVE:
                save_network(f"memory-{name}-{distance}.latch", network)
    (DATA / "memory.json").write_text(
        json.dumps({"courses": task.courses, "distances": MEMORY.distances, "live": SHOWN_LIVE, "cells": cells})
    )


if __name__ == "__main__":
    DATA.mkdir(parents=True, exist_ok=True)
    for part in sys.argv[1:] or ["belt", "digits", "memory"]:
        {"belt": make_belt, "digits": make_digits, "memory": make_memory}[part]()
