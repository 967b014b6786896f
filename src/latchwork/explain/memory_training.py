"""Training for the memory experiment: many small networks of one cell side by side, each with a setting of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.table import initial_parameters
from latchwork.engines.jax.network import Network, apply_layers, split_parameters
from latchwork.explain.memory_tasks import Batch, Task

CELLS: dict[str, type[spec.Recurrent]] = {
    "SimpleRNN": spec.SimpleRNN,
    "GRU": spec.GRU,
    "LSTM": spec.LSTM,
    "PeepholeLSTM": spec.PeepholeLSTM,
    "CoupledLSTM": spec.CoupledLSTM,
}
LAST_RATE = 0.1  # of the first one: where the cosine of the learning rate ends
SMALL_INPUTS = 0.001  # standard deviation of the input weights beside an identity, as in its source


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


def train(
    task: Task, cell: str, training: Training, distance: int, each: Sequence[tuple[Setting, int]]
) -> list[Network]:
    """Networks trained on one task at one distance, side by side.

    Args:
        task: one of `memory_tasks.TASKS`.
        cell: one of `CELLS`.
        training: what they have in common.
        distance: between what is shown and the question.
        each: every network's setting, and the seed of its first values and of its sequences; one activation for all.

    Returns:
        The trained networks in that order.
    """
    networks = [initial_network(task, cell, training.units, distance, *one) for one in each]
    learned, rest = _stack(networks)
    rates, clips = (np.array([getattr(setting, name) for setting, _ in each]) for name in ("rate", "clip"))
    state = jax.vmap(optax.scale_by_adam().init)(learned)
    step = _training_step(rest, task.outputs)
    schedule = np.asarray(optax.cosine_decay_schedule(1.0, training.steps, LAST_RATE)(np.arange(training.steps)))
    randoms = {seed: np.random.default_rng([seed, 1]) for _, seed in each}
    for share in schedule:
        drawn = {seed: task.draw(random, training.batch_size, distance) for seed, random in randoms.items()}
        batch = jax.tree.map(lambda *arrays: np.stack(arrays), *(drawn[seed] for _, seed in each))
        learned, state = step(learned, state, batch, rates * share, clips)
    return [
        Network(eqx.combine(jax.tree.map(lambda array: array[at], learned), rest), network.spec)  # noqa: B023
        for at, network in enumerate(networks)
    ]


def initial_network(task: Task, cell: str, units: int, distance: int, setting: Setting, seed: int) -> Network:
    """The network before its first step: recurrent layer and answer."""
    layer = CELLS[cell](units)
    if isinstance(layer, spec.SimpleRNN):
        layer = spec.SimpleRNN(units, activation=setting.activation)
    described = spec.Sequential([layer, spec.Dense(task.outputs)], input_shape=(None, task.features))
    parameters = initial_parameters(described, seed)
    random = np.random.default_rng([seed, 2])
    changed: dict[str, NDArray[np.float32]] = {}
    if setting.recurrent == "identity":
        content = next(at for at, gate in enumerate(layer.gates) if gate in {"hidden", "candidate"})
        columns = slice(content * units, (content + 1) * units)
        for name, block in (
            ("hidden_weight", np.eye(units)),
            ("input_weight", random.normal(0, SMALL_INPUTS, (task.features, units))),
        ):
            changed[f"layers.0.{name}"] = np.array(parameters[f"layers.0.{name}"])
            changed[f"layers.0.{name}"][:, columns] = block
    if setting.gates == "spans":
        name = "layers.0.input_bias" if cell == "GRU" else "layers.0.bias"
        changed[name] = _spans(layer, np.array(parameters[name]), random, distance)
    return Network.from_parameters(described, parameters | changed)


def _spans(
    layer: spec.Recurrent, bias: NDArray[np.float32], random: np.random.Generator, distance: int
) -> NDArray[np.float32]:
    keep = {"forget": 1, "update": 1, "input": -1}  # the gates that keep, and the one that writes over
    spans = np.log(random.uniform(1, distance + 1, layer.units))
    for at, gate in enumerate(layer.gates):
        if gate in keep:
            bias[at * layer.units : (at + 1) * layer.units] = keep[gate] * spans
    return bias


def _training_step(rest: Any, outputs: int) -> Callable[..., Any]:
    adam = optax.scale_by_adam()

    def loss(learned: Any, batch: Batch) -> Float[Array, ""]:
        answers = apply_layers(eqx.combine(learned, rest), batch.inputs)  # pyright: ignore[reportArgumentType]
        if outputs == 1:
            return jnp.square(answers[:, 0] - batch.targets).mean()
        return optax.softmax_cross_entropy_with_integer_labels(answers, batch.targets.astype(int)).mean()

    def one(learned: Any, state: Any, batch: Batch, rate: Array, clip: Array) -> tuple[Any, Any]:
        gradient = jax.grad(loss)(learned, batch)
        norm = jnp.sqrt(sum(jnp.square(array).sum() for array in jax.tree.leaves(gradient)))
        share = jnp.minimum(1, clip / norm)
        updates, state = adam.update(jax.tree.map(lambda array: array * share, gradient), state)
        return optax.apply_updates(learned, jax.tree.map(lambda update: -rate * update, updates)), state

    return jax.jit(jax.vmap(one))


def _stack(networks: Sequence[Network]) -> tuple[Any, Any]:
    """The learned arrays of alike networks with a leading axis of networks, and what they have in common."""
    parts = [split_parameters(network.layers) for network in networks]
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *(learned for learned, _ in parts)), parts[0][1]
