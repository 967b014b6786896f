"""What a recogniser is trained to make small: the surprise of the transcript, wherever its symbols lie in time."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from latchwork.engines.jax.layers import Key
from latchwork.engines.jax.network import Network, apply_layers
from latchwork.engines.jax.objectives import Batch
from latchwork.speech.symbols import BLANK


@dataclass(frozen=True)
class ConnectionistTemporal:
    """-log of the transcript's probability, summed over all ways of spreading it over the steps, a symbol (CTC).

    Graves, Fernandez, Gomez & Schmidhuber (2006). Batches hold `inputs`, `lengths`, and `targets` with -1 past a
    transcript's end.

    Args:
        time_mask, band_mask: steps, and bands of pitches, that are hidden from training in two places each, at most
            (SpecAugment: Park et al., 2019); the bands are features of one frame, in all frames of a step.
        bands: features of one frame.
    """

    time_mask: int = 5
    band_mask: int = 8
    bands: int = 40

    @property
    def names(self) -> tuple[str, ...]:
        """The loss alone; transcripts are compared where it counts, outside of the compiled program."""
        return ("loss",)

    def initial_carry(self, model: Network, batch_size: int) -> tuple[()]:
        """Nothing is carried."""
        return ()

    def draws(self, model: Network) -> bool:
        """Always: every batch is masked anew."""
        return True

    def __call__(
        self, model: Network, batch: Batch, carry: tuple[()], key: Key
    ) -> tuple[Float[Array, ""], tuple[Float[Array, " sums"], tuple[()]]]:
        """The mean loss a symbol, its weighted sum and the empty carry."""
        inputs, lengths, targets, weight = batch["inputs"], batch["lengths"], batch["targets"], batch["weight"]
        if key is not None:
            key, draw = jax.random.split(key)
            inputs = self._masked(inputs, draw)
        outputs = apply_layers(model.layers, inputs, lengths, key)
        past_end = (jnp.arange(outputs.shape[1]) >= lengths[:, None]).astype(outputs.dtype)
        none = (targets < 0).astype(outputs.dtype)
        cost = optax.ctc_loss(outputs, past_end, jnp.maximum(targets, 0), none, blank_id=BLANK)
        cost = cost / jnp.maximum((1 - none).sum(axis=1), 1)
        total = jnp.where(weight > 0, cost * weight, 0).sum()
        return total / jnp.maximum((weight > 0).sum(), 1), (jnp.stack([total, weight.sum()]), carry)

    def _masked(self, inputs: Float[Array, "batch time features"], key: PRNGKeyArray) -> Array:
        batch, time, features = inputs.shape
        keys = jax.random.split(key, 4)
        for at in (0, 2):
            hidden = _stretch(keys[at], batch, time, self.time_mask)[:, :, None]
            band = _stretch(keys[at + 1], batch, self.bands, self.band_mask)
            hidden |= jnp.tile(band, (1, features // self.bands))[:, None, :]
            inputs = jnp.where(hidden, 0, inputs)
        return inputs


def _stretch(key: PRNGKeyArray, batch: int, places: int, longest: int) -> Array:
    """For each row, whether a place lies in a stretch of 0 to `longest` places, drawn at random."""
    first_key, length_key = jax.random.split(key)
    length = jax.random.randint(length_key, (batch, 1), 0, longest + 1)
    first = jax.random.randint(first_key, (batch, 1), 0, places)
    place = jnp.arange(places)
    return (place >= first) & (place < first + length)
