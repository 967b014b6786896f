"""What a compiled step minimises: functions of a model and a batch.

`CompiledObjective` is what a user writes for another shape of work (a language model that carries its state from batch
to batch); `SupervisedFunction` is `training.Supervised` as JAX runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latchwork.engines.jax.alignment import labels_held
from latchwork.engines.jax.augmentation import augmented
from latchwork.engines.jax.layers import Key, Lengths, has_dropout
from latchwork.engines.jax.network import States, initial_states, learned_array, run_layers
from latchwork.engines.steps import Penalty
from latchwork.transforms.augmentation import Augmentation, DrawnChange

Batch = Mapping[str, Array]
RowLoss = Callable[..., Array]


@runtime_checkable
class CompiledObjective(Protocol):
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
class SupervisedFunction:
    """Inputs to targets through a network's layers, one loss for each row.

    Where states are carried, the gradients stop at a batch's beginning (truncated back-propagation through time,
    Williams & Peng 1990).

    Args:
        loss: of `(outputs, targets)`, a value for each row.
        metrics: further ones, each with its name.
        augmentation: changes the inputs of each training batch anew.
        by_values: rows count by their observed targets, so that the loss is a mean of values, not of rows.
        penalties: what the size of learned arrays adds to the loss.
        targets: what the loss takes, and so which targets were not observed: `numbers` that are NaN, `classes` below 0;
            `labels` are aligned with the steps, and losses take the lengths as well.
            None for a loss of one's own, which is given all targets as they are.
        carried: each batch begins with the states that the one before has ended with.
    """

    loss: RowLoss
    metrics: tuple[tuple[str, RowLoss], ...] = ()
    augmentation: Augmentation | DrawnChange | None = None
    by_values: bool = False
    penalties: tuple[Penalty, ...] = ()
    targets: str | None = "numbers"
    carried: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The loss, then the metrics."""
        return ("loss", *(name for name, _ in self.metrics))

    def initial_carry(self, model: Any, batch_size: int) -> States:
        """Zeros for each recurrent layer, or nothing."""
        return initial_states(model.layers, batch_size) if self.carried else ()

    def draws(self, model: Any) -> bool:
        """Where a layer drops something, or inputs are augmented."""
        return self.augmentation is not None or has_dropout(model)

    def __call__(
        self, model: Any, batch: Batch, carry: States, key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], States]]:
        """The mean loss, the weighted sums and the states after the batch, where they are carried."""
        inputs = batch["inputs"]
        if jnp.issubdtype(inputs.dtype, jnp.integer):
            inputs = inputs.astype(jnp.int32)  # tokens may lie in bytes
        if self.augmentation is not None and key is not None:
            key, draw = jax.random.split(key)
            inputs = augmented(self.augmentation, inputs, draw, batch.get("lengths"))
        states = carry if self.carried else None
        ran = run_layers(model.layers, inputs, states, batch.get("lengths"), key, batch.get("ahead"))
        outputs, after, lengths = ran
        given, counts = self._observed(batch["targets"], outputs, lengths)
        share = counts if self.by_values else counts > 0
        weight = batch["weight"] * share
        values = [term(outputs, *given) for term in (self.loss, *(metric for _, metric in self.metrics))]
        # A row of weight 0 must not turn the sum into NaN, whatever its output is.
        sums = [jnp.where(weight > 0, value * weight, 0).sum() for value in values]
        counted = jnp.maximum(jnp.where(weight > 0, share, 0).sum(), 1)
        penalty = sum((_cost(model, one) for one in self.penalties), start=jnp.zeros(()))
        loss, sums[0] = sums[0] / counted + penalty, sums[0] + penalty * weight.sum()
        return loss, (jnp.stack([*sums, weight.sum()]), jax.lax.stop_gradient(after))

    def _observed(self, targets: Array, outputs: Array, lengths: Lengths) -> tuple[tuple[Array, ...], Array]:
        """What the losses take beside the outputs, and how many targets of each row were observed."""
        if self.targets == "labels":
            lengths = jnp.full(len(outputs), outputs.shape[1]) if lengths is None else lengths
            return (targets, lengths), labels_held(targets, lengths, outputs.shape[-1])
        of_classes = self.targets == "classes"
        if lengths is not None and self.targets:
            targets = _until_end(targets, lengths, -1 if of_classes else jnp.nan)
        observed = targets >= 0 if of_classes else ~jnp.isnan(targets)
        return (targets,), observed.reshape(len(targets), -1).sum(axis=-1)


def _until_end(targets: Array, lengths: Array, none: int | float) -> Array:
    """The targets of each step; past a sequence's end none was observed."""
    real = (jnp.arange(targets.shape[1]) < lengths[:, None]).reshape(targets.shape[:2] + (1,) * (targets.ndim - 2))
    return jnp.where(real, targets, none)


def _cost(model: Any, penalty: Penalty) -> Float[Array, ""]:
    """What a learned array's size adds to the loss; a number at zero has no slope, as in the kernels and in Keras."""
    array = learned_array(model, penalty.name)
    return penalty.l1 * (jnp.sign(array) * array).sum() + penalty.l2 * (array * array).sum()
