"""Every kind of cell with random arrays, and one number made of all that it gives: what the transformations act on."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from latchwork.engines import native
from latchwork.engines.jax.fused import fused_unroll

KINDS = native.kinds() if native.available() else {}
BATCH, TIME, FEATURES, HIDDEN = 6, 5, 3, 4


class Rows(NamedTuple):
    """What has a row for each sequence and a gradient."""

    inputs: Any
    state: Any


class Fixed(NamedTuple):
    """What has a row for each sequence and no gradient."""

    mask: Any
    lengths: Any


def draw(kind: str, *leading: int, batch: int = BATCH, seed: int = 0) -> tuple[dict[str, Any], Rows, Fixed]:
    """Weights and rows, each array with `leading` axes."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Any:
        return jnp.asarray(rng.normal(size=(*leading, *shape)), jnp.float32)

    weights = {name: normal(*shape) for name, shape in native.weight_shapes(kind, FEATURES, HIDDEN).items()}
    lengths = jnp.asarray(rng.integers(0, TIME + 1, (*leading, batch)), jnp.int32)
    state = tuple(normal(batch, HIDDEN) for _ in KINDS[kind].states)
    mask = jnp.where(normal(batch, HIDDEN) > 0, 2.0, 0.0)
    return weights, Rows(normal(batch, TIME, FEATURES), state), Fixed(mask, lengths)


def value(kind: Any, reverse: bool, weights: dict[str, Any], rows: Rows, fixed: Fixed) -> jax.Array:
    """A number in which every output and final state takes part, with slopes of its own."""
    outputs, final = fused_unroll(
        kind, weights, rows.inputs, rows.state, fixed.lengths, reverse=reverse, hidden_mask=fixed.mask
    )
    return jnp.sum(jnp.sin(3 * outputs)) + sum(jnp.sum(jnp.cos(part)) for part in final)
