"""Train the small models that the explorer shows, and write them with their sequences to web/data.

    python scripts/make_explorer_data.py [belt] [digits] [memory] [forecast] [letters TEXT]

Everything is drawn from fixed seeds. The belt's two sequences are the airline passengers (the last two years are never
trained on) and the dish of the first day; the digits are the article's LSTM(30); the forecast is `lw.Forecaster`'s of
the same passengers; the memory chapter shows what `latchwork memory` measures; the letters are learned from the file
TEXT, for the shipped model the collected plays of Shakespeare, which are in the public domain.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas

import latchwork as lw
from latchwork import datasets
from latchwork.core import storage
from latchwork.core.network import NetworkData
from latchwork.engines.jax.network import Network
from latchwork.explain.memory import Plan, measure_memory
from latchwork.explain.memory_tasks import Recall
from latchwork.transforms.vocabulary import fit_vocabulary

DATA = Path(__file__).resolve().parent.parent / "web" / "data"
CELLS = ("SimpleRNN", "GRU", "LSTM")  # whose memory is measured
# In the order that the page has.
BELT = {"LSTM": lw.LSTM, "GRU": lw.GRU, "SimpleRNN": lw.SimpleRNN, "SLSTM": lw.SLSTM}
UNITS = 8

HELD_BACK = 24  # months at the end, for the page to show as never seen
MONTHS = 60  # in a training sequence
DAYS = 14  # between the dish and the question
LETTERS = 80  # in a training sequence
SHOWN_LIVE = (10, 50, 100)  # distances whose networks the page runs
MEMORY = Plan(distances=(5, 10, 20, 50, 100, 200))

Batch = tuple[np.ndarray, np.ndarray]


def save_network(name: str, network: NetworkData, job: str = "example", **fitted: object) -> None:
    tensors = {f"network.{key}": array for key, array in network.parameters.items()}
    storage.save(DATA / name, {"job": job, "network": network.spec.to_dict(), "fitted": fitted}, tensors)


def train(
    network: Network, draw: Callable[[np.random.Generator], Batch], loss: Callable[..., jax.Array], steps: int
) -> Network:
    """Trained on `steps` batches so that its answer at every step of a sequence fits the target there."""
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(1e-2, steps)))

    @eqx.filter_jit
    def step(network, state, inputs, targets):
        value, gradient = eqx.filter_value_and_grad(lambda network: loss(network(inputs), targets).mean())(network)
        updates, state = optimizer.update(gradient, state)
        return eqx.apply_updates(network, updates), state, value

    random = np.random.default_rng(0)
    network = jax.tree.map(jnp.asarray, network)
    state = optimizer.init(eqx.filter(network, eqx.is_array))
    for done in range(1, steps + 1):
        network, state, value = step(network, state, *draw(random))
        if done % 500 == 0:
            print(f"{network.spec!r}, step {done}: loss {float(value):.4f}", flush=True)
    return network


def make_belt() -> None:
    months, passengers = datasets.airline()
    logs = np.log(passengers)
    seen = logs[:-HELD_BACK]
    mean, spread = float(seen.mean()), float(seen.std())
    scaled = ((seen - mean) / spread).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, MONTHS + 1)[..., None]
    series = {"months": months, "passengers": passengers.astype(int).tolist()}
    series |= {"mean": mean, "spread": spread, "held_back": HELD_BACK}
    (DATA / "airline.json").write_text(json.dumps(series))
    (DATA / "belt.json").write_text(json.dumps({"cells": list(BELT)}))

    def draw_months(random: np.random.Generator) -> Batch:
        chosen = windows[random.integers(0, len(windows), 16)]
        return chosen[:, :-1], chosen[:, 1:]

    def draw_dishes(random: np.random.Generator) -> Batch:
        batch = Recall(3).draw(random, 32, DAYS)
        return batch.inputs, np.repeat(batch.targets[:, None].astype(np.int32), DAYS + 1, axis=1)

    for name, cell in BELT.items():
        for sequence, draw, loss, features, answers in (
            ("airline", draw_months, optax.squared_error, 1, 1),
            ("dish", draw_dishes, optax.softmax_cross_entropy_with_integer_labels, 5, 3),
        ):
            layers = lw.Sequential([cell(UNITS, return_sequences=True), lw.Dense(answers)])
            network = train(Network.build(layers, (None, features)), draw, loss, 2000)
            save_network(f"{sequence}-{name}.latch", network.data())


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


def make_forecast() -> None:
    months, passengers = datasets.airline()
    frame = pandas.DataFrame({"month": months, "passengers": passengers})
    lw.Forecaster(horizon=12, train=False, progress="none").fit(frame).save(DATA / "forecast.latch")


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


def make_letters(path: Path) -> None:
    text = path.read_text("utf-8")
    vocabulary = fit_vocabulary("char", [text])
    letters = vocabulary.encode(text)

    def draw(random: np.random.Generator) -> Batch:
        starts = random.integers(0, len(letters) - LETTERS - 1, 24)
        chosen = letters[starts[:, None] + np.arange(LETTERS + 1)]
        return chosen[:, :-1], chosen[:, 1:]

    layers = [lw.Embedding(len(vocabulary), 24), lw.LSTM(80, return_sequences=True), lw.Dense(len(vocabulary))]
    network = train(
        Network.build(lw.Sequential(layers), (None,)), draw, optax.softmax_cross_entropy_with_integer_labels, 3000
    )
    save_network("letters.latch", network.data(), "text", vocabulary=vocabulary.to_dict(), tied=False)


if __name__ == "__main__":
    DATA.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[1:] or ["belt", "digits", "memory", "forecast"]
    if "letters" in parts:
        make_letters(Path(parts.pop(parts.index("letters") + 1)))
        parts.remove("letters")
    for part in parts:
        {"belt": make_belt, "digits": make_digits, "memory": make_memory, "forecast": make_forecast}[part]()
