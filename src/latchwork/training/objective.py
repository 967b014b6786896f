"""What `fit` minimises: a function of a model and a batch.

Most jobs need `Supervised`. A job with another shape of work (a language model that carries its state from batch to
batch, an ensemble) writes an objective of its own and gets blocks, checkpoints, schedules and progress with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latchwork.engines.jax.layers import Key, has_dropout
from latchwork.engines.jax.network import Network, apply_layers
from latchwork.training.losses import Loss

Batch = Mapping[str, Array]


class Objective(Protocol):
    """A frozen, hashable function; equal objectives share one compiled program."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the sums are sums of; the first is the loss."""
        ...

    def initial_carry(self, model: Any, batch_size: int) -> Any:
        """What the first batch of an epoch is given from a batch before; `()` where nothing is carried."""
        ...

    def draws(self, model: Any) -> bool:
        """Whether training draws anything at random; without it no step pays for a key."""
        ...

    def __call__(
        self, model: Any, batch: Batch, carry: Any, key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], Any]]:
        """The loss to minimise, then the sums and the next carry.

        `batch` has a `weight` for each row, 0 where the row only fills up the batch. The sums are one for each name,
        each weighted by row, and last the sum of the weights. Without a `key` nothing is dropped.
        """
        ...


@dataclass(frozen=True)
class Supervised:
    """Inputs to targets through a network's layers, one loss for each row.

    The loss of a batch is the weighted sum over its rows divided by the number of its rows, as in Keras.
    """

    loss: Loss
    metrics: tuple[tuple[str, Loss], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The loss, then the metrics."""
        return ("loss", *(name for name, _ in self.metrics))

    def initial_carry(self, model: Network, batch_size: int) -> tuple[()]:
        """Nothing is carried."""
        return ()

    def draws(self, model: Network) -> bool:
        """Where a layer drops something."""
        return has_dropout(model)

    def __call__(
        self, model: Network, batch: Batch, carry: tuple[()], key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], tuple[()]]]:
        """The mean loss, the weighted sums and the empty carry."""
        outputs = apply_layers(model.layers, batch["inputs"], batch.get("lengths"), key)
        targets, weight = batch["targets"], batch["weight"]
        values = [measure(outputs, targets) for measure in (self.loss, *(metric for _, metric in self.metrics))]
        # A row of weight 0 must not turn the sum into NaN, whatever its output is.
        sums = [jnp.where(weight > 0, value * weight, 0).sum() for value in values]
        rows = jnp.maximum((weight > 0).sum(), 1)
        return sums[0] / rows, (jnp.stack([*sums, weight.sum()]), carry)


@dataclass(frozen=True)
class SideBySide:
    """Independent networks trained side by side: an ensemble, or a network for each of many series.

    The model is a `Network` whose every array has a first axis of members (`Network.stacked`); each row of inputs and
    targets holds an example for each member. All see the same rows in the same order and none knows of the others; the
    figures are their mean.
    """

    inner: Supervised

    @property
    def names(self) -> tuple[str, ...]:
        """The inner objective's."""
        return self.inner.names

    def initial_carry(self, model: Network, batch_size: int) -> tuple[()]:
        """Nothing is carried."""
        return ()

    def draws(self, model: Network) -> bool:
        """As the inner objective."""
        return self.inner.draws(model)

    def __call__(
        self, model: Network, batch: Batch, carry: tuple[()], key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], tuple[()]]]:
        """The sum of the members' losses, whose gradient is each member's own; the sums are their mean."""
        shared = {name: batch[name] for name in ("lengths", "weight") if name in batch}

        def one(model: Network, inputs: Array, targets: Array, key: Key) -> tuple[Array, Array]:
            loss, (sums, _) = self.inner(model, {"inputs": inputs, "targets": targets, **shared}, (), key)
            return loss, sums

        members = batch["inputs"].shape[1]
        keys = None if key is None else jax.random.split(key, members)
        axes = (0, 1, 1, None if keys is None else 0)
        losses, sums = eqx.filter_vmap(one, in_axes=axes)(model, batch["inputs"], batch["targets"], keys)
        return losses.sum(), (sums.mean(axis=0), carry)
