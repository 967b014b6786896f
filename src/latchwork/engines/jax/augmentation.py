"""Training inputs changed anew for each batch, by numbers that follow from JAX's key."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from latchwork.transforms.augmentation import AffineImages, Augmentation


def augmented(
    augmentation: Augmentation | AffineImages, inputs: Float[Array, "batch time features"], key: PRNGKeyArray
) -> Float[Array, "batch time features"]:
    """The changed inputs; an augmentation of one's own draws what it needs from the key itself."""
    if not isinstance(augmentation, AffineImages):
        return augmentation(inputs, key)
    return augmentation.changed(inputs, jax.random.uniform(key, (len(inputs), AffineImages.DRAWS), minval=-1.0))
