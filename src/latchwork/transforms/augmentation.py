"""Changes to training sequences that leave their class as it is, drawn anew for each batch.

`AffineImages` and `SpectrogramMasks` are plain data: the engine that trains draws their numbers. One's own augmentation
is a function over JAX's arrays, and trains through JAX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from latchwork.core.arrays import namespace
from latchwork.core.errors import InputError


@runtime_checkable
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

    def changed(self, inputs: Any, draws: Any, lengths: Any = None) -> Any:
        """The changed images, sampled with bilinear interpolation; what comes from outside is zero.

        Args:
            inputs: `[batch, rows, columns]`.
            draws: `[batch, DRAWS]`, each from -1 to 1.
            lengths: not looked at: an image has all its rows.

        Example:
            >>> images = np.ones((2, 3, 3), np.float32)
            >>> bool((AffineImages().changed(images, np.zeros((2, 6), np.float32)) == images).all())
            True
        """
        del lengths
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


@dataclass(frozen=True)
class SpectrogramMasks:
    """Hides two stretches of steps and two of bands of each spectrogram (SpecAugment: Park et al., 2019).

    What is hidden is zero: the inputs' mean, where they were standardised.

    Args:
        time_mask: steps that a stretch has at most.
        band_mask: bands that a stretch has at most.
        bands: features of one frame; a step may hold several, and a band is hidden in all of them.
    """

    time_mask: int = 5
    band_mask: int = 8
    bands: int = 40

    DRAWS: ClassVar[int] = 8
    """Numbers from -1 to 1 for each spectrogram: twice the first step, the steps, the first band, the bands."""

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if self.time_mask < 0 or self.band_mask < 0 or self.bands < 1:
            raise InputError(f"masks of at least 0 steps and bands, and bands of at least 1 are needed, got {self!r}")

    def changed(self, inputs: Any, draws: Any, lengths: Any = None) -> Any:
        """The inputs with what is hidden at zero.

        Args:
            inputs: `[batch, time, features]`; the features are one or more frames of `bands`.
            draws: `[batch, DRAWS]`, each from -1 to 1, 1 left out.
            lengths: real steps `[batch]`, among which stretches lie; all where None.

        Example:
            >>> masks = SpectrogramMasks(time_mask=1, band_mask=0, bands=2)
            >>> draws = np.array([[0, 0.9, 0, 0, 0, -1, 0, 0]], np.float32)  # one step in the middle, and no other
            >>> masks.changed(np.ones((1, 3, 2), np.float32), draws)[0, :, 0].tolist()
            [1.0, 0.0, 1.0]
        """
        xp = namespace(inputs)
        batch, time, features = inputs.shape
        steps = xp.full((batch,), time) if lengths is None else lengths
        bands = xp.full((batch,), self.bands)
        for at in (0, 4):
            in_time = _stretch(draws[:, at : at + 2], steps, time, self.time_mask)[:, :, None]
            in_bands = _stretch(draws[:, at + 2 : at + 4], bands, self.bands, self.band_mask)
            of_frames = xp.tile(in_bands, (1, features // self.bands))[:, None, :]
            hidden = (in_time | of_frames) & (xp.arange(time) < steps[:, None])[:, :, None]
            inputs = xp.where(hidden, xp.zeros((), inputs.dtype), inputs)
        return inputs


def _stretch(draws: Any, places: Any, most: int, longest: int) -> Any:
    """For each row, whether a place lies in a stretch of 0 to `longest` of its `places`, `[batch, most]`."""
    xp = namespace(draws)

    def below(draw: Any, count: Any) -> Any:
        return xp.floor((draw + 1) * 0.5 * count)[:, None]

    first = below(draws[:, 0], places.astype(draws.dtype))
    place = xp.arange(most)
    return (place >= first) & (place < first + below(draws[:, 1], longest + 1))


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


DrawnChange = AffineImages | SpectrogramMasks
"""What the engines draw the numbers of."""
