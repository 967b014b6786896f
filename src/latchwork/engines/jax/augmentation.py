"""Training inputs changed anew for each batch, by numbers that follow from JAX's key."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from latchwork.transforms.augmentation import Augmentation, DrawnChange


def augmented(
    augmentation: Augmentation | DrawnChange,
    inputs: Float[Array, "batch time features"],
    key: PRNGKeyArray,
    lengths: Int[Array, " batch"] | None = None,
) -> Float[Array, "batch time features"]:
    """The changed inputs; an augmentation of one's own draws what it needs from the key itself."""
    if not isinstance(augmentation, DrawnChange):
        return augmentation(inputs, key)
    draws = jax.random.uniform(key, (len(inputs), augmentation.DRAWS), minval=-1.0)
    return augmentation.changed(inputs, draws, lengths)
