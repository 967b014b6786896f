"""The kernels under JAX's transformations: each must give what the plain call gives, case by case."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

from latchwork.kernels import native
from latchwork.kernels.jax import fused_unroll

pytestmark = pytest.mark.skipif(not native.available(), reason=f"no kernels: {native.engine_info().reason}")

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


def test_scan_and_remat(rng):
    weights, inputs = lstm_weights(rng), inputs_of(rng, MEMBERS)

    def total(weights, run):
        return jax.lax.scan(lambda sum_, x: (sum_ + run(weights, x), None), 0.0, inputs)[0]

    expected = jax.grad(lambda w: sum(loss(w, x) for x in inputs))(weights)
    assert_close(jax.jit(jax.grad(total), static_argnums=1)(weights, loss), expected)
    assert_close(jax.jit(jax.grad(total), static_argnums=1)(weights, jax.checkpoint(loss)), expected)


def test_shard_map(rng):
    weights, inputs = lstm_weights(rng), inputs_of(rng)
    mesh = Mesh(np.array(jax.devices()[:1]), ("batch",))
    spec = PartitionSpec("batch")

    def mapped(weights, inputs):
        part = jax.shard_map(
            lambda w, x: loss(w, x)[None], mesh=mesh, in_specs=(PartitionSpec(), spec), out_specs=spec, check_vma=False
        )
        return part(weights, inputs).sum()

    assert_close(jax.jit(jax.value_and_grad(mapped))(weights, inputs), jax.value_and_grad(loss)(weights, inputs))


def test_computes_only_the_gradients_that_are_asked_for(rng):
    weights, inputs = lstm_weights(rng), inputs_of(rng)
    only_bias = jax.make_jaxpr(jax.grad(lambda bias: loss(weights | {"bias": bias}, inputs)))(weights["bias"])
    calls = [eqn for eqn in only_bias.eqns if eqn.params.get("target_name") == "latchwork_backward"]
    assert [out.aval.shape for eqn in calls for out in eqn.outvars] == [(4 * HIDDEN,)]


def test_a_sequence_without_a_step_keeps_its_state(rng):
    state = tuple(jnp.asarray(rng.normal(size=(2, HIDDEN)), jnp.float32) for _ in range(2))
    outputs, final = fused_unroll("lstm", lstm_weights(rng), jnp.ones((2, TIME, FEATURES)), state, jnp.array([0, TIME]))
    assert not outputs[0].any()
    np.testing.assert_array_equal(final[0][0], state[0][0])
    np.testing.assert_array_equal(final[1][0], state[1][0])
