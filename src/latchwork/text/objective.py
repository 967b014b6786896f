"""What a language model is trained to make small: the bits of each next token, its state carried between windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latchwork.layers import DenseLayer, EmbeddingLayer, Key, RecurrentLayer, has_dropout
from latchwork.network import Network
from latchwork.training.objective import Batch

States = tuple[Any, ...]


@dataclass(frozen=True)
class NextToken:
    """Cross-entropy of the next token, in nats; `bits` beside it are bits a token.

    The states that a window ends with are the ones that the next begins with; gradients stop there (truncated
    back-propagation through time, Williams & Peng 1990).

    Args:
        tied: the last layer uses the embedding's matrix, transposed (Press & Wolf 2017); its own is not learned.
    """

    tied: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The loss in nats and in bits."""
        return ("loss", "bits")

    def initial_carry(self, model: Network, batch_size: int) -> States:
        """Zeros, one state for each recurrent layer."""
        return tuple(
            layer.cell.initial_state((batch_size,)) for layer in model.layers if isinstance(layer, RecurrentLayer)
        )

    def draws(self, model: Network) -> bool:
        """Where a layer drops something."""
        return has_dropout(model)

    def __call__(
        self, model: Network, batch: Batch, carry: States, key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], States]]:
        """The mean loss, the weighted sums and the states after the window."""
        outputs, states = self._run(model, batch["inputs"].astype(jnp.int32), carry, key)
        # A comparison in place of indexing, whose gradient would be a scatter: three times slower over 8,000 tokens.
        chosen = jnp.arange(outputs.shape[-1]) == batch["targets"].astype(jnp.int32)[..., None]
        score = jnp.where(chosen, outputs, 0).sum(axis=-1)
        cost = (jax.nn.logsumexp(outputs, axis=-1) - score).mean(axis=1)
        weight = batch["weight"]
        loss = jnp.where(weight > 0, cost * weight, 0).sum()
        sums = jnp.stack([loss, loss / math.log(2), weight.sum()])
        return loss / jnp.maximum((weight > 0).sum(), 1), (sums, jax.lax.stop_gradient(states))

    def _run(self, model: Network, tokens: Array, carry: States, key: Key) -> tuple[Array, States]:
        """Scores `[batch, time, tokens]` and the last states."""
        states: list[Any] = []
        remaining = iter(carry)
        outputs = tokens
        for index, layer in enumerate(model.layers):
            layer_key = None if key is None else jax.random.fold_in(key, index)
            if isinstance(layer, RecurrentLayer):
                outputs, state = layer.run(outputs, next(remaining), None, layer_key)
                states.append(state)
            elif self.tied and layer is model.layers[-1]:
                outputs = outputs @ _embedding(model).T + _dense(layer).bias
            else:
                outputs = layer(outputs, None, layer_key)
        return outputs, tuple(states)


def untie(model: Network) -> dict[str, Any]:
    """The parameters by name, the last layer's matrix being the embedding's after all."""
    parameters = model.parameters()
    parameters[f"layers.{len(model.layers) - 1}.weight"] = parameters["layers.0.weight"].T.copy()
    return parameters


def _embedding(model: Network) -> Array:
    layer = model.layers[0]
    assert isinstance(layer, EmbeddingLayer)
    return layer.weight


def _dense(layer: Any) -> DenseLayer:
    assert isinstance(layer, DenseLayer)
    return layer
