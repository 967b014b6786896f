"""JAX as one writes it by hand: every step of the epoch in one compiled `lax.scan`, members by `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array
from numpy.typing import NDArray

from latchwork.bench.cases import Case
from latchwork.bench.peers import Answer
from latchwork.bench.work import Work
from latchwork.core import spec

Weights = Mapping[str, Array]


class Trainer:
    """The whole round is one call of one compiled function."""

    first_step_seconds: float | None = None

    def __init__(self, case: Case, works: list[Work]) -> None:
        """Put the data on the device."""
        network = case.network
        optimizer = {
            "rmsprop": lambda: optax.rmsprop(case.learning_rate, decay=0.9, eps=1e-7, eps_in_sqrt=True),
            "adam": lambda: optax.adam(case.learning_rate, eps=1e-7),
            "sgd": lambda: optax.sgd(case.learning_rate),
        }[case.optimizer]()

        def loss(weights: Weights, batch: tuple[Array, Array, Array | None]) -> Array:
            inputs, targets, lengths = batch
            outputs = apply(network, weights, inputs, lengths)
            if case.loss == "squared error":
                return jnp.square(outputs - targets).mean()
            if case.loss == "labels":
                return _of_labels(outputs, targets, lengths)
            return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

        def step(carry: tuple[Any, Any], batch: Any) -> tuple[tuple[Any, Any], Array]:
            weights, state = carry
            value, gradients = jax.value_and_grad(loss)(weights, batch)
            updates, state = optimizer.update(gradients, state, weights)
            return (optax.apply_updates(weights, updates), state), value

        def run(weights: Weights, state: Any, batches: Any) -> tuple[Weights, Any, Array]:
            def epoch(carry: Any, _: None) -> tuple[Any, Array]:
                return lax.scan(step, carry, batches)

            (weights, state), losses = lax.scan(epoch, (weights, state), None, length=case.epochs)
            return weights, state, losses.mean()

        parts = [(work.inputs, work.targets, work.lengths) for work in works]
        weights = [work.parameters for work in works]
        self.forward: Callable[..., Array] = lambda w, x, n: apply(network, w, x, n)
        if case.members > 1:
            self.batches: Any = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *parts)
            self.weights: Any = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *weights)
            run, self.forward = jax.vmap(run), jax.vmap(self.forward)
            self.state: Any = jax.jit(jax.vmap(optimizer.init))(self.weights)
        else:
            self.batches = jax.tree.map(jnp.asarray, parts[0])
            self.weights = jax.tree.map(jnp.asarray, weights[0])
            self.state = jax.jit(optimizer.init)(self.weights)
        self.many = case.members > 1
        self.run = jax.jit(run, donate_argnums=(0, 1))

    def first_outputs(self) -> NDArray[Any]:
        """The network, compiled."""
        inputs, _, lengths = jax.tree.map(lambda array: array[:, 0] if self.many else array[0], self.batches)
        outputs = np.asarray(jax.jit(self.forward)(self.weights, inputs, lengths))
        return outputs if self.many else outputs[None]

    def round(self) -> float:
        """One call."""
        self.weights, self.state, loss = self.run(self.weights, self.state, self.batches)
        return float(np.mean(loss))


def _of_labels(outputs: Array, targets: Array, lengths: Array | None) -> Array:
    assert lengths is not None
    past_end = (jnp.arange(outputs.shape[1]) >= lengths[:, None]).astype(outputs.dtype)
    none = (targets < 0).astype(outputs.dtype)
    return (optax.ctc_loss(outputs, past_end, jnp.maximum(targets, 0), none) / (1 - none).sum(axis=1)).mean()


def answerer(case: Case, work: Work) -> Answer:
    """A compiled function of NumPy inputs; a step's state stays on the device."""
    weights = jax.tree.map(jnp.asarray, work.parameters)
    inputs = work.inputs[0]
    if case.kind == "sequence":
        whole = jax.jit(lambda x: apply(case.network, weights, x, None))
        return lambda: np.asarray(whole(inputs))
    own = _own(weights, "layers.0.")

    @jax.jit
    def step(x: Array, state: Any) -> tuple[Array, Any]:
        state, hidden = _lstm(own)(state, x @ own["input_weight"] + own["bias"])
        return hidden @ weights["layers.1.weight"] + weights["layers.1.bias"], state

    state = (jnp.zeros((case.batch, own["hidden_weight"].shape[0])),) * 2
    return lambda: np.asarray(step(inputs[:, 0], state)[0])


def apply(network: spec.Sequential, weights: Weights, inputs: Array, lengths: Array | None) -> Array:
    """The network on a batch."""
    values = inputs
    for index, layer in enumerate(network.layers):
        own = _own(weights, f"layers.{index}.")
        match layer:
            case spec.Embedding():
                values = own["weight"][values]
            case spec.Dense():
                values = values @ own["weight"] + own["bias"]
            case spec.Bidirectional():
                both = [(_own(own, "forward."), False), (_own(own, "backward."), True)]
                values = jnp.concatenate([_recur(layer.layer, w, values, lengths, back) for w, back in both], axis=-1)
            case spec.Recurrent():
                values = _recur(layer, own, values, lengths, False)
            case _:
                raise TypeError(f"no peer of {layer!r}")
    return values


def _recur(layer: spec.Recurrent, own: Weights, inputs: Array, lengths: Array | None, back: bool) -> Array:
    cell = CELLS[type(layer)](own)
    bias = own["input_bias" if isinstance(layer, spec.GRU) else "bias"]
    projected = jnp.swapaxes(inputs @ own["input_weight"] + bias, 0, 1)
    zeros = jnp.zeros((inputs.shape[0], layer.units))

    def step(state: Any, at: tuple[Array, Array]) -> tuple[Any, Array]:
        new, hidden = cell(state, at[0])
        if lengths is None:
            return new, hidden
        real = (at[1] < lengths)[:, None]
        return jax.tree.map(lambda a, b: jnp.where(real, a, b), new, state), jnp.where(real, hidden, 0)

    first = (zeros, zeros) if isinstance(layer, spec.LSTM) else (zeros,)
    state, outputs = lax.scan(step, first, (projected, jnp.arange(inputs.shape[1])), reverse=back)
    return jnp.swapaxes(outputs, 0, 1) if layer.return_sequences else state[0]


def _lstm(own: Weights) -> Callable[[Any, Array], tuple[Any, Array]]:
    def step(state: Any, projected: Array) -> tuple[Any, Array]:
        i, f, g, o = jnp.split(projected + state[0] @ own["hidden_weight"], 4, axis=-1)
        cell = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    return step


def _gru(own: Weights) -> Callable[[Any, Array], tuple[Any, Array]]:
    def step(state: Any, projected: Array) -> tuple[Any, Array]:
        r, z, n = jnp.split(projected, 3, axis=-1)
        h_r, h_z, h_n = jnp.split(state[0] @ own["hidden_weight"] + own["hidden_bias"], 3, axis=-1)
        update = jax.nn.sigmoid(z + h_z)
        hidden = (1 - update) * jnp.tanh(n + jax.nn.sigmoid(r + h_r) * h_n) + update * state[0]
        return (hidden,), hidden

    return step


def _rnn(own: Weights) -> Callable[[Any, Array], tuple[Any, Array]]:
    def step(state: Any, projected: Array) -> tuple[Any, Array]:
        hidden = jnp.tanh(projected + state[0] @ own["hidden_weight"])
        return (hidden,), hidden

    return step


CELLS: dict[type[spec.Recurrent], Callable[[Weights], Callable[[Any, Array], tuple[Any, Array]]]] = {
    spec.LSTM: _lstm,
    spec.GRU: _gru,
    spec.SimpleRNN: _rnn,
}


def _own(weights: Weights, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
