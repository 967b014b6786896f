"""What a language model is trained to make small: the bits of each next token, its state carried between windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latchwork.engines.jax.layers import DescribedLayer, Key, RecurrentLayer, embedding_of, has_dropout
from latchwork.engines.jax.network import Network
from latchwork.engines.jax.objectives import Batch

States = tuple[Any, ...]


@dataclass(frozen=True)
class NextToken:
    """Cross-entropy of the next token, in nats; `bits` beside it are bits a token.

    The states that a window ends with are the ones that the next begins with; gradients stop there (truncated
    back-propagation through time, Williams & Peng 1990).

    Args:
        tied: the last layer uses the embedding's matrix, transposed (Press & Wolf 2017); its own is not learned.
        sampling: how training estimates the sum over a large vocabulary; exact where None. Evaluation is exact.
    """

    tied: bool = False
    sampling: Sampling | None = None

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
        """Where a layer drops something, or tokens are sampled."""
        return has_dropout(model) or self.sampling is not None

    def __call__(
        self, model: Network, batch: Batch, carry: States, key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], States]]:
        """The mean loss, the weighted sums and the states after the window."""
        features, states = self._run(model, batch["inputs"].astype(jnp.int32), carry, key)
        matrix, bias = self._output(model)
        # Every token a row: XLA multiplies two matrices faster than a stack of them.
        rows, targets = features.reshape(-1, features.shape[-1]), batch["targets"].astype(jnp.int32)
        if self.sampling is None or key is None:
            cost = _exact_cost(rows @ matrix.T + bias, targets.ravel())
        else:
            own = jax.random.fold_in(key, len(model.layers))
            cost = self.sampling.cost(rows, matrix, bias, targets.ravel(), own)
        cost, weight = cost.reshape(targets.shape).mean(axis=1), batch["weight"]
        loss = jnp.where(weight > 0, cost * weight, 0).sum()
        sums = jnp.stack([loss, loss / math.log(2), weight.sum()])
        return loss / jnp.maximum((weight > 0).sum(), 1), (sums, jax.lax.stop_gradient(states))

    def _run(self, model: Network, tokens: Array, carry: States, key: Key) -> tuple[Array, States]:
        """What the last layer is given, `[batch, time, features]`, and the last states."""
        states: list[Any] = []
        remaining = iter(carry)
        outputs = tokens
        for index, layer in enumerate(model.layers[:-1]):
            layer_key = None if key is None else jax.random.fold_in(key, index)
            if isinstance(layer, RecurrentLayer):
                outputs, state = layer.run(outputs, next(remaining), None, layer_key)
                states.append(state)
            else:
                outputs = layer(outputs, None, layer_key)
        return outputs, tuple(states)

    def _output(self, model: Network) -> tuple[Float[Array, "tokens features"], Float[Array, " tokens"]]:
        last = model.layers[-1]
        assert isinstance(last, DescribedLayer)
        return _embedding(model) if self.tied else last.parameters["weight"].T, last.parameters["bias"]


@dataclass(frozen=True)
class Sampling:
    """The sum over a large vocabulary from its most frequent tokens and a sample of the others.

    The first `frequent` tokens are summed exactly; of the rest `drawn` are drawn for each step, token w with a chance
    of about 1 / w (Zipf's law), and weighted by one over their chance, so that the expected sum is right. The target
    counts itself. Sampled softmax, Jean et al. 2015, but for the exact part, which takes most of its variance away.

    Args:
        tokens: size of the vocabulary, ordered roughly from frequent to rare.
        frequent: tokens that are summed exactly.
        drawn: tokens drawn of the others.
    """

    tokens: int
    frequent: int
    drawn: int

    def cost(
        self,
        features: Float[Array, "rows features"],
        matrix: Float[Array, "tokens features"],
        bias: Float[Array, " tokens"],
        targets: Int[Array, " rows"],
        key: Array,
    ) -> Float[Array, " rows"]:
        """Minus the estimated log-probability of each target."""
        span = math.log(self.tokens / self.frequent)
        drawn = self.frequent * jnp.exp(span * jax.random.uniform(key, (self.drawn,)))
        drawn = jnp.minimum(drawn.astype(jnp.int32), self.tokens - 1)
        expected = self.drawn * jnp.log1p(1 / drawn) / span  # how often each is drawn in a step
        frequent = features @ matrix[: self.frequent].T + bias[: self.frequent]
        sampled = features @ matrix[drawn].T + (bias[drawn] - jnp.log(expected))
        target = (features * matrix[targets]).sum(axis=-1) + bias[targets]
        rare = targets >= self.frequent
        sampled = jnp.where(drawn == targets[..., None], -jnp.inf, sampled)  # it counts itself, below
        sums = [jax.nn.logsumexp(frequent, axis=-1), jax.nn.logsumexp(sampled, axis=-1)]
        total = jnp.logaddexp(*sums)
        return jnp.where(rare, jnp.logaddexp(total, target), total) - target


def _exact_cost(scores: Float[Array, "rows tokens"], targets: Int[Array, " rows"]) -> Float[Array, " rows"]:
    # A comparison in place of indexing, whose gradient would be a scatter: three times slower over 8,000 tokens.
    chosen = jnp.arange(scores.shape[-1]) == targets[..., None]
    return jax.nn.logsumexp(scores, axis=-1) - jnp.where(chosen, scores, 0).sum(axis=-1)


def untie(model: Network) -> dict[str, Any]:
    """The parameters by name, the last layer's matrix being the embedding's after all."""
    parameters = model.parameters()
    parameters[f"layers.{len(model.layers) - 1}.weight"] = parameters["layers.0.weight"].T.copy()
    return parameters


def _embedding(model: Network) -> Array:
    weight = embedding_of(model.layers[0])
    assert weight is not None
    return weight
