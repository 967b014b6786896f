"""The kernels under JAX's transformations: each must give what the plain call gives, case by case."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cells_of_fused import KINDS, Rows, draw, value
from marks import needs_kernels

from latchwork.engines.jax.fused import fused_unroll

pytestmark = needs_kernels

BATCH, TIME, FEATURES, HIDDEN, MEMBERS = 6, 5, 3, 4, 3


def lstm_weights(rng, *members):
    shapes = {"input_weight": (FEATURES, 4 * HIDDEN), "hidden_weight": (HIDDEN, 4 * HIDDEN), "bias": (4 * HIDDEN,)}
    return {name: jnp.asarray(rng.normal(size=(*members, *shape)), jnp.float32) for name, shape in shapes.items()}


def loss(weights, inputs, lengths=None):
    state = (jnp.zeros((inputs.shape[0], HIDDEN)), jnp.zeros((inputs.shape[0], HIDDEN)))
    outputs, (hidden, cell) = fused_unroll("lstm", weights, inputs, state, lengths)
    return jnp.sum(outputs**2) + jnp.sum(hidden * cell)


def assert_close(got, expected):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def inputs_of(rng, *members):
    return jnp.asarray(rng.normal(size=(*members, BATCH, TIME, FEATURES)), jnp.float32)


@pytest.mark.parametrize("shared", ["nothing", "weights", "inputs"])
def test_vmap_is_a_loop_over_members(rng, shared):
    weights = lstm_weights(rng) if shared == "weights" else lstm_weights(rng, MEMBERS)
    inputs = inputs_of(rng) if shared == "inputs" else inputs_of(rng, MEMBERS)
    axes = (None if shared == "weights" else 0, None if shared == "inputs" else 0)
    value_and_grad = jax.value_and_grad(loss, argnums=(0, 1))
    got = jax.jit(jax.vmap(value_and_grad, axes))(weights, inputs)

    def member(i):
        w = weights if shared == "weights" else jax.tree.map(lambda a: a[i], weights)
        return value_and_grad(w, inputs if shared == "inputs" else inputs[i])

    expected = jax.tree.map(lambda *parts: jnp.stack(parts), *(member(i) for i in range(MEMBERS)))
    assert_close(got, expected)


def test_the_gradient_of_a_vmapped_loss_sums_over_shared_weights(rng):
    weights, inputs = lstm_weights(rng), inputs_of(rng, MEMBERS)
    got = jax.grad(lambda w: jax.vmap(loss, (None, 0))(w, inputs).sum())(weights)
    expected = jax.grad(lambda w: sum(loss(w, x) for x in inputs))(weights)
    assert_close(got, expected)


def test_nested_vmap(rng):
    weights, inputs = lstm_weights(rng, 2), inputs_of(rng, MEMBERS)
    got = jax.vmap(jax.vmap(loss, (None, 0)), (0, None))(weights, inputs)
    expected = [[loss(jax.tree.map(lambda a: a[i], weights), x) for x in inputs] for i in range(2)]  # noqa: B023
    np.testing.assert_allclose(got, expected, rtol=2e-5)


def test_shard_map_over_two_devices():
    """In a process of its own: JAX fixes the number of devices when it starts."""
    program = Path(__file__).with_name("sharded.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("kind", KINDS)
def test_vmap_over_weights_rows_and_both(kind):
    """Members along different axes of each array, half of the cases in reverse; gradients of vmap and vmap of them."""
    reverse = kind in ("gru", "peephole_lstm")
    weights, *rows = draw(kind, MEMBERS)
    members = [members_part((weights, *rows), i) for i in range(MEMBERS)]
    one, *row = members[0]
    slopes = jax.value_and_grad(partial(value, kind, reverse), (0, 1))
    second = jax.tree.map(lambda array: jnp.moveaxis(array, 0, 1), rows)  # members on the second axis

    def stacked(results):
        return jax.tree.map(lambda *parts: np.stack(parts), *results)

    assert_close(jax.jit(jax.vmap(slopes, (0, 1, 1)))(weights, *second), stacked(slopes(*each) for each in members))
    by_rows = stacked(slopes(one, *each[1:]) for each in members)
    assert_close(jax.vmap(slopes, (None, 0, 0))(one, *rows), by_rows)
    assert_close(jax.vmap(slopes, (0, None, None))(weights, *row), stacked(slopes(each[0], *row) for each in members))
    # The gradient of a vmapped sum: shared weights get the members' together.
    summed = jax.grad(lambda w: jax.vmap(partial(value, kind, reverse), (None, 1, 1))(w, *second).sum())(one)
    assert_close(summed, jax.tree.map(lambda part: part.sum(axis=0), by_rows[1][0]))


@pytest.mark.parametrize("kind", KINDS)
def test_jit_scan_and_remat_of_every_cell(kind):
    run = partial(value, kind, kind in ("lstm", "coupled_lstm"))  # some in reverse
    weights, *rows = draw(kind, MEMBERS)
    one = members_part(weights, 0)
    each = [jax.value_and_grad(run)(one, *members_part(rows, i)) for i in range(MEMBERS)]
    expected = jax.tree.map(lambda *parts: sum(parts), *each)

    def total(weights):
        step = lambda sum_, rows: (sum_ + run(weights, *rows) + jax.checkpoint(run)(weights, *rows), None)  # noqa: E731
        return jax.lax.scan(step, 0.0, rows)[0] / 2

    assert_close(jax.jit(jax.value_and_grad(total))(one), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_asked_for_is_computed(kind):
    """Of each operand alone, and of all: backward is called for just that, and without a gradient nothing is kept."""
    weights, rows, fixed = draw(kind)
    operands = {**weights, "inputs": rows.inputs, "state": rows.state}

    def of(given):
        return value(kind, False, {name: given[name] for name in weights}, Rows(given["inputs"], given["state"]), fixed)

    for asked in [*([name] for name in operands), list(operands)]:
        wanted = {name: operands[name] for name in asked}
        jaxpr = jax.make_jaxpr(jax.grad(lambda part: of(operands | part)))(wanted)
        (backward,) = [call for call in jaxpr.eqns if call.params.get("target_name") == "latchwork_backward"]
        shapes = sorted(array.shape for array in jax.tree.leaves(wanted))
        assert sorted(out.aval.shape for out in backward.outvars) == shapes, asked
    assert "latchwork_backward" not in str(jax.make_jaxpr(of)(operands))
    assert len(jax.make_jaxpr(of)(operands).eqns[0].outvars) == 1 + len(rows.state)


def members_part(tree, index):
    return jax.tree.map(lambda array: array[index], tree)


def test_a_sequence_without_a_step_keeps_its_state(rng):
    state = tuple(jnp.asarray(rng.normal(size=(2, HIDDEN)), jnp.float32) for _ in range(2))
    outputs, final = fused_unroll("lstm", lstm_weights(rng), jnp.ones((2, TIME, FEATURES)), state, jnp.array([0, TIME]))
    assert not outputs[0].any()
    np.testing.assert_array_equal(final[0][0], state[0][0])
    np.testing.assert_array_equal(final[1][0], state[1][0])
