"""Labels in their order, whatever the steps: the loss of `training.ConnectionistTemporal` as Optax has it."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

Labels = Int[Array, "batch labels"]


@dataclass(frozen=True)
class TemporalLoss:
    """-log of the labels' probability, over the number of labels where `per_label`; class 0 is the blank."""

    per_label: bool

    def __call__(
        self, outputs: Float[Array, "batch time classes"], targets: Labels, lengths: Int[Array, " batch"]
    ) -> Float[Array, " batch"]:
        """The loss of each row; a large number where its steps cannot hold its labels."""
        past_end = (jnp.arange(outputs.shape[1]) >= lengths[:, None]).astype(outputs.dtype)
        none = (targets < 0).astype(outputs.dtype)
        cost = optax.ctc_loss(outputs, past_end, jnp.maximum(targets, 0), none, blank_id=0)
        return cost / jnp.maximum((1 - none).sum(axis=1), 1) if self.per_label else cost


def labels_held(targets: Labels, lengths: Int[Array, " batch"], classes: int) -> Int[Array, " batch"]:
    """How many labels a row counts by, at least one; none where its steps cannot hold them, or one is no class."""
    real = targets >= 0
    count = real.sum(axis=1)
    repeated = (real[:, 1:] & (targets[:, 1:] == targets[:, :-1])).sum(axis=1)
    known = (~real | ((targets > 0) & (targets < classes))).all(axis=1)
    return jnp.where(known & (count + repeated <= lengths), jnp.maximum(count, 1), 0)
