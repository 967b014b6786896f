"""Random models with what Python computes for one sequence each, for the JavaScript engine to be held against.

Each file is an ordinary .latch file with three more tensors: `example.input`, `expected.output` and
`expected.influence` (gradient times input of the answer's last number), and the traces of its recurrent layers.
"""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from latchwork.core import spec, storage
from latchwork.core.table import CELLS
from latchwork.engines.jax.network import Network, apply_layers

TIME, FEATURES, TOKENS = 6, 3, 7

ARCHITECTURES: list[list[spec.Layer]] = [
    layers
    for cell in CELLS
    for layers in (
        [cell(5), spec.Dense(4)],
        [spec.Embedding(TOKENS, 4), cell(5, return_sequences=True), spec.Dense(TOKENS)],
        [spec.Bidirectional(cell(3, return_sequences=True)), spec.LayerNorm(), cell(4, reverse=True)],
        [
            spec.Dense(4, activation="relu"),
            spec.Bidirectional(cell(3)),
            spec.Dropout(0.5),
            spec.Dense(2, activation="sigmoid"),
        ],
        [
            cell(4, return_sequences=True),
            spec.LayerNorm(),
            spec.Pooling(("first", "last", "mean", "max")),
            spec.Dense(3, activation="tanh"),
        ],
    )
] + [
    *([cell(6, heads=2), spec.Dense(2)] for cell in CELLS if "heads" in {f.name for f in fields(cell)}),
    [spec.SimpleRNN(6, activation="relu"), spec.Dense(1)],
]


def write_models(folder: Path, count: int) -> None:
    """Write `count` models, the architectures in turn, each with random parameters and a random sequence."""
    for number in range(count):
        layers = ARCHITECTURES[number % len(ARCHITECTURES)]
        document, tensors = random_model(layers, np.random.default_rng(number))
        storage.save(folder / f"{number:03}-{layers[0]!r}.latch", document, tensors)


def random_model(layers: list[spec.Layer], random: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    embedded = isinstance(layers[0], spec.Embedding)
    network = spec.Sequential(layers, input_shape=(None,) if embedded else (None, FEATURES))
    parameters = {
        name: random.normal(0, 0.7, shape).astype(np.float32) for name, shape in network.parameter_shapes().items()
    }
    sequence = (
        random.integers(0, TOKENS, TIME, dtype=np.int32)
        if embedded
        else random.normal(size=(TIME, FEATURES)).astype(np.float32)
    )
    output, influence = _answer(Network.from_parameters(network, parameters), sequence)
    tensors = {f"network.{name}": array for name, array in parameters.items()} | {
        "example.input": sequence,
        "expected.output": np.asarray(output),
        "expected.influence": np.asarray(influence),
    }
    return {"job": "classification", "network": network.to_dict()}, tensors


@eqx.filter_jit
def _answer(network: Network, sequence: jax.Array) -> tuple[jax.Array, jax.Array]:
    layers, read = network.layers, jnp.asarray(sequence)
    if isinstance(network.spec.layers[0], spec.Embedding):
        read, layers = layers[0](read[None])[0], layers[1:]

    def last_number(read: jax.Array) -> tuple[jax.Array, jax.Array]:
        output = apply_layers(layers, read[None])[0]
        return output.reshape(-1)[-1], output

    gradient, output = jax.grad(last_number, has_aux=True)(read)
    return output, gradient * read


if __name__ == "__main__":
    write_models(Path(sys.argv[1]), int(sys.argv[2]))
