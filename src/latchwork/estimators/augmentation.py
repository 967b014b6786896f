"""Changes to training sequences that leave their class as it is, drawn anew for each batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class Augmentation(Protocol):
    """A frozen, hashable function of a batch of inputs."""

    def __call__(self, inputs: Array, key: PRNGKeyArray) -> Array:
        """Changed inputs of the same shape."""
        ...


@dataclass(frozen=True)
class AffineImages:
    """Turns, stretches, slants and moves images that are read row by row, by amounts drawn for each image.

    Args:
        rotation: largest angle, in radians.
        scale: largest share that height or width grows or shrinks by.
        shear: largest slant, as a share of the height.
        shift: largest move, in pixels, down or across.
    """

    rotation: float = 0.15
    scale: float = 0.1
    shear: float = 0.15
    shift: float = 2.0

    def __call__(self, inputs: Float[Array, "batch rows columns"], key: PRNGKeyArray) -> Array:
        """The changed images, sampled with bilinear interpolation; what comes from outside is zero."""
        batch, rows, columns = inputs.shape
        draw = jax.random.uniform(key, (batch, 6), minval=-1.0, maxval=1.0)
        angle, shear = self.rotation * draw[:, 0], self.shear * draw[:, 1]
        tall, wide = 1 + self.scale * draw[:, 2], 1 + self.scale * draw[:, 3]
        down, across = self.shift * draw[:, 4], self.shift * draw[:, 5]
        # Where each pixel of the new image comes from, about the middle: rotation, then slant, then stretch.
        y, x = jnp.meshgrid(jnp.arange(rows) - (rows - 1) / 2, jnp.arange(columns) - (columns - 1) / 2, indexing="ij")
        cos, sin = jnp.cos(angle)[:, None, None], jnp.sin(angle)[:, None, None]
        from_y = (cos * y - sin * x) * tall[:, None, None] + down[:, None, None] + (rows - 1) / 2
        from_x = (sin * y + cos * x + shear[:, None, None] * y) * wide[:, None, None]
        from_x = from_x + across[:, None, None] + (columns - 1) / 2
        return jax.vmap(_sample)(inputs, from_y, from_x)


def _sample(image: Float[Array, "rows columns"], y: Array, x: Array) -> Array:
    """Bilinear interpolation at fractional positions; zero outside the image."""
    top, left = jnp.floor(y).astype(jnp.int32), jnp.floor(x).astype(jnp.int32)
    below, right = y - top, x - left

    def at(row: Array, column: Array) -> Array:
        inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
        return jnp.where(inside, image[row, column], 0)

    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return (1 - below) * upper + below * lower
