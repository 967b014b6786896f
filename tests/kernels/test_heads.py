"""Recurrent weights of several heads, given as their blocks: what one matrix with zeros between them gives."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import needs_kernels

from latchwork.engines import native
from latchwork.engines.jax.fused import fused_unroll

pytestmark = needs_kernels

BATCH, TIME, FEATURES = 5, 6, 3
KINDS = native.kinds() if native.available() else {}


def whole_matrix(blocks: Any, gates: int) -> Any:
    """`[hidden, gates * hidden / heads]` as `[hidden, gates * hidden]`."""
    hidden, columns = blocks.shape
    width = columns // gates
    rows, heads = jnp.arange(hidden), hidden // width
    whole = jnp.zeros((hidden, gates, heads, width), blocks.dtype)
    return whole.at[rows, :, rows // width].set(blocks.reshape(hidden, gates, width)).reshape(hidden, gates * hidden)


@pytest.mark.parametrize(("heads", "width"), [(2, 3), (3, 20), (4, 70)])  # 70: threads share a step's columns
@pytest.mark.parametrize("kind", KINDS)
def test_heads_are_blocks_of_one_matrix(kind, heads, width):
    rng = np.random.default_rng(heads)
    hidden = heads * width
    weights = {
        name: jnp.asarray(rng.normal(size=shape) / shape[0] ** 0.5, jnp.float32)
        for name, shape in native.weight_shapes(kind, FEATURES, hidden, heads).items()
    }
    inputs = jnp.asarray(rng.normal(size=(BATCH, TIME, FEATURES)), jnp.float32)
    state = tuple(jnp.zeros((BATCH, hidden)) for _ in KINDS[kind].states)

    def run(whole: bool, weights: Any) -> Any:
        given = weights | {"hidden_weight": whole_matrix(weights["hidden_weight"], KINDS[kind].columns)}
        outputs, final = fused_unroll(kind, given if whole else weights, inputs, state, reverse=True)
        return jnp.sum(jnp.sin(3 * outputs)) + sum(jnp.sum(jnp.cos(part)) for part in final)

    expected, got = (jax.value_and_grad(run, 1)(whole, weights) for whole in (True, False))
    jax.tree.map(np.testing.assert_array_equal, got, expected)


def test_a_matrix_that_does_not_fall_into_heads_is_refused():
    weights = {"input_weight": np.ones((3, 24)), "hidden_weight": np.ones((6, 16)), "bias": np.zeros(24)}
    with pytest.raises(ValueError, match="hidden_weight has"):
        native.unroll("lstm", weights, np.ones((1, 5, 3)), (np.zeros((1, 6)),) * 2)
