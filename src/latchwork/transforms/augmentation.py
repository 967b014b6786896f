"""Changes to training sequences that leave their class as it is, drawn anew for each batch.

`AffineImages` is plain data: the engine that trains draws its numbers. One's own augmentation is a function over JAX's
arrays, and trains through JAX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from latchwork.core.arrays import namespace


class Augmentation(Protocol):
    """One's own: a frozen, hashable function of a batch of inputs, over JAX's arrays."""

    def __call__(self, inputs: Any, key: Any) -> Any:
        """Changed inputs of the same shape; all that is drawn follows from the key."""
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

    DRAWS: ClassVar[int] = 6
    """Numbers from -1 to 1 for each image: angle, slant, height, width, down, across."""

    def changed(self, inputs: Any, draws: Any) -> Any:
        """The changed images, sampled with bilinear interpolation; what comes from outside is zero.

        Args:
            inputs: `[batch, rows, columns]`.
            draws: `[batch, DRAWS]`, each from -1 to 1.

        Example:
            >>> images = np.ones((2, 3, 3), np.float32)
            >>> bool((AffineImages().changed(images, np.zeros((2, 6), np.float32)) == images).all())
            True
        """
        xp = namespace(inputs)
        _, rows, columns = inputs.shape
        angle, shear, tall, wide, down, across = (draws[:, at, None, None] for at in range(self.DRAWS))
        angle, shear = self.rotation * angle, self.shear * shear
        tall, wide = 1 + self.scale * tall, 1 + self.scale * wide
        # Where each pixel of the new image comes from, about the middle: rotation, then slant, then stretch.
        y, x = xp.meshgrid(xp.arange(rows) - (rows - 1) / 2, xp.arange(columns) - (columns - 1) / 2, indexing="ij")
        cos, sin = xp.cos(angle), xp.sin(angle)
        from_y = (cos * y - sin * x) * tall + self.shift * down + (rows - 1) / 2
        from_x = (sin * y + cos * x + shear * y) * wide + self.shift * across + (columns - 1) / 2
        return _sampled(inputs, from_y, from_x)


def _sampled(images: Any, y: Any, x: Any) -> Any:
    """Bilinear interpolation at fractional positions `[batch, rows, columns]`; zero outside the image."""
    xp = namespace(images)
    batch, rows, columns = images.shape
    image = xp.arange(batch)[:, None, None]
    top, left = xp.floor(y).astype("int32"), xp.floor(x).astype("int32")
    below, right = y - top, x - left

    def at(row: Any, column: Any) -> Any:
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        return xp.where(inside, images[image, xp.clip(row, 0, rows - 1), xp.clip(column, 0, columns - 1)], 0)

    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return ((1 - below) * upper + below * lower).astype(images.dtype)
